package planfile

import (
	"math"
	"slices"

	"echelon/planner"
)

// gathered is the rows of a row group until it is written.
type gathered struct {
	layer planner.LayerID
	rows  int
	cols  []gatheredColumn // parallel to the layer's columns
}

// gatheredColumn is a column of it; which slices are used follows from the type, as in planner.Col.
type gatheredColumn struct {
	i32    []int32
	u8     []uint8
	str    []string
	ints   numbers // also those of lists
	off    []uint32
	reason []uint8
}

func newGathered(id planner.LayerID) *gathered {
	g := &gathered{layer: id, cols: make([]gatheredColumn, len(planner.LayerOf(id).Columns))}
	g.empty()
	return g
}

// bytes is what the room takes.
func (g *gathered) bytes() int64 {
	var n int
	for i := range g.cols {
		c := &g.cols[i]
		n += 4*(cap(c.i32)+cap(c.off)+cap(c.ints.narrow)) + 8*cap(c.ints.wide) + 16*cap(c.str) + cap(c.u8) + cap(c.reason)
	}
	return int64(n)
}

// empty forgets the rows and keeps their room.
func (g *gathered) empty() {
	for i := range g.cols {
		c := &g.cols[i]
		clear(c.str) // texts are the caller's
		c.i32, c.u8, c.str, c.off, c.reason = c.i32[:0], c.u8[:0], c.str[:0], c.off[:0], c.reason[:0]
		c.ints.empty()
	}
	g.rows = 0
}

// numbers are whole numbers with nulls, four bytes each as long as all of them fit: half the memory to go through, and
// the packing of differences is twice as fast. What is found out on the way stands beside them.
type numbers struct {
	narrow []int32 // nullNarrow: null
	wide   []int64 // planner.NullInt: null; used instead once a number does not fit
	isWide bool
	nulls  int
	lo, hi int64 // of what is not null; lo > hi: nothing
}

// Differences of numbers within ± narrowLimit are computed in 32 bits and give the same bytes as in 64.
const (
	narrowLimit = 1<<30 - 1
	nullNarrow  = math.MinInt32
)

func (n *numbers) empty() {
	n.narrow, n.wide, n.isWide, n.nulls = n.narrow[:0], n.wide[:0], false, 0
	n.lo, n.hi = math.MaxInt64, math.MinInt64
}

func (n *numbers) len() int {
	if n.isWide {
		return len(n.wide)
	}
	return len(n.narrow)
}

// at gives number r, which is not null.
func (n *numbers) at(r int) int64 {
	if n.isWide {
		return n.wide[r]
	}
	return int64(n.narrow[r])
}

// add appends numbers.
func (n *numbers) add(values []int64) {
	if len(values) == 0 {
		return
	}
	if !n.isWide {
		at := len(n.narrow)
		n.narrow = slices.Grow(n.narrow, len(values))[:at+len(values)]
		to, lo, hi := n.narrow[at:], values[0], values[0]
		for i, v := range values {
			lo, hi = min(lo, v), max(hi, v)
			to[i] = int32(v)
		}
		if lo >= -narrowLimit && hi <= narrowLimit {
			n.lo, n.hi = min(n.lo, lo), max(n.hi, hi)
			return
		}
		n.narrow = n.narrow[:at]
	}
	for _, v := range values {
		n.addOne(v)
	}
}

// addOne appends a number, a large one or null among them.
func (n *numbers) addOne(v int64) {
	if v == planner.NullInt {
		n.nulls++
		if n.isWide {
			n.wide = append(n.wide, v)
		} else {
			n.narrow = append(n.narrow, nullNarrow)
		}
		return
	}
	n.lo, n.hi = min(n.lo, v), max(n.hi, v)
	if !n.isWide && (v < -narrowLimit || v > narrowLimit) {
		n.widen()
	}
	if n.isWide {
		n.wide = append(n.wide, v)
	} else {
		n.narrow = append(n.narrow, int32(v))
	}
}

// widen moves to eight bytes a number.
func (n *numbers) widen() {
	n.isWide = true
	for _, v := range n.narrow {
		w := int64(v)
		if v == nullNarrow {
			w = planner.NullInt
		}
		n.wide = append(n.wide, w)
	}
}
