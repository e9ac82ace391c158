package decode

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/feed"
)

// Decoder is the cdc.Decoder of all topics of its feeds. What it gives to emit is lent until the next record.
type Decoder struct {
	f    *Feeds
	topc *topic // of the record before
	part *part  // of the record before
	name cdc.Partition
	all  map[cdc.Partition]*part
	rows []*row // by origin
	hit  []*row // that the record is for
	avro map[avroKey]*avroPlan
	conn map[connectKey]*connectPlans

	keyPlan, valuePlan     *avroPlan // of the record before
	keyPlanID, valuePlanID avroKey

	d     scratch
	ev    event
	ch    cdc.Change
	given bool // the record carried its position
	text  textArena
	into  *cdc.Batch // where cells are made; nil: they are lent until the next record
}

var _ cdc.Decoder = (*Decoder)(nil)

// part is what is remembered of a partition, for tombstones.
type part struct {
	at      cdc.Position // of the record before
	known   bool
	given   bool // it came with the record and is not the record's offset
	deleted bool // it was a delete, of this key
	key     []byte
	next    int64 // where reading goes on; 0 when a record came since
}

// Into lets the cells of the records that come be made in a batch, which keeps them; nil ends it.
func (d *Decoder) Into(b *cdc.Batch) { d.into = b }

// Fork implements cdc.Decoder.
func (d *Decoder) Fork() cdc.Decoder { return d.f.Decoder() }

// Decoder makes a decoder for one goroutine.
func (f *Feeds) Decoder() *Decoder {
	f = f.own()
	d := &Decoder{
		f: f, all: map[cdc.Partition]*part{}, avro: map[avroKey]*avroPlan{}, conn: map[connectKey]*connectPlans{},
	}
	for _, o := range f.origins {
		w := &row{d: d, o: o, cells: make([]cdc.Cell, len(o.Columns)), seen: make([]uint32, len(o.Columns)), keys: newFields(), must: newFields(), values: newFields()}
		for _, c := range o.cols {
			w.enc = append(w.enc, c.enc)
			if c.from == "" {
				continue
			}
			if c.def.Key {
				w.keys.add(c.from, c)
			}
			if c.key {
				w.must.add(c.from, c)
			}
			if !c.key || !o.debezium {
				w.values.add(c.from, c)
			}
		}
		w.keyEnc = w.enc
		d.rows = append(d.rows, w)
	}
	return d
}

// Resume tells where reading of a partition goes on behind a checkpoint: the offset to read next, and the newest
// position that was read. A tombstone that comes first, with offsets missing before it, stands behind it: its
// delete was compacted away. Without a gap its delete was the record before.
func (d *Decoder) Resume(p cdc.Partition, next int64, at cdc.Position) {
	*d.partOf(p) = part{at: at, known: true, given: true, next: next}
}

func (d *Decoder) partOf(p cdc.Partition) *part {
	if d.part != nil && d.name == p {
		return d.part
	}
	q := d.all[p]
	if q == nil {
		q = &part{}
		d.all[p] = q
	}
	d.part, d.name = q, p
	return q
}

// Decode implements cdc.Decoder.
func (d *Decoder) Decode(r *cdc.Record, emit func(*cdc.Change) error) error {
	err := d.decode(r, emit)
	if err == nil {
		return nil
	}
	var f *inputs.Fault
	if errors.As(err, &f) && f.Source == "" {
		f.Source, f.Position = fmt.Sprintf("%s-%d", r.Partition.Topic, r.Partition.ID), r.Offset
		if f.Table == "" && len(d.hit) > 0 {
			f.Table = d.hit[0].o.Contract.Table
		}
	}
	return err
}

