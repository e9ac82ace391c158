package net

import (
	"fmt"
	"strings"
	"testing"
)

// daily gives a row whose demand is the same every day, in milli-units.
func daily(h int, demand int64, f Facts) *Row {
	f.H = h
	if f.From == 0 && f.To == 0 {
		f.From, f.To = FarPast, FarDay
	}
	r := &Row{Facts: f, Own: make([]int64, h), LaneLots: []Lot{{Pack: 1}}}
	for t := range r.Own {
		r.Own[t] = demand
	}
	return r
}

// usable gives a table with these usable days, each ordered two days before and received the day before.
func usable(days ...int32) *Table {
	t := &Table{Planned: len(days)}
	for _, a := range days {
		t.Opps = append(t.Opps, Opp{Order: max(0, a-2), Pick: max(0, a-2), Depart: max(0, a-2), Receive: a - 1, Usable: a})
	}
	return t
}

var words = [...]string{
	"need", "order_up_to", "cover_days", "min_order", "pack", "layer", "pallet", "dead_band", "expedite_instead",
	"size_conflict", "shelf_cap", "shelf_life", "season_end",
}

func text(r *Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d", r.Wanted)
	for _, s := range r.Steps {
		fmt.Fprintf(&b, " %s%+d", words[s.Reason], s.Change)
	}
	if r.Marks != 0 {
		fmt.Fprintf(&b, " marks=%d", r.Marks)
	}
	return b.String()
}

func run(r *Row, tab *Table) []Result {
	r.Prepare(tab, 0)
	var p Pass
	p.Run(r, tab, nil, nil)
	return p.Results
}

