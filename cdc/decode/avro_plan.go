package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"echelon/cdc"
	"echelon/inputs"
)

// avroKey names a plan: a schema read as a key or as a value.
type avroKey struct {
	id  uint32
	key bool
}

// avroPlan is a writer's schema with what each field is for.
type avroPlan struct {
	root  *avroNode
	after *avroNode // the row's record of a Debezium envelope
	roles []avroRole
	rows  map[*row][]avroStep
	last  *row // whose steps are in steps
	steps []avroStep
}

// avroRole is what a field of an envelope is for.
type avroRole struct {
	node *avroNode
	is   role
	in   []avroRole // of the record inside
}

type role uint8

const (
	noRole role = iota
	roleOp
	roleAfter
	roleSource
	roleTransaction
	roleDatabase
	roleSchema
	roleTable
	roleSnapshot
	roleLSN
	roleSequence
	roleFile
	rolePos
	roleRow
	roleMicros
	roleMillis
	roleID
)

// avroStep reads a field of a row, or over it.
type avroStep struct {
	node *avroNode
	cols []avroTarget
	is   special
}

type avroTarget struct {
	c   *column
	enc encoding
}

type special uint8

const (
	noSpecial special = iota
	specialOp
	specialPosition
)

// Confluent's wire format: a zero, the schema's id in four bytes, then the value.
const wireHeader = 5

// plan gives the plan of a record's bytes, and a walker behind the header.
func (d *Decoder) plan(b []byte, key bool) (*avroPlan, walker, error) {
	if len(b) < wireHeader || b[0] != 0 {
		return nil, walker{}, &inputs.Fault{Reason: inputs.BadRecord, Hint: "it is not in the registry's wire format: a zero and the schema's id come first"}
	}
	w := walker{b: b, at: wireHeader}
	id := avroKey{binary.BigEndian.Uint32(b[1:]), key}
	if key && d.keyPlan != nil && d.keyPlanID == id {
		return d.keyPlan, w, nil
	}
	if !key && d.valuePlan != nil && d.valuePlanID == id {
		return d.valuePlan, w, nil
	}
	p := d.avro[id]
	if p == nil {
		var err error
		if p, err = d.newPlan(id); err != nil {
			return nil, w, err
		}
		d.avro[id] = p
	}
	if key {
		d.keyPlan, d.keyPlanID = p, id
	} else {
		d.valuePlan, d.valuePlanID = p, id
	}
	return p, w, nil
}

func (d *Decoder) newPlan(id avroKey) (*avroPlan, error) {
	if d.f.registry == nil {
		return nil, &RegistryError{Schema: id.id, Err: errors.New("none is configured")}
	}
	s, err := d.f.registry.Schema(id.id)
	var root *avroNode
	if err == nil {
		root, err = compileAvro(s)
	}
	switch {
	case errors.Is(err, ErrUnknownSchema), errors.Is(err, errSchema):
		return nil, &inputs.Fault{Reason: inputs.BadRecord, Column: "schema", Value: fmt.Sprint(id.id), Hint: inputs.Cut(err.Error())}
	case err != nil:
		return nil, &RegistryError{Schema: id.id, Err: err}
	case root.kind != avroRecord:
		return nil, &inputs.Fault{Reason: inputs.BadRecord, Column: "schema", Value: fmt.Sprint(id.id), Hint: "the schema is not of a record"}
	}
	p := &avroPlan{root: root, rows: map[*row][]avroStep{}}
	p.roles = roles(root, map[string]role{"op": roleOp, "after": roleAfter, "source": roleSource, "transaction": roleTransaction})
	if after := root.field("after"); after != nil {
		p.after = after.record()
	}
	return p, nil
}

