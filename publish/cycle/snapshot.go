package cycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
	"echelon/publish/outcome"
	"echelon/publish/state"
)

// snapshot is the inputs of a cycle as the planner reads them: on disk, loaded DC by DC.
type snapshot struct {
	net    *inputs.Network
	disk   *store.Snapshot
	report report
	own    string                               // its folder when this state made it, "": made elsewhere
	held   map[inputs.NodeIdx]*inputs.Partition // all of it, when it is in memory; nobody writes to it
}

// hold reads the rows from memory instead of the disk.
func (s *snapshot) hold(b *build.Built) {
	s.net, s.held = b.Network, make(map[inputs.NodeIdx]*inputs.Partition, len(b.Partitions))
	for _, p := range b.Partitions {
		s.held[p.DC] = p
	}
}

// release takes back what partition gave.
func (s *snapshot) release(p *inputs.Partition) {
	if s.held == nil {
		s.disk.Release(p)
	}
}

// bytes is what the rows of a DC take in memory beside what is there already.
func (s *snapshot) bytes(dc inputs.NodeIdx) int64 {
	if s.held != nil {
		return 0
	}
	return s.disk.PartitionBytes(dc)
}

// report is what taking the inputs up said; it is kept beside the snapshot, so that a later run of the same
// cycle says the same.
type report struct {
	Tables  map[string]Input `json:"tables"`
	Faults  []Fault          `json:"faults"`
	Unused  []string         `json:"unused"` // tables with rows that this engine does not plan with
	Missing []string         `json:"missing"`
	Feeds   []FeedPart       `json:"feeds,omitempty"`
}

// partition loads the rows of a DC.
func (s *snapshot) partition(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	if p := s.held[dc]; p != nil {
		return p, ctx.Err()
	}
	p, err := s.disk.Partition(ctx, dc)
	var damaged *inputs.Refusal
	if s.own == "" || !errors.As(err, &damaged) {
		return p, err
	}
	// The inputs are as good as they were: without the folder the next run builds it again.
	return nil, errors.Join(outcome.New(outcome.CodeAgain, "snapshot_damaged", filepath.Join(s.own, damaged.Where),
		"run the cycle again: the snapshot is built anew from its inputs", "%w", damaged.Err), os.RemoveAll(s.own))
}

// rows returns the live rows of each DC.
func (s *snapshot) rows() map[string]int64 {
	out := make(map[string]int64)
	for _, d := range s.disk.Manifest.DCs {
		out[d.DC] = d.Rows
	}
	return out
}

