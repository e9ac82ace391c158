package build

import (
	"cmp"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// skuRows hands the rows of a table keyed by item and node, with the SKU's number, to what open returns for
// their batch; rows of unknown ids are quarantined, rows of items and nodes that are no SKU filtered.
func (b *builder) skuRows(table string, open func(t *inputs.Batch) func(r int, s int32)) error {
	items, nodes := b.itemIDs.refs(), b.nodeIDs.refs()
	return b.each(table, func(t *inputs.Batch, n *inputs.Counts) error {
		item, node := t.Col("item"), t.Col("node")
		row := open(t)
		itemOf, nodeOf := items.resolve(item, t.Rows), nodes.resolve(node, t.Rows)
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			i, at := itemOf[r], nodeOf[r]
			if i < 0 || at < 0 {
				column := "item"
				if i >= 0 {
					column = "node"
				}
				b.report.unknown(t, r, column)
				continue
			}
			s := b.find(i, at)
			if s == inputs.None {
				n.Filtered++
				continue
			}
			row(r, s)
		}
		return b.ctx.Err()
	})
}

// at returns the partition and row of a SKU.
func (b *builder) at(s int32) (*inputs.Partition, int32) { return b.parts[b.partition(s)], b.rowOf[s] }

func (b *builder) readInventory() error {
	return b.skuRows("inventory", func(t *inputs.Batch) func(int, int32) {
		onHand, reserved, unusable := t.Col("on_hand"), t.Col("reserved"), t.Col("unusable")
		backorders, counted := t.Col("backorders"), t.Col("counted_at")
		return func(r int, s int32) {
			p, row := b.at(s)
			p.OnHand[row], p.Reserved[row] = int32(onHand.Int(r, 0)), int32(reserved.Int(r, 0))
			p.Unusable[row], p.Backorders[row] = int32(unusable.Int(r, 0)), int32(backorders.Int(r, 0))
			p.Flags[row] &^= inputs.FlagHeld
			if !counted.IsNull(r) {
				p.Day0Left[row] = b.zoneDay[b.net.Nodes.Zone[p.Node[row]]].left(counted.Ints[r])
			}
		}
	})
}

// left gives the minutes of day 0 after an instant, a begun one counting.
func (z *zoneDay) left(instant int64) uint16 {
	const minute = 60_000_000
	if instant < z.start {
		return z.minutes
	}
	if instant >= z.end {
		return 0
	}
	return uint16((z.end - instant + minute - 1) / minute)
}

// sideRow is an entry of a side column before it is put in order.
type sideRow struct {
	part, row int32
	day       calendars.Day
	value     int64
}

// spread sorts entries by (partition, row, day, value) and hands each partition its own.
func (b *builder) spread(rows []sideRow, f func(p *inputs.Partition, rows []sideRow)) {
	slices.SortFunc(rows, func(x, y sideRow) int {
		return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day), cmp.Compare(x.value, y.value))
	})
	for lo := 0; lo < len(rows); {
		hi := lo
		for hi < len(rows) && rows[hi].part == rows[lo].part {
			hi++
		}
		f(b.parts[rows[lo].part], rows[lo:hi])
		lo = hi
	}
}

func (b *builder) readLots() error {
	var rows []sideRow
	counts := b.report.counts("lots")
	err := b.skuRows("lots", func(t *inputs.Batch) func(int, int32) {
		day, value := t.Col("expires"), t.Col("quantity")
		return func(r int, s int32) {
			if dayOr(day, r, 0) < b.net.Nodes.Day0[b.nodeOf[s]] {
				counts.Filtered++ // expired: a part of unusable
				return
			}
			rows = append(rows, sideRow{b.partition(s), b.rowOf[s], dayOr(day, r, 0), value.Int(r, 0)})
		}
	})
	b.spread(rows, func(p *inputs.Partition, rows []sideRow) {
		for _, x := range rows {
			p.Flags[x.row] |= inputs.FlagLots
			p.Lots.Row = append(p.Lots.Row, x.row)
			p.Lots.Expires, p.Lots.Qty = append(p.Lots.Expires, x.day), append(p.Lots.Qty, x.value)
		}
	})
	return err
}

func (b *builder) readSafety() error {
	var rows []sideRow
	err := b.skuRows("safety_stocks", func(t *inputs.Batch) func(int, int32) {
		day, value := t.Col("from"), t.Col("units")
		return func(r int, s int32) {
			rows = append(rows, sideRow{b.partition(s), b.rowOf[s], dayOr(day, r, 0), value.Int(r, 0)})
		}
	})
	b.spread(rows, func(p *inputs.Partition, rows []sideRow) {
		for _, x := range rows {
			p.Flags[x.row] |= inputs.FlagDatedSafety
			p.Safety.Row = append(p.Safety.Row, x.row)
			p.Safety.From, p.Safety.Units = append(p.Safety.From, x.day), append(p.Safety.Units, int32(x.value))
		}
	})
	return err
}

func (b *builder) readCarry() error {
	var rows []sideRow
	err := b.skuRows("carry", func(t *inputs.Batch) func(int, int32) {
		units := t.Col("units")
		return func(r int, s int32) {
			if v := units.Int(r, 0); v != 0 {
				rows = append(rows, sideRow{b.partition(s), b.rowOf[s], 0, v})
			}
		}
	})
	b.spread(rows, func(p *inputs.Partition, rows []sideRow) {
		for _, x := range rows {
			p.Flags[x.row] |= inputs.FlagCarry
			p.Carry.Row, p.Carry.Units = append(p.Carry.Row, x.row), append(p.Carry.Units, x.value)
		}
	})
	return err
}
