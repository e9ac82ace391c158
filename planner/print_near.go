package planner

import (
	"math/bits"
	"slices"
	"unsafe"

	"echelon/inputs"
)

// near compares a partition with the rows that the base's plan of the DC was made of, both in memory and laid out
// alike. Only rows that differ are printed, in both; the facts of all other rows stand in what the base kept, for
// prints of rows add up.
type near struct {
	now, was *inputs.Partition
	rows     []uint64 // per tile: rows that differ, a bit each
	carry    []uint64 // and those whose carry does
}

// nearPrints gives the facts of a partition out of those of the base; nil when the two are not laid out alike.
func (x *change) nearPrints(now, was *inputs.Partition, at int, kept *Kept) (*dcPrints, error) {
	if now.Horizon != was.Horizon || len(now.Item) != len(was.Item) || !same(now.Groups, was.Groups) ||
		!same(now.GroupTile, was.GroupTile) || !same(now.Item, was.Item) || !same(now.Node, was.Node) {
		return nil, nil
	}
	old, err := x.basePrints()
	if err != nil || old == nil {
		return nil, err
	}
	theirs := slices.IndexFunc(old.run.units, func(u unit) bool { return same(u.dcs, x.p.units[at].dcs) })
	if theirs < 0 || old.near[theirs] != x.near[at] {
		return nil, nil
	}
	out := &dcPrints{groups: slices.Clone(now.Groups), blocks: make([]block, len(now.Groups))}
	if !out.take(kept, x.net.Items.ID) {
		return nil, nil
	}
	out.near, out.moved = true, make([]uint64, len(now.Groups))
	n := near{now: now, was: was, rows: make([]uint64, now.Tiles()), carry: make([]uint64, now.Tiles())}
	n.columns()
	n.demand()
	n.sides()
	n.shared(old, x.prints)
	add := rowPrinter{prints: x.prints, part: now, unit: x.near[at]}
	less := rowPrinter{prints: old, part: was, unit: old.near[theirs]}
	for g := range now.Groups {
		for tile := now.GroupTile[g]; tile < now.GroupTile[g+1]; tile++ {
			for w := n.rows[tile] | n.carry[tile]; w != 0; w &= w - 1 {
				lane := bits.TrailingZeros64(w)
				row := int(tile)*inputs.TileRows + lane
				item := now.Item[row]
				if item == inputs.None {
					continue
				}
				cell := &out.blocks[g][item%inputs.TileRows]
				var a, b printCell
				if n.rows[tile]>>lane&1 != 0 {
					out.read++
					add.own(row, item, add.daysOf(row), &a)
					less.own(row, item, less.daysOf(row), &b)
					if a != b {
						out.moved[g] |= 1 << (item % inputs.TileRows)
					}
				}
				if n.carry[tile]>>lane&1 != 0 {
					add.carry(row, &a)
					less.carry(row, &b)
				}
				cell.sum = Print{cell.sum.A + a.sum.A - b.sum.A, cell.sum.B + a.sum.B - b.sum.B}
				for k := range cell.part {
					cell.part[k] += a.part[k] - b.part[k]
				}
			}
		}
	}
	return out, nil
}

// basePrints is what the base's rows share, when it has the same dictionaries; nil: it has others.
func (x *change) basePrints() (*prints, error) {
	old, err := x.baseRun()
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.was == nil {
		a, b := x.base.Network, x.net
		alike := same(a.Items.ID, b.Items.ID) && same(a.Nodes.ID, b.Nodes.ID) && same(a.Lanes.ID, b.Lanes.ID) &&
			same(a.Lanes.Source, b.Lanes.Source) && same(a.DCs, b.DCs) && len(a.LaneSets) == len(b.LaneSets) && len(a.LotSets) == len(b.LotSets)
		x.was = &prints{}
		if alike {
			x.was = newPrints(old)
		}
	}
	if x.was.run == nil {
		return nil, nil
	}
	return x.was, nil
}

// take sets the facts to those that were kept; false when an item of them has no place.
func (d *dcPrints) take(kept *Kept, ids []string) bool {
	item, at := 0, 0
	for k, id := range kept.Items {
		if kept.cells[k].facts.rows == 0 {
			continue
		}
		for item < len(ids) && ids[item] < id {
			item++
		}
		for at < len(d.groups) && int(d.groups[at]) < item/inputs.TileRows {
			at++
		}
		if item == len(ids) || ids[item] != id || at == len(d.groups) || int(d.groups[at]) != item/inputs.TileRows {
			return false
		}
		d.blocks[at][item%inputs.TileRows] = kept.cells[k].facts
	}
	return true
}

