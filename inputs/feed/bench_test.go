package feed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"echelon/inputs"
)

// forecastRows makes n list rows of 28 values for items at nodes, one node after another.
func forecastRows(n int) []*inputs.Batch {
	b := inputs.NewBuilder("forecasts")
	item, node, from, daily := b.Col("item"), b.Col("node"), b.Col("from"), b.Col("daily")
	const perNode = 10_000
	list := make([]int64, 28)
	var out []*inputs.Batch
	seed := uint64(1)
	for i := range n {
		b.Row()
		b.SetText(item, "I"+strconv.Itoa(i%perNode))
		b.SetText(node, "S"+strconv.Itoa(i/perNode))
		b.SetInt(from, 20000)
		for d := range list {
			seed = seed*6364136223846793005 + 1442695040888963407
			list[d] = int64(seed>>40) % 3000 * 10
		}
		b.SetList(daily, list)
		if b.Rows() == 1<<16 {
			out = append(out, b.Batch())
		}
	}
	if b.Rows() > 0 {
		out = append(out, b.Batch())
	}
	return out
}

func BenchmarkForecastsParquet(b *testing.B) {
	const n = 400_000
	batches := forecastRows(n)
	dir := b.TempDir()
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			var out bytes.Buffer
			if err := WriteParquet(&out, batches...); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "forecasts.parquet"), out.Bytes(), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(out.Len())/n, "bytes/row")
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
	})
	if err := os.WriteFile(filepath.Join(dir, mark), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) { benchmarkRead(b, dir, n) })
}

func benchmarkRead(b *testing.B, dir string, want int) {
	for b.Loop() {
		f, err := Open(context.Background(), dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		r, err := f.Open(context.Background(), "forecasts")
		if err != nil {
			b.Fatal(err)
		}
		rows := 0
		for {
			batch, err := r.Next(context.Background())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			rows += batch.Rows
		}
		if rows != want {
			b.Fatalf("rows %d", rows)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(want), "ns/row")
}

func BenchmarkForecastsCSV(b *testing.B) {
	const n = 100_000
	dir := b.TempDir()
	out, err := os.Create(filepath.Join(dir, "forecasts.csv"))
	if err != nil {
		b.Fatal(err)
	}
	if err := writeAll(NewCSVWriter(out, WriteOptions{}), forecastRows(n)); err != nil {
		b.Fatal(err)
	}
	if err := out.Close(); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, mark), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	benchmarkRead(b, dir, n)
}
