package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc/decode"
	"echelon/cdc/ingest"
	"echelon/cmd/echelon/feeds"
	"echelon/inputs"
	"echelon/publish/cycle"
	"echelon/publish/kafka"
	publishstate "echelon/publish/state"
)

// tenant is one tenant at work.
type tenant struct {
	tokens
	svc       *Service
	name      string
	cfg       *Tenant
	feeds     *feeds.Feeds
	plan      Plan
	publisher *kafka.Publisher // nil: plan files only
	client    []kgo.Opt        // of the change topics; nil: rows by HTTP alone
	log       *slog.Logger
	wake      chan struct{}
	warm      cycle.Warm

	mu       sync.Mutex
	waiting  []*job
	running  *job
	stopping bool
	away     string             // why the feeds are not followed, "" they are
	noAsk    string             // why the trigger topic is not read, "" it is, or there is none
	ended    map[string]Cycle   // cycles that ended without a result in the state
	endedIDs []string           // of ended, oldest first
	under    [2]map[uint64]bool // by way of looking: SKUs under their floor in the cut of the last cycle; nil: not looked at
	written  int64              // records read at the last checkpoint
}

const keptEnded = 100

func (s *Service) openTenant(ctx context.Context, name string, cfg *Tenant) (*tenant, error) {
	t := &tenant{
		tokens: tokens{file: cfg.Tokens}, svc: s, name: name, cfg: cfg, log: s.opt.Log.With("tenant", name),
		wake: make(chan struct{}, 1), ended: map[string]Cycle{}, written: -1, warm: cycle.Warm{Bytes: cfg.Limits.Warm},
	}
	err := t.load()
	if err == nil {
		t.plan, err = s.opt.Plan(cfg.Policy)
	}
	if err != nil {
		return nil, err
	}
	opt := feeds.Options{
		State: s.cfg.State, Tenant: name, Mapping: cfg.Mapping, MayBeAway: true, HeldRecords: cfg.Limits.HeldRecords,
		Now: s.opt.Clock.Now, Log: t.log,
	}
	if len(cfg.Cluster.Brokers) > 0 {
		cluster := cfg.Cluster.kafka()
		if err := cluster.Validate(); err != nil {
			return nil, fmt.Errorf("cluster: %w", err)
		}
		if t.client, err = cluster.ClientOptions(); err != nil {
			return nil, err
		}
		opt.Client = t.client
		registry, err := cluster.Registry.Client()
		if err != nil {
			return nil, err
		}
		if registry != nil {
			opt.Registry = decode.NewRegistry(registry, 0)
		}
	}
	if t.feeds, err = feeds.Open(ctx, opt); err != nil {
		return nil, err
	}
	if err := t.openPublisher(); err != nil {
		_ = t.feeds.Close()
		return nil, err
	}
	return t, nil
}

// openPublisher connects to where the plan goes.
func (t *tenant) openPublisher() error {
	to := t.cfg.Publish
	if to == nil {
		to = &t.cfg.Cluster
	}
	if t.cfg.NoPublish || len(to.Brokers) == 0 {
		return nil
	}
	cfg := to.kafka()
	cfg.Topics, cfg.Log = t.plan.Topics, t.log
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	var err error
	t.publisher, err = kafka.New(cfg)
	return err
}

func (t *tenant) close() error {
	if t.publisher != nil {
		if err := t.publisher.Close(); err != nil {
			t.log.Warn("close publisher", "error", err)
		}
	}
	return t.feeds.Close()
}

// begin starts all that a tenant does. asking ends first: nothing asks for cycles any more; working is that of
// cycles; following that of the feeds, and ends last.
func (t *tenant) begin(asking, working, following context.Context, works, follows *sync.WaitGroup) {
	follows.Go(func() { t.follow(following) })
	if t.feeds.Log() != nil && t.client != nil {
		follows.Go(func() { t.pump(following) })
	}
	t.resume(asking)
	works.Go(func() { t.work(asking, working) })
	works.Go(func() { t.checkpoints(asking) })
	for i := range t.cfg.Schedule {
		works.Go(func() { t.schedule(asking, &t.cfg.Schedule[i]) })
	}
	if t.cfg.Trigger != "" {
		works.Go(func() { t.trigger(asking) })
	}
	if t.cfg.Floor.SKUs > 0 {
		works.Go(func() { t.watchFloors(asking) })
	}
}

