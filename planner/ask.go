package planner

import (
	"slices"

	"echelon/inputs"
	"echelon/planner/net"
)

// ask nets the group, but for the items that were when it asked: children as if stock were endless, then, children
// before parents, the DCs' own rows on their children's orders, corrected by the trial.
func (d *desk) ask() {
	before := d.asked
	d.asked = ^uint64(0)
	if !d.give {
		d.asked = d.upward()
	}
	d.asked &= d.only.of(d.work.group)
	if d.asked &^= before; d.asked != 0 || before == 0 {
		d.askItems()
	} else {
		d.arrange()
	}
	d.asked |= before
}

// askItems nets the items that are asked, behind those on the desk.
func (d *desk) askItems() {
	from := len(d.skus)
	for i := range d.sites {
		at := d.work.at[i]
		if at < 0 {
			continue
		}
		p := d.sites[i].part
		for t := p.GroupTile[at]; t < p.GroupTile[at+1]; t++ {
			first := len(d.skus)
			d.takeTile(int16(i), p, int(t))
			if rows := len(d.skus) - first; rows > fewRows || d.only == nil && rows > 0 {
				d.netTile(p, int(t), first)
			}
		}
	}
	d.takeRequests()
	d.arrange()
	for i := from; i < len(d.skus); i++ {
		s := &d.skus[i]
		if s.flags&skuNetted != 0 {
			continue // by the kernel, and placed
		}
		if s.site >= 0 && s.flags&skuOwn == 0 {
			d.netSKU(int32(i))
		}
		if s.site < 0 || s.flags&skuOwn == 0 {
			d.place(int32(i))
		}
	}
	var order [maxSites]int16
	for item := range int8(inputs.TileRows) {
		if d.asked>>uint(item)&1 == 0 {
			continue
		}
		for _, site := range d.levels(item, order[:0]) {
			d.askSite(site, item)
		}
	}
}

// fewRows is how many rows of a tile cost less one by one than the whole tile does.
const fewRows = 6

// upward gives the items of the group that have a row with lanes from another unit, a bit each: all that a
// visit which only asks has to net. The other items ask nobody; their give nets them anyway.
func (d *desk) upward() uint64 {
	var items uint64
	wanted := d.only.of(d.work.group)
	for i := range d.sites {
		at := d.work.at[i]
		if at < 0 {
			continue
		}
		p := d.sites[i].part
		last, foreign := sku{set: inputs.None, class: inputs.None}, false // rows with the same lanes lie together
		for row := int(p.GroupTile[at]) * inputs.TileRows; row < int(p.GroupTile[at+1])*inputs.TileRows; row++ {
			if item := p.Item[row]; item != inputs.None && (wanted&^items)>>(item%inputs.TileRows)&1 != 0 {
				s := sku{site: int16(i), set: p.LaneSet[row], class: d.classOf(p, row)}
				if s.set != last.set || s.class != last.class {
					last, foreign = s, d.foreign(&s) >= 0
				}
				if foreign {
					items |= 1 << (item % inputs.TileRows)
				}
			}
		}
	}
	return items
}

// takeTile registers the live rows of a tile.
func (d *desk) takeTile(site int16, p *inputs.Partition, tile int) {
	first, n := int32(len(d.orders)), len(d.skus)
	d.skus = slices.Grow(d.skus, inputs.TileRows)
	skus := d.skus[:n+inputs.TileRows]
	set, class, planned := inputs.LaneSetIdx(inputs.None), inputs.ClassIdx(inputs.None), 0 // of the row before: mostly the same
	for row := tile * inputs.TileRows; row < (tile+1)*inputs.TileRows; row++ {
		item := p.Item[row]
		if item == inputs.None || d.asked>>(item%inputs.TileRows)&1 == 0 {
			continue
		}
		f := p.Flags[row]
		if at := p.LaneSet[row]; at != set || f&inputs.FlagLaneCycle != 0 {
			if set, class, planned = at, d.classOf(p, row), 0; class != inputs.None {
				planned = d.classes[class].Planned
			}
		}
		s := &skus[n]
		s.site, s.item, s.flags, s.row, s.node = site, int8(item%inputs.TileRows), 0, int32(row), p.Node[row]
		s.set, s.class, s.first, s.count = set, class, first, 0
		if f&inputs.FlagHeld != 0 {
			s.flags |= skuHeld
		} else if f&(inputs.FlagLaneCycle|inputs.FlagNoLane) == 0 && p.Policy[row] != inputs.PolicyNone && planned > 0 {
			s.flags |= skuOrders
		}
		const odd = inputs.FlagLaneCycle | inputs.FlagLaneDropped | inputs.FlagNoLane | inputs.FlagNoForecast |
			inputs.FlagInbound | inputs.FlagOwn
		if f&odd != 0 || planned == 0 || int(p.ForecastDays[row]) < d.horizon {
			s.flags |= skuData
		}
		if f&inputs.FlagCarry != 0 {
			s.flags |= skuCarry
		}
		if f&inputs.FlagOwn != 0 {
			s.flags |= skuOwn
			d.own[d.cell(site, s.item)] = int32(n)
		}
		n++
		if f&inputs.FlagLaneCycle != 0 {
			set = inputs.None // its lanes are gone, those of the next row may not be
		}
	}
	d.skus = skus[:n]
}

