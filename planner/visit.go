package planner

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"echelon/inputs"
)

// enter loads a unit's DCs and makes its visit.
func (p *planning) enter(ctx context.Context, u int, give bool) (*visiting, error) {
	parts := make([]*inputs.Partition, len(p.units[u].dcs))
	for i, at := range p.units[u].dcs {
		part, err := p.loader.Partition(ctx, p.net.DCs[at])
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", p.dcName(p.net.DCs[at]), err)
		}
		parts[i] = part
	}
	s := newShop(p.run, u, parts)
	s.give, s.ctx, s.exchange = give, ctx, p.exchange
	if err := p.arrive(ctx, s, parts); err != nil {
		return nil, err
	}
	v := &visiting{shop: s, p: p}
	v.outboxes = s.outboxes()
	v.sums = make([]dcSum, len(s.sites))
	for i := range v.sums {
		if give {
			v.sums[i].vendor = p.takeVendor()
		}
		v.sums[i].begin(s.sites[i].dc)
		v.sums[i].net = p.change != nil && p.change.base != nil && !p.change.units[u].full
	}
	return v, nil
}

// close hands over what is known when all groups were handed on, and gives the partitions back.
func (v *visiting) close(ctx context.Context) error {
	for k := range v.outboxes {
		if err := v.outboxes[k].box.close(ctx, v.exchange, v.outboxes[k].groups); err != nil {
			return err
		}
	}
	v.mergeWork()
	if v.give {
		if err := v.end(ctx); err != nil {
			return err
		}
		for i := range v.sums {
			if v.p.change != nil {
				break // a net change ends its DCs later
			}
			v.p.leaveVendor(v.sums[i].vendor)
			v.sums[i].vendor = Table{}
		}
	}
	parts := make([]*inputs.Partition, len(v.sites))
	for i := range v.sites {
		parts[i], v.sites[i].part = v.sites[i].part, nil
	}
	v.p.giveBack(parts)
	return nil
}

