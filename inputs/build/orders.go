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

// orderWorld is what open orders are read in.
type orderWorld struct {
	net     *inputs.Network
	horizon int
	lanes   []laneFacts // parallel to Network.Lanes
	openSet func(cal int32) *calendars.OpenSet
	find    func(item, node int32) orderAt
	prep    func(item, lane int32) int32 // a sourcing row's own preparation days, -1: none
}

// orderAt is the place of a row; part -1: there is none.
type orderAt struct{ part, row int32 }

var nowhere = orderAt{-1, -1}

// orderBook collects what open orders mean for rows.
type orderBook struct {
	orderWorld
	in, out []orderRow
	named   []namedRelease // each once per order
}

func (b *builder) readOrders() error {
	book := &orderBook{orderWorld: orderWorld{
		net: b.net, horizon: b.horizon, lanes: b.lanes, openSet: b.openSet,
		find: func(item, node int32) orderAt {
			s := b.find(item, node)
			if s == inputs.None {
				return nowhere
			}
			return orderAt{b.partition(s), b.rowOf[s]}
		},
		prep: func(item, lane int32) int32 {
			prep := int32(-1)
			for _, r := range b.sourcesOf(b.find(item, b.lanes[lane].dest)) {
				if r.lane == lane && r.prep >= 0 {
					prep = r.prep
				}
			}
			return prep
		},
	}}
	refs := orderRefs{b.itemIDs.refs(), b.nodeIDs.refs(), b.nodeIDs.refs(), b.laneIDs.refs()}
	err := b.each("open_orders", func(t *inputs.Batch, n *inputs.Counts) error {
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			o, column := refs.read(t, r)
			if column != "" {
				b.report.unknown(t, r, column)
				book.name(t.Col("release_id").Str(r), nowhere, nowhere)
				continue
			}
			if !book.take(t, r, &o) {
				n.Filtered++
			}
		}
		return b.ctx.Err()
	})
	if err != nil {
		return err
	}
	b.settleOrders(book)
	return nil
}

// orderRefs resolves the references of orders.
type orderRefs struct{ items, nodes, sources, lanes *reference }

// read resolves row r; column is the first whose id is unknown, "" none.
func (f *orderRefs) read(t *inputs.Batch, r int) (o openOrder, column string) {
	o = openOrder{item: f.items.index(t.Col("item"), r), dest: f.nodes.index(t.Col("destination"), r)}
	var okSource, okLane bool
	o.source, okSource = f.sources.optional(t.Col("source"), r)
	o.lane, okLane = f.lanes.optional(t.Col("lane"), r)
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
	return o, column
}

// take notes what row r means; false: it touches no row.
func (book *orderBook) take(t *inputs.Batch, r int, o *openOrder) bool {
	if o.source == inputs.None && o.lane != inputs.None {
		o.source = book.lanes[o.lane].source
	}
	release := t.Col("release_id").Str(r)
	at, from := book.find(o.item, o.dest), nowhere
	if o.source != inputs.None && book.net.Nodes.Kind[o.source] == inputs.DC {
		from = book.find(o.item, o.source)
	}
	book.name(release, at, from)
	if o.source == inputs.None && at != nowhere {
		book.name(release, nowhere, nowhere) // its source is not known: any may have promised it
	}
	if at == nowhere && from == nowhere {
		return false
	}
	if status := t.Col("status").Int(r, 0); status >= inputs.StatusReleased && status <= inputs.StatusShipped {
		o.read(t, r, status)
		book.inbound(o, at)
		book.outbound(o, from)
	}
	return true
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

// name remembers that an order names a release, at the rows it touches: once per partition.
func (book *orderBook) name(release string, at, from orderAt) {
	if release == "" {
		return
	}
	if at == nowhere && from == nowhere {
		book.named = append(book.named, namedRelease{inputs.None, release})
		return
	}
	parts := [3]int32{at.part, from.part, book.issuer(release)}
	for i, part := range parts {
		if part != inputs.None && !slices.Contains(parts[:i], part) {
			book.named = append(book.named, namedRelease{part, release})
		}
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
func (book *orderBook) inbound(o *openOrder, s orderAt) {
	if s == nowhere || o.open <= 0 {
		return
	}
	n := &book.net.Nodes
	day0 := n.Day0[o.dest]
	x := orderRow{part: s.part, row: s.row, lane: o.lane, qty: o.open, due: o.dueOn, ref: o.ref}
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
}

// outbound counts what is not yet shipped at a source that is a DC, on its pick day.
func (book *orderBook) outbound(o *openOrder, s orderAt) {
	if s == nowhere || o.unshipped <= 0 || book.net.Nodes.ReservedIncludesTransfers[o.source] {
		return
	}
	day0 := book.net.Nodes.Day0[o.source]
	x := orderRow{
		part: s.part, row: s.row, lane: o.lane, dest: o.dest, qty: o.unshipped, ref: o.ref,
		day: int32(max(0, book.pickDay(o)-day0)),
	}
	book.out = append(book.out, x)
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
		if prep = l.prepDays; book.prep(o.item, o.lane) >= 0 {
			prep = book.prep(o.item, o.lane)
		}
	}
	limit := calendars.SearchLimit(day0, book.horizon)
	pick, ok := book.openSet(int32(book.net.Nodes.PickCal[o.source])).NthOpenAfter(o.orderedOn, prep, max(limit, o.orderedOn))
	if !ok {
		return max(limit, o.orderedOn) + 1
	}
	return pick
}

func compareInbound(x, y *orderRow) int {
	return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day), cmp.Compare(x.ref, y.ref))
}

