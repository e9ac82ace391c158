package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"

	"echelon/cdc"
	"echelon/cdc/state"
	"echelon/inputs"
	"echelon/planner"
	"echelon/publish"
	"echelon/publish/cycle"
	"echelon/publish/planfile"
)

// fedState is a state that holds a network, with one origin per table.
type fedState struct {
	*state.State
	at     map[string]int
	offset int64
}

var feedPart = cdc.Partition{Topic: "rows"}

func newFedState(ctx context.Context, dir string) (*fedState, error) {
	f := &fedState{at: map[string]int{}}
	var origins []cdc.Origin
	for i, c := range inputs.Contracts() {
		o := cdc.Origin{Name: c.Table, Source: "s", Topic: c.Table, Contract: c, Rows: true}
		for n := range c.Columns {
			o.Columns = append(o.Columns, n)
		}
		origins, f.at[c.Table] = append(origins, o), i
	}
	var err error
	f.State, err = state.Open(ctx, state.Config{Dir: dir, Tenant: feedTenant, Origins: origins, Keep: 2})
	return f, err
}

func (f *fedState) apply(table string, cells []cdc.Cell) error {
	f.offset++
	return f.Apply(feedPart, f.offset, &cdc.Change{
		Origin: f.at[table], Source: "s", Op: cdc.Upsert, Position: cdc.Position{Major: uint64(f.offset)}, Cells: cells,
	})
}

// load applies the rows of a batch.
func (f *fedState) load(b *inputs.Batch) error {
	cells := make([]cdc.Cell, len(b.Columns))
	for r := range b.Rows {
		for i := range b.Columns {
			v := &b.Columns[i]
			cells[i] = cdc.Cell{}
			switch t := b.Contract.Columns[i].Type; {
			case v.IsNull(r):
			case t.Texts():
				cells[i] = cdc.Cell{Kind: cdc.Text, Text: []byte(v.Str(r))}
			case t.Lists():
				cells[i] = cdc.Cell{Kind: cdc.List, List: v.Ints64(r)}
			default:
				cells[i] = cdc.Cell{Kind: cdc.Int, Int: v.Ints[r]}
			}
		}
		if err := f.apply(b.Contract.Table, cells); err != nil {
			return err
		}
	}
	return nil
}

// stockRows is the inventory of a network, as rows that can be sent again.
type stockRows struct {
	batches []*inputs.Batch
	onHand  int
}

// stockRow is one of them.
type stockRow struct{ batch, row int }

// choose lists the rows that are touched.
func (s *stockRows) choose(touched func(item, node string) bool) []stockRow {
	var out []stockRow
	for at, b := range s.batches {
		item, node := b.Col("item"), b.Col("node")
		for r := range b.Rows {
			if touched(item.Str(r), node.Str(r)) {
				out = append(out, stockRow{at, r})
			}
		}
	}
	return out
}

// move sends rows again, with a little more on hand.
func (s *stockRows) move(f *fedState, more int64, rows []stockRow) error {
	cells := make([]cdc.Cell, len(s.batches[0].Columns))
	for _, at := range rows {
		b, r := s.batches[at.batch], at.row
		for i := range b.Columns {
			v := &b.Columns[i]
			cells[i] = cdc.Cell{}
			switch {
			case v.IsNull(r):
			case b.Contract.Columns[i].Type.Texts():
				cells[i] = cdc.Cell{Kind: cdc.Text, Text: []byte(v.Str(r))}
			default:
				cells[i] = cdc.Cell{Kind: cdc.Int, Int: v.Ints[r]}
			}
		}
		cells[s.onHand].Int += more
		if err := f.apply("inventory", cells); err != nil {
			return err
		}
	}
	return nil
}

// feed gives a cut the form that cycles are planned from.
func feedOf(c *state.Cut) *cycle.Feed {
	out := &cycle.Feed{Source: c, Cut: map[string]string{}, Mark: c}
	for p, offset := range c.Offsets() {
		out.Cut["feed/"+p.Topic] = fmt.Sprint(offset)
	}
	out.Check = func(ctx context.Context) (cycle.Checked, error) {
		broken, err := c.Check(ctx, nil)
		return cycle.Checked{Broken: broken}, err
	}
	out.Since = func(_ context.Context, mark any) (*cycle.Moves, string, error) {
		touched, err := c.Touched(mark.(*state.Cut))
		if err != nil {
			return nil, "", err
		}
		moved, ok := touched.Values()
		if !ok {
			return nil, "more than values moved", nil
		}
		return &cycle.Moves{Moved: moved, Before: touched.Before(), After: touched.After()}, "", nil
	}
	return out
}

