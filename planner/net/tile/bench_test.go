package tile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"echelon/planner/net"
	"echelon/planner/net/tile"
)

// BenchmarkTile nets a tile of ordinary rows: 28 days, eleven opportunities, four orders a row.
func BenchmarkTile(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	tab := net.Table{Planned: 11}
	for k := range int32(12) {
		tab.Opps = append(tab.Opps, net.Opp{Order: 5*k/2 + 1, Receive: 5*k/2 + 2, Usable: 5*k/2 + 2})
	}
	form, _ := tile.Compile(&tab, 28)
	days := make([]uint16, 28*tile.Rows)
	for i := range days {
		days[i] = uint16(r.IntN(1000))
	}
	lot := tile.NewLot(&net.Lot{Pack: 3})
	f := blank()
	f.Lost = ^uint64(0)
	for l := range tile.Rows {
		f.OnHand[l], f.Safety[l], f.Cap[l] = int32(l%9), 2, -1
	}
	var cut [tile.Rows]int32
	for _, scalar := range []bool{true, false} {
		b.Run(fmt.Sprintf("scalar=%v", scalar), func(b *testing.B) {
			var t tile.Tile
			t.Scalar = scalar
			needs := 0
			for b.Loop() {
				t.Begin(&form, false)
				for l := range tile.Rows {
					t.Lot(l, &lot)
				}
				t.Set(f, ^uint64(0))
				t.Demand(days, &cut)
				t.Run()
				needs = 0
				for _, n := range t.Count {
					needs += int(n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tile.Rows, "ns/row")
			b.ReportMetric(float64(needs)/tile.Rows, "orders/row")
		})
	}
}
