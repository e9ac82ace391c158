package planner

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/net/tile"
)

// Plan plans the cycle: asks go up, gives come down, each DC's plan goes to the sink. The result is the same
// for any number of workers. A cancelled context stops it between item groups. A panic while planning a
// group becomes an error that names DC and item group.
//
// Tables of a chunk are valid until Sink.Chunk returns. Units of DCs are visited children first; one without
// parents asks and gives in one visit, the others are loaded again for their give. Units that do not depend on each
// other are in work at the same time, within Cycle.InMemory and Cycle.MemoryBytes.
func Plan(ctx context.Context, c Cycle, l Loader, x Exchange, s Sink, on func(Event)) (*Result, error) {
	r, err := newRun(&c)
	if err != nil {
		return nil, err
	}
	p := &planning{run: r, loader: l, exchange: x, sink: s, on: on}
	if p.on == nil {
		p.on = func(Event) {}
	}
	if p.change, err = newChange(p); err != nil {
		return nil, err
	}
	asked, gives := r.wave()
	if c.Base != nil {
		err = p.change.sweep(ctx, asked, gives)
	} else {
		err = p.sweep(ctx, asked, gives)
	}
	if err != nil {
		return nil, err
	}
	return p.result(), nil
}

// planning is a run with its surroundings.
type planning struct {
	*run
	loader   Loader
	exchange Exchange
	sink     Sink
	on       func(Event)
	change   *change // net change, or what the next one needs; nil: neither
	replay   *replay // this plan only counts what items of an earlier cycle added to the workload

	mu          sync.Mutex
	done        []DCResult
	free        []*desk // desks that no worker has
	freeOuts    []*groupOut
	freeVendors []Table // of vendor lines, empty
	asked       askedGroups
	budget      *budget
	telling     sync.Mutex
}

// tell passes an event on, one at a time.
func (p *planning) tell(e Event) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.on(e)
}

// planned keeps the account of a DC.
func (p *planning) planned(r DCResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, r)
}

func newRun(c *Cycle) (*run, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	r := &run{cycle: c, net: c.Network, policy: &c.Policy, horizon: c.Network.Horizon}
	var err error
	if r.classes, err = compileClasses(r.net, c.AsOf); err != nil {
		return nil, err
	}
	r.kernels, r.kernel = compileKernels(r.classes, r.horizon), c.Kernel
	if c.Careful {
		r.kernel = KernelCareful
	}
	r.lots = convertLots(r.net.LotSets)
	r.kernelLots = compileLots(r.lots)
	r.plain = make([]bool, len(r.lots))
	for i := range r.lots {
		r.plain[i] = net.Plain(r.lots[i])
	}
	r.units = arrangeUnits(r.net)
	r.numbers = make([]numbering, len(r.units))
	r.gives = make([]bool, len(r.net.DCs))
	for i, dc := range r.net.DCs {
		r.gives[i] = c.DCs == nil || slices.Contains(c.DCs, dc)
	}
	r.unitOf = slices.Repeat([]int32{-1}, len(r.net.Nodes.ID))
	for u := range r.units {
		for _, at := range r.units[u].dcs {
			if dc := r.net.DCs[at]; dc != inputs.Direct {
				r.unitOf[dc] = int32(u)
			}
		}
	}
	return r, nil
}

