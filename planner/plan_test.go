package planner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/fixtures/worlds"
	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/planner"
)

// loader holds partitions in memory.
type loader map[inputs.NodeIdx]*inputs.Partition

func (l loader) Partition(_ context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	if p := l[dc]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("no partition of DC %d", dc)
}

// notes is a sink that keeps rows as text, copies of the tables, and the order in which things came.
type notes struct {
	mu     sync.Mutex
	net    *inputs.Network
	rows   map[string][]string // DC and layer → rows
	tables map[inputs.NodeIdx][]*planner.Table
	last   map[inputs.NodeIdx]int32
	done   map[inputs.NodeIdx]planner.DCResult
	fault  error
}

func newNotes(n *inputs.Network) *notes {
	return &notes{
		net: n, rows: map[string][]string{}, tables: map[inputs.NodeIdx][]*planner.Table{},
		last: map[inputs.NodeIdx]int32{}, done: map[inputs.NodeIdx]planner.DCResult{},
	}
}

func (s *notes) Chunk(_ context.Context, c *planner.Chunk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		return s.fault
	}
	if was, ok := s.last[c.DC]; ok && c.Group >= 0 && c.Group <= was {
		return fmt.Errorf("group %d after %d", c.Group, was)
	}
	if c.Group >= 0 {
		s.last[c.DC] = c.Group
	}
	for id, t := range c.Tables {
		if t == nil {
			continue
		}
		key := fmt.Sprintf("%d %s", c.DC, planner.LayerOf(planner.LayerID(id)).Name)
		for r := range t.Rows {
			s.rows[key] = append(s.rows[key], strings.Join(planner.RowText(s.net, t, r), "|"))
		}
		s.tables[c.DC] = append(s.tables[c.DC], clone(t))
	}
	return nil
}

func (s *notes) Done(_ context.Context, r *planner.DCResult) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[r.DC] = *r
	return nil
}

func clone(t *planner.Table) *planner.Table {
	c := &planner.Table{Layer: t.Layer, Rows: t.Rows}
	for _, col := range t.Cols {
		c.Cols = append(c.Cols, planner.Col{
			I32: slices.Clone(col.I32), I64: slices.Clone(col.I64), U8: slices.Clone(col.U8), Str: slices.Clone(col.Str),
			Off: slices.Clone(col.Off), List: slices.Clone(col.List), Reason: slices.Clone(col.Reason),
		})
	}
	return c
}

// world builds the snapshot of a generated world.
func world(t testing.TB, seed uint64, shape worlds.Shape) (planner.Cycle, loader) {
	t.Helper()
	w := worlds.New(seed, shape)
	built, err := build.Snapshot(t.Context(), w.Data, build.Options{
		Tenant: "test", AsOf: w.AsOf, Horizon: w.Policy.HorizonDays, MissingZero: w.Policy.MissingZero,
	})
	if err != nil {
		t.Fatal(err)
	}
	l := loader{}
	for i, dc := range built.Network.DCs {
		l[dc], _ = inputs.Overlay(built.Partitions[i], built.Network, built.Network.Releases, nil, w.AsOf,
			inputs.OverlayOptions{OrderFeedNone: w.Policy.OrderFeedNone})
	}
	return planner.Cycle{Network: built.Network, Policy: w.Policy, AsOf: w.AsOf}, l
}

