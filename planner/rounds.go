package planner

import (
	"echelon/planner/net"
	"echelon/planner/share"
)

// again nets, for a child that was shorted in the window, its later opportunities of the window that were
// not, and claims what they want more. Where no such claim could get a pack, the child's rounds are run through at
// once, and its other orders netted on what came out: what is left only falls, and nobody else's share depends on a
// claim that gets nothing.
func (d *desk) again(kid, i int32, site int16, from, last int32) {
	s := &d.skus[i]
	tab := d.table(s)
	loaded := false
	for {
		shorted, raised := d.shortedIn(s, tab, site, from, last)
		if shorted < 0 {
			return
		}
		s.flags |= skuShorted | skuNoted
		if raised < 0 {
			break
		}
		if !loaded {
			d.loadKid(s, tab)
			loaded = true
		}
		claims := len(d.claims)
		d.lift(kid, s, tab, shorted, raised)
		if d.tracer != nil {
			d.tracer.netted(d, s, tab, roundNetting)
			return
		}
		if len(d.claims) == claims {
			break
		}
		if !d.futile(d.claims[claims:], last) {
			return
		}
		d.claims, d.claimOf = d.claims[:claims], d.claimOf[:claims]
	}
	if d.tracer == nil {
		d.netAgain(i, loaded)
		d.calm[kid] = true
	}
}

// futile reports whether not a pack of any claim fits into what is left.
func (d *desk) futile(claims []share.Claim, last int32) bool {
	left := d.pool.Rem[last] // the most that any day of the window may give
	for k := range claims {
		if claims[k].Pack*1000 <= left {
			return false
		}
	}
	return true
}

// shortedIn gives the first order of a child that was shorted in the window, −1 none, and the last opportunity of
// the window behind it that was not, −1 none. The modes and quantities of netting those again are then set.
func (d *desk) shortedIn(s *sku, tab *net.Table, site int16, from, last int32) (shorted int32, raised int) {
	shorted, raised = -1, -1
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		if d.short(o) && d.inWindow(s, &tab.Opps[o.opp], site, from, last) {
			shorted = k
			break
		}
	}
	if shorted < 0 {
		return shorted, raised
	}
	d.modes = sizedModes(&d.modes, tab.Planned)
	d.held = sized(&d.held, tab.Planned)
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		d.modes[o.opp], d.held[o.opp] = net.Hold, d.units(o)
		if k > shorted && d.full(o) && d.inWindow(s, &tab.Opps[o.opp], site, from, last) {
			d.modes[o.opp] = net.Raise
			raised = int(o.opp)
		}
	}
	return shorted, raised
}

// lift nets the loaded child's opportunities that may be raised, and claims what they want more.
func (d *desk) lift(kid int32, s *sku, tab *net.Table, shorted int32, raised int) {
	d.cut = *tab // what lies behind the last one that is raised decides nothing here
	if d.tracer == nil {
		d.cut.Planned = raised + 1
	}
	d.pass.Run(&d.row, &d.cut, d.modes, d.held)
	for k := shorted + 1; k < s.first+s.count; k++ {
		o := &d.orders[k]
		if d.modes[o.opp] != net.Raise {
			continue
		}
		res := &d.pass.Results[o.opp]
		if res.Wanted <= d.wanted(o) {
			d.tiers(o, res)
			continue
		}
		d.record(o, res)
		o.dos = d.supply(tab, int(o.opp))
		d.addClaim(kid, s, k, tab)
	}
}

func sizedModes(m *[]net.Mode, n int) []net.Mode {
	if cap(*m) < n {
		*m = make([]net.Mode, n)
	}
	return (*m)[:n]
}

// settle nets the orders of shorted children outside the window again, on what they were given, where that was
// not done since they last claimed something.
func (d *desk) settle() {
	for kid, i := range d.kids {
		if d.skus[i].flags&skuShorted != 0 && !d.calm[kid] {
			d.netAgain(i, false)
			d.calm[kid] = d.tracer == nil
		}
	}
}

// netAgain nets those orders of a SKU again that no DC has settled; loaded: its row is.
func (d *desk) netAgain(i int32, loaded bool) {
	s := &d.skus[i]
	tab := d.table(s)
	d.modes = sizedModes(&d.modes, tab.Planned)
	d.held = sized(&d.held, tab.Planned)
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		d.modes[o.opp], d.held[o.opp] = net.Net, 0
		if o.state == orderFixed || d.settled(s, &tab.Opps[o.opp]) {
			d.modes[o.opp], d.held[o.opp] = net.Hold, d.units(o)
		}
	}
	if !loaded {
		d.loadKid(s, tab)
	}
	d.pass.Run(&d.row, tab, d.modes, d.held)
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		if d.modes[o.opp] == net.Net {
			d.record(o, &d.pass.Results[o.opp])
			o.dos = d.supply(tab, int(o.opp))
		}
	}
	s.flags |= skuShort
	if d.tracer != nil {
		d.tracer.netted(d, s, tab, againNetting)
	}
}
