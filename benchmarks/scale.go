package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"echelon/fixtures/generate"
	"echelon/inputs"
	"echelon/inputs/store"
	"echelon/planner"
	"echelon/publish/planfile"
)

// scale plans networks of --sizes (else a hundredth, a tenth and all of --skus) from snapshots on disk into plan
// files, once each: time and memory per SKU must not grow with the network. A snapshot that an earlier run left below
// --dir is used again; plan files are removed.
func scale(ctx context.Context, s settings, report func(result)) error {
	sizes := []int64{s.skus / 100, s.skus / 10, s.skus}
	if s.sizes != "" {
		var err error
		if sizes, err = s.networks(); err != nil {
			return err
		}
	}
	var first float64
	for _, skus := range sizes {
		one := s
		one.skus = skus
		r, err := scaleOne(ctx, one)
		if err != nil {
			return err
		}
		each := r.CPUSeconds / float64(r.SKUs)
		if first == 0 {
			first = each
		} else {
			r.Ratio, r.RatioTo = each/first, "processor time per SKU of the smallest"
		}
		report(r)
	}
	return nil
}

func scaleOne(ctx context.Context, s settings) (result, error) {
	dir := filepath.Join(s.dir, fmt.Sprintf("snapshot-%d", s.skus))
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		told := newMeter("generate", s.skus)
		if err := writeSnapshot(ctx, s, dir, func(p generate.Progress) { told.at(p.Rows) }); err != nil {
			return result{}, err
		}
	}
	bandwidth := readBandwidth(max(s.workers, 1))
	debug.FreeOSMemory()
	if err := forgetPeak(); err != nil {
		return result{}, err
	}
	plans := filepath.Join(s.dir, "plans")
	defer func() { _ = os.RemoveAll(plans) }() // a benchmark's scratch
	began, used := time.Now(), cpuSeconds()
	snap, err := store.Open(dir, "")
	if err != nil {
		return result{}, err
	}
	load := &lending{Snapshot: snap}
	w := planfile.NewWriter(planfile.Options{
		State: plans, Network: snap.Network, Engine: "benchmark", Tenant: snap.Manifest.Tenant, Cycle: "bench", AsOf: snap.Manifest.AsOf,
		Facts: (&memory{cfg: generate.Config{AsOf: snap.Manifest.AsOf}}).facts,
		Done: func(_ context.Context, _ string, m *planfile.Manifest, _ *planner.DCResult) error {
			load.lines(m.Lines())
			return nil
		},
	})
	told := map[string]*meter{"ask": newMeter("ask", snap.Manifest.Rows), "give": newMeter("give", snap.Manifest.Rows)}
	c := planner.Cycle{Network: snap.Network, Policy: planner.DefaultPolicy(), AsOf: snap.Manifest.AsOf, Workers: s.workers, Kernel: s.kernel, Paths: &planner.Paths{}}
	plan, err := planner.Plan(ctx, c, load, planner.NewMemExchange(), w, func(e planner.Event) {
		told[e.Stage].add(e.SKUs)
	})
	if err != nil {
		return result{}, err
	}
	r := result{SKUs: snap.Manifest.Rows, Seconds: time.Since(began).Seconds(), CPUSeconds: cpuSeconds() - used}
	peak, err := peakBytes()
	if err != nil {
		return result{}, err
	}
	size, err := sizeBelow(plans)
	if err != nil {
		return result{}, err
	}
	n := float64(r.SKUs)
	r.NsPerSKUCore, r.BytesPerSKU = perSKUCore(r.Seconds, r.SKUs, s), float64(load.columns)/n
	r.Extra = map[string]float64{
		"cpu_ns_per_sku": r.CPUSeconds * 1e9 / n, "dcs": float64(len(snap.Network.DCs)), "lines_per_sku": float64(load.written) / n,
		"peak_mib": float64(peak) / (1 << 20), "most_dcs_in_memory": float64(load.most), "mib_per_dc": float64(load.largest) / (1 << 20),
		"plan_file_mib": float64(size) / (1 << 20), "read_gb_s": bandwidth / 1e9,
		"share_of_read_bandwidth": float64(load.read) / r.Seconds / bandwidth,
	}
	pathsOf(c.Paths, r.Extra)
	r.Text = "plan hash " + hex.EncodeToString(plan.PlanHash[:8])
	return r, nil
}

// lending is a snapshot that counts what of it is in memory.
type lending struct {
	*store.Snapshot
	mu        sync.Mutex
	now, most int
	largest   int64 // bytes of a DC
	columns   int64 // bytes of all DCs, once each
	read      int64 // bytes loaded in all
	written   int64 // lines
	seen      map[inputs.NodeIdx]bool
}

// Partition implements planner.Loader.
func (h *lending) Partition(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	p, err := h.Snapshot.Partition(ctx, dc)
	if err != nil {
		return nil, err
	}
	bytes := bytesOf(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen == nil {
		h.seen = map[inputs.NodeIdx]bool{}
	}
	if !h.seen[dc] {
		h.seen[dc] = true
		h.columns += bytes
	}
	h.now++
	h.read += bytes
	h.most, h.largest = max(h.most, h.now), max(h.largest, bytes)
	return p, nil
}

// Release implements planner.Releaser.
func (h *lending) Release(p *inputs.Partition) {
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
	h.Snapshot.Release(p)
}

func (h *lending) lines(n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.written += n
}

// meter tells people on the standard error how far a long step is, every ten seconds.
type meter struct {
	what         string
	total, done  int64
	began, again time.Time
}

func newMeter(what string, total int64) *meter {
	return &meter{what: what, total: total, began: time.Now(), again: time.Now()}
}

func (m *meter) add(n int64) { m.at(m.done + n) }

func (m *meter) at(done int64) {
	m.done = done
	if time.Since(m.again) < 10*time.Second {
		return
	}
	m.again = time.Now()
	rate := float64(done) / time.Since(m.began).Seconds()
	fmt.Fprintf(os.Stderr, "%s: %d of %d SKUs, %.2f M/s, %.0f s left\n", m.what, done, m.total, rate/1e6, float64(m.total-done)/rate)
}

// forgetPeak lets the system count the peak of this process's memory anew.
func forgetPeak() error {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return fmt.Errorf("peak memory: %w", err)
	}
	return nil
}

// peakBytes is the most memory this process had since forgetPeak.
func peakBytes() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("peak memory: %w", err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("peak memory: %w", err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("peak memory: the system does not tell VmHWM")
}

// sizeBelow sums the bytes of the files of a folder.
func sizeBelow(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
