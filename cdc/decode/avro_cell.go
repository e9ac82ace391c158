package decode

import (
	"echelon/cdc"
	"echelon/inputs"
)

// avroCell reads a value as the cell of a column. Broken bytes show in the walker.
func (c *column) avroCell(d *scratch, w *walker, n *avroNode, enc encoding) (cdc.Cell, *inputs.Fault) {
	for depth := 0; n.kind == avroUnion; depth++ {
		if n = w.branch(n); depth > maxDepth {
			w.fail()
			return cdc.Cell{}, nil
		}
		if enc = n.enc; enc.kind == encPlain {
			enc = c.schemed(enc)
		}
	}
	switch n.kind {
	case avroInt, avroLong:
		return c.integer(d, w.number(n), enc)
	case avroString:
		return c.text(d, w.bytes(), enc)
	case avroNull:
		return cdc.Cell{}, nil
	case avroBytes, avroFixed:
		var b []byte
		if n.kind == avroFixed {
			b = w.take(n.size)
		} else {
			b = w.bytes()
		}
		if enc.kind == encDecimal && !w.bad {
			return c.decimal(d, b, enc.scale)
		}
		if c.debezium && string(b) == unavailable {
			return cdc.Cell{Kind: cdc.Unchanged}, nil
		}
		return cdc.Cell{}, c.value.Fault(inputs.WrongType, "", "bytes where a value is needed; a mapping file can name the scale of a decimal")
	case avroBool:
		b := w.take(1)
		return c.truth(d, len(b) == 1 && b[0] == 1)
	case avroFloat:
		return c.float(d, w.float(), 32)
	case avroDouble:
		return c.float(d, w.double(), 64)
	case avroEnum:
		i := w.long()
		if i < 0 || i >= int64(len(n.symbols)) {
			w.fail()
			return cdc.Cell{}, nil
		}
		return c.text(d, n.symbols[i], enc)
	case avroArray:
		if c.takesList() {
			return c.avroList(d, w, n)
		}
	case avroRecord:
		if b, scale, ok := w.variable(n); ok {
			return c.decimal(d, b, scale)
		}
		return cdc.Cell{}, c.value.Fault(inputs.WrongType, "", "a record where one value is needed")
	default:
	}
	w.skip(n, 0)
	return cdc.Cell{}, c.value.Fault(inputs.WrongType, "", "a list or map where one value is needed")
}

// variable reads a record; ok tells whether it is a decimal that carries its scale.
func (w *walker) variable(n *avroNode) (b []byte, scale int, ok bool) {
	found := 0
	for i := range n.fields {
		f := &n.fields[i]
		switch {
		case f.name == "scale" && (f.node.kind == avroInt || f.node.kind == avroLong):
			if v := w.number(f.node); v >= -1000 && v <= 1000 {
				scale = int(v)
				found |= 1
			}
		case f.name == "value" && f.node.kind == avroBytes:
			b = w.bytes()
			found |= 2
		default:
			w.skip(f.node, 1)
		}
	}
	return b, scale, found == 3 && !w.bad
}

func (c *column) avroList(d *scratch, w *walker, n *avroNode) (cdc.Cell, *inputs.Fault) {
	l := c.list(d)
	for {
		count, _ := w.block()
		if count == 0 {
			break
		}
		for ; count > 0 && !w.bad; count-- {
			if l.n > inputs.MaxList { // what comes now is only read over
				w.skip(n.items, 1)
				continue
			}
			l.avro(d, w, n.items)
		}
	}
	return l.cell(d)
}

// avro adds an element.
func (l *listing) avro(d *scratch, w *walker, n *avroNode) {
	for depth := 0; n.kind == avroUnion && depth <= maxDepth; depth++ {
		n = w.branch(n)
	}
	switch n.kind {
	case avroInt, avroLong:
		l.integer(d, w.number(n))
	case avroString:
		l.text(d, w.bytes())
	case avroFloat:
		l.float(d, w.float(), 32)
	case avroDouble:
		l.float(d, w.double(), 64)
	case avroBytes, avroFixed:
		if n.enc.kind != encDecimal {
			w.skip(n, 0)
			l.bad("", "bytes are no number")
			return
		}
		b := w.take(n.size)
		if n.kind == avroBytes {
			b = w.bytes()
		}
		if !w.bad {
			l.decimal(d, b, n.enc.scale)
		}
	case avroRecord:
		if b, scale, ok := w.variable(n); ok {
			l.decimal(d, b, scale)
			return
		}
		l.bad("", "a record is no number")
	case avroNull:
		l.bad("null", "it must be a number")
	default:
		w.skip(n, 1)
		l.bad("", "it must be a number")
	}
}
