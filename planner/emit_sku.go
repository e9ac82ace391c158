package planner

import (
	"cmp"
	"slices"

	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/share"
)

// exception is one row of the layer before it is written.
type exception struct {
	kind                       ExceptionKind
	severity                   Severity
	lane                       inputs.LaneIdx
	day                        int32
	source                     inputs.NodeIdx
	order                      string
	first, due, needed, last   int32
	days, units, wanted, given int64
	tiers                      [4]int64
	minimum, cap, available    int64
}

func newException(kind ExceptionKind, severity Severity) exception {
	return exception{
		kind: kind, severity: severity, lane: inputs.None, source: inputs.None, day: NullDay,
		first: NullDay, due: NullDay, needed: NullDay, last: NullDay,
		days: NullInt, units: NullInt, wanted: NullInt, given: NullInt,
		tiers:   [4]int64{NullInt, NullInt, NullInt, NullInt},
		minimum: NullInt, cap: NullInt, available: NullInt,
	}
}

// emitSKU writes what a row of a giving DC has beside its lines: exceptions, carry, projection.
func (d *desk) emitSKU(i int32, s *sku) {
	out := &d.out[s.site]
	out.result.SKUs++
	out.faults = out.faults[:0]
	if s.flags&skuHeld != 0 {
		out.held(ExNoPosition)
		out.faults = append(out.faults, newException(ExNoPosition, High))
		d.writeFaults(out, s)
		d.writeCarry(out, s) // as it was
		return
	}
	out.result.Planned++
	if s.flags&skuData != 0 {
		d.laneFaults(out, s)
		d.dataFaults(out, s)
	}
	if s.flags&(skuNoted|skuShorted) != 0 {
		d.orderFaults(out, s)
	}
	short, projected := false, false
	if s.flags&(skuShort|skuOwn) != 0 {
		d.projectInto(out, i)
		projected = true
		so := d.stockOutOf(i, &d.projDays)
		short = so.anyDay
		if so.days > 0 {
			x := newException(ExStockOut, High)
			x.first = int32(d.net.Nodes.Day0[s.node]) + so.first
			x.days, x.units = int64(so.days), so.units
			out.faults = append(out.faults, x)
		}
	}
	notable := len(out.faults) > 0 || short || s.flags&(skuReleased|skuShorted) != 0
	if len(out.faults) > 0 {
		d.writeFaults(out, s)
	}
	if s.flags&(skuCarry|skuShorted) != 0 {
		d.writeCarry(out, s)
	}
	if d.policy.LayersOff[Projections] || d.policy.Projections == ProjectionsNone ||
		(d.policy.Projections == ProjectionsNotable && !notable) {
		return
	}
	if !projected {
		d.projectInto(out, i)
	}
	d.writeProjection(out, s, &d.projDays)
}

func (o *siteOut) held(kind ExceptionKind) {
	if o.result.Held == nil {
		o.result.Held = map[string]int64{}
	}
	o.result.Held[kind.String()]++
}

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
		out.faults = append(out.faults, newException(kind, High))
	}
	if f&inputs.FlagLaneDropped != 0 && kind != ExLaneCycle {
		out.faults = append(out.faults, newException(ExLaneCycle, High))
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
			out.faults = append(out.faults, newException(ExNoForecast, Low))
		}
	case days < d.horizon:
		x := newException(ExForecastShort, Low)
		x.last = int32(day0) + int32(days) - 1
		out.faults = append(out.faults, x)
	}
	if tab := d.table(s); s.flags&skuOwn != 0 && p.Policy[s.row] != inputs.PolicyNone && tab != nil && tab.Planned > 0 && int(tab.Opps[0].Usable) > d.horizon-14 {
		x := newException(ExHorizonShort, Low)
		x.first = int32(day0) + tab.Opps[0].Usable
		out.faults = append(out.faults, x)
	}
	if s.flags&skuIgnored != 0 {
		d.load(s, &d.row, 0)
		milli, last := d.row.Ignored()
		x := newException(ExDemandIgnored, Low)
		x.units, x.last = (milli+999)/1000, int32(day0)+last
		out.faults = append(out.faults, x)
	}
	avail := int64(p.OnHand[s.row]) - int64(p.Unusable[s.row]) - int64(p.Reserved[s.row])
	if f&inputs.FlagLost == 0 {
		avail -= int64(p.Backorders[s.row])
	}
	if avail < 0 {
		x := newException(ExNegativePosition, Medium)
		x.available = avail
		out.faults = append(out.faults, x)
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
		x := newException(kind, Medium)
		x.order, x.due, x.units = p.Inbound.Ref[i], int32(p.Inbound.Due[i]), p.Inbound.Qty[i]
		if lane := p.Inbound.Lane[i]; lane != inputs.None {
			x.lane, x.source = lane, d.net.Lanes.Source[lane]
		}
		out.faults = append(out.faults, x)
	}
}

// orderFaults says what is to be known of the row's orders.
func (d *desk) orderFaults(out *siteOut, s *sku) {
	if s.count == 0 {
		return
	}
	day0 := int32(d.net.Nodes.Day0[s.node])
	for k := s.first; k < s.first+s.count; k++ {
		o := &d.orders[k]
		if o.marks == 0 && !o.short() {
			continue
		}
		opp := &d.table(s).Opps[o.opp]
		base := newException(ExShort, High)
		base.lane = d.lane(s, opp)
		base.source = d.net.Lanes.Source[base.lane]
		base.day = day0 + opp.Usable
		if o.short() {
			out.faults = append(out.faults, shortage(base, o, d.pack(s, opp)))
			s.flags |= skuShorted
		}
		d.markFaults(out, s, o, base)
	}
}

