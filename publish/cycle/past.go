package cycle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// past gives each DC what earlier published cycles remember: releases and carry, read from plan files or,
// for cycles that were recovered, from the state store.
type past struct {
	store   *state.Store
	tenant  string
	rows    map[string]*state.DC           // DC → its row in this cycle: what counts
	history map[string]map[string]state.DC // DC → cycle → row
	foreign []carried                      // releases that may touch other partitions than their own
	warm    *Warm                          // remembers those of earlier cycles; nil: they are read
}

// carried is a release, the DC whose transaction carried it, and its cycle.
type carried struct {
	dc, cycle string
	inputs.Release
}

// newPast reads the releases that reach beyond the partition of the DC that carried them: transfers between
// DCs, and lines to nodes that more than one DC or a vendor serves.
func newPast(ctx context.Context, s *state.Store, tenant string, rows map[string]*state.DC, h *state.Past, n *inputs.Network, warm *Warm) (*past, error) {
	p := &past{store: s, tenant: tenant, rows: rows, history: make(map[string]map[string]state.DC), warm: warm}
	for dc, all := range h.ByDC {
		p.history[dc] = make(map[string]state.DC, len(all))
		for _, d := range all {
			p.history[dc][d.Cycle] = d
		}
	}
	wide := wideNodes(n)
	for _, dc := range slices.Sorted(maps.Keys(rows)) {
		for _, cycle := range rows[dc].Counted {
			far, err := p.far(ctx, dc, cycle, wide)
			if err != nil {
				return nil, err
			}
			for i := range far.releases {
				p.foreign = append(p.foreign, carried{dc, cycle, far.releases[i]})
			}
		}
	}
	return p, nil
}

// wideNodes names the nodes whose rows may lie in several partitions, or in another than their source's:
// DCs, and stores that are served by more than one source.
func wideNodes(n *inputs.Network) map[string]bool {
	source := make(map[inputs.NodeIdx]inputs.NodeIdx)
	wide := make(map[string]bool)
	for i, kind := range n.Nodes.Kind {
		if kind == inputs.DC {
			wide[n.Nodes.ID[i]] = true
		}
	}
	for l, dest := range n.Lanes.Destination {
		first, ok := source[dest]
		if !ok {
			source[dest] = n.Lanes.Source[l]
			continue
		}
		if first != n.Lanes.Source[l] {
			wide[n.Nodes.ID[dest]] = true
		}
	}
	return wide
}

