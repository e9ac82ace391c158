package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/fixtures/topics"
	"echelon/publish/cycle"
)

// fed is a small network as a folder and in topics.
type fed struct {
	t     *testing.T
	dir   string // the folder
	state string
	addrs []string
	kafka *kfake.Cluster
}

func newFed(t *testing.T) *fed {
	t.Helper()
	f := &fed{t: t, dir: filepath.Join(t.TempDir(), "net"), state: t.TempDir()}
	f.must("generate", "--skus", "500", "--items", "100", "--dcs", "2", "--stores-per-dc", "3", "--format", "jsonl", "--seed", "5", "--out", f.dir)
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	f.kafka, f.addrs = c, c.ListenAddrs()
	if err := topics.Make(t.Context(), f.addrs, "acme", f.dir, 3); err != nil {
		t.Fatal(err)
	}
	if err := topics.Load(t.Context(), f.addrs, "acme", f.dir); err != nil {
		t.Fatal(err)
	}
	return f
}

// echelon runs a command in this process.
func (f *fed) echelon(args ...string) (int, string) {
	f.t.Helper()
	var out, notes bytes.Buffer
	code := Main(f.t.Context(), args, &out, &notes)
	return code, out.String() + notes.String()
}

func (f *fed) must(args ...string) string {
	f.t.Helper()
	code, out := f.echelon(args...)
	if code != 0 {
		f.t.Fatalf("echelon %s: %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

func (f *fed) url() string { return "kafka://" + strings.Join(f.addrs, ",") }

// run plans a cycle and gives its result.
func (f *fed) run(code int, state, inputs string, more ...string) *cycle.Result {
	f.t.Helper()
	file := filepath.Join(f.t.TempDir(), "result.json")
	args := append([]string{
		"run", "--tenant", "acme", "--inputs", inputs, "--state", state, "--no-publish", "--as-of", "2026-11-21T08:00:00Z", "--result", file,
	}, more...)
	if got, out := f.echelon(args...); got != code {
		f.t.Fatalf("echelon %s: %d, want %d\n%s", strings.Join(args, " "), got, code, out)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		f.t.Fatal(err)
	}
	r, err := cycle.DecodeResult(string(raw))
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// change rewrites rows of a table in the folder, and sends them.
func (f *fed) change(table string, change func(i int, row map[string]any) bool) {
	f.t.Helper()
	file := filepath.Join(f.dir, table+".jsonl")
	raw, err := os.ReadFile(file)
	if err != nil {
		f.t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(f.addrs...))
	if err != nil {
		f.t.Fatal(err)
	}
	defer client.Close()
	var out []byte
	n := 0
	for i, line := range bytes.Split(bytes.TrimSpace(raw), []byte("\n")) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			f.t.Fatal(err)
		}
		if change(i, row) {
			n++
			if line, err = json.Marshal(row); err != nil {
				f.t.Fatal(err)
			}
			r, err := topics.Record("acme", table, line, false)
			if err != nil {
				f.t.Fatal(err)
			}
			again := *r                                                                     // a record belongs to the client while it is sent
			if err := client.ProduceSync(f.t.Context(), r, &again).FirstErr(); err != nil { // sent twice
				f.t.Fatal(err)
			}
		}
		out = append(append(out, line...), '\n')
	}
	if n == 0 {
		f.t.Fatal("nothing was changed")
	}
	if err := os.WriteFile(file, out, 0o644); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(f.dir, "manifest.json")); err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, "_SUCCESS"), nil, 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// TestRunFromChangeTopics plans from topics and from files with the same rows: the plans are the same, for a first
// base, and from a checkpoint after changes.
func TestRunFromChangeTopics(t *testing.T) {
	f := newFed(t)
	files := f.run(0, t.TempDir(), f.dir)
	first := f.run(0, f.state, f.url())
	if first.PlanHash != files.PlanHash || first.Coverage.Planned == 0 {
		t.Fatalf("plan %s from topics, %s from files", first.PlanHash, files.PlanHash)
	}
	if diff := cmp.Diff(files.Layers, first.Layers); diff != "" {
		t.Error(diff)
	}
	var read int64
	for _, p := range first.Feeds {
		if p.Read != p.Applied+p.Superseded+p.Quarantined+p.Filtered || p.Offset != p.Read {
			t.Errorf("%+v does not add up", p)
		}
		read += p.Read
		if first.Cut.Inputs[fmt.Sprintf("feed/%s/%d", p.Topic, p.Partition)] != fmt.Sprint(p.Offset) {
			t.Errorf("the cut does not name %+v", p)
		}
	}
	var rows int64
	for _, in := range files.Inputs {
		rows += in.Read
	}
	if read != rows || first.Inputs["inventory"].Freshness == "" {
		t.Errorf("%d records read of %d rows; freshness %q", read, rows, first.Inputs["inventory"].Freshness)
	}
	// the same cycle again: what is done is not done again, and the feeds are not asked
	again := f.run(0, f.state, "kafka://127.0.0.1:1", "--start-timeout", "300ms")
	if !again.Already || again.PlanHash != first.PlanHash {
		t.Errorf("again: %+v", again)
	}

	f.change("inventory", func(i int, row map[string]any) bool {
		row["on_hand"] = i % 7
		return i%3 == 0
	})
	f.change("nodes", func(_ int, row map[string]any) bool {
		row["name"] = "renamed"
		return true
	})
	files = f.run(0, t.TempDir(), f.dir, "--cycle", "c2")
	second := f.run(0, f.state, f.url(), "--cycle", "c2")
	if second.PlanHash != files.PlanHash || second.PlanHash == first.PlanHash {
		t.Errorf("after changes: plan %s from topics, %s from files, %s before", second.PlanHash, files.PlanHash, first.PlanHash)
	}
}

// TestRunFromTopicsRefused: what is missing is named, with the exit code of what to do.
func TestRunFromTopicsRefused(t *testing.T) {
	f := newFed(t)
	has := func(r *cycle.Result, kind, where string) {
		t.Helper()
		for _, x := range r.Faults {
			if x.Kind == kind && strings.Contains(x.Where, where) {
				return
			}
		}
		t.Errorf("no fault %s at %q in %+v", kind, where, r.Faults)
	}
	has(f.run(78, f.state, f.url(), "--tenant", "other"), "topic_missing", "other.in.nodes.v1")
	has(f.run(75, f.state, f.url(), "--wait", "300ms", "--at-least", "acme.in.nodes.v1/1=100000"), "cut_late", "acme.in.nodes.v1-1")
	has(f.run(69, f.state, "kafka://127.0.0.1:1", "--start-timeout", "300ms"), "broker_away", "")
	f.run(64, f.state, f.url(), "--at-least", "nonsense")
	f.run(64, f.state, f.url(), "--dry-run")
	f.run(64, f.state, f.dir, "--at-least", "a/0=1")
	f.run(64, f.state, "kafka://")
	f.run(0, f.state, f.url())
	has(f.run(65, f.state, f.url(), "--cycle", "c2", "--accept-restore", "nobody"), "unknown_source", "nobody")

	// stale: nothing was heard since the load, the as-of is a day later
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("gates: {inventory: {freshness: {refuse: 2h}}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	has(f.run(65, f.state, f.url(), "--cycle", "c3", "--policy", policy, "--as-of", "2099-01-01T00:00:00Z"), "stale", "inventory")
}

func topicsAdmin(c *kgo.Client) *kadm.Client { return kadm.NewClient(c) }
