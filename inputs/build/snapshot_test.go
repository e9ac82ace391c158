package build_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/inputs/build"
)

// demandOf lists a row's demand.
func demandOf(p *inputs.Partition, row int) []int64 {
	out := make([]int64, p.Horizon)
	for d := range out {
		out[d] = p.Demand(row, d)
	}
	return out
}

func TestRowsLieInTilesOfTheirDC(t *testing.T) {
	b := plain().build(t, options())
	net := b.Network
	if diff := cmp.Diff([]inputs.NodeIdx{0, 1}, net.DCs); diff != "" {
		t.Fatalf("DCs D1, D2: %s", diff)
	}
	for i, p := range b.Partitions {
		if p.DC != net.DCs[i] || p.Rows() != p.Tiles()*inputs.TileRows {
			t.Fatalf("partition %d: dc %d, %d rows in %d tiles", i, p.DC, p.Rows(), p.Tiles())
		}
		live := 0
		for row := range p.Item {
			if p.Item[row] == inputs.None {
				continue
			}
			live++
			tile := row / inputs.TileRows
			class := inputs.ClassIdx(inputs.None)
			if p.LaneSet[row] != inputs.None {
				class = net.LaneSets[p.LaneSet[row]].Class
			}
			if class != p.TileClass[tile] || p.TileOwn[tile] != (p.Node[row] == p.DC) {
				t.Errorf("row %d lies in a tile of another class", row)
			}
			if got := p.Find(p.Item[row], p.Node[row]); got != row {
				t.Errorf("Find gives row %d for row %d", got, row)
			}
		}
		if live != p.Live {
			t.Errorf("%d live rows, Live says %d", live, p.Live)
		}
	}
	if b.Partitions[0].Live != 5 || b.Partitions[1].Live != 2 {
		t.Errorf("live rows %d and %d, want 5 and 2", b.Partitions[0].Live, b.Partitions[1].Live)
	}
	want := [][]inputs.NodeIdx{{0}, {1}}
	if diff := cmp.Diff(want, net.Units); diff != "" {
		t.Errorf("units: %s", diff)
	}
}

func TestStoresWithTheSameCalendarsShareAClass(t *testing.T) {
	w := plain().with("nodes", "node kind zone put_away_days",
		"V vendor UTC -", "D1 dc UTC 1", "D2 dc UTC -", "S1 store UTC -", "S2 store UTC -", "S3 store UTC -")
	b := w.build(t, options())
	p1, r1 := sku(t, b, "A", "S1")
	_, r2 := sku(t, b, "A", "S2")
	net := b.Network
	if net.LaneSets[p1.LaneSet[r1]].Class != net.LaneSets[p1.LaneSet[r2]].Class || p1.LaneSet[r1] == p1.LaneSet[r2] {
		t.Error("S1 and S2 must have lane sets of their own and one class")
	}
}

func TestCascade(t *testing.T) {
	w := plain().with("parameters", "scope item category node group vendor name value",
		"tenant - - - - - safety_units 1", "group - - - north - safety_units 2", "item A - - - - safety_units 9",
		"item-node A - S1 - - safety_units 4", "vendor - - - - V moq 24", "category-node - food S3 - - dead_band 0.5",
		"category - food - - - dead_band 0.25", "node - - S3 - - safety_days 2.5").
		with("sourcing", "item lane pack moq", "A VD1 48 -")
	opt := options()
	opt.Defaults = map[string]string{"cover_days": "5", "rank": "7"}
	b := w.build(t, opt)
	names := inputs.ParameterNames()
	for _, c := range []struct {
		item, node, name string
		want             int64
		from             inputs.Scope
	}{
		{"A", "S1", "safety_units", 4, inputs.FromItemNode},
		{"A", "S2", "safety_units", 3, inputs.FromSKU},
		{"A", "S3", "safety_units", 9, inputs.FromItem},
		{"B", "S1", "safety_units", 2, inputs.FromGroup},
		{"B", "D1", "safety_units", 1, inputs.FromTenant},
		{"A", "S3", "safety_days", 2500, inputs.FromNode},
		{"A", "S1", "pack", 12, inputs.FromSKU},
		{"A", "S2", "pack", 6, inputs.FromColumn},
		{"B", "S1", "pack", 1, inputs.FromContract},
		{"B", "S1", "layer_packs", 4, inputs.FromColumn},
		{"A", "D1", "pack", 48, inputs.FromSourcing},
		{"A", "D1", "moq", 24, inputs.FromVendor},
		{"A", "S1", "moq", 0, inputs.FromContract},
		{"A", "S3", "dead_band", 500, inputs.FromCategoryNode},
		{"A", "S1", "dead_band", 250, inputs.FromCategory},
		{"A", "S1", "rank", 2, inputs.FromColumn},
		{"A", "S2", "rank", 7, inputs.FromPolicy},
		{"A", "S1", "cover_days", 5, inputs.FromPolicy},
		{"A", "S1", "policy", int64(inputs.PolicyCover), inputs.FromSKU},
		{"A", "S1", "shelf_capacity", -1, inputs.FromContract},
	} {
		p, row := sku(t, b, c.item, c.node)
		lot := b.Network.LotSets[p.LotSet[row]][0]
		got := map[string]int64{
			"safety_units": int64(p.SafetyUnits[row]), "safety_days": int64(p.SafetyDays[row]), "pack": int64(lot.Pack),
			"layer_packs": int64(lot.LayerPacks), "moq": int64(lot.MOQ), "dead_band": int64(lot.DeadBand),
			"rank": int64(p.Rank[row]), "cover_days": int64(p.CoverDays[row]), "policy": int64(p.Policy[row]),
			"shelf_capacity": int64(p.ShelfCap[row]),
		}[c.name]
		from := p.Provenance(b.Network, row)[slices.Index(names, c.name)]
		if got != c.want || from != c.from {
			t.Errorf("%s of %s at %s: %d from %s, want %d from %s", c.name, c.item, c.node, got, from, c.want, c.from)
		}
	}
}

