package cycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
	"echelon/publish"
	"echelon/publish/disk"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// run is one run of a cycle.
type run struct {
	cfg        Config
	store      *state.Store
	src        *source
	quarantine *quarantine
	snap       *snapshot
	intent     state.Intent
	known      *state.Cycle // the cycle as the state has it
	wave       []string     // DCs that give, ascending
	rows       map[string]*state.DC
	history    *state.Past
	past       *past
	records    []publish.Record
	cut        string          // hash of what the cycle is planned from, once that is settled
	net        *NetChange      // what is known before planning
	built      *build.Built    // the snapshot, when it stays in memory
	written    *store.Snapshot // the snapshot on disk, when it holds only what differs from an earlier one
	made       *Made           // how it was made; nil: not by this run, or by a run without a Warm
	over       *base           // what this cycle is a net change of; nil: nothing
	remembered map[string]*planned
	away       *outcome.Error // the publisher could not be reached at the start

	mu       sync.Mutex
	faults   []Fault
	degraded []string          // why the whole cycle is marked degraded
	doubts   map[string]string // DC → why it is
	missed   bool              // the deadline came

	began   time.Time
	stage   string
	since   time.Time
	timings map[string]int64
}

// Run runs one cycle. The result is never nil; the error, when there is one, is an *outcome.Error and its
// code is the result's.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	cfg = cfg.withDefaults()
	r := &run{cfg: cfg, timings: make(map[string]int64), doubts: make(map[string]string)}
	r.began = cfg.Now()
	r.since = r.began
	result, err := r.do(ctx)
	r.step("")
	if r.store != nil {
		err = errors.Join(err, r.store.Close())
	}
	return r.finish(ctx, result, err)
}

// step closes the timing of one stage and opens the next.
func (r *run) step(name string) {
	now := r.cfg.Now()
	if r.stage != "" {
		r.timings[r.stage] += now.Sub(r.since).Milliseconds()
	}
	r.stage, r.since = name, now
	if name != "" {
		r.cfg.On(Event{Stage: name})
	}
}

// fault adds something that a person should know.
func (r *run) fault(kind, where, hint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, Fault{kind, where, hint})
}

func (r *run) do(ctx context.Context) (*Result, error) {
	if err := r.cfg.Validate(); err != nil {
		return nil, err
	}
	r.step("open")
	if r.cfg.DryRun {
		return r.dry(ctx)
	}
	var err error
	if r.store, err = state.Open(ctx, r.cfg.State); err != nil {
		return nil, err
	}
	if err := r.intend(ctx); err != nil {
		return nil, err
	}
	lock, err := r.store.Lock(r.cfg.Tenant, r.intent.Cycle)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Unlock() }() // ends with the process at the latest
	if r.known, err = r.store.Begin(ctx, r.intent, r.cfg.Now()); err != nil {
		return nil, err
	}
	r.intent = r.known.Intent
	r.cfg.At("after-intent")
	if done, err := r.done(); done != nil || err != nil {
		return done, err
	}
	result, err := r.work(ctx)
	if _, qerr := r.quarantine.close(); qerr != nil {
		err = errors.Join(err, qerr)
	}
	return result, r.refused(ctx, err)
}

// intend opens the inputs and settles what this run wants to plan.
func (r *run) intend(ctx context.Context) error {
	var err error
	if r.src, err = r.openInputs(ctx); err != nil {
		return err
	}
	asOf, err := r.asOf(ctx)
	if err != nil {
		return err
	}
	id := r.cfg.Cycle
	if id == "" {
		id = idOf(asOf)
	}
	r.quarantine = newQuarantine(r.cfg.FS, r.cfg.State, r.cfg.Tenant, id)
	r.intent = state.Intent{
		Tenant: r.cfg.Tenant, Cycle: id, AsOf: asOf, Wave: r.cfg.DCs, PolicyHash: r.cfg.PolicyHash, Policy: r.cfg.PolicyText,
		Inputs: r.src.digests, Replaces: r.cfg.Replaces, Engine: r.cfg.Engine,
	}
	if r.cfg.Replaces == id {
		return outcome.New(outcome.CodeUsage, "usage", "--replaces", "name another cycle", "a cycle cannot replace itself")
	}
	return nil
}

// idOf is the id of a cycle that has none: its as-of.
func idOf(asOf int64) string { return time.UnixMicro(asOf).UTC().Format("20060102T150405Z") }

// asOf is the instant given, else that of the cycle as it stands, else the inputs', else now.
func (r *run) asOf(ctx context.Context) (int64, error) {
	if r.cfg.AsOf != 0 {
		return r.cfg.AsOf, nil
	}
	if r.cfg.Cycle != "" && r.store != nil {
		known, err := r.store.Find(ctx, r.cfg.Tenant, r.cfg.Cycle)
		if err != nil {
			return 0, err
		}
		if known != nil {
			return known.AsOf, nil
		}
	}
	if r.src.asOf != 0 {
		return r.src.asOf, nil
	}
	return r.cfg.Now().UnixMicro(), nil
}

// done returns the result of a cycle that is over.
func (r *run) done() (*Result, error) {
	over := r.known.State == state.CycleClosed || r.known.State == state.CycleSuperseded ||
		r.known.State == state.CycleUnpub && r.cfg.Publisher == nil
	if !over || r.known.Result == "" {
		return nil, nil
	}
	result, err := DecodeResult(r.known.Result)
	if err != nil {
		return nil, err
	}
	result.Already = true
	r.cfg.On(Event{Stage: "close", Text: "cycle " + r.intent.Cycle + " was done before: nothing is planned or published again"})
	return result, nil
}

