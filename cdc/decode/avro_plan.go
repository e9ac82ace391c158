package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

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
	roles avroRoles
	full  *avroRoles // with what is needed only where a position stands in the sequence; nil: roles has it all
	rows  map[*fields]*avroSteps
	last  *fields // whose steps are in steps
	steps *avroSteps
}

// avroRoles is how an envelope, or a record inside, is read: before each field that is for something, the others
// are read over in one go.
type avroRoles struct {
	steps []avroRole
	rest  []simple
}

type avroRole struct {
	skip []simple
	node *avroNode
	is   role
	in   *avroRoles // of the record inside
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
	roleCommitLSN
	roleSCN
	roleCommitSCN
	roleOrder
)

// avroSteps is how a record is read as the row of an origin.
type avroSteps struct {
	steps []avroStep
	rest  []simple
	flat  bool // see flat.go
	whole bool // the steps give every column
}

// avroStep reads a field of a row.
type avroStep struct {
	skip []simple
	node *avroNode // of an optional field, what is there when it is not null
	null int8      // the branch that is null; -1: not optional
	cols []avroTarget
	is   special
	// Most fields feed one column by a short way: what that needs lies here.
	short    fastPath // fastInt or fastText; else the steps above say how
	cell     int
	min, max int64
	flat     flatKind
	needed   bool // null is a fault
}

type avroTarget struct {
	c    *column
	enc  encoding
	fast fastPath
}

// fastPath is a shorter way for what most columns are.
type fastPath uint8

const (
	noFastPath  fastPath = iota
	fastInt              // a whole number that is the contract's number, if its range allows it
	fastText             // a text that is the contract's text, if it keeps its grammar
	fastIntText          // a whole number that becomes a text, perhaps behind a prefix
	fastTime             // a number that counts days or parts of a second
	fastDecimal          // a decimal of a number
	fastDouble           // a double of a whole number
)

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
	p := &avroPlan{root: root, rows: map[*fields]*avroSteps{}}
	envelope := map[string]role{"op": roleOp, "after": roleAfter, "source": roleSource, "transaction": roleTransaction}
	p.roles = roles(root, envelope, false)
	if source := root.field("source"); source != nil && source.record() != nil && source.record().field("lsn") != nil {
		full := roles(root, envelope, true)
		p.full = &full
	}
	if after := root.field("after"); after != nil {
		p.after = after.record()
	}
	return p, nil
}

// roles finds what the fields of an envelope are for. Unless full is asked for, fields are left out that say again
// what others say.
func roles(n *avroNode, by map[string]role, full bool) avroRoles {
	var out avroRoles
	var run []simple
	for i := range n.fields {
		f := &n.fields[i]
		is, inner := by[f.name], f.node.record()
		if inner == nil && (is == roleAfter || is == roleSource || is == roleTransaction) {
			is = noRole
		}
		if !full && (is == roleMillis && n.field("ts_us") != nil || is == roleDatabase && n.field("schema") != nil ||
			is == roleSequence && n.field("lsn") != nil) {
			is = noRole
		}
		if is == noRole {
			run = append(run, simpleOf(f.node))
			continue
		}
		r := avroRole{skip: run, node: f.node, is: is}
		run = nil
		switch is {
		case roleSource:
			in := roles(inner, map[string]role{
				"db": roleDatabase, "schema": roleSchema, "table": roleTable, "snapshot": roleSnapshot, "lsn": roleLSN,
				"sequence": roleSequence, "file": roleFile, "pos": rolePos, "row": roleRow, "ts_us": roleMicros, "ts_ms": roleMillis,
				"commit_lsn": roleCommitLSN, "scn": roleSCN, "commit_scn": roleCommitSCN,
			}, full)
			r.in = &in
		case roleTransaction:
			named := map[string]role{"id": roleID}
			if source := n.field("source"); source != nil && source.record() != nil &&
				(source.record().field("commit_lsn") != nil || source.record().field("commit_scn") != nil) {
				named["total_order"] = roleOrder
			}
			in := roles(inner, named, full)
			r.in = &in
		default:
		}
		out.steps = append(out.steps, r)
	}
	out.rest = run
	return out
}

// of gives the steps that read a record as the row of an origin.
func (p *avroPlan) of(w *row, n *avroNode, by *fields, flat bool) *avroSteps {
	if p.last == by {
		return p.steps
	}
	steps, ok := p.rows[by]
	if !ok {
		steps = w.steps(n, by, flat)
		p.rows[by] = steps
	}
	p.last, p.steps = by, steps
	return steps
}

func (w *row) steps(n *avroNode, by *fields, flat bool) *avroSteps {
	out := &avroSteps{}
	var run []simple
	for i := range n.fields {
		f := &n.fields[i]
		s := avroStep{node: f.node, null: -1}
		if inner, null, ok := f.node.optional(); ok {
			s.node, s.null = inner, null
		}
		for _, c := range by.at[f.name] {
			t := avroTarget{c: c, enc: c.schemed(s.node.enc)}
			switch {
			case (s.node.kind == avroLong || s.node.kind == avroInt) && c.plain:
				t.fast = fastInt
			case s.node.kind == avroString && c.def.Type.Texts() && !c.value.Converts():
				t.fast = fastText
			case (s.node.kind == avroLong || s.node.kind == avroInt) && c.def.Type.Texts():
				t.fast = fastIntText
			case (s.node.kind == avroLong || s.node.kind == avroInt) && c.temporalColumn() && t.enc.kind.temporal() && !c.value.Words():
				t.fast = fastTime
			case s.node.kind == avroBytes && t.enc.kind == encDecimal && c.numeric() && !c.value.Words():
				t.fast = fastDecimal
			case s.node.kind == avroDouble && c.plain:
				t.fast = fastDouble
			}
			s.cols = append(s.cols, t)
		}
		switch {
		case len(s.cols) > 0:
		case flat && f.name == w.o.op.name:
			s.is, s.node, s.null = specialOp, f.node, -1
		case flat && f.name == w.o.position.name:
			s.is, s.node, s.null = specialPosition, f.node, -1
		default:
			run = append(run, simpleOf(f.node))
			continue
		}
		s.skip, run = run, nil
		if len(s.cols) == 1 {
			t := &s.cols[0]
			s.cell, s.min, s.max = t.c.cell, t.c.def.Min, t.c.def.Max
			if t.fast == fastInt && s.node.kind == avroInt {
				s.min, s.max = max(s.min, math.MinInt32), min(s.max, math.MaxInt32)
			}
			if t.fast == fastInt || t.fast == fastText && t.c.def.Type == inputs.TypeID {
				s.short = t.fast
			}
		}
		out.steps = append(out.steps, s)
	}
	out.rest = run
	if flat {
		out.flatten(w)
	}
	return out
}
