package audit

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
)

// snapshotOf builds a snapshot of tables given as text: columns parted by blanks, "-" null.
func snapshotOf(t *testing.T, tables map[string][]string) *store.Snapshot {
	t.Helper()
	d := inputs.Dataset{}
	for table, lines := range tables {
		head := strings.Fields(lines[0])
		b := inputs.NewBuilder(table)
		for _, line := range lines[1:] {
			row := map[string]string{}
			for i, c := range strings.Fields(line) {
				if c != "-" {
					row[head[i]] = c
				}
			}
			if err := b.Append(row); err != nil {
				t.Fatal(err)
			}
		}
		d[table] = []*inputs.Batch{b.Batch()}
	}
	built, err := build.Snapshot(t.Context(), d, build.Options{
		Tenant: "t", AsOf: time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC).UnixMicro(), Horizon: 14,
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "s")
	if _, err := store.Write(dir, built.Network, built.Partitions, nil, nil); err != nil {
		t.Fatal(err)
	}
	snap, err := store.Open(dir, "t")
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// TestSourcing: what is a SKU's own of its lanes is told of sourcing, what is the lane's or the SKU's is not.
func TestSourcing(t *testing.T) {
	base := map[string][]string{
		"nodes":     {"node kind zone", "V vendor UTC", "W vendor UTC", "D1 dc UTC", "D2 dc UTC", "S1 store UTC", "S2 store UTC"},
		"items":     {"item pack", "A 6", "B 6"},
		"lanes":     {"lane source destination priority transit_days", "V1 V D1 0 2", "W1 W D1 1 2", "V2 V D2 0 2", "D1S1 D1 S1 1 1", "D2S1 D2 S1 2 1", "D1S2 D1 S2 1 1"},
		"skus":      {"item node", "A D1", "A D2", "A S1", "A S2", "B D1", "B S1", "B S2"},
		"inventory": {"item node on_hand", "A D1 9", "A D2 9", "A S1 1", "A S2 1", "B D1 9", "B S1 1", "B S2 1"},
		"forecasts": {"item node from daily", "A S1 2026-11-24 1;1"},
		"sourcing":  {"item lane priority pack moq transit_days", "A D1S1 1 4 - 3", "A D2S1 2 5 - -", "B D1S2 1 8 2 -", "A V1 1 - - -", "A W1 2 - - -"},
	}
	with := func(table string, lines ...string) map[string][]string {
		m := maps.Clone(base)
		m[table] = append([]string{base[table][0]}, lines...)
		return m
	}
	for name, c := range map[string]struct {
		now  map[string][]string
		want *Table
	}{
		"nothing":        {base, nil},
		"a lane's legs":  {with("lanes", "V1 V D1 0 2", "W1 W D1 1 2", "V2 V D2 0 2", "D1S1 D1 S1 1 1", "D2S1 D2 S1 2 6", "D1S2 D1 S2 1 1"), nil},
		"an item's pack": {with("items", "A 6", "B 7"), nil},
		"own lot and legs": {
			with("sourcing", "A D1S1 1 4 - 4", "A D2S1 2 5 - -", "B D1S2 1 8 3 -", "A V1 1 - - -", "A W1 2 - - -"),
			&Table{Table: "sourcing", Rows: 2, Names: []string{"B D1S2 changed", "A D1S1 changed"}},
		},
		"another order": {
			with("sourcing", "A D1S1 1 4 - 3", "A D2S1 2 5 - -", "B D1S2 1 8 2 -", "A V1 3 - - -", "A W1 2 - - -"),
			&Table{Table: "sourcing", Rows: 1, Names: []string{"A W1 before V1"}},
		},
		"a row gone": {
			with("sourcing", "A D1S1 1 4 - 3", "B D1S2 1 8 2 -", "A V1 1 - - -", "A W1 2 - - -"),
			&Table{Table: "sourcing", Gone: 1, Names: []string{"A D2S1 gone"}},
		},
	} {
		m, err := Changes(t.Context(), snapshotOf(t, base), snapshotOf(t, c.now))
		if err != nil {
			t.Fatal(err)
		}
		var got *Table
		if i := slices.IndexFunc(m.Tables, func(x Table) bool { return x.Table == "sourcing" }); i >= 0 {
			got = &m.Tables[i]
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}
