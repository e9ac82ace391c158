package cycle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"echelon/inputs"
	"echelon/inputs/store"
	"echelon/planner"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// Net bounds net changes. A DC is planned in full again when a row of them is longer than Depth or has written more
// lines than its plan has, and when more of its rows differ than FullAbove says.
type Net struct {
	Depth     int   // 0: 48
	FullAbove int64 // thousandths of a DC's rows; 0: 600
}

// NetChange says what a cycle planned again, and why; with Full, why it planned everything.
type NetChange struct {
	Base string           `json:"base,omitempty"` // the cycle whose lines stand
	Full string           `json:"full,omitempty"` // why there is no base
	Rows int64            `json:"rows"`           // planned again
	Of   int64            `json:"of"`
	Why  map[string]int64 `json:"why"` // rows by cause
}

// base is the earlier cycle that this one is a net change of.
type base struct {
	cycle *state.Cycle
	rows  map[string]*state.DC
	files map[string]*planfile.DC // per DC that has plan files to lie over
}

// chooseBase takes the newest earlier cycle of the tenant with the same policy, engine and wave, when what it was
// planned from is still there. Else the cycle is planned in full, and says why.
func (r *run) chooseBase(ctx context.Context) (*planner.Base, error) {
	r.net = &NetChange{Why: map[string]int64{}}
	full := func(format string, args ...any) (*planner.Base, error) {
		r.net.Full = fmt.Sprintf(format, args...)
		return nil, nil
	}
	if r.cfg.Full {
		return full("--full")
	}
	cycles, err := r.store.Cycles(ctx, r.cfg.Tenant)
	if err != nil {
		return nil, err
	}
	var found *state.Cycle
	for i := len(cycles) - 1; i >= 0 && found == nil; i-- {
		if c := &cycles[i]; r.mayBeBase(c) {
			found = c
		}
	}
	if found == nil {
		return full("no earlier cycle has this policy, engine version and set of DCs")
	}
	b := &base{cycle: found, rows: map[string]*state.DC{}, files: map[string]*planfile.DC{}}
	rows, err := r.store.DCs(ctx, r.cfg.Tenant, found.Cycle)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		b.rows[rows[i].DC] = &rows[i]
	}
	plan := r.cfg.Warm.planOf(found.Cycle)
	if why := r.readable(b, plan); why != "" {
		return full("cycle %s: %s", found.Cycle, why)
	}
	snap, err := r.baseSnapshot(ctx, found)
	if err != nil {
		return nil, err
	}
	if snap == nil {
		return full("cycle %s: its snapshot is no longer there", found.Cycle)
	}
	open := func(ctx context.Context) (*loader, error) {
		l, _, err := reopen(ctx, r.store, found, snap, r.cfg.Policy.OrderFeedNone)
		return l, err
	}
	out := &planner.Base{Network: snap.net, AsOf: found.AsOf, FullAbove: r.cfg.Net.FullAbove}
	if plan != nil && snap.held != nil {
		out.Loader = &rowsBefore{plan: plan, open: open}
		out.Rows = func(_ context.Context, dc string) (*inputs.Partition, error) { return plan.laid[dc], nil }
	} else if out.Loader, err = open(ctx); err != nil {
		return nil, err
	} else {
		plan = nil
	}
	r.over = b
	r.net.Base = found.Cycle
	out.Kept = func(ctx context.Context, dc string) (*planner.Kept, error) { return r.keptOf(ctx, b, plan, dc) }
	out.Lines = func(ctx context.Context, dc string, id planner.LayerID) (*planner.Table, error) {
		if p := plan.of(dc, b.files[dc]); p != nil {
			switch id {
			case planner.VendorOrders:
				return p.standing.Vendor, nil
			case planner.Carry:
				return p.standing.Carry, nil
			case planner.Workload:
				return p.standing.Workload, nil
			default: // read like any other
			}
		}
		return b.files[dc].Table(ctx, id, snap.net)
	}
	return out, nil
}

