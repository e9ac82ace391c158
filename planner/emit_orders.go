package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// lineRef is an order that is published.
type lineRef struct {
	order  int32
	lane   inputs.LaneIdx
	source inputs.NodeIdx
	pack   int32
	site   int16
	layer  LayerID
	flags  lineFlags
}

type lineFlags uint8

const (
	linePromised lineFlags = 1 << iota // its source stands by it
	lineToday                          // ordered on day 0
)

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
	opps := d.table(s).Opps
	to := carrier{opp: -1}
	orders := d.orders[s.first : s.first+s.count]
	for k := range orders {
		o := &orders[k]
		if !o.some() {
			continue
		}
		opp := &opps[o.opp]
		if to.opp != opp.Lane {
			d.carrier(&to, s, opp)
		}
		q := o.units()
		var flags lineFlags
		if o.state == orderFixed || (o.state == orderOpen && opp.Pick <= to.window) {
			flags = linePromised
		}
		if opp.Order == 0 {
			flags |= lineToday
			if flags&linePromised != 0 && q > 0 {
				s.flags |= skuReleased
			}
		}
		if !to.gives {
			continue
		}
		if q > 0 {
			to.load[o.opp].count(q, packsOf(q, to.pack), to.each)
		}
		if d.published(&to, o, opp, q, flags) {
			d.lines = append(d.lines, lineRef{
				order: s.first + int32(k), lane: to.lane, source: to.source, pack: int32(to.pack),
				site: to.site, layer: to.layer, flags: flags,
			})
		}
	}
}

// carrier is where the orders of one lane are written.
type carrier struct {
	opp    int32 // lane of the opportunity
	lane   inputs.LaneIdx
	source inputs.NodeIdx
	site   int16
	layer  LayerID
	gives  bool // its site gives in this cycle
	pack   int64
	// last pick day that the source stands by: a vendor's has no end, a DC's is its window's, −1 when it shares
	// nothing
	window int32
	load   []loadCell // per opportunity of the SKU's lanes
	each   unitLoad
}

func (d *desk) carrier(c *carrier, s *sku, opp *net.Opp) {
	c.opp, c.lane, c.pack, c.layer, c.window = opp.Lane, d.lane(s, opp), d.pack(s, opp), StoreOrders, -1
	c.source = d.net.Lanes.Source[c.lane]
	c.site = d.siteOf[c.source]
	if c.site >= 0 && d.shares(c.site, s.item) {
		c.window = d.window[d.cell(c.site, s.item)]
	}
	switch {
	case d.net.Nodes.Kind[c.source] == inputs.Vendor:
		c.site, c.layer, c.window = s.site, VendorOrders, net.FarDay
	case d.net.Nodes.Kind[s.node] == inputs.DC:
		c.layer = DCOrders
	}
	c.gives = c.site >= 0 && d.sites[c.site].gives // else a DC outside the unit or the wave
	c.gives = c.gives && (d.counted == nil || d.counted[c.site].has(d.itemOf(s.item)))
	if c.gives {
		c.load = d.out[c.site].work.of(d.run, s.set)
		c.each = d.unitLoad(d.itemOf(s.item))
	}
}

// packsOf divides units by the pack.
func packsOf(q, pack int64) int64 {
	if q>>31 == 0 { // a short division is several times faster
		return int64(uint32(q) / uint32(pack))
	}
	return q / pack
}

// published reports whether an order is a line of its layer: planning rules, section 10; reading 31.
func (d *desk) published(to *carrier, o *order, opp *net.Opp, q int64, flags lineFlags) bool {
	switch {
	case d.policy.LayersOff[to.layer]:
		return false
	case d.policy.Lines == LinesAll:
		return true
	case q == 0:
		return opp.Order == 0
	case to.layer != StoreOrders:
		return true
	}
	// A DC that does not share has no deployment window.
	return opp.Pick <= to.window || flags == linePromised|lineToday || o.marks != 0 || o.short()
}
