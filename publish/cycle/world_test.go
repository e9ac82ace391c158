package cycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"echelon/planner"
	"echelon/publish"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

var night = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC) // a Monday

// tables writes a network as CSV files: one vendor, two DCs with two stores each, three items; every store is
// short of every item, the DCs have plenty. change may rewrite a table's text, "" takes the table away.
func tables(t *testing.T, change map[string]func(string) string) string {
	t.Helper()
	rows := map[string]*strings.Builder{}
	add := func(table, format string, args ...any) {
		if rows[table] == nil {
			rows[table] = &strings.Builder{}
		}
		fmt.Fprintf(rows[table], format+"\n", args...)
	}
	add("nodes", "node,kind,zone")
	add("nodes", "V1,vendor,UTC")
	add("items", "item,pack")
	add("lanes", "lane,source,destination,priority,prep_days,transit_days")
	add("skus", "item,node,policy,safety_units")
	add("inventory", "item,node,on_hand")
	add("forecasts", "item,node,from,daily")
	demand := strings.TrimSuffix(strings.Repeat("2;", 28), ";")
	for _, item := range []string{"i1", "i2", "i3"} {
		add("items", "%s,6", item)
	}
	for d, dc := range []string{"D1", "D2"} {
		add("nodes", "%s,dc,UTC", dc)
		add("lanes", "V-%s,V1,%s,1,0,3", dc, dc)
		nodes := []string{dc}
		for s := range 2 {
			store := fmt.Sprintf("S%d", 2*d+s+1)
			nodes = append(nodes, store)
			add("nodes", "%s,store,UTC", store)
			add("lanes", "%s-%s,%s,%s,1,0,1", dc, store, dc, store)
		}
		for _, node := range nodes {
			for _, item := range []string{"i1", "i2", "i3"} {
				add("skus", "%s,%s,net,4", item, node)
				if node == dc {
					add("inventory", "%s,%s,500", item, node)
					continue
				}
				add("inventory", "%s,%s,3", item, node)
				add("forecasts", "%s,%s,2026-11-23,%s", item, node, demand)
			}
		}
	}
	dir := t.TempDir()
	for table, b := range rows {
		text := b.String()
		if f := change[table]; f != nil {
			text = f(text)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, table+".csv"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "_SUCCESS"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// config is a run of the tables at an as-of.
func config(in, state string, p publish.Publisher, asOf time.Time) Config {
	return Config{
		Inputs: in, State: state, Tenant: "acme", AsOf: asOf.UnixMicro(), Policy: planner.DefaultPolicy(), PolicyHash: "p1",
		PolicyText: "horizon_days=28", Publisher: p, Engine: "test", Workers: 2, Now: func() time.Time { return asOf },
	}
}

// must runs a cycle that has to end well.
func must(t *testing.T, c Config) *Result {
	t.Helper()
	r, err := Run(context.Background(), c)
	if err != nil {
		t.Fatalf("%v\n%+v", err, r.Faults)
	}
	return r
}

// fails runs a cycle that has to end with a code.
func fails(t *testing.T, c Config, code int, kind string) *Result {
	t.Helper()
	r, err := Run(context.Background(), c)
	var e *outcome.Error
	if !errors.As(err, &e) || e.Code != code || kind != "" && e.Kind != kind || r.ExitCode != code {
		t.Fatalf("want %d %s, got %d: %v", code, kind, r.ExitCode, err)
	}
	return r
}

// shelf is a publisher in memory that keeps the promises of the interface: each (cycle, DC) whole and once.
type shelf struct {
	mu      sync.Mutex
	records map[string]publish.Record // cycle/dc
	back    map[string]*publish.Recovered
	lines   map[string]int // release id → times it went out
	closed  []publish.Closing
	calls   int
	away    bool                  // Check finds nobody
	fail    func(dc string) error // asked before a DC goes out
	broken  bool                  // Recover fails
	after   func(dc string) error // asked after a DC went out: the answer is lost
}

func newShelf() *shelf {
	return &shelf{records: map[string]publish.Record{}, back: map[string]*publish.Recovered{}, lines: map[string]int{}}
}

var _ publish.Publisher = (*shelf)(nil)

func (s *shelf) Check(context.Context, publish.Need) error {
	if s.away {
		return outcome.New(outcome.CodeUnavailable, "broker_away", "localhost:1", "", "connection refused")
	}
	return nil
}

func (s *shelf) Published(_ context.Context, tenant string) ([]publish.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []publish.Record
	for _, key := range slices.Sorted(maps.Keys(s.records)) {
		if r := s.records[key]; r.Tenant == tenant {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b publish.Record) int { return a.AsOf.Compare(b.AsOf) })
	return out, nil
}

func (s *shelf) Recover(_ context.Context, r publish.Record) (*publish.Recovered, error) {
	if s.broken {
		return nil, errors.New("retention took it")
	}
	return s.back[r.Cycle+"/"+r.DC], nil
}

func (s *shelf) PublishDC(ctx context.Context, dc *planfile.DC) (publish.Outcome, error) {
	m := dc.Manifest
	if s.fail != nil {
		if err := s.fail(m.DC); err != nil {
			return publish.Outcome{}, err
		}
	}
	if err := dc.Verify(ctx); err != nil {
		return publish.Outcome{}, err
	}
	releases, err := dc.Releases(ctx)
	if err != nil {
		return publish.Outcome{}, err
	}
	carry, err := dc.Carry(ctx)
	if err != nil {
		return publish.Outcome{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	key := m.Cycle + "/" + m.DC
	if r, ok := s.records[key]; ok {
		if r.PlanHash != m.PlanHash {
			return publish.Outcome{}, outcome.New(outcome.CodeUsage, "plan_differs", key, "", "another plan is out")
		}
		return publish.Outcome{Already: true, Topics: r.Topics, At: r.PublishedAt}, nil
	}
	topics := map[string]int64{}
	for _, l := range m.Layers {
		topics["acme.plan."+l.Layer+".v1"] = l.Lines
	}
	s.records[key] = publish.Record{Manifest: *m, PublishedAt: m.AsOf, Topics: topics}
	s.back[key] = &publish.Recovered{Releases: releases, Carry: carry}
	for _, r := range releases {
		s.lines[r.ID]++
	}
	if s.after != nil {
		if err := s.after(m.DC); err != nil {
			return publish.Outcome{}, err
		}
	}
	return publish.Outcome{Topics: topics, Parts: 1, At: m.AsOf}, nil
}

func (s *shelf) CloseCycle(_ context.Context, c publish.Closing) error {
	s.closed = append(s.closed, c)
	return nil
}

func (s *shelf) Close() error { return nil }

// released counts the release lines of a cycle, each of which must have gone out once.
func (s *shelf) released(t *testing.T, cycle string) int {
	t.Helper()
	n := 0
	for id, times := range s.lines {
		if !strings.HasPrefix(id, cycle+"/") {
			continue
		}
		if times != 1 {
			t.Errorf("%s went out %d times", id, times)
		}
		n++
	}
	return n
}

// states gives the DCs of a result as "D1 full, D2 …".
func states(r *Result) string {
	var out []string
	for _, d := range r.DCs {
		out = append(out, d.DC+" "+d.State)
	}
	return strings.Join(out, ", ")
}
