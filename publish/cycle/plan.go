package cycle

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// planAndPublish plans what has no plan files yet and publishes each DC as soon as its files are there;
// planning goes on meanwhile. An error of publishing does not stop planning: plan files are kept for the
// next run.
func (r *run) planAndPublish(ctx context.Context) error {
	planCtx, cancel := r.deadline(ctx)
	defer cancel(nil)
	d := newDelivery(r)
	g, pubCtx := errgroup.WithContext(ctx)
	for range r.cfg.Publishers {
		g.Go(func() error { return d.work(pubCtx) })
	}
	order := r.order()
	for _, dc := range order {
		if r.rows[dc].State == state.DCPlanned {
			d.add(dc)
		}
	}
	planErr := r.plan(planCtx, order, d)
	if planErr != nil && stopped(planCtx) && ctx.Err() == nil {
		r.late()
		planErr = nil
	}
	if r.isLate() || planErr != nil {
		d.stop() // what is in work is finished; nothing new begins
	}
	d.close()
	pubErr := g.Wait()
	if planErr != nil {
		return planErr
	}
	if pubErr != nil {
		return pubErr
	}
	if stopped(planCtx) {
		r.late()
	}
	return r.carryLate(ctx)
}

// deadline gives the context that planning and the beginning of new publications end with.
func (r *run) deadline(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	planCtx, cancel := context.WithCancelCause(ctx)
	if r.cfg.Deadline.IsZero() {
		return planCtx, cancel
	}
	t := time.AfterFunc(r.cfg.Deadline.Sub(r.cfg.Now()), func() { cancel(errDeadline) })
	return planCtx, func(cause error) {
		t.Stop()
		cancel(cause)
	}
}

// late notes that the deadline came.
func (r *run) late() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed = true
}

func (r *run) isLate() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missed
}

// carryLate ends the DCs that the deadline left unpublished.
func (r *run) carryLate(ctx context.Context) error {
	if !r.isLate() {
		return nil
	}
	for _, dc := range r.wave {
		row := r.rows[dc]
		if row.State != state.DCPlanning && row.State != state.DCPlanned {
			continue
		}
		r.fault("deadline", "dc "+dc, "not published by "+r.cfg.Deadline.UTC().Format(time.RFC3339)+": its last plan is carried forward")
		if err := r.end(ctx, dc, state.DCCarried, "not published by the deadline"); err != nil {
			return err
		}
	}
	return nil
}

// order is the wave in the order in which it is planned and published: with a deadline by next pick day,
// then by id.
func (r *run) order() []string {
	order := slices.Clone(r.wave)
	if r.cfg.Deadline.IsZero() {
		return order
	}
	pick := make(map[string]int64, len(order))
	for _, dc := range order {
		pick[dc] = r.nextPick(dc)
	}
	slices.SortStableFunc(order, func(a, b string) int { return int(pick[a] - pick[b]) })
	return order
}

// nextPick is the first day, counted from day 0, on which a DC can pick for any of its lanes.
func (r *run) nextPick(dc string) int64 {
	n := r.snap.net
	idx, _ := nodeOf(n, dc)
	if idx == inputs.Direct {
		return math.MaxInt32
	}
	cal := n.Nodes.PickCal[idx]
	if cal == inputs.None {
		return 0
	}
	day0 := n.Nodes.Day0[idx]
	for d := range int64(n.Horizon) {
		if open, _ := n.Calendars[cal].Open(day0 + calendars.Day(d)); open {
			return d
		}
	}
	return math.MaxInt32
}

