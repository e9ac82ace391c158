package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// notPlain are the facts of a row that the short way of netting does not know.
const notPlain = inputs.FlagDates | inputs.FlagOutbound | inputs.FlagDatedSafety | inputs.FlagOwn |
	inputs.FlagHeld | inputs.FlagLaneCycle | inputs.FlagNoLane

// netPlain nets a plain row the short way; false: it is none, or not for the short way, and nothing is done.
// Which way a row took never shows in its plan.
func (d *desk) netPlain(i int32, s *sku) bool {
	p := d.sites[s.site].part
	row := int(s.row)
	if p.Flags[row]&notPlain != 0 || s.flags&skuOrders == 0 ||
		!d.plain[p.LotSet[row]] || d.kernel == KernelCareful || d.tracer != nil {
		return false
	}
	lost := p.Flags[row]&inputs.FlagLost != 0
	avail := int64(p.OnHand[row]) - int64(p.Unusable[row]) - int64(p.Reserved[row])
	if !lost {
		avail -= int64(p.Backorders[row])
	}
	if avail < 0 {
		return false
	}
	f := &d.facts0
	f.H, f.Lost, f.Avail = d.horizon, lost, avail*1000
	f.Safety, f.SafeDays, f.Present = int64(p.SafetyUnits[row]), int64(p.SafetyDays[row]), int64(p.Presentation[row])
	f.Policy, f.Min, f.Max = uint8(p.Policy[row]), int64(p.Min[row]), int64(p.Max[row])
	f.Cap, f.Cover, f.Life = int64(p.ShelfCap[row]), int32(p.CoverDays[row]), int32(p.ShelfLife[row])
	f.Expedited = d.policy.OrderExpedited
	in := d.row.Receipts[:0]
	if p.Flags[row]&inputs.FlagInbound != 0 {
		d.row.Receipts = in
		if !d.receipts(p, s, &d.row) {
			return false
		}
		in = d.row.Receipts
	}
	stock := d.row.Lots[:0]
	if p.Flags[row]&inputs.FlagLots != 0 && f.Life > 0 {
		d.row.Lots = stock
		d.stockLots(p, s, &d.row)
		stock = d.row.Lots
	}
	own := d.days(p, row)
	if !d.swift.Run(f, own, in, stock, d.lots[p.LotSet[row]], &d.classes[s.class].Table) {
		return false
	}
	d.paths.rows[PathRow]++
	if d.swift.Short {
		s.flags |= skuShort
	}
	for k := range d.swift.Orders {
		q := &d.swift.Orders[k]
		o := order{opp: int16(q.Opp), extra: -1, dos: q.Supply, marks: q.Marks}
		if q.Terms >= 0 {
			o.extra = d.plainSteps(f.Policy, &d.swift.Terms[q.Terms])
		}
		d.put(&o, &quantities{need: q.N3, wanted: q.Wanted, n: [3]int64{q.N1, q.N2, q.N3}})
		d.orders = append(d.orders, o)
		if q.Marks != 0 {
			s.flags |= skuNoted
		}
	}
	s.count = int32(len(d.swift.Orders))
	return true
}

// days gives the demand of a row, with day 0 cut to what is left of it. Where whole tiles come this way they are turned
// at once; beside the kernel only a few rows do.
func (d *desk) days(p *inputs.Partition, row int) []int64 {
	if d.kernel < KernelOff || d.only != nil {
		own := sized(&d.own64, d.horizon)
		d.ownDemand(p, row, own)
		return own
	}
	own := d.turned.row(p, row, d.horizon)
	leftOfToday(p, row, own)
	return own
}

// plainSteps keeps the ledger steps beside need and pack; it returns the number of the extra.
func (d *desk) plainSteps(policy uint8, q *net.Terms) int32 {
	x := extra{firstStep: int32(len(d.steps)), minimum: q.Least, cap: q.Room, late: -1}
	d.askedSteps(policy, q.Policy, q.Minimum, q.Dead)
	d.step(ReasonShelfCap, q.Shelf)
	d.step(ReasonShelfLife, q.Life)
	d.step(ReasonSeasonEnd, q.Season)
	d.step(ReasonSizeConflict, q.Conflict)
	return d.keepSteps(x)
}

// askedSteps keeps the steps that come before any cap.
func (d *desk) askedSteps(policy uint8, more, minimum, dead int64) {
	upTo := ReasonCoverDays
	if policy == net.PolicyMinMax {
		upTo = ReasonOrderUpTo
	}
	d.step(upTo, more)
	d.step(ReasonMinOrder, minimum)
	d.step(ReasonDeadBand, dead)
}

// keepSteps keeps an extra with the steps since its first; it returns its number.
func (d *desk) keepSteps(x extra) int32 {
	x.steps = int32(len(d.steps)) - x.firstStep
	d.extras = append(d.extras, x)
	return int32(len(d.extras)) - 1
}

func (d *desk) step(reason Reason, change int64) {
	if change != 0 {
		d.steps = append(d.steps, net.Step{Reason: uint8(reason), Change: change})
	}
}
