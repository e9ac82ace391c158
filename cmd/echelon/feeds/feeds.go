// Package feeds puts the change feeds of one tenant together: mapping, decoder, state with its checkpoints, the log
// behind HTTP and the follower; its cuts are what cycles are planned from. The folder of a tenant's feeds:
//
//	<state>/feeds/tenant=T/lock          held by the one process that follows
//	<state>/feeds/tenant=T/checkpoints/  the tables with offsets and positions
//	<state>/feeds/tenant=T/http/         the log behind HTTP, where a table comes by it
//	<state>/feeds/tenant=T/quarantine/   records that were not taken
package feeds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"echelon/cdc"
	"echelon/cdc/decode"
	"echelon/cdc/follow"
	"echelon/cdc/ingest"
	"echelon/cdc/state"
	"echelon/inputs"
	"echelon/inputs/feed"
	"echelon/publish/outcome"
)

// Options say whose feeds, and where they come from.
type Options struct {
	State    string // state folder
	Tenant   string
	Mapping  string    // mapping file, "": every table comes by its canonical topic
	Client   []kgo.Opt // of the cluster, nil: rows by HTTP alone
	Registry decode.Registry
	// Restored names sources whose rows are taken from where they are now, although they were restored.
	Restored []string
	// MayBeAway lets the feeds begin while the cluster is away.
	MayBeAway   bool
	HeldRecords int // see follow.Config; 0: its default
	Checkpoints int // kept; 0: 3
	Window      int // see state.Config; 0: its default
	Now         func() time.Time
	Log         *slog.Logger
	Follow      func(*follow.Config) // changes settings, for tests; nil: none
}

// Feeds are the open feeds of a tenant. Run follows them; the other methods may be called meanwhile.
type Feeds struct {
	opt        Options
	dir        string
	lock       *os.File
	mapping    *feed.Mapping
	feeds      *decode.Feeds
	state      *state.State
	log        *ingest.Log // nil: no table comes by HTTP
	quarantine *follow.Quarantine
	tables     map[string][]string // topic → tables of ours

	checks sync.Mutex // of check: a decoder is used by one goroutine
	check  *decode.Decoder

	mu       sync.Mutex
	follower *follow.Follower // of the run that is under way, nil: none
	started  chan struct{}    // closed when there is one
}

// Dir is the folder of a tenant's feeds.
func Dir(stateDir, tenant string) string {
	return filepath.Join(stateDir, "feeds", "tenant="+tenant)
}

