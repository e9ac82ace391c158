package decode

import (
	"echelon/cdc"
	"echelon/inputs"
)

// row is an origin's part of a record in the making.
type row struct {
	o       *origin
	cells   []cdc.Cell
	seen    []uint32
	phase   uint32
	fault   *inputs.Fault
	faultAt int
	keys    *fields // columns of our key, for deletes
	must    *fields // those of them that must have a value: for upserts too
	values  *fields // columns that are read from its value
	keyEnc  []encoding
	enc     []encoding
	d       *Decoder
}

// begin starts a row.
func (w *row) begin() {
	if b := w.d.into; b != nil {
		w.cells = b.Cells(len(w.o.blank))
	}
	copy(w.cells, w.o.blank)
	w.fault = nil
	w.phase++
}

// put sets the cell of a column. It reports false when the column was set in this phase before.
func (w *row) put(c *column, cell cdc.Cell, f *inputs.Fault) bool {
	if w.seen[c.cell] == w.phase {
		return false
	}
	w.seen[c.cell] = w.phase
	if f != nil {
		w.note(c, f)
		return true
	}
	w.cells[c.cell] = cell
	return true
}

// note keeps the fault of the column that stands first in the contract.
func (w *row) note(c *column, f *inputs.Fault) {
	if w.fault == nil || c.contract < w.faultAt {
		w.fault, w.faultAt = f, c.contract
	}
}

// check gives what is wrong with a row: a value, else the first null where a value is needed.
func (w *row) check(upsert bool) *inputs.Fault {
	cols := w.o.keyed
	if upsert {
		cols = w.o.required
	}
	for i := 0; i < len(cols) && w.fault == nil; i++ {
		c := cols[i]
		switch k := w.cells[c.cell].Kind; {
		case k == cdc.Unchanged && c.key, k == cdc.Null && w.seen[c.cell] != w.phase && c.key && c.debezium && c.from != "":
			w.fault = c.value.Fault(inputs.MissingValue, "", "the record's key does not have "+inputs.Cut(c.from)+
				": let the connector put it there (message.key.columns)")
		case k == cdc.Null:
			w.fault = c.value.Fault(inputs.MissingValue, "", "this column must have a value in every row")
		}
	}
	if w.fault != nil {
		w.fault.Table = w.o.Contract.Table
	}
	return w.fault
}

// gone leaves nothing but the key: the other columns of what a delete carries are not true.
func (w *row) gone(debezium bool) {
	for _, c := range w.o.cols {
		switch {
		case !c.def.Key:
			w.cells[c.cell] = cdc.Cell{Kind: cdc.Unchanged}
		case debezium && c.maybeKey && c.from != "" && w.cells[c.cell].Kind == cdc.Null:
			w.cells[c.cell] = cdc.Cell{Kind: cdc.Unchanged}
		}
	}
}

// set keeps a value, or what is wrong with it.
func (w *row) set(c *column, cell cdc.Cell, f *inputs.Fault) {
	if f != nil {
		w.note(c, f)
		return
	}
	w.cells[c.cell] = cell
}

func (w *row) setInt(c *column, v int64, f *inputs.Fault) {
	if f != nil {
		w.note(c, f)
		return
	}
	w.cells[c.cell].Kind, w.cells[c.cell].Int = cdc.Int, v
}
