package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"echelon/publish/cycle"
	"echelon/publish/kafka"
	"echelon/publish/outcome"
	"echelon/publish/state"
)

// Options are what the service needs beside its file.
type Options struct {
	// Plan gives what a policy file ("": the defaults) says of cycles and topics.
	Plan  func(policyFile string) (Plan, error)
	Clock Clock // nil: the machine's
	Log   *slog.Logger
	// At is told of every stage boundary of a cycle, with its tenant; nil in production.
	At func(tenant, stage string)
}

// Plan is what the policy of a tenant says.
type Plan struct {
	Cycle  cycle.Config // policy, gates, defaults, keep, engine
	Topics kafka.Topics
}

// Service is the warm process.
type Service struct {
	cfg     *Config
	opt     Options
	store   *state.Store
	tenants map[string]*tenant
	slots   chan struct{} // one for each cycle that may run
	metrics *metrics
	readers *tokens // of the metrics; nil: everybody
	ln      net.Listener
}

// New opens the tenants and the port; nothing is followed and nobody is answered before Run.
func New(ctx context.Context, cfg *Config, opt Options) (*Service, error) {
	if opt.Clock == nil {
		opt.Clock = wallClock{}
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.At == nil {
		opt.At = func(string, string) {}
	}
	s := &Service{cfg: cfg, opt: opt, tenants: map[string]*tenant{}, slots: make(chan struct{}, cfg.CyclesAtOnce)}
	s.metrics = newMetrics(s)
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *Service) open(ctx context.Context) error {
	var err error
	if s.store, err = state.Open(ctx, s.cfg.State); err != nil {
		return err
	}
	if s.cfg.Metrics != "" {
		s.readers = &tokens{file: s.cfg.Metrics}
		if err := s.readers.load(); err != nil {
			return fmt.Errorf("metrics_tokens: %w", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Tenants)) {
		t, err := s.openTenant(ctx, name, s.cfg.Tenants[name])
		if err != nil {
			return fmt.Errorf("tenant %s: %w", name, err)
		}
		s.tenants[name] = t
	}
	if s.ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.Listen); err != nil {
		return &outcome.Error{Code: outcome.CodeConfig, Kind: "listen", Where: s.cfg.Listen, Hint: "take another address", Err: err}
	}
	return nil
}

func (s *Service) close() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.tenants)) {
		errs = append(errs, s.tenants[name].close())
	}
	if s.ln != nil {
		if err := s.ln.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}

// Addr is where the service answers.
func (s *Service) Addr() string { return s.ln.Addr().String() }

const closeTimeout = 10 * time.Second // of connections at a stop

// Run serves until the context ends. Then no cycle begins any more, one that runs has the grace to end and is
// stopped at a stage boundary after it, states are checkpointed.
func (s *Service) Run(ctx context.Context) error {
	desks := map[string]desk{}
	for name, t := range s.tenants {
		desks[name] = t
	}
	srv := server((&face{desks: desks, metrics: s.metrics.handler(), readers: s.readers}).handler())
	served := make(chan error, 1)
	go func() { served <- srv.Serve(s.ln) }()

	// following outlives working, which outlives ctx.
	following, stopFollowing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFollowing()
	working, stopWorking := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stopWorking(nil)
	asking, stopAsking := context.WithCancel(ctx)
	defer stopAsking()
	var follows, works sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(s.tenants)) {
		t := s.tenants[name]
		t.begin(asking, working, following, &works, &follows)
	}
	s.opt.Log.Info("serving", "address", s.Addr(), "tenants", len(s.tenants))
	var err error
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	stopAsking()
	for _, t := range s.tenants {
		t.stop()
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err = errors.Join(err, srv.Shutdown(closing))
	ended := make(chan struct{})
	go func() {
		works.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(s.cfg.Grace):
		s.opt.Log.Warn("a cycle did not end within its grace: it is stopped, and taken up at the next start")
		stopWorking(outcome.Terminated)
		<-ended
	}
	for _, name := range slices.Sorted(maps.Keys(s.tenants)) {
		if cerr := s.tenants[name].checkpoint(closing); cerr != nil {
			s.opt.Log.Error("checkpoint at the stop", "tenant", name, "error", cerr)
		}
	}
	stopFollowing()
	follows.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	s.opt.Log.Info("stopped")
	return errors.Join(err, s.close())
}
