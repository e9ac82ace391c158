package cycle

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"echelon/inputs"
	"echelon/inputs/store"
	"echelon/planner"
	"echelon/publish/state"
)

// Reopen gives what a cycle was planned from: the loader of its snapshot, with the releases and the carry that
// counted laid over it, and the DCs of its wave (nil: all). Explaining a line again needs nothing else.
func Reopen(ctx context.Context, s *state.Store, c *state.Cycle, disk *store.Snapshot, orderFeedNone bool) (planner.Loader, []inputs.NodeIdx, error) {
	l, wave, err := reopen(ctx, s, c, &snapshot{net: disk.Network, disk: disk}, orderFeedNone)
	if err != nil {
		return nil, nil, err
	}
	return l, wave, nil
}

func reopen(ctx context.Context, s *state.Store, c *state.Cycle, snap *snapshot, orderFeedNone bool) (*loader, []inputs.NodeIdx, error) {
	have, err := s.DCs(ctx, c.Tenant, c.Cycle)
	if err != nil {
		return nil, nil, err
	}
	rows := make(map[string]*state.DC, len(have))
	for i := range have {
		rows[have[i].DC] = &have[i]
	}
	history, err := s.Past(ctx, c.Tenant)
	if err != nil {
		return nil, nil, err
	}
	p, err := newPast(ctx, s, c.Tenant, rows, history, snap.net, nil)
	if err != nil {
		return nil, nil, err
	}
	var wave []inputs.NodeIdx
	for _, name := range c.Wave {
		idx, ok := nodeOf(snap.net, name)
		if !ok {
			return nil, nil, fmt.Errorf("cycle %s: its snapshot has no DC %s", c.Cycle, name)
		}
		wave = append(wave, idx)
	}
	return &loader{snap: snap, past: p, asOf: c.AsOf, none: orderFeedNone, lent: map[*inputs.Partition]*inputs.Partition{}, laid: map[string]*inputs.Partition{}}, wave, nil
}

// Remembered gives the releases and the carry of earlier cycles that counted for a cycle, DCs ascending. The carry is
// nil when no DC had any earlier cycle.
func Remembered(ctx context.Context, s *state.Store, c *state.Cycle, n *inputs.Network) ([]inputs.Release, []inputs.CarryEntry, error) {
	opened, _, err := reopen(ctx, s, c, &snapshot{net: n}, false)
	if err != nil {
		return nil, nil, err
	}
	p := opened.past
	var releases []inputs.Release
	var carry []inputs.CarryEntry
	for _, dc := range slices.Sorted(maps.Keys(p.rows)) {
		own, err := p.releases(ctx, dc)
		if err != nil {
			return nil, nil, err
		}
		owed, err := p.carry(ctx, dc)
		if err != nil {
			return nil, nil, err
		}
		releases, carry = append(releases, own...), append(carry, owed...)
	}
	return releases, carry, nil
}
