package planner

import (
	"math"
	"math/bits"

	"echelon/inputs"
)

// Lines are published orders on their way into the columns of a layer: gathered in the order of the layer, a block of
// them at a time, and written column by column. Orders lie by tile and are read by item, so that each of them is on its
// way from memory; a gathering that does nothing else waits for many of them at once.
type lineBlock struct {
	n    int
	rows [lineRows]lineRow
}

const lineRows = 64

// lineRow is a line that is not yet written.
type lineRow struct {
	line
	item   inputs.ItemIdx
	node   inputs.NodeIdx
	no     int32 // of the item
	days   [5]int32
	ledger [2]int32 // as stepsOf says
}

// gather takes over a SKU's lines and counts them; the SKUs of an item follow each other.
func (d *desk) gather(i int32) {
	s := &d.skus[i]
	for k := d.lineAt[i]; k < d.lineAt[i+1]; k++ {
		l := &d.lines[k]
		out, o := &d.out[l.site], &l.order
		b := &out.blocks[l.layer]
		if b.n == lineRows {
			d.writeLines(out, l.layer)
		}
		r := &b.rows[b.n]
		b.n++
		r.line, r.node = *l, s.node
		out.lineNo[l.layer]++
		r.item, r.no = d.itemOf(s.item), out.lineNo[l.layer]
		r.days = d.classes[s.class].days[o.opp]
		r.ledger = d.stepsOf(o)
		q := d.units(o)
		out.result.Lines[l.layer]++
		out.result.Units[l.layer] += q
		if l.flags&linePromised == 0 || l.flags&lineToday == 0 {
			continue
		}
		out.result.Released += q
		if d.short(o) {
			out.result.ShortUnits += d.wanted(o) - q
		}
	}
}

// writeLines appends a block to its layer.
func (d *desk) writeLines(out *siteOut, layer LayerID) {
	b, t := &out.blocks[layer], &out.tables[layer]
	rows := b.rows[:b.n]
	b.n = 0
	if len(rows) == 0 {
		return
	}
	if t.Rows+len(rows) > len(t.Cols[colLine].I64) {
		t.grow(len(rows))
	}
	d.writeNames(t, rows)
	d.writeUnits(t, rows)
	if layer == VendorOrders {
		for r := range rows {
			d.vendorColumns(t.Cols, t.Rows+r, rows[r].item, t.Cols[colQuantity].I64[t.Rows+r])
		}
	}
	for r := range rows {
		d.ledger(&t.Cols[colLedger], &rows[r].order, rows[r].ledger)
	}
	t.Rows += len(rows)
}

// writeNames fills the columns of what and when.
func (d *desk) writeNames(t *Table, rows []lineRow) {
	at := func(c int) []int32 { return t.Cols[c].I32[t.Rows:][:len(rows)] }
	line, item := t.Cols[colLine].I64[t.Rows:][:len(rows)], at(colItem)
	for r := range rows {
		line[r], item[r] = int64(rows[r].no), int32(rows[r].item)
	}
	source, destination, lane := at(colSource), at(colDestination), at(colLane)
	for r := range rows {
		source[r], destination[r], lane[r] = int32(rows[r].source), int32(rows[r].node), int32(rows[r].lane)
	}
	for k := range rows[0].days {
		day := at(colOrderDay + k)
		for r := range rows {
			day[r] = rows[r].days[k]
		}
	}
	flag := func(c int) []uint8 { return t.Cols[c].U8[t.Rows:][:len(rows)] }
	release, unconfirmed := flag(colRelease), flag(colUnconfirmed)
	for r := range rows {
		f := rows[r].flags
		release[r], unconfirmed[r] = bit(f == linePromised|lineToday), bit(f&linePromised == 0)
	}
	clear(flag(colKind))
}

// writeUnits fills the columns of how much.
func (d *desk) writeUnits(t *Table, rows []lineRow) {
	at := func(c int) []int64 { return t.Cols[c].I64[t.Rows:][:len(rows)] }
	quantity, packs, pack := at(colQuantity), at(colPacks), at(colPack)
	need, wanted, supply := at(colNeed), at(colWanted), at(colSupply)
	for r := range rows {
		o := &rows[r].order
		quantity[r], pack[r] = d.units(o), int64(rows[r].pack)
		need[r], wanted[r], supply[r] = int64(o.n[2]), int64(o.wanted), int64(o.dos)
		if o.wide {
			v := d.of(o)
			need[r], wanted[r] = v.need, v.wanted
		}
	}
	release := t.Cols[colRelease].U8[t.Rows:][:len(rows)]
	for r, q := range quantity {
		packs[r] = packsOf(q, pack[r])
		release[r] &= bit(q > 0)
	}
	tier1, tier2, tier3, tier4 := at(colTier1), at(colTier2), at(colTier3), at(colTier4)
	urgency := at(colUrgency)
	for r, q := range quantity {
		var first int64
		first, tier1[r], tier2[r], tier3[r], tier4[r] = d.tiersOf(&rows[r].order, q, pack[r])
		urgency[r] = 1000*first + supply[r]
	}
	volume, weight := at(colVolume), at(colWeight)
	for r, q := range quantity {
		item := rows[r].item
		volume[r], weight[r] = times(d.net.Items.Volume[item], q), times(d.net.Items.Weight[item], q)
	}
}

// vendorColumns writes what a vendor order has beside a line; the sums of the whole order follow at the
// DC's end.
func (d *desk) vendorColumns(c []Col, row int, item inputs.ItemIdx, q int64) {
	c[colCurrency].Str[row] = d.net.Items.Currency[item]
	c[colOrder].Str[row] = ""
	c[colCost].I64[row] = times(d.net.Items.Cost[item], q)
	c[colOrderValue].I64[row] = NullInt
	c[colOrderUnits].I64[row], c[colOrderWeight].I64[row] = 0, 0
}

// stepsOf says where an order's steps are, those left out that follow from need and pack: the first and how many.
func (d *desk) stepsOf(o *order) [2]int32 {
	if o.extra < 0 {
		return [2]int32{}
	}
	x := &d.extras[o.extra]
	return [2]int32{x.firstStep, x.steps}
}

// ledger appends the steps of an order, those left out that follow from need and pack.
func (d *desk) ledger(c *Col, o *order, steps [2]int32) {
	for _, st := range d.steps[steps[0] : steps[0]+steps[1]] {
		c.Reason = append(c.Reason, st.Reason)
		c.List = append(c.List, st.Change)
	}
	if d.short(o) {
		v := d.of(o)
		c.Reason = append(c.Reason, uint8(ReasonShare))
		c.List = append(c.List, v.given-v.wanted)
	}
	c.Off = append(c.Off, uint32(len(c.List)))
}

// times multiplies a per-unit fact that may be unknown (−1: null) by units; the product is cut at the largest
// number.
func times(perUnit, q int64) int64 {
	if (perUnit|q)>>31 == 0 {
		return perUnit * q
	}
	return timesLong(perUnit, q)
}

func timesLong(perUnit, q int64) int64 {
	if perUnit < 0 {
		return NullInt
	}
	if hi, lo := bits.Mul64(uint64(perUnit), uint64(q)); hi == 0 && lo <= math.MaxInt64 {
		return int64(lo)
	}
	return math.MaxInt64
}
