package state

// ring is a slab of bounded size that a hand goes round: what the hand finds unused since it last came by makes room
// for something new. It grows with what may be kept, and has no order of its own.
type ring[T any] struct {
	entries []T
	free    []uint32 // places given back
	hand    int
	live    int
	full    int           // entries taken since it was last asked whether there may be more
	most    func() int    // entries that may be kept
	used    func(*T) bool // whether an entry was used since it was last asked, which is forgotten
	evict   func(uint32)  // takes an entry out
}

// room returns the place of a new entry.
func (r *ring[T]) room() uint32 {
	if n := len(r.free); n > 0 {
		at := r.free[n-1]
		r.free = r.free[:n-1]
		return at
	}
	if r.full++; len(r.entries) == cap(r.entries) && (r.full >= askEvery || len(r.entries) == 0) {
		r.full = 0
		if want := roomFor(cap(r.entries), r.most()); want > 0 {
			grown := make([]T, len(r.entries), want)
			copy(grown, r.entries)
			r.entries = grown
		}
	}
	if len(r.entries) < cap(r.entries) {
		var none T
		r.entries = append(r.entries, none)
		return uint32(len(r.entries) - 1)
	}
	for {
		if r.hand++; r.hand >= len(r.entries) {
			r.hand = 0
		}
		if r.used(&r.entries[r.hand]) {
			continue
		}
		r.evict(uint32(r.hand))
		return uint32(r.hand)
	}
}

// askEvery is how many entries a full ring takes before it asks again whether it may grow.
const askEvery = 64

// roomFor gives the room that a full ring of some room takes when so many may be kept: 0 to stay as it is.
func roomFor(have, most int) int {
	want := min(most, max(1024, 2*have))
	if want < have+have/4+1 {
		return 0
	}
	return want
}
