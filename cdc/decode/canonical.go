package decode

import (
	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/feed"
)

// fromTopic decodes a record of a canonical topic: a row of our contract, perhaps under other names.
func (d *Decoder) fromTopic(t *topic, r *cdc.Record, emit func(*cdc.Change) error) error {
	d.ch.Position, d.ch.Source = cdc.Position{Major: uint64(r.Offset) + 1}, t.source
	if t.http != nil {
		through := false
		for i := range r.Headers {
			h := &r.Headers[i]
			switch h.Key {
			case HeaderLog:
				through = true
			case HeaderOffset:
				at, ok := parsePosition(h.Value)
				if !ok {
					return &inputs.Fault{Reason: inputs.BadRecord, Table: t.http.Contract.Table, Column: HeaderOffset, Value: inputs.Cut(string(h.Value)), Hint: "write the row's offset in the log"}
				}
				d.ch.Position = cdc.Position{Major: at.Major + 1}
			}
		}
		if through {
			d.ch.Source = feed.SourceHTTP
			return d.canonical([]*origin{t.http}, t, r, emit)
		}
		if len(t.origins) == 0 {
			return &inputs.Fault{
				Reason: inputs.BadRecord, Table: t.http.Contract.Table,
				Hint: "the rows of this table come by HTTP: name this topic under from in the mapping instead",
			}
		}
	}
	return d.canonical(t.origins, t, r, emit)
}

// canonical decodes a row of one or more origins; t is nil for the log behind HTTP, whose records need no key.
func (d *Decoder) canonical(origins []*origin, t *topic, r *cdc.Record, emit func(*cdc.Change) error) error {
	for _, o := range origins {
		d.hit = append(d.hit, d.rows[o.index])
	}
	d.ch.At = r.Time
	switch {
	case len(r.Key) == 0 && len(r.Value) == 0:
		return &inputs.Fault{Reason: inputs.BadRecord, Hint: "neither key nor value"}
	case len(r.Key) == 0 && t != nil:
		return &inputs.Fault{
			Reason: inputs.BadRecord, Hint: "the record has no key: send each row with its key, so that the rows of a key stay in order",
		}
	}
	op := cdc.Upsert
	for _, w := range d.hit {
		w.begin()
		var err error
		if op, err = d.canonicalRow(w, r); err != nil {
			if f, ok := err.(*inputs.Fault); ok { //nolint:errorlint // a fault is never wrapped here
				f.Table = w.o.Contract.Table
			}
			return err
		}
	}
	if len(r.Value) > 0 {
		d.remember(r, false)
	}
	return d.emitRows(op, emit)
}

// canonicalRow reads the cells of one origin, and the operation.
func (d *Decoder) canonicalRow(w *row, r *cdc.Record) (op cdc.Op, err error) {
	switch {
	case len(r.Value) == 0:
		op = cdc.Delete
		if p := d.partOf(r.Partition); p.given && !d.given && r.Partition.Topic != cdc.HTTPTopic {
			d.ch.Position = cdc.Position{Major: p.at.Major, Minor: lastMinor}
		}
		err = d.key(w, r, w.keys)
	case r.Value[0] == 0:
		op, err = d.canonicalAvro(w, r)
	default:
		op, err = d.canonicalJSON(w, r)
	}
	if err != nil {
		return op, err
	}
	var f *inputs.Fault
	switch op {
	case cdc.Delete:
		w.gone(false)
		f = w.check(false)
	case cdc.Upsert:
		f = w.check(true)
	default:
	}
	if f != nil {
		return op, f
	}
	return op, nil
}

// canonicalJSON reads a flat object.
func (d *Decoder) canonicalJSON(w *row, r *cdc.Record) (cdc.Op, error) {
	s := scanner{data: r.Value, d: &d.d}
	op := cdc.Upsert
	var fault *inputs.Fault
	seen := 0
	ok := d.jsonRow(&s, w, w.values, w.enc, func(name []byte) (taken, ok bool) {
		var bit int
		switch string(name) {
		case w.o.op.name:
			bit = 1
			var word []byte
			if word, ok = s.word(); ok {
				op, fault = w.o.operation(word, fault)
			}
		case w.o.position.name:
			bit = 2
			if s.null() {
				return true, true
			}
			var word []byte
			if word, ok = s.word(); ok {
				at, right := parsePosition(word)
				if !right && fault == nil {
					fault = badPosition(w.o, word)
				}
				d.ch.Position, d.given = at, true
			}
		default:
			return false, true
		}
		if seen&bit != 0 {
			return true, s.fail(inputs.Cut(string(name)) + " is there twice")
		}
		seen |= bit
		return true, ok
	})
	if !ok || !s.end() {
		return op, broken(r.Value, s.bad)
	}
	if fault != nil {
		return op, fault
	}
	return op, nil
}

func badPosition(o *origin, word []byte) *inputs.Fault {
	return &inputs.Fault{Reason: inputs.BadRecord, Column: o.position.name, Value: inputs.Cut(string(word)), Hint: "write n or n:m, whole numbers"}
}

// operation reads the word of an operation; none is an upsert.
func (o *origin) operation(word []byte, fault *inputs.Fault) (cdc.Op, *inputs.Fault) {
	if len(word) == 0 && len(o.op.values) == 0 {
		return cdc.Upsert, fault
	}
	w := string(word)
	if to, ok := o.op.values[w]; ok {
		w = to
	}
	switch w {
	case "", "upsert", "insert", "update", "c", "r", "u":
		return cdc.Upsert, fault
	case "delete", "d":
		return cdc.Delete, fault
	case "truncate", "t":
		return cdc.Truncate, fault
	}
	return cdc.Upsert, &inputs.Fault{Reason: inputs.BadOp, Column: o.op.name, Value: inputs.Cut(w), Hint: "write upsert, delete or truncate"}
}