// Open takes the newest whole checkpoint up. A folder that another process follows is an error of code 75.
func Open(ctx context.Context, opt Options) (*Feeds, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	f := &Feeds{opt: opt, dir: Dir(opt.State, opt.Tenant), tables: map[string][]string{}, started: make(chan struct{})}
	if err := f.open(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Feeds) open(ctx context.Context) error {
	var err error
	if f.opt.Mapping != "" {
		if f.mapping, err = feed.ReadMapping(f.opt.Mapping); err != nil {
			return err
		}
	}
	if f.feeds, err = decode.New(decode.Options{Tenant: f.opt.Tenant, Mapping: f.mapping, Registry: f.opt.Registry}); err != nil {
		return err
	}
	f.check = f.feeds.Decoder()
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return fmt.Errorf("feeds: %w", err)
	}
	if f.lock, err = os.OpenFile(filepath.Join(f.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return fmt.Errorf("feeds: %w", err)
	}
	if err := unix.Flock(int(f.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return outcome.New(outcome.CodeAgain, "feeds_in_use", f.dir, "stop the other process, or ask it for a cycle (POST /v1/{tenant}/cycles)",
			"another process follows the feeds of tenant %s", f.opt.Tenant)
	}
	if f.quarantine, err = follow.OpenQuarantine(filepath.Join(f.dir, "quarantine")); err != nil {
		return err
	}
	f.state, err = state.Open(ctx, state.Config{
		Dir: filepath.Join(f.dir, "checkpoints"), Tenant: f.opt.Tenant, Origins: f.feeds.Origins, Keep: f.opt.Checkpoints,
		Window: f.opt.Window, Quarantine: f.quarantine.Add,
	})
	if err != nil {
		return err
	}
	for _, passed := range f.state.Passed() {
		f.opt.Log.Warn("checkpoint passed over for the one before", "error", passed)
	}
	for _, source := range f.opt.Restored {
		if err := f.state.AcceptRestore(source); err != nil {
			return &inputs.Refusal{Kind: "unknown_source", Where: "--accept-restore " + inputs.Cut(source), Hint: "name a source of the mapping", Err: err}
		}
	}
	byHTTP := false
	for i := range f.feeds.Origins {
		o := &f.feeds.Origins[i]
		topic := o.Topic
		if o.Source == feed.SourceHTTP {
			byHTTP, topic = true, cdc.HTTPTopic
			through := decode.CanonicalTopic(f.opt.Tenant, o.Contract.Table)
			f.tables[through] = append(f.tables[through], o.Contract.Table)
		}
		if !slices.Contains(f.tables[topic], o.Contract.Table) {
			f.tables[topic] = append(f.tables[topic], o.Contract.Table)
		}
	}
	if byHTTP {
		f.log, err = ingest.Open(ingest.Options{Dir: filepath.Join(f.dir, "http"), First: f.state.Offsets()[ingest.Partition], Now: f.opt.Now})
	}
	return err
}

// Close lets go of the folder. What was not checkpointed is read again by the next one.
func (f *Feeds) Close() error {
	var errs []error
	if f.log != nil {
		errs = append(errs, f.log.Close())
	}
	if f.quarantine != nil {
		errs = append(errs, f.quarantine.Close())
	}
	if f.lock != nil {
		errs = append(errs, f.lock.Close())
	}
	return errors.Join(errs...)
}

// topics lists what is followed. Topics that nobody wrote down may be missing: a table without one has no rows,
// unless planning needs it.
func (f *Feeds) topics() []follow.Topic {
	m := f.mapping
	if m == nil {
		m = &feed.Mapping{}
	}
	named, sources := map[string]bool{}, map[string]string{}
	for _, t := range m.Tables {
		for _, o := range t.From {
			named[o.Topic] = true
			if m.Sources[o.Source].Transactions != "" {
				sources[o.Topic] = o.Source
			}
		}
	}
	for name, s := range m.Sources {
		if s.Transactions != "" {
			sources[s.Transactions] = name
			named[s.Transactions] = true
		}
	}
	required := map[string]bool{}
	for _, c := range inputs.Contracts() {
		if c.Required && len(m.Tables[c.Table].From) == 0 {
			required[decode.CanonicalTopic(f.opt.Tenant, c.Table)] = true
		}
	}
	var out []follow.Topic
	for _, name := range f.feeds.Topics() {
		out = append(out, follow.Topic{
			Name: name, Source: sources[name], Optional: !named[name] && !required[name],
			Transactions: f.feeds.Marks(name) == "transactions",
		})
	}
	return out
}

// Run follows the feeds until the context ends (nil) or something keeps them from going on. It may be called again.
func (f *Feeds) Run(ctx context.Context) error {
	cfg := follow.Config{
		Client: f.opt.Client, Decoder: f.feeds.Decoder(), State: f.state, Log: f.log, Quarantine: f.quarantine.Add,
		HeldRecords: f.opt.HeldRecords, MayBeAway: f.opt.MayBeAway, Now: f.opt.Now, Events: f.opt.Log,
	}
	if f.opt.Client != nil {
		cfg.Topics = f.topics()
		if err := f.feeds.Check(ctx); err != nil { // before a topic is read
			return classify(err)
		}
	}
	if f.opt.Follow != nil {
		f.opt.Follow(&cfg)
	}
	fl, err := follow.New(ctx, cfg)
	if err != nil {
		return classify(err)
	}
	defer fl.Close()
	f.mu.Lock()
	f.follower = fl
	close(f.started)
	f.mu.Unlock()
	err = fl.Run(ctx)
	f.mu.Lock()
	f.follower, f.started = nil, make(chan struct{})
	f.mu.Unlock()
	return classify(err)
}

// running waits for a follower.
func (f *Feeds) running(ctx context.Context) (*follow.Follower, error) {
	for {
		f.mu.Lock()
		fl, started := f.follower, f.started
		f.mu.Unlock()
		if fl != nil {
			return fl, nil
		}
		select {
		case <-started:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Status is what the follower does; false: there is none.
func (f *Feeds) Status() (follow.Status, bool) {
	f.mu.Lock()
	fl := f.follower
	f.mu.Unlock()
	if fl == nil {
		return follow.Status{}, false
	}
	return fl.Status(), true
}

// State is the tables themselves.
func (f *Feeds) State() *state.State { return f.state }

// Log is the log behind HTTP, nil where no table comes by it.
func (f *Feeds) Log() *ingest.Log { return f.log }

// Checkpoint writes the state between two transactions, and lets go of what the log behind HTTP need not keep.
// through is false where rows are not written through to Kafka.
func (f *Feeds) Checkpoint(ctx context.Context, through bool) error {
	fl, err := f.running(ctx)
	if err != nil {
		return err
	}
	read := int64(0)
	err = f.state.CheckpointAt(ctx, func(take func()) error {
		_, err := fl.CutAt(ctx, follow.Want{}, func() error {
			if err := f.quarantine.Flush(); err != nil {
				return err
			}
			take()
			read = f.state.Offsets()[ingest.Partition]
			return nil
		})
		return err
	})
	if err != nil || f.log == nil {
		return err
	}
	if through {
		read = min(read, f.log.Through())
	}
	return f.log.Trim(read)
}

// Take makes rows that came by HTTP durable, or says what is wrong with them.
func (f *Feeds) Take(table, key string, rows [][]byte) (ingest.Receipt, []inputs.Fault, error) {
	if f.log == nil || !slices.Contains(f.tables[cdc.HTTPTopic], table) {
		return ingest.Receipt{}, []inputs.Fault{{
			Table: table, Reason: inputs.BadRecord,
			Hint: "rows of this table do not come by HTTP: its mapping must name it (from: [{source: http}])",
		}}, nil
	}
	var faults []inputs.Fault
	f.checks.Lock()
	for i, row := range rows {
		r := cdc.Record{
			Partition: ingest.Partition, Offset: int64(i), Time: f.opt.Now().UnixMicro(), Value: row,
			Headers: []cdc.Header{{Key: decode.HeaderTable, Value: []byte(table)}},
		}
		err := f.check.Decode(&r, func(*cdc.Change) error { return nil })
		var bad *inputs.Fault
		if errors.As(err, &bad) {
			x := *bad
			x.Position = int64(i)
			faults = append(faults, x)
		} else if err != nil {
			f.checks.Unlock()
			return ingest.Receipt{}, nil, err
		}
	}
	f.checks.Unlock()
	if len(faults) > 0 {
		return ingest.Receipt{}, faults, nil
	}
	r, err := f.log.Append(ingest.Request{Table: table, Key: key, Rows: rows})
	return r, nil, err
}

// classify gives errors of the feeds their exit codes.
func classify(err error) error {
	var own *follow.Error
	var away *decode.RegistryError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &away):
		return &outcome.Error{Code: outcome.CodeUnavailable, Kind: "registry_away", Where: "schema registry", Hint: "the feed goes on when it is back", Err: err}
	case errors.As(err, &own):
		code := map[string]int{
			follow.TopicMissing: outcome.CodeConfig, follow.Denied: outcome.CodeDenied,
			follow.BrokerAway: outcome.CodeUnavailable, follow.Late: outcome.CodeAgain,
		}[own.Kind]
		return &outcome.Error{Code: code, Kind: own.Kind, Where: own.Where, Hint: own.Hint, Err: own.Err}
	}
	return err
}
