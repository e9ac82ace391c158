package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cmd/echelon/serve"
	"echelon/fixtures/topics"
	"echelon/publish/cycle"
)

const (
	acmeToken  = "token-of-acme-0123456789"
	otherToken = "token-of-other-0123456789"
)

// fakeClock stands until it is set.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	waits map[chan time.Time]time.Time
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Until(ctx context.Context, at time.Time) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(chan time.Time, 1)
	if !at.After(c.now) {
		out <- c.now
		return out
	}
	if c.waits == nil {
		c.waits = map[chan time.Time]time.Time{}
	}
	c.waits[out] = at
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waits, out)
	})
	return out
}

func (c *fakeClock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = at
	for out, due := range c.waits {
		if !due.After(at) {
			out <- at
			delete(c.waits, out)
		}
	}
}

// served is a service that runs.
type served struct {
	f     *fed
	clock *fakeClock
	url   string
	stop  func() error
	log   *bytes.Buffer
}

// serveFile writes the service's file of one or two tenants.
func (f *fed) serveFile(more string, second string) string {
	f.t.Helper()
	dir := f.t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
	write("acme.tokens", acmeToken+"\n")
	write("other.tokens", otherToken+"\n")
	write("other.yaml", "horizon_days: 21\nlayers: {workload: off}\n")
	write("http.yaml", "version: 1\ntables: {inventory: {from: [{source: http}]}}\n")
	text := fmt.Sprintf("listen: 127.0.0.1:0\nstate: %s\ngrace: 30s\ntenants:\n  acme:\n    tokens: acme.tokens\n    cluster: {brokers: [%q], create_topics: true}\n%s%s",
		f.state, strings.Join(f.addrs, `","`), more, second)
	write("serve.yaml", text)
	return filepath.Join(dir, "serve.yaml")
}

func (f *fed) serve(file string, at time.Time) *served {
	f.t.Helper()
	cfg, err := serve.Load(file)
	if err != nil {
		f.t.Fatal(err)
	}
	s := &served{f: f, clock: &fakeClock{now: at}, log: &bytes.Buffer{}}
	var mu sync.Mutex
	svc, err := serve.New(f.t.Context(), cfg, serve.Options{
		Plan: servePlan, Clock: s.clock, Log: slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return s.log.Write(p)
		}), nil)),
	})
	if err != nil {
		f.t.Fatal(err)
	}
	s.url = "http://" + svc.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- svc.Run(ctx) }()
	var once sync.Once
	var ended error
	s.stop = func() error {
		once.Do(func() {
			cancel()
			ended = <-done
		})
		return ended
	}
	f.t.Cleanup(func() {
		_ = s.stop()
		if f.t.Failed() {
			mu.Lock()
			defer mu.Unlock()
			f.t.Log(s.log.String())
		}
	})
	return s
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// call asks the service.
func (s *served) call(method, path, token, body string, header ...string) (int, map[string]any) {
	s.f.t.Helper()
	r, err := http.NewRequestWithContext(s.f.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.f.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.f.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.f.t.Fatal(err)
	}
	out := map[string]any{"": string(raw)}
	_ = json.Unmarshal(raw, &out)
	return resp.StatusCode, out
}