func shortage(x exception, o *order, pack int64) exception {
	x.wanted, x.given = o.wanted, o.given
	wanted, given := share.Split(o.wanted, pack, o.n), share.Split(o.given, pack, o.n)
	for i := range x.tiers {
		x.tiers[i] = wanted[i] - given[i]
	}
	if x.tiers[0]+x.tiers[1] == 0 {
		x.severity = Medium
	}
	return x
}

// markFaults adds the exceptions that netting found in an order.
func (d *desk) markFaults(out *siteOut, s *sku, o *order, base exception) {
	base.severity = Medium
	base.units = o.need
	if o.marks&(net.MarkConflict|net.MarkOverflow) != 0 {
		x := base
		x.kind = ExSizeConflict
		if o.marks&net.MarkOverflow != 0 {
			x.kind = ExShelfOverflow
		}
		x.minimum, x.cap = d.extras[o.extra].minimum, d.extras[o.extra].cap
		out.faults = append(out.faults, x)
	}
	p := d.sites[s.site].part
	if o.marks&net.MarkMaxTooLow != 0 {
		x := base
		x.kind = ExMaxTooLow
		x.minimum, x.cap = int64(p.Min[s.row]), int64(p.Max[s.row])
		out.faults = append(out.faults, x)
	}
	if o.marks&net.MarkLate != 0 {
		x := base
		x.kind = ExLateReceipt
		e := &d.extras[o.extra]
		x.order, x.due, x.units = p.Inbound.Ref[e.late], int32(p.Inbound.Due[e.late]), p.Inbound.Qty[e.late]
		x.needed = int32(d.net.Nodes.Day0[s.node]) + e.needed
		out.faults = append(out.faults, x)
	}
}

// writeFaults appends the SKU's exceptions by (kind, day, lane, order).
func (d *desk) writeFaults(out *siteOut, s *sku) {
	slices.SortStableFunc(out.faults, func(a, b exception) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.day, b.day), cmp.Compare(a.lane, b.lane), cmp.Compare(a.order, b.order))
	})
	for i := range out.faults {
		out.result.Exceptions[out.faults[i].kind]++
		if !d.policy.LayersOff[Exceptions] {
			out.tables[Exceptions].appendException(int32(d.itemOf(s.item)), int32(s.node), &out.faults[i])
			out.result.Lines[Exceptions]++
		}
	}
}

func (t *Table) appendException(item, node int32, x *exception) {
	row := t.Rows
	if row == len(t.Cols[0].I32) {
		t.grow()
	}
	c := t.Cols[:24]
	c[0].I32[row], c[1].I32[row] = item, node
	c[2].U8[row], c[3].U8[row] = uint8(x.kind), uint8(x.severity)
	c[4].I32[row], c[5].I32[row] = int32(x.lane), inputs.None
	c[6].I32[row], c[7].I32[row] = x.day, int32(x.source)
	c[8].Str[row] = x.order
	c[9].I32[row], c[10].I32[row], c[11].I32[row], c[12].I32[row] = x.first, x.due, x.needed, x.last
	c[13].I64[row], c[14].I64[row], c[15].I64[row], c[16].I64[row] = x.days, x.units, x.wanted, x.given
	for i, v := range &x.tiers {
		c[17+i].I64[row] = v
	}
	c[21].I64[row], c[22].I64[row], c[23].I64[row] = x.minimum, x.cap, x.available
	t.Rows++
}

func (d *desk) writeCarry(out *siteOut, s *sku) {
	units := d.nextCarry(s)
	if units == 0 || d.policy.LayersOff[Carry] {
		return
	}
	t := &out.tables[Carry]
	t.Cols[0].I32 = append(t.Cols[0].I32, int32(d.itemOf(s.item)))
	t.Cols[1].I32 = append(t.Cols[1].I32, int32(s.node))
	t.Cols[2].I64 = append(t.Cols[2].I64, units)
	t.Rows++
	out.result.Lines[Carry]++
	out.result.Units[Carry] += units
}

// projectInto works out a row's projection where its lists would be written; writeProjection keeps it.
func (d *desk) projectInto(out *siteOut, i int32) {
	c := out.tables[Projections].Cols
	for k, col := range d.projDays.columns() {
		list := &c[3+k].List
		*list = slices.Grow(*list, d.horizon)
		*col = (*list)[len(*list):cap(*list)]
	}
	d.project(i, &d.projDays)
}

func (d *desk) writeProjection(out *siteOut, s *sku, p *projection) {
	t := &out.tables[Projections]
	c := t.Cols
	c[0].I32 = append(c[0].I32, int32(d.itemOf(s.item)))
	c[1].I32 = append(c[1].I32, int32(s.node))
	c[2].I32 = append(c[2].I32, int32(d.net.Nodes.Day0[s.node]))
	for i := range p.columns() {
		c[3+i].List = c[3+i].List[:len(c[3+i].List)+d.horizon]
		c[3+i].Off = append(c[3+i].Off, uint32(len(c[3+i].List)))
	}
	t.Rows++
	out.result.Lines[Projections]++
}
