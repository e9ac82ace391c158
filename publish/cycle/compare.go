package cycle

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"echelon/inputs"
	"echelon/publish"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// compare holds the state against the manifests in the topics: published DCs that the state lacks and that
// still count are read back, DCs whose publishing was committed and not noted are noted. A publisher that
// cannot be reached leaves the cycle to be planned on what the state knows; its plans are compared before
// they are published.
func (r *run) compare(ctx context.Context) error {
	if r.cfg.Publisher == nil {
		return nil
	}
	r.step("compare")
	if err := r.cfg.Publisher.Check(ctx, r.need()); err != nil {
		var e *outcome.Error
		if errors.As(err, &e) && e.Code == outcome.CodeUnavailable {
			r.away = e
			r.fault(e.Kind, e.Where, "plan files are made; the next run of the cycle publishes them")
			return nil
		}
		return err
	}
	records, err := r.cfg.Publisher.Published(ctx, r.cfg.Tenant)
	if err != nil {
		return err
	}
	// All of the state's rows at once: memory of an earlier cycle would not see a state folder that was lost since.
	rows, err := r.store.AllDCs(ctx, r.cfg.Tenant)
	if err != nil {
		return err
	}
	type key struct{ cycle, dc string }
	known := make(map[key]*state.DC, len(rows))
	for i := range rows {
		known[key{rows[i].Cycle, rows[i].DC}] = &rows[i]
	}
	for i := range records {
		rec := &records[i]
		if err := r.compareOne(ctx, rec, known[key{rec.Cycle, rec.DC}], records); err != nil {
			return err
		}
	}
	r.records = records
	return nil
}

// need is what the publisher will be asked for.
func (r *run) need() publish.Need {
	n := publish.Need{Tenant: r.cfg.Tenant, DCs: r.wave, SKUsOfDC: r.snap.rows()}
	n.Layers = layersOn(&r.cfg.Policy)
	for _, dc := range r.snap.net.DCs {
		n.AllDCs = append(n.AllDCs, planfile.DCName(r.snap.net, dc))
	}
	slices.Sort(n.AllDCs)
	return n
}

// compareOne brings the state up to one manifest; row is what the state has of it, nil: nothing.
func (r *run) compareOne(ctx context.Context, rec *publish.Record, row *state.DC, all []publish.Record) error {
	if row != nil && row.State == state.DCPublished {
		if row.PlanHash != rec.PlanHash {
			return outcome.New(outcome.CodeAgain, "state_differs", fmt.Sprintf("cycle %s, dc %s", rec.Cycle, rec.DC),
				"the state folder belongs to other topics: use the one that published, or an empty one",
				"the topics have plan %.12s, the state has %.12s", rec.PlanHash, row.PlanHash)
		}
		return nil
	}
	if row != nil && row.PlanHash == rec.PlanHash {
		return r.store.MarkPublished(ctx, r.cfg.Tenant, rec.Cycle, rec.DC, rec.Topics, rec.PublishedAt)
	}
	if rec.Cycle == r.intent.Cycle {
		return nil // this run's own: planned again it meets its record, or is refused there
	}
	if !r.counts(rec, all) {
		return nil
	}
	back, err := r.cfg.Publisher.Recover(ctx, *rec)
	if err != nil {
		return outcome.New(outcome.CodeAgain, "releases_unreadable", fmt.Sprintf("cycle %s, dc %s", rec.Cycle, rec.DC),
			"planning without its releases would order twice: bring the topics or the state folder back", "%w", err)
	}
	r.fault("state_rebuilt", fmt.Sprintf("cycle %s, dc %s", rec.Cycle, rec.DC),
		fmt.Sprintf("the state folder lacked it: %d releases and %d rows of carry were read back from the topics", len(back.Releases), len(back.Carry)))
	return r.store.Recover(ctx, state.Recovery{
		Tenant: r.cfg.Tenant, PolicyHash: rec.PolicyHash, Replaces: rec.Replaces, Engine: rec.Engine,
		DC: state.DC{
			Cycle: rec.Cycle, DC: rec.DC, AsOf: rec.AsOf.UnixMicro(), State: state.DCPublished, GraceUntil: rec.GraceUntil.UnixMicro(),
			LastReceive: rec.LastReceive, Counted: rec.Counted, PlanHash: rec.PlanHash, Lines: rec.Lines(), Topics: rec.Topics,
			Published: rec.PublishedAt.UnixMicro(), Recovered: true,
		},
		Releases: back.Releases, Carry: back.Carry,
	})
}

// counts reports whether a published DC still matters to this cycle: the newest of its DC up to the as-of
// (its carry), inside its grace at that one's as-of, or later than this cycle (which it may supersede).
func (r *run) counts(rec *publish.Record, all []publish.Record) bool {
	if rec.AsOf.UnixMicro() > r.intent.AsOf {
		return true
	}
	newest := rec
	for i := range all {
		o := &all[i]
		if o.DC == rec.DC && o.Cycle != r.intent.Cycle && o.AsOf.UnixMicro() <= r.intent.AsOf && o.AsOf.After(newest.AsOf) {
			newest = o
		}
	}
	return newest == rec || rec.GraceUntil.After(newest.AsOf) ||
		r.cfg.Policy.OrderFeedNone && rec.LastReceive+putAwayMargin >= r.intent.AsOf/dayMicros
}

const (
	dayMicros     = 24 * 3600 * 1_000_000
	putAwayMargin = 92 // days that a release may need from its receive day to its usable day
)

// nodeOf finds a partition of the network by its name.
func nodeOf(n *inputs.Network, name string) (inputs.NodeIdx, bool) {
	for _, dc := range n.DCs {
		if planfile.DCName(n, dc) == name {
			return dc, true
		}
	}
	return 0, false
}
