package cycle

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/fixtures/worlds"
	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/store"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// fedWorld is a world whose stock moves from cut to cut, as feeds tell of it.
type fedWorld struct {
	t     *testing.T
	world *worlds.World
	was   worlds.Tables
	moved []int // rows of inventory
	cut   int
	asOf  int64
}

// move gives some rows other stock.
func (f *fedWorld) move(r *rand.Rand, rows int) {
	f.cut++
	f.asOf += 60_000_000
	f.was = f.world.Tables
	now := worlds.Tables{}
	for name, list := range f.was {
		now[name] = list
	}
	now["inventory"], f.moved = nil, nil
	for _, row := range f.was["inventory"] {
		c := worlds.Row{}
		for k, v := range row {
			c[k] = v
		}
		now["inventory"] = append(now["inventory"], c)
	}
	for range min(rows, len(now["inventory"])) {
		at := r.IntN(len(now["inventory"]))
		have, _ := strconv.Atoi(now["inventory"][at]["on_hand"])
		now["inventory"][at]["on_hand"] = strconv.Itoa(have + 1 + r.IntN(9))
		if !slices.Contains(f.moved, at) {
			f.moved = append(f.moved, at)
		}
	}
	f.world = f.world.With(now)
}

// feed is the cut as a cycle takes it.
func (f *fedWorld) feed() *Feed {
	at := f.cut
	return &Feed{
		Source: f.world.Data, Cut: map[string]string{"feed/rows": fmt.Sprint(at)}, Mark: at,
		Since: func(_ context.Context, mark any) (*Moves, string, error) {
			if mark.(int) != at-1 {
				return nil, "another cut", nil
			}
			m := &Moves{}
			sides := [2]inputs.Dataset{{}, {}}
			for side, rows := range [2][]worlds.Row{f.was["inventory"], f.world.Tables["inventory"]} {
				b := inputs.NewBuilder("inventory")
				for _, i := range f.moved {
					if err := b.Append(rows[i]); err != nil {
						return nil, "", err
					}
				}
				sides[side]["inventory"] = []*inputs.Batch{b.Batch()}
			}
			for _, i := range f.moved {
				row := f.was["inventory"][i]
				m.Inventory = append(m.Inventory, build.SKU{Item: row["item"], Node: row["node"]})
			}
			m.Before, m.After = sides[0], sides[1]
			return m, "", nil
		},
	}
}

func (f *fedWorld) config(dir string, p *shelf) Config {
	c := Config{
		Inputs: "feeds", State: dir, Tenant: "acme", Cycle: fmt.Sprintf("c%02d", f.cut), AsOf: f.asOf, Policy: f.world.Policy, PolicyHash: "p1",
		Engine: "test", Workers: 2, Publisher: p, Publishers: 1, Unconfirmed: true,
		Feed: func(context.Context) (*Feed, error) { return f.feed(), nil },
	}
	c.Net.FullAbove = 1001
	return c
}

// snapshotOf reads the snapshot of a cycle.
func (f *fedWorld) snapshotOf(dir, id string) (*store.Snapshot, []*inputs.Partition) {
	f.t.Helper()
	st, err := state.Open(f.t.Context(), dir)
	if err != nil {
		f.t.Fatal(err)
	}
	defer st.Close()
	c, err := st.Find(f.t.Context(), "acme", id)
	if err != nil || c == nil {
		f.t.Fatal(err)
	}
	snap, err := SnapshotOf(f.t.Context(), st, c)
	if err != nil || snap == nil {
		f.t.Fatalf("snapshot of %s: %v", id, err)
	}
	var parts []*inputs.Partition
	for _, dc := range snap.Network.DCs {
		p, err := snap.Partition(f.t.Context(), dc)
		if err != nil {
			f.t.Fatal(err)
		}
		parts = append(parts, p)
	}
	return snap, parts
}

