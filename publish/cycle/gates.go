package cycle

import (
	"fmt"

	"echelon/inputs"
)

// verdict is what a gate says.
type verdict struct {
	Kind, Where, Hint string
	refuse            bool
}

// Measures of the gates and their defaults, in thousandths.
const (
	measureQuarantined = "quarantined" // share of the records read
	measureRows        = "rows"        // share of rows lost against the last cycle

	refuseQuarantined = 50
	refuseRows        = 200
)

// evaluate puts the counts of the input tables through the gates, in the order of the contracts. presence is
// false for snapshots made elsewhere, whose tables need not be listed.
func evaluate(gates []Gate, now map[string]Input, last map[string]int64, presence bool) []verdict {
	var out []verdict
	for _, c := range inputs.Contracts() {
		in, there := now[c.Table]
		if c.Required && presence && in.Read == 0 {
			out = append(out, verdict{"required_table_empty", c.Table, "the table is needed: deliver it with its rows", true})
			continue
		}
		if !there {
			continue
		}
		if in.Quarantined > 0 {
			d, r := limits(gates, c.Table, measureQuarantined, refuseQuarantined)
			out = judge(out, "quarantined", c.Table, in.Quarantined, in.Read, d, r, "rows broke their contract")
		}
		if before := last[c.Table]; before > in.Applied {
			d, r := limits(gates, c.Table, measureRows, refuseRows)
			out = judge(out, "rows_missing", c.Table, before-in.Applied, before, d, r, "fewer rows than in the last cycle")
		}
	}
	return out
}

// limits gives the thresholds of a measure: the policy's, else refusing at the default.
func limits(gates []Gate, table, measure string, refuse int64) (degradeAt, refuseAt int64) {
	for _, g := range gates {
		if g.Table == table && g.Measure == measure {
			return g.Degrade, g.Refuse
		}
	}
	return -1, refuse
}

// judge compares part ÷ whole with thresholds in thousandths.
func judge(out []verdict, kind, table string, part, whole, degradeAt, refuseAt int64, what string) []verdict {
	over := func(limit int64) bool { return limit >= 0 && part*1000 > limit*whole }
	hint := fmt.Sprintf("%d of %d %s; gates.%s sets the limits", part, whole, what, table)
	switch {
	case over(refuseAt):
		return append(out, verdict{kind, table, hint, true})
	case over(degradeAt):
		return append(out, verdict{kind, table, hint, false})
	}
	return out
}
