package state

// window remembers the ranks of the keys changed lately, deleted ones among them: bounded, in one slab that a hand
// goes round. What the hand finds untouched since it last came by makes room; its rank raises its origin's floor.
//
// 24 bytes a rank, and 8 to 16 bytes of index.
type window struct {
	ring[remembered]
	index  []uint32 // entry + 1; 0: free; gone: what was here left
	places int      // of the index that are not free
	floor  func(origin uint16, r rank)
}

// begin makes an empty window.
func (w *window) begin(most func() int, floor func(origin uint16, r rank)) {
	w.most, w.floor = most, floor
	w.used = func(e *remembered) bool {
		touched := e.touched
		e.touched = false
		return touched
	}
	w.evict = func(at uint32) {
		w.floor(w.entries[at].origin, w.entries[at].rank)
		w.leave(at)
	}
}

type remembered struct {
	rank
	slot    uint32
	origin  uint16
	live    bool
	touched bool
}

// An index entry is the number of a rank + 1 and, above, some bits of its key's hash: a key of which nothing is
// remembered is mostly known by them.
const (
	rankBits = 26
	rankMask = 1<<rankBits - 1
	gone     = rankMask // no rank has this number: the search goes on behind it
)

func windowHash(origin uint16, slot uint32) uint64 {
	h := (uint64(origin)<<32 | uint64(slot)) * 0x9fb21c651e98df25
	h ^= h >> 32
	return h * 0x9e3779b97f4a7c15
}

func (w *window) home(h uint64) uint64 { return h >> 20 & uint64(len(w.index)-1) }

func rankTag(h uint64) uint32 { return uint32(h>>32) &^ rankMask }

// find returns what is remembered of a key of an origin, nil for nothing.
func (w *window) find(origin uint16, slot uint32) *remembered {
	if len(w.index) == 0 {
		return nil
	}
	mask := uint64(len(w.index) - 1)
	h := windowHash(origin, slot)
	tag := rankTag(h)
	for i := w.home(h); ; i = (i + 1) & mask {
		n := w.index[i]
		if n == 0 {
			return nil
		}
		if n&^rankMask != tag || n == gone {
			continue
		}
		if e := &w.entries[n&rankMask-1]; e.slot == slot && e.origin == origin && e.live {
			return e
		}
	}
}

// put remembers the rank of a key of which nothing is remembered.
func (w *window) put(origin uint16, slot uint32, r rank) {
	at := w.room()
	switch {
	case 2*(w.live+1) > len(w.index):
		w.rehash(max(64, 2*len(w.index)))
	case 4*w.places > 3*len(w.index):
		w.rehash(len(w.index))
	}
	w.entries[at] = remembered{rank: r, slot: slot, origin: origin, live: true}
	w.live++
	w.enter(at)
}

func (w *window) enter(at uint32) {
	mask := uint64(len(w.index) - 1)
	h := windowHash(w.entries[at].origin, w.entries[at].slot)
	i := w.home(h)
	for w.index[i] != 0 && w.index[i] != gone {
		i = (i + 1) & mask
	}
	if w.index[i] == 0 {
		w.places++
	}
	w.index[i] = rankTag(h) | (at + 1)
}

// leave drops a rank. Where nothing stands behind it, its place is free again, and so are those before it that were left.
func (w *window) leave(at uint32) {
	w.entries[at].live = false
	w.live--
	mask := uint64(len(w.index) - 1)
	h := windowHash(w.entries[at].origin, w.entries[at].slot)
	i, own := w.home(h), rankTag(h)|(at+1)
	for w.index[i] != own {
		i = (i + 1) & mask
	}
	w.index[i] = gone
	if w.index[(i+1)&mask] != 0 {
		return
	}
	for ; w.index[i] == gone; i = (i - 1) & mask {
		w.index[i] = 0
		w.places--
	}
}

// rehash makes the index anew, without the places that were left.
func (w *window) rehash(size int) {
	if size == len(w.index) {
		clear(w.index)
	} else {
		w.index = make([]uint32, size)
	}
	w.places = 0
	for at := range w.entries {
		if w.entries[at].live {
			w.enter(uint32(at))
		}
	}
}

// forget drops all that is remembered of an origin.
func (w *window) forget(origin uint16) {
	for at := range w.entries {
		if e := &w.entries[at]; e.live && e.origin == origin {
			w.leave(uint32(at))
			w.free = append(w.free, uint32(at))
		}
	}
}

func (w *window) bytes() int64 {
	return int64(cap(w.entries))*24 + int64(4*(cap(w.index)+cap(w.free)))
}

// bytesEach is what a rank takes: 24 bytes, and up to 4 places of 4 bytes in the index.
func (w *window) bytesEach() int { return 40 }
