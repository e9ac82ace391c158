package planner

import (
	"slices"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/share"
)

// tracer notes what happens to one SKU. Its methods do nothing for others.
type tracer struct {
	item     inputs.ItemIdx
	node     inputs.NodeIdx
	group    int32
	local    int8
	trial    bool
	nettings []Netting
	sharings []Sharing
	packs    map[orderOf][]PacksGiven // of the orders of the last sharing that each took part in
	out      *Explanation
}

// orderOf names an order of a group in a trial or in earnest: its SKU and the opportunity.
type orderOf struct {
	sku, opp int32
	trial    bool
}

func (t *tracer) is(d *desk, s *sku) bool {
	return s.node == t.node && s.item == t.local && d.work.group == t.group
}

// netted notes a pass over the SKU's opportunities.
func (t *tracer) netted(d *desk, s *sku, tab *net.Table, when string) {
	if !t.is(d, s) || (when == firstNetting && len(t.nettings) > 0) {
		return
	}
	if t.trial {
		when = "trial: " + when
	}
	n := Netting{When: when}
	for k := range min(tab.Planned, len(d.pass.Results)) {
		res := &d.pass.Results[k]
		w := NettedWindow{
			Opportunity: k, Held: res.Held, Balance: res.Start, Need: res.Need,
			N1: res.N1, N2: res.N2, N3: res.N3, Asked: res.Asked, Wanted: res.Wanted,
		}
		for _, st := range res.Steps {
			w.Steps = append(w.Steps, Step{Reason(st.Reason), st.Change})
		}
		n.Windows = append(n.Windows, w)
	}
	t.nettings = append(t.nettings, n)
}

const (
	firstNetting = "first netting"
	roundNetting = "round"
	againNetting = "netted again"
)

// shared notes a DC's sharing that the SKU takes part in, as its DC or as a child.
func (t *tracer) shared(d *desk, site int16, item int8, from, last int32, first bool) {
	if item != t.local || d.work.group != t.group {
		return
	}
	dc := d.sites[site].dc
	part := dc == t.node
	for _, i := range d.kids {
		part = part || d.skus[i].node == t.node
	}
	if !part {
		return
	}
	round := 0
	if k := len(t.sharings) - 1; !first && k >= 0 {
		round = t.sharings[k].RoundsRun + 1
	}
	t.given(d, round)
	day0 := d.net.Nodes.Day0[dc]
	sh := Sharing{
		DC: d.net.Nodes.ID[dc], Trial: t.trial, From: day0 + calendars.Day(from), To: day0 + calendars.Day(last),
		Left: slices.Clone(d.pool.Rem), RoundsRun: round,
	}
	for _, i := range d.kids {
		s := &d.skus[i]
		tab := d.table(s)
		for k := s.first; k < s.first+s.count; k++ {
			o := &d.orders[k]
			if opp := &tab.Opps[o.opp]; d.wanted(o) > 0 && d.inWindow(s, opp, site, from, last) {
				sh.Shares = append(sh.Shares, Share{
					Node: d.net.Nodes.ID[s.node], Pick: day0 + calendars.Day(opp.Pick), Wanted: d.wanted(o), Given: d.of(o).given,
					Pack: d.pack(s, opp), Packs: slices.Clone(t.packs[orderOf{i, int32(o.opp), t.trial}]),
				})
			}
		}
	}
	if k := len(t.sharings) - 1; !first && k >= 0 {
		t.sharings[k] = sh
		return
	}
	t.sharings = append(t.sharings, sh)
}

// given notes the packs that a round of sharing gave, order by order. The first one starts anew.
func (t *tracer) given(d *desk, round int) {
	if t.packs == nil {
		t.packs = map[orderOf][]PacksGiven{}
	}
	for k := range d.claims {
		ref := d.claimOf[k]
		of := orderOf{d.kids[ref.kid], int32(d.orders[ref.order].opp), t.trial}
		if round == 0 {
			delete(t.packs, of)
		}
		for tier, packs := range d.claims[k].GivenPacks() {
			if packs > 0 {
				t.packs[of] = append(t.packs[of], PacksGiven{packs, tier, round})
			}
		}
	}
}

