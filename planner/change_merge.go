package planner

import (
	"cmp"
	"errors"
	"slices"

	"echelon/inputs"
)

// indexes turns the dense indexes of one network into those of another, by id; None where it has none.
type indexes struct {
	items, nodes, lanes []int32
	same                bool // every index stays what it is
}

func newIndexes(from, to *inputs.Network) indexes {
	return indexes{
		items: translate(from.Items.ID, to.Items.ID),
		nodes: translate(from.Nodes.ID, to.Nodes.ID),
		lanes: translate(from.Lanes.ID, to.Lanes.ID),
		same:  same(from.Items.ID, to.Items.ID) && same(from.Nodes.ID, to.Nodes.ID) && same(from.Lanes.ID, to.Lanes.ID),
	}
}

// translate walks two ascending lists of ids.
func translate(from, to []string) []int32 {
	out := make([]int32, len(from))
	at := 0
	for i, id := range from {
		for at < len(to) && to[at] < id {
			at++
		}
		out[i] = inputs.None
		if at < len(to) && to[at] == id {
			out[i] = int32(at)
		}
	}
	return out
}

var errGoneID = errors.New("a line of the base that stands names what the snapshot no longer has; plan in full")

// join gives the rows of a base's table whose items are not gone, in this network's indexes, and the new rows among
// them by item.
func (x *change) join(base *Table, gone itemSet, now *Table) (*Table, error) {
	at := itemColumn(now.Layer)
	if x.from.same && now.Rows == 0 && !slices.ContainsFunc(base.Cols[at].I32, func(item int32) bool { return gone.has(inputs.ItemIdx(item)) }) {
		return base, nil
	}
	out := &Table{}
	out.reset(now.Layer)
	out.reserve(base.Rows + now.Rows)
	next, from := 0, 0 // rows of now, and of the base, that are in or passed over
	take := func(to int) error {
		first := out.Rows
		out.appendRows(base, from, to)
		from = to
		return x.reindex(out, first)
	}
	for lo := 0; lo < base.Rows; {
		item := base.Cols[at].I32[lo]
		hi := lo + 1
		for hi < base.Rows && base.Cols[at].I32[hi] == item {
			hi++
		}
		switch to := x.from.items[item]; {
		case gone.has(inputs.ItemIdx(item)):
			if err := take(lo); err != nil {
				return nil, err
			}
			from = hi
		case to == inputs.None:
			return nil, errGoneID
		case next < now.Rows && now.Cols[at].I32[next] < to:
			if err := take(lo); err != nil {
				return nil, err
			}
			first := next
			for next < now.Rows && now.Cols[at].I32[next] < to {
				next++
			}
			out.appendRows(now, first, next)
		}
		lo = hi
	}
	if err := take(base.Rows); err != nil {
		return nil, err
	}
	out.appendRows(now, next, now.Rows)
	return out, nil
}

// reindex turns the base's indexes of the rows from first on into this network's.
func (x *change) reindex(t *Table, first int) error {
	for i := range t.Cols {
		var to []int32
		switch layers[t.Layer].Columns[i].Type {
		case ColItem:
			to = x.from.items
		case ColNode:
			to = x.from.nodes
		case ColLane:
			to = x.from.lanes
		default:
			continue
		}
		col := t.Cols[i].I32
		for r := first; r < t.Rows; r++ {
			if col[r] == inputs.None {
				continue
			}
			if col[r] = to[col[r]]; col[r] == inputs.None {
				return errGoneID
			}
		}
	}
	return nil
}

// equal reports whether two tables of a layer without texts and lists, in the same indexes, have the same rows.
func (t *Table) equal(o *Table) bool {
	if t == o {
		return true
	}
	for i := range t.Cols {
		a, b := &t.Cols[i], &o.Cols[i]
		if !slices.Equal(a.I32, b.I32) || !slices.Equal(a.I64, b.I64) || !slices.Equal(a.U8, b.U8) {
			return false
		}
	}
	return t.Rows == o.Rows
}

// reserve makes room for rows, not for what lists of theirs hold.
func (t *Table) reserve(rows int) {
	for i := range t.Cols {
		c := &t.Cols[i]
		switch layers[t.Layer].Columns[i].Type {
		case ColItem, ColNode, ColLane, ColDay:
			c.I32 = slices.Grow(c.I32, rows)
		case ColInt, ColMilli:
			c.I64 = slices.Grow(c.I64, rows)
		case ColBool, ColEnum:
			c.U8 = slices.Grow(c.U8, rows)
		case ColText:
			c.Str = slices.Grow(c.Str, rows)
		case ColMilliList, ColLedger:
			c.Off = slices.Grow(c.Off, rows+1)
		}
	}
}

