package cli

import (
	"context"
	"fmt"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"echelon/fixtures/scenarios"
	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/planner"
)

// scenarioPlans reads a captured scenario, plans it, and compares units of store orders and of those released now:
// scenario FILE UNITS RELEASED. Rows that break a contract fail it.
func scenarioPlans(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: scenario FILE UNITS RELEASED")
	}
	s, err := scenarios.Read(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := build.Snapshot(context.Background(), s.Data, build.Options{
		Tenant: "test", AsOf: s.AsOf, Horizon: s.Policy.HorizonDays, MissingZero: s.Policy.MissingZero, Defaults: s.Defaults,
	})
	ts.Check(err)
	for _, c := range b.Report.Tables {
		if c.Quarantined > 0 {
			ts.Fatalf("%d rows of %s quarantined", c.Quarantined, c.Table)
		}
	}
	t := &totals{parts: map[inputs.NodeIdx]*inputs.Partition{}}
	for i, dc := range b.Network.DCs {
		t.parts[dc], _ = inputs.Overlay(b.Partitions[i], b.Network, b.Network.Releases, nil, s.AsOf, inputs.OverlayOptions{})
	}
	_, err = planner.Plan(context.Background(), planner.Cycle{Network: b.Network, Policy: s.Policy, AsOf: s.AsOf}, t, planner.NewMemExchange(), t, nil)
	ts.Check(err)
	if got := fmt.Sprint(t.units, " ", t.released); got != args[1]+" "+args[2] {
		ts.Fatalf("%s units, want %s %s", got, args[1], args[2])
	}
}

// totals is a loader and a sink that adds up.
type totals struct {
	parts map[inputs.NodeIdx]*inputs.Partition

	mu              sync.Mutex
	units, released int64
}

func (t *totals) Partition(_ context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	return t.parts[dc], nil
}

func (t *totals) Chunk(context.Context, *planner.Chunk) error { return nil }

func (t *totals) Done(_ context.Context, r *planner.DCResult) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.units += r.Units[planner.StoreOrders]
	t.released += r.Released
	return nil
}
