package kafka

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"echelon/publish/planfile"
)

// BenchmarkPublish publishes DCs in parallel from plan files to the in-process broker, JSON, zstd; the
// metric is lines a second over all of them.
func BenchmarkPublish(b *testing.B) {
	on := fake(b)
	pl := plan{tenant: tenant(), rows: 60_000}
	p := open(b, on.config())
	if err := p.Check(b.Context(), pl.need()); err != nil {
		b.Fatal(err)
	}
	var lines int64
	var spent time.Duration
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		pl.cycle = fmt.Sprintf("C%04d", i)
		pl.asOf = epoch + int64(i)
		if i > 0 {
			pl.counted = append(pl.counted, fmt.Sprintf("C%04d", i-1))
		}
		var dcs []*planfile.DC
		for dc := range dcNames {
			pl.dc = dc
			dcs = append(dcs, pl.make(b))
		}
		b.StartTimer()
		begin := time.Now()
		var g errgroup.Group
		for _, dc := range dcs {
			lines += dc.Manifest.Lines()
			g.Go(func() error { _, err := p.PublishDC(b.Context(), dc); return err })
		}
		if err := g.Wait(); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(begin)
	}
	b.ReportMetric(float64(lines)/spent.Seconds(), "lines/s")
}
