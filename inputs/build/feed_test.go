package build_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/feed"
)

// TestFilesOfAnyFormatGiveTheSameSnapshot writes the tables as CSV, JSON Lines and Parquet and builds from the
// folders.
func TestFilesOfAnyFormatGiveTheSameSnapshot(t *testing.T) {
	ctx := context.Background()
	data := full().data(t, nil)
	want, err := build.Snapshot(ctx, data, options())
	if err != nil {
		t.Fatal(err)
	}
	for ending, open := range map[string]func(w io.Writer, o feed.WriteOptions) feed.TableWriter{
		".csv": feed.NewCSVWriter, ".jsonl": feed.NewJSONLWriter, ".parquet": feed.NewParquetWriter,
	} {
		dir := t.TempDir()
		for table, batches := range data {
			f, err := os.Create(filepath.Join(dir, table+ending))
			if err != nil {
				t.Fatal(err)
			}
			w := open(f, feed.WriteOptions{})
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
		if err := feed.WriteManifest(ctx, dir, ""); err != nil {
			t.Fatal(err)
		}
		folder, err := feed.Open(ctx, dir, feed.Options{BatchRows: 3})
		if err != nil {
			t.Fatal(err)
		}
		got, err := build.Snapshot(ctx, folder, options())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Network, got.Network); diff != "" {
			t.Errorf("%s: network %s", ending, diff)
		}
		if diff := cmp.Diff(want.Partitions, got.Partitions); diff != "" {
			t.Errorf("%s: partitions %s", ending, diff)
		}
		for _, c := range inputs.Contracts() {
			if n := got.Report.Counts(c.Table); !n.Balanced() {
				t.Errorf("%s: table %s: %+v", ending, c.Table, n)
			}
		}
	}
}