// same reports whether two lists are equal; those that share their memory are not read.
func same[T comparable](a, b []T) bool {
	return len(a) == len(b) && (unsafe.SliceData(a) == unsafe.SliceData(b) || slices.Equal(a, b))
}

// one reports whether two lists are the same memory: columns are written before they are shared, never after.
func one[T any](a, b []T) bool { return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b) }

// mark notes the rows in which a column differs.
func mark[T comparable](n *near, now, was []T) {
	if unsafe.SliceData(now) == unsafe.SliceData(was) {
		return
	}
	for tile := range n.rows {
		lo, hi := tile*inputs.TileRows, (tile+1)*inputs.TileRows
		a, b := now[lo:hi:hi], was[lo:hi:hi]
		if *(*[inputs.TileRows]T)(a) == *(*[inputs.TileRows]T)(b) {
			continue
		}
		for lane := range a {
			n.rows[tile] |= uint64(bit(a[lane] != b[lane])) << lane
		}
	}
}

func (n *near) columns() {
	a, b := n.now, n.was
	mark(n, a.LaneSet, b.LaneSet)
	mark(n, a.LotSet, b.LotSet)
	n.flags()
	mark(n, a.Policy, b.Policy)
	for _, c := range [...][2][]int32{
		{a.OnHand, b.OnHand},
		{a.Unusable, b.Unusable},
		{a.Reserved, b.Reserved},
		{a.Backorders, b.Backorders},
		{a.SafetyUnits, b.SafetyUnits},
		{a.SafetyDays, b.SafetyDays},
		{a.Presentation, b.Presentation},
		{a.ShelfCap, b.ShelfCap},
		{a.Min, b.Min},
		{a.Max, b.Max},
	} {
		mark(n, c[0], c[1])
	}
	for _, c := range [...][2][]int16{
		{a.CoverDays, b.CoverDays},
		{a.ShelfLife, b.ShelfLife},
		{a.Rank, b.Rank},
		{a.ForecastDays, b.ForecastDays},
	} {
		mark(n, c[0], c[1])
	}
	mark(n, a.SaleFrom, b.SaleFrom)
	mark(n, a.SaleTo, b.SaleTo)
	mark(n, a.Day0Left, b.Day0Left)
	mark(n, a.Day0Of, b.Day0Of)
}

// flags compares what rows are marked with; who has carry shows in the carry itself.
func (n *near) flags() {
	a, b := n.now.Flags, n.was.Flags
	if unsafe.SliceData(a) == unsafe.SliceData(b) {
		return
	}
	for tile := range n.rows {
		lo, hi := tile*inputs.TileRows, (tile+1)*inputs.TileRows
		x, y := a[lo:hi:hi], b[lo:hi:hi]
		if *(*[inputs.TileRows]inputs.RowFlags)(x) == *(*[inputs.TileRows]inputs.RowFlags)(y) {
			continue
		}
		for lane := range x {
			n.rows[tile] |= uint64(bit((x[lane]^y[lane])&^inputs.FlagCarry != 0)) << lane
		}
	}
}

// demand compares the days of all tiles.
func (n *near) demand() {
	a, b := n.now, n.was
	if same(a.TileWidth, b.TileWidth) && same(a.TileAt, b.TileAt) && unsafe.SliceData(a.D16) == unsafe.SliceData(b.D16) &&
		unsafe.SliceData(a.D32) == unsafe.SliceData(b.D32) && unsafe.SliceData(a.D64) == unsafe.SliceData(b.D64) {
		return
	}
	size := int64(inputs.TileRows * a.Horizon)
	for tile, w := range a.TileWidth {
		if w == b.TileWidth[tile] {
			i, k := a.TileAt[tile], b.TileAt[tile]
			switch {
			case w == 0, w == 2 && same(a.D16[i:i+size], b.D16[k:k+size]), w == 4 && same(a.D32[i:i+size], b.D32[k:k+size]),
				w == 8 && same(a.D64[i:i+size], b.D64[k:k+size]):
				continue
			}
		}
		for lane := range inputs.TileRows {
			row := tile*inputs.TileRows + lane
			for day := range a.Horizon {
				if a.Demand(row, day) != b.Demand(row, day) {
					n.rows[tile] |= 1 << lane
					break
				}
			}
		}
	}
}

