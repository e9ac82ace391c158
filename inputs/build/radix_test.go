package build

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Counting gives what comparing gives, for any width of the key and any length.
func TestSortKeyed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wide := rapid.IntRange(1, 64).Draw(t, "bits")
		keys := rapid.Uint64Range(0, 1<<wide-1)
		drawn := rapid.SliceOfN(keys, 1, 50).Draw(t, "keys")
		n := rapid.SampledFrom([]int{1, 7, few - 1, few, 1000}).Draw(t, "rows")
		step := rapid.IntRange(1, 13).Draw(t, "step")
		rows := make([]keyed, n)
		for i := range rows {
			rows[i] = keyed{drawn[i*step%len(drawn)], int32(i)}
		}
		want := slices.Clone(rows)
		slices.SortFunc(want, func(x, y keyed) int { return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.at, y.at)) })
		sortKeyed(rows, nil, wide)
		if !slices.Equal(rows, want) {
			t.Fatalf("%v, want %v", rows, want)
		}
	})
}
