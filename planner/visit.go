package planner

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"echelon/inputs"
)

// visit plans one unit: its ask, and, when it gives now, its give.
func (p *planning) visit(ctx context.Context, u int, give bool) error {
	parts := make([]*inputs.Partition, len(p.units[u].dcs))
	for i, at := range p.units[u].dcs {
		part, err := p.loader.Partition(ctx, p.net.DCs[at])
		if err != nil {
			return fmt.Errorf("load %s: %w", p.dcName(p.net.DCs[at]), err)
		}
		parts[i] = part
	}
	s := newShop(p.run, u, parts)
	s.give, s.ctx, s.exchange = give, ctx, p.exchange
	if err := s.openInboxes(p); err != nil {
		return err
	}
	v := &visiting{shop: s, p: p}
	v.turn.L = &v.mu
	v.outboxes = s.outboxes()
	v.sums = make([]dcSum, len(s.sites))
	for i := range v.sums {
		v.sums[i].begin(s.sites[i].dc)
	}
	if err := v.run(ctx); err != nil {
		return err
	}
	for k := range v.outboxes {
		if err := v.outboxes[k].box.close(ctx, p.exchange, v.outboxes[k].groups); err != nil {
			return err
		}
	}
	if !give {
		return nil
	}
	for i := range v.sums {
		if s.sites[i].gives {
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
func (s *shop) openInboxes(p *planning) error {
	for _, child := range s.units[s.unit].children {
		in := s.inbox("requests", child, s.unit)
		if err := in.open(s.ctx, s.exchange); err != nil {
			return err
		}
		s.inbound = append(s.inbound, in)
		for _, g := range in.groups {
			s.needGroup(g)
		}
	}
	s.collectGroups()
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
		if err := in.open(s.ctx, s.exchange); err != nil {
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

// visiting is the workers of one visit and the order in which their chunks leave.
type visiting struct {
	*shop
	p        *planning
	next     atomic.Int64
	mu       sync.Mutex
	turn     sync.Cond
	emitted  int
	err      error
	outboxes []outbox
	sums     []dcSum
}

// run plans all groups: workers take them from one counter and hand them on in order.
func (v *visiting) run(ctx context.Context) error {
	var wg sync.WaitGroup
	for range min(v.p.workers(), max(1, len(v.groups))) {
		wg.Go(func() { v.work(ctx) })
	}
	wg.Wait()
	return v.err
}

func (v *visiting) work(ctx context.Context) {
	d := v.p.takeDesk(v.shop)
	defer v.p.leaveDesk(d)
	for {
		k := int(v.next.Add(1)) - 1
		if k >= len(v.groups) {
			break
		}
		err := ctx.Err()
		if err == nil {
			err = v.group(d, k)
		}
		if !v.handOver(ctx, d, k, err) {
			return
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.sums {
		v.sums[i].work.merge(&d.out[i].work, len(v.lanes))
	}
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
	d.ask()
	if d.problem == nil && v.give {
		d.takeAnswers()
		d.settleGroup()
		d.emitGroup()
		d.digest()
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

// handOver waits for the group's turn and hands its chunks on; false: the visit is over.
func (v *visiting) handOver(ctx context.Context, d *desk, k int, err error) bool {
	blobs := v.blobs(d, err)
	v.mu.Lock()
	defer v.mu.Unlock()
	for v.emitted != k && v.err == nil {
		v.turn.Wait()
	}
	if v.err == nil && err == nil {
		err = v.emit(ctx, d, blobs)
	}
	if v.err == nil {
		v.err = err
	}
	v.emitted++
	v.turn.Broadcast()
	return v.err == nil
}

// blobs encodes what the group sends to other units, parallel to the outboxes; nil: nothing.
func (v *visiting) blobs(d *desk, err error) [][]byte {
	if err != nil || len(v.outboxes) == 0 {
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
func (v *visiting) emit(ctx context.Context, d *desk, blobs [][]byte) error {
	for i, b := range blobs {
		if b == nil {
			continue
		}
		box := &v.outboxes[i]
		if err := v.exchangePut(ctx, box.box.name(d.work.group), b); err != nil {
			return err
		}
		box.groups = append(box.groups, d.work.group)
	}
	for i := range v.sites {
		var rows int64
		if at := d.work.at[i]; at >= 0 {
			rows = v.liveRows(i, at)
		}
		if v.give && v.sites[i].gives {
			if err := v.sums[i].chunk(ctx, v, d, i); err != nil {
				return err
			}
		}
		stage := "ask"
		if v.give {
			stage = "give"
		}
		v.p.on(Event{Stage: stage, DC: v.sites[i].dc, SKUs: rows})
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
