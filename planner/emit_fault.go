package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/share"
)

// laneFaults says why a row orders nothing, or not on every lane.
func (d *desk) laneFaults(out *siteOut, s *sku) {
	p := d.sites[s.site].part
	f := p.Flags[s.row]
	tab := d.table(s)
	kind := NumExceptions
	switch {
	case f&inputs.FlagLaneCycle != 0:
		kind = ExLaneCycle
	case p.Policy[s.row] == inputs.PolicyNone: // nothing is missing for it: reading 46
	case f&inputs.FlagNoLane != 0 || tab == nil:
		kind = ExNoLane
	case tab.Planned == 0:
		kind = ExLaneClosed
	}
	if kind != NumExceptions {
		out.held(kind)
		out.fault(kind, High)
	}
	if f&inputs.FlagLaneDropped != 0 && kind != ExLaneCycle {
		out.fault(ExLaneCycle, High)
	}
}

// dataFaults says what was missing or odd in the row's inputs.
func (d *desk) dataFaults(out *siteOut, s *sku) {
	p := d.sites[s.site].part
	f := p.Flags[s.row]
	day0 := d.net.Nodes.Day0[s.node]
	if f&inputs.FlagInbound != 0 {
		d.inboundFaults(out, s, p)
	}
	switch days := int(p.ForecastDays[s.row]); {
	case f&inputs.FlagNoForecast != 0:
		if s.flags&skuOwn == 0 || !d.dueTo[d.cell(s.site, s.item)] {
			out.fault(ExNoForecast, Low)
		}
	case days < d.horizon:
		out.fault(ExForecastShort, Low).last = int32(day0) + int32(days) - 1
	}
	if tab := d.table(s); s.flags&skuOwn != 0 && p.Policy[s.row] != inputs.PolicyNone && tab != nil && tab.Planned > 0 && int(tab.Opps[0].Usable) > d.horizon-14 {
		out.fault(ExHorizonShort, Low).first = int32(day0) + tab.Opps[0].Usable
	}
	if s.flags&skuIgnored != 0 {
		milli, last := d.ignored(s, p)
		x := out.fault(ExDemandIgnored, Low)
		x.units, x.last = (milli+999)/1000, int32(day0)+last
	}
	avail := int64(p.OnHand[s.row]) - int64(p.Unusable[s.row]) - int64(p.Reserved[s.row])
	if f&inputs.FlagLost == 0 {
		avail -= int64(p.Backorders[s.row])
	}
	if avail < 0 {
		out.fault(ExNegativePosition, Medium).available = avail
	}
}

func (d *desk) inboundFaults(out *siteOut, s *sku, p *inputs.Partition) {
	lo, hi := inputs.Range(p.Inbound.Row, s.row)
	for i := lo; i < hi; i++ {
		var kind ExceptionKind
		switch flags := p.Inbound.Flags[i]; {
		case flags&inputs.OrderLapsed != 0:
			kind = ExReleaseUnconfirmed
		case flags&inputs.OrderOverdue != 0:
			kind = ExOverdueOrder
		default:
			continue
		}
		x := out.fault(kind, Medium)
		x.order, x.due, x.units = p.Inbound.Ref[i], int32(p.Inbound.Due[i]), p.Inbound.Qty[i]
		if lane := p.Inbound.Lane[i]; lane != inputs.None {
			x.lane, x.source = lane, d.net.Lanes.Source[lane]
		}
	}
}

// ignored gives the own demand of the horizon outside the row's dates, in milli-units, and its last day.
func (d *desk) ignored(s *sku, p *inputs.Partition) (milli int64, last int32) {
	row, day0 := int(s.row), d.net.Nodes.Day0[s.node]
	from, to := relativeDay(p.SaleFrom[row], day0), relativeDay(p.SaleTo[row], day0)
	own := sized(&d.own64, d.horizon)
	d.ownDemand(p, row, own)
	for t, q := range own {
		if day := int32(t); q != 0 && (day < from || day > to) {
			milli, last = milli+q, day
		}
	}
	return milli, last
}

// orderFaults says what is to be known of the row's orders.
func (d *desk) orderFaults(out *siteOut, s *sku) {
	orders := d.orders[s.first : s.first+s.count]
	for k := range orders {
		o := &orders[k]
		short := d.short(o)
		if o.marks == 0 && !short {
			continue
		}
		if short {
			opp := &d.table(s).Opps[o.opp]
			v := d.of(o)
			shortage(d.orderFault(out, s, o, ExShort, High), &v, d.pack(s, opp))
			s.flags |= skuShorted
		}
		if o.marks != 0 {
			d.markFaults(out, s, o)
		}
	}
}

// orderFault adds an exception of an order.
func (d *desk) orderFault(out *siteOut, s *sku, o *order, kind ExceptionKind, severity Severity) *exception {
	opp := &d.table(s).Opps[o.opp]
	x := out.fault(kind, severity)
	x.lane = d.lane(s, opp)
	x.source = d.net.Lanes.Source[x.lane]
	x.day = int32(d.net.Nodes.Day0[s.node]) + opp.Usable
	return x
}

func shortage(x *exception, v *quantities, pack int64) {
	x.wanted, x.given = v.wanted, v.given
	wanted, given := share.Split(v.wanted, pack, v.n), share.Split(v.given, pack, v.n)
	for i := range x.tiers {
		x.tiers[i] = wanted[i] - given[i]
	}
	if x.tiers[0]+x.tiers[1] == 0 {
		x.severity = Medium
	}
}

// markFaults adds the exceptions that netting found in an order.
func (d *desk) markFaults(out *siteOut, s *sku, o *order) {
	if o.marks&(net.MarkConflict|net.MarkOverflow) != 0 {
		kind := ExSizeConflict
		if o.marks&net.MarkOverflow != 0 {
			kind = ExShelfOverflow
		}
		x := d.orderFault(out, s, o, kind, Medium)
		x.units, x.minimum, x.cap = d.of(o).need, d.extras[o.extra].minimum, d.extras[o.extra].cap
	}
	p := d.sites[s.site].part
	if o.marks&net.MarkMaxTooLow != 0 {
		x := d.orderFault(out, s, o, ExMaxTooLow, Medium)
		x.units, x.minimum, x.cap = d.of(o).need, int64(p.Min[s.row]), int64(p.Max[s.row])
	}
	if o.marks&net.MarkLate != 0 {
		x := d.orderFault(out, s, o, ExLateReceipt, Medium)
		e := &d.extras[o.extra]
		x.order, x.due, x.units = p.Inbound.Ref[e.late], int32(p.Inbound.Due[e.late]), p.Inbound.Qty[e.late]
		x.needed = int32(d.net.Nodes.Day0[s.node]) + e.needed
	}
}
