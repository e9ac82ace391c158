package planner

import (
	"slices"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner/net"
)

// convertLots gives the lot sets in the form that netting reads.
func convertLots(sets [][]inputs.Lot) [][]net.Lot {
	out := make([][]net.Lot, len(sets))
	for i, set := range sets {
		out[i] = make([]net.Lot, len(set))
		for k, l := range set {
			out[i][k] = net.Lot{
				Pack: int64(max(l.Pack, 1)), MOQ: int64(l.MOQ), LayerPacks: int64(l.LayerPacks),
				PalletPacks: int64(l.PalletPacks), Tolerance: int64(l.Tolerance), DeadBand: int64(l.DeadBand),
			}
		}
	}
	return out
}

// load fills a row for netting and prepares it for its table.
func (d *desk) load(s *sku, r *net.Row, least int) {
	d.facts(s, r)
	tab := d.table(s)
	if tab == nil {
		tab = &noTable
	}
	r.Prepare(tab, least)
}

var noTable net.Table

// facts fills a row but for the columns that Prepare works out.
func (d *desk) facts(s *sku, r *net.Row) {
	if s.site < 0 {
		d.requests[s.row].fill(r, d.run)
		return
	}
	p := d.sites[s.site].part
	row := int(s.row)
	f := p.Flags[row]
	avail := int64(p.OnHand[row]) - int64(p.Unusable[row]) - int64(p.Reserved[row])
	if f&inputs.FlagLost == 0 {
		avail -= int64(p.Backorders[row])
	}
	r.Facts = net.Facts{
		H: d.horizon, Promises: s.flags&skuOwn != 0, Lost: f&inputs.FlagLost != 0, Expedited: d.policy.OrderExpedited,
		Policy: uint8(p.Policy[row]), Avail: avail * 1000,
		Safety: int64(p.SafetyUnits[row]), SafeDays: int64(p.SafetyDays[row]), Present: int64(p.Presentation[row]),
		Cap: int64(p.ShelfCap[row]), Min: int64(p.Min[row]), Max: int64(p.Max[row]),
		Cover: int32(p.CoverDays[row]), Life: int32(p.ShelfLife[row]),
		From: net.FarPast, To: net.FarDay,
	}
	if f&inputs.FlagDates != 0 {
		day0 := d.net.Nodes.Day0[s.node]
		r.From, r.To = relativeDay(p.SaleFrom[row], day0), relativeDay(p.SaleTo[row], day0)
	}
	r.Own, r.Lent = sized(&d.own64, d.horizon), true
	d.ownDemand(p, row, r.Own)
	r.Prom = nil
	r.Dep, r.DepEnd = [4][]int64{}, [4][]int64{}
	r.Receipts, r.Lots, r.Dated = r.Receipts[:0], r.Lots[:0], r.Dated[:0]
	if f&inputs.FlagOutbound != 0 {
		r.Prom = d.promises(p, s.row)
	}
	if f&inputs.FlagInbound != 0 {
		d.receipts(p, s, r)
	}
	if f&inputs.FlagLots != 0 {
		d.stockLots(p, s, r)
	}
	if f&inputs.FlagDatedSafety != 0 {
		d.datedSafety(p, s, r)
	}
	r.LaneLots = nil
	if lots := p.LotSet[row]; lots != inputs.None {
		r.LaneLots = d.lots[lots]
	}
	if s.flags&skuOwn != 0 {
		if c := &d.dep[d.cell(s.site, s.item)]; c.any {
			d.dependent(c, r)
		}
	}
}

// dependent lends the row the children's orders in milli-units.
func (d *desk) dependent(c *depCell, r *net.Row) {
	for t := range c.days {
		r.Dep[t] = c.days[t]
		r.DepEnd[t] = c.end[t]
	}
}

func sized(s *[]int64, n int) []int64 {
	if cap(*s) < n {
		*s = make([]int64, n, n+64)
	}
	return (*s)[:n]
}

// relativeDay counts a civil day from day 0, far days cut.
func relativeDay(day, day0 calendars.Day) int32 {
	return int32(min(max(int64(day)-int64(day0), net.FarPast), net.FarDay))
}

