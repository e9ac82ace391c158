package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

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
	got, err := planScenario(ts.MkAbs(args[0]))
	ts.Check(err)
	if want := args[1] + " " + args[2]; fmt.Sprint(got.units, " ", got.released) != want {
		ts.Fatalf("%d %d units, want %s", got.units, got.released, want)
	}
}

// planScenario reads a captured scenario and plans it; rows that break a contract are an error.
func planScenario(file string) (*totals, error) {
	s, err := scenarios.Read(file)
	if err != nil {
		return nil, err
	}
	b, err := build.Snapshot(context.Background(), s.Data, build.Options{
		Tenant: "test", AsOf: s.AsOf, Horizon: s.Policy.HorizonDays, MissingZero: s.Policy.MissingZero, Defaults: s.Defaults,
	})
	if err != nil {
		return nil, err
	}
	for _, c := range b.Report.Tables {
		if c.Quarantined > 0 {
			return nil, fmt.Errorf("%d rows of %s quarantined", c.Quarantined, c.Table)
		}
	}
	t := &totals{parts: map[inputs.NodeIdx]*inputs.Partition{}}
	for i, dc := range b.Network.DCs {
		t.parts[dc], _ = inputs.Overlay(b.Partitions[i], b.Network, b.Network.Releases, nil, s.AsOf, inputs.OverlayOptions{})
	}
	_, err = planner.Plan(context.Background(), planner.Cycle{Network: b.Network, Policy: s.Policy, AsOf: s.AsOf}, t, planner.NewMemExchange(), t, nil)
	return t, err
}

// TestCaptureOfFeeds: items of a cycle whose inputs were change topics, after rows had changed, become a scenario that
// plans the orders of the cycle.
func TestCaptureOfFeeds(t *testing.T) {
	f := newFed(t)
	f.run(0, f.state, f.url())
	f.change("inventory", func(i int, row map[string]any) bool {
		row["on_hand"] = i % 7
		return i%3 == 0
	})
	f.run(0, f.state, f.url(), "--cycle", "c2")
	units, released := map[string]int64{}, map[string]int64{} // of store orders; of all orders
	for _, layer := range []string{"store-orders", "dc-orders", "vendor-orders"} {
		for line := range strings.Lines(f.must("show", layer, "--state", f.state, "--cycle", "c2", "--format", "json")) {
			var l struct {
				Item     string
				Quantity int64
				Release  bool
			}
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if layer == "store-orders" {
				units[l.Item] += l.Quantity
			}
			if l.Release {
				released[l.Item] += l.Quantity
			}
		}
	}
	captured := 0
	for _, item := range slices.Sorted(maps.Keys(released)) {
		if captured++; captured > 8 {
			break
		}
		file := filepath.Join(t.TempDir(), "captured.txt")
		f.must("capture", "--state", f.state, "--cycle", "c2", "--item", item, "--out", file)
		got, err := planScenario(file)
		if err != nil {
			t.Fatalf("%s: %v", item, err)
		}
		if got.units != units[item] || got.released != released[item] {
			t.Errorf("%s: %d units to stores and %d released captured, %d and %d planned", item, got.units, got.released, units[item], released[item])
		}
	}
	if captured < 8 {
		t.Errorf("only %d items with releases: the test shows little", captured)
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
