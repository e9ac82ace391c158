package planner

import (
	"context"
	"fmt"
	"math/bits"
	"slices"

	"echelon/inputs"
)

// departed is a DC whose groups are planned and whose end waits for what its items had added in the base.
type departed struct {
	unit, site int
	sum        *dcSum
	load       *Table // workload of what was planned now; nil: none
	replayed   bool   // what its items had added in the base was planned once more
}

// depart ends the DCs of a visit. A lone unit's end at once; the others wait until all gives are through, for
// their part of the base is planned again together.
func (x *change) depart(ctx context.Context, v *visiting) error {
	var here []departed
	for i := range v.sums {
		if !v.sites[i].gives {
			continue
		}
		if !v.sums[i].net {
			if err := v.finish(ctx, i); err != nil {
				return err
			}
			continue
		}
		here = append(here, departed{unit: v.unit, site: i, sum: &v.sums[i], load: v.sums[i].work.table(v.run)})
	}
	if !x.lone(v.unit) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.late = append(x.late, here...)
		return nil
	}
	return x.finish(ctx, here)
}

// departUntouched ends the DCs of a unit that plans nothing again.
func (x *change) departUntouched(u int) {
	for i, at := range x.p.units[u].dcs {
		if x.gives[at] {
			s := &dcSum{net: true}
			s.begin(x.net.DCs[at])
			x.late = append(x.late, departed{unit: u, site: i, sum: s})
		}
	}
}

// finish merges DCs with their base: what the base's plan of the items planned again had added is planned once
// more from the base's own snapshot.
func (x *change) finish(ctx context.Context, dcs []departed) error {
	if len(dcs) == 0 {
		return nil
	}
	loads, err := x.baseLoads(ctx, dcs)
	if err != nil {
		return err
	}
	for i := range dcs {
		if err := x.finishOne(ctx, &dcs[i], loads[x.p.units[dcs[i].unit].dcs[dcs[i].site]]); err != nil {
			return err
		}
	}
	return nil
}

// planned is the items of a DC that were planned again.
func (x *change) planned(u int) itemSet {
	if x.lone(u) {
		return x.units[u].diff
	}
	return x.units[u].need
}

func (x *change) finishOne(ctx context.Context, d *departed, was *Table) error {
	s, u := d.sum, d.unit
	dc := s.result.DC
	name := x.p.dcName(dc)
	again := &Again{Replayed: d.replayed}
	res := &s.result
	base := func(layer LayerID) (*Table, error) {
		if x.policy.LayersOff[layer] {
			return &Table{Layer: layer, Cols: make([]Col, len(layers[layer].Columns))}, nil
		}
		t, err := x.base.Lines(ctx, name, layer)
		if err != nil {
			return nil, fmt.Errorf("base of %s, layer %s: %w", name, layers[layer].Name, err)
		}
		return t, nil
	}
	c := Chunk{DC: dc, Group: -1}
	gone, err := x.goneItems(u, d.site)
	if err != nil {
		return err
	}
	hadCarry, err := base(Carry)
	if err != nil {
		return err
	}
	carry, err := x.join(hadCarry, gone, &s.carry)
	if err != nil {
		return fmt.Errorf("carry of %s: %w", name, err)
	}
	if carry == hadCarry && !x.units[u].shift.empty() { // its units are written
		carry = &Table{}
		carry.reset(Carry)
		carry.appendRows(hadCarry, 0, hadCarry.Rows)
	}
	shifted, err := x.shifted(u, d.site, carry)
	if err != nil {
		return fmt.Errorf("carry of %s: %w", name, err)
	}
	if x.from.same && carry.equal(hadCarry) {
		carry, res.Unmoved[Carry] = hadCarry, true
	}
	merged := x.merge(u, d.site, s.kept, shifted, again)
	var total sums
	for i := range merged.Items {
		var one sums
		readTail(merged.tailOf(i), &one)
		total.add(&one, 1)
	}
	total.result(res)
	if carry.Rows > 0 {
		c.Tables[Carry] = carry
	}
	hadVendor, err := base(VendorOrders)
	if err != nil {
		return err
	}
	vendor, err := x.join(hadVendor, gone, &s.vendor)
	if err != nil {
		return fmt.Errorf("vendor orders of %s: %w", name, err)
	}
	out := &Table{Layer: VendorOrders}
	if vendor != hadVendor { // else the sums of their orders stand
		out = x.vendorLines(vendor, x.planned(u), again)
	}
	if out.Rows > 0 {
		c.Tables[VendorOrders] = out
	}
	load := &Table{Layer: Workload, Cols: make([]Col, len(layers[Workload].Columns))}
	if !x.policy.LayersOff[Workload] {
		had, err := base(Workload)
		if err != nil {
			return err
		}
		if load, err = x.loads(had, was, d.load); err != nil {
			return fmt.Errorf("workload of %s: %w", name, err)
		}
		res.Unmoved[Workload] = load == had
		if load.Rows > 0 {
			c.Tables[Workload] = load
		}
		res.Lines[Workload] = int64(load.Rows)
		for _, units := range load.Cols[4].I64 {
			res.Units[Workload] += units
		}
	}
	if c.Tables[Carry] != nil || c.Tables[VendorOrders] != nil || c.Tables[Workload] != nil {
		if err := x.p.sink.Chunk(ctx, &c); err != nil {
			return fmt.Errorf("plan of %s: %w", name, err)
		}
	}
	vendors := x.units[u].dcs[d.site].kept.vendor
	if vendor != hadVendor || vendors == nil {
		vendors = x.vendorSums(vendor, out, vendors)
	}
	res.PlanHash = x.hash(merged, vendors, load)
	res.Again = again
	if x.cycle.Keep {
		res.Kept = merged
	}
	if x.p.loads {
		merged.vendor = vendors
		res.Standing = &Standing{Vendor: vendor, Carry: carry, Workload: load}
	}
	x.p.planned(*res)
	if err := x.p.sink.Done(ctx, res); err != nil {
		return fmt.Errorf("plan of %s: %w", name, err)
	}
	return nil
}

