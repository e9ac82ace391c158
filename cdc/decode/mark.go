package decode

import (
	"echelon/cdc"
	"echelon/inputs"
)

// transactionMarkRecord is what a record of a transaction topic says.
type transactionMarkRecord struct {
	status []byte
	id     []byte
	millis uint64
	events int64 // of the collections that are origins of the source
}

// mark decodes a record of a transaction or heartbeat topic.
func (d *Decoder) mark(t *topic, r *cdc.Record, emit func(*cdc.Change) error) error {
	if len(r.Value) == 0 {
		return nil
	}
	d.ch.Source = t.source
	if t.mark == heartbeatMark {
		return d.heartbeat(t, r, emit)
	}
	var m transactionMarkRecord
	var err error
	if r.Value[0] == 0 {
		err = d.avroTransaction(t, r, &m)
	} else {
		err = d.jsonTransaction(t, r, &m)
	}
	if err != nil {
		return err
	}
	switch string(m.status) {
	case "BEGIN":
		d.ch.Op = cdc.Begin
	case "END":
		d.ch.Op, d.ch.Events = cdc.End, m.events
	default:
		return &inputs.Fault{Reason: inputs.BadOp, Column: "status", Value: inputs.Cut(string(m.status)), Hint: "BEGIN and END are known"}
	}
	if len(m.id) == 0 {
		return broken(r.Value, "a transaction without id")
	}
	tx, lsn := transaction(m.id)
	d.ch.Tx = d.text.keep(tx)
	if at, ok := lastNumber(lsn); ok {
		d.ch.Position.Major = at
	}
	if m.millis < 1<<50 {
		d.ch.At = int64(m.millis) * 1000
	}
	return emit(&d.ch)
}

// jsonTransaction reads a transaction mark in JSON.
func (d *Decoder) jsonTransaction(t *topic, r *cdc.Record, m *transactionMarkRecord) error {
	s := scanner{data: r.Value, d: &d.d}
	var member func(_ int, name []byte) bool
	member = func(_ int, name []byte) (ok bool) {
		switch string(name) {
		case "schema":
			return s.skip(1)
		case "payload":
			if s.peek() != '{' {
				return s.skip(1)
			}
			return s.object(func(i int, name []byte) bool {
				if string(name) == "payload" {
					return s.skip(1)
				}
				return member(i, name)
			})
		case "status":
			m.status, ok = s.word()
		case "id":
			m.id, ok = s.word()
		case "ts_ms":
			m.millis, _, ok = s.natural()
		case "data_collections":
			if s.peek() != '[' {
				return s.skip(1)
			}
			ok = s.array(func(int) bool { return d.jsonCollection(&s, t, m) })
		default:
			ok = s.skip(1)
		}
		return ok
	}
	if !s.object(member) || !s.end() {
		return broken(r.Value, s.bad)
	}
	return nil
}

func (d *Decoder) jsonCollection(s *scanner, t *topic, m *transactionMarkRecord) bool {
	var name []byte
	var count uint64
	if s.peek() != '{' {
		return s.skip(2)
	}
	ok := s.object(func(_ int, member []byte) (ok bool) {
		switch string(member) {
		case "data_collection":
			name, ok = s.word()
		case "event_count":
			count, _, ok = s.natural()
		default:
			ok = s.skip(3)
		}
		return ok
	})
	d.collection(t, m, name, count)
	return ok
}

// collection counts the events of a table that is an origin of the mark's source. A name may have the database
// before schema and table.
func (d *Decoder) collection(t *topic, m *transactionMarkRecord, name []byte, count uint64) {
	if count > 1<<40 {
		return
	}
	for _, o := range d.f.origins {
		if o.Source == t.source && o.debezium && endsWith(name, o.table) {
			m.events += int64(count)
			return
		}
	}
}

func endsWith(name []byte, table string) bool {
	n := len(name) - len(table)
	return n >= 0 && table != "" && string(name[n:]) == table && (n == 0 || name[n-1] == '.')
}

// heartbeat decodes a heartbeat: a record of the connector's heartbeat topic, or of the table that its heartbeat
// query writes.
func (d *Decoder) heartbeat(t *topic, r *cdc.Record, emit func(*cdc.Change) error) error {
	d.ch.Op, d.ch.At = cdc.Heartbeat, r.Time
	d.ev = event{}
	if r.Value[0] == 0 {
		if err := d.avroEnvelope(t, r); err != nil {
			return err
		}
	} else if err := d.jsonEnvelope(t, r); err != nil {
		return err
	}
	if d.ev.micros != 0 {
		d.ch.At = d.ev.micros
	}
	if at, ok := d.ev.position(); ok {
		d.ch.Position = at
	}
	return emit(&d.ch)
}
