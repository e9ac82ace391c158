package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// projection is the days of one row with its final orders, in milli-units.
type projection struct {
	demand, receipts, planned, onHand, short, floor []int64

	lost  bool  // unmet demand is lost
	lastA int32 // last day on which an order may become usable: the row's dates
	avail int64
}

// columns gives the lists in the order of the layer.
func (p *projection) columns() [6]*[]int64 {
	return [...]*[]int64{&p.demand, &p.receipts, &p.planned, &p.onHand, &p.short, &p.floor}
}

// project runs a row with its final orders over the horizon: a DC's demand is its own and what it gives. Most rows
// are read straight from their partition, the others as netting reads them; the days are the same either way.
func (d *desk) project(i int32, p *projection) {
	s := &d.skus[i]
	for _, col := range p.columns() {
		*col = sized(col, d.horizon)
	}
	if d.cycle.Careful || d.tracer != nil || !d.readPlain(s, p) {
		d.readRow(s, p)
	}
	d.addPlanned(s, p)
	p.run()
}

// readRow fills what a row expects without orders of this cycle, as netting sees it.
func (d *desk) readRow(s *sku, p *projection) {
	d.facts(s, &d.row)
	d.row.Prepare(&noTable, 0) // no window looks beyond the horizon here
	r, h := &d.row, d.horizon
	p.lost, p.avail, p.lastA = r.Lost, r.Avail, r.To
	copy(p.receipts, r.Rec[:h])
	for t := range p.floor {
		p.floor[t] = r.FloorOn(int32(t))
	}
	if s.flags&skuOwn == 0 {
		copy(p.demand, r.All[:h])
		return
	}
	for t, q := range d.picks(d.cell(s.site, s.item)) {
		p.demand[t] = r.Base(t) + q*1000
	}
}

// plainSafeDays bounds forward demand that is read straight from the partition: sums of so many days stay far from the
// largest number.
const plainSafeDays = 365

// readPlain does the same for a row whose floor does not hang on dates, promises and children's orders; false: it does,
// and nothing is done.
func (d *desk) readPlain(s *sku, p *projection) bool {
	if s.site < 0 {
		return false
	}
	part, row := d.sites[s.site].part, int(s.row)
	f, safeDays := part.Flags[row], int64(part.SafetyDays[row])
	const more = inputs.FlagDates | inputs.FlagOutbound | inputs.FlagOwn // than its own demand on every day
	if f&inputs.FlagDatedSafety != 0 || part.TileWidth[row/inputs.TileRows] > 4 || safeDays >= plainSafeDays*1000 ||
		(safeDays > 0 && f&more != 0) {
		return false
	}
	p.lost = f&inputs.FlagLost != 0
	p.avail = int64(part.OnHand[row]) - int64(part.Unusable[row]) - int64(part.Reserved[row])
	if !p.lost {
		p.avail -= int64(part.Backorders[row])
	}
	p.avail *= 1000
	d.ownDemand(part, row, p.demand)
	p.level(max(int64(part.SafetyUnits[row]), int64(part.Presentation[row])) * 1000)
	p.lastA = net.FarDay
	switch {
	case safeDays > 0:
		p.forward(safeDays)
	case f&more != 0:
		d.readMore(s, p)
	}
	clear(p.receipts)
	if f&inputs.FlagInbound != 0 {
		lo, hi := inputs.Range(part.Inbound.Row, s.row)
		for k := lo; k < hi; k++ {
			if day := int(part.Inbound.Day[k]); day < d.horizon && part.Inbound.Flags[k]&inputs.OrderLapsed == 0 {
				p.receipts[day] += part.Inbound.Qty[k] * 1000
			}
		}
	}
	return true
}

