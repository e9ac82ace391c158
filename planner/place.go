package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// place adds a SKU's orders to the dependent demand and the sums of their sources, and its opportunities to
// what the deployment windows of those must reach.
func (d *desk) place(i int32) {
	s := &d.skus[i]
	tab := d.table(s)
	if tab == nil {
		return
	}
	if s.flags&skuHeld == 0 {
		d.reachOf(s, tab)
	}
	d.placeOrders(s, tab)
}

// placeOrders adds a SKU's orders to the dependent demand of their sources.
func (d *desk) placeOrders(s *sku, tab *net.Table) {
	h := int32(d.horizon)
	lane, site := int32(-1), int16(-1)
	var pack int64
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		opp := &tab.Opps[o.opp]
		wanted := d.wanted(o)
		if wanted == 0 || opp.Pick >= h {
			continue
		}
		if opp.Lane != lane {
			lane = opp.Lane
			_, site = d.source(s, opp)
			pack = d.pack(s, opp)
		}
		if site < 0 {
			continue
		}
		cell := d.cell(site, s.item)
		c := &d.dep[cell]
		c.any = true
		v := d.of(o)
		first := int(v.firstTier()) - 1
		if first == len(v.n) || v.n[first] > wanted-pack { // whole packs, the last of the first one's tier: most orders
			c.days[first][opp.Pick] += wanted
			continue
		}
		c.split(opp.Pick, wanted, pack, 1, &v)
	}
}

// firstAsked keeps, of the dependent demand of all children's first netting, what repeats past the horizon and
// what is picked as things stand.
func (d *desk) firstAsked(cell int) {
	c := &d.dep[cell]
	if !c.any {
		return
	}
	picks := d.picks(cell)
	site, item := cell/inputs.TileRows, cell%inputs.TileRows
	for t := range c.days {
		from := d.first[(site*4+t)*d.horizon*inputs.TileRows+item:]
		for day := range c.days[t] {
			c.days[t][day] += from[day*inputs.TileRows]
		}
		copy(c.end[t], c.days[t][d.horizon-14:])
		for day, units := range c.days[t] {
			picks[day] += units
		}
	}
}

// reachOf notes which DCs the SKU may order from and how far their windows must reach for it.
func (d *desk) reachOf(s *sku, tab *net.Table) {
	to := int32(net.FarDay)
	if s.site >= 0 {
		p := d.sites[s.site].part
		if p.Flags[s.row]&inputs.FlagDates != 0 {
			to = relativeDay(p.SaleTo[s.row], d.net.Nodes.Day0[s.node])
		}
	} else {
		to = d.requests[s.row].facts.To
	}
	inner := int32(-1) // last usable day of a child DC's own window
	switch {
	case s.site < 0:
		inner = d.requests[s.row].window
	case s.flags&skuOwn != 0:
		inner = d.window[d.cell(s.site, s.item)]
	}
	lanes := d.net.LaneSets[s.set].Lanes
	for _, lane := range d.classes[s.class].used {
		if site := d.siteOf[d.net.Lanes.Source[lanes[lane]]]; site >= 0 {
			d.dueTo[d.cell(site, s.item)] = true
		}
	}
	if s.flags&skuOrders == 0 {
		return
	}
	for k := range tab.Planned {
		opp := &tab.Opps[k]
		if opp.Usable > to || (opp.Order > 0 && opp.Usable > inner) {
			break
		}
		if _, site := d.source(s, opp); site >= 0 {
			c := d.cell(site, s.item)
			d.reach[c] = max(d.reach[c], opp.Pick)
		}
	}
}

// depend adds (sign 1) or takes away (−1) the SKU's orders in the dependent demand of a site.
func (d *desk) depend(s *sku, tab *net.Table, sign int64, only int16) {
	h := int32(d.horizon)
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		q := d.units(o)
		opp := &tab.Opps[o.opp]
		if q == 0 || opp.Pick >= h {
			continue
		}
		_, site := d.source(s, opp)
		if site != only {
			continue
		}
		c := &d.dep[d.cell(site, s.item)]
		c.any = true
		v := d.of(o)
		c.split(opp.Pick, q, d.pack(s, opp), sign, &v)
	}
}

// split adds (sign 1) or takes away (−1) units of an order on a pick day, each in its tier.
func (c *depCell) split(day int32, units, pack, sign int64, of *quantities) {
	t1, t2, t3, t4 := of.split(units, pack)
	c.days[0][day] += sign * t1
	c.days[1][day] += sign * t2
	c.days[2][day] += sign * t3
	c.days[3][day] += sign * t4
}

// stand adds (sign 1) or takes away (−1) the SKU's orders in the sums of what is picked as things stand.
func (d *desk) stand(s *sku, tab *net.Table, sign int64) {
	h := int32(d.horizon)
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		opp := &tab.Opps[o.opp]
		if q := d.units(o); q != 0 && opp.Pick < h {
			if _, site := d.source(s, opp); site >= 0 {
				d.now[d.cell(site, s.item)*d.horizon+int(opp.Pick)] += sign * q
			}
		}
	}
}

// pack gives the pack of an opportunity's lane.
func (d *desk) pack(s *sku, opp *net.Opp) int64 {
	if s.site < 0 {
		return d.lots[d.requests[s.row].lots][opp.Lane].Pack
	}
	return d.lots[d.sites[s.site].part.LotSet[s.row]][opp.Lane].Pack
}
