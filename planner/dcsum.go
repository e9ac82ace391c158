package planner

import (
	"context"
	"fmt"

	"echelon/inputs"
)

// dcSum is what is known of a DC while its groups come in.
type dcSum struct {
	result DCResult
	vendor Table // lines of the groups so far: the sums of whole orders are known at the DC's end
	work   workload
	hash   dcHash
	net    bool       // lines of the DC's base join these
	carry  Table      // net change: the layer is written whole, at the DC's end
	kept   []keptItem // with Cycle.Keep
	loads  []byte     // with Cycle.Warm: memory of what the kept items added to the workload
}

func (s *dcSum) begin(dc inputs.NodeIdx) {
	s.result = DCResult{DC: dc, Held: map[string]int64{}}
	s.vendor.reset(VendorOrders)
	s.carry.reset(Carry)
}

// chunk takes over a group of the DC and hands its tables to the sink.
func (s *dcSum) chunk(ctx context.Context, v *visiting, g *groupOut, site int) error {
	out := &g.sites[site]
	s.result.add(&out.result)
	s.hash.group(out)
	s.vendor.appendTable(&out.tables[VendorOrders])
	if v.keeps {
		s.keep(v.net, out)
	}
	if s.net || v.loads {
		s.carry.appendTable(&out.tables[Carry])
	}
	c := Chunk{DC: s.result.DC, Group: g.work.group}
	some := false
	for id := range out.tables {
		if LayerID(id) != VendorOrders && out.tables[id].Rows > 0 && (LayerID(id) != Carry || !s.net) {
			c.Tables[id] = &out.tables[id]
			some = true
		}
	}
	if !some {
		return nil
	}
	if err := v.p.sink.Chunk(ctx, &c); err != nil {
		return fmt.Errorf("plan of %s: %w", v.dcName(c.DC), err)
	}
	return nil
}

// finish hands over what is known at the DC's end: vendor orders with their sums, and the workload.
func (v *visiting) finish(ctx context.Context, site int) error {
	s := &v.sums[site]
	c := Chunk{DC: s.result.DC, Group: -1}
	v.p.sumOrders(&s.vendor)
	if s.vendor.Rows > 0 {
		c.Tables[VendorOrders] = &s.vendor
	}
	load := &Table{Layer: Workload, Cols: make([]Col, len(layers[Workload].Columns))}
	if !v.policy.LayersOff[Workload] {
		load = s.work.table(v.run)
		if t := load; t.Rows > 0 {
			c.Tables[Workload] = t
			s.result.Lines[Workload] = int64(t.Rows)
			for _, u := range t.Cols[4].I64 {
				s.result.Units[Workload] += u
			}
		}
	}
	if c.Tables[VendorOrders] != nil || c.Tables[Workload] != nil {
		if err := v.p.sink.Chunk(ctx, &c); err != nil {
			return fmt.Errorf("plan of %s: %w", v.dcName(c.DC), err)
		}
	}
	if !v.cycle.Unhashed {
		s.hash.table(v.net, c.Tables[VendorOrders])
		s.hash.table(v.net, c.Tables[Workload])
	}
	s.result.PlanHash = s.hash.sum()
	if v.p.change != nil {
		v.p.change.record(v.unit, site, s, load)
	}
	v.p.planned(s.result)
	if err := v.p.sink.Done(ctx, &s.result); err != nil {
		return fmt.Errorf("plan of %s: %w", v.dcName(c.DC), err)
	}
	return nil
}

// add counts a group into a DC.
func (r *DCResult) add(o *DCResult) {
	r.SKUs += o.SKUs
	r.Planned += o.Planned
	for _, kind := range [...]ExceptionKind{ExNoPosition, ExNoLane, ExLaneClosed, ExLaneCycle} {
		if n := o.Held[kind.String()]; n > 0 {
			r.Held[kind.String()] += n
		}
	}
	for i := range r.Lines {
		r.Lines[i] += o.Lines[i]
		r.Units[i] += o.Units[i]
	}
	r.Released += o.Released
	r.ShortUnits += o.ShortUnits
	for i := range r.Exceptions {
		r.Exceptions[i] += o.Exceptions[i]
	}
}

// appendTable appends the rows of another table of the layer.
func (t *Table) appendTable(o *Table) {
	for i := range t.Cols {
		a, b := &t.Cols[i], &o.Cols[i]
		a.I32, a.I64 = append(a.I32, b.I32...), append(a.I64, b.I64...)
		a.U8, a.Str = append(a.U8, b.U8...), append(a.Str, b.Str...)
		base := uint32(len(a.List))
		a.List, a.Reason = append(a.List, b.List...), append(a.Reason, b.Reason...)
		for _, off := range b.Off[min(1, len(b.Off)):] {
			a.Off = append(a.Off, base+off)
		}
	}
	t.Rows += o.Rows
}

// vendorOrder names one purchase order: all lines of a vendor, destination and order day.
type vendorOrder struct {
	vendor, destination, day int32
}

type orderSums struct {
	name          string
	units, weight int64
	value         map[string]int64 // per currency
}

// sumOrders fills in the name and the sums of the whole order on each vendor line.
func (v *planning) sumOrders(t *Table) {
	c := t.Cols
	sums := map[vendorOrder]*orderSums{}
	for r := range t.Rows {
		key := vendorOrder{c[colSource].I32[r], c[colDestination].I32[r], c[colOrderDay].I32[r]}
		s := sums[key]
		if s == nil {
			s = &orderSums{value: map[string]int64{}}
			s.name = v.net.Nodes.ID[key.vendor] + "/" + v.net.Nodes.ID[key.destination] + "/" + dayText(key.day)
			sums[key] = s
		}
		s.units += c[colQuantity].I64[r]
		if w := c[colWeight].I64[r]; w != NullInt {
			s.weight += w
		}
		if cost := c[colCost].I64[r]; cost != NullInt {
			s.value[c[colCurrency].Str[r]] += cost
		}
	}
	for r := range t.Rows {
		s := sums[vendorOrder{c[colSource].I32[r], c[colDestination].I32[r], c[colOrderDay].I32[r]}]
		c[colOrder].Str[r] = s.name
		c[colOrderValue].I64[r] = s.value[c[colCurrency].Str[r]]
		c[colOrderUnits].I64[r] = s.units
		c[colOrderWeight].I64[r] = s.weight
	}
}
