package state

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/cdc"
	"echelon/inputs"
)

// image is all that a state says of itself.
type image struct {
	Rows    map[string][]string
	Totals  map[string][]Sum
	Counts  map[cdc.Partition]inputs.Counts
	Offsets map[cdc.Partition]int64
	Sources []SourcePosition
	Fresh   map[string]int64
	Told    map[string]int64
	Floors  []rank
	Ranks   int
	Events  int
}

func imageOf(s *State) image {
	c := s.Cut()
	i := image{Rows: map[string][]string{}, Totals: map[string][]Sum{}, Counts: s.Counts(), Offsets: s.Offsets(), Sources: c.Sources(), Fresh: map[string]int64{}, Told: map[string]int64{}, Ranks: s.window.live, Events: s.days.log.live}
	for _, t := range c.tables {
		name := t.contract.Table
		i.Rows[name], i.Totals[name], i.Fresh[name] = whole(c, name), t.sums, t.at
	}
	for name, src := range s.sources {
		i.Told[name] = src.told
	}
	for n := range s.origins {
		i.Floors = append(i.Floors, s.origins[n].floor, s.origins[n].truncated)
	}
	return i
}

func diff(x, y image) string {
	return cmp.Diff(x, y, cmp.AllowUnexported(rank{}))
}

// TestKilledStateIsTheUndisturbedOne stops a state at random moments, opens its newest checkpoint and replays from
// its offsets: rows, order, totals, counts and what is remembered are those of a state that never stopped, and
// every record is counted once (S1, S4). The windows are small: some changes come too late.
func TestKilledStateIsTheUndisturbedOne(t *testing.T) {
	late := int64(0)
	for seed := range uint64(8) {
		origins := testOrigins()
		g := newScript(seed, origins)
		list := g.deliver(g.day(600), 40)
		var behind []sent // one partition is far behind
		for i := 0; i < len(list); i++ {
			if list[i].part.ID == 3 && i < len(list)-300 {
				behind = append(behind, list[i])
				list = slices.Delete(list, i, i+1)
				i--
			} else if len(behind) > 300 {
				list = slices.Insert(list, i, behind[0])
				behind = behind[1:]
			}
		}
		list = append(list, behind...)
		cfg := Config{Tenant: "t", Origins: origins, Window: 60 + int(seed)*20, Scattered: true}
		whole := open(t, cfg)
		var taken []sent // without those that would mean a restored source
		for _, x := range list {
			err := whole.Apply(x.part, x.offset, x.ch)
			if restored := new(RestoredError); errors.As(err, &restored) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			taken = append(taken, x)
		}
		want := imageOf(whole)
		for _, n := range want.Counts {
			if !n.Balanced() {
				t.Fatalf("seed %d: %+v", seed, n)
			}
			late += n.Quarantined
		}
		cfg.Dir = t.TempDir()
		s := open(t, cfg)
		s.spilled.unsynced = true
		dice := rand.New(rand.NewPCG(seed, 3))
		for kills, i := 0, 0; i < len(taken); i++ {
			x := taken[i]
			if err := s.Apply(x.part, x.offset, x.ch); err != nil {
				t.Fatal(err)
			}
			if dice.IntN(250) == 0 {
				if err := s.Checkpoint(context.Background()); err != nil {
					t.Fatal(err)
				}
			}
			if kills < 6 && dice.IntN(150) == 0 {
				kills++
				s = open(t, cfg)
				s.spilled.unsynced = true
				at := s.Offsets()
				i = slices.IndexFunc(taken, func(x sent) bool { return x.offset >= at[x.part] }) - 1
			}
		}
		got := imageOf(s)
		if d := diff(want, got); d != "" {
			t.Fatalf("seed %d: %s", seed, d)
		}
	}
	if late == 0 {
		t.Error("nothing came too late: the test shows less than it says")
	}
}

// filled is a state with a few rows in every table.
func filled(t *testing.T, cfg Config) *State {
	t.Helper()
	g := newScript(5, cfg.Origins)
	s := open(t, cfg)
	s.spilled.unsynced = true
	feed(t, s, g.deliver(g.day(900), 1<<20))
	return s
}

