package planner

import (
	"slices"

	"echelon/inputs"
	"echelon/planner/net"
)

// request is a row of a child unit that orders from this one: all that netting it again needs, and its
// orders as first netted.
type request struct {
	facts    net.Facts
	item     int8
	node     inputs.NodeIdx
	set      inputs.LaneSetIdx
	lots     inputs.LotSetIdx
	rank     int32
	window   int32 // last day of the child DC's own deployment window, -1 for others
	carry    int64
	flags    skuFlags
	own      []int64
	prom     []int64
	dep      [4][]int64
	depEnd   [4][]int64
	receipts []net.Receipt
	stock    []net.LotStock
	dated    []net.DatedUnits
	asked    book
	unit     int // the child unit
}

// fill gives the request's row as it was netted.
func (q *request) fill(r *net.Row, run *run) {
	r.Facts = q.facts
	r.Own, r.Lent = q.own, false
	r.Prom, r.Dep, r.DepEnd = nil, [4][]int64{}, [4][]int64{}
	if len(q.prom) > 0 {
		r.Prom = q.prom
	}
	if len(q.dep[0]) > 0 {
		r.Dep, r.DepEnd = q.dep, q.depEnd
	}
	r.Receipts = append(r.Receipts[:0], q.receipts...)
	r.Lots = append(r.Lots[:0], q.stock...)
	r.Dated = append(r.Dated[:0], q.dated...)
	r.LaneLots = nil
	if q.lots != inputs.None {
		r.LaneLots = run.lots[q.lots]
	}
}

// foreign gives the unit whose DC a row orders from, -1 when it orders inside its own unit and from vendors.
func (d *desk) foreign(s *sku) int {
	if s.class == inputs.None || s.site < 0 {
		return -1
	}
	lanes := d.net.LaneSets[s.set].Lanes
	for _, lane := range d.classes[s.class].used {
		source := d.net.Lanes.Source[lanes[lane]]
		if d.siteOf[source] < 0 && d.net.Nodes.Kind[source] != inputs.Vendor {
			return int(d.unitOf[source])
		}
	}
	return -1
}

