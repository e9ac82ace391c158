package state

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
	"echelon/publish/disk"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

var clock = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

const hour = int64(time.Hour / time.Microsecond)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func intent(cycle string, asOfHours int64) Intent {
	return Intent{
		Tenant: "acme", Cycle: cycle, AsOf: asOfHours * hour, PolicyHash: "p1", Policy: "horizon_days: 28",
		Inputs: map[string]string{"skus.parquet": "a", "nodes.csv": "b"}, Engine: "test", Compared: true,
	}
}

// publishAll makes a cycle that published the given DCs, counting what Account says.
func publishAll(t *testing.T, s *Store, in Intent, rules Rules, dcs ...string) {
	t.Helper()
	ctx := context.Background()
	if _, err := s.Begin(ctx, in, clock); err != nil {
		t.Fatal(err)
	}
	past, err := s.Past(ctx, in.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	for _, dc := range dcs {
		a := past.Account(dc, &in, rules)
		d := DC{Cycle: in.Cycle, DC: dc, AsOf: in.AsOf, State: DCPlanning, GraceUntil: a.GraceUntil, Counted: a.Counted, CarryFrom: a.CarryFrom}
		err := errors.Join(s.PutDCs(ctx, in.Tenant, []DC{d}),
			s.MarkPlanned(ctx, Planned{Tenant: in.Tenant, Cycle: in.Cycle, DC: dc, AsOf: in.AsOf, PlanHash: "h", Lines: 3}),
			s.MarkPublished(ctx, in.Tenant, in.Cycle, dc, map[string]int64{"t": 3}, clock))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CloseCycle(ctx, in.Tenant, in.Cycle, CycleClosed, "{}", clock); err != nil {
		t.Fatal(err)
	}
}

func TestRepeatedCycle(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	first := intent("C1", 1000)
	if _, err := s.Begin(ctx, first, clock); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir) // another process
	for name, c := range map[string]struct {
		change func(*Intent)
		say    string
	}{
		"same":    {func(*Intent) {}, ""},
		"as-of":   {func(i *Intent) { i.AsOf++ }, "as-of"},
		"dcs":     {func(i *Intent) { i.Wave = []string{"D1"} }, "DCs D1 instead of all"},
		"policy":  {func(i *Intent) { i.PolicyHash = "p2" }, "policy p2 instead of p1"},
		"changed": {func(i *Intent) { i.Inputs = map[string]string{"skus.parquet": "x", "nodes.csv": "b"} }, "inputs skus.parquet (changed)"},
		"missing": {func(i *Intent) { i.Inputs = map[string]string{"nodes.csv": "b", "z": "1"} }, "inputs skus.parquet (missing), z (new)"},
		"replace": {func(i *Intent) { i.Replaces = "C0" }, `replaces "C0"`},
	} {
		in := intent("C1", 1000)
		c.change(&in)
		got, err := s.Begin(ctx, in, clock.Add(time.Hour))
		if c.say == "" {
			if err != nil || got.Created != clock.UnixMicro() || got.Policy != first.Policy {
				t.Errorf("%s: %+v %v", name, got, err)
			}
			continue
		}
		var e *outcome.Error
		if !errors.As(err, &e) || e.Code != outcome.CodeUsage || e.Kind != "cycle_differs" || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAccount(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	rules := Rules{GraceHours: 36}
	publishAll(t, s, intent("A", 0), rules, "D1", "D2")
	publishAll(t, s, intent("B", 24), rules, "D1")
	account := func(dc, replaces string, asOf int64) Account {
		past, err := s.Past(ctx, "acme")
		if err != nil {
			t.Fatal(err)
		}
		in := intent("X", asOf)
		in.Replaces = replaces
		return past.Account(dc, &in, rules)
	}
	for _, c := range []struct {
		name, dc, replaces string
		asOf               int64
		want               Account
	}{
		{"both inside grace", "D1", "", 30, Account{[]string{"A", "B"}, "B", (30 + 36) * hour}},
		{"A's grace ended since B", "D1", "", 48, Account{[]string{"A", "B"}, "B", (48 + 36) * hour}},
		{"distance of a week", "D1", "", 24 + 168, Account{[]string{"A", "B"}, "B", (24 + 168 + 252) * hour}},
		{"B replaced", "D1", "B", 48, Account{[]string{"A"}, "A", (48 + 72) * hour}},
		{"earlier than B", "D1", "", 12, Account{[]string{"A"}, "A", (12 + 36) * hour}},
		{"same as-of, other id", "D1", "", 24, Account{[]string{"A", "B"}, "B", (24 + 36) * hour}},
		{"other DC", "D2", "", 48, Account{[]string{"A"}, "A", (48 + 72) * hour}},
		{"unknown DC", "D3", "", 48, Account{nil, "", (48 + 36) * hour}},
	} {
		if diff := cmp.Diff(c.want, account(c.dc, c.replaces, c.asOf)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	// A's grace (36) ended before C's as-of (48): C counted it to its end, later cycles forget it.
	publishAll(t, s, intent("C", 48), rules, "D1")
	if diff := cmp.Diff([]string{"B", "C"}, account("D1", "", 72).Counted); diff != "" {
		t.Error(diff)
	}
	// A published cycle that replaced B takes B out for good; B keeps counting where only B knows the DC.
	r := intent("R", 50)
	r.Replaces = "B"
	publishAll(t, s, r, rules, "D1")
	if diff := cmp.Diff([]string{"C", "R"}, account("D1", "", 72).Counted); diff != "" {
		t.Error(diff)
	}
}

func TestUnpublishedPlansAreSuperseded(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	plan := func(cycle string, asOf int64, dcs ...string) {
		in := intent(cycle, asOf)
		if _, err := s.Begin(ctx, in, clock); err != nil {
			t.Fatal(err)
		}
		for _, dc := range dcs {
			if err := errors.Join(s.PutDCs(ctx, "acme", []DC{{Cycle: cycle, DC: dc, AsOf: in.AsOf, State: DCPlanning, GraceUntil: in.AsOf + 36*hour}}),
				s.MarkPlanned(ctx, Planned{Tenant: "acme", Cycle: cycle, DC: dc, AsOf: in.AsOf, PlanHash: "h"})); err != nil {
				t.Fatal(err)
			}
		}
	}
	superseded := func(dc, cycle string, asOf int64) string {
		past, err := s.Past(ctx, "acme")
		if err != nil {
			t.Fatal(err)
		}
		return past.Superseded(dc, cycle, asOf*hour)
	}
	plan("A", 0, "D1", "D2")
	if got := superseded("D1", "A", 0); got != "" {
		t.Errorf("nothing came later: %q", got)
	}
	plan("B", 6, "D1")
	if got := superseded("D1", "A", 0); got != "B" {
		t.Errorf("D1 of A: %q", got)
	}
	if got := superseded("D2", "A", 0); got != "" {
		t.Errorf("D2 was not planned again: %q", got)
	}
	if got := superseded("D1", "B", 6); got != "" {
		t.Errorf("D1 of B: %q", got)
	}
	if got := superseded("D1", "Z", 3); got != "B" {
		t.Errorf("an older cycle that begins after B: %q", got)
	}
	// a published cycle that counts A does not supersede it
	if err := s.MarkPublished(ctx, "acme", "A", "D2", nil, clock); err != nil {
		t.Fatal(err)
	}
	publishAll(t, s, intent("C", 12), Rules{GraceHours: 36}, "D2")
	if got := superseded("D2", "A", 0); got != "" {
		t.Errorf("C counts D2 of A: %q", got)
	}
}

func TestRecoveredCyclesCount(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	rec := Recovery{
		Tenant: "acme", PolicyHash: "p1",
		DC:       DC{Cycle: "A", DC: "D1", AsOf: 0, State: DCPublished, GraceUntil: 36 * hour, PlanHash: "h", Published: 5, Recovered: true},
		Releases: []inputs.Release{{ID: "A/D1/store-orders/i/1", Item: "i", Destination: "S", Source: "D1", Lane: "l", Quantity: 6, OrderDay: 1, PickDay: 2, ReceiveDay: 3, Cycle: "A", GraceUntil: 36 * hour}},
		Carry:    []inputs.CarryEntry{{Item: "i", Node: "S", Units: 4}},
	}
	for range 2 { // again changes nothing
		if err := s.Recover(ctx, rec); err != nil {
			t.Fatal(err)
		}
	}
	releases, err := s.RecoveredReleases(ctx, "acme", "A", "D1")
	if diff := cmp.Diff(rec.Releases, releases); diff != "" || err != nil {
		t.Error(diff, err)
	}
	carry, err := s.RecoveredCarry(ctx, "acme", "A", "D1")
	if diff := cmp.Diff(rec.Carry, carry); diff != "" || err != nil {
		t.Error(diff, err)
	}
	past, err := s.Past(ctx, "acme")
	if err != nil {
		t.Fatal(err)
	}
	in := intent("B", 24)
	if got := past.Account("D1", &in, Rules{GraceHours: 36}); got.CarryFrom != "A" || len(got.Counted) != 1 {
		t.Errorf("%+v", got)
	}
	if _, err := s.Begin(ctx, intent("A", 0), clock); err != nil {
		t.Errorf("a recovered cycle takes the intent of its rerun: %v", err)
	}
}

func TestKeep(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	rules := Rules{GraceHours: 36}
	publishAll(t, s, intent("A", 0), rules, "D1", "D2")
	for i, c := range []string{"B", "C", "D", "E", "F"} {
		publishAll(t, s, intent(c, int64(i+1)*24), rules, "D1")
	}
	if _, err := s.Begin(ctx, intent("G", 144), clock); err != nil { // open: one of the newest three
		t.Fatal(err)
	}
	for _, c := range []struct {
		keep time.Duration
		want []string
	}{
		{0, []string{"B", "C", "D"}}, // A holds the carry of D2; E, F, G are the newest three
		{72 * time.Hour, []string{"B", "C"}},
		{1000 * time.Hour, nil},
	} {
		got, err := s.Expired(ctx, "acme", c.keep, rules)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("keep %v: %s %v", c.keep, diff, err)
		}
	}
	dir := planfile.CycleDir(s.Dir(), "acme", "B")
	snap := filepath.Join(s.Dir(), "snap")
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.MkdirAll(snap, 0o755),
		s.PutSnapshot(ctx, "acme", Snapshot{ID: "x", Cycle: "B", Dir: snap}, clock),
		s.Prune(ctx, disk.OS{}, "acme", "B")); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []string{dir, snap} {
		if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", gone, err)
		}
	}
	if got, err := s.Expired(ctx, "acme", 0, rules); err != nil || !cmp.Equal(got, []string{"C", "D"}) {
		t.Errorf("after pruning B: %v %v", got, err)
	}
}

// TestGraceIsKept: what is inside its grace stays however old it is by --keep.
func TestGraceIsKept(t *testing.T) {
	s := open(t, t.TempDir())
	rules := Rules{GraceHours: 1000}
	for i, c := range []string{"A", "B", "C", "D", "E"} {
		publishAll(t, s, intent(c, int64(i)*24), rules, "D1")
	}
	if got, err := s.Expired(context.Background(), "acme", 0, rules); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	lock, err := a.Lock("acme", "C1")
	if err != nil {
		t.Fatal(err)
	}
	var e *outcome.Error
	if _, err := b.Lock("acme", "C1"); !errors.As(err, &e) || e.Code != outcome.CodeFenced {
		t.Errorf("same cycle: %v", err)
	}
	if _, err := b.Lock("acme", "C2"); !errors.As(err, &e) || e.Code != outcome.CodeAgain || !strings.Contains(err.Error(), "C1") {
		t.Errorf("other cycle: %v", err)
	}
	other, err := b.Lock("umbrella", "C1")
	if err != nil {
		t.Errorf("another tenant is not in the way: %v", err)
	}
	if err := errors.Join(lock.Unlock(), other.Unlock()); err != nil {
		t.Fatal(err)
	}
	if lock, err = b.Lock("acme", "C2"); err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestLastCounts(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := context.Background()
	publishAll(t, s, intent("A", 0), Rules{}, "D1")
	if err := s.PutCounts(ctx, "acme", "A", map[string]int64{"skus": 100}); err != nil {
		t.Fatal(err)
	}
	refused := intent("B", 24)
	if _, err := s.Begin(ctx, refused, clock); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.PutCounts(ctx, "acme", "B", map[string]int64{"skus": 10}),
		s.CloseCycle(ctx, "acme", "B", CycleRefused, "{}", clock)); err != nil {
		t.Fatal(err)
	}
	got, err := s.LastCounts(ctx, "acme", "C", 48*hour)
	if err != nil || got["skus"] != 100 {
		t.Errorf("a refused cycle is no measure: %v %v", got, err)
	}
	if got, err := s.LastCounts(ctx, "acme", "A", 0); err != nil || got != nil {
		t.Errorf("its own counts are no measure: %v %v", got, err)
	}
}

func TestCorruptDatabaseIsNamed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	publishAll(t, s, intent("A", 0), Rules{}, "D1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, DBName)
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, bytes := range map[string][]byte{"half": raw[:len(raw)/2], "header": append([]byte("XXXX"), raw[4:]...)} {
		_ = os.Remove(name + "-wal")
		if err := os.WriteFile(name, bytes, 0o644); err != nil {
			t.Fatal(err)
		}
		var e *outcome.Error
		got, err := Open(context.Background(), dir)
		if !errors.As(err, &e) || e.Kind != "state_corrupt" {
			t.Errorf("%s: %v", what, err)
		}
		if got != nil {
			_ = got.Close()
		}
	}
}

// TestEveryFault stops before and after each transaction in turn: what the steps meant is there whole or
// not at all, and doing them all again ends in the same state.
func TestEveryFault(t *testing.T) {
	steps := func(ctx context.Context, s *Store) error {
		in := intent("A", 0)
		if _, err := s.Begin(ctx, in, clock); err != nil {
			return err
		}
		return firstError(
			func() error { return s.PutCounts(ctx, "acme", "A", map[string]int64{"skus": 1, "nodes": 2}) },
			func() error {
				return s.PutDCs(ctx, "acme", []DC{{Cycle: "A", DC: "D1", State: DCPlanning}, {Cycle: "A", DC: "D2", State: DCPlanning}})
			},
			func() error {
				return s.MarkPlanned(ctx, Planned{Tenant: "acme", Cycle: "A", DC: "D1", PlanHash: "h", Lines: 4})
			},
			func() error { return s.MarkPublished(ctx, "acme", "A", "D1", map[string]int64{"t": 4}, clock) },
			func() error { return s.MarkEnded(ctx, "acme", "A", "D2", DCCarried, "why") },
			func() error { return s.CloseCycle(ctx, "acme", "A", CycleClosed, "{}", clock) },
		)
	}
	whole := func(s *Store) (string, error) {
		ctx := context.Background()
		cycles, err := s.Cycles(ctx, "acme")
		if err != nil {
			return "", err
		}
		dcs, err := s.AllDCs(ctx, "acme")
		return cmp.Diff(cycles, nil) + cmp.Diff(dcs, nil), err
	}
	clean := open(t, t.TempDir())
	if err := steps(context.Background(), clean); err != nil {
		t.Fatal(err)
	}
	want, err := whole(clean)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; ; n++ {
		dir := t.TempDir()
		s := open(t, dir)
		calls := 0
		s.SetFault(func(string) error {
			calls++
			if calls == n {
				return errors.New("stopped here")
			}
			return nil
		})
		err := steps(context.Background(), s)
		if calls < n {
			if err != nil || n < 14 {
				t.Fatalf("%d faults tried: %v", n-1, err)
			}
			return
		}
		if err == nil {
			t.Errorf("fault %d went unseen", n)
		}
		again := open(t, dir)
		if err := steps(context.Background(), again); err != nil {
			t.Errorf("after fault %d: %v", n, err)
		}
		got, err := whole(again)
		if err != nil || got != want {
			t.Errorf("after fault %d: %v\n%s", n, err, cmp.Diff(want, got))
		}
	}
}

func firstError(steps ...func() error) error {
	for _, f := range steps {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// TestContextEndsATransaction: a context that ends rolls a transaction back; the error says so whichever statement
// meets it, so that a stopped process ends as a stopped one.
func TestContextEndsATransaction(t *testing.T) {
	s := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	err := s.tx(ctx, "test", func(tx *sql.Tx) error {
		cancel()
		for { // the rollback comes from another goroutine
			if _, err := tx.Exec("select 1"); errors.Is(err, sql.ErrTxDone) {
				return err
			}
		}
	})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, sql.ErrTxDone) {
		t.Fatalf("%v", err)
	}
	if e := outcome.Of(ctx, err); e.Code != outcome.CodeInterrupted {
		t.Errorf("%v", e)
	}
}
