package inputs

import (
	"cmp"
	"slices"

	"echelon/calendars"
)

// OverlayOptions says how remembered releases count.
type OverlayOptions struct {
	OrderFeedNone bool  // no order feed at all: a release counts until its usable day, named by an order or not at all
	LastAsOf      int64 // as-of of the DC's cycle before: a release whose grace ended by then is over and past; 0: none
}

// Grace counts the releases of a DC whose grace ends in this cycle: those from it, and those from vendors to
// rows of its partition.
type Grace struct {
	Ending  int64
	Unnamed int64 // of them, those that no open order names
}

// Unconfirmed reports whether more than half are unnamed: the gate `releases_unconfirmed`.
func (g Grace) Unconfirmed() bool { return 2*g.Unnamed > g.Ending }

// Overlay lays what earlier published cycles remember over a partition: releases as open orders to come and
// to be picked, and carry. The network's own releases (the table of that name) count too; of equal ids the
// given one does. Carry replaces the partition's unless it is nil. The result shares every column that it
// does not change; p stays as it is.
//
// A release that an open order names is dropped. One whose grace is over (as-of ≥ grace_until) stays among
// Inbound with OrderLapsed and counts no more. Releases of SKUs that the partition does not have are skipped.
func Overlay(p *Partition, net *Network, releases []Release, carry []CarryEntry, asOf int64, opt OverlayOptions) (*Partition, Grace) {
	out := *p
	o := overlay{
		p: &out, net: net, asOf: asOf, opt: opt, rows: finder{p: p, group: -1},
		items: lookup{ids: net.Items.ID}, nodes: lookup{ids: net.Nodes.ID}, lanes: lookup{ids: net.Lanes.ID},
		sets: map[CalIdx]*calendars.OpenSet{},
	}
	found := o.resolve(releases)
	if len(found) > 0 || carry != nil {
		out.Flags = slices.Clone(p.Flags)
	}
	for i := range found {
		o.lay(&found[i])
	}
	o.settle()
	if carry != nil {
		o.carry(carry)
	}
	return &out, o.grace
}

// lookup finds ids in a sorted dictionary, remembering what it was asked.
type lookup struct {
	ids  []string
	memo map[string]int32
}

func (l *lookup) index(id string) int32 {
	if at, ok := l.memo[id]; ok {
		return at
	}
	if l.memo == nil {
		l.memo = map[string]int32{}
	}
	at := int32(None)
	if i, ok := slices.BinarySearch(l.ids, id); ok {
		at = int32(i)
	}
	l.memo[id] = at
	return at
}

// laid is a release in the indexes of a network.
type laid struct {
	*Release
	item, dest, source, lane int32
}

type inboundRow struct {
	row, day int32
	qty      int64
	lane     LaneIdx
	flags    OrderFlags
	due      calendars.Day
	ref      string
}

type outboundRow struct {
	row, day int32
	qty      int64
	dest     NodeIdx
	lane     LaneIdx
	ref      string
}

type overlay struct {
	p                   *Partition
	net                 *Network
	asOf                int64
	opt                 OverlayOptions
	rows                finder
	items, nodes, lanes lookup
	sets                map[CalIdx]*calendars.OpenSet
	in                  []inboundRow
	out                 []outboundRow
	grace               Grace
}

// resolve gives the releases of items and nodes that the network has, once each, by (item, id).
func (o *overlay) resolve(releases []Release) []laid {
	var found []laid
	add := func(list []Release) {
		for i := range list {
			r := &list[i]
			x := laid{
				Release: r, item: o.items.index(r.Item), dest: o.nodes.index(r.Destination),
				source: o.nodes.index(r.Source), lane: o.lanes.index(r.Lane),
			}
			past := !o.opt.OrderFeedNone && o.opt.LastAsOf != 0 && r.GraceUntil <= o.opt.LastAsOf
			if x.item != None && x.dest != None && !past {
				found = append(found, x)
			}
		}
	}
	add(releases)
	add(o.net.Releases)
	slices.SortStableFunc(found, func(x, y laid) int {
		return cmp.Or(cmp.Compare(x.item, y.item), cmp.Compare(x.ID, y.ID))
	})
	return slices.CompactFunc(found, func(x, y laid) bool { return x.item == y.item && x.ID == y.ID })
}

func (o *overlay) named(id string) bool {
	if _, ok := slices.BinarySearch(o.p.Named, id); ok {
		return true
	}
	_, ok := slices.BinarySearch(o.net.Named, id)
	return ok
}

