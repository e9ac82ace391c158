package cdc

import (
	"errors"
	"unsafe"

	"echelon/inputs"
)

// Decoded is what a decoder said of one record.
type Decoded struct {
	Offset  int64
	Time    int64         // microseconds UTC, of the record
	Changes []Change      // none: it says nothing
	Fault   *inputs.Fault // it cannot be decoded; Changes is empty then
}

// Batch holds what a decoder said of successive records of one partition. What the decoder lends is copied; texts
// that lie in a record stay there, so a record must not be written to while its batch is in use.
type Batch struct {
	Records []Decoded

	changes []Change
	cells   []Cell
	bytes   []byte
	ints    []int64

	record *Record
	from   int
	emit   func(*Change) error
	told   bool   // the decoder of the records at hand knows where their cells go
	direct direct // the same decoder, nil: it is not one
}

// placer is a decoder that makes cells where they stay, so that they need not be copied: it asks the batch that it
// was told of last for their places.
type placer interface{ Into(b *Batch) }

// direct is a decoder that reads what is simple straight into a batch, and leaves the rest to Decode.
type direct interface {
	DecodeInto(b *Batch, r *Record) bool
}

// Reset empties the batch and keeps its memory for the next records.
func (b *Batch) Reset() {
	b.Records, b.changes, b.cells = b.Records[:0], b.changes[:0], b.cells[:0]
	b.bytes, b.ints, b.record, b.told = b.bytes[:0], b.ints[:0], nil, false
}

// Cells gives n cells of a change that comes next. They hold what they held before.
func (b *Batch) Cells(n int) []Cell {
	from := len(b.cells)
	if from+n > cap(b.cells) { // what was handed out stays where it is
		from, b.cells = 0, make([]Cell, 0, max(64*n, 2*cap(b.cells)))
	}
	b.cells = b.cells[:from+n]
	return b.cells[from : from+n : from+n]
}

// placed reports whether cells are the batch's own.
func (b *Batch) placed(cells []Cell) bool {
	if len(cells) == 0 || len(b.cells) == 0 {
		return len(cells) == 0
	}
	at, from := uintptr(unsafe.Pointer(&cells[0])), uintptr(unsafe.Pointer(&b.cells[0]))
	return at >= from && at < from+uintptr(len(b.cells))*unsafe.Sizeof(Cell{})
}

// Decode adds a record. A record that cannot be decoded is one with a fault; any other error adds nothing.
func (b *Batch) Decode(d Decoder, r *Record) error {
	if b.emit == nil {
		b.emit = b.keep
	}
	if !b.told {
		if p, ok := d.(placer); ok {
			p.Into(b)
		}
		b.direct, _ = d.(direct)
		b.told = true
	}
	if b.direct != nil && b.direct.DecodeInto(b, r) {
		return nil
	}
	b.record, b.from = r, len(b.changes)
	err := d.Decode(r, b.emit)
	if err != nil {
		b.changes = b.changes[:b.from]
		var fault *inputs.Fault
		if !errors.As(err, &fault) {
			return err
		}
		b.Records = append(b.Records, Decoded{Offset: r.Offset, Time: r.Time, Fault: fault})
		return nil
	}
	n := len(b.changes)
	b.Records = append(b.Records, Decoded{Offset: r.Offset, Time: r.Time, Changes: b.changes[b.from:n:n]})
	return nil
}

// Put adds a record with one upsert, whose cells are the batch's own and lend from nothing but the record. A batch that is
// used again mostly holds what it held: pointers that stay are not written, which the collector would have to note.
func (b *Batch) Put(r *Record, origin int, source string, at Position, cells []Cell) {
	n := len(b.changes)
	if n == cap(b.changes) {
		n, b.changes = 0, make([]Change, 0, max(64, 2*n))
	}
	b.changes = b.changes[:n+1]
	ch := &b.changes[n]
	ch.Origin, ch.Op, ch.Initial, ch.Position, ch.Events, ch.At = origin, Upsert, false, at, 0, r.Time
	if ch.Source != source {
		ch.Source = source
	}
	if ch.Tx != "" {
		ch.Tx = ""
	}
	if unsafe.SliceData(ch.Cells) != unsafe.SliceData(cells) || len(ch.Cells) != len(cells) {
		ch.Cells = cells
	}
	k := len(b.Records)
	if k == cap(b.Records) {
		b.Records = append(b.Records, Decoded{})[:k]
	}
	b.Records = b.Records[:k+1]
	d := &b.Records[k]
	d.Offset, d.Time = r.Offset, r.Time
	if d.Fault != nil {
		d.Fault = nil
	}
	if unsafe.SliceData(d.Changes) != ch || len(d.Changes) != 1 {
		d.Changes = b.changes[n : n+1 : n+1]
	}
}

// keep copies a change of the record at hand. Where the memory is full it grows elsewhere: what was handed out stays.
func (b *Batch) keep(ch *Change) error {
	if len(b.changes) == cap(b.changes) && b.from > 0 { // the changes of a record lie together
		grown := make([]Change, 0, max(64, 2*cap(b.changes)))
		b.changes, b.from = append(grown, b.changes[b.from:]...), 0
	}
	b.changes = append(b.changes, *ch)
	cells := ch.Cells
	if !b.placed(cells) {
		cells = b.Cells(len(ch.Cells))
		copy(cells, ch.Cells)
		b.changes[len(b.changes)-1].Cells = cells
	}
	for i := range cells {
		c := &cells[i]
		if c.Kind != Text && c.Text != nil {
			c.Text = nil
		}
		if c.Kind != List && c.List != nil {
			c.List = nil
		}
		switch c.Kind {
		case Text:
			if !within(c.Text, b.record.Value) && !within(c.Text, b.record.Key) {
				at := len(b.bytes)
				b.bytes = append(b.bytes, c.Text...)
				c.Text = b.bytes[at:len(b.bytes):len(b.bytes)]
			}
		case List:
			at := len(b.ints)
			b.ints = append(b.ints, c.List...)
			c.List = b.ints[at:len(b.ints):len(b.ints)]
		default:
		}
	}
	return nil
}

// within reports whether a text lies in some bytes.
func within(text, in []byte) bool {
	a, b := uintptr(unsafe.Pointer(unsafe.SliceData(text))), uintptr(unsafe.Pointer(unsafe.SliceData(in)))
	return a >= b && a+uintptr(len(text)) <= b+uintptr(len(in))
}
