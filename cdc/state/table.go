package state

import (
	"math/bits"

	"echelon/cdc"
	"echelon/inputs"
)

// table is the rows of one input table in columns, at the slots of its keyspace.
type table struct {
	contract *inputs.Contract
	keys     *keyspace
	cols     []column // parallel to the contract's columns; those of the key are empty
	dicts    []*dict  // of text columns
	summed   []bool   // columns whose values have a total
	present  column   // a bit per slot: the row exists
	rows     int64
	sums     []Sum // per column over the rows that exist
	at       int64 // newest instant that a change named, microseconds UTC
	days     *dayTable
	feeds    []int // its origins
}

// Sum is a total of 128 bits: values of 10¹⁵ over millions of rows do not fit 64.
type Sum struct {
	Hi int64
	Lo uint64
}

// Add adds a number.
func (s *Sum) Add(v int64) {
	lo, carry := bits.Add64(s.Lo, uint64(v), 0)
	hi, _ := bits.Add64(uint64(s.Hi), uint64(v>>63), carry)
	s.Hi, s.Lo = int64(hi), lo
}

func newTable(c *inputs.Contract, k *keyspace, dictOf func(string) *dict) *table {
	t := &table{
		contract: c, keys: k, cols: make([]column, len(c.Columns)), dicts: make([]*dict, len(c.Columns)),
		summed: make([]bool, len(c.Columns)), sums: make([]Sum, len(c.Columns)),
	}
	for i := range c.Columns {
		def, col := &c.Columns[i], &t.cols[i]
		switch {
		case def.Type.Texts():
			t.dicts[i] = dictOf(dictName(c, i))
			col.width = 4
		case !def.Type.Lists():
			col.base, col.width = def.Min, widthFor(def.Min, def.Max)
		}
		switch def.Type {
		case inputs.TypeUnits, inputs.TypeMilli, inputs.TypeMilliList, inputs.TypeUnitsList, inputs.TypeMoney, inputs.TypeVolume, inputs.TypeWeight, inputs.TypeDays:
			t.summed[i] = !def.Key
		default:
		}
	}
	k.tables = append(k.tables, t)
	return t
}

// readKey puts the key of a change into the keyspace's words; a fault when it cannot be one.
func (t *table) readKey(o *origin, ch *cdc.Change, epoch uint32) *inputs.Fault {
	k := t.keys
	for i := range k.cols {
		col := &k.cols[i]
		def := &t.contract.Columns[col.column]
		at := o.at[col.column]
		if at < 0 || ch.Cells[at].Kind == cdc.Null {
			if !def.Nullable {
				return &inputs.Fault{Reason: inputs.MissingValue, Column: def.Name, Hint: "it is part of the key: it must have a value"}
			}
			k.key[i] = 0
			continue
		}
		cell := &ch.Cells[at]
		if !o.cols[at].takes(cell) {
			if f := checkCell(def, cell); f != nil {
				return f
			}
		}
		switch {
		case cell.Kind == cdc.Unchanged:
			return &inputs.Fault{Reason: inputs.MissingValue, Column: def.Name, Hint: "the record leaves out a part of its key"}
		case col.dict != nil:
			k.key[i] = col.dict.number(cell.Text, epoch) + 1
		default:
			k.key[i] = uint32(cell.Int-col.low) + 1
		}
	}
	return nil
}

// slotOf finds the key of a change, and leaves its words with the keyspace.
func (t *table) slotOf(o *origin, ch *cdc.Change, epoch uint32, ahead *found) (slot uint32, there bool, f *inputs.Fault) {
	if ahead == nil {
		if f := t.readKey(o, ch, epoch); f != nil {
			return 0, false, f
		}
	} else {
		copy(t.keys.key, ahead.words[:])
		if ahead.there { // and stays: slots are taken back by checkpoints
			return ahead.slot, true, nil
		}
	}
	slot, there = t.keys.find(t.keys.key)
	return slot, there, nil
}

// originColumn is what is needed of a column for every change.
type originColumn struct {
	column   int
	key      bool
	kind     cdc.CellKind
	min, max int64
}

func (o *origin) layout() {
	for _, i := range o.Columns {
		def := &o.Contract.Columns[i]
		c := originColumn{column: i, key: def.Key, kind: cdc.Int, min: def.Min, max: def.Max}
		switch {
		case def.Type.Texts():
			c.kind = cdc.Text
		case def.Type.Lists():
			c.kind = cdc.List
		}
		o.cols = append(o.cols, c)
	}
}

// takes reports whether a cell is surely right; false: checkCell knows.
func (c *originColumn) takes(cell *cdc.Cell) bool {
	switch cell.Kind {
	case cdc.Null, cdc.Unchanged:
		return true
	case cdc.Int:
		return c.kind == cdc.Int && cell.Int >= c.min && cell.Int <= c.max
	case cdc.Text:
		return c.kind == cdc.Text
	default:
		return false
	}
}

// checkCell demands the kind of value that the column holds, inside its range.
func checkCell(def *inputs.ColumnDef, c *cdc.Cell) *inputs.Fault {
	want := cdc.Int
	switch {
	case c.Kind == cdc.Null || c.Kind == cdc.Unchanged:
		return nil
	case def.Type.Texts():
		want = cdc.Text
	case def.Type.Lists():
		want = cdc.List
	}
	if c.Kind != want {
		return &inputs.Fault{Reason: inputs.WrongType, Column: def.Name, Hint: "the cell does not hold the column's type"}
	}
	outside := want == cdc.Int && (c.Int < def.Min || c.Int > def.Max)
	for _, v := range c.List {
		outside = outside || (want == cdc.List && (v < def.Min || v > def.Max))
	}
	if outside {
		return &inputs.Fault{
			Reason: inputs.OutOfRange, Column: def.Name, Value: inputs.FormatInt(def, c.Int),
			Hint: "allowed are " + inputs.FormatInt(def, def.Min) + " to " + inputs.FormatInt(def, def.Max),
		}
	}
	return nil
}

