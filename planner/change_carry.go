package planner

import (
	"cmp"
	"fmt"
	"slices"

	"echelon/inputs"
)

// Carry decides one thing of a plan: which of two children that are equal otherwise gets the next pack. So an item of
// which carry alone moved, and whose rows keep their order by carry, has the same plan but for its carry lines, and
// those follow: what the base added is added again, what it cleared stays cleared.
//
//	c₀, c₁  carry before the base and now; o₀ that after the base, o₁ that after this cycle
//	c₀ = 0 ⇒ c₁ = 0 (else the order moved), o₁ = o₀
//	o₀ = 0  o₁ = 0: today's order got all it wanted
//	else    o₁ = c₁ + (o₀ − c₀)
//
// Rows are compared with all others of the item in the unit, in units that ask others in all of them, and with rows that
// have none: whoever may ever share with whom is among them.
type carryMove struct {
	item     inputs.ItemIdx
	node     inputs.NodeIdx
	was, now int64
}

// carries lists the rows of a DC that have carry, now or in the base; both partitions are laid out alike.
func carries(now, was *inputs.Partition) []carryMove {
	var out []carryMove
	a, b := &was.Carry, &now.Carry
	i, k := 0, 0
	for i < len(a.Row) || k < len(b.Row) {
		var row int32
		switch {
		case k == len(b.Row):
			row = a.Row[i]
		case i == len(a.Row):
			row = b.Row[k]
		default:
			row = min(a.Row[i], b.Row[k])
		}
		m := carryMove{item: now.Item[row], node: now.Node[row]}
		m.was, i = firstCarry(a, i, row)
		m.now, k = firstCarry(b, k, row)
		out = append(out, m)
	}
	return out
}

// firstCarry gives a row's carry, and where the entries of the next row begin: of several the first counts.
func firstCarry(c *inputs.CarryRows, i int, row int32) (units int64, next int) {
	if i < len(c.Row) && c.Row[i] == row {
		units = c.Units[i]
	}
	for i < len(c.Row) && c.Row[i] == row {
		i++
	}
	return units, i
}

// crossed gives those of the items whose rows changed places by carry. A carry below 0 is not reckoned with.
func crossed(moves []carryMove, items itemSet) []inputs.ItemIdx {
	moves = slices.DeleteFunc(moves, func(m carryMove) bool { return m.item == inputs.None || !items.has(m.item) })
	slices.SortFunc(moves, func(a, b carryMove) int {
		return cmp.Or(cmp.Compare(a.item, b.item), cmp.Compare(a.was, b.was), cmp.Compare(a.now, b.now))
	})
	var out []inputs.ItemIdx
	for i := 0; i < len(moves); {
		item, before, bad := moves[i].item, carryMove{}, false // before: a row without carry
		for ; i < len(moves) && moves[i].item == item; i++ {
			m := moves[i]
			bad = bad || m.was < 0 || m.now < 0 || cmp.Compare(m.was, before.was) != cmp.Compare(m.now, before.now)
			before = m
		}
		if bad {
			out = append(out, item)
		}
	}
	return out
}

// settleCarry decides of a lone unit's items of which carry alone moved.
func (x *change) settleCarry(c *unitChange) {
	if c.full || c.shift.empty() {
		return
	}
	var moves []carryMove
	for i := range c.dcs {
		moves = append(moves, c.dcs[i].carry...)
	}
	for _, item := range crossed(moves, c.shift) {
		c.diff.add(item)
	}
	c.shift.less(c.diff)
}

