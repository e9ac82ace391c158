package planner

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// Numbers and days are hashed as varints of the standard library; null takes the byte 0x7f, and the number of that
// varint two bytes.
func TestNumbersAreHashedAsVarints(t *testing.T) {
	list := make([]int64, 17, 600) // zeros in a row, and one beyond a multiple of eight
	for shift := range 63 {
		for _, near := range []int64{-2, -1, 0, 1} {
			v := int64(1)<<shift + near
			list = append(list, v, -v)
		}
	}
	list = append(list, NullInt, math.MaxInt64, math.MinInt64+1, 0, NullInt)
	var days []int32
	var want, wantDays []byte
	for _, v := range list {
		want = appendSlowly(want, v, v == NullInt)
		if v == int64(int32(v)) {
			days = append(days, int32(v))
		}
	}
	days = append(days, NullDay)
	for _, v := range days {
		wantDays = appendSlowly(wantDays, int64(v), v == NullDay)
	}
	if got := appendNumbers([]byte("x"), list); !bytes.Equal(got[1:], want) {
		t.Errorf("numbers: got % x, want % x", got[1:], want)
	}
	if got := appendDays(nil, days); !bytes.Equal(got, wantDays) {
		t.Errorf("days: got % x, want % x", got, wantDays)
	}
}

func appendSlowly(b []byte, v int64, null bool) []byte {
	switch {
	case null:
		return append(b, nullMark)
	case v == -64: // the number whose varint is the mark
		return append(b, nullMark|0x80, 0)
	}
	return binary.AppendVarint(b, v)
}
