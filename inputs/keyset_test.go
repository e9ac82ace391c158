package inputs

import (
	"testing"

	"pgregory.net/rapid"
)

// The set says of every key what a map says, whether rows of a pair stand together or come back later, near or far apart.
func TestKeySetAgainstMap(t *testing.T) {
	t.Parallel()
	type full struct {
		key  uint64
		rest uint32
	}
	rapid.Check(t, func(t *rapid.T) {
		k, want := newKeySet(ContractOf("lots")), map[full]uint64{}
		wide := rapid.SampledFrom([]uint64{3, 400, 1 << 25}).Draw(t, "wide")
		back := rapid.SampledFrom([]int{0, 0, 50}).Draw(t, "pairs that may come back, in a hundred")
		var pair uint64
		for n := range rapid.IntRange(1, 40).Draw(t, "pairs") {
			if rapid.IntRange(0, 99).Draw(t, "back") >= back {
				pair = uint64(n)<<32 | rapid.Uint64Range(1, wide).Draw(t, "second")
			} else {
				pair = rapid.Uint64Range(0, 3).Draw(t, "first")<<32 | rapid.Uint64Range(1, 3).Draw(t, "second")
			}
			for range rapid.IntRange(1, 3*keyRun/2).Draw(t, "rows") {
				x := full{pair, rapid.Uint32Range(1, 200).Draw(t, "rest")}
				val := rapid.Uint64().Draw(t, "val")
				got, there := k.put(x.key, x.rest, val)
				before, known := want[x]
				if !known {
					want[x], before = val, val
				}
				if there != known || *got != before {
					t.Fatalf("%+v: there %v, known %v, %d for %d", x, there, known, *got, before)
				}
			}
		}
	})
}

// Rows in order stay a list; the first pair that comes back makes it an index.
func TestKeySetStaysAList(t *testing.T) {
	t.Parallel()
	k := newKeySet(ContractOf("inventory"))
	for i := range uint64(3 << keyRowBits) {
		if _, there := k.put(i/5<<32|i%5+1, 1, i); there || k.hard {
			t.Fatalf("row %d: there %v, hard %v", i, there, k.hard)
		}
	}
	if val, there := k.put(7<<32|3, 1, 0); !there || *val != 7*5+2 || !k.hard || k.rows != nil {
		t.Fatalf("there %v, val %d, hard %v", there, *val, k.hard)
	}
}