// eventually waits for something that the service does by itself.
func (s *served) eventually(what string, ok func() bool) {
	s.f.t.Helper()
	ctx, cancel := context.WithTimeout(s.f.t.Context(), 60*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			s.f.t.Fatalf("%s: did not happen", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// cycle waits for a cycle to end and gives its result.
func (s *served) cycle(tenant, token, id string) *cycle.Result {
	s.f.t.Helper()
	var out map[string]any
	s.eventually("cycle "+id, func() bool {
		var code int
		code, out = s.call("GET", "/v1/"+tenant+"/cycles/"+id, token, "")
		state, _ := out["state"].(string)
		return code == 200 && out["result"] != nil && state != "running" && state != "waiting"
	})
	raw, err := json.Marshal(out["result"])
	if err != nil {
		s.f.t.Fatal(err)
	}
	r, err := cycle.DecodeResult(string(raw))
	if err != nil {
		s.f.t.Fatal(err)
	}
	return r
}

// order asks for a cycle and waits for it.
func (s *served) order(tenant, token, id, body string) *cycle.Result {
	s.f.t.Helper()
	if code, out := s.call("POST", "/v1/"+tenant+"/cycles", token, body); code != 202 {
		s.f.t.Fatalf("order %s: %d %v", body, code, out)
	}
	return s.cycle(tenant, token, id)
}

var morning = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// TestServe: what the warm process plans is what a cold run of the same cut plans, bit for bit, for a first base,
// after changes, and after a restart; rows that are published are published once.
func TestServe(t *testing.T) {
	f := newFed(t)
	file := f.serveFile("", "")
	s := f.serve(file, morning)
	s.eventually("ready", func() bool { code, _ := s.call("GET", "/readyz", "", ""); return code == 200 })
	warm := s.order("acme", acmeToken, "c1", `{"cycle":"c1","as_of":"2026-11-21T08:00:00Z"}`)
	cold := f.run(0, t.TempDir(), f.url(), "--cycle", "c1")
	if warm.PlanHash != cold.PlanHash || warm.State != cycle.Full || warm.Cut.Inputs["feed/acme.in.nodes.v1/0"] != cold.Cut.Inputs["feed/acme.in.nodes.v1/0"] {
		t.Fatalf("warm %s %s, cold %s", warm.State, warm.PlanHash, cold.PlanHash)
	}
	for _, d := range warm.DCs {
		if len(d.Published) == 0 {
			t.Errorf("dc %s is not published", d.DC)
		}
	}
	if code, out := s.call("POST", "/v1/acme/cycles", acmeToken, `{"cycle":"c1","as_of":"2026-11-21T08:00:00Z"}`); code != 200 || out["state"] != cycle.Full {
		t.Errorf("the same cycle again: %d %v", code, out)
	}

	f.change("inventory", func(i int, row map[string]any) bool {
		row["on_hand"] = i % 5
		return i%4 == 0
	})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	f.change("inventory", func(i int, row map[string]any) bool {
		row["on_hand"] = i % 9
		return i%5 == 0
	})
	s = f.serve(file, morning.Add(time.Hour))
	warm = s.order("acme", acmeToken, "c2", `{"cycle":"c2","as_of":"2026-11-22T08:00:00Z"}`)
	_, metrics := s.call("GET", "/metrics", "", "")
	for _, want := range []string{
		`echelon_feed_lag_offsets{partition="0",tenant="acme",topic="acme.in.inventory.v1"} 0`, `echelon_feed_following{tenant="acme"} 1`,
		`echelon_feed_freshness_seconds{table="inventory",tenant="acme"}`, `echelon_cycles_total{state="full",tenant="acme",why="http"} 1`,
		`echelon_cycle_stage_seconds_count{stage="plan",tenant="acme"} 1`, `echelon_feed_records_applied_total{tenant="acme"}`,
	} {
		if !strings.Contains(fmt.Sprint(metrics[""]), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if code, out := s.call("GET", "/v1/acme/cycles", acmeToken, ""); code != 200 || len(out["cycles"].([]any)) != 2 {
		t.Errorf("cycles: %d %v", code, out)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	// A cold run of another state folder that knows the first cycle from the topics.
	cold = f.run(0, t.TempDir(), f.url(), "--cycle", "c2", "--as-of", "2026-11-22T08:00:00Z", "--brokers", strings.Join(f.addrs, ","), "--no-publish=false", "--dry-run=false")
	if warm.PlanHash != cold.PlanHash {
		t.Errorf("after a restart: warm %s, cold %s", warm.PlanHash, cold.PlanHash)
	}
	f.must("verify", "--tenant", "acme", "--state", f.state, "--cycle", "c2", "--brokers", strings.Join(f.addrs, ","))
}

// TestServeTwoTenants: two tenants with other policies, layers and feeds in one process do not mix, although both
// plan at once.
func TestServeTwoTenants(t *testing.T) {
	f := newFed(t)
	second := filepath.Join(t.TempDir(), "net2")
	f.must("generate", "--skus", "400", "--items", "90", "--dcs", "1", "--stores-per-dc", "5", "--format", "jsonl", "--seed", "9", "--out", second)
	if err := topics.Make(t.Context(), f.addrs, "other", second, 2); err != nil {
		t.Fatal(err)
	}
	if err := topics.Load(t.Context(), f.addrs, "other", second); err != nil {
		t.Fatal(err)
	}
	s := f.serve(f.serveFile("", fmt.Sprintf("  other:\n    tokens: other.tokens\n    policy: other.yaml\n    no_publish: true\n    limits: {bytes: 1000, workers: 1}\n    cluster: {brokers: [%q]}\ncycles_at_once: 2\n", f.addrs[0])), morning)
	var results [2]*cycle.Result
	for _, who := range [][2]string{{"acme", acmeToken}, {"other", otherToken}} {
		if code, out := s.call("POST", "/v1/"+who[0]+"/cycles", who[1], `{"cycle":"n1"}`); code != 202 {
			t.Fatalf("%d %v", code, out)
		}
	}
	results[0], results[1] = s.cycle("acme", acmeToken, "n1"), s.cycle("other", otherToken, "n1")
	if code, _ := s.call("GET", "/v1/other/cycles/n1", acmeToken, ""); code != 401 {
		t.Errorf("acme sees the cycles of other: %d", code)
	}
	if code, _ := s.call("POST", "/v1/other/inputs/items", otherToken, `{"item":"`+strings.Repeat("x", 2000)+`"}`); code != 413 {
		t.Errorf("the limit of other: %d", code)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	policy := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(policy, []byte("horizon_days: 21\nlayers: {workload: off}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	alone := []*cycle.Result{
		f.run(0, t.TempDir(), f.dir, "--cycle", "n1"),
		f.run(0, t.TempDir(), second, "--cycle", "n1", "--tenant", "other", "--policy", policy),
	}
	for i, r := range results {
		if r.PlanHash != alone[i].PlanHash || r.PolicyHash != alone[i].PolicyHash || r.Coverage.SKUs != alone[i].Coverage.SKUs {
			t.Errorf("tenant %d: %s of %d SKUs, alone %s of %d", i, r.PlanHash, r.Coverage.SKUs, alone[i].PlanHash, alone[i].Coverage.SKUs)
		}
	}
	if _, there := results[1].Layers["workload"]; there && results[1].Layers["workload"].Lines > 0 {
		t.Error("other has a layer that its policy switches off")
	}
}

// TestServeAsks: waves by the clock, trigger records, and SKUs that fell under their floor each ask for a cycle.
func TestServeAsks(t *testing.T) {
	f := newFed(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(f.addrs...), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	trigger := func(value string) {
		t.Helper()
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "acme.in.trigger.v1", Value: []byte(value), Timestamp: morning.Add(30 * time.Minute)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	makeTopic(t, f.addrs, "acme.in.trigger.v1")
	trigger("") // from before the first start: means nothing
	file := f.serveFile(`    schedule:
      - {wave: early, zone: UTC, at: "07:00", for: 30m}
      - {wave: open, zone: UTC, at: "07:50", for: 30m}
      - {wave: north, dcs: [D001], zone: America/Chicago, pick: "06:00", before: 2h, deadline: 20m}
    trigger: acme.in.trigger.v1
    floor: {skus: 20, every: 1m}
    no_publish: true
`, "")
	s := f.serve(file, morning)
	open := s.cycle("acme", acmeToken, "20261121T0750-open") // its window is open when the service starts
	if open.AsOf != "2026-11-21T07:50:00Z" {
		t.Errorf("as of %s", open.AsOf)
	}
	if code, _ := s.call("GET", "/v1/acme/cycles/20261121T0700-early", acmeToken, ""); code != 404 {
		t.Errorf("a window that is over: %d", code)
	}
	s.clock.set(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)) // 04:00 in Chicago
	north := s.cycle("acme", acmeToken, "20261121T0600-north")
	if north.AsOf != "2026-11-21T10:00:00Z" || len(north.DCs) != 1 || north.DCs[0].DC != "D001" {
		t.Errorf("north: %s %+v", north.AsOf, north.DCs)
	}

	trigger(`{"dcs":["D002"]}`)
	trigger("not an order")
	trigger(`{"cycle":"asked"}`)
	first := s.cycle("acme", acmeToken, "trigger-0-1")
	if first.AsOf != "2026-11-21T08:30:00Z" || len(first.DCs) != 1 || first.DCs[0].DC != "D002" {
		t.Errorf("trigger: %s %+v", first.AsOf, first.DCs)
	}
	s.cycle("acme", acmeToken, "asked")

	cycles := func() (out []string) {
		_, all := s.call("GET", "/v1/acme/cycles", acmeToken, "")
		for _, c := range all["cycles"].([]any) {
			out = append(out, c.(map[string]any)["cycle"].(string))
		}
		return out
	}
	n := len(cycles())
	f.change("inventory", func(i int, row map[string]any) bool {
		row["on_hand"] = 0
		return i%2 == 0
	})
	at := s.clock.Now()
	s.eventually("a cycle because of floors", func() bool {
		at = at.Add(time.Minute)
		s.clock.set(at)
		return len(cycles()) > n
	})
	asked := ""
	for _, id := range cycles() {
		if strings.HasPrefix(id, "20261121T1") && strings.HasSuffix(id, "Z") {
			asked = id
		}
	}
	if r := s.cycle("acme", acmeToken, asked); r.State != cycle.Full && r.State != cycle.Degraded {
		t.Errorf("floor: %+v", r.Faults)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	// At the next start nothing that ended is asked for again.
	n = len(cyclesOf(t, f))
	s = f.serve(file, at)
	s.eventually("ready", func() bool { code, _ := s.call("GET", "/readyz", "", ""); return code == 200 })
	trigger(`{"cycle":"last"}`)
	s.cycle("acme", acmeToken, "last")
	if now := len(cyclesOf(t, f)); now != n+1 {
		t.Errorf("%d cycles, then %d", n, now)
	}
}

func makeTopic(t *testing.T, addrs []string, name string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := topicsAdmin(c).CreateTopic(t.Context(), 1, 1, nil, name); err != nil {
		t.Fatal(err)
	}
}

func cyclesOf(t *testing.T, f *fed) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(f.must("cycles", "--state", f.state, "--tenant", "acme", "--format", "json")), "\n")
}

// TestServeHTTP: rows by HTTP are in the next cycle, once, whatever is repeated; while Kafka is away they are taken
// and planned, and written through when it is back.
func TestServeHTTP(t *testing.T) {
	f := newFed(t)
	raw, err := os.ReadFile(filepath.Join(f.dir, "inventory.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	// The source does not send this table.
	admin, err := kgo.NewClient(kgo.SeedBrokers(f.addrs...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := topicsAdmin(admin).DeleteTopic(t.Context(), topics.Name("acme", "inventory")); err != nil {
		t.Fatal(err)
	}
	makeTopic(t, f.addrs, topics.Name("acme", "inventory"))
	file := f.serveFile("    mapping: http.yaml\n    no_publish: true\n", "")
	s := f.serve(file, morning)
	post := func(code int, key string, body []byte) map[string]any {
		t.Helper()
		got, out := s.call("POST", "/v1/acme/inputs/inventory", acmeToken, string(body), "Idempotency-Key", key)
		if got != code {
			t.Fatalf("post: %d %v", got, out)
		}
		return out
	}
	post(200, "load", raw)
	if out := post(200, "load", raw); out["repeated"] != true {
		t.Errorf("a repeat: %v", out)
	}
	post(422, "wrong", []byte(`{"item":"I0000001","node":"S000001","on_hand":-1}`))
	if code, out := s.call("POST", "/v1/acme/inputs/nodes", acmeToken, `{"node":"S1","kind":"store","zone":"UTC"}`); code != 422 {
		t.Errorf("a table that does not come by HTTP: %d %v", code, out)
	}
	warm := s.order("acme", acmeToken, "c1", `{"cycle":"c1"}`)
	files := f.run(0, t.TempDir(), f.dir, "--cycle", "c1")
	if warm.PlanHash != files.PlanHash {
		t.Fatalf("by HTTP %s, from files %s", warm.PlanHash, files.PlanHash)
	}
	rows := float64(bytes.Count(raw, []byte("\n")))
	through := func() bool {
		_, m := s.call("GET", "/metrics", "", "")
		return strings.Contains(fmt.Sprint(m[""]), `echelon_http_log_unwritten_rows{tenant="acme"} 0`)
	}
	s.eventually("written through", through)
	second := s.order("acme", acmeToken, "c2", `{"cycle":"c2","as_of":"2026-11-22T08:00:00Z"}`)
	var log, topic cycle.FeedPart
	for _, p := range second.Feeds {
		switch p.Topic {
		case "_http":
			log = p
		case "acme.in.inventory.v1":
			topic.Read += p.Read
			topic.Superseded += p.Superseded
			topic.Quarantined += p.Quarantined
			topic.Applied += p.Applied
		}
	}
	if float64(log.Applied) != rows || float64(topic.Superseded) != rows || topic.Applied != 0 || topic.Quarantined != 0 || topic.Read != topic.Superseded {
		t.Errorf("log %+v, topic %+v, %v rows", log, topic, rows)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestServeWithoutKafka starts while Kafka is away: rows by HTTP are taken and durable, and written through when it is there.
func TestServeWithoutKafka(t *testing.T) {
	f := newFed(t)
	_, text, _ := strings.Cut(f.addrs[0], ":")
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	f.kafka.Close()
	file := f.serveFile("    mapping: http.yaml\n    no_publish: true\n", "")
	s := f.serve(file, morning)
	row := `{"item":"I0000001","node":"S000001","on_hand":4}`
	if code, out := s.call("POST", "/v1/acme/inputs/inventory", acmeToken, row); code != 200 {
		t.Fatalf("%d %v", code, out)
	}
	has := func(metric string) func() bool {
		return func() bool {
			_, m := s.call("GET", "/metrics", "", "")
			return strings.Contains(fmt.Sprint(m[""]), metric)
		}
	}
	s.eventually("applied", has(`echelon_feed_records_applied_total{tenant="acme"} 1`))
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = f.serve(file, morning)
	if code, out := s.call("POST", "/v1/acme/inputs/inventory", acmeToken, row); code != 200 || out["first"] != 1.0 {
		t.Errorf("after a restart: %d %v", code, out)
	}
	if !has(`echelon_http_log_unwritten_rows{tenant="acme"} 2`)() {
		t.Error("Kafka is away, and rows are written through to it")
	}

	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if err := topics.Make(t.Context(), f.addrs, "acme", f.dir, 1); err != nil {
		t.Fatal(err)
	}
	s.eventually("written through", has(`echelon_http_log_unwritten_rows{tenant="acme"} 0`))
	reader, err := kgo.NewClient(kgo.SeedBrokers(f.addrs...), kgo.ConsumeTopics(topics.Name("acme", "inventory")), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var got []string
	for len(got) < 2 {
		reader.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
	}
	if diff := cmp.Diff([]string{row, row}, got); diff != "" {
		t.Error(diff)
	}
}
