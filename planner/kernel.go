package planner

import (
	"math/bits"

	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/net/tile"
)

// kernelTable is a lane class in the form of the kernel, or why there is none.
type kernelTable struct {
	tile.Table
	why tile.Reason
}

// compileKernels gives every lane class the kernel's form.
func compileKernels(classes []class, horizon int) []kernelTable {
	out := make([]kernelTable, len(classes))
	for i := range classes {
		out[i].Table, out[i].why = tile.Compile(&classes[i].Table, horizon)
	}
	return out
}

// netTile nets the rows of a tile that the kernel may: SKUs first to the last, as takeTile registered them.
func (d *desk) netTile(p *inputs.Partition, no int, first int) {
	class := p.TileClass[no]
	if class == inputs.None || p.TileOwn[no] || d.kernel >= KernelOff || d.tracer != nil {
		return
	}
	tab := &d.kernels[class]
	width := p.TileWidth[no]
	if tab.why != tile.Netted || width > 2 {
		if tab.why == tile.Netted {
			d.paths.left[tile.Wide] += int64(len(d.skus) - first)
		}
		return
	}
	t := &d.tile
	t.Scalar = d.kernel == KernelScalar
	t.Begin(&tab.Table, d.policy.OrderExpedited)
	var cut [tile.Rows]int32
	var days []uint16
	if width == 2 {
		at := int(p.TileAt[no])
		days = p.D16[at : at+d.horizon*tile.Rows]
	}
	for i := first; i < len(d.skus); i++ {
		s := &d.skus[i]
		lane := int(s.row) % tile.Rows
		if !d.setLane(t, p, s, lane, tab.Lane) {
			continue
		}
		if left, of := int64(p.Day0Left[s.row]), int64(p.Day0Of[s.row]); left != of && of > 0 && days != nil {
			own := int64(days[lane])
			cut[lane] = int32(own - (own*left+of-1)/of)
		}
	}
	if t.Done == 0 {
		return
	}
	t.Demand(days, &cut)
	t.Run()
	d.takeKernel(t, first)
	d.paths.rows[PathKernel] += int64(bits.OnesCount64(t.Done))
	for left := t.Left; left != 0; left &= left - 1 {
		d.paths.left[t.Why[bits.TrailingZeros64(left)]]++
	}
}

// setLane gives the kernel a row's facts; false: the row is not for the kernel.
func (d *desk) setLane(t *tile.Tile, p *inputs.Partition, s *sku, lane int, from int32) bool {
	row := int(s.row)
	flags := p.Flags[row]
	switch {
	case s.flags&skuOrders == 0:
		t.Leave(lane, tile.Unplanned)
		return false
	case flags&notPlain != 0:
		t.Leave(lane, tile.Kind)
		return false
	case !d.plain[p.LotSet[row]]:
		t.Leave(lane, tile.Lots)
		return false
	}
	avail := int64(p.OnHand[row]) - int64(p.Unusable[row]) - int64(p.Reserved[row])
	lost := flags&inputs.FlagLost != 0
	if !lost {
		avail -= int64(p.Backorders[row])
	}
	f := tile.Facts{
		Lost: lost, Policy: uint8(p.Policy[row]), Avail: avail,
		Safety: int64(p.SafetyUnits[row]), SafeDays: int64(p.SafetyDays[row]), Present: int64(p.Presentation[row]),
		Cap: int64(p.ShelfCap[row]), Min: int64(p.Min[row]), Max: int64(p.Max[row]),
		Cover: int32(p.CoverDays[row]), Life: int32(p.ShelfLife[row]), Lot: &d.lots[p.LotSet[row]][from],
	}
	if !t.Set(lane, &f) {
		return false
	}
	if flags&inputs.FlagInbound != 0 {
		d.row.Receipts = d.row.Receipts[:0]
		d.receipts(p, s, &d.row)
		if !t.Open(lane, d.row.Receipts) {
			return false
		}
	}
	if flags&inputs.FlagLots != 0 && f.Life > 0 {
		d.row.Lots = d.row.Lots[:0]
		d.stockLots(p, s, &d.row)
		t.Stock(lane, d.row.Lots)
	}
	return true
}

// takeKernel takes over the orders of the netted rows, SKU by SKU.
func (d *desk) takeKernel(t *tile.Tile, first int) {
	var skuOf, next [tile.Rows]int32
	at := int32(len(d.orders))
	for i := first; i < len(d.skus); i++ {
		s := &d.skus[i]
		lane := uint(s.row) % tile.Rows
		skuOf[lane] = int32(i)
		if t.Done>>lane&1 == 0 {
			continue
		}
		s.first, s.count = at, t.Count[lane]
		next[lane] = at
		at += s.count
		s.flags |= skuNetted
		if t.Short>>lane&1 != 0 {
			s.flags |= skuShort
		}
	}
	d.orders = extend(d.orders, int(at))
	for k := range t.Needs {
		n := &t.Needs[k]
		for rows := n.Rows & t.Done; rows != 0; rows &= rows - 1 {
			lane := bits.TrailingZeros64(rows) % tile.Rows
			o := &d.orders[next[lane]]
			next[lane]++
			*o = order{
				sku: skuOf[lane], opp: int32(k), need: int64(n.N3[lane]), wanted: int64(n.Wanted[lane]),
				n: [3]int64{int64(n.N1[lane]), int64(n.N2[lane]), int64(n.N3[lane])}, extra: -1, dos: int16(n.Supply[lane]),
			}
			if n.Odd>>lane&1 != 0 {
				d.takeNote(o, t.Note(n, lane), &d.skus[skuOf[lane]])
			}
		}
	}
}

// takeNote takes over the note of an order.
func (d *desk) takeNote(o *order, note *tile.Note, s *sku) {
	if note.Terms == (net.Terms{}) {
		return
	}
	o.extra = d.plainSteps(uint8(d.sites[s.site].part.Policy[s.row]), &note.Terms)
	if o.marks = note.Marks; o.marks != 0 {
		s.flags |= skuNoted
	}
}

// extend lengthens orders; what is new has no value yet.
func extend(orders []order, n int) []order {
	if n <= cap(orders) {
		return orders[:n]
	}
	grown := make([]order, n, n+n/4)
	copy(grown, orders)
	return grown
}