// TestWarmCyclesAreCold: cycles of one process, each a net change of the one before with its snapshot, records and lines
// in memory, plan what cold and full ones do, line by line, and leave the same snapshots, also where the folders of
// earlier ones are gone and what is on disk is only what differs.
func TestWarmCyclesAreCold(t *testing.T) {
	over, nets, on := 0, 0, 0
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 5))
		w := worlds.New(700+seed, []worlds.Shape{worlds.Mixed, worlds.Levels}[seed%2])
		f := &fedWorld{t: t, world: w, asOf: w.AsOf}
		warmDir, coldDir := t.TempDir(), t.TempDir()
		warm, warmShelf, coldShelf := &Warm{}, newShelf(), newShelf()
		last := ""
		for step := range 6 {
			if step > 0 {
				f.move(r, []int{0, 0, 1, 3, 8, 0}[step])
			}
			c := f.config(warmDir, warmShelf)
			c.Warm = warm
			got := must(t, c)
			cold := f.config(coldDir, coldShelf)
			cold.Full = true
			want := must(t, cold)
			if got.PlanHash != want.PlanHash {
				t.Fatalf("seed %d, step %d: plan %.12s, cold %.12s", seed, step, got.PlanHash, want.PlanHash)
			}
			if d := cmp.Diff(lines(t, coldDir, want), lines(t, warmDir, got)); d != "" {
				t.Fatalf("seed %d, step %d: %.1500s", seed, step, d)
			}
			snap, parts := f.snapshotOf(warmDir, got.Cycle)
			full, wants := f.snapshotOf(coldDir, want.Cycle)
			if !reflect.DeepEqual(snap.Network, full.Network) || cmp.Diff(wants, parts) != "" {
				t.Fatalf("seed %d, step %d: another snapshot: %s", seed, step, cmp.Diff(wants, parts))
			}
			if snap.Manifest.Layout == store.OverVersion {
				over++
			}
			if got.Net != nil && got.Net.Base != "" && got.Net.Rows < got.Net.Of {
				nets++
			}
			if dirs, err := filepath.Glob(filepath.Join(warmDir, "snapshots", "tenant=acme", "*")); err != nil {
				t.Fatal(err)
			} else {
				for _, dir := range dirs {
					if last != "" && dir == last {
						if err := os.RemoveAll(dir); err != nil {
							t.Fatal(err)
						}
					}
				}
				last = newest(t, dirs, got.AsOf)
			}
		}
		// another process goes on from what is on disk
		f.move(r, 4)
		cold := f.config(coldDir, coldShelf)
		cold.Full = true
		got, want := must(t, f.config(warmDir, warmShelf)), must(t, cold)
		if d := cmp.Diff(lines(t, coldDir, want), lines(t, warmDir, got)); d != "" || got.PlanHash != want.PlanHash {
			t.Fatalf("seed %d, gone on: plan %.12s, cold %.12s: %.1500s", seed, got.PlanHash, want.PlanHash, d)
		}
		if got.Net != nil && got.Net.Base != "" && got.Net.Rows < got.Net.Of {
			on++
		}
	}
	if on == 0 {
		t.Error("no cold cycle was a net change of a warm one's")
	}
	if over < 6 || nets < 6 {
		t.Errorf("%d snapshots of what differs, %d net changes: the test shows little", over, nets)
	}
}

// newest is the folder of the snapshot with an as-of.
func newest(t *testing.T, dirs []string, asOf string) string {
	t.Helper()
	for _, dir := range dirs {
		if snap, err := store.Open(dir, "acme"); err == nil && instant(snap.Manifest.AsOf) == asOf {
			return dir
		}
	}
	t.Fatalf("no snapshot of %s", asOf)
	return ""
}

// TestWarmCycleNoticesDamage: digests of plan files are checked once in a process, and again when a file was written to.
func TestWarmCycleNoticesDamage(t *testing.T) {
	w := worlds.New(701, worlds.Mixed)
	f := &fedWorld{t: t, world: w, asOf: w.AsOf}
	dir, warm, out := t.TempDir(), &Warm{}, newShelf()
	var got *Result
	for range 4 { // the last ones lie over each other
		c := f.config(dir, out)
		c.Warm = warm
		got = must(t, c)
		f.move(rand.New(rand.NewPCG(1, 2)), 0)
	}
	if got.Net == nil || got.Net.Base == "" {
		t.Fatalf("%+v", got.Net)
	}
	dc := got.DCs[slices.IndexFunc(got.DCs, func(d DCResult) bool { return d.Base != "" })].DC
	name := filepath.Join(planfile.Dir(dir, "acme", got.Cycle, dc), "net.bin")
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	flip(t, name)
	later := info.ModTime().Add(1) // a clock of files may stand still for a while
	if err := os.Chtimes(name, later, later); err != nil {
		t.Fatal(err)
	}
	c := f.config(dir, out)
	c.Warm = warm
	r := must(t, c)
	if !slices.ContainsFunc(r.Faults, func(x Fault) bool { return x.Kind == "plan_files_corrupt" }) {
		t.Errorf("nothing is said of damaged plan files: %+v", r.Faults)
	}
	if i := slices.IndexFunc(r.DCs, func(d DCResult) bool { return d.DC == dc }); r.DCs[i].Base != "" {
		t.Errorf("%+v lies over damaged files", r.DCs[i])
	}
}

// TestWarmCycleReadsLostStateBack: what a process remembers of earlier cycles does not stand for the state folder. One that
// is lost between two cycles is read back from the topics, and the next cycle releases what it would have released.
func TestWarmCycleReadsLostStateBack(t *testing.T) {
	released := func(lose bool) (counts []int64, last *Result) {
		w := worlds.New(701, worlds.Mixed)
		f := &fedWorld{t: t, world: w, asOf: w.AsOf}
		dir, warm, s, r := t.TempDir(), &Warm{}, newShelf(), rand.New(rand.NewPCG(1, 5))
		for step := range 4 {
			if step > 0 {
				f.move(r, 0)
			}
			if lose && step == 3 {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			}
			c := f.config(dir, s)
			c.Warm = warm
			last = must(t, c)
			counts = append(counts, int64(s.released(t, last.Cycle)))
		}
		return counts, last
	}
	want, kept := released(false)
	got, rebuilt := released(true)
	if want[0] <= want[3] {
		t.Fatalf("released %v: the test shows nothing", want)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("releases by cycle, with the state and without: %s", d)
	}
	if rebuilt.PlanHash != kept.PlanHash {
		t.Errorf("plan %.12s, with the state %.12s", rebuilt.PlanHash, kept.PlanHash)
	}
	if !slices.ContainsFunc(rebuilt.Faults, func(x Fault) bool { return x.Kind == "state_rebuilt" }) {
		t.Errorf("nobody is told that the state was rebuilt: %v", rebuilt.Faults)
	}
}