// ownDemand reads a row's forecast out of its tile; day 0 is what is left of it, rounded up.
func (d *desk) ownDemand(p *inputs.Partition, row int, own []int64) {
	tile := row / inputs.TileRows
	at := int(p.TileAt[tile]) + row%inputs.TileRows
	h := len(own)
	switch p.TileWidth[tile] {
	case 0:
		clear(own)
	case 2:
		column := p.D16[at : at+(h-1)*inputs.TileRows+1]
		for t, k := 0, 0; k < len(column) && t < len(own); t, k = t+1, k+inputs.TileRows {
			own[t] = int64(column[k])
		}
	case 4:
		column := p.D32[at : at+(h-1)*inputs.TileRows+1]
		for t, k := 0, 0; k < len(column) && t < len(own); t, k = t+1, k+inputs.TileRows {
			own[t] = int64(column[k])
		}
	default:
		column := p.D64[at : at+(h-1)*inputs.TileRows+1]
		for t := range own {
			own[t] = column[t*inputs.TileRows]
		}
	}
	leftOfToday(p, row, own)
}

// leftOfToday cuts the demand of day 0 to what is left of it, rounded up.
func leftOfToday(p *inputs.Partition, row int, own []int64) {
	if left, of := int64(p.Day0Left[row]), int64(p.Day0Of[row]); left != of && of > 0 {
		own[0] = (own[0]*left + of - 1) / of
	}
}

// promises sums the open outbound orders per pick day in milli-units.
func (d *desk) promises(p *inputs.Partition, row int32) []int64 {
	prom := sized(&d.prom64, d.horizon)
	clear(prom)
	lo, hi := inputs.Range(p.Outbound.Row, row)
	for i := lo; i < hi; i++ {
		if day := int(p.Outbound.Day[i]); day < d.horizon {
			prom[day] += p.Outbound.Qty[i] * 1000
		}
	}
	return prom
}

// stockLots lists the stock with a last usable day that has not expired: what has is part of unusable (reading 48).
func (d *desk) stockLots(p *inputs.Partition, s *sku, r *net.Row) {
	day0 := d.net.Nodes.Day0[s.node]
	lo, hi := inputs.Range(p.Lots.Row, s.row)
	for i := lo; i < hi; i++ {
		if p.Lots.Expires[i] >= day0 {
			r.Lots = append(r.Lots, net.LotStock{Expires: relativeDay(p.Lots.Expires[i], day0), Units: p.Lots.Qty[i]})
		}
	}
}

// datedSafety lists what the safety stock is from which day on.
func (d *desk) datedSafety(p *inputs.Partition, s *sku, r *net.Row) {
	day0 := d.net.Nodes.Day0[s.node]
	lo, hi := inputs.Range(p.Safety.Row, s.row)
	for i := lo; i < hi; i++ {
		r.Dated = append(r.Dated, net.DatedUnits{From: relativeDay(p.Safety.From[i], day0), Units: int64(p.Safety.Units[i])})
	}
}

// receipts lists the open orders and remembered releases that count; calm: none of them was ordered today.
func (d *desk) receipts(p *inputs.Partition, s *sku, r *net.Row) (calm bool) {
	calm = true
	var lanes []inputs.LaneIdx
	if s.set != inputs.None {
		lanes = d.net.LaneSets[s.set].Lanes
	}
	lo, hi := inputs.Range(p.Inbound.Row, s.row)
	for i := lo; i < hi; i++ {
		flags := p.Inbound.Flags[i]
		if flags&inputs.OrderLapsed != 0 {
			continue
		}
		lane := int32(-1)
		if p.Inbound.Lane[i] != inputs.None {
			lane = int32(slices.Index(lanes, p.Inbound.Lane[i]))
		}
		r.Receipts = append(r.Receipts, net.Receipt{
			Day: p.Inbound.Day[i], Lane: lane, Entry: int32(i), Today: flags&inputs.OrderToday != 0, Units: p.Inbound.Qty[i],
		})
		calm = calm && flags&inputs.OrderToday == 0
	}
	return calm
}
