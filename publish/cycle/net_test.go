package cycle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"echelon/planner"
	"echelon/publish/planfile"
)

// edit gives a folder of tables with one changed, the rest as they were.
func edit(t *testing.T, in, table string, f func(string) string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(in)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, table+".csv")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text := f(string(raw))
	if text == string(raw) {
		t.Fatalf("table %s is as it was", table)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func replace(old, now string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, old, now) }
}

// lines gives every line of a cycle's plan as text, by DC and layer.
func lines(t *testing.T, state string, r *Result) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, d := range r.DCs {
		files, err := planfile.Open(filepath.Join(state, d.Files))
		if err != nil {
			t.Fatal(err)
		}
		for id := range planner.NumLayers {
			key := d.DC + "/" + planner.LayerOf(id).Name
			for b, err := range files.Merged(context.Background(), id) {
				if err != nil {
					t.Fatal(err)
				}
				for row := range b.Rows {
					var cells []string
					for i := range b.Cols {
						cells = append(cells, cellText(&b.Cols[i], row))
					}
					out[key] = append(out[key], strings.Join(cells, "|"))
				}
			}
			if l := files.Manifest.Layer(id); l != nil {
				if n, _ := l.PlanLines(); int(n) != len(out[key]) {
					t.Errorf("%s: the manifest says %d lines, there are %d", key, n, len(out[key]))
				}
			}
		}
	}
	return out
}

func cellText(c *planfile.Column, row int) string {
	switch {
	case len(c.Codes) > 0:
		return c.Str(row)
	case len(c.Off) > 0:
		return fmt.Sprint(c.List[c.Off[row]:c.Off[row+1]], len(c.Reason) > 0 && c.Off[row+1] > c.Off[row] && c.Reason[c.Off[row]] != 0)
	}
	return fmt.Sprint(c.Ints[row])
}

// TestNetChangeIsTheFullPlan: a day of cycles, each a net change of the one before, publishes each release once and
// the same ones as full cycles do; every merged plan equals the full one, line by line.
func TestNetChangeIsTheFullPlan(t *testing.T) {
	first := tables(t, nil)
	steps := []struct {
		name, table string
		change      func(string) string
		after       time.Duration
		base        bool
	}{
		{name: "first"},
		{name: "after the releases", after: time.Hour, base: true},
		{name: "nothing moved", after: 2 * time.Hour, base: true},
		{name: "stock", table: "inventory", change: replace("i1,S1,3", "i1,S1,0"), after: 3 * time.Hour, base: true},
		{name: "a forecast of a store of the other DC", table: "forecasts", change: func(s string) string { return strings.Replace(s, "i3,S4,2026-11-23,2;", "i3,S4,2026-11-23,9;", 1) }, after: 4 * time.Hour, base: true},
		{name: "an item more", table: "items", change: func(s string) string { return s + "i0,6\n" }, after: 5 * time.Hour, base: true},
		{name: "an item of a DC gone", table: "skus", change: func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(s, "i2,S1,net,4\n", ""), "i2,S2,net,4\n", "")
		}, after: 6 * time.Hour, base: true},
		{name: "a lane longer", table: "lanes", change: replace("D2-S3,D2,S3,1,0,1", "D2-S3,D2,S3,1,0,2"), after: 7 * time.Hour, base: true},
		{name: "over midnight", after: 23 * time.Hour, base: true},
		{name: "past the grace", after: 47 * time.Hour, base: true},
	}
	net, full := newShelf(), newShelf()
	netState, fullState := t.TempDir(), t.TempDir()
	in := first
	var ids []string
	saved := 0
	for _, step := range steps {
		if step.table != "" {
			in = edit(t, in, step.table, step.change)
		}
		c := config(in, netState, net, night.Add(step.after))
		c.Unconfirmed, c.Net.FullAbove = true, 1001
		f := config(in, fullState, full, night.Add(step.after))
		f.Unconfirmed, f.Full = true, true
		r, want := must(t, c), must(t, f)
		if r.PlanHash != want.PlanHash {
			t.Fatalf("%s: plan %.12s, full %.12s", step.name, r.PlanHash, want.PlanHash)
		}
		if d := cmp.Diff(lines(t, fullState, want), lines(t, netState, r)); d != "" {
			t.Fatalf("%s: merged plan differs (- full):\n%.2000s", step.name, d)
		}
		if d := cmp.Diff(want.Layers, r.Layers); d != "" {
			t.Errorf("%s: %s", step.name, d)
		}
		if d := cmp.Diff(want.Coverage, r.Coverage); d != "" {
			t.Errorf("%s: %s", step.name, d)
		}
		if (r.Net.Base != "") != step.base || want.Net.Full != "--full" {
			t.Errorf("%s: net change %+v, full %+v", step.name, r.Net, want.Net)
		}
		if step.base && r.Net.Rows < r.Net.Of {
			saved++
		}
		ids = append(ids, r.Cycle)
		t.Logf("%-40s %2d of %d rows: %v", step.name, r.Net.Rows, r.Net.Of, r.Net.Why)
	}
	if saved < 6 {
		t.Errorf("only %d cycles left anything alone", saved)
	}
	for _, id := range ids {
		if a, b := net.released(t, id), full.released(t, id); a != b {
			t.Errorf("cycle %s: %d releases, full %d", id, a, b)
		}
	}
	var once []string
	for id := range net.lines {
		once = append(once, id)
		if full.lines[id] != 1 {
			t.Errorf("%s is no release of the full cycles", id)
		}
	}
	if len(once) < 13 {
		t.Errorf("only %d releases: the first cycle has 12", len(once))
	}
}

