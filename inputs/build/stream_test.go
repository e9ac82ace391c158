package build_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/fixtures/generate"
	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/feed"
	"echelon/inputs/store"
)

// divisible joins the two packages: a feed's parts are a builder's.
type divisible struct{ *feed.Folder }

func (d divisible) Divide(ctx context.Context, dir string, parts int, of func(string) int) (build.Parts, error) {
	return d.Folder.Divide(ctx, dir, parts, of)
}

// TestStreamGivesTheSnapshot builds from folders at once and in parts: the same files, counts and faults, and no
// scratch file left.
func TestStreamGivesTheSnapshot(t *testing.T) {
	small := t.TempDir()
	for table, batches := range full().data(t, nil) {
		f, err := os.Create(filepath.Join(small, table+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		w := feed.NewCSVWriter(f, feed.WriteOptions{})
		for _, b := range batches {
			if err := w.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := feed.WriteManifest(t.Context(), small, ""); err != nil {
		t.Fatal(err)
	}
	g, err := generate.New(generate.Config{SKUs: 5_000, DCs: 3, StoresPerDC: 4, Items: 600, Vendors: 5, Dirty: 20, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(t.TempDir(), "in")
	if _, err := g.Write(t.Context(), large, generate.CSV, nil); err != nil {
		t.Fatal(err)
	}
	opt := build.Options{Tenant: "example", AsOf: g.Config().AsOf, Horizon: 28}
	oneDC := generate.Config{SKUs: 5_000, DCs: 1, StoresPerDC: 12, Items: 600, Vendors: 5, Seed: 7}
	increments := inRowGroups(t, oneDC)
	addIncrement(t, oneDC, increments)
	for name, c := range map[string]struct {
		dir string
		opt build.Options
	}{
		"every table": {small, options()},
		"dirty rows":  {large, opt},
		"row groups of several parts": {inRowGroups(t, generate.Config{
			SKUs: 5_000, DCs: 3, StoresPerDC: 4, Items: 600, Vendors: 5, Seed: 7,
		}), opt},
		"row groups of one part":       {inRowGroups(t, oneDC), opt},
		"an increment over row groups": {increments, opt},
	} {
		t.Run(name, func(t *testing.T) {
			want := builtAtOnce(t, c.dir, c.opt)
			if name == "dirty rows" && want.counts["forecasts"].Quarantined == 0 {
				t.Fatal("no dirty row among the forecasts")
			}
			if name == "an increment over row groups" && want.fed["inventory"].Filtered == 0 {
				t.Fatal("no row was taken away")
			}
			for _, parts := range []int{1, 3, 40} {
				got := builtInParts(t, c.dir, c.opt, parts)
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" {
					t.Errorf("%d parts: %s", parts, diff)
				}
			}
		})
	}
}

// inRowGroups writes a network as Parquet files of small row groups, each table in two files with the same rows: of one
// DC in the order of items, of more in the order of DCs.
func inRowGroups(t *testing.T, cfg generate.Config) string {
	t.Helper()
	g, err := generate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, table := range g.Tables() {
		for _, no := range []string{"1", "2"} {
			f, err := os.Create(filepath.Join(dir, table+"."+no+".parquet"))
			if err != nil {
				t.Fatal(err)
			}
			w := feed.NewParquetWriter(f, feed.WriteOptions{GroupRows: 300})
			r, err := g.Source().Open(t.Context(), table)
			if err != nil {
				t.Fatal(err)
			}
			for {
				b, err := r.Next(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := w.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(w.Close(), f.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := feed.WriteManifest(t.Context(), dir, ""); err != nil {
		t.Fatal(err)
	}
	return dir
}

// addIncrement adds a file of changes to the stock of a folder: rows taken away, given anew, and both.
func addIncrement(t *testing.T, cfg generate.Config, dir string) {
	t.Helper()
	g, err := generate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.Source().Open(t.Context(), "inventory")
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := "item,node,on_hand,op\n"
	for row := range b.Rows {
		key := b.Text(row, "item") + "," + b.Text(row, "node")
		if row%5 == 0 {
			text += key + "," + strconv.Itoa(row) + ",upsert\n"
		}
		if row%7 == 0 {
			text += key + ",,delete\n"
		}
		if row%35 == 0 {
			text += key + ",3,upsert\n"
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "inventory.9.csv"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := feed.WriteManifest(t.Context(), dir, ""); err != nil {
		t.Fatal(err)
	}
}

// outcome is what a build left.
type outcome struct {
	digest string
	counts map[string]inputs.Counts
	fed    map[string]inputs.Counts
	faults []string // of every quarantined row, sorted
	unused []string
	told   []feed.Notice
}

func (o *outcome) end(f *feed.Folder, r *build.Report, m *store.Manifest, t *testing.T) *outcome {
	t.Helper()
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	o.digest, o.counts, o.fed = digest, map[string]inputs.Counts{}, map[string]inputs.Counts{}
	for _, c := range r.Tables {
		o.counts[c.Table] = c.Counts
	}
	for _, c := range f.Report().Tables {
		o.fed[c.Table] = c.Counts
	}
	o.unused, o.told = r.Unused, f.Report().Notices
	slices.Sort(o.faults)
	return o
}

func (o *outcome) quarantine(f inputs.Fault) {
	o.faults = append(o.faults, f.Error())
}

func builtAtOnce(t *testing.T, dir string, opt build.Options) *outcome {
	t.Helper()
	var o outcome
	opt.Quarantine = o.quarantine
	f, err := feed.Open(t.Context(), dir, feed.Options{BatchRows: 700, Quarantine: o.quarantine})
	if err != nil {
		t.Fatal(err)
	}
	b, err := build.Snapshot(t.Context(), f, opt)
	if err != nil {
		t.Fatal(err)
	}
	m, err := store.Write(filepath.Join(t.TempDir(), "s"), b.Network, b.Partitions, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.end(f, b.Report, m, t)
}

func builtInParts(t *testing.T, dir string, opt build.Options, parts int) *outcome {
	t.Helper()
	var o outcome
	opt.Quarantine = o.quarantine
	f, err := feed.Open(t.Context(), dir, feed.Options{BatchRows: 700, Quarantine: o.quarantine})
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.Create(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(t.TempDir(), "scratch")
	_, report, err := build.Stream(t.Context(), divisible{f}, opt, parts, scratch, w)
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Close(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(scratch); !os.IsNotExist(err) {
		t.Errorf("scratch files stay: %v", err)
	}
	return o.end(f, report, m, t)
}