// shelf takes plans as a cluster does, and keeps only their manifests.
type shelf struct{ records []publish.Record }

// Check implements publish.Publisher.
func (s *shelf) Check(context.Context, publish.Need) error { return nil }

// Published implements publish.Publisher.
func (s *shelf) Published(context.Context, string) ([]publish.Record, error) { return s.records, nil }

// Recover implements publish.Publisher.
func (s *shelf) Recover(context.Context, publish.Record) (*publish.Recovered, error) {
	return nil, errors.New("nothing is recovered here")
}

// PublishDC implements publish.Publisher.
func (s *shelf) PublishDC(_ context.Context, dc *planfile.DC) (publish.Outcome, error) {
	s.records = append(s.records, publish.Record{Manifest: *dc.Manifest, PublishedAt: time.UnixMicro(0)})
	return publish.Outcome{Parts: 1, At: time.UnixMicro(1)}, nil
}

// CloseCycle implements publish.Publisher.
func (s *shelf) CloseCycle(context.Context, publish.Closing) error { return nil }

// Close implements publish.Publisher.
func (s *shelf) Close() error { return nil }

// warmCycles times cycles of a process that follows its feeds: applying what moved, the cut, the snapshot, planning
// what differs, plan files and the state; against the full cycle of the same cut, cold, from a copy of the state folder.
// The same plan must come out.
func warmCycles(ctx context.Context, s settings, report func(result)) error {
	net, err := network(s)
	if err != nil {
		return err
	}
	cfg := net.Config()
	f, err := newFedState(ctx, filepath.Join(s.dir, "checkpoints"))
	if err != nil {
		return err
	}
	stock := &stockRows{onHand: inputs.ContractOf("inventory").Index("on_hand")}
	for _, table := range net.Tables() {
		data, err := gather(ctx, net.Source(), []string{table})
		if err != nil {
			return err
		}
		for _, b := range data[table] {
			if err := f.load(b); err != nil {
				return err
			}
		}
		if table == "inventory" {
			stock.batches = data[table]
		}
	}
	if err := f.Checkpoint(ctx); err != nil { // as the service does every few minutes
		return err
	}
	w := &warmRuns{s: s, tenant: cfg.Tenant, asOf: cfg.AsOf, dir: filepath.Join(s.dir, "warm"), state: f}
	if _, _, err := w.run(ctx, "night", w.dir, &w.warm, false, f.Cut()); err != nil {
		return err
	}
	none := func(string, string) bool { return false }
	cases := []struct {
		name    string
		touched func(round int) func(item, node string) bool
		runs    int
	}{
		{"after the night's releases, nothing else touched", func(int) func(string, string) bool { return none }, 1},
		{"settling, nothing touched", func(int) func(string, string) bool { return none }, 1},
		{"1 % of the items touched", func(round int) func(string, string) bool {
			return func(item, _ string) bool { return spread(item, "")%100 == uint32(7+round) }
		}, s.runs},
		{"nothing touched", func(int) func(string, string) bool { return none }, s.runs},
		{"1 % of the SKUs touched, scattered", func(round int) func(string, string) bool {
			return func(item, node string) bool { return spread(item, node)%100 == uint32(31+round) }
		}, s.runs},
		{"nothing touched, after the scattered ones", func(int) func(string, string) bool { return none }, 1},
	}
	for _, c := range cases {
		var shares, seconds, cpu, fulls []float64
		var last *cycle.Result
		var moved int
		for round := range c.runs {
			if err := w.copy(); err != nil {
				return err
			}
			runtime.GC()
			w.asOf += 2 * 60 * 1_000_000 // no cut-off passes meanwhile
			rows := stock.choose(c.touched(round))
			moved = len(rows)
			began, used := time.Now(), cpuSeconds()
			id := fmt.Sprintf("c%d", w.asOf)
			var cut *state.Cut
			var result *cycle.Result
			var took1 took
			pprof.Do(ctx, pprof.Labels("warm", c.name), func(ctx context.Context) { // go tool pprof -tagfocus
				if err = stock.move(f, int64(round)+1, rows); err == nil {
					cut = f.Cut()
					result, took1, err = w.run(ctx, id, w.dir, &w.warm, false, cut)
				}
			})
			if err != nil {
				return err
			}
			took1.wall, took1.cpu = time.Since(began).Seconds(), cpuSeconds()-used
			runtime.GC()
			full, took2, err := w.run(ctx, id, w.dir+".cold", nil, true, cut)
			if err != nil {
				return err
			}
			if full.PlanHash != result.PlanHash || full.PlanHash == "" {
				return fmt.Errorf("%w: %s", errNetChange, c.name)
			}
			shares, seconds = append(shares, took1.cpu/took2.cpu), append(seconds, took1.wall)
			cpu, fulls = append(cpu, took1.cpu), append(fulls, took2.cpu)
			last = result
		}
		extra := map[string]float64{"full_cpu_seconds": median(fulls), "moved": float64(moved)}
		for stage, ms := range last.Timings {
			extra["ms_"+stage] = float64(ms)
		}
		text := c.name
		for i := range last.DCs {
			extra["released_units"] += float64(last.DCs[i].Units)
			extra["lines"] += float64(last.DCs[i].Lines)
			extra["written_lines"] += float64(last.DCs[i].Written)
		}
		for why, n := range last.Net.Why {
			extra["why_"+why] = float64(n)
		}
		if last.Net != nil {
			extra["rows_again"], extra["rows"] = float64(last.Net.Rows), float64(last.Net.Of)
			if last.Net.Full != "" {
				text += ", in full: " + last.Net.Full
			}
		}
		if last.Made != nil && last.Made.Full != "" {
			text += ", snapshot of all rows: " + last.Made.Full
		}
		hash, err := hex.DecodeString(last.PlanHash)
		if err != nil {
			return err
		}
		report(result{
			SKUs: s.skus, Seconds: median(seconds), CPUSeconds: median(cpu), Ratio: median(shares), RatioTo: "the full cycle, processor time",
			Extra: extra, Text: text + ", plan hash " + hex.EncodeToString(hash[:8]),
		})
	}
	return errors.Join(os.RemoveAll(w.dir), os.RemoveAll(w.dir+".cold"))
}

