package build_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/inputs/build"
)

const hour = 3600_000_000

// release is 6 units of A for S1 from D1, ordered yesterday, at the dock tomorrow, in its grace.
func release(t *testing.T, id string) inputs.Release {
	return inputs.Release{
		ID: id, Item: "A", Destination: "S1", Source: "D1", Lane: "D1S1", Quantity: 6,
		OrderDay: day(t, "2026-11-23"), PickDay: day(t, "2026-11-24"), ReceiveDay: day(t, "2026-11-25"),
		Cycle: "c1", AsOf: asOf - 24*hour, GraceUntil: asOf + 12*hour,
	}
}

// receipts and promises of a row as text.
func receipts(p *inputs.Partition, row int) (out []string) {
	lo, hi := inputs.Range(p.Inbound.Row, int32(row))
	for i := lo; i < hi; i++ {
		out = append(out, fmt.Sprint(p.Inbound.Ref[i], " day ", p.Inbound.Day[i], " qty ", p.Inbound.Qty[i], " flags ", p.Inbound.Flags[i]))
	}
	return out
}

func promises(p *inputs.Partition, row int) (out []string) {
	lo, hi := inputs.Range(p.Outbound.Row, int32(row))
	for i := lo; i < hi; i++ {
		out = append(out, fmt.Sprint(p.Outbound.Ref[i], " day ", p.Outbound.Day[i], " qty ", p.Outbound.Qty[i]))
	}
	return out
}

func TestOverlayOfReleases(t *testing.T) {
	w := plain().with("open_orders",
		"order line item destination source lane ordered ordered_on due_on status release_id",
		"P1 1 A S1 D1 D1S1 4 2026-11-20 2026-11-26 planned NAMED", "P2 1 A S1 D1 D1S1 4 2026-11-20 2026-11-26 released -")
	b := w.build(t, options())
	for _, c := range []struct {
		name    string
		change  func(r *inputs.Release)
		opt     inputs.OverlayOptions
		receipt string // of the release
		promise string
		ending  int64
		unnamed int64
	}{
		{"in its grace", nil, inputs.OverlayOptions{}, "R day 1 qty 6 flags 4", "R day 0 qty 6", 0, 0},
		{
			"on a closed day received later", func(r *inputs.Release) { r.ReceiveDay = day(t, "2026-11-28") },
			inputs.OverlayOptions{},
			"R day 6 qty 6 flags 4", "R day 0 qty 6", 0, 0,
		},
		{
			"overdue", func(r *inputs.Release) { r.ReceiveDay = day(t, "2026-11-20"); r.PickDay = day(t, "2026-11-19") },
			inputs.OverlayOptions{},
			"R day 0 qty 6 flags 5", "R day 0 qty 6", 0, 0,
		},
		{
			"released today", func(r *inputs.Release) { r.OrderDay = day(t, "2026-11-24") },
			inputs.OverlayOptions{},
			"R day 1 qty 6 flags 6", "R day 0 qty 6", 0, 0,
		},
		{"named by a planned order", func(r *inputs.Release) { r.ID = "NAMED" }, inputs.OverlayOptions{}, "", "", 0, 0},
		{"grace over", func(r *inputs.Release) { r.GraceUntil = asOf }, inputs.OverlayOptions{}, "R day 1 qty 6 flags 12", "", 1, 1},
		{"grace over and named", func(r *inputs.Release) { r.GraceUntil, r.ID = asOf, "NAMED" }, inputs.OverlayOptions{}, "", "", 1, 0},
		{
			"grace over since the last cycle's", func(r *inputs.Release) { r.GraceUntil = asOf - hour },
			inputs.OverlayOptions{LastAsOf: asOf - hour},
			"", "", 0, 0,
		},
		{
			"no order feed", func(r *inputs.Release) { r.GraceUntil = asOf - 90*hour },
			inputs.OverlayOptions{OrderFeedNone: true},
			"R day 1 qty 6 flags 4", "R day 0 qty 6", 0, 0,
		},
		{
			"no order feed, picked before", func(r *inputs.Release) { r.PickDay = day(t, "2026-11-23") },
			inputs.OverlayOptions{OrderFeedNone: true},
			"R day 1 qty 6 flags 4", "", 0, 0,
		},
		{
			"no order feed, usable before day 0", func(r *inputs.Release) { r.ReceiveDay = day(t, "2026-11-23"); r.PickDay = r.ReceiveDay },
			inputs.OverlayOptions{OrderFeedNone: true},
			"", "", 0, 0,
		},
		{"unknown item", func(r *inputs.Release) { r.Item = "Z" }, inputs.OverlayOptions{}, "", "", 0, 0},
		{"unknown destination", func(r *inputs.Release) { r.Destination = "S9" }, inputs.OverlayOptions{}, "", "", 0, 0},
		{
			"from a vendor to the DC", func(r *inputs.Release) { r.Source, r.Lane, r.Destination, r.GraceUntil = "V", "VD1", "D1", asOf },
			inputs.OverlayOptions{},
			"", "", 1, 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := release(t, "R")
			if c.change != nil {
				c.change(&r)
			}
			p, row := sku(t, b, "A", "S1")
			before := receipts(p, row)
			out, grace := inputs.Overlay(p, b.Network, []inputs.Release{r, r}, nil, asOf, c.opt)
			got := receipts(out, row)
			want := append([]string(nil), before...)
			if c.receipt != "" {
				want = append(want, c.receipt)
			}
			slices.SortFunc(got, compareText)
			slices.SortFunc(want, compareText)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("receipts: %s", diff)
			}
			own := p.Find(p.Item[row], p.DC)
			want = promises(p, own)
			if c.promise != "" {
				want = append(want, c.promise)
			}
			got = promises(out, own)
			slices.SortFunc(got, compareText)
			slices.SortFunc(want, compareText)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("promises: %s", diff)
			}
			if grace != (inputs.Grace{Ending: c.ending, Unnamed: c.unnamed}) {
				t.Errorf("grace %+v", grace)
			}
			if diff := cmp.Diff(before, receipts(p, row)); diff != "" {
				t.Errorf("the partition below changed: %s", diff)
			}
			if c.promise != "" && (out.Flags[own]&inputs.FlagOutbound == 0 || out.Flags[row]&inputs.FlagInbound == 0) {
				t.Error("rows with entries must have their flags")
			}
		})
	}
}

