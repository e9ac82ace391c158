package planner

import (
	"echelon/inputs"
)

// notPlain are the facts of a row that the short way of netting does not know.
const notPlain = inputs.FlagDates | inputs.FlagInbound | inputs.FlagOutbound | inputs.FlagLots | inputs.FlagDatedSafety |
	inputs.FlagOwn | inputs.FlagHeld | inputs.FlagLaneCycle | inputs.FlagNoLane

// netPlain nets a plain row the short way; false: it is none, or a cap or a dead band holds, and nothing is done.
// Which way a row took never shows in its plan.
func (d *desk) netPlain(i int32, s *sku) bool {
	p := d.sites[s.site].part
	row := int(s.row)
	if p.Flags[row]&notPlain != 0 || p.Policy[row] != inputs.PolicyNet || s.flags&skuOrders == 0 ||
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
	f.Cap, f.Cover, f.Life = int64(p.ShelfCap[row]), int32(p.CoverDays[row]), int32(p.ShelfLife[row])
	own := sized(&d.own64, d.horizon)
	d.ownDemand(p, row, own)
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
	}
	s.count = int32(len(d.swift.Orders))
	return true
}
