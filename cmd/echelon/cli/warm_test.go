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
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/fixtures/topics"
	"echelon/inputs"
	"echelon/inputs/store"
	"echelon/publish/cycle"
	"echelon/publish/state"
)

// send sends one row, or that it is gone.
func (f *fed) send(table string, row map[string]any, gone bool) {
	f.t.Helper()
	line, err := json.Marshal(row)
	if err != nil {
		f.t.Fatal(err)
	}
	r, err := topics.Record("acme", table, line, gone)
	if err != nil {
		f.t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(f.addrs...))
	if err != nil {
		f.t.Fatal(err)
	}
	defer client.Close()
	if err := client.ProduceSync(f.t.Context(), r).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// row gives a row of a table of the folder.
func (f *fed) row(table string, i int) map[string]any {
	f.t.Helper()
	raw, err := os.ReadFile(filepath.Join(f.dir, table+".jsonl"))
	if err != nil {
		f.t.Fatal(err)
	}
	row := map[string]any{}
	if err := json.Unmarshal(bytes.Split(raw, []byte("\n"))[i], &row); err != nil {
		f.t.Fatal(err)
	}
	return row
}

// snapshotDigest is the digest of the snapshot that a cycle of a state folder planned.
func (f *fed) snapshotDigest(dir, id string) string {
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
	snap, err := cycle.SnapshotOf(f.t.Context(), st, c)
	if err != nil || snap == nil {
		f.t.Fatalf("snapshot of %s: %v", id, err)
	}
	return contentOf(f.t, snap)
}

// contentOf is the digest of a snapshot's contents, however they lie in its files.
func contentOf(t *testing.T, snap *store.Snapshot) string {
	t.Helper()
	var parts []*inputs.Partition
	for _, dc := range snap.Network.DCs {
		p, err := snap.Partition(t.Context(), dc)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
	m, err := store.Write(filepath.Join(t.TempDir(), "written"), snap.Network, parts, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// same is a result without what may differ between the service and a run: time, memory, and how it was come by.
func same(r *cycle.Result) cycle.Result {
	out := *r
	out.Timings, out.PeakRSS, out.Made, out.Net = nil, 0, nil, nil
	out.DCs = append([]cycle.DCResult(nil), r.DCs...)
	for i := range out.DCs {
		out.DCs[i].Base, out.DCs[i].Written = "", 0
	}
	return out
}

// TestServeWarmIsCold runs cycles of the service one after another, on what every kind of table did meanwhile, and each
// of them cold and in full beside it: results, snapshots, quarantine and plan are the same, whether the snapshot was
// made of the one before or of all rows, and the result says which.
func TestServeWarmIsCold(t *testing.T) {
	f := newFed(t)
	cold := t.TempDir()
	s := f.serve(f.serveFile("    no_publish: true\n", ""), morning)
	quarantine := func(dir, id string) string {
		raw, err := os.ReadFile(state.QuarantineFile(dir, "acme", id))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(raw)
	}
	stock, forecast := f.row("inventory", 3), f.row("forecasts", 4)
	wrong := map[string]any{"item": "nothing", "node": stock["node"], "on_hand": 3}
	safety := map[string]any{"item": stock["item"], "node": stock["node"], "from": "2026-11-23", "units": 40}
	patched, full := 0, 0
	for i, c := range []struct {
		what string
		at   string
		do   func()
		full string // what the result says of a snapshot of all rows, "" it is patched
	}{
		{"the first cycle", "2026-11-21T08:00:00Z", func() {}, "no snapshot of an earlier cycle"},
		{"nothing", "2026-11-21T08:10:00Z", func() {}, ""},
		{"stock", "2026-11-21T08:20:00Z", func() {
			f.change("inventory", func(i int, row map[string]any) bool {
				row["on_hand"] = i % 5
				return i%7 == 0
			})
		}, ""},
		{"stock and forecasts", "2026-11-21T08:30:00Z", func() {
			f.change("inventory", func(i int, row map[string]any) bool {
				row["on_hand"] = i % 11
				return i%9 == 0
			})
			f.change("forecasts", func(i int, row map[string]any) bool {
				row["issued_at"] = "2026-11-21T08:25:00Z"
				if list, ok := row["daily"].([]any); ok {
					for k := range list {
						list[k] = float64(i*k%17) + 0.5
					}
				}
				return i%13 == 0
			})
		}, ""},
		{"rows that came and went", "2026-11-21T08:40:00Z", func() {
			f.send("inventory", stock, true)
			f.send("forecasts", forecast, true)
			f.send("safety_stocks", safety, false)
		}, ""},
		{"they are back", "2026-11-21T08:50:00Z", func() {
			f.send("inventory", stock, false)
			f.send("forecasts", forecast, false)
			f.send("safety_stocks", safety, true)
		}, ""},
		{"an earlier instant of the day", "2026-11-21T08:45:00Z", func() {}, ""},
		{"a node", "2026-11-21T09:00:00Z", func() {
			f.change("nodes", func(i int, row map[string]any) bool {
				row["rank"] = 7
				return row["kind"] == "store"
			})
		}, "rows moved in nodes"},
		{"lanes, orders and stock", "2026-11-21T09:10:00Z", func() {
			f.change("lanes", func(i int, row map[string]any) bool {
				row["transit_days"] = 5
				return i == 1
			})
			f.send("open_orders", map[string]any{"order": "O1", "line": 1, "item": stock["item"], "destination": stock["node"], "ordered": 9, "due_on": "2026-11-24", "status": "confirmed"}, false)
			f.send("inventory", stock, true)
		}, "rows moved in lanes"},
		{"an order comes", "2026-11-21T09:12:00Z", func() {
			f.send("open_orders", map[string]any{"order": "O2", "line": 1, "item": stock["item"], "destination": stock["node"], "ordered": 30, "due_on": "2026-11-23", "status": "released", "release_id": "R1"}, false)
		}, ""},
		{"it is received in part, another goes", "2026-11-21T09:14:00Z", func() {
			f.send("open_orders", map[string]any{"order": "O2", "line": 1, "item": stock["item"], "destination": stock["node"], "ordered": 30, "received": 12, "due_on": "2026-11-23", "status": "shipped", "release_id": "R1"}, false)
			f.send("open_orders", map[string]any{"order": "O1", "line": 1, "item": stock["item"], "destination": stock["node"], "ordered": 9, "due_on": "2026-11-24", "status": "confirmed"}, true)
		}, ""},
		{"a row of no item", "2026-11-21T09:20:00Z", func() { f.send("inventory", wrong, false) }, "is not in the snapshot"},
		{"stock beside it", "2026-11-21T09:30:00Z", func() {
			f.change("inventory", func(i int, row map[string]any) bool {
				row["on_hand"] = row["on_hand"].(float64) + 3
				return i%7 == 1
			})
		}, ""},
		{"a row before it", "2026-11-21T09:40:00Z", func() { f.send("inventory", stock, false) }, "rows came or went in inventory, which has rows in quarantine"},
		{"another day", "2026-11-22T09:00:00Z", func() {}, "day 0 moved on"},
		{"stock of that day", "2026-11-22T09:10:00Z", func() {
			f.change("inventory", func(i int, row map[string]any) bool {
				row["on_hand"] = row["on_hand"].(float64) + 5
				return i%5 == 0
			})
		}, ""},
		{"rows that break their contract", "2026-11-22T09:20:00Z", func() {
			f.change("inventory", func(i int, row map[string]any) bool {
				row["on_hand"], row["unusable"] = 4, 5
				return i == 8
			})
		}, "rows that break their contract came, went or changed in inventory"},
		{"stock beside them", "2026-11-22T09:30:00Z", func() {
			f.change("inventory", func(i int, row map[string]any) bool {
				row["on_hand"] = row["on_hand"].(float64) + 1
				return i == 9
			})
		}, ""},
	} {
		c.do()
		id := fmt.Sprintf("c%02d", i)
		was := s.order("acme", acmeToken, id, fmt.Sprintf(`{"cycle":%q,"as_of":%q}`, id, c.at))
		is := f.run(0, cold, f.url(), "--cycle", id, "--as-of", c.at, "--full")
		if d := cmp.Diff(same(is), same(was)); d != "" {
			t.Errorf("%s: %s", c.what, d)
		}
		if a, b := f.snapshotDigest(cold, id), f.snapshotDigest(f.state, id); a != b {
			t.Errorf("%s: another snapshot", c.what)
		}
		if a, b := quarantine(cold, id), quarantine(f.state, id); a != b {
			t.Errorf("%s: quarantine\n%s\nwant\n%s", c.what, b, a)
		}
		if was.Made == nil {
			t.Fatalf("%s: the result does not say how the snapshot was made", c.what)
		}
		if c.full == "" && was.Made.Full == "" {
			patched++
		} else if c.full != "" && strings.Contains(was.Made.Full, c.full) {
			full++
		} else {
			t.Errorf("%s: made %+v, want %q", c.what, was.Made, c.full)
		}
	}
	_, metrics := s.call("GET", "/metrics", "", "")
	for how, n := range map[string]int{"patched": patched, "full": full} {
		if want := fmt.Sprintf("echelon_snapshots_total{how=%q,tenant=\"acme\"} %d", how, n); !strings.Contains(fmt.Sprint(metrics[""]), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if patched == 0 || full == 0 {
		t.Errorf("%d patched, %d of all rows", patched, full)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// TestServeWarmRemembers publishes cycles of the service one after another: releases and carry of the earlier ones are
// laid over the snapshot in memory. Each is planned cold beside it by a state folder that knows the others from the
// topics alone, and refuses to publish another plan.
func TestServeWarmRemembers(t *testing.T) {
	f := newFed(t)
	s := f.serve(f.serveFile("", ""), morning)
	var released, net int64
	for i, c := range []struct {
		at    string
		every int
	}{
		{"2026-11-21T08:00:00Z", 0},
		{"2026-11-21T08:10:00Z", 0},
		{"2026-11-21T08:20:00Z", 7},
		{"2026-11-21T08:30:00Z", 0},
		{"2026-11-21T08:40:00Z", 11},
		{"2026-11-22T21:00:00Z", 5},
		{"2026-11-22T21:10:00Z", 9},
		{"2026-11-22T21:20:00Z", 0},
	} {
		if c.every > 0 {
			f.change("inventory", func(k int, row map[string]any) bool {
				row["on_hand"], row["unusable"] = (k*i)%13, 0
				return k%c.every == 0
			})
		}
		id := fmt.Sprintf("r%d", i)
		warm := s.order("acme", acmeToken, id, fmt.Sprintf(`{"cycle":%q,"as_of":%q}`, id, c.at))
		cold := f.run(0, t.TempDir(), f.url(), "--cycle", id, "--as-of", c.at, "--brokers", strings.Join(f.addrs, ","), "--no-publish=false", "--dry-run=false")
		if warm.PlanHash == "" || warm.PlanHash != cold.PlanHash {
			t.Fatalf("%s: warm %s %s, cold %s", id, warm.State, warm.PlanHash, cold.PlanHash)
		}
		if d := cmp.Diff(cold.Cut, warm.Cut); d != "" {
			t.Errorf("%s: cut %s", id, d)
		}
		for k := range warm.DCs {
			released += warm.DCs[k].Units
		}
		if n := warm.Net; n != nil && n.Base != "" && n.Rows < n.Of {
			net++
		}
	}
	if released == 0 || net < 3 {
		t.Errorf("%d units released, %d cycles planned less than all: the test shows nothing", released, net)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}