// packsOf gives the packs of an order that has its final quantity: as they were given, else, where nothing had to be
// shared, by tier.
func (t *tracer) packsOf(x *ExplainedOpportunity, of orderOf) {
	var sum int64
	for _, p := range t.packs[of] {
		sum += p.Packs * x.Pack
	}
	if x.Shared = sum == x.Quantity && sum > 0; x.Shared {
		x.Packs = slices.Clone(t.packs[of])
		return
	}
	for tier, units := range x.Tiers {
		if units > 0 {
			x.Packs = append(x.Packs, PacksGiven{Packs: units / x.Pack, Tier: tier + 1})
		}
	}
}

// final notes the SKU's row at the end of its DC's give.
func (t *tracer) final(d *desk, i int32) {
	s := &d.skus[i]
	if !t.is(d, s) {
		return
	}
	p := d.sites[s.site].part
	n := d.net
	e := &Explanation{
		Item: n.Items.ID[t.item], Node: n.Nodes.ID[t.node], DC: d.dcName(d.sites[s.site].dc), Day0: n.Nodes.Day0[t.node],
		Held: s.flags&skuHeld != 0, Orders: s.flags&skuOrders != 0, Lost: p.Flags[s.row]&inputs.FlagLost != 0,
		Policy: policyWords[p.Policy[s.row]], Nettings: t.nettings, Sharings: t.sharings,
	}
	e.Position = positionOf(p, s.row)
	e.Settings = t.settings(d, s, p)
	t.movements(d, s, p, e)
	t.out = e
	e.CarryBefore, e.CarryAfter = d.carry(s), d.nextCarry(s)
	faults := &d.out[s.site].tables[Exceptions]
	for row := range faults.Rows {
		if faults.Cols[0].I32[row] == int32(t.item) && faults.Cols[1].I32[row] == int32(t.node) {
			e.Exceptions = append(e.Exceptions, ExceptionText(n, faults, row))
		}
	}
	if e.Held {
		return
	}
	d.load(s, &d.row, 0)
	e.Demand = slices.Clone(d.row.All[:d.horizon])
	for t := range int32(d.horizon) {
		e.Floor = append(e.Floor, d.row.FloorOn(t))
	}
	if c := &d.dep[d.cell(s.site, s.item)]; s.flags&skuOwn != 0 && c.any {
		for tier := range e.Children {
			e.Children[tier] = slices.Clone(c.days[tier])
		}
	}
	if tab := d.table(s); tab != nil {
		for k := range tab.Planned {
			x := t.opportunity(d, s, tab, k)
			if x.Quantity > 0 {
				t.packsOf(&x, orderOf{i, int32(k), false})
			}
			e.Opportunities = append(e.Opportunities, x)
		}
	}
	var pr projection
	d.project(i, &pr)
	e.Projection = ExplainedProjection{pr.demand, pr.receipts, pr.planned, pr.onHand, pr.short, pr.floor}
}

var policyWords = [...]string{"net", "min-max", "cover", "none"}

func positionOf(p *inputs.Partition, row int32) Position {
	at := Position{
		OnHand: int64(p.OnHand[row]), Unusable: int64(p.Unusable[row]),
		Reserved: int64(p.Reserved[row]), Backorders: int64(p.Backorders[row]),
	}
	at.Available = at.OnHand - at.Unusable - at.Reserved
	if p.Flags[row]&inputs.FlagLost == 0 {
		at.Available -= at.Backorders
	}
	return at
}