// work is the cycle from its snapshot to its end.
func (r *run) work(ctx context.Context) (*Result, error) {
	r.step("snapshot")
	if err := r.snapshot(ctx); err != nil {
		return nil, err
	}
	r.cfg.At("after-snapshot")
	if err := r.gates(ctx); err != nil {
		return nil, err
	}
	if err := r.chooseWave(); err != nil {
		return nil, err
	}
	if err := r.compare(ctx); err != nil {
		return nil, err
	}
	r.cfg.At("after-compare")
	r.step("account")
	if err := r.account(ctx); err != nil {
		return nil, err
	}
	r.cut = r.cutHash()
	if err := r.settle(ctx); err != nil {
		return nil, err
	}
	if err := r.confirm(ctx); err != nil {
		return nil, err
	}
	r.cfg.At("after-account")
	r.step("plan")
	if err := r.planAndPublish(ctx); err != nil {
		return nil, err
	}
	r.step("close")
	return r.close(ctx)
}

// refused notes in the state that the inputs were refused: corrected ones may use the cycle's id.
func (r *run) refused(ctx context.Context, err error) error {
	e := asOutcome(ctx, err)
	if e == nil || e.Code != outcome.CodeRefused {
		return err
	}
	out := r.base()
	out.State, out.ExitCode = Refused, e.Code
	raw, jerr := out.JSON()
	if jerr != nil {
		return errors.Join(err, jerr)
	}
	return errors.Join(err, r.store.CloseCycle(context.WithoutCancel(ctx), r.intent.Tenant, r.intent.Cycle, state.CycleRefused, string(raw), r.cfg.Now()))
}

// asOutcome classifies an error; refusals of the inputs' own packages are 65.
func asOutcome(ctx context.Context, err error) *outcome.Error {
	if err == nil {
		return nil
	}
	var known *outcome.Error
	if errors.As(err, &known) {
		return known
	}
	var refusal *inputs.Refusal
	if errors.As(err, &refusal) {
		return &outcome.Error{Code: outcome.CodeRefused, Kind: refusal.Kind, Where: refusal.Where, Hint: refusal.Hint, Err: refusal.Err}
	}
	var corrupt *planfile.Corrupt
	if errors.As(err, &corrupt) {
		return &outcome.Error{Code: outcome.CodeAgain, Kind: "plan_files_corrupt", Where: corrupt.File, Hint: "run the cycle again: the DC is planned anew", Err: err}
	}
	if disk.IsFull(err) || state.IsFull(err) {
		return asOutcome(ctx, diskError("state folder", err))
	}
	return outcome.Of(ctx, err)
}

// finish makes the result whole, whatever happened.
func (r *run) finish(ctx context.Context, result *Result, err error) (*Result, error) {
	e := asOutcome(ctx, err)
	if result == nil {
		result = r.base()
		result.State = Failed
		if e != nil && e.Code == outcome.CodeRefused {
			result.State = Refused
		}
	}
	if e != nil {
		result.ExitCode = e.Code
		what := e.Hint
		if e.Err != nil {
			what = e.Err.Error()
			if e.Hint != "" {
				what += "; " + e.Hint
			}
		}
		result.Faults = append(result.Faults, Fault{e.Kind, e.Where, what})
	} else if r.cfg.Strict {
		switch result.State {
		case Degraded:
			result.ExitCode = outcome.CodeDegraded
		case CarriedForward, Superseded:
			result.ExitCode = outcome.CodeCarried
		}
	}
	result.PeakRSS = peakRSS()
	r.timings["total"] = r.cfg.Now().Sub(r.began).Milliseconds()
	result.Timings = r.timings
	if e == nil {
		return result, nil
	}
	return result, e
}

// base is a result that knows only what was asked for.
func (r *run) base() *Result {
	out := &Result{
		State: Failed, Tenant: r.cfg.Tenant, Cycle: r.cfg.Cycle, PolicyHash: r.cfg.PolicyHash, Engine: r.cfg.Engine,
		Cut:      Cut{Inputs: map[string]string{}, Releases: map[string][]string{}, Carry: map[string]string{}, Replaces: r.cfg.Replaces},
		Coverage: Coverage{ByReason: map[string]int64{}}, Inputs: map[string]Input{}, DCs: []DCResult{},
		Layers: map[string]LayerSum{}, Exceptions: map[string]int64{}, Faults: []Fault{},
	}
	if r.intent.Cycle != "" {
		out.Cycle, out.AsOf, out.Cut.Inputs = r.intent.Cycle, instant(r.intent.AsOf), r.intent.Inputs
	}
	if r.snap != nil {
		out.Inputs, out.Feeds = r.snap.report.Tables, r.snap.report.Feeds
		out.Faults = append(out.Faults, r.snap.report.Faults...)
		out.Made = r.made
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out.Faults = append(out.Faults, r.faults...)
	return out
}

// dry says what a run would do and writes nothing.
func (r *run) dry(ctx context.Context) (*Result, error) {
	if err := r.intend(ctx); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("would plan cycle %s as of %s from %d inputs (%d bytes)",
		r.intent.Cycle, instant(r.intent.AsOf), len(r.src.digests), r.src.bytes)
	r.cfg.On(Event{Stage: "open", Done: r.src.bytes, Unit: "bytes", Text: text})
	out := r.base()
	out.State = DryRun
	return out, nil
}