// snapshotID identifies a snapshot by all that decides its bytes.
func snapshotID(c *Config, in *state.Intent) string {
	h := sha256.New()
	fmt.Fprintf(h, "layout %d\nas_of %d\nhorizon %d\nmissing_zero %t\n", store.LayoutVersion, in.AsOf, c.Policy.HorizonDays, c.Policy.MissingZero)
	for _, name := range slices.Sorted(maps.Keys(in.Inputs)) {
		fmt.Fprintf(h, "input %s %s\n", name, in.Inputs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.Defaults)) {
		fmt.Fprintf(h, "default %s %s\n", name, c.Defaults[name])
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// snapshot builds the cycle's snapshot, or opens the one that stands.
func (r *run) snapshot(ctx context.Context) error {
	if r.src.ready != nil {
		if err := r.src.fits(r.intent.AsOf, r.cfg.Policy.HorizonDays); err != nil {
			return err
		}
		r.snap = &snapshot{net: r.src.ready.Network, disk: r.src.ready, report: readyReport(r.src.ready.Manifest)}
		return nil
	}
	id := snapshotID(&r.cfg, &r.intent)
	dir := filepath.Join(r.cfg.State, "snapshots", "tenant="+r.cfg.Tenant, id)
	known, err := r.store.Snapshots(ctx, r.cfg.Tenant)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(known, func(s state.Snapshot) bool { return s.ID == id }); i >= 0 {
		if disk, err := store.Open(dir, r.cfg.Tenant); err == nil {
			r.snap = &snapshot{net: disk.Network, disk: disk, own: dir}
			if err := json.Unmarshal([]byte(known[i].Report), &r.snap.report); err != nil {
				return fmt.Errorf("state: report of snapshot %s: %w", id, err)
			}
			return r.keepSnapshot(ctx, id, dir)
		}
		r.fault("snapshot_damaged", dir, "it is built again from its inputs")
	}
	return r.build(ctx, id, dir)
}

// keepSnapshot remembers the snapshot and that this cycle uses it.
func (r *run) keepSnapshot(ctx context.Context, id, dir string) error {
	raw, err := json.Marshal(&r.snap.report)
	if err != nil {
		return fmt.Errorf("snapshot report: %w", err)
	}
	return r.store.PutSnapshot(ctx, r.cfg.Tenant, state.Snapshot{ID: id, Cycle: r.intent.Cycle, Dir: dir, Report: string(raw)}, r.cfg.Now())
}

// buildReport joins what the feed and the builder counted: the builder got the rows that the feed let through.
func (r *run) buildReport(b *build.Report, checked Checked) report {
	if r.src.feed != nil {
		return r.src.feed.report(b, checked)
	}
	out := report{Tables: make(map[string]Input)}
	fed, fresh := r.src.folder.Report(), r.freshness()
	for _, t := range fed.Tables {
		built := b.Counts(t.Table)
		in := Input{
			Read: t.Counts.Read, Superseded: t.Counts.Superseded, Quarantined: t.Counts.Quarantined, Filtered: t.Counts.Filtered,
			Applied: t.Counts.Applied, Freshness: fresh[t.Table],
		}
		if contract := inputs.ContractOf(t.Table); contract.Used {
			in.Applied = built.Applied
			in.Superseded += built.Superseded
			in.Quarantined += built.Quarantined
			in.Filtered += built.Filtered
		} else if in.Applied > 0 {
			out.Unused = append(out.Unused, t.Table)
		}
		out.Tables[t.Table] = in
		for _, f := range t.Faults {
			out.Faults = append(out.Faults, rowFault(f))
		}
	}
	for _, f := range b.Faults {
		out.Faults = append(out.Faults, rowFault(f))
	}
	for _, n := range fed.Notices {
		out.Faults = append(out.Faults, Fault{Kind: n.Kind, Where: n.Where, Hint: n.Hint})
	}
	return out
}

// freshness is when the newest file of each table was written.
func (r *run) freshness() map[string]string {
	newest := make(map[string]time.Time)
	for _, f := range r.src.folder.Files() {
		if info, err := os.Stat(filepath.Join(r.cfg.Inputs, f.Name)); err == nil && info.ModTime().After(newest[f.Table]) {
			newest[f.Table] = info.ModTime()
		}
	}
	out := make(map[string]string, len(newest))
	for table, at := range newest {
		out[table] = at.UTC().Format(time.RFC3339)
	}
	return out
}

// readyReport is what a snapshot made elsewhere says of its inputs.
func readyReport(m *store.Manifest) report {
	out := report{Tables: make(map[string]Input)}
	for _, t := range m.Counts {
		out.Tables[t.Table] = Input{Read: t.Read, Applied: t.Applied, Superseded: t.Superseded, Quarantined: t.Quarantined, Filtered: t.Filtered}
	}
	return out
}

// rowFault says of a quarantined row where it stands and what to do.
func rowFault(f inputs.Fault) Fault {
	where := fmt.Sprintf("%s row %d", f.Table, f.Position)
	if f.Source != "" {
		where = fmt.Sprintf("%s row %d", f.Source, f.Position)
	}
	if f.Column != "" {
		where += ", " + f.Column
	}
	if f.Value != "" {
		where += fmt.Sprintf(" %q", f.Value)
	}
	return Fault{Kind: "quarantined:" + string(f.Reason), Where: where, Hint: f.Hint}
}

// gates evaluates the gates of the tables; a refusal ends the cycle with 65.
func (r *run) gates(ctx context.Context) error {
	last, err := r.store.LastCounts(ctx, r.cfg.Tenant, r.intent.Cycle, r.intent.AsOf)
	if err != nil {
		return err
	}
	verdicts := evaluate(r.cfg.Gates, r.snap.report.Tables, last, r.intent.AsOf, r.src.ready == nil)
	if len(r.snap.report.Feeds) > 0 {
		before, err := r.lastFeeds(ctx)
		if err != nil {
			return err
		}
		verdicts = append(verdicts, poison(r.cfg.Gates, r.snap.report.Feeds, before, r.snap.report.Tables)...)
	}
	var refused []string
	for _, v := range verdicts {
		r.fault(v.Kind, v.Where, v.Hint)
		if v.refuse {
			refused = append(refused, v.Where+": "+v.Kind)
			continue
		}
		r.degraded = append(r.degraded, v.Kind+" "+v.Where)
	}
	if len(refused) > 0 {
		return outcome.New(outcome.CodeRefused, "inputs_refused", r.cfg.Inputs, "correct the inputs; the last good plan stays",
			"%s", strings.Join(refused, "; "))
	}
	counts := make(map[string]int64)
	for name, t := range r.snap.report.Tables {
		counts[name] = t.Applied
	}
	return r.store.PutCounts(ctx, r.cfg.Tenant, r.intent.Cycle, counts)
}
