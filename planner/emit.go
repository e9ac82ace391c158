package planner

import (
	"math"
	"math/bits"

	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/share"
)

// Columns of the order layers, in the order of Layer.Columns.
const (
	colLine = iota
	colItem
	colSource
	colDestination
	colLane
	colKind
	colOrderDay
	colPickDay
	colDepartDay
	colReceiveDay
	colUsableDay
	colQuantity
	colPacks
	colPack
	colNeed
	colWanted
	colTier1
	colTier2
	colTier3
	colTier4
	colRelease
	colUnconfirmed
	colSupply
	colUrgency
	colVolume
	colWeight
	colLedger
	colCurrency
	colOrder
	colCost
	colOrderValue
	colOrderUnits
	colOrderWeight
)

// siteOut is what one group adds to one DC's plan. It is reused from group to group.
type siteOut struct {
	tables  [NumLayers]Table
	result  DCResult // counts of the group only
	lineNo  [NumLayers]int64
	item    [NumLayers]inputs.ItemIdx // item of the last line
	faults  []exception               // of the SKU in work
	work    workload
	digests [NumLayers][]byte // of the group's items
}

func (o *siteOut) begin() {
	for i := range o.tables {
		o.tables[i].reset(LayerID(i))
	}
	for _, id := range written {
		o.tables[id].cut(o.tables[id].room())
	}
	o.result = DCResult{}
}

// emitGroup writes the group's part of the plan of every site that gives.
func (d *desk) emitGroup() {
	for i := range d.out {
		d.out[i].begin()
	}
	d.takeLines()
	for _, i := range d.byItem {
		s := &d.skus[i]
		for k := d.lineAt[i]; k < d.lineAt[i+1]; k++ {
			d.line(s, &d.lines[k])
		}
		if s.site < 0 || !d.sites[s.site].gives {
			continue
		}
		d.emitSKU(i, s)
		if d.tracer != nil {
			d.tracer.final(d, i)
		}
	}
	for i := range d.out {
		d.out[i].end()
	}
}

// lineRef is an order that is published.
type lineRef struct {
	order    int32
	lane     inputs.LaneIdx
	pack     int64
	site     int16
	layer    LayerID
	promised bool
}

// takeLines goes through all orders as they lie, tile by tile: a tile's rows share lanes, so the sums of the
// workload stay near. It leaves the lines of each SKU for the pass by item, which then reads only those.
func (d *desk) takeLines() {
	d.lines = d.lines[:0]
	d.lineAt = sized32(&d.lineAt, len(d.skus)+1)
	for i := range d.skus {
		d.lineAt[i] = int32(len(d.lines))
		if s := &d.skus[i]; s.count > 0 {
			d.takeOrders(s)
		}
	}
	d.lineAt[len(d.skus)] = int32(len(d.lines))
}

// takeOrders counts a SKU's orders into the workload of the DCs that carry them and notes which are published.
func (d *desk) takeOrders(s *sku) {
	tab := d.table(s)
	var to carrier
	to.opp = -1
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		if !o.some() {
			continue
		}
		opp := &tab.Opps[o.opp]
		if to.opp != opp.Lane {
			to = d.carrier(s, opp)
		}
		promised := o.state == orderFixed || (o.state == orderOpen && opp.Pick <= to.window)
		q := o.units()
		if promised && opp.Order == 0 && q > 0 {
			s.flags |= skuReleased
		}
		if to.site < 0 || !d.sites[to.site].gives {
			continue
		}
		out := &d.out[to.site]
		if q > 0 {
			if to.load == nil {
				to.load = out.work.of(d.shop, to.lane)
			}
			to.load.add(opp, int32(d.horizon), q, packsOf(q, to.pack), to.each, to.layer != VendorOrders)
		}
		if d.published(to.layer, s, o, opp, to.site, promised) {
			d.lines = append(d.lines, lineRef{k, to.lane, to.pack, to.site, to.layer, promised})
		}
	}
}

// carrier is where the orders of one lane are written.
type carrier struct {
	opp   int32 // lane of the opportunity
	lane  inputs.LaneIdx
	site  int16 // −1: a DC outside the unit
	layer LayerID
	pack  int64
	// last pick day that the source stands by: a vendor's has no end, a DC's is its window's, −1 when it shares
	// nothing
	window int32
	load   laneLoad
	each   unitLoad
}

