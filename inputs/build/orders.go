package build

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"echelon/calendars"
	"echelon/inputs"
)

// openOrder is a row of open_orders with its references resolved; None where there is none.
type openOrder struct {
	item, dest, source, lane int32
	open                     int64 // ordered − received − cancelled
	unshipped                int64 // not yet shipped
	orderedOn, pickOn, dueOn calendars.Day
	hasOrderedOn, hasPickOn  bool
	ref                      string
}

// orderRow is an entry of Inbound or Outbound before it is put in order.
type orderRow struct {
	part, row, day, lane, dest int32
	qty                        int64
	flags                      inputs.OrderFlags
	due                        calendars.Day
	ref                        string
}

type namedRelease struct {
	part int32 // -1: no row of the order is known
	id   string
}

// orderBook collects what open orders mean for rows.
type orderBook struct {
	*builder
	in, out []orderRow
	named   []namedRelease
}

func (b *builder) readOrders() error {
	book := &orderBook{builder: b}
	items, nodes, sources, lanes := b.itemIDs.refs(), b.nodeIDs.refs(), b.nodeIDs.refs(), b.laneIDs.refs()
	err := b.each("open_orders", func(t *inputs.Batch, n *inputs.Counts) error {
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			release := t.Col("release_id").Str(r)
			o := openOrder{item: items.index(t.Col("item"), r), dest: nodes.index(t.Col("destination"), r)}
			var okSource, okLane bool
			o.source, okSource = sources.optional(t.Col("source"), r)
			o.lane, okLane = lanes.optional(t.Col("lane"), r)
			column := ""
			switch {
			case o.item < 0:
				column = "item"
			case o.dest < 0:
				column = "destination"
			case !okSource:
				column = "source"
			case !okLane:
				column = "lane"
			}
			if column != "" {
				b.report.unknown(t, r, column)
				book.name(release, inputs.None, inputs.None)
				continue
			}
			if o.source == inputs.None && o.lane != inputs.None {
				o.source = b.lanes[o.lane].source
			}
			at, from := b.find(o.item, o.dest), int32(inputs.None)
			if o.source != inputs.None && b.net.Nodes.Kind[o.source] == inputs.DC {
				from = b.find(o.item, o.source)
			}
			book.name(release, at, from)
			if o.source == inputs.None && at != inputs.None {
				book.name(release, inputs.None, inputs.None) // its source is not known: any may have promised it
			}
			if at == inputs.None && from == inputs.None {
				n.Filtered++
				continue
			}
			if status := t.Col("status").Int(r, 0); status >= inputs.StatusReleased && status <= inputs.StatusShipped {
				o.read(t, r, status)
				book.inbound(&o, at)
				book.outbound(&o, from)
			}
		}
		return b.ctx.Err()
	})
	if err != nil {
		return err
	}
	book.settle()
	return nil
}

// read takes the quantities and days of row r.
func (o *openOrder) read(t *inputs.Batch, r int, status int64) {
	ordered, received := t.Col("ordered").Int(r, 0), t.Col("received").Int(r, 0)
	left := ordered - t.Col("cancelled").Int(r, 0)
	o.open = left - received
	all := int64(0)
	if status == inputs.StatusShipped {
		all = left
	}
	o.unshipped = max(0, left-max(t.Col("shipped").Int(r, all), received))
	o.hasOrderedOn, o.hasPickOn = !t.Col("ordered_on").IsNull(r), !t.Col("pick_on").IsNull(r)
	o.orderedOn, o.pickOn = dayOr(t.Col("ordered_on"), r, 0), dayOr(t.Col("pick_on"), r, 0)
	o.dueOn = dayOr(t.Col("due_on"), r, 0)
	o.ref = t.Col("order").Str(r) + "/" + strconv.FormatInt(t.Col("line").Int(r, 0), 10)
}

// name remembers that an order names a release, at the rows it touches.
func (book *orderBook) name(release string, at, from int32) {
	if release == "" {
		return
	}
	if at == inputs.None && from == inputs.None {
		book.named = append(book.named, namedRelease{inputs.None, release})
		return
	}
	for _, s := range [2]int32{at, from} {
		if s != inputs.None {
			book.named = append(book.named, namedRelease{book.partition(s), release})
		}
	}
	if i := book.issuer(release); i != inputs.None {
		book.named = append(book.named, namedRelease{i, release})
	}
}

// issuer gives the partition whose DC issued a release, by the release's own id (cycle/dc/layer/item/line): an order
// that was led to another DC's node names it there too. None: the id is not of that form, or no partition is so named.
func (book *orderBook) issuer(release string) int32 {
	parts := strings.SplitN(release, "/", 6)
	if len(parts) != 5 {
		return inputs.None
	}
	for i, dc := range book.net.DCs {
		if dc == inputs.Direct && parts[1] == "_direct" || dc != inputs.Direct && book.net.Nodes.ID[dc] == parts[1] {
			return int32(i)
		}
	}
	return inputs.None
}