// validate reports all faults of a cycle at once.
func (c *Cycle) validate() error {
	if c.Network == nil {
		return errors.New("plan: no network; load a snapshot")
	}
	var faults []error
	if h := c.Network.Horizon; h < 14 || h > 91 {
		faults = append(faults, fmt.Errorf("plan: horizon is %d days; set 14 to 91", h))
	}
	if h := c.Policy.HorizonDays; h != 0 && h != c.Network.Horizon {
		faults = append(faults, fmt.Errorf("plan: horizon_days is %d and the snapshot's horizon %d; build the snapshot with the policy's", h, c.Network.Horizon))
	}
	if c.Policy.WindowDays < 0 || c.Policy.ReserveDays < 0 {
		faults = append(faults, errors.New("plan: sharing.window_days and sharing.reserve_days must not be negative"))
	}
	if c.Kernel >= numKernels || (c.Kernel == KernelVector && !tile.Vector()) {
		faults = append(faults, fmt.Errorf("plan: kernel %d is none that this processor can run; leave it open", c.Kernel))
	}
	if c.InMemory < 0 || c.MemoryBytes < 0 {
		faults = append(faults, errors.New("plan: units in memory and bytes for rows must not be negative; 0 leaves them open"))
	}
	if c.Unhashed && (c.Keep || c.Base != nil) {
		faults = append(faults, errors.New("plan: a plan without its hash is none that a net change may start from; leave Unhashed, or Keep and Base"))
	}
	for _, dc := range c.DCs {
		if !slices.Contains(c.Network.DCs, dc) {
			faults = append(faults, fmt.Errorf("plan: node %d of the wave is no DC of the snapshot", dc))
		}
	}
	return errors.Join(faults...)
}

// wave says which units are asked, and which of those give: units with a DC of the wave, and all below them.
func (r *run) wave() (asked, gives []bool) {
	asked, gives = make([]bool, len(r.units)), make([]bool, len(r.units))
	for u := len(r.units) - 1; u >= 0; u-- {
		for _, at := range r.units[u].dcs {
			gives[u] = gives[u] || r.gives[at]
		}
		asked[u] = asked[u] || gives[u]
		if !asked[u] {
			continue
		}
		for _, child := range r.units[u].children {
			asked[child] = true
		}
	}
	return asked, gives
}

// workers is the number of goroutines that plan.
func (p *planning) workers() int {
	if p.tracer != nil {
		return 1 // it notes what comes in the order in which it comes
	}
	if n := p.cycle.Workers; n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// result puts the DCs in order and hashes them.
func (p *planning) result() *Result {
	n := p.net
	at := make(map[inputs.NodeIdx]int, len(n.DCs))
	for i, dc := range n.DCs {
		at[dc] = i
	}
	slices.SortFunc(p.done, func(a, b DCResult) int { return at[a.DC] - at[b.DC] })
	res := &Result{DCs: p.done}
	res.PlanHash = CycleHash(n, res.DCs)
	return res
}

// takeDesk gives a worker a desk for a visit: one that another visit with as many DCs left, else a new one.
func (p *planning) takeDesk(s *shop) *desk {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, d := range p.free {
		if len(d.own) == len(s.sites)*inputs.TileRows {
			p.free = slices.Delete(p.free, i, i+1)
			d.shop, d.problem = s, nil
			return d
		}
	}
	return newDesk(s)
}

// leaveDesk takes a desk back, nil: none. It keeps no hold of the rows it was at.
func (p *planning) leaveDesk(d *desk) {
	if d == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	d.paths.addTo(p.cycle.Paths)
	d.shop, d.out, d.turned.part = nil, nil, nil
	p.free = append(p.free, d)
}

// takeOut gives a place for what a group of so many sites gives.
func (p *planning) takeOut(sites int) *groupOut {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, out := range p.freeOuts {
		if len(out.sites) == sites {
			p.freeOuts = slices.Delete(p.freeOuts, i, i+1)
			return out
		}
	}
	return &groupOut{sites: make([]siteOut, sites)}
}

// takeVendor gives an empty table for a DC's vendor lines: one that another DC left, else a new one.
func (p *planning) takeVendor() Table {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.freeVendors)
	if n == 0 {
		return Table{}
	}
	t := p.freeVendors[n-1]
	p.freeVendors = p.freeVendors[:n-1]
	return t
}

func (p *planning) leaveVendor(t Table) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freeVendors = append(p.freeVendors, t)
}

func (p *planning) leaveOut(out *groupOut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.freeOuts = append(p.freeOuts, out)
}
