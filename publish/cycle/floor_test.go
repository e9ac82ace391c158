package cycle

import (
	"context"
	"slices"
	"testing"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/inputs/build"
)

// TestUnderFloor: the floor of today by the parameters that planning reads, row by row.
func TestUnderFloor(t *testing.T) {
	const horizon, day0 = 14, calendars.Day(20_000)
	n := &inputs.Network{Horizon: horizon}
	n.Nodes.ID, n.Nodes.Day0 = []string{"S"}, []calendars.Day{day0}
	p := &inputs.Partition{Horizon: horizon}
	p.Alloc(inputs.TileRows)
	p.TileClass, p.TileOwn, p.TileWidth, p.TileAt = make([]inputs.ClassIdx, 1), make([]bool, 1), []uint8{2}, make([]int64, 1)
	p.D16 = make([]uint16, horizon*inputs.TileRows)
	for i := range p.Item {
		p.Item[i] = inputs.None
	}
	var want []string
	for row, c := range []struct {
		name  string
		set   func(row int)
		under bool
	}{
		{"a no floor", func(int) {}, false},
		{"b backorders alone", func(r int) { p.Backorders[r] = 6 }, true},
		{"c safety in units, met", func(r int) { p.SafetyUnits[r] = 5 }, false},
		{"d safety in units", func(r int) { p.SafetyUnits[r] = 6 }, true},
		{"e presentation", func(r int) { p.Presentation[r] = 6 }, true},
		{"f reserved and unusable", func(r int) { p.SafetyUnits[r], p.Reserved[r], p.Unusable[r] = 3, 2, 1 }, true},
		{"g no position", func(r int) { p.SafetyUnits[r], p.Flags[r] = 6, inputs.FlagHeld }, false},
		{"h two days and a half of demand, met", func(r int) { p.SafetyDays[r] = 2500 }, false},
		{"i three days of demand", func(r int) { p.SafetyDays[r] = 3000 }, true},
		{"j before its dates", func(r int) {
			p.SafetyUnits[r], p.Flags[r], p.SaleFrom[r], p.SaleTo[r] = 6, inputs.FlagDates, day0+1, day0+9
		}, false},
		{"k on its last day", func(r int) {
			p.SafetyUnits[r], p.Flags[r], p.SaleFrom[r], p.SaleTo[r] = 6, inputs.FlagDates, day0-3, day0
		}, true},
		{"l dated, the last that has begun", func(r int) {
			p.Flags[r], p.SafetyUnits[r] = inputs.FlagDatedSafety, 9
			s := &p.Safety
			s.Row, s.From, s.Units = append(s.Row, int32(r), int32(r), int32(r)), append(s.From, day0-2, day0, day0+1), append(s.Units, 9, 5, 9)
		}, false},
		{"m dated", func(r int) {
			p.Flags[r] = inputs.FlagDatedSafety
			s := &p.Safety
			s.Row, s.From, s.Units = append(s.Row, int32(r)), append(s.From, day0), append(s.Units, 6)
		}, true},
	} {
		n.Items.ID = append(n.Items.ID, c.name)
		p.Item[row], p.Node[row], p.OnHand[row] = inputs.ItemIdx(row), 0, 5
		for day := range horizon {
			p.D16[day*inputs.TileRows+row] = 2000
		}
		c.set(row)
		if c.under {
			want = append(want, c.name)
		}
	}
	report := &build.Report{}
	for _, c := range inputs.Contracts() {
		report.Tables = append(report.Tables, build.TableReport{Table: c.Table})
	}
	w := &Warm{kept: []*warmed{{
		built: &build.Built{Network: n, Partitions: []*inputs.Partition{p}, Report: report}, opt: build.Options{Horizon: horizon},
	}}}
	none := &Feed{Since: func(context.Context, any) (*Moves, string, error) {
		return &Moves{Before: inputs.Dataset{}, After: inputs.Dataset{}}, "", nil
	}}
	var got []string
	ok, err := w.UnderFloor(t.Context(), none, func(item, node string) { got = append(got, item) })
	if !ok || err != nil || !slices.Equal(got, want) {
		t.Errorf("under their floor: %q %v %v\nwant %q", got, ok, err, want)
	}
	moved := &Feed{Since: func(context.Context, any) (*Moves, string, error) { return nil, "rows moved in nodes", nil }}
	for _, w := range []*Warm{w, {}} {
		if ok, err := w.UnderFloor(t.Context(), moved, nil); ok || err != nil {
			t.Errorf("without a snapshot to patch: %v %v", ok, err)
		}
	}
}
