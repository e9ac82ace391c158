package share

import (
	"cmp"
	"slices"
)

// mostKeys is how many counters arranging by counting is worth per part; ranks seldom are more than a handful.
const mostKeys = 8

// arrange puts the parts into order, by key and then by claim, as they come: by counting where ranks lie near each
// other, else by comparing.
func (p *Pool) arrange() {
	if len(p.parts) == 0 {
		p.order = p.order[:0]
		return
	}
	keys, ok := p.span()
	if !ok {
		p.order = append(p.order[:0], p.parts...)
		slices.SortFunc(p.order, func(x, y part) int {
			return cmp.Or(x.key.compare(y.key), cmp.Compare(x.claim, y.claim))
		})
		return
	}
	n := keys.count()
	p.counts = resized(p.counts, n)
	clear(p.counts)
	for i := range p.parts {
		p.counts[keys.number(p.parts[i].key)]++
	}
	at := int32(0)
	for i, parts := range p.counts {
		p.counts[i] = at
		at += parts
	}
	p.order = resized(p.order, len(p.parts))
	for i := range p.parts {
		k := keys.number(p.parts[i].key)
		p.order[p.counts[k]] = p.parts[i]
		p.counts[k]++
	}
}

// span is the box of all keys of a sharing: each of their numbers from its least to its greatest.
type span struct{ low, high key }

// span gives the box, and whether counting over it is worth while.
func (p *Pool) span() (span, bool) {
	s := span{p.parts[0].key, p.parts[0].key}
	for i := range p.parts {
		k := &p.parts[i].key
		s.low = key{min(s.low.a, k.a), min(s.low.b, k.b), min(s.low.c, k.c), min(s.low.day, k.day)}
		s.high = key{max(s.high.a, k.a), max(s.high.b, k.b), max(s.high.c, k.c), max(s.high.day, k.day)}
	}
	cells := int64(1)
	for _, side := range [...]int64{
		int64(s.high.a) - int64(s.low.a), int64(s.high.b) - int64(s.low.b),
		int64(s.high.c) - int64(s.low.c), int64(s.high.day) - int64(s.low.day),
	} {
		if cells *= side + 1; cells > int64(64+mostKeys*len(p.parts)) {
			return s, false
		}
	}
	return s, true
}

// count is how many keys lie in the box.
func (s *span) count() int {
	return int(s.high.a-s.low.a+1) * int(s.high.b-s.low.b+1) * int(s.high.c-s.low.c+1) * int(s.high.day-s.low.day+1)
}

// number gives a key's place among the box's keys, in their order.
func (s *span) number(k key) int {
	n := int(k.a - s.low.a)
	n = n*int(s.high.b-s.low.b+1) + int(k.b-s.low.b)
	n = n*int(s.high.c-s.low.c+1) + int(k.c-s.low.c)
	return n*int(s.high.day-s.low.day+1) + int(k.day-s.low.day)
}

func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}