// roles finds what the fields of an envelope are for.
func roles(n *avroNode, by map[string]role) []avroRole {
	out := make([]avroRole, len(n.fields))
	for i := range n.fields {
		f := &n.fields[i]
		out[i] = avroRole{node: f.node, is: by[f.name]}
		if out[i].is == roleAfter && f.node.record() == nil {
			out[i].is = noRole
		}
		inner := f.node.record()
		switch {
		case out[i].is == roleSource && inner != nil:
			out[i].in = roles(inner, map[string]role{
				"db": roleDatabase, "schema": roleSchema, "table": roleTable, "snapshot": roleSnapshot, "lsn": roleLSN,
				"sequence": roleSequence, "file": roleFile, "pos": rolePos, "row": roleRow, "ts_us": roleMicros, "ts_ms": roleMillis,
			})
		case out[i].is == roleTransaction && inner != nil:
			out[i].in = roles(inner, map[string]role{"id": roleID})
		case out[i].is == roleSource, out[i].is == roleTransaction:
			out[i].is = noRole
		}
	}
	return out
}

// of gives the steps that read a record as the row of an origin.
func (p *avroPlan) of(w *row, n *avroNode, by *fields, flat bool) []avroStep {
	if p.last == w {
		return p.steps
	}
	steps, ok := p.rows[w]
	if !ok {
		for i := range n.fields {
			f := &n.fields[i]
			s := avroStep{node: f.node}
			for _, c := range by.at[f.name] {
				s.cols = append(s.cols, avroTarget{c, c.schemed(f.node.enc)})
			}
			switch {
			case len(s.cols) > 0 || !flat:
			case f.name == w.o.op.name:
				s.is = specialOp
			case f.name == w.o.position.name:
				s.is = specialPosition
			}
			steps = append(steps, s)
		}
		p.rows[w] = steps
	}
	p.last, p.steps = w, steps
	return steps
}

// avroRow reads a record as the columns of a row.
func (d *Decoder) avroRow(w *row, rd *walker, steps []avroStep) (op []byte, position []byte) {
	for i := range steps {
		s := &steps[i]
		switch {
		case len(s.cols) == 0 && s.is == noSpecial:
			rd.skip(s.node, 1)
			continue
		case s.is == specialOp:
			op = rd.word(s.node)
			continue
		case s.is == specialPosition:
			position = d.avroPosition(rd, s.node)
			continue
		}
		start := rd.at
		for j := range s.cols {
			rd.at = start
			t := &s.cols[j]
			cell, f := t.c.avroCell(&d.d, rd, s.node, t.enc)
			if rd.bad {
				return op, position
			}
			w.put(t.c, cell, f)
		}
	}
	return op, position
}

// avroPosition reads a position that is a number or a text.
func (d *Decoder) avroPosition(rd *walker, n *avroNode) []byte {
	for depth := 0; n.kind == avroUnion && depth < maxDepth; depth++ {
		n = rd.branch(n)
	}
	if n.kind != avroLong && n.kind != avroInt {
		return rd.word(n)
	}
	start := len(d.d.text)
	d.d.text = strconv.AppendInt(d.d.text, rd.number(n), 10)
	return d.d.text[start:]
}

func avroBroken(b []byte) *inputs.Fault {
	return &inputs.Fault{Reason: inputs.BadRecord, Value: fmt.Sprintf("%d bytes", len(b)), Hint: "the bytes are not what the schema says"}
}

// canonicalAvro reads a row of our contract.
func (d *Decoder) canonicalAvro(w *row, r *cdc.Record) (cdc.Op, error) {
	p, rd, err := d.plan(r.Value, false)
	if err != nil {
		return cdc.Upsert, err
	}
	word, position := d.avroRow(w, &rd, p.of(w, p.root, w.values, true))
	if rd.bad || rd.at != len(rd.b) {
		return cdc.Upsert, avroBroken(r.Value)
	}
	if position != nil {
		at, ok := parsePosition(position)
		if !ok {
			return cdc.Upsert, badPosition(w.o, position)
		}
		d.ch.Position, d.given = at, true
	}
	op, f := w.o.operation(word, nil)
	if f != nil {
		return op, f
	}
	return op, nil
}

// avroKeyRow reads the columns of a record's key.
func (d *Decoder) avroKeyRow(w *row, r *cdc.Record) error {
	p, rd, err := d.plan(r.Key, true)
	if err != nil {
		return err
	}
	d.avroRow(w, &rd, p.of(w, p.root, w.keys, false))
	if rd.bad || rd.at != len(rd.b) {
		return avroBroken(r.Key)
	}
	return nil
}
