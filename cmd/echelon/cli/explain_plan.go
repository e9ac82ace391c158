package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner"
)

// today is the order day of what is released today: the earliest order day there is.
func (e *explained) today() calendars.Day {
	for i := range e.Opportunities {
		if e.Opportunities[i].Release {
			return e.Opportunities[i].Order
		}
	}
	return e.Day0
}

// opportunities is the table of chances to order, with what moved each leg.
func (e *explained) opportunities(b *strings.Builder) {
	if len(e.Opportunities) == 0 {
		return
	}
	b.WriteString("\nopportunities (order, pick, depart: the source's days)\n")
	g := grid{
		head:  []string{"", "lane", "from", "order", "pick", "depart", "receive", "usable", "lasts to", "need", "wanted", "quantity"},
		right: []bool{false, false, false, false, false, false, false, false, false, true, true, true},
	}
	left := 0
	for i := range e.Opportunities {
		o := &e.Opportunities[i]
		if i >= 6 && o.Need == 0 && o.Wanted == 0 {
			left++
			continue
		}
		mark := fmt.Sprintf("%d", i+1)
		switch {
		case o.Release:
			mark += " now"
		case o.Quantity > 0 && !o.Promised:
			mark += " asked"
		}
		g.add(mark, o.Lane, o.Source, o.Order.String(), o.Pick.String(), o.Depart.String(), o.Receive.String(), o.Usable.String(),
			o.WindowEnd.String(), thousands(o.Need), thousands(o.Wanted), thousands(o.Quantity))
	}
	_ = g.text(b) // a strings.Builder takes everything
	if left > 0 {
		fmt.Fprintf(b, "  and %d more without a need\n", left)
	}
	legs := [5]string{"order", "pick", "departure", "arrival", "receipt"}
	for i := range e.Opportunities {
		var moved []string
		for leg, why := range e.Opportunities[i].Moved {
			if why != "" {
				moved = append(moved, fmt.Sprintf("%s set by %s", legs[leg], why))
			}
		}
		if len(moved) > 0 && i < 8 {
			fmt.Fprintf(b, "  %d: %s\n", i+1, strings.Join(moved, "; "))
		}
	}
}

// lines writes the ledger of every order of the plan.
func (e *explained) lines(b *strings.Builder) {
	head, shown := true, 0
	for i := range e.Opportunities {
		o := &e.Opportunities[i]
		if len(o.Steps) == 0 {
			continue
		}
		if shown++; shown > mostWindows {
			continue
		}
		if head {
			b.WriteString("\norders, step by step\n")
			head = false
		}
		fmt.Fprintf(b, "  %d: %s\n", i+1, steps(o.Steps))
		if o.Quantity > 0 {
			fmt.Fprintf(b, "     %s · tiers %d/%d/%d/%d · days of supply before it %d · urgency %d\n", packs(o.Quantity, o.Pack),
				o.Tiers[0], o.Tiers[1], o.Tiers[2], o.Tiers[3], o.DaysOfSupply, o.Urgency)
			fmt.Fprintf(b, "     %s\n", packsGiven(o))
		}
	}
	if shown > mostWindows {
		fmt.Fprintf(b, "  and %d more; --format json has all\n", shown-mostWindows)
	}
}

// nettings shows window by window what was there, what was missing, what was asked: of the first netting, and
// of those after a sharing gave less than was wanted. Trials and windows that keep what they were given are
// in the JSON form.
func (e *explained) nettings(b *strings.Builder) {
	g := grid{
		head:  []string{"netting", "order", "usable", "stock before", "missing for demand", "shelf", "safety", "need", "asked", "wanted"},
		right: []bool{false, true, false, true, true, true, true, true, true, true},
	}
	rounds := 0
	for _, n := range e.Nettings {
		when := n.When
		if strings.HasPrefix(when, "trial") {
			continue
		}
		if when == "round" {
			rounds++
			when = fmt.Sprintf("round %d of sharing", rounds)
		}
		for _, w := range n.Windows {
			if w.Held || w.Opportunity >= len(e.Opportunities) || w.Need == 0 && w.Wanted == 0 {
				continue
			}
			g.add(when, fmt.Sprint(w.Opportunity+1), e.Opportunities[w.Opportunity].Usable.String(), inputs.FormatMilli(w.Balance),
				thousands(w.N1), thousands(w.N2), thousands(w.N3), thousands(w.Need), thousands(w.Asked), thousands(w.Wanted))
		}
	}
	if len(e.Nettings) == 0 {
		return
	}
	b.WriteString("\nneeds, window by window (missing to keep 0, the shelf minimum, the whole floor)\n")
	if len(g.rows) == 0 {
		b.WriteString("  every window keeps its floor\n")
		return
	}
	e.first(b, &g, mostWindows)
}

// mostWindows is how many windows a table for people shows.
const mostWindows = 12