// movements lists open orders, releases and promises.
func (t *tracer) movements(d *desk, s *sku, p *inputs.Partition, e *Explanation) {
	lo, hi := inputs.Range(p.Inbound.Row, s.row)
	for i := lo; i < hi; i++ {
		flags := p.Inbound.Flags[i]
		e.Receipts = append(e.Receipts, ExplainedReceipt{
			Order: p.Inbound.Ref[i], Lane: nameOf(d.net.Lanes.ID, int32(p.Inbound.Lane[i])),
			Day: e.Day0 + calendars.Day(p.Inbound.Day[i]), Due: p.Inbound.Due[i], Units: p.Inbound.Qty[i],
			Overdue: flags&inputs.OrderOverdue != 0, Lapsed: flags&inputs.OrderLapsed != 0, Forgot: flags&inputs.OrderRelease != 0,
		})
	}
	lo, hi = inputs.Range(p.Outbound.Row, s.row)
	for i := lo; i < hi; i++ {
		e.Promises = append(e.Promises, ExplainedPromise{
			Order: p.Outbound.Ref[i], Destination: nameOf(d.net.Nodes.ID, int32(p.Outbound.Dest[i])),
			Pick: e.Day0 + calendars.Day(p.Outbound.Day[i]), Units: p.Outbound.Qty[i],
		})
	}
}

// opportunity gives one opportunity with the line that came of it.
func (t *tracer) opportunity(d *desk, s *sku, tab *net.Table, k int) ExplainedOpportunity {
	opp := &tab.Opps[k]
	c := &d.classes[s.class]
	civil := &c.civil.Opps[k]
	lane := d.lane(s, opp)
	x := ExplainedOpportunity{
		Lane: d.net.Lanes.ID[lane], Source: d.net.Nodes.ID[d.net.Lanes.Source[lane]], Method: d.net.Lanes.Method[lane],
		Order: civil.Order, Pick: civil.Pick, Depart: civil.Depart, Receive: civil.Receive, Usable: civil.Usable,
		WindowEnd: d.net.Nodes.Day0[s.node] + calendars.Day(min(tab.End(k, d.row.Cover), d.row.To)), Pack: d.pack(s, opp),
	}
	for i, cause := range [...]calendars.Cause{civil.OrderBy, civil.PickBy, civil.DepartBy, civil.ArriveBy, civil.ReceiveBy} {
		x.Moved[i] = d.causeText(s, opp, i, cause, civil)
	}
	for j := s.first; j < s.first+s.count; j++ {
		o := &d.orders[j]
		if int(o.opp) != k || !d.some(o) {
			continue
		}
		v := d.of(o)
		x.Need, x.Wanted, x.Quantity = v.need, v.wanted, d.units(o)
		x.Tiers = share.Split(x.Quantity, x.Pack, v.n)
		x.Promised = d.promised(s, o, opp)
		x.Release = x.Promised && opp.Order == 0 && x.Quantity > 0
		x.DaysOfSupply, x.Urgency = int64(o.dos), 1000*v.firstTier()+int64(o.dos)
		var c Col
		d.ledger(&c, o, d.stepsOf(o))
		x.Steps = FillLedger(x.Need, x.Quantity, c.Reason, c.List)
	}
	return x
}

// causeText names what put a leg on its day.
func (d *desk) causeText(s *sku, opp *net.Opp, leg int, cause calendars.Cause, civil *calendars.Opportunity) string {
	l := &d.net.Classes[s.class].Lanes[opp.Lane]
	calendar := [...]inputs.CalIdx{l.LaneOrderCal, l.PickCal, l.DepartCal, l.TransitCal, l.ReceiveCal}[leg]
	if leg == 0 && calendar == inputs.None {
		calendar = max(l.DestOrderCal, l.SourceOrderCal)
	}
	name := "its calendar"
	if calendar != inputs.None {
		name = "calendar " + d.net.Calendars[calendar].ID
	}
	switch cause {
	case calendars.CauseCalendar:
		return name
	case calendars.CauseException:
		return "a dated exception of " + name
	case calendars.CauseCutoff:
		return "the cut-off of the day before has passed"
	case calendars.CauseDayZero:
		return "an arrival before today counts today"
	case calendars.CauseNone:
	}
	return ""
}
