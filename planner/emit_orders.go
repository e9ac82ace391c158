package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// line is an order that is published, copied as it finally stands: lines are taken as orders lie and read by item, so
// that a line that only named its order would be two waits for memory instead of one.
type line struct {
	order  order
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
	to := carrier{set: inputs.None}
	for i := range d.skus {
		d.lineAt[i] = int32(len(d.lines))
		if s := &d.skus[i]; s.count > 0 {
			d.takeOrders(s, &to)
		}
	}
	d.lineAt[len(d.skus)] = int32(len(d.lines))
}

// takeOrders counts a SKU's orders into the workload of the DCs that carry them and notes which are published.
func (d *desk) takeOrders(s *sku, to *carrier) {
	opps := d.table(s).Opps
	lane := int32(-1)
	orders := d.orders[s.first : s.first+s.count]
	for k := range orders {
		o := &orders[k]
		if o.n[2]|o.wanted == 0 && o.extra < 0 {
			continue
		}
		opp := &opps[o.opp]
		if lane != opp.Lane {
			lane = opp.Lane
			d.ready(to, s, lane)
		}
		q, short := int64(o.wanted), false
		if o.state == orderFixed {
			q, short = int64(o.given), o.given < o.wanted
		}
		if o.wide {
			if !d.some(o) {
				continue
			}
			q, short = d.units(o), d.short(o)
		}
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
		if !to.counts {
			continue
		}
		if q > 0 {
			packs := packsOf(q, to.pack)
			to.load[o.opp].count(q, packs, to.each)
			if d.loads {
				out := &d.out[to.site]
				out.loads.taken = append(out.loads.taken, loadEntry{q, packs, s.set, o.opp, s.item})
			}
		}
		if to.published(opp, q, flags, short || o.marks != 0) {
			d.lines = append(d.lines, line{
				order: *o, lane: to.lane, source: to.source, pack: int32(to.pack),
				site: to.site, layer: to.layer, flags: flags,
			})
		}
	}
}

// carrier is where the orders of one lane are written. Successive rows of a tile share it but for their item.
type carrier struct {
	set    inputs.LaneSetIdx
	opp    int32          // lane of the opportunity
	of     inputs.NodeIdx // destination
	lane   inputs.LaneIdx
	source inputs.NodeIdx
	from   int16 // the source's site, -1 none
	site   int16
	layer  LayerID
	vendor bool
	gives  bool       // its site gives in this cycle
	off    bool       // the layer is not written
	all    bool       // each of its orders is a line
	load   []loadCell // per opportunity of the SKU's lanes

	pack int64
	each unitLoad
	// its site gives, and the item's orders count
	counts bool
	// last pick day that the source stands by: a vendor's has no end, a DC's is its window's, −1 when it shares
	// nothing
	window int32
}

// ready fits a carrier to a SKU's orders on one of its lanes.
func (d *desk) ready(c *carrier, s *sku, lane int32) {
	if c.set != s.set || c.opp != lane || c.of != s.node {
		d.road(c, s, lane)
	}
	if s.site < 0 {
		c.pack = d.lots[d.requests[s.row].lots][lane].Pack
	} else {
		c.pack = d.lots[d.sites[s.site].part.LotSet[s.row]][lane].Pack
	}
	c.window = -1
	switch {
	case c.vendor:
		c.window = net.FarDay
		c.enter(d, s.site, s.set)
	case c.from >= 0 && d.shares(c.from, s.item):
		c.window = d.window[d.cell(c.from, s.item)]
	}
	item := d.itemOf(s.item)
	c.each = d.unitLoad(item)
	c.counts = c.gives && (d.counted == nil || d.counted[c.site].has(item))
}

// road looks up what follows from a SKU's node and one of its lanes.
func (d *desk) road(c *carrier, s *sku, lane int32) {
	c.set, c.opp, c.of = s.set, lane, s.node
	c.lane = d.net.LaneSets[s.set].Lanes[lane]
	c.source = d.net.Lanes.Source[c.lane]
	c.from = d.siteOf[c.source]
	c.vendor, c.layer, c.site = d.net.Nodes.Kind[c.source] == inputs.Vendor, StoreOrders, noSite
	switch {
	case c.vendor:
		c.layer = VendorOrders
	case d.net.Nodes.Kind[s.node] == inputs.DC:
		c.layer = DCOrders
	}
	c.off, c.all = d.policy.LayersOff[c.layer], d.policy.Lines == LinesAll
	if !c.vendor {
		c.enter(d, c.from, s.set)
	}
}

const noSite = -2

// enter names the site in whose plan the orders stand; −1: a DC outside the unit.
func (c *carrier) enter(d *desk, site int16, set inputs.LaneSetIdx) {
	if c.site == site {
		return
	}
	c.site = site
	c.gives = site >= 0 && d.sites[site].gives // else a DC outside the unit or the wave
	if c.gives {
		c.load = d.out[site].work.of(d.run, set)
	}
}

// packsOf divides units by the pack.
func packsOf(q, pack int64) int64 {
	if q>>31 == 0 { // a short division is several times faster
		return int64(uint32(q) / uint32(pack))
	}
	return q / pack
}

// published reports whether an order is a line of its layer: planning rules, section 10; reading 31. noted: it is
// short or has marks.
func (c *carrier) published(opp *net.Opp, q int64, flags lineFlags, noted bool) bool {
	switch {
	case c.off:
		return false
	case c.all:
		return true
	case q == 0:
		return opp.Order == 0
	case c.layer != StoreOrders:
		return true
	}
	// A DC that does not share has no deployment window.
	return opp.Pick <= c.window || flags == linePromised|lineToday || noted
}
