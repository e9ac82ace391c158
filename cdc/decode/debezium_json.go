package decode

import (
	"encoding/json"

	"echelon/cdc"
)

// jsonEnvelope reads a Debezium envelope in JSON, with or without its schema.
func (d *Decoder) jsonEnvelope(t *topic, r *cdc.Record) error {
	s := scanner{data: r.Value, d: &d.d}
	e := &d.ev
	if len(t.origins) == 1 {
		e.only = d.rows[t.origins[0].index]
		e.only.begin()
	}
	seen := 0
	ok := s.object(func(_ int, name []byte) bool {
		switch string(name) {
		case "schema":
			if s.null() {
				return true
			}
			if e.rowGiven { // it was read without its schema
				e.only = nil
			}
			plan, ok := d.connect(&s, t.name, false)
			e.plan = plan
			return ok
		case "payload":
			if s.null() {
				e.null = true
				return true
			}
			return s.object(func(_ int, name []byte) bool { return d.envelopeMember(&s, name, &seen) })
		}
		return d.envelopeMember(&s, name, &seen)
	})
	if !ok || !s.end() {
		return broken(r.Value, s.bad)
	}
	return nil
}

// envelopeMember reads one member of an envelope; seen has a bit for each that must not come twice.
func (d *Decoder) envelopeMember(s *scanner, name []byte, seen *int) (ok bool) {
	e := &d.ev
	once := func(bit int) bool {
		if *seen&bit != 0 {
			return s.fail("a member of the envelope is there twice")
		}
		*seen |= bit
		return true
	}
	switch string(name) {
	case "op":
		if !once(1) {
			return false
		}
		if e.opText, ok = s.word(); len(e.opText) == 1 {
			e.op = e.opText[0]
		} else if ok && len(e.opText) > 0 {
			e.op = '?'
		}
		return ok
	case "after":
		if !once(2) {
			return false
		}
		if s.peek() != '{' {
			return s.null() || s.fail("after is not a row")
		}
		e.row0 = s.at
		if e.only != nil {
			ok = d.jsonRow(s, e.only, e.only.values, e.encodings(e.only), nil)
		} else {
			ok = s.skip(1)
		}
		e.row1, e.rowGiven = s.at, ok
		return ok
	case "source":
		if !once(4) {
			return false
		}
		if s.peek() != '{' {
			return s.skip(1)
		}
		e.hasSource = true
		return s.object(func(_ int, name []byte) bool { return d.sourceMember(s, name) })
	case "transaction":
		if s.peek() != '{' {
			return s.skip(1)
		}
		return s.object(func(_ int, name []byte) bool {
			var ok bool
			switch string(name) {
			case "id":
				e.tx, ok = s.word()
			case "total_order":
				e.order, _, ok = s.natural()
			default:
				ok = s.skip(2)
			}
			return ok
		})
	}
	return s.skip(1)
}

func (d *Decoder) sourceMember(s *scanner, name []byte) (ok bool) {
	e := &d.ev
	switch string(name) {
	case "db":
		e.database, ok = s.word()
	case "schema":
		e.schema, ok = s.word()
	case "table":
		e.table, ok = s.word()
	case "snapshot":
		e.snapshot, ok = s.word()
	case "lsn":
		e.lsn, e.lsnGiven, ok = s.natural()
	case "sequence":
		e.sequence, ok = s.word()
	case "file":
		e.file, ok = s.word()
	case "pos":
		e.pos, _, ok = s.natural()
	case "row":
		e.row, _, ok = s.natural()
	case "commit_lsn":
		e.commitLSN, ok = s.word()
	case "scn":
		e.scn, ok = s.word()
	case "commit_scn":
		e.commitSCN, ok = s.word()
	case "ts_us":
		var v uint64
		var given bool
		if v, given, ok = s.natural(); given && v < 1<<62 {
			e.micros = int64(v)
		}
	case "ts_ms":
		var v uint64
		var given bool
		if v, given, ok = s.natural(); given && e.micros == 0 && v < 1<<50 {
			e.micros = int64(v) * 1000
		}
	default:
		ok = s.skip(2)
	}
	return ok
}