func plan(t testing.TB, c planner.Cycle, l planner.Loader) (*notes, *planner.Result) {
	t.Helper()
	s := newNotes(c.Network)
	r, err := planner.Plan(t.Context(), c, l, planner.NewMemExchange(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// Any number of workers gives the same rows and the same hash, and so does the careful way alone.
func TestWorkersDecideNothing(t *testing.T) {
	for shape := range worlds.NumShapes {
		for seed := range uint64(3) {
			c, l := world(t, seed, shape)
			c.Workers = 1
			want, wantResult := plan(t, c, l)
			for _, workers := range []int{2, 7} {
				c.Workers, c.Careful = workers, workers == 2
				got, gotResult := plan(t, c, l)
				if diff := cmp.Diff(want.rows, got.rows); diff != "" {
					t.Fatalf("%s %d, %d workers: %s", shape, seed, workers, diff)
				}
				if diff := cmp.Diff(wantResult, gotResult); diff != "" {
					t.Fatalf("%s %d, %d workers: %s", shape, seed, workers, diff)
				}
			}
		}
	}
}

// The hash of a DC is that of its tables put together, and any change of a row changes it.
func TestHashIsThatOfTheTables(t *testing.T) {
	c, l := world(t, 5, worlds.Levels)
	s, r := plan(t, c, l)
	changed := 0
	for i := range r.DCs {
		var whole [planner.NumLayers]*planner.Table
		for _, t := range s.tables[r.DCs[i].DC] {
			if whole[t.Layer] == nil {
				whole[t.Layer] = t
				continue
			}
			join(whole[t.Layer], t)
		}
		if got := planner.Hash(c.Network, whole[:]); got != r.DCs[i].PlanHash {
			t.Errorf("DC %d: hash of its tables %x, reported %x", r.DCs[i].DC, got, r.DCs[i].PlanHash)
		}
		for _, table := range whole {
			if table == nil || table.Layer == planner.Projections {
				continue
			}
			for col := range table.Cols {
				if v := table.Cols[col].I64; len(v) > 0 {
					v[0]++
					if planner.Hash(c.Network, whole[:]) == r.DCs[i].PlanHash {
						t.Errorf("DC %d, %s: column %d is not hashed", r.DCs[i].DC, planner.LayerOf(table.Layer).Name, col)
					}
					v[0]--
					changed++
				}
			}
		}
	}
	if changed < 50 {
		t.Errorf("only %d columns were changed", changed)
	}
	if planner.CycleHash(c.Network, r.DCs) != r.PlanHash {
		t.Error("the cycle's hash is not that of its DCs")
	}
}

// join appends a chunk's rows to those of earlier ones.
func join(t, more *planner.Table) {
	for i := range t.Cols {
		a, b := &t.Cols[i], &more.Cols[i]
		base := uint32(len(a.List))
		a.I32, a.I64, a.U8 = append(a.I32, b.I32...), append(a.I64, b.I64...), append(a.U8, b.U8...)
		a.Str, a.List, a.Reason = append(a.Str, b.Str...), append(a.List, b.List...), append(a.Reason, b.Reason...)
		for k, off := range b.Off {
			if k > 0 {
				a.Off = append(a.Off, base+off)
			}
		}
	}
	t.Rows += more.Rows
}

// What Explain says of a SKU's orders is what the plan has, at every level.
func TestExplainTellsThePlan(t *testing.T) {
	lines, sharings := 0, 0
	for _, shape := range []worlds.Shape{worlds.Mixed, worlds.Scarce, worlds.Levels, worlds.Linked} {
		c, l := world(t, 2, shape)
		c.Policy.Lines, c.Policy.Projections = planner.LinesAll, planner.ProjectionsAll
		s, _ := plan(t, c, l)
		planned := map[string][]string{} // item, node → usable day, quantity, ledger
		for _, tables := range s.tables {
			for _, table := range tables {
				if table.Layer > planner.VendorOrders {
					continue
				}
				for r := range table.Rows {
					row := planner.RowText(c.Network, table, r)
					key := row[1] + " " + row[3]
					planned[key] = append(planned[key], row[10]+" "+row[11]+" "+row[26])
				}
			}
		}
		for _, p := range l {
			for row := range p.Item {
				if p.Item[row] == inputs.None {
					continue
				}
				item, node := c.Network.Items.ID[p.Item[row]], c.Network.Nodes.ID[p.Node[row]]
				e, err := planner.Explain(t.Context(), c, l, item, node)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, o := range e.Opportunities {
					if len(o.Steps) > 0 {
						got = append(got, fmt.Sprintf("%s %d %s", o.Usable, o.Quantity, planner.LedgerText(o.Steps)))
					}
				}
				want := planned[item+" "+node]
				slices.Sort(got)
				slices.Sort(want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s: %s at %s: %s\n%s", shape, item, node, diff, e.Text())
				}
				lines += len(got)
				sharings += len(e.Sharings)
			}
		}
	}
	if lines < 500 || sharings < 20 {
		t.Errorf("only %d lines and %d sharings explained", lines, sharings)
	}
	c, l := world(t, 2, worlds.Mixed)
	if _, err := planner.Explain(t.Context(), c, l, "no", "where"); !errors.Is(err, planner.ErrUnknownSKU) {
		t.Errorf("unknown SKU: %v", err)
	}
}

// A bug in one group is an error that names DC and group, for any number of workers.
func TestPanicBecomesAnError(t *testing.T) {
	c, l := world(t, 0, worlds.Mixed)
	for dc, p := range l {
		broken := *p
		broken.LotSet = slices.Repeat([]inputs.LotSetIdx{1 << 20}, len(p.LotSet))
		l[dc] = &broken
	}
	for _, workers := range []int{1, 2} {
		c.Workers = workers
		_, err := planner.Plan(t.Context(), c, l, planner.NewMemExchange(), newNotes(c.Network), nil)
		if err == nil || !strings.Contains(err.Error(), "item group 0") || !strings.Contains(err.Error(), "internal fault") {
			t.Errorf("%d workers: %v", workers, err)
		}
	}
}

func TestFaultsOfTheSurroundingsStopThePlan(t *testing.T) {
	c, l := world(t, 1, worlds.Levels)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := planner.Plan(ctx, c, l, planner.NewMemExchange(), newNotes(c.Network), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	full := errors.New("disk full")
	s := newNotes(c.Network)
	s.fault = full
	if _, err := planner.Plan(t.Context(), c, l, planner.NewMemExchange(), s, nil); !errors.Is(err, full) {
		t.Errorf("sink: %v", err)
	}
	if _, err := planner.Plan(t.Context(), c, loader{}, planner.NewMemExchange(), newNotes(c.Network), nil); err == nil || !strings.Contains(err.Error(), "load ") {
		t.Errorf("loader: %v", err)
	}
	x := &cutting{MemExchange: planner.NewMemExchange()}
	if _, err := planner.Plan(t.Context(), c, l, x, newNotes(c.Network), nil); err == nil || x.cut == 0 {
		t.Errorf("%d blobs cut short: %v", x.cut, err)
	}
	c.Policy.HorizonDays++
	c.DCs = []inputs.NodeIdx{-7}
	if _, err := planner.Plan(t.Context(), c, l, planner.NewMemExchange(), newNotes(c.Network), nil); err == nil ||
		!strings.Contains(err.Error(), "horizon_days") || !strings.Contains(err.Error(), "wave") {
		t.Errorf("cycle: %v", err)
	}
}

// cutting is an exchange that loses the last byte of every request.
type cutting struct {
	*planner.MemExchange
	cut int
}

func (x *cutting) Get(ctx context.Context, name string) ([]byte, error) {
	blob, err := x.MemExchange.Get(ctx, name)
	if err == nil && strings.HasPrefix(name, "requests/") && !strings.HasSuffix(name, "/index") {
		x.cut++
		blob = blob[:len(blob)-1]
	}
	return blob, err
}

// Planning a group again on the same desk allocates next to nothing per SKU.
func TestGroupsAllocateNothing(t *testing.T) {
	for _, shape := range []worlds.Shape{worlds.Quiet, worlds.Sizing, worlds.Policies} {
		c, l := world(t, 3, shape)
		again, rows, err := planner.GroupAgain(t.Context(), c, l)
		if err != nil {
			t.Fatal(err)
		}
		again()
		perRow := testing.AllocsPerRun(5, again) / float64(rows)
		t.Logf("%s: %.3f allocations per SKU, %d SKUs", shape, perRow, rows)
		if perRow > 0.2 {
			t.Errorf("%s: %.2f allocations per SKU", shape, perRow)
		}
	}
}
