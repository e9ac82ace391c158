package planner

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"echelon/inputs"
)

// replay plans items of the base once more to learn what they had added to the workload, where that is not in memory
// (keptLoads). Everything is in the base's dense indexes.
type replay struct {
	ask, give []itemSet       // per unit
	counts    map[int]itemSet // per DC by position in Network.DCs: items whose workload counts
	mu        sync.Mutex
	loads     map[int]*Table
}

// open says what a visit plans and whose workload counts.
func (r *replay) open(s *shop) {
	if !s.give {
		s.only = r.ask[s.unit]
		return
	}
	s.only = r.give[s.unit]
	s.counted = make([]itemSet, len(s.sites))
	for i := range s.sites {
		if s.counted[i] = r.counts[s.sites[i].at]; s.counted[i] == nil {
			s.counted[i] = newItemSet(len(s.net.Items.ID))
		}
	}
}

// take keeps the workload of a visit.
func (r *replay) take(v *visiting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range v.sums {
		if v.sites[i].gives {
			r.loads[v.sites[i].at] = v.sums[i].work.table(v.run)
		}
	}
}

// baseLoads gives, per DC of this network, what the items planned again had added to the base's workload.
func (x *change) baseLoads(ctx context.Context, dcs []departed) (map[int]*Table, error) {
	if x.policy.LayersOff[Workload] {
		return nil, nil
	}
	old, err := x.baseRun()
	if err != nil {
		return nil, fmt.Errorf("plan the base again: %w", err)
	}
	r := &replay{counts: map[int]itemSet{}, loads: map[int]*Table{}}
	at := map[int]int{} // this network's DC → the base's
	out := map[int]*Table{}
	for i := range dcs {
		d := &dcs[i]
		mine := x.p.units[d.unit].dcs[d.site]
		theirs := x.baseDC(mine)
		if theirs < 0 {
			continue
		}
		set, err := x.goneItems(d.unit, d.site)
		if err != nil {
			return nil, err
		}
		if kept := x.units[d.unit].dcs[d.site].kept; kept.loads != nil {
			out[mine] = x.loadsOf(old, kept, set)
			continue
		}
		at[mine], r.counts[theirs], d.replayed = theirs, set, !set.empty()
	}
	if len(at) == 0 {
		return out, nil
	}
	if err := x.planBase(ctx, old, r); err != nil {
		return nil, fmt.Errorf("plan the base again: %w", err)
	}
	for mine, theirs := range at {
		out[mine] = r.loads[theirs]
	}
	return out, nil
}

// baseRun compiles the base's network when it is first needed.
func (x *change) baseRun() (*run, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.old != nil {
		return x.old, nil
	}
	c := &Cycle{
		Network: x.base.Network, Policy: *x.policy, AsOf: x.base.AsOf, Workers: x.cycle.Workers, Careful: x.cycle.Careful,
		InMemory: 1,
	}
	for at, dc := range x.base.Network.DCs {
		if x.baseGives(at) {
			c.DCs = append(c.DCs, dc)
		}
	}
	var err error
	x.old, err = newRun(c)
	return x.old, err
}

// planBase works out which units must ask and give for the counted items, and sweeps those.
func (x *change) planBase(ctx context.Context, old *run, r *replay) error {
	n := len(old.net.Items.ID)
	r.ask, r.give = make([]itemSet, len(old.units)), make([]itemSet, len(old.units))
	for u := range old.units {
		r.ask[u], r.give[u] = newItemSet(n), newItemSet(n)
		for _, at := range old.units[u].dcs {
			if set := r.counts[at]; set != nil {
				r.give[u].join(set)
			}
		}
	}
	for u := range old.units { // children first: what a child gives its parents must answer
		for _, parent := range old.units[u].parents {
			r.give[parent].join(r.give[u])
		}
	}
	for u := len(old.units) - 1; u >= 0; u-- {
		r.ask[u].join(r.give[u])
		for _, child := range old.units[u].children {
			r.ask[child].join(r.ask[u])
		}
	}
	asked, gives := old.wave()
	for u := range old.units {
		asked[u] = asked[u] && !r.ask[u].empty()
		gives[u] = gives[u] && !r.give[u].empty()
	}
	exchange := NewMemExchange()
	p := &planning{
		run: old, loader: x.base.Loader, exchange: quiet{exchange}, sink: nowhere{}, on: func(Event) {}, replay: r,
	}
	return p.sweep(ctx, asked, gives)
}

// quiet is an exchange in which a unit that had nothing to plan has told nobody anything.
type quiet struct{ *MemExchange }

// Get implements Exchange.
func (q quiet) Get(ctx context.Context, name string) ([]byte, error) {
	q.mu.RLock()
	blob, ok := q.blobs[name]
	q.mu.RUnlock()
	if !ok {
		return appendInt(nil, 0), ctx.Err()
	}
	return blob, nil
}

// baseDC gives the position of a DC in the base's network, -1 when it has none.
func (x *change) baseDC(at int) int {
	dc := x.net.DCs[at]
	if dc == inputs.Direct {
		return slices.Index(x.base.Network.DCs, inputs.Direct)
	}
	for i, was := range x.base.Network.DCs {
		if was != inputs.Direct && x.base.Network.Nodes.ID[was] == x.net.Nodes.ID[dc] {
			return i
		}
	}
	return -1
}

// baseGives reports whether a DC of the base's network gave: all do without a wave, else those of the wave.
func (x *change) baseGives(at int) bool {
	if x.cycle.DCs == nil {
		return true
	}
	for i := range x.net.DCs {
		if x.gives[i] && x.baseDC(i) == at {
			return true
		}
	}
	return false
}
