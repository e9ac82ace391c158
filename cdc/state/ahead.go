package state

import (
	"echelon/cdc"
)

// Each change asks memory in five or six places that nothing has touched lately: index, key, index of ranks, blocks.
// One after another a processor waits for each of them. So the keys of some records are looked for together before
// the first one is applied: what is fetched then is there later, and many waits are one.

// applyAtOnce is how many records are looked up together, and how long the lock is held.
const applyAtOnce = 64

// found is where the key of a record's first change was before the records were applied.
type found struct {
	known bool     // it was looked for
	words []uint32 // of its key
	slot  uint32
	there bool
}

type lookahead struct {
	keys  [applyAtOnce]found
	some  []int32 // records whose keys are looked for
	hash  [applyAtOnce]uint64
	index [applyAtOnce][]uint32
	warm  uint64 // what was read, so that it is
}

func (l *lookahead) of(i int) *found {
	if f := &l.keys[i]; f.known {
		return f
	}
	return nil
}

// load reads from where each hash leads to. Nothing else stands between the reads: they wait together.
func (l *lookahead) load(n int) {
	sum := uint64(0)
	for k := range l.index[:n] {
		index := l.index[k]
		sum += uint64(index[l.hash[k]&uint64(len(index)-1)])
	}
	l.warm += sum
}

// lookAhead finds the keys of the records' first changes.
func (s *State) lookAhead(p *partition, records []cdc.Decoded) {
	l := &s.ahead
	l.some = l.some[:0]
	for i := range records {
		f, r := &l.keys[i], &records[i]
		f.known = false
		if len(r.Changes) == 0 || p.seen(r.Offset) {
			continue
		}
		ch := &r.Changes[0]
		if (ch.Op != cdc.Upsert && ch.Op != cdc.Delete) || ch.Origin < 0 || ch.Origin >= len(s.origins) {
			continue
		}
		o := &s.origins[ch.Origin]
		if o.table.readKey(o, ch, s.epoch) != nil {
			continue
		}
		n := len(l.some)
		f.known, f.words = true, append(f.words[:0], o.table.keys.key...)
		l.index[n], l.hash[n] = o.table.keys.index, hashKey(f.words)
		l.some = append(l.some, int32(i))
	}
	l.load(len(l.some))
	ranks := 0
	for _, i := range l.some {
		f, at := &l.keys[i], records[i].Changes[0].Origin
		t := s.origins[at].table
		f.slot, f.there = t.keys.find(f.words)
		if f.there && t.days == nil && len(s.window.index) > 0 {
			l.index[ranks], l.hash[ranks] = s.window.index, s.window.home(windowHash(uint16(at), f.slot))
			ranks++
		}
	}
	l.load(ranks)
	for _, i := range l.some {
		if f := &l.keys[i]; f.there {
			l.warm += s.origins[records[i].Changes[0].Origin].table.touch(f.slot)
		}
	}
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
	for i := range t.cols {
		c := &t.cols[i]
		if g := c.group(slot); g != nil {
			sum += uint64(g[8+c.width*int(slot&63)])
		}
	}
	return sum
}