// plan plans the components that have a DC without plan files, in the given order of DCs. Without a deadline
// all of them are one call, so that workers never wait for the last group of one component.
func (r *run) plan(ctx context.Context, order []string, d *delivery) error {
	var calls [][]inputs.NodeIdx
	var skus int64
	perDC := r.snap.rows()
	position := make(map[string]int, len(order))
	for i, dc := range order {
		position[dc] = i
	}
	type call struct {
		dcs   []inputs.NodeIdx
		first int
	}
	var found []call
	for _, component := range components(r.snap.net) {
		dcs, open := r.giving(component)
		if open == 0 {
			continue
		}
		c := call{dcs: dcs, first: len(order)}
		for _, dc := range dcs {
			name := planfile.DCName(r.snap.net, dc)
			c.first = min(c.first, position[name])
			skus += perDC[name]
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b call) int { return a.first - b.first })
	if r.cfg.Deadline.IsZero() {
		var all []inputs.NodeIdx
		for _, c := range found {
			all = append(all, c.dcs...)
		}
		slices.Sort(all)
		calls = [][]inputs.NodeIdx{all}
	} else {
		for _, c := range found {
			calls = append(calls, c.dcs)
		}
	}
	if err := r.planSpace(skus); err != nil {
		return err
	}
	base, err := r.chooseBase(ctx)
	if err != nil {
		return err
	}
	exchange, end, err := r.exchange(base != nil)
	if err != nil {
		return err
	}
	progress, rows := newProgress(r, skus), r.loader()
	for _, dcs := range calls {
		if err := r.planCall(ctx, dcs, rows, base, exchange, progress, d); err != nil {
			return errors.Join(err, end())
		}
	}
	r.keepPlan(rows)
	r.cfg.At("after-plan")
	return end()
}

// exchange is where DCs leave what they tell each other: files, or, where all rows are in memory and few are planned
// again, memory. end takes it away.
func (r *run) exchange(net bool) (x planner.Exchange, end func() error, err error) {
	if net && r.snap.held != nil {
		return planner.NewMemExchange(), func() error { return nil }, nil
	}
	files := newExchange(r.cfg.FS, r.cfg.State, r.cfg.Tenant, r.intent.Cycle)
	if err := files.begin(); err != nil {
		return nil, nil, diskError("exchange", err)
	}
	return files, files.end, nil
}

// planCall plans one set of DCs.
func (r *run) planCall(ctx context.Context, dcs []inputs.NodeIdx, rows *loader, base *planner.Base, x planner.Exchange, p *progress, d *delivery) error {
	w := planfile.NewWriter(planfile.Options{
		FS: r.cfg.FS, State: r.cfg.State, Network: r.snap.net, Engine: r.cfg.Engine, Tenant: r.cfg.Tenant,
		Cycle: r.intent.Cycle, AsOf: r.intent.AsOf, PolicyHash: r.intent.PolicyHash, Replaces: r.intent.Replaces,
		LayersOff: r.cfg.Policy.LayersOff, Room: r.cfg.Warm.roomOf(),
		Facts: r.facts,
		Done: func(ctx context.Context, _ string, m *planfile.Manifest, res *planner.DCResult) error {
			return r.onPlanned(ctx, m, res, d)
		},
	})
	memory := r.budget()
	cycle := planner.Cycle{
		Network: r.snap.net, Policy: r.cfg.Policy, AsOf: r.intent.AsOf, DCs: dcs, Workers: r.cfg.Workers,
		MemoryBytes: memory.forRows(), Base: base, Keep: true, Warm: r.warmRead() != nil,
	}
	_, err := planner.Plan(ctx, cycle, rows, x, &sink{run: r, files: w}, p.on)
	if err != nil {
		return errors.Join(memory.refused(diskError("plan files", err)), w.Abandon())
	}
	return nil
}

// facts is what the manifest of a DC says beside its plan.
func (r *run) facts(dc string) planfile.DCFacts {
	r.mu.Lock()
	defer r.mu.Unlock()
	row := r.rows[dc]
	f := planfile.DCFacts{GraceUntil: row.GraceUntil, Counted: row.Counted, CutHash: r.cut, Base: r.baseFacts(dc)}
	if r.over != nil {
		f.Under = r.over.files[dc]
	}
	f.Degraded = strings.Join(r.degraded, "; ")
	if d := r.doubts[dc]; d != "" && f.Degraded == "" {
		f.Degraded = d
	}
	return f
}