// sides compares the side columns, which are sorted by row.
func (n *near) sides() {
	a, b := n.now, n.was
	n.entries(n.rows, a.Inbound.Row, b.Inbound.Row, one(a.Inbound.Row, b.Inbound.Row) && one(a.Inbound.Flags, b.Inbound.Flags) && one(a.Inbound.Qty, b.Inbound.Qty), func(i, k int) bool {
		x, y := &a.Inbound, &b.Inbound
		return x.Day[i] == y.Day[k] && x.Qty[i] == y.Qty[k] && x.Lane[i] == y.Lane[k] && x.Flags[i] == y.Flags[k] &&
			x.Due[i] == y.Due[k] && x.Ref[i] == y.Ref[k]
	})
	n.entries(n.rows, a.Outbound.Row, b.Outbound.Row, one(a.Outbound.Row, b.Outbound.Row) && one(a.Outbound.Qty, b.Outbound.Qty), func(i, k int) bool {
		return a.Outbound.Day[i] == b.Outbound.Day[k] && a.Outbound.Qty[i] == b.Outbound.Qty[k]
	})
	n.entries(n.rows, a.Lots.Row, b.Lots.Row, one(a.Lots.Row, b.Lots.Row) && one(a.Lots.Qty, b.Lots.Qty), func(i, k int) bool {
		return a.Lots.Expires[i] == b.Lots.Expires[k] && a.Lots.Qty[i] == b.Lots.Qty[k]
	})
	n.entries(n.rows, a.Safety.Row, b.Safety.Row, one(a.Safety.Row, b.Safety.Row) && one(a.Safety.Units, b.Safety.Units), func(i, k int) bool {
		return a.Safety.From[i] == b.Safety.From[k] && a.Safety.Units[i] == b.Safety.Units[k]
	})
	n.entries(n.carry, a.Carry.Row, b.Carry.Row, one(a.Carry.Row, b.Carry.Row) && one(a.Carry.Units, b.Carry.Units), func(i, k int) bool { return a.Carry.Units[i] == b.Carry.Units[k] })
}

// entries walks two lists of rows and marks those whose entries are not equal one by one; alike: the lists are one.
func (n *near) entries(marks []uint64, now, was []int32, alike bool, equal func(i, k int) bool) {
	if alike {
		return
	}
	i, k := 0, 0
	for i < len(now) || k < len(was) {
		var row int32
		switch {
		case k == len(was) || i < len(now) && now[i] < was[k]:
			row, i = now[i], i+1
		case i == len(now) || was[k] < now[i]:
			row, k = was[k], k+1
		default:
			row = now[i]
			if equal(i, k) {
				i, k = i+1, k+1
				continue
			}
			i, k = i+1, k+1
		}
		marks[row/inputs.TileRows] |= 1 << (row % inputs.TileRows)
	}
}

// shared marks the rows of items, nodes, lane sets and lot sets that are not what they were.
func (n *near) shared(old, now *prints) {
	items, nodes := moved(old.items, now.items), moved(old.nodes, now.nodes)
	sets, lots := moved(old.sets, now.sets), moved(old.lots, now.lots)
	days := moved(old.days, now.days)
	if items == nil && nodes == nil && sets == nil && lots == nil && days == nil {
		return
	}
	p := n.now
	has := func(list []bool, i int32) bool { return list != nil && i != inputs.None && list[i] }
	for row, item := range p.Item {
		if item == inputs.None {
			continue
		}
		if has(items, int32(item)) || has(nodes, int32(p.Node[row])) || has(days, int32(p.Node[row])) ||
			has(sets, int32(p.LaneSet[row])) || has(lots, int32(p.LotSet[row])) {
			n.rows[row/inputs.TileRows] |= 1 << (row % inputs.TileRows)
		}
	}
}

// moved says which prints differ; nil: none.
func moved(a, b []Print) []bool {
	var out []bool
	for i := range a {
		if a[i] != b[i] {
			if out == nil {
				out = make([]bool, len(a))
			}
			out[i] = true
		}
	}
	return out
}

// daysOf mixes the days of one row, as demand does those of a tile.
func (w *rowPrinter) daysOf(row int) Print {
	const lane = 0
	w.a[lane], w.b[lane] = 11, 12
	p, h := w.part, w.horizon
	for day := 0; day < h; day += 2 {
		var two int64
		if day+1 < h {
			two = p.Demand(row, day+1)
		}
		w.days(lane, uint64(p.Demand(row, day)), uint64(two))
	}
	return Print{w.a[lane], w.b[lane]}
}
