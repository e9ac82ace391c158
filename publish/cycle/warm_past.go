package cycle

import (
	"context"
	"math"
	"slices"
	"sync"
	"unsafe"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// warmPlan is what a cycle was planned from: its snapshot with releases and carry laid over it.
type warmPlan struct {
	cycle   string
	base    *snapshot
	laid    map[string]*inputs.Partition // DC → rows
	counted map[string][]string          // DC → cycles whose releases count
	dcs     map[string]*planned          // DC → what its plan kept
}

// planned is what the next net change takes of a DC's plan from memory, as its plan files have it.
type planned struct {
	hash     [32]byte
	kept     *planner.Kept
	standing *planner.Standing
}

// of gives what a DC's plan kept, when it is the plan of these files; nil: it is read from them.
func (p *warmPlan) of(dc string, files *planfile.DC) *planned {
	if p == nil || p.dcs[dc] == nil {
		return nil
	}
	if hash, err := files.Manifest.Hash(); err != nil || hash != p.dcs[dc].hash {
		return nil
	}
	return p.dcs[dc]
}

// remember keeps what a planned DC gives the next net change.
func (r *run) remember(res *planner.DCResult) {
	if r.warmRead() == nil || res.Kept == nil || res.Standing == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.remembered == nil {
		r.remembered = map[string]*planned{}
	}
	r.remembered[planfile.DCName(r.snap.net, res.DC)] = &planned{res.PlanHash, res.Kept, res.Standing}
}

// far is the releases of one (DC, cycle) that may touch other partitions, and when the first grace of all its
// releases ends.
type far struct {
	releases []inputs.Release
	grace    int64
}

// mostFar is how many (DC, cycle) are remembered.
const mostFar = 20_000

// warmRead is where releases are remembered: only while the network is that of the cycle before, which says what is
// far.
func (r *run) warmRead() *Warm {
	if r.snap.held == nil {
		return nil
	}
	return r.cfg.Warm
}

// far gives the releases of a (DC, cycle) that may touch other partitions.
func (p *past) far(ctx context.Context, dc, cycle string, wide map[string]bool) (*far, error) {
	key := dc + "/" + cycle
	if p.warm != nil {
		p.warm.mu.Lock()
		known := p.warm.far[key]
		p.warm.mu.Unlock()
		if known != nil {
			return known, nil
		}
	}
	all, err := p.releasesOf(ctx, dc, cycle)
	if err != nil {
		return nil, err
	}
	out := &far{grace: math.MaxInt64}
	for i := range all {
		out.grace = min(out.grace, all[i].GraceUntil)
		if wide[all[i].Destination] {
			out.releases = append(out.releases, all[i])
		}
	}
	if p.warm != nil {
		p.warm.mu.Lock()
		defer p.warm.mu.Unlock()
		if len(p.warm.far) >= mostFar || p.warm.far == nil {
			p.warm.far = map[string]*far{}
		}
		p.warm.far[key] = out
	}
	return out, nil
}

// laidBefore is the newest cycle of this process whose rows those of this one may share; nil: none.
func (r *run) laidBefore() *warmPlan {
	w := r.warmRead()
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.plans); n > 0 {
		return w.plans[n-1]
	}
	return nil
}

// carryOf gives the carry that a cycle's plan of a DC left, where it is in memory and the plan is that of the DC's files;
// nil: it is read from them.
func (w *Warm) carryOf(tenant, state, cycle, dc string) []inputs.CarryEntry {
	plan := w.planOf(cycle)
	if plan == nil || plan.dcs[dc] == nil {
		return nil
	}
	files, err := w.open(planfile.Dir(state, tenant, cycle, dc))
	if err != nil || files.Manifest.Layer(planner.Carry) == nil {
		return nil
	}
	p := plan.of(dc, files)
	if p == nil {
		return nil
	}
	n, t := plan.base.net, p.standing.Carry
	out := make([]inputs.CarryEntry, t.Rows)
	for r := range out {
		out[r] = inputs.CarryEntry{Item: n.Items.ID[t.Cols[0].I32[r]], Node: n.Nodes.ID[t.Cols[1].I32[r]], Units: t.Cols[2].I64[r]}
	}
	return out
}

// planOf finds what a cycle was planned from.
func (w *Warm) planOf(cycle string) *warmPlan {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range slices.Backward(w.plans) {
		if p.cycle == cycle {
			return p
		}
	}
	return nil
}

// keepPlan remembers what the cycle was planned from.
func (r *run) keepPlan(l *loader) {
	w := r.warmRead()
	if w == nil {
		return
	}
	p := &warmPlan{cycle: r.intent.Cycle, base: r.snap, laid: l.laid, counted: map[string][]string{}, dcs: r.remembered}
	for dc, row := range r.rows {
		p.counted[dc] = row.Counted
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) == 0 {
		return // too large to stay
	}
	w.plans = append(w.plans, p)
	if len(w.plans) > mostWarm {
		w.plans = slices.Delete(w.plans, 0, 1)
	}
}

