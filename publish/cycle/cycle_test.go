package cycle

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"echelon/publish"
	"echelon/publish/disk"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

func TestOneCycle(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	r := must(t, config(in, state, s, night))
	if r.State != Full || r.ExitCode != 0 || r.Cycle != "20261123T020000Z" || states(r) != "D1 full, D2 full" {
		t.Errorf("%s %d %s %s", r.State, r.ExitCode, r.Cycle, states(r))
	}
	if r.Coverage.SKUs != 18 || r.Coverage.Planned != 18 || r.Inputs["skus"].Applied != 18 || len(r.PlanHash) != 64 {
		t.Errorf("%+v %+v", r.Coverage, r.Inputs["skus"])
	}
	// every store orders every item today: 3 in stock, 2 a day, safety stock 4
	if got := s.released(t, r.Cycle); got != 12 {
		t.Errorf("%d releases", got)
	}
	for _, d := range r.DCs {
		if d.Published["acme.plan.store-orders.v1"] == 0 || d.Lines == 0 || d.Units == 0 {
			t.Errorf("%+v", d)
		}
		files, err := planfile.Open(filepath.Join(state, d.Files))
		if err != nil || files.Verify(context.Background()) != nil || files.Manifest.PlanHash != d.PlanHash {
			t.Errorf("%s: %v", d.Files, err)
		}
	}
	if len(s.closed) != 1 || s.closed[0].State != Full || s.closed[0].PlanHash != r.PlanHash || len(s.closed[0].DCs) != 2 {
		t.Errorf("%+v", s.closed)
	}
}

func TestTwiceIsOnce(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	first := must(t, config(in, state, s, night))
	again := must(t, config(in, state, s, night))
	if !again.Already || again.ExitCode != 0 || again.PlanHash != first.PlanHash || s.calls != 2 {
		t.Errorf("already %v, code %d, %d calls", again.Already, again.ExitCode, s.calls)
	}
	// by its id alone it takes the as-of that stands
	c := config(in, state, s, night)
	c.AsOf, c.Cycle = 0, first.Cycle
	if r := must(t, c); !r.Already || r.AsOf != first.AsOf {
		t.Errorf("%+v", r)
	}
}

func TestRepeatedWithOtherFactsIsRefused(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	first := must(t, config(in, state, s, night))
	for what, change := range map[string]func(*Config){
		"as-of":  func(c *Config) { c.AsOf += 1e6 },
		"policy": func(c *Config) { c.PolicyHash = "p2" },
		"DCs":    func(c *Config) { c.DCs = []string{"D1"} },
		"inputs": func(c *Config) {
			c.Inputs = tables(t, map[string]func(string) string{"inventory": func(s string) string { return s + "i1,S1,9\n" }})
		},
	} {
		c := config(in, state, s, night)
		c.Cycle = first.Cycle
		change(&c)
		r := fails(t, c, outcome.CodeUsage, "cycle_differs")
		if !strings.Contains(r.Faults[len(r.Faults)-1].Hint, what) {
			t.Errorf("%s: %+v", what, r.Faults)
		}
	}
}

// TestSecondCycleReleasesOnlyWhatIsNew: the order system has not answered yet; the first cycle's releases
// count, and the second orders nothing twice.
func TestSecondCycleReleasesOnlyWhatIsNew(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	must(t, config(in, state, s, night))
	r := must(t, config(in, state, s, night.Add(2*time.Hour)))
	if got := s.released(t, r.Cycle); got != 0 {
		t.Errorf("%d releases again", got)
	}
	if diff := cmp.Diff(map[string][]string{"D1": {"20261123T020000Z"}, "D2": {"20261123T020000Z"}}, r.Cut.Releases); diff != "" {
		t.Error(diff)
	}
	// but a cycle that replaces the first starts without them
	c := config(in, state, s, night.Add(3*time.Hour))
	c.Replaces = "20261123T020000Z"
	if got := s.released(t, must(t, c).Cycle); got != 12 {
		t.Errorf("%d releases instead of the replaced ones", got)
	}
}