// settleCarries decides of those of the units that ask each other. Where one of them was compared otherwise than row
// by row, nothing is known of its rows.
func (x *change) settleCarries(units []int) {
	var moves []carryMove
	all := newItemSet(len(x.net.Items.ID))
	near := true
	for _, u := range units {
		c := &x.units[u]
		near = near && !c.full
		for i := range c.dcs {
			near = near && c.dcs[i].facts.near
			moves = append(moves, c.dcs[i].carry...)
		}
		all.join(c.shift)
	}
	if all.empty() {
		return
	}
	broken := all
	if near {
		broken = newItemSet(len(x.net.Items.ID))
		for _, item := range crossed(moves, all) {
			broken.add(item)
		}
	}
	for _, u := range units {
		c := &x.units[u]
		c.diff.join(c.shift, broken)
		c.shift.less(c.diff)
	}
}

// shifted gives a DC's carry with the units that follow from what moved, and per item of them its records of what is
// kept; carry is changed in place.
func (x *change) shifted(u, site int, carry *Table) (map[inputs.ItemIdx]*shiftedItem, error) {
	c := &x.units[u]
	if c.shift.empty() {
		return nil, nil
	}
	planned := x.planned(u)
	out := map[inputs.ItemIdx]*shiftedItem{}
	moves := c.dcs[site].carry
	slices.SortFunc(moves, func(a, b carryMove) int {
		return cmp.Or(cmp.Compare(a.item, b.item), cmp.Compare(a.node, b.node))
	})
	for _, m := range moves {
		if m.item != inputs.None && c.shift.has(m.item) && !planned.has(m.item) && out[m.item] == nil {
			out[m.item] = &shiftedItem{}
		}
	}
	var lines Table
	lines.reset(Carry)
	item, node, units := carry.Cols[0].I32, carry.Cols[1].I32, carry.Cols[2].I64
	next := 0
	for lo := 0; lo < carry.Rows; {
		hi := lo + 1
		for hi < carry.Rows && item[hi] == item[lo] {
			hi++
		}
		if s := out[inputs.ItemIdx(item[lo])]; s != nil {
			for r := lo; r < hi; r++ {
				for next < len(moves) && (int32(moves[next].item) < item[r] || int32(moves[next].item) == item[r] && int32(moves[next].node) < node[r]) {
					next++
				}
				if next == len(moves) || int32(moves[next].item) != item[r] || int32(moves[next].node) != node[r] || moves[next].was == 0 {
					continue
				}
				m := moves[next]
				if units[r] < m.was {
					return nil, fmt.Errorf("item %s at %s: the base's rows have a carry of %d, its plan one of %d: %w",
						x.net.Items.ID[item[r]], x.net.Nodes.ID[node[r]], m.was, units[r], errGoneID)
				}
				units[r] += m.now - m.was
				s.units += m.now - m.was
			}
			lines.appendRows(carry, lo, hi)
		}
		lo = hi
	}
	digests, _ := appendDigests(nil, nil, x.net, &lines)
	for r := 0; r < lines.Rows; r++ {
		at := inputs.ItemIdx(lines.Cols[0].I32[r])
		if r > 0 && inputs.ItemIdx(lines.Cols[0].I32[r-1]) == at {
			continue
		}
		digests = digests[len(appendText(nil, x.net.Items.ID[at])):]
		out[at].digest, digests = digests[:32], digests[32:]
	}
	return out, nil
}

// shiftedItem is what of an item's record follows from its carry.
type shiftedItem struct {
	units  int64
	digest []byte // of its carry lines; nil: it has none
}

// keepShifted keeps an item that stands but for its carry.
func (x *change) keepShifted(out *Kept, d *dcChange, k int, item inputs.ItemIdx, s *shiftedItem) {
	cell := d.kept.cells[k]
	cell.facts = *d.facts.of(item)
	var now keptItem
	layers, digests, _ := readTail(d.kept.tailOf(k), &now.sums)
	now.layers, now.digests = layers, digests
	if s.digest != nil {
		now.sums[sumUnits+int(Carry)] += s.units
		now.digests = slices.Clone(digests)
		at := 0
		for id := range Carry {
			at += int(layers>>id&1) * 32
		}
		copy(now.digests[at:], s.digest)
	}
	out.push(d.kept.Items[k], cell, now.appendTail(nil))
}
