package decode

import (
	"strings"

	"echelon/cdc"
	"echelon/inputs"
)

// event is a Debezium envelope with the row left as it is.
type event struct {
	op         byte // c, u, r, d, t, m; 0 none, '?' another
	opText     []byte
	null       bool // an empty payload: a tombstone
	row0, row1 int  // where after stands in the value
	rowGiven   bool
	hasSource  bool
	database   []byte
	schema     []byte
	table      []byte
	snapshot   []byte
	lsn        uint64
	lsnGiven   bool
	sequence   []byte
	file       []byte
	pos, row   uint64
	commitLSN  []byte // SQL Server's
	scn        []byte // Oracle's
	commitSCN  []byte
	order      uint64 // the record's place in its transaction, from 1; 0 not given
	micros     int64
	tx         []byte
	plan       *connectPlan // of JSON with a schema
	avro       *avroPlan    // of Avro
	only       *row         // the one origin of the topic, whose row was read with the envelope
}

// debezium decodes the record of a source table.
func (d *Decoder) debezium(t *topic, r *cdc.Record, emit func(*cdc.Change) error) error {
	d.ev = event{}
	e := &d.ev
	var err error
	if r.Value[0] == 0 {
		err = d.avroEnvelope(t, r)
	} else {
		err = d.jsonEnvelope(t, r)
	}
	if err != nil {
		return tabled(err, t.origins[0])
	}
	if e.null {
		return d.tombstone(t, r, emit)
	}
	if f := d.event(t, r); f != nil {
		return tabled(f, t.origins[0])
	}
	op := cdc.Upsert
	switch e.op {
	case 'm': // a message in the source's log: of no table
		return nil
	case 't':
		d.remember(r, false)
		return d.emitRows(cdc.Truncate, emit)
	case 'd':
		op = cdc.Delete
	}
	if len(r.Key) == 0 {
		return tabled(&inputs.Fault{Reason: inputs.BadRecord, Hint: "the record has no key: the source's table needs a primary key, or the connector message.key.columns"}, t.origins[0])
	}
	for _, w := range d.hit {
		if err := d.debeziumRow(w, r, op); err != nil {
			return err
		}
	}
	d.remember(r, op == cdc.Delete)
	if err := d.emitRows(op, emit); err != nil {
		return err
	}
	if snap := string(e.snapshot); snap == "last" || snap == "last_in_data_collection" {
		return d.snapshotDone(emit)
	}
	return nil
}

func (d *Decoder) snapshotDone(emit func(*cdc.Change) error) error {
	for _, w := range d.hit {
		d.ch.Op, d.ch.Origin, d.ch.Cells = cdc.Snapshot, w.o.index, nil
		if err := emit(&d.ch); err != nil {
			return err
		}
	}
	return nil
}

// tabled names the table of a fault that has none.
func tabled(err error, o *origin) error {
	if f, ok := err.(*inputs.Fault); ok && f.Table == "" { //nolint:errorlint // a fault is never wrapped here
		f.Table = o.Contract.Table
	}
	return err
}

// event checks the envelope, finds the origins and sets what all their changes share.
func (d *Decoder) event(t *topic, r *cdc.Record) error {
	e := &d.ev
	switch e.op {
	case 'c', 'u', 'r', 'd', 't':
	case 'm':
		return nil
	case 0:
		return broken(r.Value, "no op: the record is not Debezium's envelope")
	default:
		return &inputs.Fault{Reason: inputs.BadOp, Column: "op", Value: inputs.Cut(string(e.opText)), Hint: "c, u, r, d, t and m are known"}
	}
	if !e.hasSource {
		return broken(r.Value, "no source: the record is not Debezium's envelope")
	}
	for _, o := range t.origins {
		if o.is(e.database, e.schema, e.table) {
			d.hit = append(d.hit, d.rows[o.index])
		}
	}
	if len(d.hit) == 0 {
		above := e.schema
		if len(above) == 0 {
			above = e.database
		}
		return &inputs.Fault{
			Reason: inputs.BadRecord, Column: "source.table", Value: inputs.Cut(string(above) + "." + string(e.table)),
			Hint: "another table in this topic: the mapping says " + t.tables(),
		}
	}
	if (e.op == 'c' || e.op == 'u' || e.op == 'r') && !e.rowGiven {
		return broken(r.Value, "op "+string(e.op)+" without after")
	}
	d.ch.Initial = e.op == 'r' || (len(e.snapshot) > 0 && string(e.snapshot) != "false")
	at, ok := e.position()
	if !ok && !d.ch.Initial {
		return &inputs.Fault{
			Reason: inputs.BadRecord, Column: "source",
			Hint: "no position: PostgreSQL's lsn, MySQL's file and pos, or SQL Server's commit_lsn or Oracle's commit_scn with the record's place in its transaction (provide.transaction.metadata) must be there",
		}
	}
	if e.op == 'c' && keyChanged(r) {
		at.Minor++
	}
	d.ch.Position, d.ch.Source, d.ch.At = at, t.source, e.micros
	if len(e.tx) > 0 {
		tx, _ := transaction(e.tx)
		d.ch.Tx = d.text.keep(tx)
	}
	return nil
}

// keyChanged reports whether a create is the second half of a key change: the first half has the same position.
func keyChanged(r *cdc.Record) bool {
	for i := range r.Headers {
		if r.Headers[i].Key == "__debezium.oldkey" {
			return true
		}
	}
	return false
}

func (t *topic) tables() string {
	names := make([]string, len(t.origins))
	for i, o := range t.origins {
		names[i] = o.table
	}
	return strings.Join(names, ", ")
}

// debeziumRow reads the cells of one origin.
func (d *Decoder) debeziumRow(w *row, r *cdc.Record, op cdc.Op) error {
	e := &d.ev
	if op == cdc.Delete {
		w.begin()
		if err := d.key(w, r, w.keys); err != nil {
			return err
		}
		w.gone(true)
		if f := w.check(false); f != nil {
			return f
		}
		return nil
	}
	switch {
	case e.only != nil: // it was read already
	case e.avro != nil:
		w.begin()
		if err := d.avroAfter(w, r); err != nil {
			return tabled(err, w.o)
		}
	default:
		w.begin()
		s := scanner{data: r.Value[:e.row1], at: e.row0, d: &d.d}
		if !d.jsonRow(&s, w, w.values, e.encodings(w), nil) {
			return tabled(broken(r.Value, s.bad), w.o)
		}
	}
	if err := d.key(w, r, w.must); err != nil {
		return err
	}
	if f := w.check(true); f != nil {
		return f
	}
	return nil
}

// key reads columns of a record's key: all of our key's for a delete, those that must have a value for an upsert.
func (d *Decoder) key(w *row, r *cdc.Record, by *fields) error {
	if r.Key[0] == 0 {
		if d.f.registry == nil && !avroFormat(w.o.format) {
			return tabled(broken(r.Key, "the key is Avro, or no text: the source's format says JSON"), w.o)
		}
		return tabled(d.avroKeyRow(w, r, by), w.o)
	}
	s := scanner{data: r.Key, d: &d.d}
	if s.peek() != '{' {
		if len(w.o.keyed) == 1 && !w.o.debezium { // a plain text is the key of a table with one
			c := w.o.keyed[0]
			cell, f := c.text(&d.d, r.Key, c.enc)
			w.put(c, cell, f)
			return nil
		}
		return tabled(broken(r.Key, "the record's key must be an object with the key's columns"), w.o)
	}
	if !d.jsonKey(&s, w, by, r.Partition.Topic) || !s.end() {
		return tabled(broken(r.Key, "key: "+s.bad), w.o)
	}
	return nil
}
