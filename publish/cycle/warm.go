package cycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// Warm keeps the snapshots of a tenant's last cycles in memory, for the next cycle of the same process: what moved
// since is written into a copy of the touched columns instead of building a snapshot of all rows, and rows that lie
// where they lay need not be looked at. Snapshots that follow from each other share all columns that no row touched.
//
// What a cycle with a Warm plans, and what it keeps, is what one without plans and keeps.
type Warm struct {
	// Bytes is the most that one snapshot may take to be kept; 0: a third of the memory that may be used.
	Bytes int64

	mu   sync.Mutex
	kept []*warmed // oldest first
	// plans of cycles of these snapshots, oldest first; far by "DC/cycle"
	plans []*warmPlan
	far   map[string]*far
	files map[string]*heldFiles // by folder
	room  planfile.Room         // memory of plan files being made
	whole *store.Whole          // the snapshot that later ones lie over on disk; nil: the next one is written in full
}

// warmed is one snapshot in memory.
type warmed struct {
	asOf   int64
	cut    map[string]string
	how    string // what else decides a snapshot: horizon, stock of rows without position, defaults
	mark   any
	opt    build.Options
	built  *build.Built
	check  Checked
	faulty []inputs.Fault // rows that the builder put into quarantine
	many   bool           // more of them than are kept
}

const (
	mostWarm   = 4    // snapshots kept: waves of other DCs come between a cycle and the one that it follows
	mostFaulty = 1000 // quarantined rows kept with a snapshot
)

// Made says how the snapshot of a warm cycle was made.
type Made struct {
	// Patched counts the rows written into a copy of the snapshot before, by table; null: it was built of all rows.
	Patched map[string]int `json:"patched,omitempty"`
	Full    string         `json:"full,omitempty"` // why it was built of all rows
}

// Moves is what moved between two cuts of the same feeds.
type Moves struct {
	build.Moved
	Before, After inputs.Source
	// Shifted names tables in which rows came or went, so that those behind them have other places.
	Shifted map[string]bool
}

// Checked is the rows that break a rule across columns: they are in the feeds and not in Source.
type Checked struct {
	Broken map[string]int64
	Faults []Fault
}

// last is the newest snapshot; nil: none.
func (w *Warm) last() *warmed {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.kept); n > 0 {
		return w.kept[n-1]
	}
	return nil
}

// of finds the snapshot of an instant and a cut.
func (w *Warm) of(c *state.Cycle, how string) *warmed {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range slices.Backward(w.kept) {
		if k.asOf == c.AsOf && k.how == how && maps.Equal(k.cut, c.Inputs) {
			return k
		}
	}
	return nil
}

// keep takes a snapshot; one that does not follow from those that are there takes their place.
func (w *Warm) keep(next *warmed, follows bool, most int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !follows {
		w.clear()
	}
	var bytes int64
	for _, p := range next.built.Partitions {
		bytes += p.Bytes()
	}
	if w.Bytes > 0 {
		most = w.Bytes
	}
	if most > 0 && bytes > most {
		w.clear()
		return
	}
	w.kept = append(w.kept, next)
	if len(w.kept) > mostWarm {
		w.kept = slices.Delete(w.kept, 0, 1)
	}
}

// forget makes room before a snapshot is built of all rows.
func (w *Warm) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clear()
}

func (w *Warm) clear() { w.kept, w.plans, w.far, w.files, w.whole = nil, nil, nil, nil, nil }

// wholeOnDisk gives the snapshot that the next one may lie over on disk; nil: none.
func (w *Warm) wholeOnDisk() *store.Whole {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.whole
}

// roomOf is memory that plan files are made in; nil: each writer has its own.
func (w *Warm) roomOf() *planfile.Room {
	if w == nil {
		return nil
	}
	return &w.room
}

// keepWhole remembers a snapshot that was written in full, while its rows stay in memory.
func (w *Warm) keepWhole(s *store.Whole) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) > 0 {
		w.whole = s
	}
}

// how names what decides a snapshot beside its rows and its instant.
func (r *run) how() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %t", r.cfg.Policy.HorizonDays, r.cfg.Policy.MissingZero)
	for _, name := range slices.Sorted(maps.Keys(r.cfg.Defaults)) {
		fmt.Fprintf(&b, " %s=%s", name, r.cfg.Defaults[name])
	}
	return b.String()
}

// buildFed makes the snapshot of a cut of change feeds: out of the one before where only values moved, else of all
// rows.
func (r *run) buildFed(ctx context.Context, opt build.Options) (*build.Built, Checked, error) {
	w, feed := r.cfg.Warm, r.src.feed
	if w == nil {
		checked, err := feed.check(ctx)
		if err != nil {
			return nil, Checked{}, err
		}
		built, err := build.Snapshot(ctx, feed.Source, opt)
		return built, checked, err
	}
	next, why, err := r.patch(ctx, opt)
	if err != nil {
		return nil, Checked{}, err
	}
	follows := next != nil
	if next == nil {
		r.made = &Made{Full: why}
		w.forget()
		next = &warmed{}
		pass := opt.Quarantine
		opt.Quarantine = func(f inputs.Fault) {
			if next.many = len(next.faulty) == mostFaulty; !next.many {
				next.faulty = append(next.faulty, f)
			}
			pass(f)
		}
		if next.check, err = feed.check(ctx); err != nil {
			return nil, Checked{}, err
		}
		if next.built, err = build.Snapshot(ctx, feed.Source, opt); err != nil {
			return nil, Checked{}, err
		}
	}
	next.asOf, next.cut, next.how, next.mark = r.intent.AsOf, r.intent.Inputs, r.how(), feed.Mark
	next.opt = opt
	next.opt.Quarantine = nil
	w.keep(next, follows, r.memory()/3)
	return next.built, next.check, nil
}

// patch makes the snapshot out of the one before. Nil, with the reason, when it cannot follow from it.
func (r *run) patch(ctx context.Context, opt build.Options) (*warmed, string, error) {
	last, feed := r.cfg.Warm.last(), r.src.feed
	switch {
	case last == nil:
		return nil, "no snapshot of an earlier cycle is in memory", nil
	case feed.Since == nil:
		return nil, "the feeds do not say what moved", nil
	case last.how != r.how():
		return nil, "the policy makes another snapshot", nil
	case last.many:
		return nil, fmt.Sprintf("more than %d rows are in quarantine", mostFaulty), nil
	}
	moves, why, err := feed.Since(ctx, last.mark)
	if err != nil || moves == nil {
		return nil, why, err
	}
	for i := range last.faulty {
		if moves.Shifted[last.faulty[i].Table] {
			return nil, "rows came or went in " + last.faulty[i].Table + ", which has rows in quarantine", nil
		}
	}
	for table, n := range last.check.Broken {
		if n > 0 && moves.Shifted[table] {
			return nil, "rows came or went in " + table + ", which has rows that break their contract", nil
		}
	}
	built, err := build.Patch(ctx, last.built, moves.Before, moves.After, moves.Moved, opt)
	if errors.Is(err, build.ErrStructure) {
		return nil, err.Error(), nil
	}
	if err != nil {
		return nil, "", err
	}
	for i := range last.faulty {
		opt.Quarantine(last.faulty[i])
	}
	r.made = &Made{Patched: map[string]int{
		"inventory": len(moves.Inventory), "forecasts": len(moves.Forecasts), "safety_stocks": len(moves.Safety),
		"open_orders": len(moves.Orders),
	}}
	return &warmed{built: built, check: last.check, faulty: last.faulty}, "", nil
}