func TestPositionAndDates(t *testing.T) {
	b := plain().build(t, options())
	p, row := sku(t, b, "A", "S2")
	// 02:00 UTC on 24 November is 20:00 on the 23rd in Chicago. Counted 12:00:30 UTC, 06:00:30 there: 17 h 59 min 30 s
	// to the day's end, a begun minute counting.
	if p.Day0Left[row] != 1080 || p.Day0Of[row] != 1440 {
		t.Errorf("day 0 counts %d of %d minutes, want 1080 of 1440", p.Day0Left[row], p.Day0Of[row])
	}
	if d := b.Network.Nodes.Day0[p.Node[row]]; d != day(t, "2026-11-23") {
		t.Errorf("day 0 of Chicago is %s", d)
	}
	p, row = sku(t, b, "A", "D1")
	if p.OnHand[row] != 100 || p.Reserved[row] != 5 || p.Flags[row]&inputs.FlagHeld != 0 || p.Flags[row]&inputs.FlagOwn == 0 {
		t.Errorf("position of A at D1: %d on hand, %d reserved, flags %b", p.OnHand[row], p.Reserved[row], p.Flags[row])
	}
	p, row = sku(t, b, "A", "S3")
	if p.Flags[row]&inputs.FlagHeld == 0 {
		t.Error("A at S3 has no inventory row: held")
	}
	p, row = sku(t, b, "B", "S1")
	if p.SaleTo[row] != day(t, "2026-12-31") || p.SaleFrom[row] != calendars.MinDay || p.Flags[row]&inputs.FlagDates == 0 {
		t.Errorf("dates of B at S1: %d to %s", p.SaleFrom[row], p.SaleTo[row])
	}
	opt := options()
	opt.MissingZero = true
	b = plain().build(t, opt)
	if p, row = sku(t, b, "A", "S3"); p.Flags[row]&inputs.FlagHeld != 0 {
		t.Error("missing_position zero: not held")
	}
}

