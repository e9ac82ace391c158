package planner

import (
	"math"
	"math/bits"

	"echelon/inputs"
)

// line appends one order line.
func (d *desk) line(s *sku, l *lineRef) {
	out, o := &d.out[l.site], &d.orders[l.order]
	layer, pack, promised := l.layer, int64(l.pack), l.flags&linePromised != 0
	t := &out.tables[layer]
	item := d.itemOf(s.item)
	if t.Rows == 0 || out.item[layer] != item {
		out.item[layer], out.lineNo[layer] = item, 0
	}
	out.lineNo[layer]++
	row := t.Rows
	if row == len(t.Cols[colLine].I64) {
		t.grow()
	}
	c := t.Cols[:colLedger+1]
	q, need, wanted := d.units(o), int64(o.n[2]), int64(o.wanted)
	if o.wide {
		v := d.of(o)
		need, wanted = v.need, v.wanted
	}
	today := l.flags&lineToday != 0
	days := &d.classes[s.class].days[o.opp]
	release := promised && q > 0 && today
	c[colLine].I64[row] = out.lineNo[layer]
	c[colItem].I32[row] = int32(item)
	c[colSource].I32[row] = int32(l.source)
	c[colDestination].I32[row] = int32(s.node)
	c[colLane].I32[row] = int32(l.lane)
	c[colKind].U8[row] = 0
	c[colOrderDay].I32[row] = days[0]
	c[colPickDay].I32[row] = days[1]
	c[colDepartDay].I32[row] = days[2]
	c[colReceiveDay].I32[row] = days[3]
	c[colUsableDay].I32[row] = days[4]
	c[colQuantity].I64[row] = q
	c[colPacks].I64[row] = packsOf(q, pack)
	c[colPack].I64[row] = pack
	c[colNeed].I64[row] = need
	c[colWanted].I64[row] = wanted
	first, t1, t2, t3, t4 := d.tiersOf(o, q, pack)
	c[colTier1].I64[row] = t1
	c[colTier2].I64[row] = t2
	c[colTier3].I64[row] = t3
	c[colTier4].I64[row] = t4
	c[colRelease].U8[row] = bit(release)
	c[colUnconfirmed].U8[row] = bit(!promised)
	c[colSupply].I64[row] = int64(o.dos)
	c[colUrgency].I64[row] = 1000*first + int64(o.dos)
	c[colVolume].I64[row] = times(d.net.Items.Volume[item], q)
	c[colWeight].I64[row] = times(d.net.Items.Weight[item], q)
	d.ledger(&c[colLedger], o)
	if layer == VendorOrders {
		d.vendorColumns(t.Cols, row, item, q)
	}
	t.Rows++
	out.result.Lines[layer]++
	out.result.Units[layer] += q
	if release {
		out.result.Released += q
	}
	if today && promised && d.short(o) {
		out.result.ShortUnits += wanted - q
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

// ledger appends the steps of an order, those that follow from need and pack left out.
func (d *desk) ledger(c *Col, o *order) {
	if o.extra >= 0 {
		x := &d.extras[o.extra]
		for _, st := range d.steps[x.firstStep : x.firstStep+x.steps] {
			c.Reason = append(c.Reason, st.Reason)
			c.List = append(c.List, st.Change)
		}
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
