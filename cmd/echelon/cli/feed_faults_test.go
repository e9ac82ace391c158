package cli

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/fixtures/topics"
	"echelon/publish/cycle"
)

// heard sends some rows of a table once more, as their source would at an instant.
func (f *fed) heard(table string, at time.Time) {
	f.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(f.addrs...))
	if err != nil {
		f.t.Fatal(err)
	}
	defer client.Close()
	file, err := os.Open(filepath.Join(f.dir, table+".jsonl"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer file.Close()
	for lines, n := bufio.NewScanner(file), 0; n < 3 && lines.Scan(); n++ {
		r, err := topics.Record("acme", table, lines.Bytes(), false)
		if err != nil {
			f.t.Fatal(err)
		}
		r.Timestamp = at
		if err := client.ProduceSync(f.t.Context(), r).FirstErr(); err != nil {
			f.t.Fatal(err)
		}
	}
}

// TestFeedStops: a feed from which nothing is heard while others go on degrades cycles, then refuses them, as its gate says;
// the last good plan stays, and a sign of life is enough to go on.
func TestFeedStops(t *testing.T) {
	f := newFed(t)
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	text := "gates: {inventory: {freshness: {degrade: 1h, refuse: 12h}}, skus: {freshness: {degrade: 1h, refuse: 12h}}}\n"
	if err := os.WriteFile(policy, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	loaded := time.Now().UTC().Truncate(time.Second)
	var last *cycle.Result
	for i, c := range []struct {
		after time.Duration
		heard []string // shortly before
		code  int
		state string
		stale string
	}{
		{time.Minute, nil, 0, cycle.Full, ""},
		{3 * time.Hour, []string{"skus"}, 0, cycle.Degraded, "inventory"},
		{6 * time.Hour, []string{"skus", "inventory"}, 0, cycle.Full, ""},
		{24 * time.Hour, []string{"skus"}, 65, "refused", "inventory"},
		{24*time.Hour + time.Minute, []string{"inventory"}, 0, cycle.Full, ""},
		{48 * time.Hour, []string{"inventory"}, 65, "refused", "skus"},
	} {
		at := loaded.Add(c.after)
		for _, table := range c.heard {
			f.heard(table, at.Add(-10*time.Minute))
		}
		id := fmt.Sprintf("c%d", i)
		r := f.run(c.code, f.state, f.url(), "--cycle", id, "--policy", policy, "--as-of", at.Format(time.RFC3339))
		stale := slices.IndexFunc(r.Faults, func(x cycle.Fault) bool { return x.Kind == "stale" })
		if r.State != c.state || (stale >= 0) != (c.stale != "") || stale >= 0 && r.Faults[stale].Where != c.stale {
			t.Errorf("%v: state %s, faults %+v", c.after, r.State, r.Faults)
		}
		if c.code == 0 {
			last = r
		}
	}
	again := f.run(0, f.state, f.url(), "--cycle", last.Cycle, "--policy", policy, "--as-of", last.AsOf)
	if !again.Already || again.PlanHash != last.PlanHash {
		t.Errorf("the last good plan is gone: %+v", again)
	}
}

// TestSourceRestored: a source that goes on from an earlier position of its log is refused until it is told, although all
// its rows are remembered; nothing that it sent is lost then.
func TestSourceRestored(t *testing.T) {
	f := newFed(t)
	d := newDepot(f, 3)
	mapping := d.mapping()
	for range 30 {
		d.work()
	}
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("gates: {skus: {quarantined: {refuse: 1}}}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"--mapping", mapping, "--policy", policy, "--cycle"}
	first := f.run(0, f.state, f.url(), append(args, "c1")...)
	d.lsn, d.clock = 2000, d.clock+3_600_000 // an hour later; what was done since position 2000 is lost
	key := d.newest
	d.send(d.stock(key, "u", "", 4711))
	for _, id := range []string{"c2", "c3"} {
		r := f.run(65, f.state, f.url(), append(args, id)...)
		if !slices.ContainsFunc(r.Faults, func(x cycle.Fault) bool { return x.Kind == "source_restored" && strings.Contains(x.Where, "wms") }) {
			t.Fatalf("faults %+v", r.Faults)
		}
	}
	told := f.run(0, f.state, f.url(), append(args, "c4", "--accept-restore", "wms")...)
	applied := func(r *cycle.Result) (n int64) {
		for _, p := range r.Feeds {
			n += p.Applied
		}
		return n
	}
	if told.PlanHash == first.PlanHash || applied(told) != applied(first)+1 {
		t.Errorf("%d applied, then %d; plans %s and %s", applied(first), applied(told), first.PlanHash, told.PlanHash)
	}
	d.send(d.stock(key, "u", "", 12)) // it goes on from there
	if r := f.run(0, f.state, f.url(), append(args, "c5")...); applied(r) != applied(told)+1 {
		t.Errorf("%d applied after it was told, then %d", applied(told), applied(r))
	}
}