func (d *Decoder) decode(r *cdc.Record, emit func(*cdc.Change) error) error {
	d.d.reset()
	d.hit = d.hit[:0]
	d.ch, d.given = cdc.Change{Origin: cdc.None}, false
	if r.Partition.Topic == cdc.HTTPTopic {
		return d.fromHTTP(r, emit)
	}
	t := d.topc
	if t == nil || t.name != r.Partition.Topic {
		if t = d.f.topics[r.Partition.Topic]; t == nil {
			return fmt.Errorf("decode topic %s: the mapping does not name it", r.Partition.Topic)
		}
		d.topc = t
	}
	if f := d.bounds(r); f != nil {
		if len(t.origins) > 0 {
			f.Table = t.origins[0].Contract.Table
		}
		return f
	}
	switch {
	case t.mark != noMark:
		return d.mark(t, r, emit)
	case len(t.origins) > 0 && t.origins[0].debezium:
		if len(r.Value) == 0 {
			return d.tombstone(t, r, emit)
		}
		if f := formatted(r.Value, avroFormat(t.format)); f != nil {
			return tabled(f, t.origins[0])
		}
		return d.debezium(t, r, emit)
	}
	if t.format != "" && len(r.Value) > 0 {
		if f := formatted(r.Value, avroFormat(t.format)); f != nil {
			return tabled(f, t.origins[0])
		}
	} else if len(r.Value) > 0 && r.Value[0] == 0 && d.f.registry == nil {
		return &inputs.Fault{Reason: inputs.BadRecord, Hint: "the record is Avro and no schema registry is configured"}
	}
	return d.fromTopic(t, r, emit)
}

func avroFormat(format string) bool {
	return format == feed.FormatDebeziumAvro || format == feed.FormatAvro
}

// formatted refuses Avro where JSON is needed, and the other way round.
func formatted(value []byte, avro bool) error {
	switch {
	case avro && value[0] != 0:
		return broken(value, "the source's format says Avro: a zero and the schema's id must come first")
	case !avro && value[0] == 0:
		return broken(value, "the source's format says JSON, the record is something else")
	}
	return nil
}

// bounds refuses what is too large to be looked at, and JSON that is not UTF-8.
func (d *Decoder) bounds(r *cdc.Record) *inputs.Fault {
	if len(r.Value) > d.f.maxValue {
		return &inputs.Fault{
			Reason: inputs.TooLarge, Value: fmt.Sprintf("%d bytes", len(r.Value)),
			Hint: fmt.Sprintf("a record's value has at most %d bytes", d.f.maxValue),
		}
	}
	if len(r.Key) > maxKey {
		return &inputs.Fault{Reason: inputs.TooLarge, Value: fmt.Sprintf("key of %d bytes", len(r.Key)), Hint: fmt.Sprintf("a record's key has at most %d bytes", maxKey)}
	}
	if !isText(r.Value) || !isText(r.Key) {
		b := r.Value
		if isText(b) {
			b = r.Key
		}
		return &inputs.Fault{Reason: inputs.BadText, Value: inputs.Cut(string(b[:min(len(b), 200)])), Hint: "the record must be UTF-8"}
	}
	return nil
}

// isText reports whether bytes are UTF-8, or Avro.
func isText(b []byte) bool { return len(b) == 0 || b[0] == 0 || utf8.Valid(b) }

const maxKey = 64 << 10

func broken(data []byte, hint string) *inputs.Fault {
	return &inputs.Fault{Reason: inputs.BadRecord, Value: inputs.Cut(string(data[:min(len(data), 200)])), Hint: hint}
}

// jsonRow reads the members of an object as the columns of a row; special may take members first.
func (d *Decoder) jsonRow(s *scanner, w *row, by *fields, enc []encoding, special func(name []byte) (taken, ok bool)) bool {
	return s.object(func(i int, name []byte) bool {
		cols := by.find(i, name)
		if special != nil && cols == nil {
			if taken, ok := special(name); taken || !ok {
				return ok
			}
		}
		if cols == nil {
			return s.skip(1)
		}
		start := s.at
		for _, c := range cols {
			s.at = start
			cell, f, ok := c.jsonCell(s, enc[c.at])
			if !ok {
				return false
			}
			if !w.put(c, cell, f) {
				return s.fail("column " + inputs.Cut(c.from) + " is there twice")
			}
		}
		return true
	})
}

