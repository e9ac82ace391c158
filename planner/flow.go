package planner

import (
	"context"
	"fmt"
	"sync"

	"echelon/inputs"
)

// flow drives the visits of a cycle. Visits that do not depend on each other are in work at the same time, so that
// no core idles while one of them ends, and the rows of the next ones are loaded ahead.
//
//	jobs ─▶ load ───────────▶ open ──────────────▶ groups ────▶ chunks ─────▶ end
//	        in their order,   its children asked,  by workers,  in the        the DC's last
//	        as memory allows  its parents gave     oldest job   groups' order tables, memory
//	                                               first                      given back
//
// What a job waits for lies before it in jobs, and jobs are loaded in that order: with one job in memory they are
// visited one after another.
type flow struct {
	p    *planning
	jobs []*job

	mu   sync.Mutex
	news sync.Cond
	next int // jobs that a loader has taken
	held int // jobs in memory, or on their way there
	done int
	err  error
}

// job is one visit of a unit.
type job struct {
	unit  int
	give  bool
	after []*job // jobs that must be done before
	bytes int64  // of its partitions, 0: not known

	state   jobState
	v       *visiting
	taken   int         // groups that a worker has taken
	ready   []*groupOut // per group: planned and not yet handed on
	parked  int         // of them there are
	handed  int         // groups handed on
	handing bool        // a worker is handing groups on
}

type jobState uint8

const (
	jobWaits   jobState = iota // not loaded
	jobLoaded                  // in memory
	jobOpening                 // a worker reads what other units sent
	jobOpen                    // its groups can be planned
	jobDone
)

// visits lists the jobs of a cycle: asks, children first, then the gives of units with parents, parents first.
func (p *planning) visits(asked, gives []bool) []*job {
	var jobs []*job
	asks, given := make([]*job, len(p.units)), make([]*job, len(p.units))
	for u := range p.units {
		if !asked[u] {
			continue
		}
		j := &job{unit: u, give: gives[u] && len(p.units[u].parents) == 0}
		for _, child := range p.units[u].children {
			j.after = append(j.after, asks[child]) // a child of an asked unit is asked
		}
		asks[u] = j
		if j.give {
			given[u] = j
		}
		jobs = append(jobs, j)
	}
	for u := len(p.units) - 1; u >= 0; u-- {
		if !gives[u] || len(p.units[u].parents) == 0 {
			continue
		}
		j := &job{unit: u, give: true, after: []*job{asks[u]}}
		for _, parent := range p.units[u].parents {
			if given[parent] != nil {
				j.after = append(j.after, given[parent])
			}
		}
		given[u] = j
		jobs = append(jobs, j)
	}
	return jobs
}

// sweep visits units: asks, children first, then the gives of those with parents, parents first.
func (p *planning) sweep(ctx context.Context, asked, gives []bool) error {
	return p.drive(ctx, p.visits(asked, gives))
}

// drive visits jobs.
func (p *planning) drive(ctx context.Context, jobs []*job) error {
	f := &flow{p: p, jobs: jobs}
	f.news.L = &f.mu
	if err := f.weigh(); err != nil {
		return err
	}
	p.asked, p.budget = askedGroups{}, newBudget(p.cycle.MemoryBytes, f.largest())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for range min(1+p.workers()/8, len(f.jobs)) {
		wg.Go(func() {
			if f.fail(f.load(ctx)) {
				cancel()
			}
		})
	}
	for range p.workers() {
		wg.Go(func() {
			if f.fail(f.work(ctx)) {
				cancel()
			}
		})
	}
	wg.Wait()
	return f.err
}

// weigh asks the loader what each job takes, and refuses one that alone takes more than there may be.
func (f *flow) weigh() error {
	sizer, ok := f.p.loader.(Sizer)
	if !ok {
		return nil
	}
	limit := f.p.cycle.MemoryBytes
	for _, j := range f.jobs {
		for _, at := range f.p.units[j.unit].dcs {
			j.bytes += sizer.PartitionBytes(f.p.net.DCs[at])
		}
		if limit > 0 && j.bytes > limit {
			return &MemoryError{Unit: f.p.unitName(j.unit), Needs: j.bytes, Limit: limit}
		}
	}
	return nil
}

// MemoryError says that the rows of linked DCs, which are planned together, do not fit into Cycle.MemoryBytes.
type MemoryError struct {
	Unit  string // first of the DCs
	Needs int64  // bytes
	Limit int64
}

// Error names the DC, what it needs, and how much more there must be.
func (e *MemoryError) Error() string {
	return fmt.Sprintf("plan %s: its rows take %d MiB in memory and %d MiB may be used for rows; raise the memory limit by %d MiB, or plan on a larger machine",
		e.Unit, mebibytes(e.Needs), e.Limit>>20, mebibytes(e.Needs-e.Limit))
}

func mebibytes(n int64) int64 { return (n + 1<<20 - 1) >> 20 }

// fail keeps the first error, which ends all work; it reports whether there is one.
func (f *flow) fail(err error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil && err != nil {
		f.err = err
		f.news.Broadcast()
	}
	return f.err != nil
}

