package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"echelon/fixtures/generate"
	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// memory is a loaded network: a planner.Loader.
type memory struct {
	net   *inputs.Network
	cfg   generate.Config
	parts map[inputs.NodeIdx]*inputs.Partition
	skus  int64
	bytes int64
}

// Partition implements planner.Loader.
func (m *memory) Partition(_ context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	p := m.parts[dc]
	if p == nil {
		return nil, fmt.Errorf("no partition of DC %d", dc)
	}
	return p, nil
}

// inMemory generates the default network as a loaded snapshot.
func inMemory(ctx context.Context, s settings) (*memory, error) {
	g, err := network(s)
	if err != nil {
		return nil, err
	}
	m := &memory{cfg: g.Config(), parts: map[inputs.NodeIdx]*inputs.Partition{}}
	if m.net, err = g.Network(ctx); err != nil {
		return nil, err
	}
	for i := range g.Partitions() {
		p, err := g.Partition(ctx, i)
		if err != nil {
			return nil, err
		}
		m.parts[p.DC] = p
		m.skus += int64(p.Live)
		m.bytes += bytesOf(p)
	}
	return m, nil
}

// count is a sink that keeps only numbers.
type count struct {
	mu    sync.Mutex
	lines [planner.NumLayers]int64
}

// Chunk implements planner.Sink.
func (c *count) Chunk(_ context.Context, ch *planner.Chunk) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, t := range ch.Tables {
		if t != nil {
			c.lines[id] += int64(t.Rows)
		}
	}
	return nil
}

// Done implements planner.Sink.
func (c *count) Done(context.Context, *planner.DCResult) error { return nil }

func (c *count) all() int64 {
	var n int64
	for _, l := range c.lines {
		n += l
	}
	return n
}

func (m *memory) cycle(s settings) planner.Cycle {
	return planner.Cycle{Network: m.net, Policy: planner.DefaultPolicy(), AsOf: m.cfg.AsOf, Workers: s.workers, Kernel: s.kernel}
}

// planNetwork times planning from the loaded snapshot to the final plan. The lines are counted and dropped;
// the plan hash is made, and what it costs is measured apart. It is the hash that `run` gives for the same network and
// policy: the default one, and with all lines beside it, once.
func planNetwork(ctx context.Context, s settings, report func(result)) error {
	m, err := inMemory(ctx, s)
	if err != nil {
		return err
	}
	bandwidth := readBandwidth(max(s.workers, 1))
	if s.lines != "all" {
		if err := planOnce(ctx, s, m, bandwidth, planner.LinesWindow, report); err != nil {
			return err
		}
	}
	if s.lines == "window" {
		return nil
	}
	if s.lines == "both" {
		s.runs = 1
	}
	return planOnce(ctx, s, m, bandwidth, planner.LinesAll, report)
}

func planOnce(ctx context.Context, s settings, m *memory, bandwidth float64, which planner.LinesMode, report func(result)) error {
	var hash string
	var lines count
	var paths *planner.Paths
	unhashed := false
	once := func() error {
		lines = count{}
		cycle := m.cycle(s)
		paths = &planner.Paths{}
		cycle.Paths, cycle.Policy.Lines, cycle.Unhashed = paths, which, unhashed
		r, err := planner.Plan(ctx, cycle, m, planner.NewMemExchange(), &lines, nil)
		if err != nil {
			return err
		}
		if !unhashed {
			hash = hex.EncodeToString(r.PlanHash[:])
		}
		return nil
	}
	spent, err := timed(ctx, s, once)
	if err != nil {
		return err
	}
	extra := map[string]float64{
		"lines_per_sku": float64(lines.all()) / float64(m.skus), "cpu_ns_per_sku": spent.cpu * 1e9 / float64(m.skus),
	}
	readShare(extra, m.bytes, spent.wall, bandwidth)
	pathsOf(paths, extra)
	for _, id := range []planner.LayerID{planner.StoreOrders, planner.DCOrders, planner.VendorOrders, planner.Projections, planner.Exceptions} {
		extra[planner.LayerOf(id).Name] = float64(lines.lines[id])
	}
	text := "lines: all, plan hash "
	if which == planner.LinesWindow {
		text = "plan hash "
		unhashed = true
		without, err := timed(ctx, s, once)
		if err != nil {
			return err
		}
		unhashed = false
		extra["cpu_ns_per_sku_without_hash"] = without.cpu * 1e9 / float64(m.skus)
		if extra["busy_cores"], err = busyCores(once); err != nil {
			return err
		}
	}
	report(result{
		SKUs: m.skus, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: perSKUCore(spent.wall, m.skus, s), BytesPerSKU: float64(m.bytes) / float64(m.skus),
		Extra: extra, Text: text + hash[:16],
	})
	return nil
}

func perSKUCore(seconds float64, skus int64, s settings) float64 {
	return seconds * 1e9 / float64(skus) * float64(max(s.workers, 1))
}

// kept is a sink that remembers chunks, so that writing them can be timed alone.
type kept struct {
	chunks []*planner.Chunk
	done   []*planner.DCResult
}

// Chunk implements planner.Sink. The planner may reuse a chunk's memory, so it is copied.
func (k *kept) Chunk(_ context.Context, c *planner.Chunk) error {
	k.chunks = append(k.chunks, copyChunk(c))
	return nil
}

