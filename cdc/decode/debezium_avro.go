package decode

import (
	"echelon/cdc"
)

// avroEnvelope reads a Debezium envelope in Avro.
func (d *Decoder) avroEnvelope(t *topic, r *cdc.Record) error {
	p, w, err := d.plan(r.Value, false)
	if err != nil {
		return err
	}
	d.ev.avro = p
	if len(t.origins) == 1 {
		d.ev.only = d.rows[t.origins[0].index]
		d.ev.only.begin()
	}
	d.envelope(&w, &p.roles)
	if !w.bad && !d.ev.lsnGiven && p.full != nil { // its position stands elsewhere: a read of an incremental snapshot
		only := d.ev.only
		if d.ev = (event{avro: p, only: only}); only != nil {
			only.begin()
		}
		w = walker{b: r.Value, at: wireHeader}
		d.envelope(&w, p.full)
	}
	if w.bad || w.at != len(w.b) {
		return avroBroken(r.Value)
	}
	return nil
}

// envelope reads the fields of an envelope, or of the records inside.
func (d *Decoder) envelope(w *walker, by *avroRoles) {
	e := &d.ev
	for i := range by.steps {
		f := &by.steps[i]
		if len(f.skip) > 0 {
			w.over(f.skip)
		}
		n := f.node
		switch f.is {
		case noRole:
		case roleOp:
			if e.opText = w.word(n); len(e.opText) == 1 {
				e.op = e.opText[0]
			} else if len(e.opText) > 0 {
				e.op = '?'
			}
		case roleAfter, roleSource, roleTransaction:
			if n.kind == avroUnion {
				n = w.branch(n)
			}
			switch {
			case n.kind != avroRecord:
				w.skip(n, 1)
			case f.is == roleAfter:
				d.envelopeRow(w, n)
			default:
				e.hasSource = e.hasSource || f.is == roleSource
				d.envelope(w, f.in)
			}
		case roleDatabase:
			e.database = w.word(n)
		case roleSchema:
			e.schema = w.word(n)
		case roleTable:
			e.table = w.word(n)
		case roleSnapshot:
			e.snapshot = w.word(n)
		case roleLSN:
			v, given := w.whole(n)
			e.lsn, e.lsnGiven = uint64(v), given && v >= 0
		case roleSequence:
			e.sequence = w.word(n)
		case roleFile:
			e.file = w.word(n)
		case rolePos:
			v, _ := w.whole(n)
			e.pos = uint64(v)
		case roleRow:
			v, _ := w.whole(n)
			e.row = uint64(v)
		case roleMicros:
			if v, given := w.whole(n); given && v >= 0 {
				e.micros = v
			}
		case roleMillis:
			if v, given := w.whole(n); given && e.micros == 0 && v >= 0 && v < 1<<50 {
				e.micros = v * 1000
			}
		case roleID:
			e.tx = w.word(n)
		case roleCommitLSN:
			e.commitLSN = w.word(n)
		case roleSCN:
			e.scn = d.avroPosition(w, n)
		case roleCommitSCN:
			e.commitSCN = d.avroPosition(w, n)
		case roleOrder:
			if v, given := w.whole(n); given && v > 0 {
				e.order = uint64(v)
			}
		}
	}
	w.over(by.rest)
}

// envelopeRow reads the new row. Where the topic feeds one origin it is read at once; else it is read over, and
// read again for each origin.
func (d *Decoder) envelopeRow(w *walker, n *avroNode) {
	e := &d.ev
	e.row0 = w.at
	if e.only != nil {
		d.avroRow(e.only, w, e.avro.of(e.only, e.avro.after, e.only.values, false))
	} else {
		w.skip(n, 1)
	}
	e.row1, e.rowGiven = w.at, true
}

// avroAfter reads the new row.
func (d *Decoder) avroAfter(w *row, r *cdc.Record) error {
	e := &d.ev
	rd := walker{b: r.Value[:e.row1], at: e.row0}
	d.avroRow(w, &rd, e.avro.of(w, e.avro.after, w.values, false))
	if rd.bad || rd.at != len(rd.b) {
		return avroBroken(r.Value)
	}
	return nil
}

// avroTransaction reads a transaction mark.
func (d *Decoder) avroTransaction(t *topic, r *cdc.Record, m *transactionMarkRecord) error {
	p, w, err := d.plan(r.Value, false)
	if err != nil {
		return err
	}
	for i := range p.root.fields {
		f := &p.root.fields[i]
		switch f.name {
		case "status":
			m.status = w.word(f.node)
		case "id":
			m.id = w.word(f.node)
		case "ts_ms":
			if v, given := w.whole(f.node); given && v >= 0 {
				m.millis = uint64(v)
			}
		case "data_collections":
			d.avroCollections(&w, f.node, t, m)
		default:
			w.skip(f.node, 1)
		}
	}
	if w.bad || w.at != len(w.b) {
		return avroBroken(r.Value)
	}
	return nil
}

func (d *Decoder) avroCollections(w *walker, n *avroNode, t *topic, m *transactionMarkRecord) {
	if n.kind == avroUnion {
		n = w.branch(n)
	}
	if n.kind != avroArray {
		w.skip(n, 1)
		return
	}
	for {
		count, _ := w.block()
		if count == 0 {
			return
		}
		for ; count > 0 && !w.bad; count-- {
			item := n.items
			if item.kind == avroUnion {
				item = w.branch(item)
			}
			if item.kind != avroRecord {
				w.skip(item, 1)
				continue
			}
			var name []byte
			var events int64
			for i := range item.fields {
				switch f := &item.fields[i]; f.name {
				case "data_collection":
					name = w.word(f.node)
				case "event_count":
					events, _ = w.whole(f.node)
				default:
					w.skip(f.node, 1)
				}
			}
			if events > 0 {
				d.collection(t, m, name, uint64(events))
			}
		}
	}
}