// readMore cuts own demand and floors to the row's dates and adds promises and what a DC gives.
func (d *desk) readMore(s *sku, p *projection) {
	part := d.sites[s.site].part
	f := part.Flags[s.row]
	if f&inputs.FlagDates != 0 {
		day0 := d.net.Nodes.Day0[s.node]
		from := relativeDay(part.SaleFrom[s.row], day0)
		p.lastA = relativeDay(part.SaleTo[s.row], day0)
		for t := range p.demand {
			if int32(t) < from || int32(t) > p.lastA {
				p.demand[t], p.floor[t] = 0, 0
			}
		}
	}
	if f&inputs.FlagOutbound != 0 {
		for t, q := range d.promises(part, s.row) {
			p.demand[t] += q
		}
	}
	if s.flags&skuOwn != 0 {
		for t, units := range d.picks(d.cell(s.site, s.item)) {
			p.demand[t] += units * 1000
		}
	}
}

// level sets the floor of all days.
func (p *projection) level(milli int64) {
	for t := range p.floor {
		p.floor[t] = milli
	}
}

// forward raises the floor to forward demand of so many thousandths of a day: of day t the demand of the days after
// it. Beyond the horizon the last seven days repeat.
func (p *projection) forward(safeDays int64) {
	h, whole, part := len(p.demand), int(safeDays/1000), safeDays%1000
	on := func(t int) int64 {
		for t >= h {
			t -= 7
		}
		return p.demand[t]
	}
	var ahead int64 // of whole days
	for t := 1; t <= whole; t++ {
		ahead += on(t)
	}
	for t := range p.floor {
		next := on(t + 1 + whole)
		p.floor[t] = max(p.floor[t], ahead+(next*part+999)/1000)
		ahead += next - on(t+1)
	}
}

// addPlanned adds what becomes usable of the orders of this cycle.
func (d *desk) addPlanned(s *sku, p *projection) {
	clear(p.planned)
	if s.count == 0 {
		return
	}
	opps, planned := d.table(s).Opps, p.planned
	orders := d.orders[s.first : s.first+s.count]
	for k := range orders {
		o := &orders[k]
		if a := int(opps[o.opp].Usable); a < len(planned) {
			planned[a] += d.units(o) * 1000
		}
	}
}

// run works out stock and shortage of each day.
func (p *projection) run() {
	switch {
	case p.lost && p.avail >= 0:
		p.runLost()
	case p.lost:
		p.runOwing()
	default:
		p.runBackordered()
	}
}

// runLost runs the days of a row that owes nothing and never does: what is not there is lost.
func (p *projection) runLost() {
	h := len(p.demand)
	demand, receipts, planned, onHand, short := p.demand, p.receipts[:h], p.planned[:h], p.onHand[:h], p.short[:h]
	stock := p.avail
	for t, q := range demand {
		bal := stock + receipts[t] + planned[t] - q
		stock = max(bal, 0)
		onHand[t], short[t] = stock, stock-bal
	}
}

// runOwing runs the days of a row that owes something at first: what comes in serves that before it is stock.
func (p *projection) runOwing() {
	h := len(p.demand)
	receipts, planned, onHand, short := p.receipts[:h], p.planned[:h], p.onHand[:h], p.short[:h]
	stock, owed := p.avail, p.avail
	for t, demand := range p.demand {
		in := receipts[t] + planned[t]
		bal := stock + in - demand
		owed = min(0, owed+in)
		stock = max(owed, bal)
		onHand[t], short[t] = stock, stock-bal
	}
}

// runBackordered runs the days of a row whose unmet demand waits.
func (p *projection) runBackordered() {
	h := len(p.demand)
	receipts, planned, onHand, short := p.receipts[:h], p.planned[:h], p.onHand[:h], p.short[:h]
	stock := p.avail
	for t, demand := range p.demand {
		stock += receipts[t] + planned[t] - demand
		onHand[t], short[t] = stock, max(0, -stock)
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
		if tab := d.table(s); tab.Planned > 0 && tab.Opps[0].Usable <= p.lastA {
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
	if p.lost {
		out.units = (lost + 999) / 1000
	} else {
		out.units = (backlog + 999) / 1000
	}
	return out
}
