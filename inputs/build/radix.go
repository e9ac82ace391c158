package build

import (
	"cmp"
	"math/bits"
	"slices"
)

// keyed is something with a number, sorted by a key of few bits.
type keyed struct {
	key uint64
	at  int32
}

// few is the length from which on counting beats comparing.
const few = 256

// keyBits is the bits that numbers below n take.
func keyBits(n int) int { return bits.Len(uint(max(n-1, 0))) }

// sortKeyed sorts by the key, of which the low wide bits are used, then by number; numbers must ascend. spare is used as
// room and returned, grown.
func sortKeyed(rows, spare []keyed, wide int) []keyed {
	byKey := func(x, y keyed) int { return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.at, y.at)) }
	if slices.IsSortedFunc(rows, byKey) {
		return spare
	}
	if len(rows) < few {
		slices.SortFunc(rows, byKey)
		return spare
	}
	spare = slices.Grow(spare[:0], len(rows))[:len(rows)]
	from, to := rows, spare
	const digit = 11
	for shift := 0; shift < wide; shift += digit {
		var count [1 << digit]int32
		mask := uint64(1)<<min(digit, wide-shift) - 1
		for i := range from {
			count[from[i].key>>shift&mask]++
		}
		var sum int32
		for i := range count[:mask+1] {
			sum, count[i] = sum+count[i], sum
		}
		for i := range from {
			d := from[i].key >> shift & mask
			to[count[d]] = from[i]
			count[d]++
		}
		from, to = to, from
	}
	if &from[0] != &rows[0] {
		copy(rows, from)
	}
	return spare
}
