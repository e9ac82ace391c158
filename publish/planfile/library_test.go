package planfile

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/parquet-go/parquet-go"

	"echelon/planner"
	"echelon/publish/disk"
)

// TestTheLibraryReadsTheSame reads plan files with the Parquet library and by our own reader: every value, null and
// list of every column.
func TestTheLibraryReadsTheSame(t *testing.T) {
	dir, err := write(t, disk.OS{}, t.TempDir(), network(), 1, everyLayer(rand.New(rand.NewPCG(8, 8)), 700))
	if err != nil {
		t.Fatal(err)
	}
	dc, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, l := range dc.Manifest.Layers {
		id := planner.LayerID(0)
		for planner.LayerOf(id).Name != l.Layer {
			id++
		}
		library := libraryCells(t, filepath.Join(dir, l.File))
		at := 0
		for b, err := range dc.Batches(t.Context(), id) {
			if err != nil {
				t.Fatal(err)
			}
			for row := range b.Rows {
				for k, want := range library[at] {
					if got := cells(b, row)[k]; got != want {
						t.Fatalf("%s row %d, column %d: the library reads %q, we read %q", l.Layer, at, k, want, got)
					}
					seen++
				}
				at++
			}
		}
		if at != len(library) {
			t.Errorf("%s: %d rows, the library reads %d", l.Layer, at, len(library))
		}
	}
	if seen < 10_000 {
		t.Errorf("%d values were compared", seen)
	}
}

// cells gives a row as text, a leaf column each; entries of lists one after another, null as ∅.
func cells(b *Batch, row int) []string {
	var out []string
	for i := range b.Cols {
		c := &b.Cols[i]
		switch c.Def.Type {
		case planner.ColMilliList, planner.ColLedger:
			reasons, numbers := "", ""
			for k := c.Off[row]; k < c.Off[row+1]; k++ {
				numbers += strconv.FormatInt(c.List[k], 10) + " "
				if c.Def.Type == planner.ColLedger {
					reasons += planner.Reason(c.Reason[k]).String() + " "
				}
			}
			if c.Def.Type == planner.ColLedger {
				out = append(out, reasons)
			}
			out = append(out, numbers)
		case planner.ColDay, planner.ColInt, planner.ColMilli, planner.ColBool:
			text := "∅"
			if !c.Null(row) {
				text = strconv.FormatInt(c.Ints[row], 10)
			}
			out = append(out, text+" ")
		case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
			text := "∅"
			if !c.Null(row) {
				text = c.Str(row)
			}
			out = append(out, text+" ")
		}
	}
	if IsOrders(b.Layer) {
		text := "∅"
		if b.Release[row] != "" {
			text = b.Release[row]
		}
		out = append(out, text+" ")
	}
	return out
}

// libraryCells gives the rows of a file in the same form.
func libraryCells(t *testing.T, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	pq, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for _, g := range pq.RowGroups() {
		base := len(out)
		for range g.NumRows() {
			out = append(out, make([]string, len(g.ColumnChunks())))
		}
		for k, chunk := range g.ColumnChunks() {
			at := base - 1
			pages := chunk.Pages()
			for {
				page, err := pages.ReadPage()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				values := make([]parquet.Value, page.NumValues())
				if n, err := page.Values().ReadValues(values); n != len(values) || err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(n, err)
				}
				for _, v := range values {
					if v.RepetitionLevel() == 0 {
						at++
					}
					out[at][k] += cellOf(v, pq.Schema().Columns()[k])
				}
			}
			if err := pages.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

func cellOf(v parquet.Value, path []string) string {
	switch {
	case v.IsNull() && len(path) > 1: // an empty list
		return ""
	case v.IsNull():
		return "∅ "
	case v.Kind() == parquet.Boolean && v.Boolean():
		return "1 "
	case v.Kind() == parquet.Boolean:
		return "0 "
	case v.Kind() == parquet.ByteArray:
		return string(v.ByteArray()) + " "
	}
	return strconv.FormatInt(v.Int64(), 10) + " "
}

// TestBatchesAreUsedAgain reads layers of other columns, sizes and nulls into one batch.
func TestBatchesAreUsedAgain(t *testing.T) {
	dir, err := write(t, disk.OS{}, t.TempDir(), network(), 1, everyLayer(rand.New(rand.NewPCG(9, 9)), 400))
	if err != nil {
		t.Fatal(err)
	}
	dc, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var used Batch
	for range 2 {
		for id := range planner.NumLayers {
			if dc.Manifest.Layer(id) == nil {
				continue
			}
			rows, err := dc.Rows(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for g := range rows.Groups() {
				fresh, err := rows.Group(t.Context(), g)
				if err != nil {
					t.Fatal(err)
				}
				if err := rows.Into(t.Context(), g, &used); err != nil {
					t.Fatal(err)
				}
				for row := range fresh.Rows {
					if want, got := string(fresh.AppendJSON(nil, row)), string(used.AppendJSON(nil, row)); want != got {
						t.Fatalf("row %d: %s, in a used batch %s", row, want, got)
					}
				}
			}
			if err := rows.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
