package kafka

import (
	"encoding/binary"
	"strconv"

	"echelon/inputs"
)

// slack is how far beyond what they write the functions of this file may touch: they copy in blocks. Who calls them
// has that much room behind the longest value.
const slack = 32

// fragment is a text that is copied in blocks: behind its n bytes there are others, up to a whole block.
type fragment struct {
	text []byte
	n    int
}

// fragmentOf puts texts together, in the room of dst where that is enough.
func fragmentOf(dst []byte, parts ...string) fragment {
	dst = dst[:0]
	for _, p := range parts {
		dst = append(dst, p...)
	}
	n := len(dst)
	var rest [slack]byte
	return fragment{append(dst, rest[:slack-n%slack]...), n}
}

// put copies the text to b[p:] and gives the place behind it.
func (f *fragment) put(b []byte, p int) int {
	for k := 0; k < f.n; k += slack {
		to, from := b[p+k:][:slack], f.text[k:][:slack] // words: an array would be copied by a call
		w0, w1 := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
		w2, w3 := binary.LittleEndian.Uint64(from[16:]), binary.LittleEndian.Uint64(from[24:])
		binary.LittleEndian.PutUint64(to, w0)
		binary.LittleEndian.PutUint64(to[8:], w1)
		binary.LittleEndian.PutUint64(to[16:], w2)
		binary.LittleEndian.PutUint64(to[24:], w3)
	}
	return p + f.n
}

// Numbers below a thousand as text, the first letter in the lowest byte, how many there are in the highest.
var (
	small    [1000]uint32 // as they are
	padded   [1000]uint32 // with zeros before them, three digits
	fraction [1000]uint64 // as thousandths behind a whole number: nothing or a point and digits, and a comma
)

func init() {
	for v := range uint32(1000) {
		digits := [3]uint32{'0' + v/100, '0' + v/10%10, '0' + v%10}
		padded[v] = digits[0] | digits[1]<<8 | digits[2]<<16 | 3<<24
		switch {
		case v < 10:
			small[v] = digits[2] | 1<<24
		case v < 100:
			small[v] = digits[1] | digits[2]<<8 | 2<<24
		default:
			small[v] = padded[v]
		}
		text, n := uint64(0), 0
		for x, rest := uint64('.'), v; rest > 0; rest = rest * 10 % 1000 {
			text |= x << (8 * n)
			x = '0' + uint64(rest/100)
			n++
			if rest*10%1000 == 0 {
				text |= x << (8 * n)
				n++
			}
		}
		fraction[v] = text | ','<<(8*n) | uint64(n+1)<<56
	}
}

// putInt writes a whole number to b[p:] and gives the place behind it.
func putInt(b []byte, p int, v int64) int {
	switch {
	case uint64(v) < 1000:
		word := small[v]
		binary.LittleEndian.PutUint32(b[p:], word)
		return p + int(word>>24)
	case uint64(v) < 1_000_000:
		word := small[v/1000]
		binary.LittleEndian.PutUint32(b[p:], word)
		p += int(word >> 24)
		binary.LittleEndian.PutUint32(b[p:], padded[v%1000])
		return p + 3
	}
	return len(strconv.AppendInt(b[:p], v, 10))
}

// putMilli writes thousandths as a decimal number without zeros at the end, and a comma.
func putMilli(b []byte, p int, v int64) int {
	if uint64(v) >= 1_000_000_000 {
		return len(append(inputs.AppendMilli(b[:p], v), ','))
	}
	whole := uint32(v) / 1000
	rest := fraction[uint32(v)-whole*1000]
	if whole < 1000 {
		word := small[whole]
		binary.LittleEndian.PutUint32(b[p:], word)
		p += int(word >> 24)
	} else {
		p = putInt(b, p, int64(whole))
	}
	binary.LittleEndian.PutUint64(b[p:], rest)
	return p + int(rest>>56)
}
