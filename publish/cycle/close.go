package cycle

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"echelon/planner"
	"echelon/publish"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// close ends the cycle: result, closing record, what it superseded, what is no longer kept.
func (r *run) close(ctx context.Context) (*Result, error) {
	result, err := r.result(ctx)
	if err != nil {
		return nil, err
	}
	if r.away != nil {
		if err := r.store.SetCycle(ctx, r.cfg.Tenant, r.intent.Cycle, state.CyclePlanned, result.PlanHash); err != nil {
			return result, err
		}
		return result, r.awayError()
	}
	r.cfg.At("before-close")
	if r.cfg.Publisher != nil {
		if err := r.cfg.Publisher.CloseCycle(ctx, closing(result)); err != nil {
			return result, err
		}
	}
	r.cfg.At("after-closing-record")
	r.measure(result)
	raw, err := result.JSON()
	if err != nil {
		return result, err
	}
	end := state.CycleClosed
	switch {
	case result.State == Superseded:
		end = state.CycleSuperseded
	case r.cfg.Publisher == nil:
		end = state.CycleUnpub
	}
	if err := r.store.SetCycle(ctx, r.cfg.Tenant, r.intent.Cycle, state.CyclePlanned, result.PlanHash); err != nil {
		return result, err
	}
	if err := r.store.CloseCycle(ctx, r.cfg.Tenant, r.intent.Cycle, end, string(raw), r.cfg.Now()); err != nil {
		return result, err
	}
	r.cfg.At("after-close")
	if err := r.closeSuperseded(ctx); err != nil {
		return result, err
	}
	if err := r.prune(ctx); err != nil {
		return result, err
	}
	if r.isLate() && result.State == CarriedForward {
		return result, outcome.New(outcome.CodeMissed, "window_missed", "--deadline", "the last good plans stay", "no DC was published in time")
	}
	return result, nil
}

// measure puts what the run took so far into the result that the state keeps.
func (r *run) measure(out *Result) {
	now := r.cfg.Now()
	out.PeakRSS = peakRSS()
	out.Timings = maps.Clone(r.timings)
	out.Timings[r.stage] += now.Sub(r.since).Milliseconds()
	out.Timings["total"] = now.Sub(r.began).Milliseconds()
}

// closing is the cycle's last record.
func closing(r *Result) publish.Closing {
	c := publish.Closing{
		Tenant: r.Tenant, Cycle: r.Cycle, State: r.State, PlanHash: r.PlanHash, Replaces: r.Cut.Replaces,
	}
	c.AsOf = parseInstant(r.AsOf)
	for _, d := range r.DCs {
		lines := d.Lines
		if d.Base != "" {
			lines = d.Written
		}
		c.DCs = append(c.DCs, publish.ClosingDC{DC: d.DC, State: d.State, PlanHash: d.PlanHash, Lines: lines})
	}
	return c
}

// closeSuperseded closes the earlier cycles whose last open DC this one superseded.
func (r *run) closeSuperseded(ctx context.Context) error {
	cycles, err := r.store.Cycles(ctx, r.cfg.Tenant)
	if err != nil {
		return err
	}
	for i := range cycles {
		c := &cycles[i]
		if c.Cycle == r.intent.Cycle || c.State != state.CyclePlanning && c.State != state.CyclePlanned {
			continue
		}
		rows, err := r.store.DCs(ctx, r.cfg.Tenant, c.Cycle)
		if err != nil {
			return err
		}
		if len(rows) == 0 || slices.ContainsFunc(rows, func(d state.DC) bool {
			return d.State == state.DCPlanning || d.State == state.DCPlanned
		}) {
			continue
		}
		result := r.supersededResult(c, rows)
		if r.cfg.Publisher != nil {
			if err := r.cfg.Publisher.CloseCycle(ctx, closing(result)); err != nil {
				return err
			}
		}
		raw, err := result.JSON()
		if err != nil {
			return err
		}
		if err := r.store.CloseCycle(ctx, r.cfg.Tenant, c.Cycle, state.CycleSuperseded, string(raw), r.cfg.Now()); err != nil {
			return err
		}
		r.fault("superseded", "cycle "+c.Cycle, "it was planned and not published; this cycle was planned without its releases, so it stays unpublished")
	}
	return nil
}

// supersededResult is the result of an earlier cycle that this one ends.
func (r *run) supersededResult(c *state.Cycle, rows []state.DC) *Result {
	other := &run{cfg: r.cfg, intent: c.Intent}
	out := other.base()
	out.State, out.PlanHash = Superseded, c.PlanHash
	for _, d := range rows {
		how := d.State
		if how == state.DCPublished {
			how = Full
		}
		out.DCs = append(out.DCs, DCResult{DC: d.DC, State: how, Why: d.Why, PlanHash: d.PlanHash, Lines: d.Lines, Published: d.Topics})
	}
	return out
}

