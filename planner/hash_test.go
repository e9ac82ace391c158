package planner

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// numbersFrom reads a column of n numbers as the doc of hash_rows.go lays it out.
func numbersFrom(t *rapid.T, b []byte, n int) (list []int64, rest []byte) {
	form := int(b[0])
	b = b[1:]
	if n == 0 {
		return nil, b
	}
	if form == formEqual {
		for range n {
			list = append(list, int64(binary.LittleEndian.Uint64(b)))
		}
		return list, b[8:]
	}
	narrower := true // all would fit in half the bytes
	for range n {
		var word [8]byte
		copy(word[:], b[:form])
		b = b[form:]
		v := binary.LittleEndian.Uint64(word[:])
		narrower = narrower && v < 1<<(4*form)
		list = append(list, int64(v))
	}
	if form > 1 && narrower {
		t.Fatalf("form %d for numbers that need fewer bytes: %v", form, list)
	}
	return list, b
}

// Columns of numbers and days are laid out by their values alone, each value can be read back, and the fewest
// bytes are taken.
func TestColumnsAreLaidOutAsDocumented(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.SampledFrom([]int64{0, 1, 255, 256, 65535, 65536, math.MaxUint32, math.MaxUint32 + 1, -1, NullInt, math.MaxInt64})
		top := rapid.SampledFrom([]int64{0, 200, 60000, 1 << 30, 1 << 60}).Draw(t, "top")
		value := rapid.OneOf(rapid.Int64Range(0, top), rapid.Int64Range(0, top), edge)
		if rapid.Bool().Draw(t, "near") {
			value = rapid.Int64Range(0, top)
		}
		list := rapid.SliceOfN(value, 0, 40).Draw(t, "numbers")
		before := rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "before")
		got := appendNumbers(bytes.Clone(before), list)
		if !bytes.HasPrefix(got, before) {
			t.Fatal("what was there before has changed")
		}
		back, rest := numbersFrom(t, got[len(before):], len(list))
		if len(rest) > 0 {
			t.Fatalf("%d bytes too many", len(rest))
		}
		days := make([]int32, len(list))
		for i, v := range list {
			if back[i] != v {
				t.Fatalf("number %d is %d, read back as %d", i, v, back[i])
			}
			days[i] = int32(v)
		}
		back, rest = numbersFrom(t, appendDays(nil, days), len(days))
		if len(rest) > 0 {
			t.Fatalf("days: %d bytes too many", len(rest))
		}
		for i, v := range days {
			if int32(back[i]) != v {
				t.Fatalf("day %d is %d, read back as %d", i, v, back[i])
			}
		}
	})
}

// Lists of other lengths, ids that repeat and ids that are null are laid out differently from each other.
func TestNamesAndLengthsAreLaidOutApart(t *testing.T) {
	ids := []string{"", "a", "b", "ab", string(bytes.Repeat([]byte("x"), 254)), string(bytes.Repeat([]byte("x"), 300))}
	seen := map[string][]int32{}
	var column func(list []int32)
	column = func(list []int32) {
		key := string(appendNames(nil, ids, list)) + "/" + string(rune(len(list)))
		if other, ok := seen[key]; ok && !sameNames(ids, list, other) {
			t.Errorf("%v and %v are laid out alike", list, other)
		}
		seen[key] = list
		if len(list) < 3 {
			for i := int32(-1); i < int32(len(ids)); i++ {
				column(append(list[:len(list):len(list)], i))
			}
		}
	}
	column(nil)
	a := appendLengths(nil, []uint32{0, 1, 3, 3})
	if want := []byte{1, 1, 2, 0}; !bytes.Equal(a, want) {
		t.Errorf("lengths 1, 2, 0: got % x, want % x", a, want)
	}
	if got, want := appendLengths(nil, []uint32{5, 33, 61}), []byte{0, 28, 0, 0, 0, 0, 0, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("lengths 28, 28: got % x, want % x", got, want)
	}
}

func sameNames(ids []string, a, b []int32) bool {
	for i := range a {
		if nameOf(ids, a[i]) != nameOf(ids, b[i]) {
			return false
		}
	}
	return len(a) == len(b)
}