// classOf gives the lane class of a row. The lanes of a row on a cycle are gone.
func (d *desk) classOf(p *inputs.Partition, row int) inputs.ClassIdx {
	set := p.LaneSet[row]
	if set == inputs.None || p.Flags[row]&inputs.FlagLaneCycle != 0 {
		return inputs.None
	}
	return d.net.LaneSets[set].Class
}

// arrange orders the SKUs by (item, node): two counting sorts, over numbers that lie close together.
func (d *desk) arrange() {
	n := len(d.skus)
	d.byItem, d.sort, d.places = sized32(&d.byItem, n), sized32(&d.sort, n), sized32(&d.places, n)
	d.counts = sized32(&d.counts, len(d.nodes)+1)
	counts, places := d.counts, d.places
	clear(counts)
	clear(d.itemAt[:])
	for i := range d.skus {
		s := &d.skus[i]
		no := d.nodeNo[s.node]
		places[i] = no*inputs.TileRows + int32(s.item)
		counts[no+1]++
		d.itemAt[s.item+1]++
	}
	for k := 1; k < len(counts); k++ {
		counts[k] += counts[k-1]
	}
	for i, place := range places {
		no := place / inputs.TileRows
		d.sort[counts[no]] = int32(i)
		counts[no]++
	}
	for k := 1; k < len(d.itemAt); k++ {
		d.itemAt[k] += d.itemAt[k-1]
	}
	next := d.itemAt
	for _, i := range d.sort {
		item := places[i] % inputs.TileRows
		d.byItem[next[item]] = i
		next[item]++
	}
}

// ofItem gives the SKUs of an item, ascending by node.
func (d *desk) ofItem(item int8) []int32 {
	return d.byItem[d.itemAt[item]:d.itemAt[item+1]]
}

func sized32(s *[]int32, n int) []int32 {
	if cap(*s) < n {
		*s = make([]int32, n, n+n/4)
	}
	return (*s)[:n]
}

// netSKU nets a row for the first time and keeps the orders that need, ask for or want something.
func (d *desk) netSKU(i int32) {
	s := &d.skus[i]
	s.first, s.count = int32(len(d.orders)), 0
	if s.flags&skuHeld == 0 && !d.netPlain(i, s) {
		d.netCareful(i, s)
	}
}

// netCareful nets a row by all the rules.
func (d *desk) netCareful(i int32, s *sku) {
	d.paths.rows[PathCareful]++
	d.load(s, &d.row, 0)
	if milli, _ := d.row.Ignored(); milli > 0 {
		s.flags |= skuIgnored | skuData
	}
	if d.row.Avail < 0 {
		s.flags |= skuData
	}
	tab := d.table(s)
	if s.flags&skuOrders == 0 {
		tab = &noTable
	}
	d.pass.Run(&d.row, tab, nil, nil)
	if d.pass.Short {
		s.flags |= skuShort
	}
	d.keep(i, s, tab, false)
	if d.tracer != nil {
		d.tracer.netted(d, s, tab, firstNetting)
	}
}

