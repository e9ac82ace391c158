package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"time"
)

// hotUpdates is how often one key changes while the memory is watched.
const hotUpdates = 1_000_000

// restart times the first load of all tables from topics, a checkpoint, a million updates of one key, the way from the
// checkpoint to a state that is ready, and the replay of what came after it.
func restart(ctx context.Context, s settings, report func(result)) error {
	f, err := newFeed(false)
	if err != nil {
		return err
	}
	defer f.broker.Close()
	for _, table := range feedTables {
		if err := f.send(ctx, table, s.skus, 0); err != nil {
			return err
		}
	}
	dir := filepath.Join(s.dir, "checkpoints")
	w, err := f.open(ctx, dir)
	if err != nil {
		return err
	}
	runtime.GC()
	c := newClock()
	w.start(ctx)
	if err := w.reach(ctx); err != nil {
		return err
	}
	load := c.took()
	before := w.state.Memory()
	rows := float64(s.skus) * float64(len(feedTables))
	report(result{
		Text: "first load", SKUs: s.skus, Seconds: load.wall, CPUSeconds: load.cpu, BytesPerSKU: float64(held(before)) / float64(s.skus),
		Extra: map[string]float64{
			"rows": rows, "rows_per_s": rows / load.wall, "us_per_sku": load.wall * 1e6 / float64(s.skus),
			"index_bytes_per_sku": float64(before.Index) / float64(s.skus), "window_bytes_per_sku": float64(before.Window) / float64(s.skus),
		},
	})
	if err := w.hot(ctx, s, report); err != nil {
		return err
	}
	c = newClock()
	if err := w.state.Checkpoint(ctx); err != nil {
		return err
	}
	write := c.took()
	if err := w.halt(); err != nil {
		return err
	}
	size, err := bytesIn(dir)
	if err != nil {
		return err
	}
	report(result{
		Text: "checkpoint", SKUs: s.skus, Seconds: write.wall, CPUSeconds: write.cpu, BytesPerSKU: float64(size) / float64(s.skus),
		Extra: map[string]float64{"us_per_sku": write.wall * 1e6 / float64(s.skus), "processor_us_per_sku": write.cpu * 1e6 / float64(s.skus)},
	})
	late := max(1, s.skus/100)
	if err := f.send(ctx, "inventory", late, 1); err != nil {
		return err
	}
	w.state, w.f = nil, nil
	runtime.GC()
	c = newClock()
	if w, err = f.open(ctx, dir); err != nil {
		return err
	}
	opened := c.took()
	w.start(ctx)
	if err := w.reach(ctx); err != nil {
		return err
	}
	total := c.took()
	report(result{
		Text: "restart to ready", SKUs: s.skus, Seconds: total.wall, CPUSeconds: total.cpu,
		BytesPerSKU: float64(held(w.state.Memory())) / float64(s.skus),
		Extra: map[string]float64{
			"us_per_sku": total.wall * 1e6 / float64(s.skus), "processor_us_per_sku": total.cpu * 1e6 / float64(s.skus),
			"open_s": opened.wall, "replayed": float64(late),
		},
	})
	return w.halt()
}

// hot changes one key again and again: what the state holds must stay, and so does what the collector leaves.
func (w *follower) hot(ctx context.Context, s settings, report func(result)) error {
	if err := w.halt(); err != nil {
		return err
	}
	n := min(int64(hotUpdates), 10*s.skus)
	if err := w.feed.sendRows(ctx, "inventory", n, func(i int64) (int64, int64) { return s.skus / 2, i + 2 }); err != nil {
		return err
	}
	before, heap := held(w.state.Memory()), heapBytes()
	if err := w.connect(ctx); err != nil {
		return err
	}
	c := newClock()
	w.start(ctx)
	if err := w.reach(ctx); err != nil {
		return err
	}
	t := c.took()
	report(result{
		Text: "a hot key", SKUs: s.skus, Seconds: t.wall, CPUSeconds: t.cpu,
		Extra: map[string]float64{
			"updates": float64(n), "updates_per_s": float64(n) / t.wall,
			"state_bytes_before": float64(before), "state_bytes_after": float64(held(w.state.Memory())),
			"heap_bytes_before": heap, "heap_bytes_after": heapBytes(),
		},
	})
	return nil
}

// heapBytes is what lives on the heap, the broker's records among it.
func heapBytes() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// bytesIn sums up the files of a folder.
func bytesIn(dir string) (sum int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("checkpoint: %w", err)
	}
	return sum, nil
}

// clock measures wall and processor time from where it was made.
type clock struct {
	began time.Time
	used  float64
}

func newClock() clock { return clock{time.Now(), cpuSeconds()} }

func (c clock) took() took { return took{time.Since(c.began).Seconds(), cpuSeconds() - c.used} }
