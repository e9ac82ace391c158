package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// stockpile works out what is there by each day 0 … last of a DC's own row: opening position, receipts, own
// orders that are settled (give), less own demand, promises and the reserve; in milli-units.
func (d *desk) stockpile(s *sku, last int32, orders bool) []int64 {
	if d.policy.Reserve == ReserveNone && int(last) < d.horizon {
		d.opening(s, last)
	} else {
		d.reserved(s, last)
	}
	if orders {
		d.ownArrivals(s, d.pool.Rem)
	}
	return d.pool.Rem
}

// opening works out what is there inside the horizon where nothing is kept back: neither floors nor children's
// orders are asked for, so that the row need not be prepared for netting. Most items end here: they are not scarce.
func (d *desk) opening(s *sku, last int32) {
	d.facts(s, &d.row)
	r := &d.row
	rem := sized(&d.pool.Rem, int(last)+1)
	d.pool.Rem = rem
	clear(rem)
	for i := range r.Receipts {
		if day := int(r.Receipts[i].Day); day < len(rem) {
			rem[day] += r.Receipts[i].Units * 1000
		}
	}
	there := r.Avail
	for t := range rem {
		there += rem[t] - r.Base(t)
		rem[t] = there
	}
}

// reserved works out what is there less what the policy keeps back.
func (d *desk) reserved(s *sku, last int32) {
	d.load(s, &d.row, int(last)+1)
	r := &d.row
	rem := sized(&d.pool.Rem, int(last)+1)
	d.pool.Rem = rem
	there := r.Avail
	for t := range rem {
		there += r.Rec[t] - r.Base(t)
		rem[t] = there
	}
	switch d.policy.Reserve {
	case ReserveNone:
	case ReserveSafety:
		for t := range rem {
			rem[t] -= r.SafeOn(int32(t))
		}
	case ReserveSafetyBeyond:
		for t := range rem {
			rem[t] -= max(0, r.SafeOn(int32(t))-r.Sum(t+1, t+d.policy.ReserveDays))
		}
	}
}

// ownArrivals adds the DC's own orders that are promised to it, from the day they are usable.
func (d *desk) ownArrivals(s *sku, rem []int64) {
	tab := d.table(s)
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		opp := &tab.Opps[o.opp]
		if !d.promised(s, o, opp) {
			continue
		}
		for t := int(opp.Usable); t < len(rem); t++ {
			rem[t] += d.units(o) * 1000
		}
	}
}

// promised reports whether an order's source stands by it: a vendor always, a DC when it shares, for what it
// picks inside its window.
func (d *desk) promised(s *sku, o *order, opp *net.Opp) bool {
	if o.state != orderOpen {
		return o.state == orderFixed
	}
	node, site := d.source(s, opp)
	if site < 0 {
		return d.net.Nodes.Kind[node] == inputs.Vendor
	}
	return d.shares(site, s.item) && opp.Pick <= d.window[d.cell(site, s.item)]
}

// shares reports whether a site gives of an item: it is part of the wave and its row is not held.
func (d *desk) shares(site int16, item int8) bool {
	i := d.own[d.cell(site, item)]
	return d.sites[site].gives && i >= 0 && d.skus[i].flags&skuHeld == 0
}

// scarce reports whether the picks of days 0 … last exceed what is there on some day from the first pick on.
func scarce(rem, picks []int64, last int32) bool {
	var sum int64
	for t := range int(last) + 1 {
		if t < len(picks) {
			sum += picks[t]
		}
		if sum > 0 && sum*1000 > rem[t] {
			return true
		}
	}
	return false
}

// picks gives the units picked per day of the horizon as orders stand.
func (d *desk) picks(cell int) []int64 {
	return d.now[cell*d.horizon : (cell+1)*d.horizon]
}