// Each case is one row with 2 units a day over 14 days, usable on days 2 and 5, so that the first window is days
// 2 to 4 (6 units) and the second 5 to 7, as long as the one before.
func TestOrderOfOneWindow(t *testing.T) {
	const none = -1
	cases := []struct {
		name  string
		facts Facts
		lot   Lot
		in    []Receipt
		want  string // of the first opportunity
	}{
		{"4 at hand lose all by day 1: 6 for the window", Facts{Lost: true, Avail: 4000, Cap: none}, Lot{Pack: 1}, nil, "6 need+6"},
		{"1 at hand: the day-0 loss is not ordered into the past", Facts{Lost: true, Avail: 1000, Cap: none}, Lot{Pack: 1}, nil, "6 need+6"},
		{"1 at hand, backordered: 3 owed too", Facts{Avail: 1000, Cap: none}, Lot{Pack: 1}, nil, "9 need+9"},
		{"a negative opening of a lost row stays owed", Facts{Lost: true, Avail: -1000, Cap: none}, Lot{Pack: 1}, nil, "7 need+7"},
		{"floor 3", Facts{Lost: true, Avail: 4000, Safety: 2, Present: 3, Cap: none}, Lot{Pack: 1}, nil, "9 need+9"},
		{"1.5 days of forward demand are 3 units", Facts{Lost: true, Avail: 4000, SafeDays: 1500, Cap: none}, Lot{Pack: 1}, nil, "9 need+9"},
		{"packs of 4", Facts{Lost: true, Avail: 4000, Cap: none}, Lot{Pack: 4}, nil, "8 need+6 pack+2"},
		{"minimum 9, itself up to packs of 4", Facts{Lost: true, Avail: 4000, Cap: none}, Lot{Pack: 4, MOQ: 9}, nil, "12 need+6 min_order+6"},
		{
			"ordered today already: the minimum is met",
			Facts{Lost: true, Avail: 4000, Cap: none},
			Lot{Pack: 4, MOQ: 9},
			[]Receipt{{Day: 9, Lane: 0, Today: true, Units: 1}},
			"8 need+6 pack+2",
		},
		{"a layer of 4 packs within a third of 6", Facts{Lost: true, Avail: 4000, Cap: none}, Lot{Pack: 2, LayerPacks: 4, Tolerance: 334}, nil, "8 need+6 layer+2"},
		{"a layer just beyond the tolerance", Facts{Lost: true, Avail: 4000, Cap: none}, Lot{Pack: 2, LayerPacks: 4, Tolerance: 333}, nil, "6 need+6"},
		{"layer and pallet against the packs before both", Facts{Lost: true, Avail: 4000, Cap: none}, Lot{Pack: 2, LayerPacks: 4, PalletPacks: 5, Tolerance: 667}, nil, "10 need+6 layer+2 pallet+2"},
		{"a need of safety stock under half a pack is nothing", Facts{Lost: true, Avail: 10000, Safety: 1, Cap: none}, Lot{Pack: 3, DeadBand: 500}, nil, "0 need+1 dead_band-1"},
		{"a stock-out is ordered whatever the dead band", Facts{Lost: true, Avail: 9000, Cap: none}, Lot{Pack: 3, DeadBand: 500}, nil, "3 need+1 pack+2"},
		{
			"a later receipt cures it",
			Facts{Lost: true, Avail: 10000, Safety: 1, Cap: none},
			Lot{Pack: 1},
			[]Receipt{{Day: 3, Lane: -1, Units: 3}},
			"0",
		},
		{
			"a later receipt would cure it",
			Facts{Lost: true, Avail: 8000, Safety: 2, Cap: none},
			Lot{Pack: 1},
			[]Receipt{{Day: 4, Lane: -1, Units: 5}},
			"0 need+2 expedite_instead-2 marks=8",
		},
		{"max 20 when under min", Facts{Lost: true, Avail: 12000, Policy: PolicyMinMax, Min: 4, Max: 20, Cap: none}, Lot{Pack: 1}, nil, "14 order_up_to+14"},
		{"not under min", Facts{Lost: true, Avail: 14000, Policy: PolicyMinMax, Min: 4, Max: 20, Cap: none}, Lot{Pack: 1}, nil, "0"},
		{"max too low for the floor", Facts{Lost: true, Avail: 4000, Policy: PolicyMinMax, Min: 1, Max: 3, Safety: 5, Cap: none}, Lot{Pack: 1}, nil, "5 need+11 order_up_to-6 marks=4"},
		{"cover 5 days", Facts{Lost: true, Avail: 4000, Policy: PolicyCover, Cover: 5, Cap: none}, Lot{Pack: 1}, nil, "10 need+6 cover_days+4"},
		{"cover less than the window", Facts{Lost: true, Avail: 4000, Policy: PolicyCover, Cover: 2, Cap: none}, Lot{Pack: 1}, nil, "6 need+6"},
		{"shelf of 5", Facts{Lost: true, Avail: 4000, Cap: 5}, Lot{Pack: 1}, nil, "5 need+6 shelf_cap-1"},
		{"shelf of 3, first pack of 4 against running out", Facts{Lost: true, Avail: 4000, Cap: 3}, Lot{Pack: 4}, nil, "4 need+6 pack+2 shelf_cap-4 marks=2"},
		{"shelf of 3, only safety stock", Facts{Lost: true, Avail: 10000, Safety: 4, Cap: 8}, Lot{Pack: 4}, nil, "0 need+4 shelf_cap-4 marks=1"},
		{
			"shelf counts a later receipt",
			Facts{Lost: true, Avail: 4000, Cap: 12},
			Lot{Pack: 1},
			[]Receipt{{Day: 6, Lane: -1, Units: 17}},
			"3 need+6 shelf_cap-3",
		},
		{"shelf life of 3 from receiving: days 2 and 3", Facts{Lost: true, Avail: 4000, Life: 3, Cap: none}, Lot{Pack: 1}, nil, "4 need+6 shelf_life-2"},
		{"shelf life under a pack", Facts{Lost: true, Avail: 4000, Life: 3, Cap: none}, Lot{Pack: 5}, nil, "0 need+6 pack+4 shelf_life-10 marks=1"},
		{"season ends on day 3", Facts{Lost: true, Avail: 4000, Safety: 5, From: FarPast, To: 3, Cap: none}, Lot{Pack: 1}, nil, "4 need+9 season_end-5"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := daily(14, 2000, c.facts)
			r.LaneLots[0] = c.lot
			r.Receipts = c.in
			if got := text(&run(r, usable(2, 5))[0]); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestExpediteWhenALaterReceiptCures(t *testing.T) {
	// Stock at the end of days 2, 3, 4: 4, 2, 6; floor 3: only day 3 is under it, and 6 units come on day 4.
	r := daily(14, 2000, Facts{Lost: true, Avail: 10000, Safety: 3, Cap: -1})
	r.Receipts = []Receipt{{Day: 4, Lane: -1, Entry: 7, Units: 6}}
	res := run(r, usable(2, 5))[0]
	if got := text(&res); got != "0 need+1 expedite_instead-1 marks=8" || res.NeededDay != 3 || res.Late != 0 {
		t.Errorf("got %s, needed day %d, receipt %d", got, res.NeededDay, res.Late)
	}
	r.Expedited = true
	if got := text(&run(r, usable(2, 5))[0]); got != "1 need+1" {
		t.Errorf("ordered all the same: got %s", got)
	}
}

func TestLotsAreEatenFirst(t *testing.T) {
	// 10 at hand, 8 of them usable to day 2 only. Demand before day 2 takes 4 of those; the 4 left expire before
	// day 5 (received on day 1, life 5), so 2 last: 8 for days 2 to 5, less 2.
	r := daily(14, 2000, Facts{Lost: true, Avail: 10000, Life: 5, Safety: 20, Cap: -1})
	r.Lots = []LotStock{{Expires: 2, Units: 8}}
	if got := text(&run(r, usable(2, 5))[0]); got != "6 need+20 shelf_life-14" {
		t.Errorf("got %s", got)
	}
}

func TestWindowsAndTiersOfADC(t *testing.T) {
	// Children want 3 (tier 1), 2 (tier 2), 1 (tier 3) and 4 (tier 4) units on day 3; own demand 1 a day; floor 2
	// with presentation 1; 2 at hand at the end of day 1.
	r := daily(14, 1000, Facts{Avail: 4000, Safety: 2, Present: 1, Cap: -1})
	for tier, units := range [4]int64{3, 2, 1, 4} {
		r.Dep[tier], r.DepEnd[tier] = make([]int64, 14), make([]int64, 14)
		r.Dep[tier][3] = units
	}
	res := run(r, usable(2, 5))[0]
	// At the end of day 4: 2 − 3 own = −1; with tier 1 −4, tiers 1 to 2 −6, 1 to 3 −7, all −11.
	if res.N1 != 4 || res.N2 != 7 || res.N3 != 9 || res.Need != 13 || res.Wanted != 13 {
		t.Errorf("n %d %d %d, need %d, wanted %d", res.N1, res.N2, res.N3, res.Need, res.Wanted)
	}
}

func TestWindowEnds(t *testing.T) {
	tab := usable(2, 5, 9)
	for k, want := range []int32{4, 8, 12} {
		if got := tab.End(k, 0); got != want {
			t.Errorf("window %d ends on %d, want %d", k, got, want)
		}
	}
	if got := tab.End(2, 6); got != 14 {
		t.Errorf("cover days: ends on %d, want 14", got)
	}
	if got := usable(3).End(0, 0); got != 9 {
		t.Errorf("a single one ends on %d, want 9", got)
	}
}

func TestHoldAndRaise(t *testing.T) {
	r, tab := daily(14, 2000, Facts{Lost: true, Cap: -1}), usable(2, 5)
	r.Prepare(tab, 0)
	var p Pass
	p.Run(r, tab, []Mode{Hold, Raise}, []int64{2, 3})
	if got := text(&p.Results[1]); got != "6 need+6" || p.Results[1].Start != 0 {
		t.Errorf("two units held lose four: got %s from %d", got, p.Results[1].Start)
	}
	p.Run(r, tab, []Mode{Hold, Raise}, []int64{9, 3})
	if got := text(&p.Results[1]); got != "3 need+3" {
		t.Errorf("nine units held leave three: got %s", got)
	}
}
