package inputs

import (
	"fmt"
	"time"
)

// Gates decide before planning whether the counts of a cycle's inputs look like a night as usual. They are
// pure: counts in, verdicts out; the thresholds belong to the tenant's policy (gates.<table>.<measure>).

// Measure is what a gate looks at.
type Measure string

// Measures. Presence has no threshold: a required table must have rows.
const (
	MeasurePresence    Measure = "presence"
	MeasureQuarantined Measure = "quarantined" // share of the records read
	MeasureRows        Measure = "rows"        // share of rows lost against the last cycle
	MeasureUnconfirmed Measure = "unconfirmed" // share of a DC's releases unnamed when their grace ends
	MeasureFreshness   Measure = "freshness"   // age of the table's newest sign of life, in seconds
)

// Limit is a share in thousandths, of MeasureFreshness an age in seconds, that must not be exceeded. The zero value is
// the measure's default.
type Limit struct {
	Set   bool
	Never bool  // the gate does not close, whatever the share
	Share int64 // thousandths; seconds
}

// At makes a limit.
func At(thousandths int64) Limit { return Limit{Set: true, Share: thousandths} }

// Never makes a limit that nothing exceeds.
func Never() Limit { return Limit{Set: true, Never: true} }

// Threshold says from where on a measure of a table degrades the cycle and from where on it refuses it.
type Threshold struct {
	Table   string // "": every table that has no threshold of its own
	Measure Measure
	Degrade Limit
	Refuse  Limit
}

// Defaults of Refuse, in thousandths; nothing degrades by default.
const (
	refuseQuarantined = 50
	refuseRows        = 200
	refuseUnconfirmed = 500
)

// Verdict is a gate that did not pass. Kinds are stable.
type Verdict struct {
	Kind    string // required_table_empty, quarantined, rows_missing, stale, releases_unconfirmed
	Where   string // the table; the DC for releases_unconfirmed
	Hint    string
	Refused bool // else degraded: planned, and marked
}

// TableState is what is known of a table when the gates are asked.
type TableState struct {
	Table string
	Now   Counts
	Last  int64 // rows applied in the last cycle; 0: no cycle before, or no rows
	Age   int64 // seconds from the newest sign of life to the as-of; 0: just now, or not known
}

// Judge puts tables through the gates; verdicts are in the order of the contracts.
func Judge(tables []TableState, thresholds []Threshold) []Verdict {
	var out []Verdict
	for _, c := range Contracts() {
		var s TableState
		for i := range tables {
			if tables[i].Table == c.Table {
				s = tables[i]
			}
		}
		if c.Required && s.Now.Read == 0 {
			out = append(out, Verdict{
				Kind: "required_table_empty", Where: c.Table, Refused: true,
				Hint: "planning needs the table: deliver it with its rows",
			})
			continue
		}
		if v, closed := judge(thresholds, c.Table, MeasureQuarantined, s.Now.Quarantined, s.Now.Read); closed {
			v.Kind, v.Where = "quarantined", c.Table
			v.Hint = fmt.Sprintf("%d of %d rows are in quarantine: look at the first of them; gates.%s.quarantined sets the limit",
				s.Now.Quarantined, s.Now.Read, c.Table)
			out = append(out, v)
		}
		if v, closed := judge(thresholds, c.Table, MeasureRows, s.Last-s.Now.Applied, s.Last); closed {
			v.Kind, v.Where = "rows_missing", c.Table
			v.Hint = fmt.Sprintf("%d rows, the last cycle had %d: is the file whole? gates.%s.rows sets the limit",
				s.Now.Applied, s.Last, c.Table)
			out = append(out, v)
		}
		if v, closed := judge(thresholds, c.Table, MeasureFreshness, s.Age, 1000); closed {
			v.Kind, v.Where = "stale", c.Table
			v.Hint = fmt.Sprintf("nothing was heard of it for %v: has its feed stopped? gates.%s.freshness sets the limit",
				time.Duration(s.Age)*time.Second, c.Table)
			out = append(out, v)
		}
	}
	return out
}

// JudgeReleases puts a DC's remembered releases through the gate releases_unconfirmed. A refused DC is carried
// forward: its last published plan stays.
func JudgeReleases(dc string, g Grace, thresholds []Threshold) (Verdict, bool) {
	v, closed := judge(thresholds, "releases", MeasureUnconfirmed, g.Unnamed, g.Ending)
	if !closed {
		return Verdict{}, false
	}
	v.Kind, v.Where = "releases_unconfirmed", dc
	v.Hint = fmt.Sprintf("%d of %d releases whose grace ends are not named by any open order: is the order feed late? gates.releases.unconfirmed sets the limit",
		g.Unnamed, g.Ending)
	return v, true
}

// judge compares part ÷ whole with the thresholds of a measure; closed is false when the gate passes.
func judge(thresholds []Threshold, table string, m Measure, part, whole int64) (v Verdict, closed bool) {
	degrade, refuse := limits(thresholds, table, m)
	over := func(l Limit) bool { return l.Set && !l.Never && part > 0 && part*1000 > l.Share*whole }
	v.Refused = over(refuse)
	return v, v.Refused || over(degrade)
}

// limits gives the limits of a measure: the table's own, those of every table, the defaults, each by itself.
func limits(thresholds []Threshold, table string, m Measure) (degrade, refuse Limit) {
	degrade = Never()
	switch m {
	case MeasurePresence: // has no limit
	case MeasureFreshness: // sources differ: nothing is stale by default
		refuse = Never()
	case MeasureQuarantined:
		refuse = At(refuseQuarantined)
	case MeasureRows:
		refuse = At(refuseRows)
	case MeasureUnconfirmed:
		refuse = At(refuseUnconfirmed)
	}
	for _, name := range []string{"", table} {
		for _, t := range thresholds {
			if t.Table != name || t.Measure != m {
				continue
			}
			if t.Degrade.Set {
				degrade = t.Degrade
			}
			if t.Refuse.Set {
				refuse = t.Refuse
			}
		}
	}
	return degrade, refuse
}