// jsonKey reads a key in JSON, with or without its schema.
func (d *Decoder) jsonKey(s *scanner, w *row, by *fields, topic string) bool {
	enc, start := w.enc, s.at
	s.at++
	name := []byte(nil)
	if s.peek() == '"' {
		name, _ = s.str()
	}
	schemed := (string(name) == "schema" || string(name) == "payload") && by.at[string(name)] == nil
	if s.at = start; !schemed {
		return d.jsonRow(s, w, by, enc, nil)
	}
	return s.object(func(_ int, name []byte) bool {
		switch {
		case string(name) == "schema" && s.peek() == '{':
			plan, ok := d.connect(s, topic, true)
			if ok {
				enc = plan.encodings(w)
			}
			return ok
		case string(name) == "payload" && s.peek() == '{':
			return d.jsonRow(s, w, by, enc, nil)
		}
		return s.skip(1)
	})
}

// encodings are those of an origin's columns in the event.
func (e *event) encodings(w *row) []encoding {
	if e.plan != nil {
		return e.plan.encodings(w)
	}
	return w.enc
}

// connectKey names a topic's keys or values.
type connectKey struct {
	topic string
	key   bool
}

// connectPlans are the Connect schemas of a topic that were there last, newest first.
type connectPlans struct{ plans []*connectPlan }

// connectPlan is a Connect schema made ready.
type connectPlan struct {
	raw    []byte
	fields map[string]encoding
	byRow  map[*row][]encoding
}

const maxConnectPlans = 8

// connectSchema is the part of a Connect schema that decides encodings.
type connectSchema struct {
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Field      string            `json:"field"`
	Parameters map[string]string `json:"parameters"`
	Fields     []connectSchema   `json:"fields"`
	Items      *connectSchema    `json:"items"`
}

// connect reads a Connect schema. The same text again is only compared.
func (d *Decoder) connect(s *scanner, topic string, key bool) (*connectPlan, bool) {
	s.blank()
	at := connectKey{topic, key}
	known := d.conn[at]
	if known == nil {
		known = &connectPlans{}
		d.conn[at] = known
	}
	for i, p := range known.plans {
		if rest := s.data[s.at:]; len(rest) >= len(p.raw) && string(rest[:len(p.raw)]) == string(p.raw) {
			s.at += len(p.raw)
			if i > 0 {
				known.plans[0], known.plans[i] = p, known.plans[0]
			}
			return p, true
		}
	}
	start := s.at
	if !s.skip(1) {
		return nil, false
	}
	raw := s.data[start:s.at]
	var c connectSchema
	if raw[0] != '{' || json.Unmarshal(raw, &c) != nil {
		return nil, s.fail("the schema of the record is not a Connect schema")
	}
	fields := c.Fields
	if !key {
		for i := range c.Fields {
			if c.Fields[i].Field == "after" {
				fields = c.Fields[i].Fields
			}
		}
	}
	p := &connectPlan{raw: append([]byte(nil), raw...), fields: map[string]encoding{}, byRow: map[*row][]encoding{}}
	for i := range fields {
		f := &fields[i]
		typed := f
		if f.Items != nil {
			typed = f.Items
		}
		if e, ok := named(typed.Name, typed.Parameters["scale"]); ok {
			p.fields[f.Field] = e
		}
	}
	if len(known.plans) == maxConnectPlans {
		known.plans = known.plans[:maxConnectPlans-1]
	}
	known.plans = append([]*connectPlan{p}, known.plans...)
	return p, true
}

// encodings gives the encodings of an origin's columns.
func (p *connectPlan) encodings(w *row) []encoding {
	if enc, ok := p.byRow[w]; ok {
		return enc
	}
	enc := make([]encoding, len(w.o.cols))
	for i, c := range w.o.cols {
		enc[i] = c.schemed(p.fields[c.from])
	}
	p.byRow[w] = enc
	return enc
}

// schemed is the encoding of a column whose schema is known: where the schema says nothing, the mapping may.
func (c *column) schemed(e encoding) encoding {
	cm := c.value.Mapping()
	if e.kind == encPlain && (cm.Unit != "" || cm.Scale != nil) {
		return c.enc
	}
	return e
}