// TestNetChangeOverAnUnpublishedBase: lines that never went out are not left alone. Planned without a publisher the
// second cycle lies over the first; published later it is planned again as a whole.
func TestNetChangeOverAnUnpublishedBase(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	must(t, config(in, state, nil, night))
	second := edit(t, in, "inventory", replace("i1,S1,3", "i1,S1,0"))
	c := config(second, state, nil, night.Add(time.Hour))
	c.Net.FullAbove = 1001
	r := must(t, c)
	if r.Net.Base == "" {
		t.Fatalf("%+v", r.Net)
	}
	out := must(t, config(second, state, s, night.Add(time.Hour)))
	if out.PlanHash != r.PlanHash || !slices.ContainsFunc(out.Faults, func(f Fault) bool { return f.Kind == "planned_again" }) {
		t.Errorf("%.12s after %.12s: %+v", out.PlanHash, r.PlanHash, out.Faults)
	}
	if got := s.released(t, out.Cycle); got != 12 {
		t.Errorf("%d releases of 12", got)
	}
	if out.DCs[0].Base != "" {
		t.Errorf("%+v", out.DCs[0])
	}
}

// TestNetChangeNeedsAWholeBase: plan files that are damaged, pruned snapshots, another policy and a long row of net
// changes lead to a full plan that says why, and is the same.
func TestNetChangeNeedsAWholeBase(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, state string, c *Config){
		"kept changed": func(t *testing.T, state string, _ *Config) {
			flip(t, filepath.Join(planfile.Dir(state, "acme", "20261123T020000Z", "D1"), "kept.bin"))
		},
		"lines changed": func(t *testing.T, state string, _ *Config) {
			flip(t, filepath.Join(planfile.Dir(state, "acme", "20261123T020000Z", "D1"), "projections.parquet"))
		},
		"snapshot gone": func(t *testing.T, state string, _ *Config) {
			if err := os.RemoveAll(filepath.Join(state, "snapshots")); err != nil {
				t.Fatal(err)
			}
		},
		"another policy": func(_ *testing.T, _ string, c *Config) { c.PolicyHash = "p2" },
		"another engine": func(_ *testing.T, _ string, c *Config) { c.Engine = "test-2" },
		"another wave":   func(_ *testing.T, _ string, c *Config) { c.DCs = []string{"D1"} },
	} {
		t.Run(name, func(t *testing.T) {
			s, in, state := newShelf(), tables(t, nil), t.TempDir()
			must(t, config(in, state, s, night))
			c := config(edit(t, in, "inventory", replace("i1,S1,3", "i1,S1,0")), state, s, night.Add(time.Hour))
			spoil(t, state, &c)
			r := must(t, c)
			if r.DCs[0].DC != "D1" || r.DCs[0].Base != "" || r.DCs[0].Written != 0 {
				t.Errorf("D1 is a net change: %+v", r.DCs[0])
			}
			if r.Net == nil || r.Net.Full == "" && r.Net.Why["full"] == 0 {
				t.Errorf("nothing says why: %+v", r.Net)
			}
			s.released(t, r.Cycle)
		})
	}
}

func flip(t *testing.T, name string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBasesAreKept: what a kept cycle lies over is not pruned.
func TestBasesAreKept(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	var last *Result
	for i := range 8 {
		c := config(in, state, s, night.Add(time.Duration(i)*time.Hour))
		c.Keep = time.Minute
		last = must(t, c)
	}
	lines(t, state, last)
	if last.DCs[0].Base == "" {
		t.Errorf("%+v", last.Net)
	}
}