// Done implements planner.Sink.
func (k *kept) Done(_ context.Context, r *planner.DCResult) error {
	copied := *r
	k.done = append(k.done, &copied)
	k.chunks = append(k.chunks, nil) // a nil chunk ends a DC
	return nil
}

// mostKept bounds the networks whose plan with all lines is kept in memory: some 3 kB a SKU.
const mostKept = 2_000_000

// writePlan times the writing of plan files, the lines being in memory already: those of the default policy, and with
// all lines beside it, once, of at most two million SKUs.
func writePlan(ctx context.Context, s settings, report func(result)) error {
	if s.lines != "all" {
		if err := writeLines(ctx, s, planner.LinesWindow, report); err != nil {
			return err
		}
	}
	if s.lines == "window" {
		return nil
	}
	if s.lines == "both" {
		s.runs = 1
	}
	s.skus = min(s.skus, mostKept)
	return writeLines(ctx, s, planner.LinesAll, report)
}

func writeLines(ctx context.Context, s settings, which planner.LinesMode, report func(result)) error {
	m, err := inMemory(ctx, s)
	if err != nil {
		return err
	}
	bandwidth := readBandwidth(1)
	var k kept
	one := s
	one.workers = 1 // one DC after another: chunks of different DCs do not interleave
	cycle := m.cycle(one)
	cycle.Policy.Lines = which
	if _, err := planner.Plan(ctx, cycle, m, planner.NewMemExchange(), &k, nil); err != nil {
		return err
	}
	m.parts = nil // the lines are what is written
	var lines, bytes, columns int64
	for _, c := range k.chunks {
		if c != nil {
			columns += deepSize(reflect.ValueOf(c))
		}
	}
	run := 0
	spent, err := timed(ctx, s, func() error {
		run++
		dir := filepath.Join(s.dir, fmt.Sprintf("write-%d", run))
		lines, bytes, err = write(ctx, dir, m, &k)
		return errors.Join(err, os.RemoveAll(dir))
	})
	if err != nil {
		return err
	}
	extra := map[string]float64{
		"lines": float64(lines), "lines_per_sku": float64(lines) / float64(m.skus), "cpu_ns_per_sku": spent.cpu * 1e9 / float64(m.skus),
		"ns_per_line": spent.wall * 1e9 / float64(lines), "bytes_per_line": float64(bytes) / float64(lines), "column_bytes_per_line": float64(columns) / float64(lines),
	}
	readShare(extra, columns, spent.wall, bandwidth)
	text := "lines: all"
	if which == planner.LinesWindow {
		text = "default lines"
	}
	report(result{
		SKUs: m.skus, Seconds: spent.wall, CPUSeconds: spent.cpu, NsPerSKUCore: perSKUCore(spent.wall, m.skus, one), BytesPerSKU: float64(bytes) / float64(m.skus),
		Extra: extra, Text: text,
	})
	return nil
}

// facts gives every DC a day and a half of grace.
func (m *memory) facts(string) planfile.DCFacts {
	return planfile.DCFacts{GraceUntil: m.cfg.AsOf + int64(36*time.Hour/time.Microsecond)}
}

// write gives the kept chunks to a plan file writer.
func write(ctx context.Context, dir string, m *memory, k *kept) (lines, bytes int64, err error) {
	w := planfile.NewWriter(planfile.Options{
		State: dir, Network: m.net, Engine: "benchmark", Tenant: m.cfg.Tenant, Cycle: "bench", AsOf: m.cfg.AsOf,
		Facts: m.facts,
		Done: func(_ context.Context, _ string, pm *planfile.Manifest, _ *planner.DCResult) error {
			lines += pm.Lines()
			for _, l := range pm.Layers {
				bytes += l.Bytes
			}
			return nil
		},
	})
	done := 0
	for _, c := range k.chunks {
		if c == nil {
			err = w.Done(ctx, k.done[done])
			done++
		} else {
			err = w.Chunk(ctx, c)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return lines, bytes, nil
}

// planned marks a folder whose plan files are whole.
const planned = "planned"

// planFiles plans the network once and writes its plan files below dir. Those of an earlier run with that --dir are taken.
func planFiles(ctx context.Context, s settings, dir string) ([]*planfile.DC, error) {
	var dcs []*planfile.DC
	add := func(dir string) error {
		dc, err := planfile.Open(dir)
		dcs = append(dcs, dc)
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, planned)); err == nil {
		names, err := filepath.Glob(filepath.Join(dir, "plans", "*", "*", "dc=*"))
		for _, name := range names {
			err = errors.Join(err, add(name))
		}
		return dcs, err
	}
	m, err := inMemory(ctx, s)
	if err != nil {
		return nil, err
	}
	w := planfile.NewWriter(planfile.Options{
		State: dir, Network: m.net, Engine: "benchmark", Tenant: m.cfg.Tenant, Cycle: "bench", AsOf: m.cfg.AsOf,
		Facts: m.facts,
		Done: func(_ context.Context, dir string, _ *planfile.Manifest, _ *planner.DCResult) error {
			return add(dir)
		},
	})
	if _, err = planner.Plan(ctx, m.cycle(s), m, planner.NewMemExchange(), w, nil); err != nil {
		return nil, err
	}
	return dcs, os.WriteFile(filepath.Join(dir, planned), nil, 0o644)
}
