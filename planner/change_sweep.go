package planner

import (
	"context"
	"fmt"
	"slices"

	"echelon/inputs"
	"echelon/planner/net"
)

// sweep plans what differs from the base: lone units in one visit each; of the others first all facts, then asks,
// then, knowing which requests differ, gives from the vendors' side down.
func (x *change) sweep(ctx context.Context, asked, gives []bool) error {
	p := x.p
	x.touch = newItemSet(len(x.net.Items.ID))
	var lone []*job
	var linked []int
	for u := range p.units {
		switch {
		case !asked[u]:
		case x.lone(u):
			lone = append(lone, &job{unit: u, give: true})
		default:
			if err := x.look(ctx, u); err != nil {
				return err
			}
			linked = append(linked, u)
		}
	}
	x.settleCarries(linked)
	for _, u := range linked {
		x.weigh(&x.units[u])
		x.touch.join(x.units[u].diff)
	}
	if err := p.drive(ctx, lone); err != nil {
		return err
	}
	if err := x.ask(ctx, asked); err != nil {
		return err
	}
	if err := x.settle(ctx, asked, gives); err != nil {
		return err
	}
	if err := x.give(ctx, gives); err != nil {
		return err
	}
	late := x.late
	x.late = nil
	return x.finish(ctx, late)
}

// look reads the facts of a unit that has to do with others.
func (x *change) look(ctx context.Context, u int) error {
	p := x.p
	parts := make([]*inputs.Partition, len(p.units[u].dcs))
	for i, at := range p.units[u].dcs {
		part, err := p.loader.Partition(ctx, p.net.DCs[at])
		if err != nil {
			return fmt.Errorf("load %s: %w", p.dcName(p.net.DCs[at]), err)
		}
		parts[i] = part
	}
	defer p.giveBack(parts)
	return x.facts(ctx, u, parts)
}

// ask asks what differs anywhere; when nothing does, the units' boxes are empty.
func (x *change) ask(ctx context.Context, asked []bool) error {
	var jobs []*job
	of := make([]*job, len(x.p.units))
	for u := range x.p.units {
		if !asked[u] || len(x.p.units[u].parents) == 0 {
			continue
		}
		if x.touch.empty() {
			if err := x.empty(ctx, "requests", u, x.p.units[u].parents); err != nil {
				return err
			}
			continue
		}
		of[u] = &job{unit: u}
		for _, child := range x.p.units[u].children {
			of[u].after = append(of[u].after, of[child])
		}
		jobs = append(jobs, of[u])
	}
	return x.p.drive(ctx, jobs)
}

// empty closes boxes in which nothing was put.
func (x *change) empty(ctx context.Context, kind string, from int, to []int) error {
	for _, u := range to {
		box := x.p.inbox(kind, from, u)
		if err := box.close(ctx, x.p.exchange, nil); err != nil {
			return err
		}
	}
	return nil
}

// give gives what units must, and what their parents may have answered otherwise than in the base.
func (x *change) give(ctx context.Context, gives []bool) error {
	p := x.p
	var jobs []*job
	of := make([]*job, len(p.units))
	for u := len(p.units) - 1; u >= 0; u-- {
		if !gives[u] || x.lone(u) {
			continue
		}
		c := &x.units[u]
		if c.may.empty() && !c.full {
			if err := x.empty(ctx, "answers", u, p.units[u].children); err != nil {
				return err
			}
			x.departUntouched(u)
			continue
		}
		of[u] = &job{unit: u, give: true}
		for _, parent := range p.units[u].parents {
			if of[parent] != nil {
				of[u].after = append(of[u].after, of[parent])
			}
		}
		jobs = append(jobs, of[u])
	}
	return p.drive(ctx, jobs)
}