// apply takes an upsert or a delete up.
func (t *table) apply(s *State, o *origin, ch *cdc.Change, v *verdict, ahead *found) (Fate, *inputs.Fault) {
	slot, there, f := t.slotOf(o, ch, s.epoch, ahead)
	if f != nil {
		return Quarantined, f
	}
	if ch.Op == cdc.Upsert {
		for at := range o.cols {
			if c, cell := &o.cols[at], &ch.Cells[at]; !c.takes(cell) {
				if f := checkCell(&t.contract.Columns[c.column], cell); f != nil {
					return Quarantined, f
				}
			}
		}
	}
	var e *remembered
	if there {
		e = s.window.find(uint16(v.origin), slot)
	}
	switch {
	case e != nil && !e.less(v.rank):
		v.back = v.first && v.rank.less(e.rank)
		return Superseded, nil
	case e == nil && v.late(o):
		return Quarantined, tooLate()
	}
	if ch.Op == cdc.Upsert && o.Rows && (!there || !t.present.has(slot)) {
		for at := range o.cols {
			if ch.Cells[at].Kind == cdc.Unchanged {
				return Quarantined, leftOut(t.contract.Columns[o.cols[at].column].Name)
			}
		}
	}
	if !there {
		slot = t.keys.put(t.keys.key, s.epoch)
	}
	if ch.Op == cdc.Upsert {
		t.upsert(s, o, slot, ch.Cells)
	} else {
		t.take(s, o, slot)
	}
	if e != nil {
		e.rank, e.touched = v.rank, true
	} else {
		s.window.put(uint16(v.origin), slot, v.rank)
	}
	return Applied, nil
}

// leftOut is of a new row with a value that the source did not send: an update that changes the key of a row whose
// large column stays as it was.
func leftOut(column string) *inputs.Fault {
	return &inputs.Fault{
		Reason: inputs.MissingValue, Column: column,
		Hint: "the source left the value out as unchanged, and the row is new here: let it send whole rows (replica identity full), then change the row once more",
	}
}

// upsert writes the cells of an origin at a slot.
func (t *table) upsert(s *State, o *origin, slot uint32, cells []cdc.Cell) {
	was := t.present.has(slot)
	for at := range o.cols {
		if o.cols[at].key {
			continue
		}
		i := o.cols[at].column
		cell, col := &cells[at], &t.cols[i]
		if cell.Kind == cdc.Unchanged {
			continue
		}
		if cell.Kind == cdc.Null {
			if len(col.blocks) > 0 {
				t.empty(i, slot, s.epoch, was)
			}
			continue
		}
		v := cell.Int
		if cell.Kind == cdc.Text {
			v = int64(t.dicts[i].number(cell.Text, s.epoch))
		}
		old, had := col.get(slot)
		if had && old == v {
			continue
		}
		if was && t.summed[i] {
			t.sums[i].Add(v - old)
		}
		col.set(slot, v, s.epoch)
	}
	switch {
	case o.Rows && !was:
		t.present.set(slot, 0, s.epoch)
		t.rows++
		t.total(slot, 1)
	case !was && t.vacant(slot):
		t.keys.doubt(slot)
	}
}

// take carries a delete out: the row goes when the origin owns the rows, its columns become null in any case.
func (t *table) take(s *State, o *origin, slot uint32) {
	was := t.present.has(slot)
	if o.Rows && was {
		t.total(slot, -1)
		t.present.clear(slot, s.epoch)
		t.rows--
		was = false
	}
	for _, i := range o.Columns {
		if !t.contract.Columns[i].Key {
			t.empty(i, slot, s.epoch, was)
		}
	}
	if !was {
		t.keys.doubt(slot)
	}
}

// empty makes a cell null.
func (t *table) empty(i int, slot, epoch uint32, counted bool) {
	if counted && t.summed[i] {
		old, _ := t.cols[i].get(slot)
		t.sums[i].Add(-old)
	}
	t.cols[i].clear(slot, epoch)
}

// total adds the values of a row to the totals, or takes them off.
func (t *table) total(slot uint32, sign int64) {
	for i, summed := range t.summed {
		if summed {
			v, _ := t.cols[i].get(slot)
			t.sums[i].Add(sign * v)
		}
	}
}

// vacant reports whether a slot holds neither a row nor a waiting column.
func (t *table) vacant(slot uint32) bool {
	if t.days != nil {
		return t.days.empty(slot)
	}
	if t.present.has(slot) {
		return false
	}
	for i := range t.cols {
		if t.cols[i].has(slot) {
			return false
		}
	}
	return true
}

// truncate takes away what an origin said before a position, and keeps the position: what is older and comes
// later is gone too.
func (s *State) truncate(o *origin, v *verdict) (Fate, *inputs.Fault) {
	if !o.truncated.less(v.rank) {
		return Superseded, nil
	}
	if v.rank.less(o.floor) {
		return Quarantined, tooLate()
	}
	o.truncated = v.rank
	t := o.table
	if t.days != nil {
		t.days.truncate(s, v.rank)
		return Applied, nil
	}
	for slot := range t.keys.next {
		if e := s.window.find(uint16(v.origin), slot); e != nil && v.rank.less(e.rank) {
			continue
		}
		if !t.vacant(slot) {
			t.take(s, o, slot)
		}
	}
	return Applied, nil
}