func checkpoint(t *testing.T, s *State) {
	t.Helper()
	if err := s.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedCheckpointsArePassedOver damages the newest checkpoint in many ways: the one before is opened, and
// what is wrong is named.
func TestDamagedCheckpointsArePassedOver(t *testing.T) {
	change := func(file string, f func([]byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			name := filepath.Join(dir, file)
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, f(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(data []byte) []byte {
		data[len(data)/2] ^= 1
		return data
	}
	cut := func(data []byte) []byte { return data[:len(data)*2/3] }
	remove := func(file string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"a bit of a table":     {change("inventory.parquet", flip), "inventory.parquet: its bytes are not"},
		"a bit of the texts":   {change("texts.parquet", flip), "texts.parquet: its bytes are not"},
		"a bit of the window":  {change("ranks.parquet", flip), "ranks.parquet: its bytes are not"},
		"a table cut short":    {change("forecasts.parquet", cut), "forecasts.parquet: it has"},
		"a table taken away":   {remove("keys.skus.parquet"), "keys.skus.parquet"},
		"the manifest's bit":   {change(manifestName, flip), "damaged"},
		"the manifest cut":     {change(manifestName, cut), "damaged"},
		"no manifest":          {remove(manifestName), "half written"},
		"another tenant":       {otherTenant, `of tenant "other"`},
		"another contract set": {otherContracts, "contract items version 2"},
		"a number that is off": {change(manifestName, func(b []byte) []byte {
			return []byte(strings.Replace(string(b), `"layout": 1`, `"layout": 2`, 1))
		}), "digest does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Tenant: "t", Origins: testOrigins(), Dir: t.TempDir()}
			s := filled(t, cfg)
			checkpoint(t, s)
			want := imageOf(s)
			if err := s.Done(cdc.Partition{Topic: "t"}, 1<<20, Filtered); err != nil {
				t.Fatal(err)
			}
			checkpoint(t, s)
			c.damage(t, filepath.Join(cfg.Dir, folderName(2)))
			got := open(t, cfg)
			if d := diff(want, imageOf(got)); d != "" {
				t.Error(d)
			}
			if passed := got.Passed(); len(passed) != 1 || !strings.Contains(passed[0].Error(), c.want) {
				t.Errorf("passed over for %v, want %q", passed, c.want)
			}
			c.damage(t, filepath.Join(cfg.Dir, folderName(1)))
			if _, err := Open(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("both damaged: %v", err)
			}
		})
	}
}

func rewrite(t *testing.T, dir string, change func(*manifest)) {
	t.Helper()
	m, err := readManifest(dir, "t")
	if err != nil {
		t.Fatal(err)
	}
	change(m)
	text, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, manifestName), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func otherTenant(t *testing.T, dir string) { rewrite(t, dir, func(m *manifest) { m.Tenant = "other" }) }

func otherContracts(t *testing.T, dir string) {
	rewrite(t, dir, func(m *manifest) { m.Contracts["items"] = 2 })
}

// TestCheckpointsKept holds that as many are kept as asked for, and that what is half written is taken away.
func TestCheckpointsKept(t *testing.T) {
	cfg := Config{Tenant: "t", Origins: testOrigins(), Dir: t.TempDir(), Keep: 2}
	s := filled(t, cfg)
	for range 4 {
		if err := os.MkdirAll(filepath.Join(cfg.Dir, "0000000000000009"+partial), 0o755); err != nil {
			t.Fatal(err)
		}
		checkpoint(t, s)
	}
	list, stale, err := numbers(cfg.Dir)
	if err != nil || !slices.Equal(list, []uint64{4, 3}) || len(stale) != 0 {
		t.Errorf("checkpoints %v, half written %v, %v", list, stale, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := s.Checkpoint(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if list, stale, _ = numbers(cfg.Dir); !slices.Equal(list, []uint64{4, 3}) || len(stale) != 0 {
		t.Errorf("after a stop: checkpoints %v, half written %v", list, stale)
	}
}
