package follow

import (
	"math"
	"slices"

	"echelon/cdc"
)

// entry is a decoded record that waits.
type entry struct {
	cdc.Decoded              // its changes are copies
	tx          *transaction // nil: of none
}

// transaction is a transaction of a source of which records wait.
type transaction struct {
	source, id string
	since      int64        // microseconds UTC, when its first record was read
	first      cdc.Position // of its first record with one
	newest     cdc.Position // of its records
	heard      int64        // microseconds UTC, when its last record was read
	later      int64        // microseconds UTC, when its source was first seen to have gone on to another one; 0: not yet
	order      int64        // of its BEGIN among those that were read; 0: it was not
	looked     int64        // microseconds UTC, of the look that ends are from
	seen       int64        // records with rows
	want       int64        // that END says
	marks      *partition   // where BEGIN was read, nil: it was not
	ended      bool         // END was read, or the marks have passed it
	endedAt    int64        // microseconds UTC, when that was
	ends       map[*partition]int64
	short      bool   // taken although records are missing
	lost       bool   // taken although its END is missing
	at         []spot // where its entries wait, one per partition
}

// noCount is the number of records of a transaction whose END was not kept: only time tells that it is whole.
const noCount = math.MaxInt64

// spot is the first and last entry of a transaction in one partition's queue, counted from the first entry the
// queue ever had.
type spot struct {
	p           *partition
	first, last int64
}

// whole reports whether nothing of the transaction is missing.
func (t *transaction) whole() bool { return t.ended && (t.short || t.seen >= t.want) }

// wait puts an entry at the end of a queue.
func (p *partition) wait(e entry) {
	n := p.taken + int64(len(p.queue))
	p.queue = append(p.queue, e)
	if e.tx == nil {
		return
	}
	for i := range e.tx.at {
		if s := &e.tx.at[i]; s.p == p {
			s.last = n
			return
		}
	}
	e.tx.at = append(e.tx.at, spot{p, n, n})
}

// settle finds how much of each queue can be applied: the longest heads that have every transaction whole or not
// at all. It sets limit of each partition, counted like spots.
//
// It begins with all that waits and takes back: an open transaction takes its queues back to before its first
// entry; a transaction of which one entry is behind a limit is left out like an open one. The limits only fall,
// so it ends.
func settle(parts []*partition, txs []*transaction) {
	for _, p := range parts {
		p.limit = p.taken + int64(len(p.queue))
	}
	open := func(t *transaction) bool {
		if !t.whole() {
			return true
		}
		return slices.ContainsFunc(t.at, func(s spot) bool { return s.last >= s.p.limit })
	}
	rest := slices.Clone(txs)
	for {
		left := rest[:0]
		for _, t := range rest {
			if !open(t) {
				left = append(left, t)
				continue
			}
			for _, s := range t.at {
				s.p.limit = min(s.p.limit, s.first)
			}
		}
		if len(left) == len(rest) {
			return
		}
		rest = left
	}
}

// copies keeps what a decoder lends. Memory comes in pieces and goes when nothing of a piece waits any more.
type copies struct {
	changes []cdc.Change
	cells   []cdc.Cell
	bytes   []byte
	ints    []int64
}

const (
	cellPiece = 4096
	bytePiece = 64 << 10
)

// change copies a change with all that it lends.
func (c *copies) change(ch *cdc.Change) cdc.Change {
	out := *ch
	if len(c.cells)+len(ch.Cells) > cap(c.cells) {
		c.cells = make([]cdc.Cell, 0, max(cellPiece, len(ch.Cells)))
	}
	from := len(c.cells)
	c.cells = append(c.cells, ch.Cells...)
	out.Cells = c.cells[from:len(c.cells):len(c.cells)]
	for i := range out.Cells {
		cell := &out.Cells[i]
		cell.Text = c.text(cell.Text)
		cell.List = c.list(cell.List)
	}
	return out
}

func (c *copies) text(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	if len(c.bytes)+len(b) > cap(c.bytes) {
		c.bytes = make([]byte, 0, max(bytePiece, len(b)))
	}
	from := len(c.bytes)
	c.bytes = append(c.bytes, b...)
	return c.bytes[from:len(c.bytes):len(c.bytes)]
}

func (c *copies) list(v []int64) []int64 {
	if v == nil {
		return nil
	}
	if len(c.ints)+len(v) > cap(c.ints) {
		c.ints = make([]int64, 0, max(cellPiece, len(v)))
	}
	from := len(c.ints)
	c.ints = append(c.ints, v...)
	return c.ints[from:len(c.ints):len(c.ints)]
}

// entry copies a record with its changes.
func (c *copies) entry(r *cdc.Decoded, tx *transaction) entry {
	e := entry{Decoded: *r, tx: tx}
	if n := len(r.Changes); len(c.changes)+n > cap(c.changes) {
		c.changes = make([]cdc.Change, 0, max(cellPiece/8, n))
	}
	from := len(c.changes)
	for i := range r.Changes {
		c.changes = append(c.changes, c.change(&r.Changes[i]))
	}
	e.Changes = c.changes[from:len(c.changes):len(c.changes)]
	return e
}

// remembered is the keys of the transactions that were applied last: their records come again after a source's
// connector died.
type remembered struct {
	keys map[string]bool
	ring []string
	next int
}

const rememberedKeys = 1 << 16

func (r *remembered) has(key string) bool { return r.keys[key] }

func (r *remembered) add(key string) {
	if r.keys == nil {
		r.keys = make(map[string]bool)
	}
	if r.keys[key] {
		return
	}
	r.keys[key] = true
	if len(r.ring) < rememberedKeys {
		r.ring = append(r.ring, key)
		return
	}
	delete(r.keys, r.ring[r.next])
	r.ring[r.next] = key
	r.next = (r.next + 1) % rememberedKeys
}