// first writes the first rows of a table and says how many are left out.
func (e *explained) first(b *strings.Builder, g *grid, most int) {
	left := len(g.rows) - most
	if left > 0 {
		g.rows = g.rows[:most]
	}
	_ = g.text(b) // a strings.Builder takes everything
	if left > 0 {
		fmt.Fprintf(b, "  and %d more; --format json has all\n", left)
	}
}

// shareWords say a sharing rule to a planner.
var shareWords = map[planner.ShareRule]string{
	planner.ShareDays: "fewest days of supply first", planner.ShareFill: "emptiest first", planner.ShareProportional: "least given of its want first",
	planner.SharePriority: "by the node's rank",
}

// sharing shows who wanted the source's stock and what each got, this node marked.
func (e *explained) sharing(b *strings.Builder) {
	for _, s := range e.Sharings {
		if s.Trial {
			continue // a preview, forgotten afterwards; in the JSON form
		}
		what := "sharing"
		var wanted, given int64
		for _, x := range s.Shares {
			wanted, given = wanted+x.Wanted, given+x.Given
		}
		fmt.Fprintf(b, "\n%s at %s, picks %s to %s: %s units wanted by %d orders, %s given", what, s.DC, s.From, s.To, thousands(wanted), len(s.Shares), thousands(given))
		if s.RoundsRun > 0 {
			fmt.Fprintf(b, ", after %d %s", s.RoundsRun, map[bool]string{true: "round", false: "rounds"}[s.RoundsRun == 1])
		}
		b.WriteByte('\n')
		if given == wanted {
			b.WriteString("  there was enough for all\n")
		} else {
			fmt.Fprintf(b, "  too little for all: tier by tier, within a tier by rank and pick day, then %s\n", shareWords[e.rule])
		}
		if k := len(s.Left); k > 0 {
			fmt.Fprintf(b, "  left there on %s: %s, at the end: %s\n", s.From, inputs.FormatMilli(s.Left[0]), inputs.FormatMilli(s.Left[k-1]))
		}
		e.shares(b, s.Shares)
	}
}

// shares lists a dozen orders: this node's, then those that were given most, then those that were given nothing.
func (e *explained) shares(b *strings.Builder, list []planner.Share) {
	list = slices.Clone(list)
	rank := func(x planner.Share) int {
		switch {
		case x.Node == e.Node:
			return 0
		case x.Given > 0:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(list, func(x, y planner.Share) int {
		return cmp.Or(cmp.Compare(rank(x), rank(y)), cmp.Compare(int64(x.Pick)*int64(1-min(rank(x), 1)), int64(y.Pick)*int64(1-min(rank(y), 1))),
			cmp.Compare(y.Given, x.Given), cmp.Compare(y.Wanted, x.Wanted), cmp.Compare(x.Node, y.Node))
	})
	most := [3]int{4, 6, 3}
	var shown [3]int
	g := grid{head: []string{"", "node", "pick", "wanted", "given", "packs"}, right: []bool{false, false, false, true, true, false}}
	for _, x := range list {
		r := rank(x)
		if shown[r] == most[r] {
			continue
		}
		shown[r]++
		mark := ""
		if r == 0 {
			mark = "▸"
		}
		g.add(mark, x.Node, x.Pick.String(), thousands(x.Wanted), thousands(x.Given), packsShort(x.Packs))
	}
	if len(g.rows) > 0 {
		_ = g.text(b) // a strings.Builder takes everything
	}
	if left := len(list) - len(g.rows); left > 0 {
		fmt.Fprintf(b, "  and %d more orders\n", left)
	}
}

// alternatives says what would happen without today's order, and what other chances there are.
func (e *explained) alternatives(b *strings.Builder) {
	if len(e.Opportunities) == 0 || len(e.Nettings) == 0 {
		return
	}
	b.WriteString("\nalternatives\n")
	first := &e.Opportunities[0]
	fmt.Fprintf(b, "  earlier: nothing ordered can be used before %s\n", first.Usable)
	for _, w := range e.Nettings[0].Windows {
		if w.Opportunity != 0 || w.Held || w.Need == 0 {
			continue
		}
		fmt.Fprintf(b, "  without order 1: %s short of demand, %s more under the shelf minimum, %s more under safety stock, by %s\n",
			units(w.N1), units(w.N2-w.N1), units(w.N3-w.N2), first.WindowEnd)
	}
	if len(e.Opportunities) > 1 {
		o := &e.Opportunities[1]
		fmt.Fprintf(b, "  later: the next chance is ordered %s on lane %s and usable %s\n", o.Order, o.Lane, o.Usable)
	}
	var other []string
	for i := range e.Opportunities {
		if o := &e.Opportunities[i]; o.Source != first.Source && !slices.Contains(other, o.Source) {
			other = append(other, o.Source)
		}
	}
	if len(other) > 0 {
		fmt.Fprintf(b, "  other sources in its table: %s\n", strings.Join(other, ", "))
	}
}

func units(n int64) string {
	if n == 1 {
		return "1 unit"
	}
	return thousands(n) + " units"
}