// keep appends the outcome of a pass as the SKU's orders; dense: one per planned opportunity.
func (d *desk) keep(i int32, s *sku, tab *net.Table, dense bool) {
	projected := false
	for k := range d.pass.Results {
		res := &d.pass.Results[k]
		if !dense && res.Need == 0 && res.Asked == 0 {
			continue
		}
		if !projected {
			d.stock = sized(&d.stock, tab.Planned)
			net.Projected(&d.row, tab, d.stock)
			projected = true
		}
		o := order{opp: int16(k)}
		d.record(&o, res)
		o.dos = d.supply(tab, k)
		if o.marks != 0 {
			s.flags |= skuNoted
		}
		d.orders = append(d.orders, o)
		s.count++
	}
}

// supply gives the days of supply at an opportunity of the loaded row, from d.stock.
func (d *desk) supply(tab *net.Table, k int) int16 {
	a := tab.Opps[k].Usable
	end := min(tab.End(k, d.row.Cover), d.row.To)
	if end < a {
		return 0
	}
	return net.SupplyDays(d.stock[k], d.row.Sum(int(a), int(end)), end-a+1)
}

// record takes over what a netting asked for: quantity, needs, ledger and exceptions.
func (d *desk) record(o *order, res *net.Result) {
	given := d.of(o).given
	o.marks, o.extra, o.wide = res.Marks, -1, false
	plain := true
	for _, st := range res.Steps {
		plain = plain && (Reason(st.Reason) == ReasonNeed || Reason(st.Reason) == ReasonPack)
	}
	if !plain || res.Marks != 0 {
		d.note(o, res)
	}
	d.put(o, &quantities{need: res.Need, wanted: res.Wanted, given: given, n: [3]int64{res.N1, res.N2, res.N3}, n0: res.N0})
}

// note keeps the steps and numbers of a netting that do not follow from need and pack.
func (d *desk) note(o *order, res *net.Result) {
	x := extra{firstStep: int32(len(d.steps)), minimum: res.Minimum, cap: res.Cap, late: -1}
	for _, st := range res.Steps {
		if Reason(st.Reason) != ReasonNeed && Reason(st.Reason) != ReasonPack {
			d.steps = append(d.steps, st)
			x.steps++
		}
	}
	if res.Marks&net.MarkLate != 0 {
		x.late, x.needed = d.row.Receipts[res.Late].Entry, res.NeededDay
	}
	o.extra = int32(len(d.extras))
	d.extras = append(d.extras, x)
}

// tiers takes over the needs per tier of a netting.
func (d *desk) tiers(o *order, res *net.Result) {
	v := d.of(o)
	v.n, v.n0 = [3]int64{res.N1, res.N2, res.N3}, res.N0
	d.put(o, &v)
}

// askSite nets a DC's own row of an item, after the trial of its children's orders.
func (d *desk) askSite(site int16, item int8) {
	c := d.cell(site, item)
	d.firstAsked(c)
	i := d.own[c]
	if i < 0 {
		return
	}
	s := &d.skus[i]
	d.window[c] = d.deployment(s, c)
	if s.flags&skuHeld == 0 {
		if d.dep[c].any {
			d.trial(site, item)
		}
		d.netSKU(i)
	}
	d.place(i)
}

// deployment gives the last day that today's stock of a DC must serve: reading 35.
func (d *desk) deployment(s *sku, cell int) int32 {
	last := int32(d.horizon) - 1
	if n := d.policy.WindowDays; n > 0 {
		return max(min(int32(n)-1, last), d.reach[cell])
	}
	consider := func(day int32) {
		if day > 0 {
			last = min(last, day-1)
		}
	}
	p := d.sites[s.site].part
	if p.Flags[s.row]&inputs.FlagInbound != 0 {
		lo, hi := inputs.Range(p.Inbound.Row, s.row)
		for i := lo; i < hi; i++ {
			if p.Inbound.Flags[i]&inputs.OrderLapsed == 0 {
				consider(p.Inbound.Day[i])
			}
		}
	}
	if tab := d.table(s); tab != nil {
		if k := slices.IndexFunc(tab.Opps, func(o net.Opp) bool { return o.Usable > 0 }); k >= 0 {
			consider(tab.Opps[k].Usable)
		}
		for _, day := range tab.Other {
			consider(day)
		}
	}
	return max(last, d.reach[cell])
}