// goneItems gives the base's items of a DC, in the base's indexes, whose lines do not stand: planned again, or no
// longer there.
func (x *change) goneItems(u, site int) (itemSet, error) {
	ids := x.base.Network.Items.ID
	gone := newItemSet(len(ids))
	planned := x.planned(u)
	was := 0
	for _, id := range x.units[u].dcs[site].kept.Items {
		for was < len(ids) && ids[was] < id {
			was++
		}
		if was == len(ids) || ids[was] != id {
			return nil, fmt.Errorf("base of %s: its snapshot lacks item %s; plan in full", x.siteName(x.p.units[u].dcs[site]), id)
		}
		if now := x.from.items[was]; now == inputs.None || planned.has(inputs.ItemIdx(now)) {
			gone.add(inputs.ItemIdx(was))
		}
	}
	return gone, nil
}

// hash is the plan hash of a merged plan: digests of items as kept, vendor orders and workload whole.
func (x *change) hash(k *Kept, vendor *vendorSums, load *Table) [32]byte {
	var h dcHash
	var one sums
	for i, id := range k.Items {
		on, digests, _ := readTail(k.tailOf(i), &one)
		for ; on != 0; on &= on - 1 {
			to := h.of(LayerID(bits.TrailingZeros16(on)))
			to.Write(appendText(h.buf[:0], id))
			to.Write(digests[:32])
			digests = digests[32:]
		}
	}
	vendor.write(&h)
	h.table(x.net, load)
	return h.sum()
}

// vendorLines fills in the sums of the merged orders, and gives the lines that are written: of items planned
// again, and of those whose orders' sums moved.
func (x *change) vendorLines(t *Table, planned itemSet, again *Again) *Table {
	was := [3][]int64{}
	for i, col := range [...]int{colOrderValue, colOrderUnits, colOrderWeight} {
		was[i] = slices.Clone(t.Cols[col].I64)
	}
	x.p.sumOrders(t)
	out := &Table{}
	out.reset(VendorOrders)
	for lo := 0; lo < t.Rows; {
		item := t.Cols[colItem].I32[lo]
		hi := lo + 1
		for hi < t.Rows && t.Cols[colItem].I32[hi] == item {
			hi++
		}
		write := planned.has(inputs.ItemIdx(item))
		if !write {
			for i, col := range [...]int{colOrderValue, colOrderUnits, colOrderWeight} {
				write = write || !slices.Equal(was[i][lo:hi], t.Cols[col].I64[lo:hi])
			}
			if write {
				again.Orders = append(again.Orders, x.net.Items.ID[item])
			}
		}
		if write {
			out.appendRows(t, lo, hi)
		}
		lo = hi
	}
	return out
}
