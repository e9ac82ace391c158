package state

import (
	"echelon/cdc"
)

// Each change asks memory in five or six places that nothing has touched lately: index, key, index of ranks, blocks.
// One after another a processor waits for each of them. So the keys of some records are looked for together before
// the first one is applied: what is fetched then is there later, and many waits are one.
//
//	records ─▶ readKeys    words of the key, column by column        ─▶ found
//	        ─▶ lookAhead   slot, of all of them                      ─▶ found
//	        ─▶ quick       rank against the window, one by one       ─▶ due
//	due     ─▶ carryOut    values into the blocks, column by column  (due.go)

// applyAtOnce is how many records are looked up together, and how long the lock is held.
const applyAtOnce = 64

// found is where the key of a record's first change was before the records were applied.
type found struct {
	words [mostKeyColumns]uint32 // of its key
	given uint64                 // bit i: cell i is not null
	hash  uint64
	slot  uint32
	known bool // it was looked for
	there bool
	right bool // every cell holds what its column takes
}

type lookahead struct {
	keys [applyAtOnce]found
	some []int32 // records whose keys are looked for
	hash [applyAtOnce]uint64
	warm uint64 // what was read, so that it is
}

func (l *lookahead) of(i int) *found {
	if f := &l.keys[i]; f.known {
		return f
	}
	return nil
}

// load reads from where each of n hashes leads to in an index. Nothing else stands between the reads: they wait together.
func (l *lookahead) load(index []uint32, n int) {
	if len(index) == 0 {
		return
	}
	sum, mask := uint64(0), uint64(len(index)-1)
	for _, h := range l.hash[:n] {
		sum += uint64(index[h&mask])
	}
	l.warm += sum
}

// lookAhead finds the keys of the records' first changes.
func (s *State) lookAhead(p *partition, records []cdc.Decoded) {
	l := &s.ahead
	l.some = l.some[:0]
	for i := 0; i < len(records); {
		at, from := s.keyed(p, &records[i]), i
		for i++; i < len(records) && s.keyed(p, &records[i]) == at; i++ {
		}
		if at == cdc.None {
			for k := from; k < i; k++ {
				l.keys[k].known = false
			}
			continue
		}
		s.readKeys(&s.origins[at], records, from, i)
	}
	ranks := 0
	for _, i := range l.some {
		f, at := &l.keys[i], records[i].Changes[0].Origin
		t := s.origins[at].table
		f.slot, f.there = t.keys.findHashed(f.words[:len(t.keys.cols)], f.hash)
		if f.there && t.days == nil {
			l.hash[ranks] = s.window.home(windowHash(uint16(at), f.slot))
			ranks++
		}
	}
	l.load(s.window.index, ranks)
	l.load(s.window.index, s.window.leaving(l, ranks))
	for _, i := range l.some {
		if f := &l.keys[i]; f.there {
			l.warm += s.origins[records[i].Changes[0].Origin].table.touch(f.slot)
		}
	}
}

// keyed gives the origin of a record whose first change has a key, None for all others.
func (s *State) keyed(p *partition, r *cdc.Decoded) int {
	if len(r.Changes) == 0 || p.seen(r.Offset) {
		return cdc.None
	}
	ch := &r.Changes[0]
	if (ch.Op != cdc.Upsert && ch.Op != cdc.Delete) || ch.Origin < 0 || ch.Origin >= len(s.origins) {
		return cdc.None
	}
	return ch.Origin
}

// readKeys reads the keys of successive records of an origin; a key that is not plainly one is left to readKey. It looks
// at the other cells too: of most records all are right.
func (s *State) readKeys(o *origin, records []cdc.Decoded, from, to int) {
	l, k := &s.ahead, o.table.keys
	for i := from; i < to; i++ {
		f := &l.keys[i]
		f.known, f.right, f.given = true, true, 0
	}
	for n := range k.cols {
		col := &k.cols[n]
		at := o.at[col.column]
		nullable := o.Contract.Columns[col.column].Nullable
		for i := from; i < to; i++ {
			f := &l.keys[i]
			if at < 0 {
				f.words[n], f.known = 0, f.known && nullable
				continue
			}
			cell := &records[i].Changes[0].Cells[at]
			switch {
			case cell.Kind == cdc.Text && col.dict != nil:
				f.words[n] = col.dict.number(cell.Text, s.epoch) + 1
			case cell.Kind == cdc.Int && col.dict == nil && o.cols[at].takes(cell):
				f.words[n] = uint32(cell.Int-col.low) + 1
			case cell.Kind == cdc.Null && nullable:
				f.words[n] = 0
			default:
				f.known = false
			}
		}
	}
	for at := range o.cols {
		c := &o.cols[at]
		if c.key {
			continue
		}
		for i := from; i < to; i++ {
			f := &l.keys[i]
			cell := &records[i].Changes[0].Cells[at]
			if cell.Kind != cdc.Null {
				f.given |= 1 << at
				f.right = f.right && c.takes(cell)
			}
		}
	}
	stride, n := len(k.cols), 0
	for i := from; i < to; i++ {
		if f := &l.keys[i]; f.known {
			f.hash = hashKey(f.words[:stride])
			l.hash[n] = f.hash
			n++
			l.some = append(l.some, int32(i))
		}
	}
	l.load(k.index, n)
}

// leaving puts where the ranks stand in the index that will make room next, as many as the records at hand may need.
func (w *window) leaving(l *lookahead, n int) int {
	if len(w.entries) < cap(w.entries) || len(w.entries) == 0 || len(w.free) > 0 {
		return 0
	}
	at := w.hand
	for i := range n {
		if at++; at >= len(w.entries) {
			at = 0
		}
		e := &w.entries[at]
		l.hash[i] = w.home(windowHash(e.origin, e.slot))
	}
	return n
}

// touch reads a byte of each block that a slot lies in.
func (t *table) touch(slot uint32) (sum uint64) {
	if t.days != nil {
		if runs := bytesOf(t.days.blocks, slot); len(runs) > 0 {
			sum += uint64(runs[0])
		}
		return sum
	}
	if g := t.present.group(slot); g != nil {
		sum += uint64(g[0])
	}
	return sum
}