func TestBrokerAwayAtTheStart(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	s.away = true
	r := fails(t, config(in, state, s, night), outcome.CodeUnavailable, "broker_away")
	files := planfile.Dir(state, "acme", r.Cycle, "D1")
	before, err := os.ReadFile(filepath.Join(files, planfile.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	s.away = false
	planned := false
	c := config(in, state, s, night)
	c.On = func(e Event) { planned = planned || e.Stage == "plan" && e.Unit == "skus" }
	again := must(t, c)
	after, err := os.ReadFile(filepath.Join(files, planfile.ManifestName))
	if err != nil || string(before) != string(after) || planned || again.PlanHash != r.PlanHash {
		t.Errorf("planned again %v, %v", planned, err)
	}
	if got := s.released(t, r.Cycle); got != 12 {
		t.Errorf("%d releases", got)
	}
}

// TestBrokerAwayWhilePublishing: one DC is out, the other is not; planning is not disturbed.
func TestBrokerAwayWhilePublishing(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	s.fail = func(dc string) error {
		if dc == "D2" {
			return outcome.New(outcome.CodeAgain, "broker_away", "b", "", "timed out")
		}
		return nil
	}
	c := config(in, state, s, night)
	c.Publishers = 1
	fails(t, c, outcome.CodeAgain, "broker_away")
	for _, dc := range []string{"D1", "D2"} {
		if _, err := planfile.Open(planfile.Dir(state, "acme", "20261123T020000Z", dc)); err != nil {
			t.Error(err)
		}
	}
	s.fail = nil
	r := must(t, config(in, state, s, night))
	if s.released(t, r.Cycle) != 12 || s.calls != 2 || r.State != Full {
		t.Errorf("%d calls, %s", s.calls, r.State)
	}
}

func TestAnswerOfTheCommitLost(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	s.after = func(string) error { return outcome.New(outcome.CodeAgain, "broker_away", "b", "", "connection reset") }
	fails(t, config(in, state, s, night), outcome.CodeAgain, "")
	s.after = nil
	r := must(t, config(in, state, s, night))
	if s.released(t, r.Cycle) != 12 || r.State != Full || states(r) != "D1 full, D2 full" {
		t.Errorf("%s", states(r))
	}
}

// TestLaterCycleSupersedes: the first night was planned and never published, the second did not count it.
func TestLaterCycleSupersedes(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	s.away = true
	old := fails(t, config(in, state, s, night), outcome.CodeUnavailable, "")
	s.away = false
	r := must(t, config(in, state, s, night.Add(24*time.Hour)))
	if s.released(t, r.Cycle) == 0 || s.released(t, old.Cycle) != 0 {
		t.Errorf("%v", s.lines)
	}
	if len(s.closed) != 2 || s.closed[1].Cycle != old.Cycle || s.closed[1].State != Superseded {
		t.Errorf("%+v", s.closed)
	}
	late := must(t, config(in, state, s, night))
	if late.State != Superseded || s.released(t, old.Cycle) != 0 {
		t.Errorf("published late: %s", late.State)
	}
	c := config(in, state, s, night)
	c.Strict = true
	if late := must(t, c); late.ExitCode != outcome.CodeCarried {
		t.Errorf("strict: %d", late.ExitCode)
	}
	// so is one that begins after a later one was planned
	older := must(t, config(in, state, s, night.Add(-24*time.Hour)))
	if older.State != Superseded || s.released(t, older.Cycle) != 0 {
		t.Errorf("%s", older.State)
	}
}

func TestStateLostIsReadBack(t *testing.T) {
	s, in := newShelf(), tables(t, nil)
	must(t, config(in, t.TempDir(), s, night))
	empty := t.TempDir()
	r := must(t, config(in, empty, s, night.Add(2*time.Hour)))
	if got := s.released(t, r.Cycle); got != 0 {
		t.Errorf("%d releases again", got)
	}
	// a third cycle in the same state folder still knows them
	r = must(t, config(in, empty, s, night.Add(4*time.Hour)))
	if got := s.released(t, r.Cycle); got != 0 {
		t.Errorf("%d releases again", got)
	}
	s.broken = true
	fails(t, config(in, t.TempDir(), s, night.Add(6*time.Hour)), outcome.CodeAgain, "releases_unreadable")
	s.broken = false
	// the same cycle from an empty state: planned again to the same hash, published once
	again := must(t, config(in, t.TempDir(), s, night))
	if s.released(t, again.Cycle) != 12 {
		t.Errorf("%v", s.lines)
	}
}

// TestPlannedBlind: the state was lost and the topics could not be read; what was planned then must not go
// out once they can.
func TestPlannedBlind(t *testing.T) {
	s, in := newShelf(), tables(t, nil)
	must(t, config(in, t.TempDir(), s, night))
	empty := t.TempDir()
	s.away = true
	second := night.Add(2 * time.Hour)
	fails(t, config(in, empty, s, second), outcome.CodeUnavailable, "")
	s.away = false
	r := must(t, config(in, empty, s, second))
	if got := s.released(t, r.Cycle); got != 0 {
		t.Errorf("%d releases again", got)
	}
	if len(r.Faults) == 0 {
		t.Error("nobody is told that it was planned again")
	}
}

func TestWithoutPublisher(t *testing.T) {
	in, state := tables(t, nil), t.TempDir()
	r := must(t, config(in, state, nil, night))
	if r.State != Full || len(r.DCs[0].Published) != 0 {
		t.Errorf("%+v", r.DCs)
	}
	if again := must(t, config(in, state, nil, night)); !again.Already {
		t.Error("planned again")
	}
	s := newShelf()
	if out := must(t, config(in, state, s, night)); out.PlanHash != r.PlanHash || s.released(t, r.Cycle) != 12 {
		t.Errorf("%v", s.lines)
	}
}

// TestPlannedWithoutTopics: planned with no publisher in an empty state folder, while another one had
// published; nothing of it goes out before it is compared.
func TestPlannedWithoutTopics(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	must(t, config(in, t.TempDir(), s, night))
	second := night.Add(2 * time.Hour)
	blind := must(t, config(in, state, nil, second))
	r := must(t, config(in, state, s, second))
	if got := s.released(t, r.Cycle); got != 0 || r.PlanHash == blind.PlanHash {
		t.Errorf("%d releases again", got)
	}
}

// TestReadySnapshot: a snapshot made elsewhere plans as the tables that it came from do.
func TestReadySnapshot(t *testing.T) {
	state := t.TempDir()
	want := must(t, config(tables(t, nil), state, nil, night))
	found, err := filepath.Glob(filepath.Join(state, "snapshots", "tenant=acme", "*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	c := config(found[0], t.TempDir(), newShelf(), night)
	c.AsOf = 0
	got := must(t, c)
	if got.PlanHash != want.PlanHash || got.AsOf != want.AsOf || got.Inputs["skus"].Applied != 18 {
		t.Errorf("%s %s %+v", got.PlanHash, got.AsOf, got.Inputs["skus"])
	}
	fails(t, config(found[0], t.TempDir(), nil, night.Add(24*time.Hour)), outcome.CodeUsage, "as_of_differs")
	longer := config(found[0], t.TempDir(), nil, night)
	longer.Policy.HorizonDays = 35
	fails(t, longer, outcome.CodeUsage, "horizon_differs")
	other := config(found[0], t.TempDir(), nil, night)
	other.Tenant = "umbrella"
	fails(t, other, outcome.CodeRefused, "other_tenant")
	name := filepath.Join(found[0], "dc-D1.parquet")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 4
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, config(found[0], t.TempDir(), nil, night), outcome.CodeRefused, "digest_mismatch")
}

// TestOwnSnapshotDamaged: a snapshot of the state folder is only a copy; the run after it builds it again.
func TestOwnSnapshotDamaged(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	s.away = true
	want := fails(t, config(in, state, s, night), outcome.CodeUnavailable, "").PlanHash
	s.away = false
	found, err := filepath.Glob(filepath.Join(state, "snapshots", "tenant=acme", "*", "dc-D1.parquet"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := errors.Join(os.Truncate(found[0], 100), os.RemoveAll(planfile.Dir(state, "acme", "20261123T020000Z", "D1"))); err != nil {
		t.Fatal(err)
	}
	fails(t, config(in, state, s, night), outcome.CodeAgain, "snapshot_damaged")
	if r := must(t, config(in, state, s, night)); r.PlanHash != want || s.released(t, r.Cycle) != 12 {
		t.Errorf("%s", r.PlanHash)
	}
}

func TestWave(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	c := config(in, state, s, night)
	c.DCs = []string{"D2"}
	r := must(t, c)
	if states(r) != "D2 full" || s.released(t, r.Cycle) != 6 {
		t.Errorf("%s, %d", states(r), s.released(t, r.Cycle))
	}
	c.DCs, c.Cycle = []string{"D9"}, "other"
	fails(t, c, outcome.CodeUsage, "unknown_dc")
	rest := config(in, state, s, night.Add(time.Hour))
	rest.DCs = []string{"D1"}
	both := must(t, config(in, t.TempDir(), nil, night))
	if r2 := must(t, rest); r2.DCs[0].Lines != both.DCs[0].Lines {
		t.Errorf("D1 alone: %+v", r2.DCs)
	}
	if r.DCs[0].PlanHash != both.DCs[1].PlanHash {
		t.Error("a wave plans D2 differently")
	}
}

// TestWaveBelowAParent: D1 orders from N1. A cycle of N1 alone asks D1 for its orders, and what D1 was
// promised the night before counts there though D1 is outside the wave.
func TestWaveBelowAParent(t *testing.T) {
	twoLevels := map[string]func(string) string{
		"nodes": func(s string) string { return s + "N1,dc,UTC\n" },
		"lanes": func(s string) string {
			return strings.Replace(s, "V-D1,V1,D1,1,0,3", "N1-D1,N1,D1,1,0,2", 1) + "V-N1,V1,N1,1,0,3\n"
		},
		"skus": func(s string) string { return s + "i1,N1,net,4\ni2,N1,net,4\ni3,N1,net,4\n" },
		"inventory": func(s string) string {
			return strings.ReplaceAll(s, ",D1,500", ",D1,0") + "i1,N1,900\ni2,N1,900\ni3,N1,900\n"
		},
	}
	s, in, state := newShelf(), tables(t, twoLevels), t.TempDir()
	first := must(t, config(in, state, s, night))
	moved := 0
	for id := range s.lines {
		if strings.HasPrefix(id, first.Cycle+"/N1/dc-orders/") {
			moved++
		}
	}
	if moved != 3 {
		t.Fatalf("%d transfers: %v", moved, s.lines)
	}
	c := config(in, state, s, night.Add(2*time.Hour))
	c.DCs = []string{"N1"}
	r := must(t, c)
	if got := s.released(t, r.Cycle); got != 0 || states(r) != "N1 full" {
		t.Errorf("%d releases again, %s: %v", got, states(r), s.lines)
	}
	if diff := cmp.Diff([]string{first.Cycle}, r.Cut.Releases["D1"]); diff != "" {
		t.Error(diff)
	}
	// a run that died between the two levels goes on to the same plan
	want := must(t, config(in, t.TempDir(), nil, night)).PlanHash
	for _, dc := range []string{"N1", "D1"} {
		half := t.TempDir()
		must(t, config(in, half, nil, night))
		if err := os.RemoveAll(planfile.Dir(half, "acme", first.Cycle, dc)); err != nil {
			t.Fatal(err)
		}
		if r := must(t, config(in, half, newShelf(), night)); r.PlanHash != want {
			t.Errorf("without the files of %s: another plan", dc)
		}
	}
}

func TestGates(t *testing.T) {
	s, state := newShelf(), t.TempDir()
	must(t, config(tables(t, nil), state, s, night))
	half := func(text string) string {
		lines := strings.SplitAfter(text, "\n")
		return strings.Join(lines[:len(lines)/2], "")
	}
	next := night.Add(24 * time.Hour)
	for name, c := range map[string]struct {
		table string
		f     func(string) string
		kind  string
	}{
		"missing": {"inventory", func(string) string { return "" }, ""},
		"empty":   {"forecasts", func(s string) string { return s[:strings.Index(s, "\n")+1] }, ""},
		"halved":  {"inventory", half, "inputs_refused"},
		"dirty":   {"inventory", func(s string) string { return strings.Replace(s, ",3\n", ",1e3\n", 3) }, "inputs_refused"},
	} {
		in := tables(t, map[string]func(string) string{c.table: c.f})
		r := fails(t, config(in, state, s, next), outcome.CodeRefused, c.kind)
		if r.State != Refused {
			t.Errorf("%s: %s", name, r.State)
		}
	}
	// the last good plan stays, and the corrected inputs may use the id
	if r := must(t, config(tables(t, nil), state, s, next)); r.State != Full {
		t.Errorf("%s", r.State)
	}
}

func TestQuarantineFile(t *testing.T) {
	state := t.TempDir()
	in := tables(t, map[string]func(string) string{"forecasts": func(s string) string { return s + "i1,S1,2026-13-01,1\n" }})
	c := config(in, state, nil, night)
	c.Gates = []Gate{{Table: "forecasts", Measure: "quarantined", Degrade: 0, Refuse: 500}}
	r := must(t, c)
	if r.State != Degraded || r.Inputs["forecasts"].Quarantined != 1 || r.Inputs["forecasts"].Applied != 12 {
		t.Errorf("%s %+v", r.State, r.Inputs["forecasts"])
	}
	raw, err := os.ReadFile(filepath.Join(state, "quarantine", "tenant=acme", "cycle="+r.Cycle+".jsonl"))
	if err != nil || !strings.Contains(string(raw), `"column":"from"`) || !strings.Contains(string(raw), "2026-13-01") {
		t.Errorf("%s %v", raw, err)
	}
}

func TestDeadline(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	c := config(in, state, s, night)
	c.Deadline = night
	r := fails(t, c, outcome.CodeMissed, "window_missed")
	if r.State != CarriedForward || s.calls != 0 || states(r) != "D1 carried-forward, D2 carried-forward" {
		t.Errorf("%s %s", r.State, states(r))
	}
	// with time enough nothing is left behind
	c = config(in, state, s, night.Add(time.Hour))
	c.Deadline = night.Add(100 * time.Hour)
	if r := must(t, c); r.State != Full {
		t.Errorf("%s", r.State)
	}
}

// TestDeadlineInBetween: the first DC is out when the time is up, the second is carried forward and named.
func TestDeadlineInBetween(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	c := config(in, state, s, night)
	c.Publishers = 1
	c.Deadline = night.Add(time.Hour)
	c.Now = func() time.Time {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls > 0 {
			return night.Add(2 * time.Hour)
		}
		return night
	}
	r := must(t, c)
	if s.calls != 1 || r.State != Degraded || !strings.Contains(states(r), "carried-forward") {
		t.Errorf("%d calls, %s: %s", s.calls, r.State, states(r))
	}
}

func TestInterrupted(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	for _, cause := range []error{nil, outcome.Terminated} {
		ctx, cancel := context.WithCancelCause(context.Background())
		c := config(in, state, s, night)
		c.At = func(stage string) {
			if stage == "after-account" {
				cancel(cause)
			}
		}
		r, err := Run(ctx, c)
		want := outcome.CodeInterrupted
		if cause != nil {
			want = outcome.CodeTerminated
		}
		if err == nil || r.ExitCode != want || s.calls != 0 {
			t.Errorf("%d: %v", r.ExitCode, err)
		}
		left, err := filepath.Glob(filepath.Join(planfile.CycleDir(state, "acme", r.Cycle), ".dc=*"))
		if err != nil || len(left) != 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
	if r := must(t, config(in, state, s, night)); r.State != Full || s.released(t, r.Cycle) != 12 {
		t.Errorf("%s", r.State)
	}
}

// full is a file system without room.
type full struct{ disk.OS }

func (full) Free(string) (int64, error) { return 1000, nil }

func TestDiskFullIsSaidBefore(t *testing.T) {
	state := t.TempDir()
	c := config(tables(t, nil), state, newShelf(), night)
	c.FS = full{}
	r := fails(t, c, outcome.CodeAgain, "disk_full")
	if hint := r.Faults[len(r.Faults)-1].Hint; !strings.Contains(hint, "needs up to") || !strings.Contains(hint, "1000 are free") {
		t.Errorf("%s", hint)
	}
	if left, err := os.ReadDir(filepath.Join(state, "snapshots")); err == nil && len(left) > 0 {
		t.Errorf("written all the same: %v", left)
	}
}

// TestEveryFaultOfTheDisk lets the n-th file operation of the driver fail: each run ends with a code and a
// kind, and the clean run after it publishes once.
func TestEveryFaultOfTheDisk(t *testing.T) {
	in := tables(t, nil)
	want := must(t, config(in, t.TempDir(), nil, night)).PlanHash
	for n := 1; ; n += 3 {
		state, s := t.TempDir(), newShelf()
		f := &disk.Faulty{FS: disk.OS{}, N: n}
		c := config(in, state, s, night)
		c.FS, c.Workers = f, 1
		_, err := Run(context.Background(), c)
		if _, fired := f.Calls(); !fired {
			if err != nil || n < 30 {
				t.Fatalf("%d operations: %v", n, err)
			}
			return
		}
		var e *outcome.Error
		if err != nil && (!errors.As(err, &e) || e.Kind != "disk_full") {
			t.Errorf("fault %d: %v", n, err)
		}
		r := must(t, config(in, state, s, night))
		if r.PlanHash != want || s.released(t, r.Cycle) != 12 {
			t.Errorf("after fault %d: %s", n, r.PlanHash)
		}
	}
}

// TestEveryStage stops the process (by a panic in its place) at every boundary; the run after it publishes
// exactly once.
func TestEveryStage(t *testing.T) {
	in := tables(t, nil)
	seen := map[string]bool{}
	c := config(in, t.TempDir(), newShelf(), night)
	var mu sync.Mutex
	c.At = func(stage string) {
		mu.Lock()
		defer mu.Unlock()
		seen[stage] = true
	}
	c.Publishers = 1
	want := must(t, c).PlanHash
	if len(seen) < 12 {
		t.Errorf("only %v", seen)
	}
	for stage := range seen {
		state, s := t.TempDir(), newShelf()
		ctx, cancel := context.WithCancel(context.Background())
		c := config(in, state, s, night)
		c.At = func(at string) {
			if at == stage {
				cancel()
			}
		}
		if _, err := Run(ctx, c); err == nil && stage != "after-close" && stage != "after-closing-record" && stage != "before-close" && stage != "after-published" && stage != "after-publish" {
			t.Errorf("%s: went on", stage)
		}
		r := must(t, config(in, state, s, night))
		if r.PlanHash != want || s.released(t, r.Cycle) != 12 || len(s.records) != 2 {
			t.Errorf("after %s: %s, %d releases", stage, r.State, s.released(t, r.Cycle))
		}
	}
}

func TestTwoProcessesAtOnce(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	c := config(in, state, s, night)
	var same, other int
	c.At = func(stage string) {
		if stage != "after-snapshot" {
			return
		}
		r, _ := Run(context.Background(), config(in, state, s, night))
		same = r.ExitCode
		r, _ = Run(context.Background(), config(in, state, s, night.Add(time.Hour)))
		other = r.ExitCode
	}
	must(t, c)
	if same != outcome.CodeFenced || other != outcome.CodeAgain {
		t.Errorf("same cycle %d, other cycle %d", same, other)
	}
}

func TestKeepPrunes(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	var last *Result
	for i := range 6 {
		c := config(in, state, s, night.Add(time.Duration(i)*72*time.Hour))
		c.Keep, c.Unconfirmed = time.Hour, true
		last = must(t, c)
	}
	left, err := filepath.Glob(filepath.Join(state, "plans", "tenant=acme", "cycle=*"))
	if err != nil || len(left) != 3 {
		t.Errorf("%v %v", left, err)
	}
	if last.State != Full {
		t.Errorf("%s", last.State)
	}
}

func TestReleasesUnconfirmed(t *testing.T) {
	s, in, state := newShelf(), tables(t, nil), t.TempDir()
	must(t, config(in, state, s, night))
	late := config(in, state, s, night.Add(48*time.Hour))
	r := must(t, late)
	if r.State != CarriedForward || states(r) != "D1 carried-forward, D2 carried-forward" {
		t.Errorf("%s: %s", r.State, states(r))
	}
	late = config(in, state, s, night.Add(49*time.Hour))
	late.Unconfirmed = true
	r = must(t, late)
	if r.State != Full || r.Exceptions["release_unconfirmed"] != 12 || s.released(t, r.Cycle) != 12 {
		t.Errorf("%s %v", r.State, r.Exceptions)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	c := config(tables(t, nil), state, newShelf(), night)
	c.DryRun = true
	r := must(t, c)
	if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) || r.State != DryRun {
		t.Errorf("%s %v", r.State, err)
	}
}

func TestUsage(t *testing.T) {
	r := fails(t, Config{Tenant: "Acme!"}, outcome.CodeUsage, "usage")
	for _, want := range []string{"--inputs", "--state", "--tenant", "horizon_days"} {
		if !strings.Contains(r.Faults[0].Hint, want) {
			t.Errorf("%s is not named: %s", want, r.Faults[0].Hint)
		}
	}
	if _, err := r.JSON(); err != nil {
		t.Error(err)
	}
}

var _ publish.Publisher = (*shelf)(nil)
