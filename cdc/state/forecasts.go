package state

import (
	"slices"

	"echelon/cdc"
	"echelon/inputs"
)

// dayTable is the forecasts: per slot of the (item, node) keyspace the days known. See the package comment for
// which row decides a day.
type dayTable struct {
	t      *table
	blocks []*dayBlock
	log    dayLog

	item, node, day, demand, from, daily, issued, quantile int // columns of the contract

	cells []dayCell // scratch
	next  []dayCell
	runs  []byte
	one   [1]int64
}

func newDayTable(t *table) *dayTable {
	c := t.contract
	return &dayTable{
		t: t, item: c.Index("item"), node: c.Index("node"), day: c.Index("day"), demand: c.Index("demand"),
		from: c.Index("from"), daily: c.Index("daily"), issued: c.Index("issued_at"), quantile: c.Index("quantile"),
	}
}

func (t *dayTable) empty(slot uint32) bool {
	return len(bytesOf(t.blocks, slot)) == 0 && (int(slot) >= len(t.log.heads) || t.log.heads[slot] == 0)
}

// cell returns what a change says of a column.
func cellOf(o *origin, ch *cdc.Change, column int) cdc.Cell {
	if at := o.at[column]; at >= 0 {
		return ch.Cells[at]
	}
	return cdc.Cell{}
}

// read takes a change apart: its row and the days that it names, from the row's first day on. kept says that the
// source did not send the days because they are those of before.
func (t *dayTable) read(o *origin, ch *cdc.Change) (row dayRow, values []int64, kept bool, f *inputs.Fault) {
	c := t.t.contract
	for _, i := range o.Columns {
		cell := cellOf(o, ch, i)
		if ch.Op == cdc.Delete && !c.Columns[i].Key {
			continue
		}
		if f := checkCell(&c.Columns[i], &cell); f != nil {
			return row, nil, false, f
		}
	}
	day, from, issued := cellOf(o, ch, t.day), cellOf(o, ch, t.from), cellOf(o, ch, t.issued)
	if (day.Kind == cdc.Int) == (from.Kind == cdc.Int) {
		return row, nil, false, &inputs.Fault{Reason: inputs.ColumnsDisagree, Column: "day", Hint: "exactly one of day and from must be given"}
	}
	if issued.Kind == cdc.Int {
		row.given, row.issued = true, issued.Int
	}
	given := cellOf(o, ch, t.demand)
	row.from = int32(day.Int)
	if row.list = from.Kind == cdc.Int; row.list {
		row.from = int32(from.Int)
		given = cellOf(o, ch, t.daily)
	}
	switch {
	case ch.Op == cdc.Delete:
	case given.Kind == cdc.Unchanged:
		kept = true
	case given.Kind == cdc.Null && row.list:
		f = &inputs.Fault{Reason: inputs.ColumnsDisagree, Column: "from", Hint: "from and daily go together: give both or neither"}
	case given.Kind == cdc.Null:
		f = &inputs.Fault{Reason: inputs.ColumnsDisagree, Column: "day", Hint: "day and demand go together: give both or neither"}
	case row.list && len(given.List) > inputs.MaxList:
		f = &inputs.Fault{Reason: inputs.BadList, Column: "daily", Hint: "the list is too long"}
	case row.list:
		values = given.List
	default:
		t.one[0] = given.Int
		values = t.one[:]
	}
	return row, values, kept, f
}

