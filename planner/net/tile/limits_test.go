package tile_test

import (
	"testing"

	"echelon/planner/net"
	"echelon/planner/net/tile"
)

// At each limit a row is netted, one beyond it is left; what is netted is as the careful path says, so nothing wraps.
func TestLimits(t *testing.T) {
	const most = tile.MaxUnits
	receipts := func(units ...int64) func(*net.Row) {
		return func(r *net.Row) {
			for i, u := range units {
				r.Receipts = append(r.Receipts, net.Receipt{Day: int32(3 * i), Lane: -1, Units: u})
			}
		}
	}
	lastDay := func(day int32) func(*net.Row) {
		return func(r *net.Row) { r.Receipts = append(r.Receipts, net.Receipt{Day: day, Lane: -1, Units: 5}) }
	}
	cover := func(days int32) func(*net.Row) {
		return func(r *net.Row) { r.Policy, r.Cover = net.PolicyCover, days }
	}
	minMax := func(low, high int64) func(*net.Row) {
		return func(r *net.Row) { r.Policy, r.Min, r.Max = net.PolicyMinMax, low, high }
	}
	for _, c := range []struct {
		name     string
		at, over func(*net.Row)
	}{
		{"stock", func(r *net.Row) { r.Avail = most * 1000 }, func(r *net.Row) { r.Avail = (most + 1) * 1000 }},
		{"negative stock", func(r *net.Row) { r.Avail = 0 }, func(r *net.Row) { r.Avail = -1000 }},
		{"safety", func(r *net.Row) { r.Safety = most }, func(r *net.Row) { r.Safety = most + 1 }},
		{"presentation", func(r *net.Row) { r.Present = most }, func(r *net.Row) { r.Present = most + 1 }},
		{"min and max", minMax(most, most), minMax(0, most+1)},
		{"minimum order", func(r *net.Row) { r.LaneLots[0] = net.Lot{Pack: 5, MOQ: most} }, func(r *net.Row) { r.LaneLots[0] = net.Lot{Pack: 5, MOQ: most + 1} }},
		{"least order", func(r *net.Row) { r.LaneLots[0] = net.Lot{Pack: 4000, MOQ: most - 1} }, func(r *net.Row) { r.LaneLots[0] = net.Lot{Pack: 4096, MOQ: most - 1} }},
		{"pack", func(r *net.Row) { r.LaneLots[0].Pack = tile.MaxPack }, func(r *net.Row) { r.LaneLots[0].Pack = tile.MaxPack + 1 }},
		{"dead band", func(r *net.Row) { r.LaneLots[0].DeadBand = most }, func(r *net.Row) { r.LaneLots[0].DeadBand = most + 1 }},
		{"safety days", func(r *net.Row) { r.SafeDays = 399_999 }, func(r *net.Row) { r.SafeDays = 400_000 }},
		{"cover", cover(400), cover(401)},
		{"shelf life", func(r *net.Row) { r.Life = 400 }, func(r *net.Row) { r.Life = 401 }},
		{"open order", receipts(most), receipts(most + 1)},
		{"open orders", receipts(most/2, most/2), receipts(most/2, most/2, 1)},
		{"day of an open order", lastDay(600), lastDay(601)},
	} {
		for _, form := range []bool{true, false} {
			for _, demand := range []uint32{0, 1, 65_535, 65_536, 131_071} {
				var tl tile.Tile
				netted := func(set func(*net.Row)) bool {
					b := one(demand, set)
					tl.Scalar = form
					n, _ := compareForm(t, &tl, b)
					return n == 1
				}
				if !netted(c.at) || netted(c.over) {
					t.Errorf("%s, %d thousandths a day, scalar %v: netted at the limit %v, beyond it %v", c.name, demand, form, netted(c.at), netted(c.over))
				}
			}
		}
	}
}

// Demand beyond the narrow range leaves the row, on whichever day it is; the rows beside it are netted.
func TestWideDemandIsLeft(t *testing.T) {
	for day := range 28 {
		b := one(131_071, func(*net.Row) {})
		beside := *b.rows[5]
		b.rows[6] = &beside
		b.rows[6].Own = append([]int64(nil), b.rows[5].Own...)
		for d := range 28 {
			b.wide[d*tile.Rows+6] = b.wide[d*tile.Rows+5]
		}
		b.wide[day*tile.Rows+5], b.rows[5].Own[day] = 131_072, 131_072
		var tl tile.Tile
		if n, left := compareForm(t, &tl, b); n != 1 || left[tile.Wide] != 1 {
			t.Errorf("day %d: %d rows netted, left %v", day, n, left)
		}
	}
}

// one is a board with one row that has so much demand every day.
func one(demand uint32, set func(*net.Row)) *board {
	b := &board{h: 28}
	for a := int32(2); a < 34; a += 3 {
		b.tab.Opps = append(b.tab.Opps, net.Opp{Order: a - 1, Receive: a, Usable: a})
	}
	b.tab.Planned = len(b.tab.Opps) - 1
	row := &net.Row{Facts: net.Facts{H: 28, Lost: true, Avail: 7000, Cap: -1, From: net.FarPast, To: net.FarDay}}
	row.LaneLots = []net.Lot{{Pack: 6}}
	row.Own = make([]int64, 28)
	if demand > 65_535 {
		b.wide = make([]uint32, 28*tile.Rows)
	} else {
		b.days = make([]uint16, 28*tile.Rows)
	}
	for d := range row.Own {
		row.Own[d] = int64(demand)
		if b.wide != nil {
			b.wide[d*tile.Rows+5] = demand
		} else {
			b.days[d*tile.Rows+5] = uint16(demand)
		}
	}
	set(row)
	b.rows[5] = row
	return b
}
