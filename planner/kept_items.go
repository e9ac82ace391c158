package planner

import (
	"bytes"
	"slices"

	"echelon/inputs"
)

// keepItem notes what an item of the group counts for, when the last of its rows is written.
func (d *desk) keepItem(item int8) {
	if item < 0 {
		return
	}
	for i := range d.out {
		if !d.sites[i].gives {
			continue
		}
		out := &d.out[i]
		k := keptItem{item: d.itemOf(item)}
		var now sums
		now.of(&out.result)
		k.sums = now
		k.sums.add(&out.before, -1)
		out.before = now
		if d.loads {
			k.loads = out.loads.pack(item)
		}
		if i == 0 || k.sums != (sums{}) || d.hasRow(i, item) {
			out.kept = append(out.kept, k)
		}
	}
}

// hasRow reports whether a site's partition has a row of an item.
func (d *desk) hasRow(site int, item int8) bool {
	return slices.ContainsFunc(d.ofItem(item), func(i int32) bool { return int(d.skus[i].site) == site })
}

// keep takes over the items of a group with the digests of their lines.
func (s *dcSum) keep(n *inputs.Network, out *siteOut) {
	var at [NumLayers][]byte
	for id := range out.digests {
		if LayerID(id) != VendorOrders {
			at[id] = out.digests[id]
		}
	}
	var name []byte
	for _, k := range out.kept {
		name = appendText(name[:0], n.Items.ID[k.item])
		for id := range at {
			if bytes.HasPrefix(at[id], name) {
				k.layers |= 1 << id
				at[id] = at[id][len(name):]
				k.digests = append(k.digests, at[id][:32]...)
				at[id] = at[id][32:]
			}
		}
		if len(k.loads) > 0 { // their memory is the next group's
			from := len(s.loads)
			s.loads = append(s.loads, k.loads...)
			k.loads = s.loads[from:]
		}
		s.kept = append(s.kept, k)
	}
}

// record gives a DC that was planned in full what it keeps.
func (x *change) record(u, site int, s *dcSum, load *Table) {
	out := x.newKept(true)
	c := &x.units[u]
	for i := range s.kept {
		x.pushNow(out, c, &c.dcs[site], &s.kept[i])
	}
	if x.cycle.Keep {
		s.result.Kept = out
	}
	if x.p.loads {
		vendor, carry := s.vendor, s.carry
		s.result.Standing = &Standing{Vendor: &vendor, Carry: &carry, Workload: load}
	}
	if x.base != nil {
		again := &Again{Full: true}
		c.dcs[site].facts.each(func(_ inputs.ItemIdx, cell *printCell) { again.Of += int64(cell.rows) })
		again.Rows, again.Read = again.Of, c.dcs[site].facts.read
		again.Why[CauseFull] = again.Of
		s.result.Again = again
	}
}
