package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// notPlain are the facts of a row that the short way of netting does not know.
const notPlain = inputs.FlagDates | inputs.FlagInbound | inputs.FlagOutbound | inputs.FlagLots | inputs.FlagDatedSafety |
	inputs.FlagOwn | inputs.FlagHeld | inputs.FlagLaneCycle | inputs.FlagNoLane

// netPlain nets a plain row the short way; false: it is none, or a cap or a dead band holds, and nothing is done.
// Which way a row took never shows in its plan.
func (d *desk) netPlain(i int32, s *sku) bool {
	p := d.sites[s.site].part
	row := int(s.row)
	if p.Flags[row]&notPlain != 0 || s.flags&skuOrders == 0 ||
		!d.plain[p.LotSet[row]] || d.cycle.Careful || d.tracer != nil {
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
	own := d.turned.row(p, row, d.horizon)
	leftOfToday(p, row, own)
	if !d.swift.Run(f, own, d.lots[p.LotSet[row]], &d.classes[s.class].Table) {
		return false
	}
	if d.swift.Short {
		s.flags |= skuShort
	}
	for k := range d.swift.Orders {
		q := &d.swift.Orders[k]
		d.orders = append(d.orders, order{
			sku: i, opp: q.Opp, need: q.Need, wanted: q.Wanted, n: [3]int64{q.N1, q.N2, q.N3}, extra: -1, dos: q.Supply,
		})
		if q.Policy != 0 || q.Minimum != 0 {
			d.orders[len(d.orders)-1].extra = d.plainSteps(f.Policy, q)
		}
	}
	s.count = int32(len(d.swift.Orders))
	return true
}

// plainSteps keeps the ledger steps of policy and minimum; it returns the number of the extra.
func (d *desk) plainSteps(policy uint8, q *net.Quick) int32 {
	x := extra{firstStep: int32(len(d.steps)), late: -1}
	if q.Policy != 0 {
		reason := ReasonCoverDays
		if policy == net.PolicyMinMax {
			reason = ReasonOrderUpTo
		}
		d.steps = append(d.steps, net.Step{Reason: uint8(reason), Change: q.Policy})
	}
	if q.Minimum != 0 {
		d.steps = append(d.steps, net.Step{Reason: uint8(ReasonMinOrder), Change: q.Minimum})
	}
	x.steps = int32(len(d.steps)) - x.firstStep
	d.extras = append(d.extras, x)
	return int32(len(d.extras)) - 1
}