// inbound counts an order at its destination, on the day it becomes usable.
func (book *orderBook) inbound(o *openOrder, s int32) {
	if s == inputs.None || o.open <= 0 {
		return
	}
	n := &book.net.Nodes
	day0 := n.Day0[o.dest]
	x := orderRow{part: book.partition(s), row: book.rowOf[s], lane: o.lane, qty: o.open, due: o.dueOn, ref: o.ref}
	if o.dueOn < day0 {
		x.flags |= inputs.OrderOverdue
	}
	placed := day0
	if o.source != inputs.None {
		placed = n.Day0[o.source]
	}
	if o.hasOrderedOn && o.orderedOn == placed {
		x.flags |= inputs.OrderToday
	}
	cal := int32(n.ReceiveCal[o.dest])
	if o.lane != inputs.None {
		cal = book.lanes[o.lane].receiveCal
	}
	limit := calendars.SearchLimit(day0, book.horizon)
	receive, ok := book.openSet(cal).NextOpen(max(o.dueOn, day0), max(limit, o.dueOn))
	if !ok {
		receive = max(limit, o.dueOn) + 1 // never while anybody looks
	}
	x.day = int32(receive - day0 + calendars.Day(n.PutAwayDays[o.dest]))
	book.in = append(book.in, x)
	book.parts[x.part].Flags[x.row] |= inputs.FlagInbound
}

// outbound counts what is not yet shipped at a source that is a DC, on its pick day.
func (book *orderBook) outbound(o *openOrder, s int32) {
	if s == inputs.None || o.unshipped <= 0 || book.net.Nodes.ReservedIncludesTransfers[o.source] {
		return
	}
	day0 := book.net.Nodes.Day0[o.source]
	x := orderRow{
		part: book.partition(s), row: book.rowOf[s], lane: o.lane, dest: o.dest, qty: o.unshipped, ref: o.ref,
		day: int32(max(0, book.pickDay(o)-day0)),
	}
	book.out = append(book.out, x)
	book.parts[x.part].Flags[x.row] |= inputs.FlagOutbound
}

// pickDay gives the order's pick day, from its order day and the pick leg of its lane where it is not given.
func (book *orderBook) pickDay(o *openOrder) calendars.Day {
	day0 := book.net.Nodes.Day0[o.source]
	switch {
	case o.hasPickOn:
		return o.pickOn
	case !o.hasOrderedOn:
		return day0
	}
	prep := int32(0)
	if o.lane != inputs.None {
		l := &book.lanes[o.lane]
		prep = l.prepDays
		for _, r := range book.sourcesOf(book.find(o.item, l.dest)) {
			if r.lane == o.lane && r.prep >= 0 {
				prep = r.prep
			}
		}
	}
	limit := calendars.SearchLimit(day0, book.horizon)
	pick, ok := book.openSet(int32(book.net.Nodes.PickCal[o.source])).NthOpenAfter(o.orderedOn, prep, max(limit, o.orderedOn))
	if !ok {
		return max(limit, o.orderedOn) + 1
	}
	return pick
}

// settle sorts what was collected and hands each partition its own.
func (book *orderBook) settle() {
	slices.SortFunc(book.in, func(x, y orderRow) int {
		return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day), cmp.Compare(x.ref, y.ref))
	})
	for i := range book.in {
		x := &book.in[i]
		in := &book.parts[x.part].Inbound
		in.Row, in.Day, in.Qty = append(in.Row, x.row), append(in.Day, x.day), append(in.Qty, x.qty)
		in.Lane, in.Flags = append(in.Lane, inputs.LaneIdx(x.lane)), append(in.Flags, x.flags)
		in.Due, in.Ref = append(in.Due, x.due), append(in.Ref, x.ref)
	}
	slices.SortFunc(book.out, func(x, y orderRow) int {
		return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day),
			cmp.Compare(x.dest, y.dest), cmp.Compare(x.ref, y.ref))
	})
	for i := range book.out {
		x := &book.out[i]
		out := &book.parts[x.part].Outbound
		out.Row, out.Day, out.Qty = append(out.Row, x.row), append(out.Day, x.day), append(out.Qty, x.qty)
		out.Dest, out.Lane = append(out.Dest, inputs.NodeIdx(x.dest)), append(out.Lane, inputs.LaneIdx(x.lane))
		out.Ref = append(out.Ref, x.ref)
	}
	slices.SortFunc(book.named, func(x, y namedRelease) int {
		return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.id, y.id))
	})
	for _, x := range slices.Compact(book.named) {
		if x.part == inputs.None {
			book.net.Named = append(book.net.Named, x.id)
			continue
		}
		p := book.parts[x.part]
		p.Named = append(p.Named, x.id)
	}
}

// readReleases keeps the table of remembered releases for Overlay.
func (b *builder) readReleases() error {
	items, dests, sources, lanes := b.itemIDs.refs(), b.nodeIDs.refs(), b.nodeIDs.refs(), b.laneIDs.refs()
	err := b.each("releases", func(t *inputs.Batch, n *inputs.Counts) error {
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			column := ""
			for _, c := range []struct {
				column string
				refs   *reference
			}{{"item", items}, {"destination", dests}, {"source", sources}, {"lane", lanes}} {
				if column == "" && c.refs.index(t.Col(c.column), r) < 0 {
					column = c.column
				}
			}
			if column != "" {
				b.report.unknown(t, r, column)
				continue
			}
			b.net.Releases = append(b.net.Releases, inputs.Release{
				ID: t.Col("release_id").Str(r), Item: t.Col("item").Str(r), Destination: t.Col("destination").Str(r),
				Source: t.Col("source").Str(r), Lane: t.Col("lane").Str(r), Quantity: t.Col("quantity").Int(r, 0),
				OrderDay: dayOr(t.Col("order_day"), r, 0), PickDay: dayOr(t.Col("pick_day"), r, 0),
				ReceiveDay: dayOr(t.Col("receive_day"), r, 0), Cycle: t.Col("cycle").Str(r),
				AsOf: t.Col("as_of").Int(r, 0), GraceUntil: t.Col("grace_until").Int(r, 0),
			})
		}
		return nil
	})
	slices.SortFunc(b.net.Releases, func(x, y inputs.Release) int { return cmp.Compare(x.ID, y.ID) })
	return err
}