// emitRows gives the changes of the rows that were read.
func (d *Decoder) emitRows(op cdc.Op, emit func(*cdc.Change) error) error {
	for _, w := range d.hit {
		d.ch.Op, d.ch.Origin, d.ch.Cells = op, w.o.index, w.cells
		if op == cdc.Truncate {
			d.ch.Cells = nil
		}
		if err := emit(&d.ch); err != nil {
			return err
		}
	}
	return nil
}

// textArena keeps short texts that outlive a record.
type textArena struct {
	chunk []byte
	last  string
}

func (a *textArena) keep(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case string(b) == a.last:
		return a.last
	case len(b) > 1024:
		a.last = string(b)
		return a.last
	case cap(a.chunk)-len(a.chunk) < len(b):
		a.chunk = make([]byte, 0, 8192)
	}
	start := len(a.chunk)
	a.chunk = append(a.chunk, b...)
	a.last = view(a.chunk[start:len(a.chunk):len(a.chunk)])
	return a.last
}

// remember keeps a record's position for tombstones behind it.
func (d *Decoder) remember(r *cdc.Record, deleted bool) {
	p := d.partOf(r.Partition)
	p.at, p.known, p.given, p.deleted, p.next = d.ch.Position, true, d.given, deleted, 0
	if deleted {
		p.key = append(p.key[:0], r.Key...)
	}
}

// tombstone gives the delete of a record that has only a key. One that follows its delete says it again.
func (d *Decoder) tombstone(t *topic, r *cdc.Record, emit func(*cdc.Change) error) error {
	if len(r.Key) == 0 {
		return &inputs.Fault{Reason: inputs.BadRecord, Table: t.origins[0].Contract.Table, Hint: "neither key nor value"}
	}
	p := d.partOf(r.Partition)
	again := p.deleted && bytes.Equal(p.key, r.Key)
	if !p.known || (p.next > 0 && r.Offset == p.next) {
		return nil // nothing stands before it, or its delete, which was read
	}
	if t.mixed() { // whose key it is was said by the delete alone
		if again {
			return nil
		}
		return &inputs.Fault{Reason: inputs.BadRecord, Table: t.origins[0].Contract.Table, Hint: "a tombstone without its delete in a topic of several tables"}
	}
	d.ch.Position = p.at
	if !again {
		d.ch.Position.Minor = lastMinor
	}
	for _, o := range t.origins {
		d.hit = append(d.hit, d.rows[o.index])
	}
	for _, w := range d.hit {
		w.begin()
		if err := d.key(w, r, w.keys); err != nil {
			return err
		}
		w.gone(w.o.debezium)
		if f := w.check(false); f != nil {
			return f
		}
	}
	d.ch.Source, d.ch.At = t.source, r.Time
	return d.emitRows(cdc.Delete, emit)
}

// mixed reports whether a topic holds several source tables.
func (t *topic) mixed() bool {
	for _, o := range t.origins {
		if o.table != t.origins[0].table {
			return true
		}
	}
	return false
}

// fromHTTP decodes a record of the log behind HTTP.
func (d *Decoder) fromHTTP(r *cdc.Record, emit func(*cdc.Change) error) error {
	var table []byte
	for i := range r.Headers {
		if r.Headers[i].Key == HeaderTable {
			table = r.Headers[i].Value
		}
	}
	o := d.f.http[string(table)]
	if o == nil {
		return &inputs.Fault{
			Reason: inputs.BadRecord, Column: HeaderTable, Value: inputs.Cut(string(table)),
			Hint: "no table whose rows come by HTTP: name source http in the mapping",
		}
	}
	if f := d.bounds(r); f != nil {
		f.Table = o.Contract.Table
		return f
	}
	d.ch.Position = cdc.Position{Major: uint64(r.Offset) + 1}
	d.ch.Source = feed.SourceHTTP
	return d.canonical([]*origin{o}, nil, r, emit)
}
