package planfile

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/disk"
)

// unlinked is a file system without links.
type unlinked struct{ disk.FS }

// TestLayersWithoutRowsAreOneFile: DCs of a cycle share the files of layers without rows where the file system can do
// that; the folders are the same either way, and each is whole when the other is gone.
func TestLayersWithoutRowsAreOneFile(t *testing.T) {
	for name, fs := range map[string]disk.FS{"links": disk.OS{}, "no links": unlinked{disk.OS{}}} {
		t.Run(name, func(t *testing.T) {
			state, n := t.TempDir(), network()
			w := NewWriter(Options{FS: fs, State: state, Network: n, Tenant: "acme", Cycle: "C1", AsOf: 1e15, Engine: "test"})
			for dc := range inputs.NodeIdx(2) {
				c := &planner.Chunk{DC: dc}
				c.Tables[planner.Carry] = randomTable(rand.New(rand.NewPCG(4, 4)), n, planner.Carry, 3)
				if err := w.Chunk(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if err := w.Done(t.Context(), &planner.DCResult{DC: dc, PlanHash: [32]byte{1}}); err != nil {
					t.Fatal(err)
				}
			}
			one, two := Dir(state, "acme", "C1", "N000"), Dir(state, "acme", "C1", "N001")
			for _, id := range []planner.LayerID{planner.StoreOrders, planner.Carry} {
				file := planner.LayerOf(id).Name + ".parquet"
				a, err := os.Stat(filepath.Join(one, file))
				if err != nil {
					t.Fatal(err)
				}
				b, err := os.Stat(filepath.Join(two, file))
				if err != nil {
					t.Fatal(err)
				}
				if want := id == planner.StoreOrders && name == "links"; os.SameFile(a, b) != want {
					t.Errorf("%s: one file is %t, want %t", file, !want, want)
				}
			}
			if err := os.RemoveAll(one); err != nil {
				t.Fatal(err)
			}
			files, err := Open(two)
			if err != nil {
				t.Fatal(err)
			}
			if err := files.Verify(t.Context()); err != nil {
				t.Error(err)
			}
			for id := range planner.NumLayers {
				l := files.Manifest.Layer(id)
				if l == nil {
					continue
				}
				rows := 0
				for b, err := range files.Batches(t.Context(), id) {
					if err != nil {
						t.Fatal(err)
					}
					rows += b.Rows
				}
				if want := int(l.Lines); rows != want || (id == planner.Carry) != (want == 3) {
					t.Errorf("%s: %d rows, the manifest says %d", l.Layer, rows, want)
				}
			}
		})
	}
}