// appendRequests writes the group's rows that order from a unit, in order of item and node; false: none.
func (d *desk) appendRequests(b []byte, parent int) ([]byte, bool) {
	var rows []int32
	for _, i := range d.byItem {
		if s := &d.skus[i]; s.flags&skuHeld == 0 && d.foreign(s) == parent {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return b, false
	}
	b = appendInt(b, int64(len(rows)))
	for _, i := range rows {
		b = d.appendRequest(b, &d.skus[i])
	}
	return b, true
}

func (d *desk) appendRequest(b []byte, s *sku) []byte {
	d.facts(s, &d.row)
	r := &d.row
	window := int64(-1)
	if s.flags&skuOwn != 0 {
		window = int64(d.window[d.cell(s.site, s.item)])
	}
	p := d.sites[s.site].part
	for _, v := range [...]int64{
		int64(s.item), int64(s.node), int64(s.set), int64(p.LotSet[s.row]), int64(d.rank(s)), window,
		d.carry(s), int64(s.flags),
		int64(r.Policy), r.Avail, r.Safety, r.SafeDays, r.Present, r.Cap, r.Min, r.Max,
		int64(r.Cover), int64(r.Life), int64(r.From), int64(r.To),
	} {
		b = appendInt(b, v)
	}
	b = appendBool(b, r.Lost)
	b = appendInts(b, r.Own)
	b = appendInts(b, r.Prom)
	for t := range r.Dep {
		b = appendInts(b, r.Dep[t])
		b = appendInts(b, r.DepEnd[t])
	}
	b = appendInt(b, int64(len(r.Receipts)))
	for _, x := range r.Receipts {
		b = appendInt(appendInt(appendInt(b, int64(x.Day)), int64(x.Lane)), int64(x.Entry))
		b = appendInt(appendBool(b, x.Today), x.Units)
	}
	b = appendInt(b, int64(len(r.Lots)))
	for _, x := range r.Lots {
		b = appendInt(appendInt(b, int64(x.Expires)), x.Units)
	}
	b = appendInt(b, int64(len(r.Dated)))
	for _, x := range r.Dated {
		b = appendInt(appendInt(b, int64(x.From)), x.Units)
	}
	return d.appendOrders(b, s.first, s.count)
}

// readRequest reads one request into q, reusing its slices.
func (q *request) read(w *wire, run *run) {
	q.item, q.node = int8(w.int()), inputs.NodeIdx(w.int())
	q.set, q.lots = inputs.LaneSetIdx(w.int()), inputs.LotSetIdx(w.int())
	q.rank, q.window, q.carry = int32(w.int()), int32(w.int()), w.int()
	q.flags = skuFlags(w.int())
	f := &q.facts
	*f = net.Facts{H: run.horizon, Promises: q.flags&skuOwn != 0, Expedited: run.policy.OrderExpedited}
	f.Policy, f.Avail, f.Safety, f.SafeDays, f.Present = uint8(w.int()), w.int(), w.int(), w.int(), w.int()
	f.Cap, f.Min, f.Max = w.int(), w.int(), w.int()
	f.Cover, f.Life, f.From, f.To = int32(w.int()), int32(w.int()), int32(w.int()), int32(w.int())
	f.Lost = w.int() != 0
	q.own, q.prom = w.ints(q.own), w.ints(q.prom)
	for t := range q.dep {
		q.dep[t], q.depEnd[t] = w.ints(q.dep[t]), w.ints(q.depEnd[t])
	}
	q.receipts, q.stock, q.dated = q.receipts[:0], q.stock[:0], q.dated[:0]
	for range w.count() {
		x := net.Receipt{Day: int32(w.int()), Lane: int32(w.int()), Entry: int32(w.int())}
		x.Today, x.Units = w.int() != 0, w.int()
		q.receipts = append(q.receipts, x)
	}
	for range w.count() {
		q.stock = append(q.stock, net.LotStock{Expires: int32(w.int()), Units: w.int()})
	}
	for range w.count() {
		q.dated = append(q.dated, net.DatedUnits{From: int32(w.int()), Units: w.int()})
	}
	q.asked.empty()
	q.asked.read(w)
}

// valid reports whether a request names what the network has and its columns have the right lengths.
func (q *request) valid(run *run) bool {
	n := run.net
	h := run.horizon
	if q.item < 0 || q.item >= inputs.TileRows || q.node < 0 || int(q.node) >= len(n.Nodes.ID) ||
		q.set < 0 || int(q.set) >= len(n.LaneSets) || q.lots < 0 || int(q.lots) >= len(run.lots) {
		return false
	}
	planned := run.classes[n.LaneSets[q.set].Class].Planned
	dep := len(q.dep[0])
	ok := len(q.own) == h && (len(q.prom) == 0 || len(q.prom) == h) && (dep == 0 || dep == h)
	for t := range q.dep {
		ok = ok && len(q.dep[t]) == dep && (dep == 0 || len(q.depEnd[t]) == 14)
	}
	for k := range q.asked.orders {
		o := &q.asked.orders[k]
		ok = ok && o.opp >= 0 && int(o.opp) < planned
	}
	return ok
}

// adoptAll lets the orders of a book be the SKU's.
func (d *desk) adoptAll(i int32, from *book) {
	s := &d.skus[i]
	s.first, s.count = int32(len(d.orders)), int32(len(from.orders))
	d.adopt(from)
}

// takeRequests registers the child units' rows of the group.
func (d *desk) takeRequests() {
	for i := range d.inbound {
		in := &d.inbound[i]
		if d.problem != nil || !in.has(d.work.group) {
			continue
		}
		blob, err := in.get(d.ctx, d.exchange, d.work.group)
		if err != nil {
			d.problem = err
			return
		}
		w := wire{buf: blob}
		for range w.count() {
			d.takeRequest(&w, in.from)
		}
		if w.err() != nil || d.problem != nil {
			d.problem = errWire
			return
		}
	}
}

func (d *desk) takeRequest(w *wire, unit int) {
	k := len(d.requests)
	d.requests = slices.Grow(d.requests, 1)[:k+1]
	q := &d.requests[k]
	q.read(w, d.run)
	q.unit = unit
	if w.bad || !q.valid(d.run) {
		d.problem = errWire
		d.requests = d.requests[:k]
		return
	}
	if d.asked>>uint(q.item)&1 == 0 {
		d.requests = d.requests[:k]
		return
	}
	i := int32(len(d.skus))
	d.skus = append(d.skus, sku{
		site: -1, item: q.item, flags: q.flags & (skuOrders | skuOwn), row: int32(k), node: q.node,
		set: q.set, class: d.net.LaneSets[q.set].Class,
	})
	d.adoptAll(i, &q.asked)
}

// appendAnswers writes every line of the rows that a child unit asked for, in the order of its requests.
func (d *desk) appendAnswers(b []byte, child int) []byte {
	n := 0
	for k := range d.requests {
		if d.requests[k].unit == child {
			n++
		}
	}
	b = appendInt(b, int64(n))
	for i := range d.skus {
		s := &d.skus[i]
		if s.site >= 0 || d.requests[s.row].unit != child {
			continue
		}
		tab := d.table(s)
		for k := s.first; k < s.first+s.count; k++ {
			o := &d.orders[k]
			if o.state == orderFixed {
				continue
			}
			if d.promised(s, o, &tab.Opps[o.opp]) {
				d.fix(o, d.wanted(o))
			} else {
				o.state = orderFree
			}
		}
		b = appendInt(appendInt(b, int64(s.item)), int64(s.node))
		b = appendBool(b, s.flags&skuShorted != 0)
		b = d.appendOrders(b, s.first, s.count)
	}
	return b
}

// takeAnswers replaces the orders of rows that parent units were asked for.
func (d *desk) takeAnswers() {
	for i := range d.answers {
		in := &d.answers[i]
		if d.problem != nil || !in.has(d.work.group) {
			continue
		}
		blob, err := in.get(d.ctx, d.exchange, d.work.group)
		if err != nil {
			d.problem = err
			return
		}
		w := wire{buf: blob}
		next := 0
		for range w.count() {
			item, node := int8(w.int()), inputs.NodeIdx(w.int())
			shorted := w.int() != 0
			var given book
			given.read(&w)
			if item < 0 || item >= inputs.TileRows || d.asked>>uint(item)&1 == 0 {
				continue // answered, and as it was
			}
			for next < len(d.byItem) && (d.skus[d.byItem[next]].item != item || d.skus[d.byItem[next]].node != node) {
				next++
			}
			if w.bad || next == len(d.byItem) {
				d.problem = errWire
				return
			}
			d.answered(d.byItem[next], &given, shorted)
		}
		if w.err() != nil {
			d.problem = errWire
			return
		}
	}
}

func (d *desk) answered(i int32, given *book, shorted bool) {
	s := &d.skus[i]
	tab := d.table(s)
	d.stand(s, tab, -1)
	d.adoptAll(i, given)
	d.stand(s, tab, 1)
	s.flags |= skuAnswered | skuShort | skuNoted
	if shorted {
		s.flags |= skuShorted
	}
}