// stop turns away whoever asks for cycles, and forgets those that wait: waves come again by themselves.
func (t *tenant) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopping, t.waiting = true, nil
}

const again = 5 * time.Second // between tries of what does not go on by itself

// follow follows the feeds; what keeps them from going on is tried again, for a topic may be made and a grant given.
func (t *tenant) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := t.feeds.Run(ctx)
		if ctx.Err() != nil || err == nil {
			return
		}
		t.log.Error("feeds are not followed", "error", err)
		t.mu.Lock()
		t.away = err.Error()
		t.mu.Unlock()
		if !pause(ctx, again) {
			return
		}
		t.mu.Lock()
		t.away = ""
		t.mu.Unlock()
	}
}

// pause waits by the machine's clock: between tries there is nothing to plan by.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// pump writes rows that came by HTTP through to their canonical topics.
func (t *tenant) pump(ctx context.Context) {
	client, err := kgo.NewClient(append(slices.Clone(t.client), kgo.RecordRetries(5))...)
	if err != nil {
		t.log.Error("rows by HTTP are not written through", "error", err)
		return
	}
	defer client.Close()
	p := &ingest.Pump{
		Log: t.feeds.Log(), Client: client, Topic: func(table string) string { return decode.CanonicalTopic(t.name, table) },
		On: func(_ int64, err error) {
			if err != nil {
				t.log.Warn("rows by HTTP are not written through yet", "error", err)
			}
		},
	}
	if err := p.Run(ctx); err != nil {
		t.log.Error("rows by HTTP are not written through", "error", err)
	}
}

// schedule asks for the cycles of a wave: the one whose window is open, then each at its start.
func (t *tenant) schedule(ctx context.Context, w *Wave) {
	now := t.svc.opt.Clock.Now()
	if o, open := w.open(now); open {
		t.due(o)
	}
	for {
		o, ok := w.next(now)
		if !ok || !sleep(ctx, t.svc.opt.Clock, o.Start) {
			return
		}
		t.due(o)
		now = o.Start
	}
}

// due asks for an occurrence's cycle; one that is over is not planned again.
func (t *tenant) due(o Occurrence) {
	j := &job{
		id: o.Cycle, why: "schedule", asOf: o.Start, dcs: slices.Sorted(slices.Values(o.Wave.DCs)), deadline: o.Deadline, wait: t.cfg.Wait,
	}
	if _, _, err := t.add(j); err != nil {
		t.log.Warn("a wave is not planned", "cycle", o.Cycle, "error", err)
	}
}

// checkpoints writes the state again and again, where something was read since.
func (t *tenant) checkpoints(ctx context.Context) {
	for at := t.svc.opt.Clock.Now().Add(t.cfg.Checkpoint); sleep(ctx, t.svc.opt.Clock, at); at = t.svc.opt.Clock.Now().Add(t.cfg.Checkpoint) {
		limited, cancel := context.WithTimeout(ctx, t.cfg.Checkpoint)
		if err := t.checkpoint(limited); err != nil && ctx.Err() == nil {
			t.log.Error("checkpoint", "error", err)
		}
		cancel()
	}
}

func (t *tenant) checkpoint(ctx context.Context) error {
	var read int64
	for _, c := range t.feeds.State().Counts() {
		read += c.Read
	}
	t.mu.Lock()
	same := read == t.written
	t.mu.Unlock()
	if same {
		return nil
	}
	if _, following := t.feeds.Status(); !following {
		return nil // what was read stands in no round: it is read again
	}
	began := t.svc.opt.Clock.Now()
	if err := t.feeds.Checkpoint(ctx, t.client != nil); err != nil {
		return err
	}
	t.svc.metrics.checkpoint(t.name, t.svc.opt.Clock.Now().Sub(began))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written = read
	return nil
}