// end ends the DCs of a unit that gives.
func (v *visiting) end(ctx context.Context) error {
	switch {
	case v.p.replay != nil:
		v.p.replay.take(v)
		return nil
	case v.p.change != nil:
		return v.p.change.depart(ctx, v)
	}
	for i := range v.sums {
		if v.sites[i].gives {
			if err := v.finish(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) dcName(dc inputs.NodeIdx) string {
	if dc == inputs.Direct {
		return "_direct"
	}
	return r.net.Nodes.ID[dc]
}

// openInboxes opens what child units asked, and in a give what parents gave.
func (s *shop) openInboxes(ctx context.Context, p *planning) error {
	if err := p.open(ctx, s); err != nil {
		return err
	}
	for _, child := range s.units[s.unit].children {
		in := s.inbox("requests", child, s.unit)
		if err := in.open(ctx, p.exchange); err != nil {
			return err
		}
		s.inbound = append(s.inbound, in)
		for _, g := range in.groups {
			s.needGroup(g)
		}
	}
	s.collectGroups()
	if s.only != nil {
		s.groups = slices.DeleteFunc(s.groups, func(g groupWork) bool { return s.only.of(g.group) == 0 })
	}
	if t := s.tracer; t != nil {
		s.groups = slices.DeleteFunc(s.groups, func(g groupWork) bool { return g.group != t.group })
	}
	if !s.give {
		return nil
	}
	_, gives := s.wave()
	for _, parent := range s.units[s.unit].parents {
		if !gives[parent] {
			continue // outside the wave: its children's orders stay unconfirmed
		}
		in := s.inbox("answers", parent, s.unit)
		if err := in.open(ctx, p.exchange); err != nil {
			return err
		}
		s.answers = append(s.answers, in)
	}
	return nil
}

// outbox collects what is sent to one unit.
type outbox struct {
	box    inbox
	groups []int32
}

// outboxes are the parents of an asking visit and the children of a giving one.
func (s *shop) outboxes() []outbox {
	var boxes []outbox
	if !s.give {
		for _, parent := range s.units[s.unit].parents {
			boxes = append(boxes, outbox{box: s.inbox("requests", s.unit, parent)})
		}
	}
	if s.give {
		for _, child := range s.units[s.unit].children {
			boxes = append(boxes, outbox{box: s.inbox("answers", s.unit, child)})
		}
	}
	return boxes
}

// visiting is one visit of a unit with what its groups gave so far.
type visiting struct {
	*shop
	p        *planning
	outboxes []outbox
	sums     []dcSum

	outs sync.Mutex
	all  []*groupOut // every one that groups of this visit were planned into
	idle []*groupOut
}

// groupOut is what one planned group gives: it is handed on in the groups' order, while the desk that made it goes
// on with another group.
type groupOut struct {
	sites []siteOut // per site of the unit
	work  groupWork
	blobs [][]byte // parallel to the outboxes; nil: nothing
	rows  []int64  // of each site that were planned, where that is not all of them
}

// takeOut gives a place for what a group gives.
func (v *visiting) takeOut() *groupOut {
	v.outs.Lock()
	defer v.outs.Unlock()
	if n := len(v.idle); n > 0 {
		out := v.idle[n-1]
		v.idle = v.idle[:n-1]
		return out
	}
	out := v.p.takeOut(len(v.sites))
	v.all = append(v.all, out)
	return out
}

// leaveOut takes a place back whose group was handed on; the sums of its workload stay in it until the visit's end.
func (v *visiting) leaveOut(out *groupOut) {
	v.outs.Lock()
	defer v.outs.Unlock()
	v.idle = append(v.idle, out)
}

// take notes what of a planned group leaves with its tables.
func (out *groupOut) take(v *visiting, d *desk) {
	out.work, out.blobs = d.work, v.blobs(d)
	out.rows = out.rows[:0]
	if v.only == nil {
		return
	}
	out.rows = append(out.rows, make([]int64, len(v.sites))...)
	for i := range d.skus {
		if site := d.skus[i].site; site >= 0 {
			out.rows[site]++
		}
	}
}

// mergeWork adds up the sums of the workload and leaves the places to other visits.
func (v *visiting) mergeWork() {
	for _, out := range v.all {
		for i := range v.sums {
			v.sums[i].work.merge(&out.sites[i].work)
			out.sites[i].work = workload{}
		}
		v.p.leaveOut(out)
	}
	v.all, v.idle = nil, nil
}

// group plans one item group; a panic becomes an error.
func (v *visiting) group(d *desk, k int) (err error) {
	w := v.groups[k]
	defer func() {
		if bug := recover(); bug != nil {
			err = fmt.Errorf("plan %s, item group %d (%s …): internal fault: %v", v.unitName(v.unit), w.group, v.firstItem(w.group), bug)
		}
	}()
	d.begin(w)
	if g := v.p.takeAsked(d); g != nil {
		d.goOn(g)
	}
	d.ask()
	if d.problem == nil {
		v.p.keepAsked(d)
	}
	if d.problem == nil && v.give {
		d.takeAnswers()
		d.settleGroup()
		if d.counted != nil {
			d.takeLines()
		} else {
			d.emitGroup()
		}
	}
	if d.problem != nil {
		return fmt.Errorf("plan %s, item group %d: %w", v.unitName(v.unit), w.group, d.problem)
	}
	return nil
}

func (v *visiting) firstItem(group int32) string {
	if i := int(group) * inputs.TileRows; i < len(v.net.Items.ID) {
		return "item " + v.net.Items.ID[i]
	}
	return "item unknown"
}

// blobs encodes what the group sends to other units, parallel to the outboxes; nil: nothing.
func (v *visiting) blobs(d *desk) [][]byte {
	if len(v.outboxes) == 0 {
		return nil
	}
	blobs := make([][]byte, len(v.outboxes))
	for i := range v.outboxes {
		box := &v.outboxes[i].box
		if box.kind == "requests" {
			if b, some := d.appendRequests(nil, box.to); some {
				blobs[i] = b
			}
			continue
		}
		for _, in := range v.inbound {
			if in.from == box.to && in.has(d.work.group) {
				blobs[i] = d.appendAnswers(nil, box.to)
			}
		}
	}
	return blobs
}

// emit hands a group on: blobs to the exchange, chunks to the sink.
func (v *visiting) emit(ctx context.Context, out *groupOut) error {
	for i, b := range out.blobs {
		if b == nil {
			continue
		}
		box := &v.outboxes[i]
		if err := v.exchangePut(ctx, box.box.name(out.work.group), b); err != nil {
			return err
		}
		box.groups = append(box.groups, out.work.group)
	}
	for i := range v.sites {
		var rows int64
		if v.only != nil {
			rows = out.rows[i]
		} else if at := out.work.at[i]; at >= 0 {
			rows = v.liveRows(i, at)
		}
		if v.give && v.sites[i].gives && v.counted == nil {
			if err := v.sums[i].chunk(ctx, v, out, i); err != nil {
				return err
			}
		}
		stage := "ask"
		if v.give {
			stage = "give"
		}
		v.p.tell(Event{Stage: stage, DC: v.sites[i].dc, SKUs: rows})
	}
	return nil
}

func (v *visiting) exchangePut(ctx context.Context, name string, blob []byte) error {
	if err := v.p.exchange.Put(ctx, name, blob); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func (v *visiting) liveRows(site int, at int32) int64 {
	p := v.sites[site].part
	var rows int64
	for row := int(p.GroupTile[at]) * inputs.TileRows; row < int(p.GroupTile[at+1])*inputs.TileRows; row++ {
		if p.Item[row] != inputs.None {
			rows++
		}
	}
	return rows
}
