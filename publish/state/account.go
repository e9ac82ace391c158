package state

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Rules say how long releases count.
type Rules struct {
	GraceHours int
	FeedNone   bool // no order feed: releases count until their usable day
}

// putAwayMargin is how long after its receive day a release may still become usable: the longest put-away
// that is looked for when there is no order feed.
const putAwayMargin = 92 // days

// Account is what of the past counts for a DC in a cycle.
type Account struct {
	Counted    []string // cycles whose releases count, or end to count in this one, ascending by (as-of, id)
	CarryFrom  string   // cycle whose carry counts, "": none
	GraceUntil int64    // until when this cycle's own releases will count
}

// Past is what a cycle must know of a tenant's history to account for its DCs.
type Past struct {
	ByDC     map[string][]DC            // each ascending by (as-of, cycle)
	Replaced map[string]map[string]bool // DC → cycles that a published cycle replaced
}

// Past reads the history of a tenant.
func (s *Store) Past(ctx context.Context, tenant string) (*Past, error) {
	rows, err := s.AllDCs(ctx, tenant)
	if err != nil {
		return nil, err
	}
	cycles, err := s.Cycles(ctx, tenant)
	if err != nil {
		return nil, err
	}
	replaces := make(map[string]string)
	for i := range cycles {
		replaces[cycles[i].Cycle] = cycles[i].Replaces
	}
	p := &Past{ByDC: make(map[string][]DC), Replaced: make(map[string]map[string]bool)}
	for _, d := range rows {
		p.ByDC[d.DC] = append(p.ByDC[d.DC], d)
		if r := replaces[d.Cycle]; r != "" && d.State == DCPublished {
			if p.Replaced[d.DC] == nil {
				p.Replaced[d.DC] = make(map[string]bool)
			}
			p.Replaced[d.DC][r] = true
		}
	}
	return p, nil
}

// Account says what counts for a DC in the given cycle: published cycles of it up to the as-of whose grace
// was not over at the DC's cycle before, replaced ones left out. A cycle whose grace ended since then is
// among them: its unnamed releases are reported once and then forgotten.
func (p *Past) Account(dc string, in *Intent, rules Rules) Account {
	var counted []DC
	for _, d := range p.ByDC[dc] {
		if d.State != DCPublished || d.Cycle == in.Cycle || d.Cycle == in.Replaces || p.Replaced[dc][d.Cycle] || d.AsOf > in.AsOf {
			continue
		}
		counted = append(counted, d)
	}
	a := Account{GraceUntil: in.AsOf + int64(rules.GraceHours)*int64(time.Hour/time.Microsecond)}
	if len(counted) == 0 {
		return a
	}
	last := counted[len(counted)-1]
	a.CarryFrom = last.Cycle
	a.GraceUntil = max(a.GraceUntil, in.AsOf+(in.AsOf-last.AsOf)*3/2)
	today := in.AsOf / (24 * int64(time.Hour/time.Microsecond))
	for _, d := range counted {
		if d.GraceUntil > last.AsOf || rules.FeedNone && d.LastReceive+putAwayMargin >= today {
			a.Counted = append(a.Counted, d.Cycle)
		}
	}
	return a
}

// Superseded names the cycle that was planned for a DC without the releases of the given one, though it is
// later: "" when the given one may be published.
func (p *Past) Superseded(dc, cycle string, asOf int64) string {
	for _, d := range p.ByDC[dc] {
		if d.Cycle == cycle {
			if d.State == DCSuperseded {
				return later(d.Why)
			}
			continue
		}
		if d.AsOf > asOf && (d.State == DCPlanned || d.State == DCPublished) && !slices.Contains(d.Counted, cycle) {
			return d.Cycle
		}
	}
	return ""
}

// later reads the cycle's id back from the sentence that MarkPlanned wrote.
func later(why string) string {
	var id string
	if _, err := fmt.Sscanf(why, "cycle %s was planned", &id); err != nil {
		return "a later one"
	}
	return id
}