// limits, take, ask, cycles, cycle and waits are the face's.
func (t *tenant) limits() ingest.Limits { return t.cfg.Limits.ingest() }

func (t *tenant) take(table, key string, rows [][]byte) (ingest.Receipt, []inputs.Fault, error) {
	r, faults, err := t.feeds.Take(table, key, rows)
	t.svc.metrics.took(t.name, r, len(faults), err)
	return r, faults, err
}

func (t *tenant) ask(o Order) (Cycle, bool, error) {
	j, err := newJob(o, "http", "", t.svc.opt.Clock.Now(), t.cfg.Wait)
	if err != nil {
		return Cycle{}, false, err
	}
	if _, err := atLeast(o.AtLeast); err != nil {
		return Cycle{}, false, fmt.Errorf("%w: at_least: %w", errOrder, err)
	}
	known, err := t.cycle(context.Background(), j.id)
	if err != nil {
		return Cycle{}, false, err
	}
	if known != nil && known.State != "waiting" && known.State != "running" && finished(known.State) {
		return *known, false, nil
	}
	return t.add(j)
}

// finished reports whether a cycle of a state is not planned or published any more.
func finished(word string) bool {
	switch word {
	case cycle.Full, cycle.Degraded, cycle.CarriedForward, cycle.Superseded:
		return true
	}
	return false
}

func (t *tenant) cycles(ctx context.Context) ([]Cycle, error) {
	known, err := t.svc.store.Cycles(ctx, t.name)
	if err != nil {
		return nil, err
	}
	var out []Cycle
	seen := map[string]bool{}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running != nil {
		out, seen[t.running.id] = append(out, t.running.view("running")), true
	}
	for _, j := range t.waiting {
		if !seen[j.id] {
			out, seen[j.id] = append(out, j.view("waiting")), true
		}
	}
	slices.Reverse(known)
	for i := range known {
		if !seen[known[i].Cycle] {
			out, seen[known[i].Cycle] = append(out, stored(&known[i], false)), true
		}
	}
	for _, id := range slices.Backward(t.endedIDs) {
		if !seen[id] {
			c := t.ended[id]
			c.Result = nil
			out = append(out, c)
		}
	}
	return out, nil
}

func (t *tenant) cycle(ctx context.Context, id string) (*Cycle, error) {
	t.mu.Lock()
	if t.running != nil && t.running.id == id {
		c := t.running.view("running")
		t.mu.Unlock()
		return &c, nil
	}
	for _, j := range t.waiting {
		if j.id == id {
			c := j.view("waiting")
			t.mu.Unlock()
			return &c, nil
		}
	}
	ended, there := t.ended[id]
	t.mu.Unlock()
	known, err := t.svc.store.Find(ctx, t.name, id)
	if err != nil {
		return nil, err
	}
	if known != nil && (known.Result != "" || !there) {
		c := stored(known, true)
		return &c, nil
	}
	if there {
		return &ended, nil
	}
	return nil, nil
}

// stored is how the face shows a cycle of the state.
func stored(c *publishstate.Cycle, whole bool) Cycle {
	out := Cycle{
		Cycle: c.Cycle, State: c.State, AsOf: time.UnixMicro(c.AsOf).UTC().Format(time.RFC3339Nano), DCs: c.Wave, PlanHash: c.PlanHash,
	}
	if c.Result == "" {
		return out
	}
	if r, err := cycle.DecodeResult(c.Result); err == nil {
		out.State, out.PlanHash = r.State, r.PlanHash
	}
	if whole {
		out.Result = json.RawMessage(c.Result)
	}
	return out
}

func (t *tenant) waits() []string {
	var out []string
	t.mu.Lock()
	if t.away != "" {
		out = append(out, t.away)
	}
	if t.noAsk != "" {
		out = append(out, t.noAsk)
	}
	t.mu.Unlock()
	if _, following := t.feeds.Status(); !following && len(out) == 0 {
		out = append(out, "the feeds are not followed yet")
	}
	return out
}