// appendRows appends rows lo … hi − 1 of another table of the layer.
func (t *Table) appendRows(o *Table, lo, hi int) {
	if lo == hi {
		return
	}
	for i := range t.Cols {
		a, b := &t.Cols[i], &o.Cols[i]
		switch layers[t.Layer].Columns[i].Type {
		case ColItem, ColNode, ColLane, ColDay:
			a.I32 = append(a.I32, b.I32[lo:hi]...)
		case ColInt, ColMilli:
			a.I64 = append(a.I64, b.I64[lo:hi]...)
		case ColBool, ColEnum:
			a.U8 = append(a.U8, b.U8[lo:hi]...)
		case ColText:
			a.Str = append(a.Str, b.Str[lo:hi]...)
		case ColMilliList, ColLedger:
			from, to := b.Off[lo], b.Off[hi]
			base := uint32(len(a.List)) - from
			a.List = append(a.List, b.List[from:to]...)
			if layers[t.Layer].Columns[i].Type == ColLedger {
				a.Reason = append(a.Reason, b.Reason[from:to]...)
			}
			for _, off := range b.Off[lo+1 : hi+1] {
				a.Off = append(a.Off, base+off)
			}
		}
	}
	t.Rows += hi - lo
}

// merge gives the kept records of a DC: the base's but for items planned again, and those of now. It says of each
// why it was planned again.
func (x *change) merge(u, site int, now []keptItem, shifted map[inputs.ItemIdx]*shiftedItem, again *Again) *Kept {
	c := &x.units[u]
	d := &c.dcs[site]
	planned := x.planned(u)
	out := x.newKept(d.kept == nil || d.kept.loads != nil && sameSets(x.base.Network, x.net))
	if d.kept != nil {
		out.room(d.kept, now)
		out.over = &keptOver{}
	}
	again.Full = c.full
	again.Of = 0
	d.facts.each(func(_ inputs.ItemIdx, cell *printCell) { again.Of += int64(cell.rows) })
	again.Read = d.facts.read
	next := 0
	take := func(until string, all bool) {
		for next < len(now) && (all || x.net.Items.ID[now[next].item] < until) {
			x.pushNow(out, c, d, &now[next])
			next++
		}
	}
	note := func(id string, item inputs.ItemIdx, was *keptCell) {
		rows := int64(0)
		if f := d.facts.of(item); f != nil {
			rows = int64(f.rows)
		}
		if was == nil && rows == 0 && !holds(now, item) {
			return
		}
		again.Items = append(again.Items, id)
		again.Rows += rows
		again.Why[x.why(c, d, item, was)] += max(rows, 1)
	}
	if d.kept != nil {
		item := 0
		ids := x.net.Items.ID
		for k, id := range d.kept.Items {
			for item < len(ids) && ids[item] < id {
				if planned.has(inputs.ItemIdx(item)) {
					note(ids[item], inputs.ItemIdx(item), nil)
				}
				item++
			}
			take(id, false)
			was := &d.kept.cells[k]
			switch {
			case item == len(ids) || ids[item] != id:
				note(id, inputs.None, was)
				out.over.gone = append(out.over.gone, id)
				continue
			case planned.has(inputs.ItemIdx(item)):
				note(id, inputs.ItemIdx(item), was)
				if !holds(now, inputs.ItemIdx(item)) {
					out.over.gone = append(out.over.gone, id)
				}
			default:
				if s := shifted[inputs.ItemIdx(item)]; s != nil {
					out.over.add(len(out.Items))
					x.keepShifted(out, d, k, inputs.ItemIdx(item), s)
					again.Carried += int64(d.facts.of(inputs.ItemIdx(item)).rows)
				} else {
					out.push(id, *was, d.kept.tailOf(k))
				}
				if out.loads != nil {
					out.loads.push(d.kept.loads.of(k))
				}
			}
			item++
		}
		for ; item < len(ids); item++ {
			if planned.has(inputs.ItemIdx(item)) {
				note(ids[item], inputs.ItemIdx(item), nil)
			}
		}
	}
	take("", true)
	return out
}

func holds(list []keptItem, item inputs.ItemIdx) bool {
	_, ok := slices.BinarySearchFunc(list, item, func(k keptItem, item inputs.ItemIdx) int { return cmp.Compare(k.item, item) })
	return ok
}

// pushNow keeps an item that was planned in this cycle.
func (x *change) pushNow(out *Kept, c *unitChange, d *dcChange, k *keptItem) {
	cell := keptCell{requests: c.requests.of(k.item), answers: c.answers.of(k.item), released: k.sums[sumReleased] > 0}
	if f := d.facts.of(k.item); f != nil {
		cell.facts = *f
	}
	if out.over != nil {
		out.over.add(len(out.Items))
	}
	out.pushItem(x.net.Items.ID[k.item], cell, k)
	if out.loads != nil {
		out.loads.push(k.loads)
	}
}

// why gives the first cause for which an item was planned again.
func (x *change) why(c *unitChange, d *dcChange, item inputs.ItemIdx, was *keptCell) Cause {
	if c.full {
		return CauseFull
	}
	f := d.facts.of(item)
	switch {
	case was == nil || item == inputs.None || f == nil && was.facts.rows > 0 || f != nil && f.rows != was.facts.rows:
		return CauseSKU
	case was.released:
		return CauseReleased
	}
	if f != nil && f.sum != was.facts.sum {
		return movedPart(f, &was.facts)
	}
	switch {
	case c.requests.of(item) != was.requests:
		return CauseRequests
	case c.answers.of(item) != was.answers:
		return CauseAnswers
	}
	return CauseNeeded
}