// prune removes the files of cycles that are kept no longer.
func (r *run) prune(ctx context.Context) error {
	if r.cfg.Keep == 0 {
		return nil
	}
	expired, err := r.store.Expired(ctx, r.cfg.Tenant, r.cfg.Keep, r.rules())
	if err != nil || len(expired) == 0 {
		return err
	}
	needed, err := r.bases(ctx, expired)
	if err != nil {
		return err
	}
	for _, cycle := range expired {
		if needed[cycle] {
			continue
		}
		if err := r.store.Prune(ctx, r.cfg.FS, r.cfg.Tenant, cycle); err != nil {
			return err
		}
	}
	return nil
}

// result gathers the result from the manifests and the state.
func (r *run) result(ctx context.Context) (*Result, error) {
	out := r.base()
	r.unused(out)
	var hashes []planner.DCResult
	counts := make(map[string]int)
	for dc, row := range r.rows {
		out.Cut.Releases[dc], out.Cut.Carry[dc] = append([]string{}, row.Counted...), row.CarryFrom
	}
	for _, dc := range r.wave {
		row := r.rows[dc]
		d := DCResult{DC: dc, State: row.State, Why: row.Why, PlanHash: row.PlanHash, Published: row.Topics}
		if d.Published == nil {
			d.Published = map[string]int64{}
		}
		if row.State == state.DCPlanned || row.State == state.DCPublished {
			dir := planfile.Dir(r.cfg.State, r.cfg.Tenant, r.intent.Cycle, dc)
			files, err := r.cfg.Warm.open(dir)
			if err != nil {
				return nil, err
			}
			addManifest(out, &d, files.Manifest)
			r.addNet(out, files.Manifest)
			if d.Files, err = filepath.Rel(r.cfg.State, dir); err != nil {
				return nil, fmt.Errorf("result: %w", err)
			}
			hash, err := files.Manifest.Hash()
			if err != nil {
				return nil, fmt.Errorf("result: %w", err)
			}
			idx, _ := nodeOf(r.snap.net, dc)
			hashes = append(hashes, planner.DCResult{DC: idx, PlanHash: hash})
		}
		counts[d.State]++
		out.DCs = append(out.DCs, d)
	}
	if r.net != nil && r.net.Full != "" {
		if out.Net == nil {
			out.Net = r.net
		}
		out.Net.Full = r.net.Full
	}
	out.PlanHash = r.planHash(hashes)
	out.State = r.state(out, counts)
	return out, nil
}

// state is the state of the whole cycle.
func (r *run) state(out *Result, counts map[string]int) string {
	kept := counts[Full] + counts[Degraded]
	switch {
	case counts[state.DCSuperseded] > 0 && kept == 0:
		return Superseded
	case counts[state.DCCarried] > 0 && kept == 0:
		return CarriedForward
	case counts[Degraded]+counts[state.DCCarried]+counts[state.DCSuperseded]+len(r.degraded) > 0 || len(r.snap.report.Unused) > 0:
		return Degraded
	}
	return Full
}

// unused names the tables whose rows this version does not plan with.
func (r *run) unused(out *Result) {
	for _, table := range r.snap.report.Unused {
		if !slices.ContainsFunc(out.Faults, func(f Fault) bool { return f.Kind == "not_used_yet" && f.Where == table }) {
			out.Faults = append(out.Faults, Fault{"not_used_yet", table, "its rows were checked; this version does not plan with them"})
		}
	}
}

// addManifest adds what a DC's manifest says.
func addManifest(out *Result, d *DCResult, m *planfile.Manifest) {
	d.State, d.Why, d.PlanHash, d.SKUs, d.Lines, d.Units, d.ShortUnits = m.State, m.Why, m.PlanHash, m.SKUs, m.PlanLines(), m.Released, m.ShortUnits
	if m.Base != nil {
		d.Base, d.Written = m.Base.Cycle, m.Lines()
	}
	out.Coverage.SKUs += m.SKUs
	out.Coverage.Planned += m.Planned
	for why, n := range m.Held {
		out.Coverage.Held += n
		out.Coverage.ByReason[why] += n
	}
	for kind, n := range m.Exceptions {
		out.Exceptions[kind] += n
	}
	for i := range m.Layers {
		l := &m.Layers[i]
		s := out.Layers[l.Layer]
		lines, units := l.PlanLines()
		out.Layers[l.Layer] = LayerSum{s.Lines + lines, s.Units + units}
	}
}

// planHash is the hash of the whole plan, "" when no DC has one.
func (r *run) planHash(dcs []planner.DCResult) string {
	if len(dcs) == 0 {
		return ""
	}
	slices.SortFunc(dcs, func(a, b planner.DCResult) int {
		return slices.Index(r.snap.net.DCs, a.DC) - slices.Index(r.snap.net.DCs, b.DC)
	})
	sum := planner.CycleHash(r.snap.net, dcs)
	return hex.EncodeToString(sum[:])
}

// parseInstant reads what instant wrote.
func parseInstant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// peakRSS is the most memory that the process held, in bytes.
func peakRSS() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss * 1024
}
