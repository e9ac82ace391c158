package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// settleGroup shares what the unit's DCs have of each item, the vendors' side first. What parent units gave
// is taken over before.
func (d *desk) settleGroup() {
	var order [maxSites]int16
	for item := range int8(inputs.TileRows) {
		sites := d.levels(item, order[:0])
		d.byLevelDown(item, sites)
		for _, site := range sites {
			d.ration(site, item)
			d.done[d.cell(site, item)] = d.shares(site, item)
		}
	}
}

// byLevelDown turns levels around, keeping ids ascending within a level.
func (d *desk) byLevelDown(item int8, sites []int16) {
	if len(sites) == 1 {
		return
	}
	level := d.siteLevels(item)
	sortSites(sites, func(a, b int16) int { return level[b] - level[a] })
}

// projection is the days of one row with its final orders, in milli-units.
type projection struct {
	demand, receipts, planned, onHand, short, floor []int64
}

// columns gives the lists in the order of the layer.
func (p *projection) columns() [6]*[]int64 {
	return [...]*[]int64{&p.demand, &p.receipts, &p.planned, &p.onHand, &p.short, &p.floor}
}

// project runs a row with its final orders over the horizon: a DC's demand is its own and what it gives.
func (d *desk) project(i int32, p *projection) {
	s := &d.skus[i]
	d.facts(s, &d.row)
	d.row.Prepare(&noTable, 0) // no window looks beyond the horizon here
	r := &d.row
	h := d.horizon
	for _, col := range p.columns() {
		*col = sized(col, h)
	}
	clear(p.planned)
	tab := d.table(s)
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		if a := int(tab.Opps[o.opp].Usable); a < h {
			p.planned[a] += o.units() * 1000
		}
	}
	copy(p.receipts, r.Rec[:h])
	for t := range p.floor {
		p.floor[t] = r.FloorOn(int32(t))
	}
	if s.flags&skuOwn != 0 {
		for t, q := range d.picks(d.cell(s.site, s.item)) {
			p.demand[t] = r.Base(t) + q*1000
		}
	} else {
		copy(p.demand, r.All[:h])
	}
	stock, owed := r.Avail, min(0, r.Avail)
	for t := range h {
		in := p.receipts[t] + p.planned[t]
		bal := stock + in - p.demand[t]
		if r.Lost {
			owed = min(0, owed+in)
			stock = max(owed, bal)
			p.short[t] = stock - bal
		} else {
			stock = bal
			p.short[t] = max(0, -bal)
		}
		p.onHand[t] = stock
	}
}

// stockOut is the shortage before the first opportunity that may plan.
type stockOut struct {
	first, days int32
	units       int64
	anyDay      bool // short on any day of the horizon
}

func (d *desk) stockOutOf(i int32, p *projection) stockOut {
	s := &d.skus[i]
	until := d.horizon
	if s.flags&skuOrders != 0 {
		if tab := d.table(s); tab.Planned > 0 && tab.Opps[0].Usable <= d.row.To {
			until = min(until, int(tab.Opps[0].Usable))
		}
	}
	out := stockOut{first: -1}
	var lost, backlog int64
	for t, short := range p.short {
		if short == 0 {
			continue
		}
		out.anyDay = true
		if t >= until {
			break
		}
		if out.first < 0 {
			out.first = int32(t)
		}
		out.days++
		lost += short
		backlog = max(backlog, short)
	}
	if d.row.Lost {
		out.units = (lost + 999) / 1000
	} else {
		out.units = (backlog + 999) / 1000
	}
	return out
}

// today gives the order of a SKU with order day today, nil when it has none.
func (d *desk) today(s *sku) (*order, *net.Opp) {
	if s.count == 0 {
		return nil, nil
	}
	o := &d.orders[s.first]
	if opp := &d.table(s).Opps[o.opp]; opp.Order == 0 {
		return o, opp
	}
	return nil, nil
}

// nextCarry is a SKU's carry after this cycle.
func (d *desk) nextCarry(s *sku) int64 {
	carry := d.carry(s)
	o, opp := d.today(s)
	switch {
	case o == nil || o.wanted == 0 || !d.promised(s, o, opp):
		return carry
	case o.units() < o.wanted:
		return carry + o.wanted - o.units()
	}
	return 0
}