// load brings jobs into memory, in order, as far as memory allows.
func (f *flow) load(ctx context.Context) error {
	for {
		j := f.nextToLoad()
		if j == nil {
			return nil
		}
		v, err := f.p.enter(ctx, j.unit, j.give)
		if err != nil {
			return err
		}
		f.mu.Lock()
		j.v, j.state = v, jobLoaded
		f.news.Broadcast()
		f.mu.Unlock()
	}
}

// nextToLoad waits until there is room for the next job; nil: there is none, or all work has ended.
func (f *flow) nextToLoad() *job {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.err == nil && f.next < len(f.jobs) {
		if j := f.jobs[f.next]; f.room(j) {
			f.next++
			f.held++
			return j
		}
		f.news.Wait()
	}
	return nil
}

// room takes room for a job beside those in memory; false: there is none. Alone it always fits.
func (f *flow) room(j *job) bool {
	return (f.held == 0 || f.held < f.p.inMemory()) && f.p.budget.load(j.bytes)
}

// largest is what the largest unit takes.
func (f *flow) largest() int64 {
	var bytes int64
	for _, j := range f.jobs {
		bytes = max(bytes, j.bytes)
	}
	return bytes
}

// work does what there is to do until all jobs are done.
func (f *flow) work(ctx context.Context) error {
	var d *desk
	defer func() { f.p.leaveDesk(d) }()
	for {
		j, k := f.take()
		if j == nil {
			return nil
		}
		err := ctx.Err()
		switch {
		case err != nil:
		case k < 0:
			err = f.open(ctx, j)
		default:
			if d == nil || d.shop != j.v.shop {
				f.p.leaveDesk(d)
				d = f.p.takeDesk(j.v.shop)
			}
			err = f.plan(ctx, d, j, k)
		}
		if err != nil {
			return err
		}
	}
}

// take gives a worker the next group of the oldest job that has one, or a job to open (k < 0); nil: all is done.
// A job whose groups wait to be handed on, because the sink is slower than the planner, stands back.
func (f *flow) take() (j *job, k int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.err == nil && f.done < len(f.jobs) {
		for _, j := range f.jobs[f.done:f.next] {
			switch {
			case j.state == jobLoaded && j.canOpen():
				j.state = jobOpening
				return j, -1
			case j.state == jobOpen && j.taken < len(j.ready) && j.parked < 2+2*f.p.workers():
				k = j.taken
				j.taken++
				return j, k
			}
		}
		f.news.Wait()
	}
	return nil, 0
}

func (j *job) canOpen() bool {
	for _, before := range j.after {
		if before.state != jobDone {
			return false
		}
	}
	return true
}

// open reads what other units sent; then the groups of the job can be planned.
func (f *flow) open(ctx context.Context, j *job) error {
	if err := j.v.openInboxes(ctx, f.p); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	j.state, j.ready = jobOpen, make([]*groupOut, len(j.v.groups))
	f.news.Broadcast()
	if len(j.v.groups) > 0 {
		return nil
	}
	return f.end(ctx, j)
}

// plan plans a group and hands on what is next in order.
func (f *flow) plan(ctx context.Context, d *desk, j *job, k int) error {
	out := j.v.takeOut()
	d.out = out.sites
	if err := j.v.group(d, k); err != nil {
		return err
	}
	out.take(j.v, d)
	f.mu.Lock()
	defer f.mu.Unlock()
	j.ready[k] = out
	j.parked++
	if j.handing { // whoever is at it goes on with this one in its turn
		return nil
	}
	j.handing = true
	for j.handed < len(j.ready) && j.ready[j.handed] != nil && f.err == nil {
		out := j.ready[j.handed]
		j.ready[j.handed] = nil
		f.mu.Unlock()
		err := j.v.emit(ctx, out)
		j.v.leaveOut(out)
		f.mu.Lock()
		if err != nil {
			return err
		}
		j.handed++
		if j.parked--; j.parked < 2+2*f.p.workers() {
			f.news.Broadcast()
		}
	}
	j.handing = false
	if f.err == nil && j.handed == len(j.ready) {
		return f.end(ctx, j)
	}
	return nil
}

// end hands over what is known at a job's end and gives its memory back. The lock is held.
func (f *flow) end(ctx context.Context, j *job) error {
	f.mu.Unlock()
	err := j.v.close(ctx)
	f.mu.Lock()
	if err != nil {
		return err
	}
	j.v, j.ready, j.state = nil, nil, jobDone
	f.held--
	f.p.budget.unload(j.bytes)
	for f.done < len(f.jobs) && f.jobs[f.done].state == jobDone {
		f.done++
	}
	f.news.Broadcast()
	return nil
}

// inMemory is how many units may be in memory at once: by default one that ends, one in work, one that is loaded
// ahead, and more where there are many workers.
func (p *planning) inMemory() int {
	if n := p.cycle.InMemory; n > 0 {
		return n
	}
	return 3 + p.workers()/8
}

// giveBack tells a loader that its partitions are no longer read.
func (p *planning) giveBack(parts []*inputs.Partition) {
	if r, ok := p.loader.(Releaser); ok {
		for _, part := range parts {
			r.Release(part)
		}
	}
}
