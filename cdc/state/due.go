package state

import (
	"echelon/cdc"
)

// Most changes give new values to a row that is there, of a key that was found, in the order of their source. What such a
// change does is settled one by one, by its rank; its values go into the blocks later, those of many records together
// and column by column, so that a column's width and block are looked at once and its lines stay in the cache. Whatever is
// otherwise is for State.change, which comes after the values that are due before it.

// due is a row whose values are to be written.
type due struct {
	slot   uint32
	record int32
}

// dues are those of successive records of one origin.
type dues struct {
	rows  []due
	of    *origin
	given uint64 // bit i: cell i is not null in one of them
}

// quick settles a change that is nothing but new values of a row. It reports false, and has done nothing, where the change is
// anything else.
func (s *State) quick(p *partition, records []cdc.Decoded, i int) bool {
	r, f := &records[i], &s.ahead.keys[i]
	if !f.known || !f.there || !f.right || len(r.Changes) != 1 || r.Offset < p.next {
		return false
	}
	ch := &r.Changes[0]
	o := &s.origins[ch.Origin]
	k, high := rankOf(ch), &p.high[ch.Origin]
	if ch.Op != cdc.Upsert || o.source == nil || o.table.days != nil || ch.Source != "" && ch.Source != o.Source ||
		k.less(o.floor) && (k.less(*high) || s.cfg.Scattered) || k.less(o.truncated) || !o.table.present.has(f.slot) {
		return false
	}
	if e := s.window.find(uint16(ch.Origin), f.slot); e == nil {
		s.window.put(uint16(ch.Origin), f.slot, k)
	} else if e.less(k) {
		e.rank, e.touched = k, true
	} else {
		return false
	}
	if s.due.of != o {
		s.carryOut(records)
		s.due.of = o
	}
	s.due.rows = append(s.due.rows, due{f.slot, int32(i)})
	s.due.given |= f.given
	*high = later(*high, k)
	o.source.reached(k, ch.At)
	if o.Clock && k.streamed() {
		o.source.told = max(o.source.told, ch.At)
	}
	o.table.at = max(o.table.at, ch.At)
	p.settle(r.Offset, Applied)
	return true
}

// carryOut writes what is due.
func (s *State) carryOut(records []cdc.Decoded) {
	d := &s.due
	if len(d.rows) == 0 {
		return
	}
	o := d.of
	t := o.table
	for at := range o.cols {
		i := o.cols[at].column
		col := &t.cols[i]
		if o.cols[at].key || d.given>>at&1 == 0 && len(col.blocks) == 0 {
			continue
		}
		moved := int64(0)
		for _, row := range d.rows {
			cell := &records[row.record].Changes[0].Cells[at]
			v := cell.Int
			switch cell.Kind {
			case cdc.Unchanged:
				continue
			case cdc.Null:
				t.empty(i, row.slot, s.epoch, true)
				continue
			case cdc.Text:
				v = int64(t.dicts[i].number(cell.Text, s.epoch))
			default:
			}
			moved += col.swap(row.slot, v, s.epoch)
		}
		if t.summed[i] {
			t.sums[i].Add(moved)
		}
	}
	d.rows, d.given = d.rows[:0], 0
}
