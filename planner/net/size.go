package net

// size takes units through minimum, pack, layer and pallet. met: minimum and layers count as met.
func (n *Pass) size(q int64, lot *Lot, met bool) int64 {
	if !met && lot.MOQ > 0 {
		if least := roundUp(lot.MOQ, lot.Pack); q < least {
			n.step(reasonMinOrder, least-q)
			q = least
		}
	}
	if up := roundUp(q, lot.Pack); up > q {
		n.step(reasonPack, up-q)
		q = up
	}
	if met || lot.Tolerance == 0 {
		return q
	}
	before := q
	if lot.LayerPacks > 1 {
		q = n.fuller(q, before, lot.LayerPacks*lot.Pack, lot.Tolerance, reasonLayer)
	}
	if lot.PalletPacks > 1 {
		q = n.fuller(q, before, lot.PalletPacks*lot.Pack, lot.Tolerance, reasonPallet)
	}
	return q
}

// fuller raises to the next full step when that exceeds what was there before both steps by no more than
// the tolerance.
func (n *Pass) fuller(q, before, step, tolerance int64, reason uint8) int64 {
	up := roundUp(q, step)
	if up == q || (up-before)*1000 > tolerance*before {
		return q
	}
	n.step(reason, up-q)
	return up
}

// caps takes an order through shelf capacity, shelf life and season end.
func (n *Pass) caps(k int, w *window, q int64, met bool, res *Result) int64 {
	r := n.row
	if r.Cap < 0 && r.Life == 0 && r.To == FarDay {
		return q
	}
	opp := &n.tab.Opps[k]
	lot := &r.LaneLots[opp.Lane]
	least := lot.Pack
	if !met && lot.MOQ > 0 {
		least = max(least, roundUp(lot.MOQ, lot.Pack))
	}
	overflow := false
	if r.Cap >= 0 {
		room := unitsDown(r.Cap*1000 - n.highest(w))
		if q > room {
			to := room / lot.Pack * lot.Pack
			if to < least {
				if (w.n1 == 0 && w.n2 == 0) || met {
					return n.conflict(q, to, reasonShelfCap, least, room, res)
				}
				to, overflow = least, true
				res.Minimum, res.Cap = least, room
			}
			n.step(reasonShelfCap, to-q)
			q = to
		}
	}
	if r.Life > 0 {
		room := unitsDown(n.lasting(w, opp.Receive+r.Life-1, r.Rec[w.a])) // reading 53
		if to := room / lot.Pack * lot.Pack; q > to {
			if to < least {
				return n.conflict(q, to, reasonShelfLife, least, room, res)
			}
			n.step(reasonShelfLife, to-q)
			q = to
		}
	}
	if r.To != FarDay {
		room := unitsDown(n.lasting(w, r.To, r.receipts(w.a, r.To)))
		if to := room / lot.Pack * lot.Pack; q > to {
			if to < least {
				return n.conflict(q, to, reasonSeasonEnd, least, room, res)
			}
			n.step(reasonSeasonEnd, to-q)
			q = to
		}
	}
	if overflow {
		res.Marks |= MarkOverflow
	}
	return q
}

// conflict orders nothing: the cap goes down to what it leaves, size_conflict takes the rest.
func (n *Pass) conflict(q, to int64, reason uint8, least, room int64, res *Result) int64 {
	n.step(reason, to-q)
	n.step(reasonConflict, -to)
	res.Marks |= MarkConflict
	res.Minimum, res.Cap = least, room
	return 0
}

// highest gives the highest start-of-day stock from the window's first day on: after receipts, before
// demand, with the balance that does not stop at 0. It only rises on days with a receipt.
func (n *Pass) highest(w *window) int64 {
	r := n.row
	var in int64
	i := 0
	for ; i < len(r.Receipts) && r.Receipts[i].Day <= w.a; i++ {
		if r.Receipts[i].Day == w.a {
			in += r.Receipts[i].Units * 1000
		}
	}
	most := w.start + in
	for ; i < len(r.Receipts); i++ {
		in += r.Receipts[i].Units * 1000
		if d := int(r.Receipts[i].Day); i+1 == len(r.Receipts) || int(r.Receipts[i+1].Day) > d {
			most = max(most, w.start+in-r.Sum(int(w.a), d-1))
		}
	}
	return most
}

// lasting gives the demand from the window's first day to last that stock does not serve: the demand, less
// the stock of the day before that lasts as long (a backlog adds to it), less receipts, in milli-units.
func (n *Pass) lasting(w *window, last int32, receipts int64) int64 {
	r := n.row
	var eaten int64
	if len(r.Lots) > 0 {
		eaten = r.Sum(0, int(w.a)-1)
	}
	return r.Sum(int(w.a), int(last)) - LastingStock(w.start, r.Lots, eaten, last) - receipts
}

// LastingStock gives what of a stock in milli-units lasts up to a day when the demand before it ate the lots in their order.
func LastingStock(stock int64, lots []LotStock, eaten int64, last int32) int64 {
	if stock <= 0 || len(lots) == 0 {
		return stock
	}
	for i := range lots {
		lot := lots[i].Units * 1000
		left := max(0, lot-eaten)
		eaten = max(0, eaten-lot)
		if lots[i].Expires < last {
			stock -= left
		}
	}
	return max(0, stock)
}

// receipts gives the milli-units that become usable on days a to last.
func (r *Row) receipts(a, last int32) int64 {
	var sum int64
	for i := range r.Receipts {
		if d := r.Receipts[i].Day; d >= a && d <= last {
			sum += r.Receipts[i].Units * 1000
		}
	}
	return sum
}

// unitsDown rounds milli-units down to whole units; what is not positive is 0.
func unitsDown(milli int64) int64 {
	if milli <= 0 {
		return 0
	}
	return milli / 1000
}