func (d *desk) carrier(s *sku, opp *net.Opp) carrier {
	c := carrier{opp: opp.Lane, lane: d.lane(s, opp), pack: d.pack(s, opp), layer: StoreOrders}
	source := d.net.Lanes.Source[c.lane]
	c.site = d.siteOf[source]
	c.each = d.unitLoad(d.itemOf(s.item))
	c.window = -1
	if c.site >= 0 && d.shares(c.site, s.item) {
		c.window = d.window[d.cell(c.site, s.item)]
	}
	switch {
	case d.net.Nodes.Kind[source] == inputs.Vendor:
		c.site, c.layer, c.window = s.site, VendorOrders, net.FarDay
	case d.net.Nodes.Kind[s.node] == inputs.DC:
		c.layer = DCOrders
	}
	return c
}

// packsOf divides units by the pack.
func packsOf(q, pack int64) int64 {
	if q>>31 == 0 { // a short division is several times faster
		return int64(uint32(q) / uint32(pack))
	}
	return q / pack
}

// published reports whether an order is a line of its layer: planning rules, section 10; reading 31.
func (d *desk) published(layer LayerID, s *sku, o *order, opp *net.Opp, site int16, promised bool) bool {
	switch {
	case d.policy.LayersOff[layer]:
		return false
	case d.policy.Lines == LinesAll:
		return true
	case o.units() == 0:
		return opp.Order == 0
	case layer != StoreOrders:
		return true
	}
	// A DC that does not share has no deployment window.
	inside := d.shares(site, s.item) && opp.Pick <= d.window[d.cell(site, s.item)]
	return inside || (opp.Order == 0 && promised) || o.marks != 0 || o.short()
}

// short reports whether an order was given less than it wanted.
func (o *order) short() bool { return o.state == orderFixed && o.given < o.wanted }

// line appends one order line.
func (d *desk) line(s *sku, l *lineRef) {
	out, o := &d.out[l.site], &d.orders[l.order]
	layer, lane, pack, promised := l.layer, l.lane, l.pack, l.promised
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
	q := o.units()
	today := d.classes[s.class].Opps[o.opp].Order == 0
	civil := &d.classes[s.class].civil.Opps[o.opp]
	release := promised && q > 0 && today
	c[colLine].I64[row] = out.lineNo[layer]
	c[colItem].I32[row] = int32(item)
	c[colSource].I32[row] = int32(d.net.Lanes.Source[lane])
	c[colDestination].I32[row] = int32(s.node)
	c[colLane].I32[row] = int32(lane)
	c[colKind].U8[row] = 0
	c[colOrderDay].I32[row] = int32(civil.Order)
	c[colPickDay].I32[row] = int32(civil.Pick)
	c[colDepartDay].I32[row] = int32(civil.Depart)
	c[colReceiveDay].I32[row] = int32(civil.Receive)
	c[colUsableDay].I32[row] = int32(civil.Usable)
	c[colQuantity].I64[row] = q
	c[colPacks].I64[row] = packsOf(q, pack)
	c[colPack].I64[row] = pack
	c[colNeed].I64[row] = o.need
	c[colWanted].I64[row] = o.wanted
	t1, t2, t3, t4 := share.SplitInto(q, pack, o.n[0], o.n[1], o.n[2])
	c[colTier1].I64[row] = t1
	c[colTier2].I64[row] = t2
	c[colTier3].I64[row] = t3
	c[colTier4].I64[row] = t4
	c[colRelease].U8[row] = bit(release)
	c[colUnconfirmed].U8[row] = bit(!promised)
	c[colSupply].I64[row] = int64(o.dos)
	c[colUrgency].I64[row] = 1000*o.firstTier() + int64(o.dos)
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
	if today && promised && o.short() {
		out.result.ShortUnits += o.wanted - q
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
	if o.short() {
		c.Reason = append(c.Reason, uint8(ReasonShare))
		c.List = append(c.List, o.given-o.wanted)
	}
	c.Off = append(c.Off, uint32(len(c.List)))
}

// firstTier is the tier of the first unit of the order, or of its need.
func (o *order) firstTier() int64 {
	for i, n := range o.n {
		if n > 0 {
			return int64(i) + 1
		}
	}
	return 4
}

func bit(v bool) uint8 {
	if v {
		return 1
	}
	return 0
}

// times multiplies a per-unit fact that may be unknown (−1: null) by units; the product is cut at the largest
// number.
func times(perUnit, q int64) int64 {
	if perUnit < 0 {
		return NullInt
	}
	if hi, lo := bits.Mul64(uint64(perUnit), uint64(q)); hi == 0 && lo <= math.MaxInt64 {
		return int64(lo)
	}
	return math.MaxInt64
}
