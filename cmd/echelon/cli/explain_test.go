package cli

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"echelon/calendars"
	"echelon/planner"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// TestExplainIsThePlan: what explain says of a SKU is what the plan files hold, also in a second cycle, which
// counts the releases and the carry of the first.
func TestExplainIsThePlan(t *testing.T) {
	dir := t.TempDir()
	in, folder := filepath.Join(dir, "in"), filepath.Join(dir, "state")
	must := func(args ...string) string {
		t.Helper()
		var out, notes bytes.Buffer
		if code := (&app{out: &out, err: &notes}).main(t.Context(), args); code != 0 {
			t.Fatalf("echelon %s: exit code %d\n%s", strings.Join(args, " "), code, notes.String())
		}
		return out.String()
	}
	must("generate", "--skus", "1500", "--dcs", "2", "--stores-per-dc", "8", "--scarce", "30%", "--out", in)
	must("run", "--inputs", in, "--state", folder)
	must("run", "--inputs", in, "--state", folder, "--as-of", "2026-11-21T20:00:00Z", "--cycle", "second")

	f := explainFlags{where: where{state: folder, tenant: defaultTenant, cycle: "second"}}
	dcs, err := f.plans("")
	if err != nil {
		t.Fatal(err)
	}
	st, err := state.Open(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(st)
	lines, shorted := 0, 0
	for _, dc := range dcs {
		for _, layer := range []planner.LayerID{planner.StoreOrders, planner.DCOrders, planner.VendorOrders} {
			at := 0
			for b, err := range dc.Merged(t.Context(), layer) {
				if err != nil {
					t.Fatal(err)
				}
				for r := range b.Rows {
					if at++; at%23 != 1 {
						continue
					}
					explainLine(t, &f, st, b, r)
					lines++
					if whole(b.Col("wanted"), r) > whole(b.Col("quantity"), r) {
						shorted++
					}
				}
			}
		}
	}
	if lines < 50 || shorted == 0 {
		t.Errorf("only %d lines compared, %d shorted", lines, shorted)
	}
	rememberedReleases(t, &f, st)
}

// rememberedReleases: what the first cycle released to a store is among the receipts that explain shows in
// the second.
func rememberedReleases(t *testing.T, f *explainFlags, st *state.Store) {
	t.Helper()
	first := where{state: f.state, tenant: f.tenant, cycle: "20261121T080000Z"}
	dcs, err := first.plans("")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, dc := range dcs {
		for b, err := range dc.Merged(t.Context(), planner.StoreOrders) {
			if err != nil {
				t.Fatal(err)
			}
			for r := range b.Rows {
				if whole(b.Col("release"), r) == 0 || seen == 8 {
					continue
				}
				seen++
				f.item, f.node = b.Col("item").Str(r), b.Col("destination").Str(r)
				e, err := f.ask(t.Context(), st)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(e.Receipts, func(x planner.ExplainedReceipt) bool {
					return x.Forgot && x.Order == b.Release[r] && x.Units == whole(b.Col("quantity"), r)
				}) {
					t.Errorf("%s at %s: release %s is not among the receipts %+v", f.item, f.node, b.Release[r], e.Receipts)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("the first cycle released nothing")
	}
}

// packsAddUp: the packs of an order are its quantity, given in the order of rounds and within one of tiers; without
// later rounds their tiers are the line's.
func packsAddUp(t *testing.T, what string, o *planner.ExplainedOpportunity) {
	t.Helper()
	var sum int64
	var tiers [4]int64
	last := planner.PacksGiven{}
	for _, p := range o.Packs {
		if p.Packs <= 0 || p.Round < last.Round || p.Round == last.Round && p.Tier < last.Tier {
			t.Errorf("%s: packs %+v out of order", what, o.Packs)
		}
		sum += p.Packs * o.Pack
		tiers[max(p.Tier, 1)-1] += p.Packs * o.Pack
		last = p
	}
	if sum != o.Quantity || last.Round == 0 && !o.Shared && tiers != o.Tiers {
		t.Errorf("%s: %d units in tiers %v, its packs %+v of %d", what, o.Quantity, o.Tiers, o.Packs, o.Pack)
	}
}

// explainLine compares one line of the plan with what explain says of it.
func explainLine(t *testing.T, f *explainFlags, st *state.Store, b *planfile.Batch, r int) {
	t.Helper()
	f.item, f.node = b.Col("item").Str(r), b.Col("destination").Str(r)
	e, err := f.ask(t.Context(), st)
	if err != nil {
		t.Fatalf("explain %s at %s: %v", f.item, f.node, err)
	}
	order := calendars.Day(b.Col("order_day").Ints[r])
	for i := range e.Opportunities {
		o := &e.Opportunities[i]
		if o.Order != order || o.Lane != b.Col("lane").Str(r) {
			continue
		}
		var sum int64
		for _, s := range o.Steps {
			sum += s.Change
		}
		got := [5]int64{o.Quantity, o.Wanted, o.Need, sum, o.Urgency}
		want := [5]int64{whole(b.Col("quantity"), r), whole(b.Col("wanted"), r), whole(b.Col("need"), r), whole(b.Col("quantity"), r), whole(b.Col("urgency"), r)}
		if got != want || o.Release != (whole(b.Col("release"), r) == 1) {
			t.Errorf("%s at %s ordered %s: explain has quantity, wanted, need, ledger, urgency %v, the plan %v", f.item, f.node, order, got, want)
		}
		packsAddUp(t, e.Item+" at "+e.Node, o)
		text := e.text()
		if !strings.Contains(text, packs(o.Quantity, o.Pack)) && o.Quantity > 0 && i < 6 {
			t.Errorf("%s at %s: the text does not name %s:\n%s", f.item, f.node, packs(o.Quantity, o.Pack), text)
		}
		return
	}
	t.Errorf("%s at %s ordered %s: no such opportunity", f.item, f.node, order)
}
