package build

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"echelon/calendars"
	"echelon/inputs"
)

// OrderLine is the key of a row of open_orders.
type OrderLine struct {
	Order string
	Line  int64
}

// orders takes what the orders that moved meant out of their rows, and puts in what they mean now. Entries have their
// order's name, so that those of other orders stay as they are.
func (p *patcher) orders(moved []OrderLine, before, after inputs.Source) error {
	if len(moved) == 0 {
		return nil
	}
	kept := p.prev.orders
	if kept == nil {
		return fmt.Errorf("the snapshot does not know how its open orders were read: %w", ErrStructure)
	}
	world := orderWorld{
		net: p.net, horizon: p.opt.Horizon, lanes: kept.lanes,
		openSet: func(cal int32) *calendars.OpenSet {
			if cal == inputs.None {
				return nil
			}
			return kept.openSets[cal]
		},
		find: func(item, node int32) orderAt {
			part, row := p.at(item, node)
			return orderAt{part, row}
		},
		prep: func(item, lane int32) int32 {
			if part, _ := p.at(item, kept.lanes[lane].dest); part >= 0 {
				if prep, ok := kept.prep[key(item, lane)]; ok {
					return prep
				}
			}
			return -1
		},
	}
	named := map[OrderLine]bool{}
	refs := map[string]bool{}
	for _, m := range moved {
		named[m], refs[m.Order+"/"+strconv.FormatInt(m.Line, 10)] = true, true
	}
	was, now := &orderBook{orderWorld: world}, &orderBook{orderWorld: world}
	if err := errors.Join(p.readOrders(before, named, was, -1), p.readOrders(after, named, now, 1)); err != nil {
		return err
	}
	p.names(kept, was.named, now.named)
	touched := make([][2]map[int32]bool, len(p.parts)) // per partition: rows with entries that go or come, inbound and outbound
	for _, book := range []*orderBook{was, now} {
		for k, rows := range [][]orderRow{book.in, book.out} {
			for i := range rows {
				at := &touched[rows[i].part][k]
				if *at == nil {
					*at = map[int32]bool{}
				}
				(*at)[rows[i].row] = true
			}
		}
	}
	for i := range p.parts {
		p.replaceInbound(int32(i), touched[i][0], refs, now.in)
		p.replaceOutbound(int32(i), touched[i][1], refs, now.out)
	}
	return p.ctx.Err()
}

// readOrders reads rows of orders that moved, and counts them as rows does.
func (p *patcher) readOrders(src inputs.Source, named map[OrderLine]bool, book *orderBook, sign int64) error {
	const table = "open_orders"
	if !src.Has(table) {
		return nil
	}
	counts := p.report.counts(table)
	optional := func(v *inputs.Vector, r int, ids *sortedIDs) (int32, bool) {
		if v.IsNull(r) {
			return inputs.None, true
		}
		at := ids.index(v.Str(r))
		return at, at >= 0
	}
	return batches(p.ctx, src, table, func(t *inputs.Batch) error {
		for r := range t.Rows {
			line := OrderLine{t.Col("order").Str(r), t.Col("line").Int(r, 0)}
			if !named[line] {
				return fmt.Errorf("patch %s: line %d of order %q was not named as moved", table, line.Line, line.Order)
			}
			o := openOrder{item: p.items.index(t.Col("item").Str(r)), dest: p.nodes.index(t.Col("destination").Str(r))}
			var okSource, okLane bool
			o.source, okSource = optional(t.Col("source"), r, &p.nodes)
			o.lane, okLane = optional(t.Col("lane"), r, &p.laneIDs)
			if o.item < 0 || o.dest < 0 || !okSource || !okLane {
				return fmt.Errorf("line %d of order %q names what is not in the snapshot: %w", line.Line, line.Order, ErrStructure)
			}
			counts.Read += sign
			if book.take(t, r, &o) {
				counts.Applied += sign
			} else {
				counts.Filtered += sign
			}
		}
		return nil
	})
}

// at gives the place of an item at a node, -1 and -1 when it is no SKU of the snapshot.
func (p *patcher) at(item, node int32) (part, row int32) {
	for _, part := range p.within[node] {
		if row := p.parts[part].Find(inputs.ItemIdx(item), inputs.NodeIdx(node)); row >= 0 {
			return part, int32(row)
		}
	}
	return -1, -1
}