// apply takes an upsert or a delete up.
func (t *dayTable) apply(s *State, o *origin, ch *cdc.Change, v *verdict, ahead *found) (Fate, *inputs.Fault) {
	if cellOf(o, ch, t.quantile).Kind == cdc.Int {
		return Filtered, nil // the plan uses the mean
	}
	slot, there, f := t.t.slotOf(o, ch, s.epoch, ahead)
	if f != nil {
		return Quarantined, f
	}
	row, values, kept, f := t.read(o, ch)
	if f != nil {
		return Quarantined, f
	}
	keys := t.t.keys
	var latest rank
	known := false
	if there {
		t.log.chain(slot, func(e *dayEvent) bool {
			if e.row() == row {
				latest, known = later(latest, e.rank), true
			}
			return true
		})
	}
	newer := known && v.rank.less(latest)
	switch {
	case newer && v.first:
		v.back = true
		return Superseded, nil
	case known && latest == v.rank, newer && (ch.Op == cdc.Delete || kept || v.late(o)):
		return Superseded, nil
	case v.late(o):
		return Quarantined, tooLate()
	case kept && !known && (!there || !t.holds(slot, row)):
		return Quarantined, leftOut(t.t.contract.Columns[t.daily].Name)
	case !there:
		slot = keys.put(keys.key, s.epoch)
	}
	t.write(s, slot, row, values, v.rank, newer, kept)
	t.log.note(slot, row, len(values), v.rank)
	if newer {
		return Superseded, nil // its row was changed since; the days that only it named are not those of older rows either
	}
	if len(bytesOf(t.blocks, slot)) == 0 {
		keys.doubt(slot)
	}
	return Applied, nil
}

// holds reports whether days of a row are known.
func (t *dayTable) holds(slot uint32, row dayRow) bool {
	t.cells = decodeDays(t.cells[:0], bytesOf(t.blocks, slot))
	return slices.ContainsFunc(t.cells, func(c dayCell) bool { return c.row == row })
}

// write settles the days of a slot: those of the row go, unless a newer change of it was there; those named are
// decided by it, unless something newer names them.
func (t *dayTable) write(s *State, slot uint32, row dayRow, values []int64, r rank, newer, kept bool) {
	t.cells = decodeDays(t.cells[:0], bytesOf(t.blocks, slot))
	var rivals []*dayEvent
	t.log.chain(slot, func(e *dayEvent) bool {
		if r.less(e.rank) && e.days > 0 {
			rivals = append(rivals, e)
		}
		return true
	})
	decided := func(day int32) bool {
		for _, e := range rivals {
			if e.names(day) {
				return true
			}
		}
		return false
	}
	next, i := t.next[:0], 0
	pass := func(until int32) { // days that the change does not name
		for ; i < len(t.cells) && t.cells[i].day < until; i++ {
			if c := &t.cells[i]; newer || kept || c.row != row {
				next = append(next, *c)
			}
		}
	}
	for n, value := range values {
		day := row.from + int32(n)
		pass(day)
		was := i < len(t.cells) && t.cells[i].day == day
		switch {
		case len(rivals) > 0 && decided(day):
			if was {
				next = append(next, t.cells[i])
			}
		case !newer:
			next = append(next, dayCell{day: day, value: value, row: row})
		}
		if was {
			i++
		}
	}
	pass(1 << 30)
	t.next = next
	t.keep(s, slot, next)
}

// keep writes the days of a slot and corrects the totals.
func (t *dayTable) keep(s *State, slot uint32, cells []dayCell) {
	old := bytesOf(t.blocks, slot)
	t.runs = encodeDays(t.runs[:0], cells)
	if string(old) == string(t.runs) {
		return
	}
	rows, demand := measure(old)
	moreRows, moreDemand := measure(t.runs)
	t.t.rows += moreRows - rows
	t.t.sums[t.daily].Add(moreDemand - demand)
	t.store(slot, t.runs, s.epoch)
}

// truncate takes away the days decided before a rank.
func (t *dayTable) truncate(s *State, r rank) {
	for slot := range t.t.keys.next {
		data := bytesOf(t.blocks, slot)
		if len(data) == 0 {
			continue
		}
		t.cells = decodeDays(t.cells[:0], data)
		next := t.next[:0]
		for i := range t.cells {
			kept := false
			t.log.chain(slot, func(e *dayEvent) bool {
				kept = r.less(e.rank) && e.names(t.cells[i].day)
				return !kept
			})
			if kept {
				next = append(next, t.cells[i])
			}
		}
		t.next = next
		t.keep(s, slot, next)
		t.t.keys.doubt(slot)
	}
}

func (t *dayTable) bytes() int64 {
	n := int64(8 * cap(t.blocks))
	for _, b := range t.blocks {
		if b != nil {
			n += int64(cap(b.heap)) + 8*dayBlockRows + 40
		}
	}
	return n
}