// answersDiffer adds to what a unit gives again the items that its parents answered otherwise than in the base.
func (x *change) answersDiffer(ctx context.Context, u int) error {
	if err := x.answered(ctx, u); err != nil {
		return err
	}
	c := &x.units[u]
	for group, now := range c.answers {
		for k := range now {
			item := inputs.ItemIdx(int(group)*inputs.TileRows + k)
			if now[k] != (Print{}) && now[k] != c.was(x, item).answers {
				c.need.add(item)
			}
		}
	}
	return nil
}

// was gives what the base kept of an item of the unit; nothing when it kept none.
func (c *unitChange) was(x *change, item inputs.ItemIdx) keptCell {
	if k := c.dcs[0].kept; k != nil {
		if i := k.find(x.net.Items.ID[item]); i >= 0 {
			return k.cells[i]
		}
	}
	return keptCell{}
}

// settle reads all requests and works out what every unit gives again.
//
//	need  own facts or requests differ; a parent must answer what a child plans again
//	may   what parents may answer otherwise; an item that may change is answered by all parents it is asked of
func (x *change) settle(ctx context.Context, asked, gives []bool) error {
	p := x.p
	for u := range p.units {
		if !asked[u] || x.lone(u) {
			continue
		}
		c := &x.units[u]
		for _, parent := range p.units[u].parents {
			sent := newItemSet(len(x.net.Items.ID))
			in := p.inbox("requests", u, parent)
			if err := x.read(ctx, &in, x.units[parent].requests, sent); err != nil {
				return err
			}
			c.sent[parent] = sent
		}
	}
	for u := range p.units {
		c := &x.units[u]
		if !gives[u] || x.lone(u) {
			continue
		}
		c.need.join(c.diff)
		x.touch.each(len(x.net.Items.ID), func(item inputs.ItemIdx) {
			if !c.need.has(item) && c.requests.of(item) != c.was(x, item).requests {
				c.need.add(item)
			}
		})
		c.may.join(c.need)
	}
	for grew := true; grew; {
		grew = false
		for u := range p.units {
			if gives[u] && !x.lone(u) {
				grew = x.spread(u, gives) || grew
			}
		}
	}
	return nil
}

// spread takes what a unit plans again to those above and below it; it reports whether anything was new.
func (x *change) spread(u int, gives []bool) (grew bool) {
	c := &x.units[u]
	for _, a := range x.p.units[u].parents {
		if !gives[a] {
			continue
		}
		above := &x.units[a]
		grew = above.need.join(c.need, c.sent[a]) || grew
		grew = above.may.join(above.need) || grew
		grew = c.may.join(above.may, c.sent[a]) || grew
		for _, b := range x.p.units[u].parents {
			if b != a && gives[b] {
				grew = above.need.join(x.units[b].may, c.sent[a], c.sent[b]) || grew
			}
		}
	}
	return grew
}

// read adds the fingerprints of all that a box holds to a column, and notes the items in sent.
func (x *change) read(ctx context.Context, in *inbox, to itemPrints, sent itemSet) error {
	if err := in.open(ctx, x.p.exchange); err != nil {
		return err
	}
	var q request
	for _, group := range in.groups {
		blob, err := in.get(ctx, x.p.exchange, group)
		if err != nil {
			return err
		}
		w := wire{buf: blob}
		for range w.count() {
			var item int8
			var h Print
			if in.kind == "requests" {
				q.read(&w, x.run)
				if w.bad || !q.valid(x.run) {
					return fmt.Errorf("read %s: %w", in.name(group), errWire)
				}
				item, h = q.item, x.requestPrint(&q)
			} else if item, h, err = x.answerPrint(&w); err != nil {
				return fmt.Errorf("read %s: %w", in.name(group), err)
			}
			to.add(group, item, h.end(17))
			if sent != nil {
				sent.add(inputs.ItemIdx(int(group)*inputs.TileRows + int(item)))
			}
		}
		if err := w.err(); err != nil {
			return fmt.Errorf("read %s: %w", in.name(group), err)
		}
	}
	return nil
}