// lay counts one release at its destination and at its source, where those lie in the partition.
func (o *overlay) lay(r *laid) {
	row := o.rows.find(ItemIdx(r.item), NodeIdx(r.dest))
	mine := r.source != None && NodeIdx(r.source) == o.p.DC
	if row < 0 && !mine {
		return
	}
	named := o.named(r.ID)
	lapsed := !o.opt.OrderFeedNone && o.asOf >= r.GraceUntil
	vendor := r.source == None || o.net.Nodes.Kind[r.source] == Vendor
	if lapsed && (mine || (vendor && row >= 0)) {
		o.grace.Ending++
		if !named {
			o.grace.Unnamed++
		}
	}
	if named {
		return
	}
	in, counts := o.inbound(r)
	if !counts {
		return
	}
	if lapsed {
		in.flags |= OrderLapsed
	}
	if row >= 0 {
		in.row = int32(row)
		o.in = append(o.in, in)
		o.p.Flags[row] |= FlagInbound
	}
	if !mine || lapsed || (o.opt.OrderFeedNone && r.PickDay < o.net.Nodes.Day0[r.source]) {
		return // without an order feed, what was to be picked has left
	}
	if from := o.rows.find(ItemIdx(r.item), o.p.DC); from >= 0 {
		o.out = append(o.out, outboundRow{
			row: int32(from), day: int32(max(0, r.PickDay-o.net.Nodes.Day0[r.source])), qty: r.Quantity,
			dest: NodeIdx(r.dest), lane: LaneIdx(r.lane), ref: r.ID,
		})
		o.p.Flags[from] |= FlagOutbound
	}
}

// inbound gives the release as a receipt. Without an order feed it counts until its usable day.
func (o *overlay) inbound(r *laid) (in inboundRow, counts bool) {
	n := &o.net.Nodes
	day0 := n.Day0[r.dest]
	cal := n.ReceiveCal[r.dest]
	if r.lane != None {
		cal = o.net.Lanes.ReceiveCal[r.lane]
	}
	in = inboundRow{qty: r.Quantity, lane: LaneIdx(r.lane), due: r.ReceiveDay, ref: r.ID, flags: OrderRelease}
	if r.source != None && r.OrderDay == n.Day0[r.source] {
		in.flags |= OrderToday
	}
	from := r.ReceiveDay
	if !o.opt.OrderFeedNone && from < day0 {
		in.flags |= OrderOverdue
		from = day0
	}
	limit := max(calendars.SearchLimit(day0, o.p.Horizon), from)
	receive, ok := o.openSet(cal, day0).NextOpen(from, limit)
	if !ok {
		receive = limit + 1
	}
	usable := receive + calendars.Day(n.PutAwayDays[r.dest])
	in.day = int32(usable - day0)
	return in, usable >= day0
}

func (o *overlay) openSet(cal CalIdx, day0 calendars.Day) *calendars.OpenSet {
	if cal == None {
		return nil
	}
	set, ok := o.sets[cal]
	if !ok {
		set = calendars.NewOpenSet(&o.net.Calendars[cal], day0-30, calendars.SearchLimit(day0, o.p.Horizon))
		o.sets[cal] = set
	}
	return set
}

// settle merges what was laid with what was there, in order.
func (o *overlay) settle() {
	if len(o.in) > 0 {
		b := &o.p.Inbound
		for i, row := range b.Row {
			o.in = append(o.in, inboundRow{row, b.Day[i], b.Qty[i], b.Lane[i], b.Flags[i], b.Due[i], b.Ref[i]})
		}
		slices.SortFunc(o.in, func(x, y inboundRow) int {
			return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day), cmp.Compare(x.ref, y.ref))
		})
		var in Inbound
		for _, x := range o.in {
			in.Row, in.Day, in.Qty = append(in.Row, x.row), append(in.Day, x.day), append(in.Qty, x.qty)
			in.Lane, in.Flags = append(in.Lane, x.lane), append(in.Flags, x.flags)
			in.Due, in.Ref = append(in.Due, x.due), append(in.Ref, x.ref)
		}
		o.p.Inbound = in
	}
	if len(o.out) == 0 {
		return
	}
	b := &o.p.Outbound
	for i, row := range b.Row {
		o.out = append(o.out, outboundRow{row, b.Day[i], b.Qty[i], b.Dest[i], b.Lane[i], b.Ref[i]})
	}
	slices.SortFunc(o.out, func(x, y outboundRow) int {
		return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day), cmp.Compare(x.dest, y.dest), cmp.Compare(x.ref, y.ref))
	})
	var out Outbound
	for _, x := range o.out {
		out.Row, out.Day, out.Qty = append(out.Row, x.row), append(out.Day, x.day), append(out.Qty, x.qty)
		out.Dest, out.Lane, out.Ref = append(out.Dest, x.dest), append(out.Lane, x.lane), append(out.Ref, x.ref)
	}
	o.p.Outbound = out
}

// carry replaces the partition's carry.
func (o *overlay) carry(entries []CarryEntry) {
	type entry struct {
		row   int32
		units int64
	}
	var rows []entry
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(x, y CarryEntry) int { return cmp.Or(cmp.Compare(x.Item, y.Item), cmp.Compare(x.Node, y.Node)) })
	for _, c := range sorted {
		item, node := o.items.index(c.Item), o.nodes.index(c.Node)
		if item == None || node == None || c.Units == 0 {
			continue
		}
		if row := o.rows.find(ItemIdx(item), NodeIdx(node)); row >= 0 {
			rows = append(rows, entry{int32(row), c.Units})
		}
	}
	slices.SortFunc(rows, func(x, y entry) int { return cmp.Compare(x.row, y.row) })
	for _, row := range o.p.Carry.Row {
		o.p.Flags[row] &^= FlagCarry
	}
	o.p.Carry = CarryRows{}
	for _, x := range rows {
		o.p.Flags[x.row] |= FlagCarry
		o.p.Carry.Row, o.p.Carry.Units = append(o.p.Carry.Row, x.row), append(o.p.Carry.Units, x.units)
	}
}