// names takes releases off that no order names any more, and puts those on that one names now.
func (p *patcher) names(kept *ordersKept, was, now []namedRelease) {
	delta := map[namedRelease]int32{}
	for _, x := range was {
		delta[x]--
	}
	for _, x := range now {
		delta[x]++
	}
	var moved []namedRelease
	for x, n := range delta {
		if n != 0 {
			moved = append(moved, x)
		}
	}
	slices.SortFunc(moved, compareNamed)
	next := *kept
	p.kept = &next
	if len(moved) == 0 {
		return
	}
	next.more = make(map[namedRelease]int32, len(kept.more))
	for x, n := range kept.more {
		next.more[x] = n
	}
	own := make([]bool, len(p.parts)+1)
	for _, x := range moved {
		list := &p.net.Named
		if x.part != inputs.None {
			part, _ := p.part(x.part)
			list = &part.Named
		}
		if !own[x.part+1] {
			own[x.part+1], *list = true, slices.Clone(*list)
		}
		at, there := slices.BinarySearch(*list, x.id)
		count := delta[x]
		if there {
			count += 1 + next.more[x]
		}
		delete(next.more, x)
		switch {
		case count > 1:
			next.more[x] = count - 1
			fallthrough
		case count == 1:
			if !there {
				*list = slices.Insert(*list, at, x.id)
			}
		case there:
			*list = slices.Delete(*list, at, at+1)
		}
		if len(*list) == 0 {
			*list = nil
		}
	}
}

// replaceInbound puts the entries of orders that moved into a partition's rows instead of those that were there.
func (p *patcher) replaceInbound(i int32, rows map[int32]bool, gone map[string]bool, now []orderRow) {
	if rows == nil {
		return
	}
	part, own := p.part(i)
	old := part.Inbound
	var out inputs.Inbound
	left := mergeOrders(len(old.Row), func(k int) orderRow {
		return orderRow{
			part: i, row: old.Row[k], day: old.Day[k], qty: old.Qty[k], lane: int32(old.Lane[k]), flags: old.Flags[k],
			due: old.Due[k], ref: old.Ref[k],
		}
	}, rows, gone, ofPart(now, i, compareInbound), compareInbound, func(x *orderRow) { appendInbound(&out, x) })
	part.Inbound = out
	p.mark(part, own, rows, left, inputs.FlagInbound)
}

// replaceOutbound does the same at sources.
func (p *patcher) replaceOutbound(i int32, rows map[int32]bool, gone map[string]bool, now []orderRow) {
	if rows == nil {
		return
	}
	part, own := p.part(i)
	old := part.Outbound
	var out inputs.Outbound
	left := mergeOrders(len(old.Row), func(k int) orderRow {
		return orderRow{
			part: i, row: old.Row[k], day: old.Day[k], qty: old.Qty[k], dest: int32(old.Dest[k]), lane: int32(old.Lane[k]),
			ref: old.Ref[k],
		}
	}, rows, gone, ofPart(now, i, compareOutbound), compareOutbound, func(x *orderRow) { appendOutbound(&out, x) })
	part.Outbound = out
	p.mark(part, own, rows, left, inputs.FlagOutbound)
}

// mergeOrders puts the n entries that were there, but those of orders that are gone from these rows, and those that come,
// in their order; it returns the rows that have entries.
func mergeOrders(n int, old func(k int) orderRow, rows map[int32]bool, gone map[string]bool, come []orderRow, compare func(x, y *orderRow) int, put func(*orderRow)) map[int32]bool {
	left := map[int32]bool{}
	take := func(x *orderRow) {
		put(x)
		left[x.row] = true
	}
	for k := range n {
		x := old(k)
		if rows[x.row] && gone[x.ref] {
			continue
		}
		for len(come) > 0 && compare(&come[0], &x) < 0 {
			take(&come[0])
			come = come[1:]
		}
		take(&x)
	}
	for k := range come {
		take(&come[k])
	}
	return left
}

// ofPart gives the entries of a partition, in order.
func ofPart(rows []orderRow, part int32, compare func(x, y *orderRow) int) []orderRow {
	var out []orderRow
	for i := range rows {
		if rows[i].part == part {
			out = append(out, rows[i])
		}
	}
	slices.SortFunc(out, func(x, y orderRow) int { return compare(&x, &y) })
	return out
}

// mark sets a flag of the rows that have entries and takes it off the others.
func (p *patcher) mark(part *inputs.Partition, own *ownedColumns, rows, left map[int32]bool, flag inputs.RowFlags) {
	for row := range rows {
		flags := part.Flags[row] &^ flag
		if left[row] {
			flags |= flag
		}
		put(&part.Flags, &own.flags, row, flags)
	}
}
