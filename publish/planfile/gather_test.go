package planfile

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"pgregory.net/rapid"

	"echelon/planner"
)

// TestNumbersOfFourBytes gives numbers in pieces, with nulls and numbers around the limit, and reads them back; those
// that fit give the bytes of eight.
func TestNumbersOfFourBytes(t *testing.T) {
	one := rapid.OneOf(
		rapid.Int64Range(-3, 3), rapid.Int64Range(-narrowLimit, narrowLimit), rapid.SampledFrom([]int64{
			-narrowLimit, narrowLimit, -narrowLimit - 1, narrowLimit + 1, planner.NullInt, math.MaxInt64, math.MinInt64 + 1,
			math.MinInt32, math.MaxInt32,
		}))
	small := rapid.Int64Range(-narrowLimit, narrowLimit)
	rapid.Check(t, func(t *rapid.T) {
		kind := one
		if rapid.Bool().Draw(t, "small") {
			kind = small
		}
		var n numbers
		n.empty()
		var all []int64
		for _, piece := range rapid.SliceOfN(rapid.SliceOf(kind), 0, 8).Draw(t, "pieces") {
			n.add(piece)
			all = append(all, piece...)
		}
		nulls, lo, hi, wide := 0, int64(math.MaxInt64), int64(math.MinInt64), false
		var kept []int64
		for r, v := range all {
			if v == planner.NullInt {
				nulls++
				continue
			}
			kept = append(kept, v)
			lo, hi = min(lo, v), max(hi, v)
			wide = wide || v < -narrowLimit || v > narrowLimit
			if n.at(r) != v {
				t.Fatalf("number %d is %d, was %d", r, n.at(r), v)
			}
		}
		if n.len() != len(all) || n.nulls != nulls || n.lo != lo || n.hi != hi || n.isWide != wide {
			t.Fatalf("%d numbers, %d null, in %d … %d, wide %v; want %d, %d, %d … %d, %v",
				n.len(), n.nulls, n.lo, n.hi, n.isWide, len(all), nulls, lo, hi, wide)
		}
		e, err := newEncoder()
		if err != nil {
			t.Fatal(err)
		}
		p, err := e.optionalInts(&n)
		if err != nil {
			t.Fatal(err)
		}
		want, err := (&delta.BinaryPackedEncoding{}).EncodeInt64(nil, kept)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p.body, want) {
			t.Fatal("packed in four bytes the numbers have other bytes than in eight")
		}
		got, err := (&delta.BinaryPackedEncoding{}).DecodeInt64(nil, p.body)
		if err != nil || !slices.Equal(got, kept) {
			t.Fatalf("read back %v, %v; want %v", got, err, kept)
		}
	})
}