// requestPrint is a request by its content: dense indexes by what they name, without the entry of a late receipt,
// which comes back as it went up, and without carry, which is compared over all rows of the item (change_carry.go).
func (x *change) requestPrint(q *request) Print {
	f := &q.facts
	h := Print{15, 16}.print(x.nodes[q.node]).print(x.sets[q.set]).print(x.lots[q.lots])
	for _, v := range [...]int64{
		int64(q.rank), int64(q.window), int64(q.flags), int64(f.Policy), f.Avail, f.Safety, f.SafeDays,
		f.Present, f.Cap, f.Min, f.Max, int64(f.Cover), int64(f.Life), int64(f.From), int64(f.To), int64(bit(f.Lost)),
	} {
		h = h.num(v)
	}
	h = h.nums(q.own).nums(q.prom)
	for t := range q.dep {
		h = h.nums(q.dep[t]).nums(q.depEnd[t])
	}
	h = h.num(int64(len(q.receipts)))
	for _, r := range q.receipts {
		h = h.two(r.Day, r.Lane).num(int64(bit(r.Today))).num(r.Units)
	}
	h = h.num(int64(len(q.stock)))
	for _, l := range q.stock {
		h = h.num(int64(l.Expires)).num(l.Units)
	}
	h = h.num(int64(len(q.dated)))
	for _, s := range q.dated {
		h = h.num(int64(s.From)).num(s.Units)
	}
	return h.orders(&q.asked)
}

// answerPrint is one row's answer by its content.
func (x *change) answerPrint(w *wire) (int8, Print, error) {
	item, node := w.int(), w.int()
	shorted := w.int()
	var given book
	given.read(w)
	if w.bad || item < 0 || item >= inputs.TileRows || node < 0 || int(node) >= len(x.nodes) {
		return 0, Print{}, errWire
	}
	return int8(item), Print{17, 18}.print(x.nodes[node]).num(shorted).orders(&given), nil
}

func (p Print) nums(list []int64) Print {
	p = p.num(int64(len(list)))
	for _, v := range list {
		p = p.num(v)
	}
	return p
}

// orders mixes orders and what few of them have.
func (p Print) orders(b *book) Print {
	p = p.num(int64(len(b.orders)))
	for i := range b.orders {
		o := &b.orders[i]
		v := b.of(o)
		for _, v := range [...]int64{
			int64(o.opp), v.need, v.wanted, v.given, v.n[0], v.n[1], v.n[2], v.n0, int64(o.dos),
			int64(o.marks)<<8 | int64(o.state),
		} {
			p = p.num(v)
		}
		if o.extra >= 0 {
			e := &b.extras[o.extra]
			if o.marks&(net.MarkConflict|net.MarkOverflow) != 0 { // else nobody set them
				p = p.num(e.minimum).num(e.cap)
			}
			if o.marks&net.MarkLate != 0 {
				p = p.num(int64(e.needed))
			}
			for _, st := range b.steps[e.firstStep : e.firstStep+e.steps] {
				p = p.num(int64(st.Reason)).num(st.Change)
			}
		}
	}
	return p
}

// exchanged reads, in a plan without a base, what child units asked and parents answered.
func (x *change) exchanged(ctx context.Context, u int) error {
	c := &x.units[u]
	for _, child := range x.p.units[u].children {
		in := x.p.inbox("requests", child, u)
		if err := x.read(ctx, &in, c.requests, nil); err != nil {
			return err
		}
	}
	return x.answered(ctx, u)
}

// answered reads what the parents of a unit that give answered.
func (x *change) answered(ctx context.Context, u int) error {
	_, gives := x.wave()
	for _, parent := range x.p.units[u].parents {
		if !gives[parent] {
			continue
		}
		in := x.p.inbox("answers", parent, u)
		if err := x.read(ctx, &in, x.units[u].answers, nil); err != nil {
			return err
		}
	}
	return nil
}

func searchGroup(groups []int32, group int32) int {
	if at, ok := slices.BinarySearch(groups, group); ok {
		return at
	}
	return -1
}