func (r *run) mayBeBase(c *state.Cycle) bool {
	in := &r.intent
	return c.Cycle != in.Cycle && c.AsOf <= in.AsOf && c.PolicyHash == in.PolicyHash && c.Engine == in.Engine &&
		slices.Equal(c.Wave, in.Wave) &&
		(c.State == state.CycleClosed || c.State == state.CycleUnpub || c.State == state.CyclePlanned)
}

// readable opens the plan files of a base; it says what of the base's own past is gone, "" nothing. Where the rows that
// the base was planned from are in memory, its past is not read.
func (r *run) readable(b *base, plan *warmPlan) string {
	dir := func(cycle, dc string) string { return planfile.Dir(r.cfg.State, r.cfg.Tenant, cycle, dc) }
	for _, dc := range slices.Sorted(maps.Keys(b.rows)) {
		row := b.rows[dc]
		past := slices.Clone(row.Counted)
		if row.CarryFrom != "" {
			past = append(past, row.CarryFrom)
		}
		if plan != nil && plan.laid[dc] != nil && plan.dcs[dc] != nil {
			past = nil
		}
		for _, cycle := range past {
			if _, err := r.cfg.Warm.open(dir(cycle, dc)); err != nil && !r.recovered(cycle, dc) {
				return fmt.Sprintf("releases of cycle %s that counted for dc %s are no longer there", cycle, dc)
			}
		}
		out := row.State == state.DCPublished || row.State == state.DCPlanned && r.cfg.Publisher == nil
		if !out || row.Recovered {
			continue
		}
		files, err := r.cfg.Warm.open(dir(b.cycle.Cycle, dc))
		if err != nil || files.Manifest.PlanHash != row.PlanHash || !r.sound(files) {
			continue
		}
		b.files[dc] = files
	}
	if len(b.files) == 0 {
		return "no DC of it has plan files that are out"
	}
	return ""
}

func (r *run) recovered(cycle, dc string) bool {
	for _, d := range r.history.ByDC[dc] {
		if d.Cycle == cycle {
			return d.Recovered
		}
	}
	return false
}

// sound reports whether plan files may be lain over: they kept what a net change compares with, and the row of net
// changes below them is neither long nor heavy, and whole.
func (r *run) sound(files *planfile.DC) bool {
	m := files.Manifest
	if m.Kept == nil {
		return false
	}
	if m.Base == nil {
		return true
	}
	if m.Base.Depth+1 > r.cfg.Net.Depth || m.Base.Lines+m.ItemLines() > m.PlanLines() {
		return false
	}
	for below := files; below != nil; {
		next, err := r.cfg.Warm.base(below)
		if err != nil {
			return false
		}
		below = next
	}
	return true
}

// keptOf reads what the base's plan of a DC kept. Plan files that are no longer what their manifest says are passed
// over: the DC is planned in full.
func (r *run) keptOf(ctx context.Context, b *base, plan *warmPlan, dc string) (*planner.Kept, error) {
	files := b.files[dc]
	if files == nil {
		return nil, nil
	}
	for below := files; below != nil; {
		if err := r.cfg.Warm.verify(ctx, below); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r.fault("plan_files_corrupt", fmt.Sprintf("cycle %s, dc %s", below.Manifest.Cycle, dc), "the DC is planned in full: "+err.Error())
			return nil, nil
		}
		next, err := r.cfg.Warm.base(below)
		if err != nil {
			return nil, err
		}
		below = next
	}
	if p := plan.of(dc, files); p != nil {
		return p.kept, nil
	}
	return files.Kept(ctx)
}

