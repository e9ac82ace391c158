package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// shortage is a SKU that will lack goods.
type shortage struct {
	item, node string
	lost       int64 // units of demand that no order can serve in time
	short      int64 // units wanted against stock-out or empty shelf and not given
	value      int64 // minor units at the item's price, else cost; -1: unknown
	currency   string
}

func (s *shortage) units() int64 { return s.lost + s.short }

// text says the shortage in words.
func (s *shortage) text() string {
	var parts []string
	if s.lost > 0 {
		parts = append(parts, fmt.Sprintf("%s units missing before an order can arrive", thousands(s.lost)))
	}
	if s.short > 0 {
		parts = append(parts, fmt.Sprintf("%s units wanted and not given", thousands(s.short)))
	}
	text := strings.Join(parts, ", ")
	if s.value >= 0 {
		text += fmt.Sprintf(" (%s.%02d %s)", thousands(s.value/100), s.value%100, s.currency)
	}
	return text
}

// worstShortages reads the exceptions of a plan and keeps the n SKUs that lack the most by value, then by
// units. net may be nil: values are unknown then.
func worstShortages(ctx context.Context, dcs []*planfile.DC, net *inputs.Network, n int) ([]shortage, error) {
	var best []shortage
	trim := func() {
		slices.SortStableFunc(best, func(x, y shortage) int {
			return cmp.Or(cmp.Compare(y.value, x.value), cmp.Compare(y.units(), x.units()), cmp.Compare(x.item, y.item), cmp.Compare(x.node, y.node))
		})
		best = best[:min(n, len(best))]
	}
	for _, dc := range dcs {
		if dc.Manifest.Layer(planner.Exceptions) == nil {
			continue
		}
		for b, err := range dc.Merged(ctx, planner.Exceptions) {
			if err != nil {
				return nil, err
			}
			var at shortage
			keep := func() {
				if at.units() > 0 {
					at.price(net)
					best = append(best, at)
				}
				if len(best) > 4096 {
					trim()
				}
			}
			item, node, kind := b.Col("item"), b.Col("node"), b.Col("kind")
			for r := range b.Rows {
				if it, no := item.Str(r), node.Str(r); it != at.item || no != at.node {
					keep()
					at = shortage{item: it, node: no, value: -1}
				}
				switch kind.Str(r) {
				case planner.ExStockOut.String():
					at.lost += whole(b.Col("units"), r)
				case planner.ExShort.String():
					at.short += whole(b.Col("tier1"), r) + whole(b.Col("tier2"), r)
				}
			}
			keep()
		}
	}
	trim()
	return best, nil
}

// price values the shortage.
func (s *shortage) price(net *inputs.Network) {
	if net == nil {
		return
	}
	i, ok := slices.BinarySearch(net.Items.ID, s.item)
	if !ok {
		return
	}
	each := net.Items.Price[i]
	if each < 0 {
		each = net.Items.Cost[i]
	}
	if each >= 0 && each < 1<<40 && s.units() < 1<<22 {
		s.value, s.currency = each*s.units(), net.Items.Currency[i]
	}
}

// whole gives a number of a row, null as 0.
func whole(c *planfile.Column, r int) int64 {
	if c.Null(r) {
		return 0
	}
	return c.Ints[r]
}