func TestForecasts(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []string
		days int16
		want []int64 // the first days
	}{
		{
			"list, its last seven days repeat",
			[]string{"A S1 - - 2026-11-24 1;2;3;4;5;6;7;8;9 -"},
			9,
			[]int64{1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 3000},
		},
		{"fewer days", []string{"A S1 - - 2026-11-24 1;2;3 -"}, 3, []int64{1000, 2000, 3000, 1000, 2000, 3000, 1000}},
		{"a hole is 0", []string{"A S1 2026-11-24 1 - - -", "A S1 2026-11-26 3 - - -"}, 3, []int64{1000, 0, 3000, 1000, 0, 3000}},
		{
			"days before day 0 belong to the week",
			[]string{"A S1 - - 2026-11-19 1;2;3;4;5;6;7;8 -"},
			3,
			[]int64{6000, 7000, 8000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 2000},
		},
		{
			"ended before day 0",
			[]string{"A S1 - - 2026-11-20 1;2;3 -"},
			-1,
			[]int64{2000, 3000, 1000, 2000, 3000},
		},
		{
			"ended long before day 0",
			[]string{"A S1 - - 2026-10-01 9;1;2;3;4;5;6;7 -"},
			-46,
			[]int64{5000, 6000, 7000, 1000, 2000, 3000, 4000, 5000},
		},
		{"the latest issue counts day by day", []string{
			"A S1 - - 2026-11-24 1;1;1;1 2026-11-20T00:00:00Z", "A S1 - - 2026-11-25 7;0 2026-11-21T00:00:00Z",
			"A S1 - - 2026-11-24 5;5 -",
		}, 4, []int64{1000, 7000, 0, 1000, 1000, 7000, 0, 1000}},
		{"equal issues: the larger", []string{"A S1 - - 2026-11-24 1;2 -", "A S1 2026-11-25 1 - - -"}, 2, []int64{1000, 2000, 1000}},
		{
			"wide values",
			[]string{"A S1 - - 2026-11-24 65.535;65.536;4294967.296;0.001 -"},
			4,
			[]int64{65535, 65536, 4294967296, 1, 65535},
		},
		{"none", nil, 0, []int64{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			head := []string{"item node day demand from daily issued_at", "B S1 2026-11-24 1 - - -"}
			b := plain().with("forecasts", append(head, c.rows...)...).build(t, options())
			p, row := sku(t, b, "A", "S1")
			if got := demandOf(p, row)[:len(c.want)]; !slices.Equal(got, c.want) {
				t.Errorf("demand %v, want %v", got, c.want)
			}
			if p.ForecastDays[row] != c.days {
				t.Errorf("%d forecast days, want %d", p.ForecastDays[row], c.days)
			}
			if none := p.Flags[row]&inputs.FlagNoForecast != 0; none != (c.rows == nil) {
				t.Errorf("no forecast: %v", none)
			}
		})
	}
}

func TestOpenOrders(t *testing.T) {
	w := plain().with("open_orders",
		"order line item destination source lane ordered shipped received cancelled ordered_on pick_on due_on status release_id",
		"P1 1 A S1 D1 D1S1 12 - 2 1 2026-11-24 - 2026-11-28 released R1",       // Saturday: received on Monday
		"P2 1 A S1 - D1S1 10 - - - 2026-11-20 2026-11-23 2026-11-23 shipped -", // overdue, all shipped
		"P3 1 A D1 V VD1 60 - - - 2026-11-20 - 2026-11-25 confirmed -",         // put-away one day
		"P4 1 A S1 D1 D1S1 99 - - - - - 2026-11-25 planned R4",
		"P5 1 A S1 D1 D1S1 6 - 6 - - - 2026-11-25 received R5",
		"P6 1 A S1 D1 - 8 3 - - - - 2026-11-26 shipped -", // five not shipped, pick day unknown
		"P7 1 B S3 D1 - 4 - - - - 2026-11-30 2026-12-01 released -")
	b := w.build(t, options())
	p, row := sku(t, b, "A", "S1")
	type in struct {
		Day   int32
		Qty   int64
		Flags inputs.OrderFlags
		Ref   string
	}
	inbound := func(p *inputs.Partition, row int) (out []in) {
		lo, hi := inputs.Range(p.Inbound.Row, int32(row))
		for i := lo; i < hi; i++ {
			out = append(out, in{p.Inbound.Day[i], p.Inbound.Qty[i], p.Inbound.Flags[i], p.Inbound.Ref[i]})
		}
		return out
	}
	want := []in{{0, 10, inputs.OrderOverdue, "P2/1"}, {2, 8, 0, "P6/1"}, {6, 9, inputs.OrderToday, "P1/1"}}
	if diff := cmp.Diff(want, inbound(p, row)); diff != "" {
		t.Errorf("inbound of A at S1: %s", diff)
	}
	d1, own := sku(t, b, "A", "D1")
	if diff := cmp.Diff([]in{{2, 60, 0, "P3/1"}}, inbound(d1, own)); diff != "" {
		t.Errorf("inbound of A at D1: %s", diff)
	}
	if diff := cmp.Diff([]string{"R1", "R4", "R5"}, d1.Named); diff != "" {
		t.Errorf("named: %s", diff)
	}
	// Not yet shipped: P1 12 − 1 − 2 received, picked on its order day (no preparation on D1S1); P6 8 − 3.
	type out struct {
		Row, Day int32
		Qty      int64
		Ref      string
	}
	var got []out
	for i, r := range d1.Outbound.Row {
		got = append(got, out{r, d1.Outbound.Day[i], d1.Outbound.Qty[i], d1.Outbound.Ref[i]})
	}
	_, ownB := sku(t, b, "B", "D1")
	if diff := cmp.Diff([]out{{int32(own), 0, 9, "P1/1"}, {int32(own), 0, 5, "P6/1"}, {int32(ownB), 6, 4, "P7/1"}}, got); diff != "" {
		t.Errorf("outbound of D1: %s", diff)
	}
}