// baseSnapshot opens the snapshot that a cycle planned; nil: it is not there.
func (r *run) baseSnapshot(ctx context.Context, c *state.Cycle) (*snapshot, error) {
	if r.src.ready != nil && maps.Equal(c.Inputs, r.intent.Inputs) {
		return &snapshot{net: r.src.ready.Network, disk: r.src.ready}, nil
	}
	if w := r.cfg.Warm.of(c, r.how()); w != nil {
		s := &snapshot{}
		s.hold(w.built)
		return s, nil
	}
	disk, err := SnapshotOf(ctx, r.store, c)
	var damaged *inputs.Refusal
	if errors.As(err, &damaged) {
		return nil, nil // a plan in full needs none
	}
	if err != nil || disk == nil {
		return nil, err
	}
	return &snapshot{net: disk.Network, disk: disk}, nil
}

// SnapshotOf opens the snapshot of the state folder whose as-of and inputs are a cycle's; nil when it is there no
// more. Where all that fit are damaged it says so.
func SnapshotOf(ctx context.Context, st *state.Store, c *state.Cycle) (*store.Snapshot, error) {
	known, err := st.Snapshots(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	var damaged error
	for _, last := range []bool{true, false} { // the one that names the cycle first
		for i := range known {
			if (known[i].Cycle == c.Cycle) != last {
				continue
			}
			var file struct{ Manifest store.Manifest }
			dir := filepath.Join(st.Dir(), "snapshots", "tenant="+c.Tenant, known[i].ID) // wherever the state folder is now
			raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
			if err != nil || json.Unmarshal(raw, &file) != nil || file.Manifest.AsOf != c.AsOf || !maps.Equal(file.Manifest.Cut, c.Inputs) {
				continue // pruned or another's: Open checks the one that fits
			}
			disk, err := store.Open(dir, c.Tenant)
			if err == nil {
				return disk, nil
			}
			damaged = errors.Join(damaged, err)
		}
	}
	return nil, damaged
}

// baseFacts is what the manifest of a DC says of its base; nil without one.
func (r *run) baseFacts(dc string) *planfile.Base {
	if r.over == nil || r.over.files[dc] == nil {
		return nil
	}
	m := r.over.files[dc].Manifest
	b := &planfile.Base{Cycle: m.Cycle, PlanHash: m.PlanHash, Depth: 1}
	if m.Base != nil {
		b.Depth, b.Lines = m.Base.Depth+1, m.Base.Lines+m.ItemLines()
	}
	return b
}

// standsAlone reports whether plan files can be published: those of a net change only when their base is out.
func (r *run) standsAlone(files *planfile.DC) bool {
	b := files.Manifest.Base
	if b == nil || r.cfg.Publisher == nil {
		return true
	}
	for _, d := range r.history.ByDC[files.Manifest.DC] {
		if d.Cycle == b.Cycle {
			return d.State == state.DCPublished
		}
	}
	return false
}

// addNet sums up what the manifests say of net changes.
func (r *run) addNet(out *Result, m *planfile.Manifest) {
	if m.Again == nil {
		return
	}
	if out.Net == nil {
		out.Net = &NetChange{Why: map[string]int64{}}
	}
	n := out.Net
	if m.Base != nil {
		n.Base = m.Base.Cycle
	}
	n.Rows += m.Again.Rows
	n.Of += m.Again.Of
	for why, rows := range m.Again.Why {
		n.Why[why] += rows
	}
}

// bases lists the cycles that plan files of kept cycles lie over: they stay as long as those do.
func (r *run) bases(ctx context.Context, expired []string) (map[string]bool, error) {
	cycles, err := r.store.Cycles(ctx, r.cfg.Tenant)
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for i := range cycles {
		if slices.Contains(expired, cycles[i].Cycle) {
			continue
		}
		folders, err := filepath.Glob(filepath.Join(planfile.CycleDir(r.cfg.State, r.cfg.Tenant, cycles[i].Cycle), "dc=*"))
		if err != nil {
			return nil, fmt.Errorf("plan files of cycle %s: %w", cycles[i].Cycle, err)
		}
		for _, dir := range folders {
			files, err := r.cfg.Warm.open(dir)
			for err == nil && files != nil && files.Manifest.Base != nil {
				needed[files.Manifest.Base.Cycle] = true
				files, err = r.cfg.Warm.base(files)
			}
		}
	}
	return needed, nil
}
