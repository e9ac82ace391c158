package kafka

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// TestJSONBytes compares every byte of the values with the plan file's own JSON of the line.
func TestJSONBytes(t *testing.T) {
	dc := plan{tenant: "acme", cycle: "C1", dc: 1, rows: 500}.make(t)
	enc := newJSONEncoder(dc.Manifest)
	for _, id := range publishedLayers() {
		eachBatch(t, dc, id, func(b *planfile.Batch) {
			enc.bind(b)
			for r := range b.Rows {
				want := `{"tenant":"acme","cycle":"C1","dc":"D01",` + string(b.AppendJSON(nil, r)[1:])
				if got := string(enc.appendValue(nil, r)); got != want {
					t.Fatalf("%s line %d:\n%s\nwant\n%s", planner.LayerOf(id).Name, r, got, want)
				}
			}
		})
	}
}

// TestNumbersAsText compares the numbers of fragments with those of the standard library, at every limit of theirs.
func TestNumbersAsText(t *testing.T) {
	check := func(t interface{ Fatalf(string, ...any) }, v int64) {
		b := make([]byte, 64)
		if got, want := string(b[:putInt(b, 3, v)][3:]), strconv.FormatInt(v, 10); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		if got, want := string(b[:putMilli(b, 3, v)][3:]), string(inputs.AppendMilli(nil, v))+","; got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	for _, v := range []int64{math.MinInt64, math.MaxInt64, -1, -999, -1000, -1001} {
		check(t, v)
	}
	for v := range int64(3000) {
		check(t, v)
		check(t, 999_000+v)
		check(t, 999_999_000+v)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2_000_000, 2_000_000_000)).Draw(t, "number"))
	})
}

// TestFragments copies texts of every length into a place that ends where it must.
func TestFragments(t *testing.T) {
	text := ""
	for n := range 3*slack + 2 {
		f := fragmentOf(nil, text[:n/2], text[n/2:])
		b := make([]byte, 5+n+slack)
		if end := f.put(b, 5); string(b[5:end]) != text {
			t.Fatalf("%d bytes: %q, want %q", n, b[5:end], text)
		}
		text += string(rune('a' + n%26))
	}
}
