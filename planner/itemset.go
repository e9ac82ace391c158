package planner

import (
	"math/bits"

	"echelon/inputs"
)

// itemSet is a set of items, a word per item group. The nil set is all items; an empty one is not nil.
type itemSet []uint64

func newItemSet(items int) itemSet {
	return make(itemSet, (items+inputs.TileRows-1)/inputs.TileRows)
}

// of gives the items of a group, a bit each.
func (s itemSet) of(group int32) uint64 {
	if s == nil {
		return ^uint64(0)
	}
	return s[group]
}

func (s itemSet) has(item inputs.ItemIdx) bool {
	return s.of(int32(item/inputs.TileRows))>>(item%inputs.TileRows)&1 != 0
}

func (s itemSet) add(item inputs.ItemIdx) { s[item/inputs.TileRows] |= 1 << (item % inputs.TileRows) }

// join adds the items that are in all of the given sets; it reports whether any is new.
func (s itemSet) join(sets ...itemSet) (grew bool) {
	for g := range s {
		word := ^uint64(0)
		for _, o := range sets {
			word &= o.of(int32(g))
		}
		grew = grew || word&^s[g] != 0
		s[g] |= word
	}
	return grew
}

// less takes the items of another set out.
func (s itemSet) less(o itemSet) {
	for g := range s {
		s[g] &^= o.of(int32(g))
	}
}

func (s itemSet) fill() {
	for g := range s {
		s[g] = ^uint64(0)
	}
}

func (s itemSet) empty() bool {
	if s == nil {
		return false
	}
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// each calls f with the items below n, ascending.
func (s itemSet) each(n int, f func(item inputs.ItemIdx)) {
	for g := range (n + inputs.TileRows - 1) / inputs.TileRows {
		for w := s.of(int32(g)); w != 0; w &= w - 1 {
			item := g*inputs.TileRows + bits.TrailingZeros64(w)
			if item >= n {
				return
			}
			f(inputs.ItemIdx(item))
		}
	}
}
