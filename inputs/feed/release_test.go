package feed

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

// Memory of released batches is used for the ones that follow, without anything of the one showing in the other: nulls,
// lists of other lengths, shorter batches. A batch that is not released stays as it is.
func TestReleasedBatches(t *testing.T) {
	t.Parallel()
	var csv strings.Builder
	csv.WriteString("item,node,from,daily\n")
	for i := range 2000 {
		csv.WriteString("I" + itoa(i%900) + ",S" + itoa(i/900) + ",2026-01-0" + itoa(1+i%7) + ",")
		for k := range i%13 + 1 {
			if k > 0 {
				csv.WriteString(";")
			}
			csv.WriteString(itoa(i * k % 501))
		}
		csv.WriteString("\n")
	}
	text := folderOf(t, map[string]string{mark: "", "forecasts.csv": csv.String()})
	var out strings.Builder
	w := NewParquetWriter(&out, WriteOptions{GroupRows: 333})
	want := batches(t, text, nil)
	for _, b := range want {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{text, folderOf(t, map[string]string{mark: "", "forecasts.parquet": out.String()})} {
		var texts []string
		kept := batches(t, dir, func(n int, b *inputs.Batch) bool {
			if n%3 == 0 {
				return true
			}
			texts = append(texts, textOf(b))
			b.Release()
			if b.Columns[0].Codes != nil {
				t.Error("a released batch still has its columns")
			}
			return false
		})
		for _, b := range kept {
			texts = append(texts, textOf(b))
		}
		got, all := map[string]bool{}, map[string]bool{}
		for _, x := range texts {
			for _, row := range strings.Split(x, "\n") {
				got[row] = true
			}
		}
		for _, b := range want {
			for _, row := range strings.Split(textOf(b), "\n") {
				all[row] = true
			}
		}
		if d := cmp.Diff(all, got); d != "" {
			t.Error(d)
		}
	}
}

// batches reads the forecasts of a folder and gives those that keep wants, nil for all.
func batches(t *testing.T, dir string, keep func(n int, b *inputs.Batch) bool) (kept []*inputs.Batch) {
	t.Helper()
	f, err := Open(context.Background(), dir, Options{BatchRows: 100})
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Open(context.Background(), "forecasts")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return kept
		}
		if err != nil {
			t.Fatal(err)
		}
		if keep == nil || keep(n, b) {
			kept = append(kept, b)
		}
	}
}

func textOf(b *inputs.Batch) string {
	rows := make([]string, b.Rows)
	for r := range rows {
		for _, c := range b.Contract.Columns {
			rows[r] += b.Text(r, c.Name) + ","
		}
	}
	return strings.Join(rows, "\n")
}