func TestReservedIncludesTransfers(t *testing.T) {
	w := plain().with("nodes", "node kind zone reserved_includes_transfers", "V vendor UTC -", "D1 dc UTC true",
		"D2 dc UTC -", "S1 store UTC -", "S2 store UTC -", "S3 store UTC -").
		with("open_orders", "order line item destination source ordered due_on status", "P1 1 A S1 D1 12 2026-11-28 released")
	b := w.build(t, options())
	p, row := sku(t, b, "A", "D1")
	if p.Flags[row]&inputs.FlagOutbound != 0 || len(p.Outbound.Row) != 0 {
		t.Error("the node's reserved stock holds the transfer already")
	}
}

func TestUnknownReferences(t *testing.T) {
	w := plain().
		with("skus", append(plain()["skus"], "X S1 - - -", "A S9 - - -", "A V - - -")...).
		with("lanes", append(plain()["lanes"], "L8 D1 S9 - - -", "L9 S1 S2 - - -")...).
		with("inventory", append(plain()["inventory"], "A S9 1 - -", "B S2 1 - -")...).
		with("sourcing", "item lane", "A nolane").
		with("parameters", "scope item node name value", "item-node Z S1 pack 2")
	b := w.build(t, options())
	for table, want := range map[string]inputs.Counts{
		"skus":       {Read: 10, Applied: 7, Quarantined: 3},
		"lanes":      {Read: 7, Applied: 5, Quarantined: 2},
		"inventory":  {Read: 8, Applied: 6, Quarantined: 1, Filtered: 1},
		"sourcing":   {Read: 1, Quarantined: 1},
		"parameters": {Read: 1, Quarantined: 1},
	} {
		if got := b.Report.Counts(table); got != want || !got.Balanced() {
			t.Errorf("%s: %+v, want %+v", table, got, want)
		}
	}
	for _, f := range b.Report.Faults {
		if f.Column == "" || f.Position == 0 || f.Hint == "" {
			t.Errorf("fault without column, position or hint: %+v", f)
		}
	}
}

func TestNodeOfUnknownCalendarTakesItsSKUsAlong(t *testing.T) {
	w := plain().with("calendars", "calendar rule weekdays", "other 1 1")
	b := w.build(t, options())
	if got := b.Report.Counts("nodes"); got.Quarantined != 1 {
		t.Errorf("nodes: %+v", got)
	}
	if got := b.Report.Counts("skus"); got.Quarantined != 2 {
		t.Errorf("SKUs at S1: %+v", got)
	}
}

func TestUnusedTablesAreNamed(t *testing.T) {
	b := plain().with("sales", "item node day units", "A S1 2026-11-20 3").build(t, options())
	if diff := cmp.Diff([]string{"sales"}, b.Report.Unused); diff != "" {
		t.Error(diff)
	}
}

func TestDay0MinutesOfClockChange(t *testing.T) {
	opt := options()
	opt.AsOf = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).UnixMicro() // clocks go back in Chicago
	b := plain().build(t, opt)
	p, row := sku(t, b, "A", "S2")
	if p.Day0Of[row] != 1500 || p.Day0Left[row] != 0 {
		t.Errorf("%d of %d: counted after day 0, want 0 of 1500", p.Day0Left[row], p.Day0Of[row])
	}
}

func TestFaultsAreKeptUpToALimitAndAllHandedOn(t *testing.T) {
	w := plain().with("inventory", append(plain()["inventory"], "X S1 1 - -", "Y S1 1 - -", "A S7 1 - -")...)
	opt := options()
	opt.MaxFaults = 2
	var all []inputs.Fault
	opt.Quarantine = func(f inputs.Fault) { all = append(all, f) }
	b := w.build(t, opt)
	if len(b.Report.Faults) != 2 || len(all) != 3 || all[2].Column != "node" || all[2].Value != "S7" || all[2].Position != 9 {
		t.Errorf("%d kept, handed on: %+v", len(b.Report.Faults), all)
	}
}

func TestOptionsReportAllTheirFaults(t *testing.T) {
	opt := options()
	opt.Horizon, opt.Defaults = 13, map[string]string{"pack": "0", "colour": "red"}
	_, err := build.Snapshot(context.Background(), plain().data(t, nil), opt)
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"horizon 13", "colour", "pack"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}