func compareOutbound(x, y *orderRow) int {
	return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day),
		cmp.Compare(x.dest, y.dest), cmp.Compare(x.ref, y.ref))
}

func appendInbound(in *inputs.Inbound, x *orderRow) {
	in.Row, in.Day, in.Qty = append(in.Row, x.row), append(in.Day, x.day), append(in.Qty, x.qty)
	in.Lane, in.Flags = append(in.Lane, inputs.LaneIdx(x.lane)), append(in.Flags, x.flags)
	in.Due, in.Ref = append(in.Due, x.due), append(in.Ref, x.ref)
}

func appendOutbound(out *inputs.Outbound, x *orderRow) {
	out.Row, out.Day, out.Qty = append(out.Row, x.row), append(out.Day, x.day), append(out.Qty, x.qty)
	out.Dest, out.Lane = append(out.Dest, inputs.NodeIdx(x.dest)), append(out.Lane, inputs.LaneIdx(x.lane))
	out.Ref = append(out.Ref, x.ref)
}

// settleOrders sorts what was collected and hands each partition its own.
func (b *builder) settleOrders(book *orderBook) {
	slices.SortFunc(book.in, func(x, y orderRow) int { return compareInbound(&x, &y) })
	for i := range book.in {
		x := &book.in[i]
		b.parts[x.part].Flags[x.row] |= inputs.FlagInbound
		appendInbound(&b.parts[x.part].Inbound, x)
	}
	slices.SortFunc(book.out, func(x, y orderRow) int { return compareOutbound(&x, &y) })
	for i := range book.out {
		x := &book.out[i]
		b.parts[x.part].Flags[x.row] |= inputs.FlagOutbound
		appendOutbound(&b.parts[x.part].Outbound, x)
	}
	slices.SortFunc(book.named, compareNamed)
	kept := &ordersKept{lanes: b.lanes, openSets: b.openSets, prep: map[uint64]int32{}, more: map[namedRelease]int32{}}
	for i, x := range book.named {
		switch {
		case i > 0 && x == book.named[i-1]:
			kept.more[x]++
		case x.part == inputs.None:
			b.net.Named = append(b.net.Named, x.id)
		default:
			p := b.parts[x.part]
			p.Named = append(p.Named, x.id)
		}
	}
	if b.sourceAt != nil {
		b.eachSKU(func(s, item, _ int32) {
			for _, r := range b.sourcesOf(s) {
				if r.prep >= 0 {
					kept.prep[key(item, r.lane)] = r.prep
				}
			}
		})
	}
	b.orders = kept
}

func compareNamed(x, y namedRelease) int {
	return cmp.Or(cmp.Compare(x.part, y.part), cmp.Compare(x.id, y.id))
}

// ordersKept is what open orders of a later cut are read with.
type ordersKept struct {
	lanes    []laneFacts
	openSets []*calendars.OpenSet
	prep     map[uint64]int32       // by item and lane
	more     map[namedRelease]int32 // orders beside the first that name a release
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
