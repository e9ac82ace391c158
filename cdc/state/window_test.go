package state

import (
	"testing"

	"pgregory.net/rapid"
)

// TestWindowRemembersOrRaisesTheFloor holds a window against a map: what was put is found with its rank, or its rank
// is at or under its origin's floor; never are there more than may be kept.
func TestWindowRemembersOrRaisesTheFloor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type key struct {
			origin uint16
			slot   uint32
		}
		most := rapid.IntRange(1, 3000).Draw(t, "most")
		floors := map[uint16]rank{}
		known := map[key]rank{}
		var w window
		w.begin(func() int { return most }, func(o uint16, r rank) { floors[o] = later(floors[o], r) })
		seed := rapid.Uint64Range(1, 1<<40).Draw(t, "seed")
		slots := uint64(rapid.IntRange(1, 9000).Draw(t, "slots"))
		for i := range rapid.IntRange(0, 12000).Draw(t, "changes") {
			seed = seed*6364136223846793005 + 1442695040888963407
			k := key{uint16(seed >> 61), uint32(seed >> 20 % slots)}
			r := rank{uint64(i + 1), seed >> 63}
			if i%4000 == 3999 {
				w.forget(k.origin)
				for old := range known {
					if old.origin == k.origin {
						delete(known, old)
					}
				}
				floors[k.origin] = rank{}
				continue
			}
			if e := w.find(k.origin, k.slot); e != nil {
				if e.rank != known[k] {
					t.Fatalf("key %v has rank %v, want %v", k, e.rank, known[k])
				}
				e.rank, e.touched = r, true
			} else {
				if floors[k.origin].less(known[k]) {
					t.Fatalf("key %v of rank %v is forgotten and the floor is %v", k, known[k], floors[k.origin])
				}
				w.put(k.origin, k.slot, r)
			}
			known[k] = r
		}
		if w.live > most || len(w.entries) > most {
			t.Fatalf("%d ranks, %d places, at most %d", w.live, len(w.entries), most)
		}
		for k, r := range known {
			if e := w.find(k.origin, k.slot); e == nil && floors[k.origin].less(r) || e != nil && e.rank != r {
				t.Fatalf("key %v of rank %v: found %v, floor %v", k, r, e, floors[k.origin])
			}
		}
	})
}
