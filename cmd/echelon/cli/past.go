package cli

import (
	"context"
	"slices"

	"echelon/cmd/echelon/policy"
	"echelon/inputs/store"
	"echelon/publish/outcome"
	"echelon/publish/state"
)

// planned opens what a past cycle was planned from: its snapshot and its policy.
func (w *where) planned(ctx context.Context, st *state.Store, inputs string) (*state.Cycle, *store.Snapshot, *policy.File, error) {
	c, err := w.find(ctx, st, w.cycle)
	if err != nil {
		return nil, nil, nil, err
	}
	pol, err := policy.FromText(c.Policy)
	if err != nil {
		return nil, nil, nil, outcome.New(outcome.CodeConfig, "policy", "cycle "+c.Cycle, "use the engine version that planned it: "+c.Engine, "%w", err)
	}
	snap, err := snapshotOf(ctx, st, c, inputs)
	if err != nil {
		return nil, nil, nil, err
	}
	if snap == nil {
		return nil, nil, nil, outcome.New(outcome.CodeAgain, "snapshot_gone", "cycle "+c.Cycle,
			"name the snapshot it planned with --inputs, or plan the cycle again", "its snapshot is not in the state folder any more")
	}
	return c, snap, pol, nil
}

// find gives a cycle of the state.
func (w *where) find(ctx context.Context, st *state.Store, id string) (*state.Cycle, error) {
	c, err := st.Find(ctx, w.tenant, id)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, usagef("no cycle %s of tenant %s in %s; `echelon cycles` lists them", id, w.tenant, w.state)
	}
	return c, nil
}

// before gives the newest cycle before one that planned as many DCs or more, nil when there is none.
func (w *where) before(ctx context.Context, st *state.Store, c *state.Cycle) (*state.Cycle, error) {
	all, err := st.Cycles(ctx, w.tenant)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(all, func(o state.Cycle) bool { return o.Cycle == c.Cycle })
	for i := at - 1; i >= 0; i-- {
		if o := &all[i]; (len(o.Wave) == 0 || slices.Equal(o.Wave, c.Wave)) && o.PlanHash != "" {
			return o, nil
		}
	}
	return nil, nil
}
