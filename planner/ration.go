package planner

import (
	"slices"

	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/share"
)

// claimRef says which order a claim stands for.
type claimRef struct {
	kid   int32 // index into desk.kids
	order int32 // index into desk.orders
}

// savedRun remembers a SKU's orders while a trial replaces them.
type savedRun struct {
	sku          int32
	first, count int32
	flags        skuFlags
}

// trial previews the sharing of a DC and corrects its dependent demand by it; then it is forgotten.
func (d *desk) trial(site int16, item int8) {
	c := d.cell(site, item)
	i := d.own[c]
	s := &d.skus[i]
	last := int32(d.horizon) - 1
	if tab := d.table(s); tab != nil && tab.Planned > 0 {
		last = min(last, tab.Opps[0].Usable-1) // reading 47
	}
	if last < 0 {
		return
	}
	rem := d.stockpile(s, last, false)
	if int(last) < d.horizon && !scarce(rem, d.picks(c), last) {
		return
	}
	d.saved = d.saved[:0]
	orders, extras, steps := len(d.orders), len(d.extras), len(d.steps)
	if d.tracer != nil {
		d.tracer.trial = true
		defer func() { d.tracer.trial = false }()
	}
	d.seat(site, item, 0, last, true)
	end := min(d.window[c], last)
	if end >= 0 {
		d.round(site, item, 0, end)
		d.settle()
		if d.repeats(site, item, end) {
			orders, extras, steps = d.keepTrial(c, site, end)
		}
	}
	if end < last {
		d.round(site, item, end+1, last)
		d.settle()
	}
	for _, was := range d.saved {
		kid := &d.skus[was.sku]
		if kid.flags&skuShorted != 0 {
			tab := d.table(kid)
			trial := *kid
			kid.first, kid.count = was.first, was.count
			d.depend(kid, tab, -1, site)
			*kid = trial
			d.depend(kid, tab, 1, site)
		}
		kid.first, kid.count, kid.flags = was.first, was.count, was.flags
	}
	d.orders, d.extras, d.steps = d.orders[:orders], d.extras[:extras], d.steps[:steps]
}

// ration shares what a DC has of an item among its children's orders of the deployment window.
func (d *desk) ration(site int16, item int8) {
	c := d.cell(site, item)
	if !d.shares(site, item) {
		return
	}
	s := &d.skus[d.own[c]]
	last := d.window[c]
	if last < 0 || d.takeTrial(c) {
		return
	}
	rem := d.stockpile(s, last, true)
	if int(last) < d.horizon && !scarce(rem, d.picks(c), last) {
		return
	}
	d.saved = d.saved[:0]
	d.seat(site, item, 0, last, false)
	for _, i := range d.kids {
		d.stand(&d.skus[i], d.table(&d.skus[i]), -1)
	}
	d.round(site, item, 0, last)
	d.settle()
	for _, i := range d.kids {
		d.stand(&d.skus[i], d.table(&d.skus[i]), 1)
	}
}

// seat lists the children that want something of the site on these pick days and lays their orders out densely: the
// others claim nothing, so that nothing of theirs changes; the tracer sees those too. A trial's are remembered as
// they were.
func (d *desk) seat(site int16, item int8, from, last int32, trial bool) {
	d.kids = d.kids[:0]
	for _, i := range d.ofItem(item) {
		s := &d.skus[i]
		tab := d.table(s)
		if s.flags&skuOrders == 0 || !d.wants(s, tab, site, from, last) && (d.tracer == nil || !d.picksIn(s, tab, site, from, last)) {
			continue
		}
		if trial {
			d.saved = append(d.saved, savedRun{i, s.first, s.count, s.flags})
		}
		d.spread(i, s, tab)
		d.kids = append(d.kids, i)
	}
	d.pool.Given = sized(&d.pool.Given, len(d.kids))
	clear(d.pool.Given)
	d.calm = slices.Grow(d.calm[:0], len(d.kids))[:len(d.kids)]
	clear(d.calm)
}

// wants reports whether an order of a SKU that is picked at the site on these days asks for something.
func (d *desk) wants(s *sku, tab *net.Table, site int16, from, last int32) bool {
	for k := s.first; k < s.first+s.count; k++ {
		if o := &d.orders[k]; d.wanted(o) > 0 && d.inWindow(s, &tab.Opps[o.opp], site, from, last) {
			return true
		}
	}
	return false
}

// picksIn reports whether a SKU has an opportunity of the site picked on these days.
func (d *desk) picksIn(s *sku, tab *net.Table, site int16, from, last int32) bool {
	for k := range tab.Planned {
		if d.inWindow(s, &tab.Opps[k], site, from, last) {
			return true
		}
	}
	return false
}

// spread copies a SKU's orders to one per planned opportunity.
func (d *desk) spread(i int32, s *sku, tab *net.Table) {
	first := int32(len(d.orders))
	next := s.first
	for k := range int16(tab.Planned) {
		o := order{opp: k, extra: -1}
		if next < s.first+s.count && d.orders[next].opp == k {
			o = d.orders[next]
			next++
		}
		d.orders = append(d.orders, o)
	}
	s.first, s.count = first, int32(tab.Planned)
	s.flags |= skuDense
}