// once lays the past over a DC of a snapshot in memory the first time it is asked for.
func (l *loader) once(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	name := planfile.DCName(l.snap.net, dc)
	l.mu.Lock()
	p := l.laid[name]
	l.mu.Unlock()
	if p != nil {
		return p, ctx.Err()
	}
	p, err := l.more(ctx, name, dc)
	if err == nil && p == nil {
		_, p, _, err = l.load(ctx, dc)
	}
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.laid[name] = p
	return p, nil
}

// more lays over a DC what counts beside that which the cycle before had laid over it: its releases stand as they
// stood while no grace of them ended and the snapshot's own orders are the same. Nil where that does not hold.
func (l *loader) more(ctx context.Context, name string, dc inputs.NodeIdx) (*inputs.Partition, error) {
	if l.from == nil || l.past.warm == nil || len(l.snap.net.Releases) > 0 {
		return nil, nil
	}
	base, was, had := l.snap.held[dc], l.from.base.held[dc], l.from.laid[name]
	if base == nil || was == nil || had == nil || !sameOrders(base, was) || !slices.Equal(l.snap.net.Named, l.from.base.net.Named) ||
		l.snap.net.AsOf < l.from.base.net.AsOf {
		return nil, nil
	}
	var releases []inputs.Release
	for other, row := range l.past.rows {
		before := l.from.counted[other]
		if len(before) > len(row.Counted) || !slices.Equal(before, row.Counted[:len(before)]) {
			return nil, nil
		}
	}
	for other := range l.from.counted {
		if l.past.rows[other] == nil {
			return nil, nil
		}
	}
	if !l.none && l.past.graceEnded(l.asOf) {
		return nil, nil
	}
	if row := l.past.rows[name]; row != nil {
		for _, cycle := range row.Counted[len(l.from.counted[name]):] {
			own, err := l.past.releasesOf(ctx, name, cycle)
			if err != nil {
				return nil, err
			}
			releases = append(releases, own...)
		}
	}
	for i := range l.past.foreign {
		if f := &l.past.foreign[i]; f.dc != name && !slices.Contains(l.from.counted[f.dc], f.cycle) {
			releases = append(releases, f.Release)
		}
	}
	carry, err := l.past.carry(ctx, name)
	if err != nil {
		return nil, err
	}
	const laid = inputs.FlagInbound | inputs.FlagOutbound
	over := *base
	over.Inbound, over.Outbound = had.Inbound, had.Outbound
	over.Flags = slices.Clone(base.Flags)
	for row, f := range had.Flags {
		over.Flags[row] |= f & laid
	}
	p, _ := inputs.Overlay(&over, l.snap.net, releases, carry, l.asOf,
		inputs.OverlayOptions{OrderFeedNone: l.none, LastAsOf: l.past.lastAsOf(name)})
	return p, nil
}

// graceEnded reports whether a release that counts may have ended its grace.
func (p *past) graceEnded(asOf int64) bool {
	p.warm.mu.Lock()
	defer p.warm.mu.Unlock()
	for dc, row := range p.rows {
		for _, cycle := range row.Counted {
			if known := p.warm.far[dc+"/"+cycle]; known == nil || known.grace <= asOf {
				return true
			}
		}
	}
	return false
}

// sameOrders reports whether two partitions share the columns that releases are laid over.
func sameOrders(a, b *inputs.Partition) bool {
	return shared(a.Item, b.Item) && shared(a.Node, b.Node) && shared(a.Inbound.Row, b.Inbound.Row) &&
		shared(a.Outbound.Row, b.Outbound.Row) && shared(a.Named, b.Named)
}

func shared[T any](a, b []T) bool {
	return len(a) == len(b) && unsafe.SliceData(a) == unsafe.SliceData(b)
}

// rowsBefore gives the rows that a base was planned from, as they lie in memory; what is not there is opened.
type rowsBefore struct {
	plan *warmPlan
	open func(ctx context.Context) (*loader, error)

	mu   sync.Mutex
	rest *loader // nil: not needed yet
}

var _ planner.Loader = (*rowsBefore)(nil)

// Partition implements planner.Loader.
func (b *rowsBefore) Partition(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	if p := b.plan.laid[planfile.DCName(b.plan.base.net, dc)]; p != nil {
		return p, ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rest == nil {
		var err error
		if b.rest, err = b.open(ctx); err != nil {
			return nil, err
		}
	}
	return b.rest.Partition(ctx, dc)
}