// spread scatters ids.
func spread(item, node string) uint32 {
	h := uint32(2166136261)
	for _, text := range [...]string{item, "/", node} {
		for i := range len(text) {
			h = (h ^ uint32(text[i])) * 16777619
		}
	}
	return h ^ h>>15
}

// warmRuns is a state folder with what its process keeps in memory.
type warmRuns struct {
	s      settings
	tenant string
	asOf   int64
	dir    string
	state  *fedState
	warm   cycle.Warm
	shelf  shelf
}

func (w *warmRuns) copy() error {
	if err := os.RemoveAll(w.dir + ".cold"); err != nil {
		return err
	}
	return os.CopyFS(w.dir+".cold", os.DirFS(w.dir))
}

func (w *warmRuns) run(ctx context.Context, id, dir string, warm *cycle.Warm, full bool, cut *state.Cut) (*cycle.Result, took, error) {
	out := &w.shelf
	if warm == nil {
		out = &shelf{records: slices.DeleteFunc(slices.Clone(w.shelf.records), func(r publish.Record) bool { return r.Cycle == id })}
	}
	began, used := time.Now(), cpuSeconds()
	r, err := cycle.Run(ctx, cycle.Config{
		Inputs: "a state", State: dir, Tenant: w.tenant, Cycle: id, AsOf: w.asOf, Policy: planner.DefaultPolicy(), PolicyHash: "default",
		Engine: "benchmark", Workers: w.s.workers, Publisher: out, Publishers: 1, Warm: warm, Full: full,
		Feed: func(context.Context) (*cycle.Feed, error) { return feedOf(cut), nil },
	})
	if err == nil && r.State != cycle.Full && r.State != cycle.Degraded {
		err = fmt.Errorf("cycle %s: %s %v", id, r.State, r.Faults)
	}
	return r, took{time.Since(began).Seconds(), cpuSeconds() - used}, err
}
