package narrow

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// lists draws numbers of which most share a width.
func lists(t *rapid.T) []int64 {
	mask := rapid.SampledFrom([]uint64{0, 1, 0xff, 0x100, 0xffff, 0x1_0000, 0xffff_ffff, 1 << 32, 1<<64 - 1}).Draw(t, "mask")
	list := rapid.SliceOfN(rapid.Int64(), 1, 100).Draw(t, "list")
	for i := range list {
		list[i] &= int64(mask)
	}
	return list
}

// Both forms give what one number after another gives, and write no further than they may.
func TestNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := lists(t)
		all, differ := Bits(list)
		var wantAll, wantDiffer uint64
		for _, v := range list {
			wantAll, wantDiffer = wantAll|uint64(v), wantDiffer|uint64(v^list[0])
		}
		if all != wantAll || differ != wantDiffer {
			t.Fatalf("bits of %v: %x, %x, want %x, %x", list, all, differ, wantAll, wantDiffer)
		}
		width := Width(all)
		var want []byte
		for _, v := range list {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], uint64(v))
			want = append(want, word[:width]...)
			if !bytes.Equal(word[width:], make([]byte, 8-width)) {
				t.Fatalf("%x does not fit into %d bytes", v, width)
			}
		}
		const guard = 0xa5
		for name, form := range map[string]func([]byte, []int64, int){"as chosen": Put, "plain": put} {
			to := bytes.Repeat([]byte{guard}, len(want)+2*Room)
			form(to[:len(want)+Room], list, width)
			if !bytes.Equal(to[:len(want)], want) {
				t.Fatalf("%s: %d bytes of %v: %x, want %x", name, width, list, to[:len(want)], want)
			}
			if !bytes.Equal(to[len(want)+Room:], bytes.Repeat([]byte{guard}, Room)) {
				t.Fatalf("%s: %d bytes of %d numbers reach beyond their room", name, width, len(list))
			}
		}
	})
}

// A width is the least that holds a number.
func TestWidth(t *testing.T) {
	for v, want := range map[uint64]int{
		0: 1, 0xff: 1, 0x100: 2, 0xffff: 2, 0x1_0000: 4, 0xffff_ffff: 4, 0x1_0000_0000: 8, 1<<64 - 1: 8,
	} {
		if got := Width(v); got != want {
			t.Errorf("%x: %d bytes, want %d", v, got, want)
		}
	}
}