func compareText(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func TestOverlayUsesTheTablesToo(t *testing.T) {
	w := plain().with("releases",
		"release_id item destination source lane quantity order_day pick_day receive_day cycle as_of grace_until",
		"T1 A S1 D1 D1S1 6 2026-11-23 2026-11-24 2026-11-25 c1 2026-11-23T02:00:00Z 2026-11-25T02:00:00Z").
		with("carry", "item node units", "A S1 9", "A S2 2")
	b := w.build(t, options())
	p, row := sku(t, b, "A", "S1")
	if !slices.Equal(carryOf(b, p), []string{"S1 9", "S2 2"}) {
		t.Errorf("carry of the table: %v", carryOf(b, p))
	}
	out, _ := inputs.Overlay(p, b.Network, nil, nil, asOf, inputs.OverlayOptions{})
	if diff := cmp.Diff([]string{"T1 day 1 qty 6 flags 4"}, receipts(out, row)); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(carryOf(b, out), []string{"S1 9", "S2 2"}) {
		t.Error("nil leaves the carry")
	}
	given := release(t, "T1")
	given.Quantity = 7
	out, _ = inputs.Overlay(p, b.Network, []inputs.Release{given}, []inputs.CarryEntry{{Item: "A", Node: "D1", Units: 3}, {Item: "A", Node: "S9", Units: 1}}, asOf, inputs.OverlayOptions{})
	if diff := cmp.Diff([]string{"T1 day 1 qty 7 flags 4"}, receipts(out, row)); diff != "" {
		t.Errorf("of equal ids the given one counts: %s", diff)
	}
	if !slices.Equal(carryOf(b, out), []string{"D1 3"}) || out.Flags[row]&inputs.FlagCarry != 0 {
		t.Errorf("the given carry replaces the table's: %v", carryOf(b, out))
	}
}

func carryOf(b *build.Built, p *inputs.Partition) (out []string) {
	for i, row := range p.Carry.Row {
		if p.Flags[row]&inputs.FlagCarry == 0 {
			out = append(out, "no flag")
		}
		out = append(out, fmt.Sprint(b.Network.Nodes.ID[p.Node[row]], " ", p.Carry.Units[i]))
	}
	slices.Sort(out)
	return out
}

// TestRedirectedOrderNamesItsReleaseWhereItWasIssued leads the order of a release from S1 of D1 to a node of another
// DC: the release counts no more where it was issued, or its units would be expected twice.
func TestRedirectedOrderNamesItsReleaseWhereItWasIssued(t *testing.T) {
	const id = "c1/D1/store-orders/A/1"
	for to, counts := range map[string]bool{"D2 D2 V VD2": false, "": true} {
		w := plain()
		if to != "" {
			f := strings.Fields(to)
			w = w.with("open_orders", "order line item destination source lane ordered ordered_on due_on status release_id",
				"P1 1 A "+f[0]+" "+f[2]+" "+f[3]+" 6 2026-11-23 2026-11-26 released "+id)
		}
		b := w.build(t, options())
		p, row := sku(t, b, "A", "S1")
		out, _ := inputs.Overlay(p, b.Network, []inputs.Release{release(t, id)}, nil, asOf, inputs.OverlayOptions{})
		if got := len(receipts(out, row)) == 1; got != counts {
			t.Errorf("order led to %q: the release counts at S1: %t, want %t", to, got, counts)
		}
	}
}
