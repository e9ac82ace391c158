package net

// Reasons, equal to the planner's codes.
const (
	reasonNeed uint8 = iota
	reasonOrderUpTo
	reasonCoverDays
	reasonMinOrder
	reasonPack
	reasonLayer
	reasonPallet
	reasonDeadBand
	reasonExpedite
	reasonConflict
	reasonShelfCap
	reasonShelfLife
	reasonSeasonEnd
)

// net works out one opportunity from the balance at the end of the day before it is usable.
func (n *Pass) net(k int, res *Result) {
	r := n.row
	a := n.tab.Opps[k].Usable
	end := min(n.tab.End(k, r.Cover), r.To)
	w := n.look(a, end)
	if w.need == 0 && r.Policy != PolicyMinMax && !r.Promises {
		return // n₁ to n₃ are 0 as well
	}
	asked := n.asked(&w, res)
	res.N1, res.N2, res.N3 = min(w.n1, maxOrder), min(w.n2, maxOrder), min(w.n3, maxOrder)
	res.Need = min(unitsUp(w.need), maxOrder)
	res.Asked = min(unitsUp(asked), maxOrder)
	if r.Promises {
		res.N0 = min(n.promised(&w), res.N1)
	}
	if res.Need == 0 && res.Asked == 0 {
		return
	}
	first := len(n.steps)
	n.step(reasonNeed, res.Need)
	switch r.Policy {
	case PolicyMinMax:
		n.step(reasonOrderUpTo, res.Asked-res.Need)
	case PolicyCover:
		n.step(reasonCoverDays, res.Asked-res.Need)
	}
	if res.Asked > 0 {
		n.order(k, &w, asked, res)
	}
	res.Steps = n.steps[first:len(n.steps):len(n.steps)]
}

// asked gives what the policy asks for in milli-units, at least 0.
func (n *Pass) asked(w *window, res *Result) int64 {
	r := n.row
	switch r.Policy {
	case PolicyMinMax:
		if w.falls {
			if w.last >= n.trigger(w.end) {
				return 0
			}
		} else if n.under(w.a, w.end) < 0 {
			return 0
		}
		asked := max(0, r.Max*1000-w.first)
		if w.spare > unitsUp(asked)*1000 {
			res.Marks |= MarkMaxTooLow
		}
		return asked
	case PolicyCover:
		if w.need == 0 {
			return 0
		}
		if end := min(w.a+r.Cover-1, r.To); end > w.end {
			longer := n.look(w.a, end)
			return longer.need
		}
	}
	return w.need
}

// order takes what is asked for through dead band, expediting, lots and caps.
func (n *Pass) order(k int, w *window, asked int64, res *Result) {
	r := n.row
	opp := &n.tab.Opps[k]
	lot := &r.LaneLots[opp.Lane]
	calm := w.n1 == 0 && w.n2 == 0
	if calm && asked < lot.DeadBand*lot.Pack {
		n.step(reasonDeadBand, -res.Asked)
		return
	}
	if calm && len(r.Receipts) > 0 && !r.Expedited && w.last >= n.trigger(w.end) {
		if late := r.receiptIn(w.a, w.end); late >= 0 {
			n.step(reasonExpedite, -res.Asked)
			res.Marks |= MarkLate
			res.Late, res.NeededDay = late, n.under(w.a, w.end)
			return
		}
	}
	met := opp.Order == 0 && r.orderedToday(opp.Lane)
	q := n.size(res.Asked, lot, met)
	res.Wanted = n.caps(k, w, q, met, res)
}

// receiptIn gives the first receipt after day a and up to the end, -1 none.
func (r *Row) receiptIn(a, end int32) int32 {
	for i := range r.Receipts {
		if d := r.Receipts[i].Day; d > a && d <= end {
			return int32(i)
		}
	}
	return -1
}

// orderedToday reports whether an open order of the lane was ordered today.
func (r *Row) orderedToday(lane int32) bool {
	for i := range r.Receipts {
		if r.Receipts[i].Today && r.Receipts[i].Lane == lane {
			return true
		}
	}
	return false
}

// OpenToday gives the units of open orders of the lane that were ordered today.
func (r *Row) OpenToday(lane int32) int64 {
	var sum int64
	for i := range r.Receipts {
		if r.Receipts[i].Today && r.Receipts[i].Lane == lane {
			sum += r.Receipts[i].Units
		}
	}
	return sum
}

func (n *Pass) step(reason uint8, change int64) {
	if change != 0 {
		n.steps = append(n.steps, Step{Reason: reason, Change: change})
	}
}
