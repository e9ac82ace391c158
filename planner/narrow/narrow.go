package narrow

import (
	"encoding/binary"
	"math/bits"
)

// Room is how many bytes behind the last number Put may write to.
const Room = 8

// Width gives the fewest bytes, of 1, 2, 4 and 8, that hold a number.
func Width(v uint64) int {
	switch n := bits.Len64(v); {
	case n <= 8:
		return 1
	case n <= 16:
		return 2
	case n <= 32:
		return 4
	}
	return 8
}

// bitsOf is Bits for what the vector form leaves over.
func bitsOf(list []int64, first int64, all, differ uint64) (uint64, uint64) {
	for _, v := range list {
		all, differ = all|uint64(v), differ|uint64(v^first)
	}
	return all, differ
}

// put is Put for what the vector form leaves over: words are written whole, the last one may reach beyond its number.
func put(to []byte, list []int64, width int) {
	at := 0
	switch width {
	case 1:
		for ; len(list) >= 8; list = list[8:] {
			v := list[:8]
			binary.LittleEndian.PutUint64(to[at:], uint64(v[0])|uint64(v[1])<<8|uint64(v[2])<<16|uint64(v[3])<<24|
				uint64(v[4])<<32|uint64(v[5])<<40|uint64(v[6])<<48|uint64(v[7])<<56)
			at += 8
		}
	case 2:
		for ; len(list) >= 4; list = list[4:] {
			v := list[:4]
			binary.LittleEndian.PutUint64(to[at:], uint64(v[0])|uint64(v[1])<<16|uint64(v[2])<<32|uint64(v[3])<<48)
			at += 8
		}
	case 4:
		for ; len(list) >= 2; list = list[2:] {
			v := list[:2]
			binary.LittleEndian.PutUint64(to[at:], uint64(v[0])|uint64(v[1])<<32)
			at += 8
		}
	}
	for _, v := range list {
		binary.LittleEndian.PutUint64(to[at:], uint64(v))
		at += width
	}
}