// releases returns the releases of a DC that count, oldest cycle first.
func (p *past) releases(ctx context.Context, dc string) ([]inputs.Release, error) {
	row := p.rows[dc]
	if row == nil {
		return nil, nil
	}
	var out []inputs.Release
	for _, cycle := range row.Counted {
		lines, err := p.releasesOf(ctx, dc, cycle)
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	return out, nil
}

// releasesOf returns what one cycle of a DC released.
func (p *past) releasesOf(ctx context.Context, dc, cycle string) ([]inputs.Release, error) {
	if p.history[dc][cycle].Recovered {
		return p.store.RecoveredReleases(ctx, p.tenant, cycle, dc)
	}
	if known, err := p.warm.open(planfile.Dir(p.store.Dir(), p.tenant, cycle, dc)); err == nil && known.Manifest.ReleasesNothing() {
		return nil, ctx.Err()
	}
	files, err := p.open(cycle, dc)
	if err != nil {
		return nil, err
	}
	lines, err := files.Releases(ctx)
	if err != nil {
		return nil, lost(cycle, dc, err)
	}
	return lines, nil
}

// of returns every release that may touch the partition of a DC.
func (p *past) of(ctx context.Context, dc string) ([]inputs.Release, error) {
	out, err := p.releases(ctx, dc)
	if err != nil {
		return nil, err
	}
	for i := range p.foreign {
		if f := &p.foreign[i]; f.dc != dc {
			out = append(out, f.Release)
		}
	}
	return out, nil
}

// carry returns the carry that counts for a DC; nil when no published cycle of it is known.
func (p *past) carry(ctx context.Context, dc string) ([]inputs.CarryEntry, error) {
	row := p.rows[dc]
	if row == nil || row.CarryFrom == "" {
		return nil, nil
	}
	var out []inputs.CarryEntry
	var err error
	if p.history[dc][row.CarryFrom].Recovered {
		out, err = p.store.RecoveredCarry(ctx, p.tenant, row.CarryFrom, dc)
	} else {
		if out = p.warm.carryOf(p.tenant, p.store.Dir(), row.CarryFrom, dc); out != nil {
			return out, ctx.Err()
		}
		var files *planfile.DC
		if files, err = p.open(row.CarryFrom, dc); err == nil {
			if out, err = files.Carry(ctx); err != nil {
				err = lost(row.CarryFrom, dc, err)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = []inputs.CarryEntry{} // known, and nothing is owed
	}
	return out, nil
}

func (p *past) open(cycle, dc string) (*planfile.DC, error) {
	files, err := planfile.Open(planfile.Dir(p.store.Dir(), p.tenant, cycle, dc))
	if err != nil {
		return nil, lost(cycle, dc, err)
	}
	return files, nil
}

// lost is the error of a published cycle that must count and cannot be read.
func lost(cycle, dc string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	kind := "plan_files_corrupt"
	if errors.Is(err, fs.ErrNotExist) {
		kind = "plan_files_missing"
	}
	return outcome.New(outcome.CodeAgain, kind, fmt.Sprintf("cycle %s, dc %s", cycle, dc),
		"its releases still count: restore the folder, or move the state folder away and let it be read back from the topics", "%w", err)
}

// lastAsOf is the as-of of the DC's cycle before, 0 when there was none.
func (p *past) lastAsOf(dc string) int64 {
	row := p.rows[dc]
	if row == nil || row.CarryFrom == "" {
		return 0
	}
	return p.history[dc][row.CarryFrom].AsOf
}

// loader lays the past over the partitions of a snapshot.
type loader struct {
	snap *snapshot
	past *past
	asOf int64
	none bool // no order feed

	mu   sync.Mutex
	lent map[*inputs.Partition]*inputs.Partition // what was given → what of the snapshot it lies over
	laid map[string]*inputs.Partition            // DC → what was given, where the snapshot is held in memory
	from *warmPlan                               // an earlier cycle of which some of it may be taken; nil: none
}

var (
	_ planner.Loader   = (*loader)(nil)
	_ planner.Sizer    = (*loader)(nil)
	_ planner.Releaser = (*loader)(nil)
)

// Partition implements planner.Loader.
func (l *loader) Partition(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	if l.snap.held != nil {
		return l.once(ctx, dc)
	}
	base, p, _, err := l.load(ctx, dc)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lent[p] = base
	return p, nil
}

// Release implements planner.Releaser.
func (l *loader) Release(p *inputs.Partition) {
	l.mu.Lock()
	base := l.lent[p] // nil: what is held in memory stays
	delete(l.lent, p)
	l.mu.Unlock()
	if base != nil {
		l.snap.release(base)
	}
}

// PartitionBytes implements planner.Sizer.
func (l *loader) PartitionBytes(dc inputs.NodeIdx) int64 { return l.snap.bytes(dc) }

// load lays the past over a DC of the snapshot: base is the snapshot's part, p the rows to plan.
func (l *loader) load(ctx context.Context, dc inputs.NodeIdx) (base, p *inputs.Partition, grace inputs.Grace, err error) {
	name := planfile.DCName(l.snap.net, dc)
	base, err = l.snap.partition(ctx, dc)
	if err != nil {
		return nil, nil, inputs.Grace{}, err
	}
	releases, err := l.past.of(ctx, name)
	if err != nil {
		return nil, nil, inputs.Grace{}, err
	}
	carry, err := l.past.carry(ctx, name)
	if err != nil {
		return nil, nil, inputs.Grace{}, err
	}
	p, grace = inputs.Overlay(base, l.snap.net, releases, carry, l.asOf,
		inputs.OverlayOptions{OrderFeedNone: l.none, LastAsOf: l.past.lastAsOf(name)})
	return base, p, grace, nil
}

// cutHash identifies what the cycle's DCs are planned from: inputs, instant, policy and, for every DC, the
// cycles that count.
func (r *run) cutHash() string {
	in := &r.intent
	h := sha256.New()
	fmt.Fprintf(h, "as_of %d\npolicy %s\nreplaces %s\n", in.AsOf, in.PolicyHash, in.Replaces)
	for _, name := range slices.Sorted(maps.Keys(in.Inputs)) {
		fmt.Fprintf(h, "input %s %s\n", name, in.Inputs[name])
	}
	for _, dc := range slices.Sorted(maps.Keys(r.rows)) {
		row := r.rows[dc]
		fmt.Fprintf(h, "dc %s carry %s releases %q\n", dc, row.CarryFrom, row.Counted)
	}
	return hex.EncodeToString(h.Sum(nil))
}