// onPlanned takes a DC whose plan files have their name, or that the planner carried forward.
func (r *run) onPlanned(ctx context.Context, m *planfile.Manifest, res *planner.DCResult, d *delivery) error {
	dc := planfile.DCName(r.snap.net, res.DC)
	if m == nil {
		r.fault("carried_forward", "dc "+dc, res.Why)
		return r.end(ctx, dc, state.DCCarried, res.Why)
	}
	r.cfg.At("after-plan-files")
	if err := r.planned(ctx, dc, m); err != nil {
		return err
	}
	r.cfg.At("after-planned")
	d.add(dc)
	return nil
}

// sink passes the DCs on that have no plan files yet. Of the others, planned again because a DC beside them
// must be, only the hash is compared.
type sink struct {
	run   *run
	files *planfile.Writer
}

func (s *sink) stands(dc inputs.NodeIdx) (*state.DC, bool) {
	s.run.mu.Lock()
	defer s.run.mu.Unlock()
	row := s.run.rows[planfile.DCName(s.run.snap.net, dc)]
	return row, row != nil && row.State != state.DCPlanning
}

// Chunk implements planner.Sink.
func (s *sink) Chunk(ctx context.Context, c *planner.Chunk) error {
	if row, stands := s.stands(c.DC); stands || row == nil {
		return ctx.Err()
	}
	return s.files.Chunk(ctx, c)
}

// Done implements planner.Sink.
func (s *sink) Done(ctx context.Context, res *planner.DCResult) error {
	row, stands := s.stands(res.DC)
	if row == nil {
		return nil // asked for its requests only
	}
	s.run.remember(res)
	if !stands {
		return s.files.Done(ctx, res)
	}
	if got := hex.EncodeToString(res.PlanHash[:]); row.PlanHash != "" && got != row.PlanHash {
		return outcome.New(outcome.CodeUnexpected, "plan_differs", "dc "+row.DC,
			"the engine or the snapshot is not the one that planned the rest of this cycle: use that version, or another cycle id",
			"planned again it is %.12s, its files are %.12s", got, row.PlanHash)
	}
	return nil
}

// progress turns the planner's events into rates.
type progress struct {
	run   *run
	total int64
	done  int64
	since time.Time
	last  time.Time
}

func newProgress(r *run, skus int64) *progress {
	now := r.cfg.Now()
	return &progress{run: r, total: skus, since: now, last: now}
}

// on takes an event of the planner; one in five a second is passed on. Only what is given counts as done:
// asked rows come again.
func (p *progress) on(e planner.Event) {
	if e.Stage != "give" {
		return
	}
	p.run.mu.Lock()
	p.done += e.SKUs
	done, now := p.done, p.run.cfg.Now()
	if now.Sub(p.last) < 200*time.Millisecond && done < p.total {
		p.run.mu.Unlock()
		return
	}
	p.last = now
	p.run.mu.Unlock()
	out := Event{Stage: "plan", DC: planfile.DCName(p.run.snap.net, e.DC), Done: done, Total: p.total, Unit: "skus"}
	out.Rate = rate(done, now.Sub(p.since))
	out.Left = left(p.total-done, out.Rate)
	p.run.cfg.On(out)
}

// rate is how many a second, 0 when that cannot be said.
func rate(done int64, spent time.Duration) float64 {
	if spent <= 0 {
		return 0
	}
	return float64(done) / spent.Seconds()
}

// left is how long the rest takes at a rate, 0 when that cannot be said.
func left(rest int64, rate float64) time.Duration {
	if rate <= 0 || rest <= 0 {
		return 0
	}
	return time.Duration(float64(rest) / rate * float64(time.Second))
}

// String names the run in errors.
func (r *run) String() string { return fmt.Sprintf("cycle %s of %s", r.intent.Cycle, r.intent.Tenant) }
