package build

import (
	"encoding/binary"

	"echelon/calendars"
	"echelon/inputs"
)

// laneUse is a lane as one SKU uses it; prep and transit are -1 where they are the lane's own.
type laneUse struct {
	lane, prep, transit int32
	from, to            calendars.Day // order days: validity of sourcing and lane
}

// choice is the lanes of a SKU in the order in which they are tried, and what follows from them alone.
type choice struct {
	uses      []laneUse
	primary   int     // index of the as-of day's lane, else 0
	served    int32   // DC that serves it on the as-of day of its node; None: a vendor or nobody
	effective []int32 // DCs whose lane is the one on some order day of the horizon, ascending
}

// laneChoice is the choices of all SKUs.
//
//	choiceOf per SKU number  index into choices
//	cycleRow per SKU number  on a cycle of primary lanes, or a later lane dropped (row flags; DC rows only)
type laneChoice struct {
	choices  []choice
	choiceOf []int32
	cycleRow map[int32]inputs.RowFlags

	byUses  map[string]int32
	keyBuf  []byte
	dcBits  map[int32][]uint64 // per DC: the items it has SKUs of
	useBuf  []laneUse
	lastSet []maskChoice // per node: choice of the mask met last
}

type maskChoice struct {
	mask   uint64
	choice int32
	set    bool
}

// dcCarries reports whether a DC has a SKU row of the item.
func (b *builder) dcCarries(dc, item int32) bool {
	bits := b.dcBits[dc]
	return bits != nil && bits[item>>6]&(1<<(uint(item)&63)) != 0
}

func (b *builder) chooseLanes() error {
	b.byUses = map[string]int32{}
	b.dcBits = map[int32][]uint64{}
	kinds := b.net.Nodes.Kind
	words := (len(b.itemIDs.ids) + 63) / 64
	b.eachSKU(func(_, item, node int32) {
		if kinds[node] != inputs.DC {
			return
		}
		if b.dcBits[node] == nil {
			b.dcBits[node] = make([]uint64, words)
		}
		b.dcBits[node][item>>6] |= 1 << (uint(item) & 63)
	})
	b.lastSet = make([]maskChoice, len(b.net.Nodes.ID))
	b.choiceOf = make([]int32, b.skus())
	b.eachSKU(func(s, item, node int32) {
		if rows := b.sourcesOf(s); len(rows) > 0 {
			b.choiceOf[s] = b.choose(b.sourced(rows, item))
			return
		}
		b.choiceOf[s] = b.byNode(item, node)
	})
	return b.ctx.Err()
}

// sourced makes the lanes that a SKU's own sourcing rows name.
func (b *builder) sourced(rows []sourcingRow, item int32) []laneUse {
	uses := b.useBuf[:0]
	for i := range rows {
		r := &rows[i]
		l := &b.lanes[r.lane]
		if !l.fromVendor && !b.dcCarries(l.source, item) {
			continue
		}
		u := laneUse{
			lane: r.lane, prep: r.prep, transit: r.transit,
			from: max(r.from, l.validFrom), to: min(r.to, l.validTo),
		}
		if u.prep == l.prepDays {
			u.prep = -1
		}
		if u.transit == l.transitDays {
			u.transit = -1
		}
		uses = append(uses, u)
	}
	b.useBuf = uses
	return uses
}

// byNode makes the lanes into a node whose source carries the item.
func (b *builder) byNode(item, node int32) int32 {
	into := b.into[node]
	var mask uint64
	if len(into) <= 64 {
		for i, l := range into {
			if b.laneSources(l, item) {
				mask |= 1 << uint(i)
			}
		}
		if m := &b.lastSet[node]; m.set && m.mask == mask {
			return m.choice
		}
	}
	uses := b.useBuf[:0]
	for _, lane := range into {
		if !b.laneSources(lane, item) {
			continue
		}
		l := &b.lanes[lane]
		uses = append(uses, laneUse{lane: lane, prep: -1, transit: -1, from: l.validFrom, to: l.validTo})
	}
	b.useBuf = uses
	c := b.choose(uses)
	if len(into) <= 64 {
		b.lastSet[node] = maskChoice{mask: mask, choice: c, set: true}
	}
	return c
}

