package tile

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Both forms of the facts' columns are the same, for numbers of every size, and around every limit.
func TestFactsOfBothForms(t *testing.T) {
	if !Vector() {
		t.Log("no vector instructions: plain Go compares with itself")
	}
	edges := []int32{
		0, 1, -1, math.MaxInt32, math.MinInt32, MaxUnits, MaxUnits + 1, maxAhead * 1000, maxAhead*1000 - 1, always / 1000, always/1000 + 1, -deep,
	}
	lives := []int16{0, 1, -1, math.MaxInt16, math.MinInt16, maxAhead, maxAhead + 1}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		number := func() int32 {
			switch r.IntN(3) {
			case 0:
				return edges[r.IntN(len(edges))]
			case 1:
				return r.Int32N(2 * MaxUnits)
			}
			return int32(r.Uint32())
		}
		f := Facts{Cover: new([Rows]int16), Life: new([Rows]int16), Lost: r.Uint64()}
		for _, c := range []**[Rows]int32{
			&f.OnHand, &f.Unusable, &f.Reserved, &f.Backorders, &f.Safety, &f.Present, &f.SafeDays, &f.Cap, &f.Min, &f.Max,
		} {
			*c = new([Rows]int32)
			for l := range *c {
				(*c)[l] = number()
			}
		}
		for l := range f.Life {
			f.Life[l] = lives[r.IntN(len(lives))]
		}
		var vector, scalar Tile
		scalar.Scalar = true
		for _, tl := range []*Tile{&vector, &scalar} {
			tl.columns(&f)
		}
		if vector.basis != scalar.basis {
			t.Fatalf("seed %d: the basis differs:\n%v\n%v", seed, vector.basis, scalar.basis)
		}
		if vector.trigger != scalar.trigger || vector.pres != scalar.pres {
			t.Fatalf("seed %d: trigger or pres differ", seed)
		}
	}
}
