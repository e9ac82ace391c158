package planfile

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"echelon/planner"
	"echelon/publish/disk"
)

// netChangeOf writes a plan in full and, over it, a net change with these tables; unmoved layers stand as the base has
// them. It gives both folders.
func netChangeOf(t *testing.T, fs disk.FS, tables []*planner.Table, unmoved ...planner.LayerID) (base, net *DC) {
	t.Helper()
	state, n := t.TempDir(), network()
	for _, cycle := range []string{"C0", "C1"} {
		var facts DCFacts
		r := &planner.DCResult{DC: 1, PlanHash: [32]byte{1}, Kept: &planner.Kept{}}
		if base != nil {
			facts = DCFacts{Base: &Base{Cycle: "C0", PlanHash: base.Manifest.PlanHash, Depth: 1}, Under: base}
			r.Again = &planner.Again{Items: []string{"I000", "I001"}}
			for _, id := range unmoved {
				r.Unmoved[id] = true
			}
		}
		w := NewWriter(Options{
			FS: fs, State: state, Network: n, Tenant: "acme", Cycle: cycle, AsOf: 1e15, Engine: "test",
			Facts: func(string) DCFacts { return facts },
		})
		for _, table := range tables {
			c := &planner.Chunk{DC: 1}
			c.Tables[table.Layer] = table
			if err := w.Chunk(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Done(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		files, err := Open(Dir(state, "acme", cycle, "N001"))
		if err != nil {
			t.Fatal(err)
		}
		if base == nil {
			base = files
		}
		net = files
	}
	return base, net
}

// TestSmallNetChangeIsOneFile: a small net change has its layers in one file beside the manifest, but for those that
// are links to the base's; they read as they were written. A larger one has files.
func TestSmallNetChangeIsOneFile(t *testing.T) {
	for name, c := range map[string]struct {
		fs   disk.FS
		rows int
		want []string
	}{
		"small":    {disk.OS{}, 300, []string{"carry.parquet", ManifestName, netName}},
		"no links": {unlinked{disk.OS{}}, 300, []string{ManifestName, netName}},
		"large": {disk.OS{}, 9000, []string{
			"carry.parquet", "dc-orders.parquet", "exceptions.parquet", ManifestName, netName, "projections.parquet",
			"store-orders.parquet", "vendor-orders.parquet", "workload.parquet",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tables := everyLayer(rand.New(rand.NewPCG(3, 3)), c.rows)
			tables = slices.DeleteFunc(tables, func(t *planner.Table) bool { return t.Layer == planner.DCOrders && c.rows == 300 })
			base, net := netChangeOf(t, c.fs, tables, planner.Carry)
			entries, err := os.ReadDir(net.Dir)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries {
				got = append(got, e.Name())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("files %q, want %q", got, c.want)
			}
			if net.Manifest.Format != NetFormatVersion || base.Manifest.Format != FormatVersion {
				t.Errorf("formats %d over %d", net.Manifest.Format, base.Manifest.Format)
			}
			if err := os.RemoveAll(base.Dir); err != nil { // what is linked stays
				t.Fatal(err)
			}
			if err := net.Verify(t.Context()); err != nil {
				t.Fatal(err)
			}
			byLayer := map[planner.LayerID][]*planner.Table{}
			for _, table := range tables {
				byLayer[table.Layer] = append(byLayer[table.Layer], table)
			}
			for id, parts := range byLayer {
				if net.Manifest.Layer(id) != nil {
					compareLayer(t, net, parts...)
				}
			}
			if m := net.Manifest.Layer(planner.DCOrders); c.rows == 300 && (m == nil || m.Lines != 0) {
				t.Errorf("a layer without lines: %+v", m)
			}
			groups, err := net.Groups(t.Context())
			if err != nil || !slices.Equal(groups.Items, []string{"I000", "I001"}) {
				t.Errorf("%+v %v", groups, err)
			}
		})
	}
}

// TestFlippedBytesOfAPackAreFound: a changed, missing or further byte in the file is noticed, and never read.
func TestFlippedBytesOfAPackAreFound(t *testing.T) {
	_, net := netChangeOf(t, disk.OS{}, everyLayer(rand.New(rand.NewPCG(5, 5)), 6))
	name := filepath.Join(net.Dir, netName)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := func(raw []byte) {
		t.Helper()
		if err := os.WriteFile(name, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		fresh, err := Open(net.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := fresh.Verify(t.Context()); err == nil {
			t.Fatal("damage passes")
		}
	}
	for at := 0; at < len(whole); at += 1 + len(whole)/400 {
		raw := slices.Clone(whole)
		raw[at] ^= 1
		spoiled(raw)
	}
	spoiled(whole[:len(whole)-1])
	spoiled(append(slices.Clone(whole), 0))
	for i := range net.Manifest.Layers { // one layer read alone
		l := &net.Manifest.Layers[i]
		if l.File != netName {
			continue
		}
		raw := slices.Clone(whole)
		raw[l.At+l.Bytes/2] ^= 1
		if err := os.WriteFile(name, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		fresh, err := Open(net.Dir)
		if err != nil {
			t.Fatal(err)
		}
		id, _ := layerNamed(l.Layer)
		if _, err := fresh.Rows(t.Context(), id); err == nil {
			t.Errorf("layer %s is read", l.Layer)
		}
	}
}
