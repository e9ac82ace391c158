package planner_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/fixtures/generate"
	"echelon/fixtures/worlds"
	"echelon/planner"
	"echelon/planner/net/tile"
)

// kernels are the forms of the kernel that this machine can run, each of which must give the same plan.
func kernels() []planner.Kernel {
	forms := []planner.Kernel{planner.KernelScalar, planner.KernelOff, planner.KernelCareful}
	if tile.Vector() {
		forms = append(forms, planner.KernelVector)
	}
	return forms
}

// Which path a row took never shows in its plan.
func TestKernelsDecideNothing(t *testing.T) {
	for shape := range worlds.NumShapes {
		for seed := range uint64(3) {
			c, l := world(t, seed+100, shape)
			want, wantResult := plan(t, c, l)
			for _, c.Kernel = range kernels() {
				got, gotResult := plan(t, c, l)
				if diff := cmp.Diff(want.rows, got.rows); diff != "" {
					t.Fatalf("%s %d, kernel %s: %s", shape, seed, c.Kernel, diff)
				}
				if diff := cmp.Diff(wantResult, gotResult); diff != "" {
					t.Fatalf("%s %d, kernel %s: %s", shape, seed, c.Kernel, diff)
				}
			}
		}
	}
}

// The default network has the same plan by every path, and most of its rows go through the kernel.
func TestKernelNetsTheDefaultNetwork(t *testing.T) {
	for _, cfg := range []generate.Config{{SKUs: 6000, Seed: 3}, {SKUs: 6000, Seed: 4, Days: 91}, {SKUs: 6000, Seed: 5, Days: 14}} {
		g, err := generate.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		network, err := g.Network(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l := loader{}
		for i := range g.Partitions() {
			p, err := g.Partition(t.Context(), i)
			if err != nil {
				t.Fatal(err)
			}
			l[p.DC] = p
		}
		policy := planner.DefaultPolicy()
		policy.HorizonDays = network.Horizon
		c := planner.Cycle{Network: network, Policy: policy, AsOf: g.Config().AsOf, Workers: 2, Paths: &planner.Paths{}}
		_, want := plan(t, c, l)
		rows := func(p planner.Path) int64 { return c.Paths.Rows[p].Load() }
		if kernel, others := rows(planner.PathKernel), rows(planner.PathRow)+rows(planner.PathCareful); kernel < 5*others {
			t.Errorf("%d days: %d rows by the kernel, %d by other paths", network.Horizon, kernel, others)
		}
		c.Paths = nil
		for _, c.Kernel = range kernels() {
			if _, got := plan(t, c, l); got.PlanHash != want.PlanHash {
				t.Errorf("%d days, kernel %s: hash %x, want %x", network.Horizon, c.Kernel, got.PlanHash, want.PlanHash)
			}
		}
	}
}

// A kernel that the processor cannot run, or that is none, is refused by name.
func TestUnknownKernelIsRefused(t *testing.T) {
	c, l := world(t, 1, worlds.Levels)
	c.Kernel = 99
	if _, err := planner.Plan(t.Context(), c, l, planner.NewMemExchange(), newNotes(c.Network), nil); err == nil {
		t.Error("kernel 99 was not refused")
	}
	for k := planner.KernelAuto; k <= planner.KernelCareful; k++ {
		if got, err := planner.ParseKernel(k.String()); err != nil || got != k {
			t.Errorf("%s is read as %s, %v", k, got, err)
		}
	}
	if _, err := planner.ParseKernel("fast"); err == nil {
		t.Error("kernel fast was not refused")
	}
}
