package planner

import (
	"math/bits"

	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/net/tile"
	"echelon/planner/share"
)

// kernelTable is a lane class in the form of the kernel, or why there is none.
type kernelTable struct {
	tile.Table
	why tile.Reason
	// last pick day of the opportunities whose order day is today, -1 none: what a source's window must reach
	today int32
}

// compileKernels gives every lane class the kernel's form.
func compileKernels(classes []class, horizon int) []kernelTable {
	out := make([]kernelTable, len(classes))
	for i := range classes {
		out[i].Table, out[i].why = tile.Compile(&classes[i].Table, horizon)
		out[i].today = -1
		for k := 0; k < classes[i].Planned && classes[i].Opps[k].Order <= 0; k++ {
			out[i].today = max(out[i].today, classes[i].Opps[k].Pick)
		}
	}
	return out
}

// compileLots gives every lot size the kernel's form.
func compileLots(sets [][]net.Lot) [][]tile.Lot {
	out := make([][]tile.Lot, len(sets))
	for i, set := range sets {
		for k := range set {
			out[i] = append(out[i], tile.NewLot(&set[k]))
		}
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
	switch {
	case tab.why != tile.Netted:
		return
	case width > 4:
		d.paths.left[tile.Wide] += int64(len(d.skus) - first)
		return
	}
	t := &d.tile
	t.Scalar = d.kernel == KernelScalar
	t.Begin(&tab.Table, d.policy.OrderExpedited)
	d.setTile(t, p, no, first, tab.Lane)
	var cut [tile.Rows]int32
	at, rows := int(p.TileAt[no]), d.horizon*tile.Rows
	if width > 0 {
		leftOfTodays(p, no, &cut)
	}
	switch {
	case t.Done == 0: // all rows were left
	case width == 4:
		t.WideDemand(p.D32[at:at+rows], &cut)
	case width == 2:
		t.Demand(p.D16[at:at+rows], &cut)
	default:
		t.Demand(nil, &cut)
	}
	if t.Done != 0 {
		t.Run()
		d.takeKernel(t, first, class)
		d.paths.rows[PathKernel] += int64(bits.OnesCount64(t.Done))
	}
	for left := t.Left; left != 0; left &= left - 1 {
		d.paths.left[t.Why[bits.TrailingZeros64(left)]]++
	}
}

// setTile gives the kernel the facts of a tile's rows.
func (d *desk) setTile(t *tile.Tile, p *inputs.Partition, no, first int, from int32) {
	f := &d.facts64
	f.Lost, f.MinMax, f.Covers, f.Dated = 0, 0, 0, 0
	var rows, inbound, lots, stepped uint64
	for i := first; i < len(d.skus); i++ {
		s := &d.skus[i]
		row := int(s.row)
		lane := row % tile.Rows
		flags := p.Flags[row]
		switch {
		case s.flags&skuOrders == 0:
			t.Leave(lane, tile.Unplanned)
			continue
		case flags&(notPlain&^(inputs.FlagDates|inputs.FlagDatedSafety)) != 0:
			t.Leave(lane, tile.Kind)
			continue
		}
		bit := uint64(1) << lane
		rows |= bit
		t.Lot(lane, &d.kernelLots[p.LotSet[row]][from])
		if flags&inputs.FlagLost != 0 {
			f.Lost |= bit
		}
		switch p.Policy[row] {
		case inputs.PolicyMinMax:
			f.MinMax |= bit
		case inputs.PolicyCover:
			f.Covers |= bit
		case inputs.PolicyNet, inputs.PolicyNone:
		}
		if flags&(inputs.FlagDates|inputs.FlagInbound|inputs.FlagLots|inputs.FlagDatedSafety) == 0 {
			continue
		}
		if flags&inputs.FlagDates != 0 {
			day0 := d.net.Nodes.Day0[s.node]
			f.Dated |= bit
			f.From[lane], f.To[lane] = relativeDay(p.SaleFrom[row], day0), relativeDay(p.SaleTo[row], day0)
		}
		if flags&inputs.FlagInbound != 0 {
			inbound |= bit
		}
		if flags&inputs.FlagDatedSafety != 0 {
			stepped |= bit
		}
		if flags&inputs.FlagLots != 0 && (p.ShelfLife[row] > 0 || flags&inputs.FlagDates != 0) {
			lots |= bit
		}
	}
	base := no * tile.Rows
	f.OnHand, f.Unusable = numbersOf(p.OnHand, base), numbersOf(p.Unusable, base)
	f.Reserved, f.Backorders = numbersOf(p.Reserved, base), numbersOf(p.Backorders, base)
	f.Safety, f.SafeDays = numbersOf(p.SafetyUnits, base), numbersOf(p.SafetyDays, base)
	f.Present, f.Cap = numbersOf(p.Presentation, base), numbersOf(p.ShelfCap, base)
	f.Min, f.Max = numbersOf(p.Min, base), numbersOf(p.Max, base)
	f.Cover, f.Life = numbersOf(p.CoverDays, base), numbersOf(p.ShelfLife, base)
	t.Set(f, rows)
	if (inbound|lots|stepped)&t.Done == 0 {
		return
	}
	for i := first; i < len(d.skus); i++ {
		s := &d.skus[i]
		lane := int(s.row) % tile.Rows
		if stepped>>lane&1 != 0 && t.Done>>lane&1 != 0 {
			d.row.Dated = d.row.Dated[:0]
			d.datedSafety(p, s, &d.row)
			t.Safety(lane, d.row.Dated)
		}
		if inbound>>lane&1 != 0 && t.Done>>lane&1 != 0 {
			d.row.Receipts = d.row.Receipts[:0]
			d.receipts(p, s, &d.row)
			t.Open(lane, d.row.Receipts)
		}
		if lots>>lane&1 != 0 && t.Done>>lane&1 != 0 {
			d.row.Lots = d.row.Lots[:0]
			d.stockLots(p, s, &d.row)
			t.Stock(lane, d.row.Lots)
		}
	}
}

// numbersOf gives a tile's part of a column.
func numbersOf[T any](column []T, base int) *[tile.Rows]T { return (*[tile.Rows]T)(column[base:]) }

// leftOfTodays gives what of the demand of day 0 is over already, per row of a tile of 16 or 32 bits.
func leftOfTodays(p *inputs.Partition, no int, cut *[tile.Rows]int32) {
	base, at := no*tile.Rows, int(p.TileAt[no])
	left, of := numbersOf(p.Day0Left, base), numbersOf(p.Day0Of, base)
	if *left == *of {
		return
	}
	for lane := range cut {
		left, of := int64(left[lane]), int64(of[lane])
		if left == of || of == 0 {
			continue
		}
		var own int64
		if p.TileWidth[no] == 2 {
			own = int64(p.D16[at+lane])
		} else {
			own = int64(p.D32[at+lane])
		}
		cut[lane] = int32(own - (own*left+of-1)/of)
	}
}

// takeKernel takes over the orders of the netted rows, SKU by SKU, and places them: adds them to the dependent demand
// of their sources, and the rows' opportunities to what the deployment windows of those must reach.
func (d *desk) takeKernel(t *tile.Tile, first int, class inputs.ClassIdx) {
	var rows tileRowsAt
	at := int32(len(d.orders))
	lane, today := d.kernels[class].Lane, d.kernels[class].today
	set, site := inputs.LaneSetIdx(inputs.None), int16(-1)
	for i := first; i < len(d.skus); i++ {
		s := &d.skus[i]
		l := uint(s.row) % tile.Rows
		if t.Done>>l&1 == 0 {
			continue
		}
		s.first, s.count = at, t.Count[l]
		s.flags |= skuNetted
		if t.Short>>l&1 != 0 {
			s.flags |= skuShort
		}
		if t.Ignored>>l&1 != 0 {
			s.flags |= skuIgnored | skuData
		}
		rows.sku[l], rows.next[l], rows.dep[l] = int32(i), at, -1
		at += s.count
		if s.set != set {
			set = s.set
			site = d.siteOf[d.net.Lanes.Source[d.net.LaneSets[set].Lanes[lane]]]
		}
		if site < 0 {
			continue
		}
		c := d.cell(site, s.item)
		rows.cell[l] = int32(c)
		rows.dep[l] = int32(int(site)*4*d.horizon*inputs.TileRows + int(s.item))
		d.dueTo[c] = true
		if t.Dated>>l&1 == 0 {
			d.reach[c] = max(d.reach[c], today)
		} else {
			d.reachOf(s, d.table(s))
		}
	}
	d.grow(int(at))
	opps := d.classes[class].Opps
	for k := range t.Needs {
		d.takeNeeds(t, k, opps[k].Pick, &rows)
	}
	for asks := rows.asks; asks != 0; asks &= asks - 1 {
		d.dep[rows.cell[bits.TrailingZeros64(asks)%tile.Rows]].any = true
	}
}

// tileRowsAt is where the rows of a tile that the kernel netted are kept.
type tileRowsAt struct {
	sku  [tile.Rows]int32
	next [tile.Rows]int32 // place of the next order
	asks uint64           // rows that ask for something on a day of the horizon
	cell [tile.Rows]int32 // of the source and the item, where there is one
	dep  [tile.Rows]int32 // where in desk.first the first tier of day 0 is that orders add to, -1 none
}

// takeNeeds takes over what the rows of a tile need at opportunity k. Which tier an order begins in follows no pattern,
// so that nothing branches on it.
func (d *desk) takeNeeds(t *tile.Tile, k int, pick int32, at *tileRowsAt) {
	n := &t.Needs[k]
	placed := pick < int32(d.horizon)
	tier := d.horizon * inputs.TileRows
	day := int(pick) * inputs.TileRows
	orders, sums := d.orders, d.first
	var asks uint64
	for rest := n.Rows & t.Done; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest) % tile.Rows
		o := &orders[at.next[l]]
		at.next[l]++
		wanted, n1, n2, n3 := n.Wanted[l], n.N1[l], n.N2[l], n.N3[l]
		o.opp, o.dos, o.marks, o.state, o.wide = int16(k), int16(n.Supply[l]), 0, orderOpen, false
		o.extra, o.wanted, o.given = -1, wanted, 0
		o.n[0], o.n[1], o.n[2] = n1, n2, n3
		if (n.Odd|n.Asked)>>l&1 != 0 {
			d.takeNote(o, t, n, l, &d.skus[at.sku[l]])
		}
		if at.dep[l] < 0 || !placed || wanted == 0 {
			continue
		}
		asks |= 1 << l
		none1 := int32(uint32(n1-1) >> 31) // 1 where n₁ is 0; needs grow with their floors
		none2 := none1 & int32(uint32(n2-1)>>31)
		none3 := none2 & int32(uint32(n3-1)>>31)
		least := n1 | n2&-none1 | n3&-none2
		to := int(at.dep[l]) + day
		if pack := t.Pack(l); uint32(least-1) < uint32(wanted-pack) { // else whole packs, the last of the first one's tier: most orders
			d.splitFirst(to, int64(wanted), int64(pack), n1, n2, n3)
			continue
		}
		sums[to+int(none1+none2+none3)*tier] += int64(wanted)
	}
	at.asks |= asks
}

// splitFirst adds an order of several tiers to the first netting's sums of a day.
func (d *desk) splitFirst(at int, wanted, pack int64, n1, n2, n3 int32) {
	tier := d.horizon * inputs.TileRows
	t1, t2, t3, t4 := share.SplitInto(wanted, pack, int64(n1), int64(n2), int64(n3))
	d.first[at] += t1
	d.first[at+tier] += t2
	d.first[at+2*tier] += t3
	d.first[at+3*tier] += t4
}

// takeNote takes over the note of an order.
func (d *desk) takeNote(o *order, t *tile.Tile, n *tile.Needs, lane int, s *sku) {
	policy := uint8(d.sites[s.site].part.Policy[s.row])
	if n.Asked>>lane&1 != 0 {
		x := extra{firstStep: int32(len(d.steps)), late: -1}
		more, minimum, dead := t.Asked(n, lane)
		d.askedSteps(policy, more, minimum, dead)
		o.extra = d.keepSteps(x)
		return
	}
	note := t.Note(n, lane)
	if !note.Some {
		return
	}
	o.extra = d.plainSteps(policy, &note.Terms)
	if o.marks = note.Marks; o.marks != 0 {
		s.flags |= skuNoted
	}
}
