package tile_test

import (
	"testing"

	"echelon/planner/net"
	"echelon/planner/net/tile"
)

// blank gives facts of rows without any, but for caps of 0.
func blank() *tile.Facts {
	var f tile.Facts
	for _, c := range []**[tile.Rows]int32{
		&f.OnHand, &f.Unusable, &f.Reserved, &f.Backorders, &f.Safety, &f.Present, &f.SafeDays, &f.Cap, &f.Min, &f.Max,
	} {
		*c = new([tile.Rows]int32)
	}
	f.Cover, f.Life = new([tile.Rows]int16), new([tile.Rows]int16)
	return &f
}

// FuzzTile draws boards from what the fuzzer finds.
func FuzzTile(f *testing.F) {
	for s := range uint8(sizes) {
		f.Add(uint64(s)+1, s)
	}
	var tl tile.Tile
	f.Fuzz(func(t *testing.T, seed uint64, large uint8) {
		compare(t, &tl, deal(seed, size(large%uint8(sizes))))
	})
}

// A tile that was in use before nets as a new one does, and allocates nothing.
func TestTileIsReused(t *testing.T) {
	var tl tile.Tile
	boards := make([]*board, 6)
	for i := range boards {
		boards[i] = deal(uint64(i), size(i)%sizes)
		compare(t, &tl, boards[i])
	}
	tab, _ := tile.Compile(&boards[0].tab, boards[0].h)
	f := blank()
	for l := range tile.Rows {
		f.OnHand[l], f.Safety[l], f.Cap[l] = 1, 9, -1
	}
	lot := tile.NewLot(&net.Lot{Pack: 3})
	if n := testing.AllocsPerRun(20, func() {
		tl.Begin(&tab, false)
		for l := range tile.Rows {
			tl.Lot(l, &lot)
		}
		tl.Set(f, ^uint64(0))
		tl.Demand(boards[0].days, &boards[0].cut)
		tl.Run()
	}); n != 0 {
		t.Errorf("%v allocations per tile", n)
	}
}