// round shares days from … last: all claims first, then, in rounds, what shorted children want elsewhere.
func (d *desk) round(site int16, item int8, from, last int32) {
	d.pool.End = last
	d.claims, d.claimOf = d.claims[:0], d.claimOf[:0]
	for kid, i := range d.kids {
		d.claim(int32(kid), &d.skus[i], site, from, last)
	}
	first := true
	for len(d.claims) > 0 {
		d.pool.Share(d.claims)
		for k := range d.claims {
			o := &d.orders[d.claimOf[k].order]
			d.fix(o, d.claims[k].Given)
		}
		if d.tracer != nil {
			d.tracer.shared(d, site, item, from, last, first)
		}
		first = false
		d.listClaimants()
		d.claims, d.claimOf = d.claims[:0], d.claimOf[:0]
		for _, kid := range d.claimants {
			d.again(kid, d.kids[kid], site, from, last)
		}
	}
}

// listClaimants lists the kids that had a claim in the sharing, ascending. The others stand as when they were
// last netted, which would find nothing new; the tracer sees all of them nonetheless.
func (d *desk) listClaimants() {
	d.claimants = d.claimants[:0]
	if d.tracer != nil {
		for kid := range d.kids {
			d.claimants = append(d.claimants, int32(kid))
		}
		return
	}
	for k := range d.claimOf {
		if kid := d.claimOf[k].kid; len(d.claimants) == 0 || d.claimants[len(d.claimants)-1] != kid {
			d.claimants = append(d.claimants, kid)
		}
	}
}

// inWindow reports whether an opportunity is the site's and picked on days from … last.
func (d *desk) inWindow(s *sku, opp *net.Opp, site int16, from, last int32) bool {
	if opp.Pick < from || opp.Pick > last {
		return false
	}
	_, at := d.source(s, opp)
	return at == site
}

// claim adds a claim for every order of the child that wants something of the window.
func (d *desk) claim(kid int32, s *sku, site int16, from, last int32) {
	tab := d.table(s)
	loaded := false
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		opp := &tab.Opps[o.opp]
		if !d.inWindow(s, opp, site, from, last) {
			continue
		}
		d.fix(o, 0)
		if d.wanted(o) == 0 {
			continue
		}
		if !loaded {
			d.loadKid(s, tab)
			loaded = true
			d.calm[kid] = false
		}
		d.addClaim(kid, s, k, tab)
	}
}

// loadKid loads a child's row and its stock at each opportunity without orders of this cycle.
func (d *desk) loadKid(s *sku, tab *net.Table) {
	d.load(s, &d.row, 0)
	d.stock = sized(&d.stock, tab.Planned)
	net.Projected(&d.row, tab, d.stock)
}

// addClaim adds the claim of order k of the loaded child, from what it was given up to what it wants.
func (d *desk) addClaim(kid int32, s *sku, k int32, tab *net.Table) {
	o := &d.orders[k]
	opp := &tab.Opps[o.opp]
	r, v := &d.row, d.of(o)
	a := opp.Usable
	end := min(tab.End(int(o.opp), r.Cover), r.To)
	c := share.Claim{
		Child: kid, Node: int32(s.node), NodeRank: d.net.Nodes.Rank[s.node], Rank: d.rank(s),
		Usable: a, Day: opp.Pick, Carry: d.carry(s), Pack: d.pack(s, opp),
		From: v.given, Want: v.wanted, N: [4]int64{v.n0, v.n[0], v.n[1], v.n[2]},
		Stock: d.stock[o.opp], Demand: r.Sum(int(a), int(end)), Length: end - a + 1,
	}
	for t := a; t <= end; t++ {
		c.Floor = max(c.Floor, r.FloorOn(t))
	}
	if opp.Order == 0 {
		c.Open = r.OpenToday(opp.Lane)
	}
	d.claims = append(d.claims, c)
	d.claimOf = append(d.claimOf, claimRef{kid, k})
}

// settled reports whether an opportunity's DC has shared already and picks it in its window.
func (d *desk) settled(s *sku, opp *net.Opp) bool {
	_, site := d.source(s, opp)
	if site < 0 {
		return false
	}
	c := d.cell(site, s.item)
	return d.done[c] && opp.Pick <= d.window[c]
}

// rank is the SKU's rank, else its node's.
func (d *desk) rank(s *sku) int32 {
	if s.site < 0 {
		return d.requests[s.row].rank
	}
	return int32(d.sites[s.site].part.Rank[s.row])
}

// carry is what earlier cycles left the SKU short of, in units.
func (d *desk) carry(s *sku) int64 {
	if s.site < 0 {
		return d.requests[s.row].carry
	}
	p := d.sites[s.site].part
	if p.Flags[s.row]&inputs.FlagCarry == 0 {
		return 0
	}
	if lo, hi := inputs.Range(p.Carry.Row, s.row); lo < hi {
		return p.Carry.Units[lo]
	}
	return 0
}
