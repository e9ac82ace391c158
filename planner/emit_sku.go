package planner

import "slices"

// emitSKU writes what a row of a giving DC has beside its lines: exceptions, carry, projection.
func (d *desk) emitSKU(i int32, s *sku) {
	out := &d.out[s.site]
	out.result.SKUs++
	out.faults = out.faults[:0]
	if s.flags&skuHeld != 0 {
		out.held(ExNoPosition)
		out.fault(ExNoPosition, High)
		d.writeFaults(out, s)
		d.writeCarry(out, s) // as it was
		return
	}
	out.result.Planned++
	short, projected := false, false
	if s.flags&(skuShort|skuOwn) != 0 {
		d.projectInto(out, i)
		projected = true
		so := d.stockOutOf(i, &d.projDays)
		short = so.anyDay
		if so.days > 0 {
			x := out.fault(ExStockOut, High)
			x.first = int32(d.net.Nodes.Day0[s.node]) + so.first
			x.days, x.units = int64(so.days), so.units
		}
	}
	if s.flags&(skuNoted|skuShorted) != 0 {
		d.orderFaults(out, s)
	}
	if s.flags&skuData != 0 {
		d.laneFaults(out, s)
		d.dataFaults(out, s)
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
		n := len(*list)
		if cap(*list)-n < d.horizon {
			*list = slices.Grow(*list, d.horizon)
		}
		*col = (*list)[n : n+d.horizon]
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