// choose returns the number of the choice with these lanes.
func (b *builder) choose(uses []laneUse) int32 {
	k := b.keyBuf[:0]
	for _, u := range uses {
		for _, x := range [5]int32{u.lane, u.prep, u.transit, int32(u.from), int32(u.to)} {
			k = binary.LittleEndian.AppendUint32(k, uint32(x))
		}
	}
	b.keyBuf = k
	if c, ok := b.byUses[string(k)]; ok {
		return c
	}
	n := int32(len(b.choices))
	b.byUses[string(k)] = n
	b.choices = append(b.choices, b.newChoice(append([]laneUse(nil), uses...)))
	return n
}

func (b *builder) newChoice(uses []laneUse) choice {
	c := choice{uses: uses, served: inputs.None}
	if len(uses) == 0 {
		return c
	}
	day0 := b.net.Nodes.Day0
	first := func(valid func(u *laneUse) bool) int {
		for i := range uses {
			if valid(&uses[i]) {
				return i
			}
		}
		return -1
	}
	c.primary = max(0, first(func(u *laneUse) bool { return u.on(day0[b.lanes[u.lane].source]) }))
	here := day0[b.lanes[uses[0].lane].dest]
	if l := &b.lanes[uses[max(0, first(func(u *laneUse) bool { return u.on(here) }))].lane]; l.fromDC {
		c.served = l.source
	}
	seen := map[int32]bool{}
	for o := range calendars.Day(b.horizon) {
		i := first(func(u *laneUse) bool { return u.on(day0[b.lanes[u.lane].source] + o) })
		if i < 0 {
			continue
		}
		if l := &b.lanes[uses[i].lane]; l.fromDC && !seen[l.source] {
			seen[l.source] = true
			c.effective = append(c.effective, l.source)
		}
	}
	sortIndexes(c.effective)
	return c
}

// on reports whether the lane may be ordered on a day.
func (u *laneUse) on(d calendars.Day) bool { return d >= u.from && d <= u.to }

// classLane gives all that decides the opportunities of a lane as a SKU uses it. What cannot matter is left
// out, so that lanes that behave alike are equal.
func (b *builder) classLane(u *laneUse) inputs.ClassLane {
	l := &b.lanes[u.lane]
	n := &b.net.Nodes
	c := inputs.ClassLane{
		SourceZone: n.Zone[l.source], DestZone: n.Zone[l.dest],
		SourceDay0: n.Day0[l.source], DestDay0: n.Day0[l.dest],
		SourceIsVendor: l.fromVendor, SourceOrderCal: inputs.None,
		LaneOrderCal: inputs.CalIdx(l.orderCal), DestOrderCal: n.OrderCal[l.dest],
		Cutoff: l.cutoff, PrepDays: l.prepDays, PickCal: n.PickCal[l.source],
		DepartCal: inputs.CalIdx(l.departCal), TransitCal: inputs.CalIdx(l.transitCal),
		ReceiveCal: inputs.CalIdx(l.receiveCal), TransitDays: l.transitDays, PutAwayDays: n.PutAwayDays[l.dest],
		TransitElapsed: l.transitElapsed, ValidFrom: u.from, ValidTo: u.to,
	}
	if l.fromVendor {
		c.SourceOrderCal = n.OrderCal[l.source]
	}
	if u.prep >= 0 {
		c.PrepDays = u.prep
	}
	if u.transit >= 0 {
		c.TransitDays = u.transit
	}
	if c.ValidFrom <= c.SourceDay0 {
		c.ValidFrom = calendars.MinDay // no order is placed before day 0
	}
	if c.ValidTo > calendars.SearchLimit(c.SourceDay0, b.horizon) {
		c.ValidTo = calendars.MaxDay // nor looked for after the search limit
	}
	return c
}
