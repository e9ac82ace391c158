package cli

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cmd/echelon/feeds"
	"echelon/fixtures/topics"
)

const depotMapping = `
version: 1
sources:
  wms: {format: debezium-json, transactions: acme.wms.transaction}
tables:
  inventory:
    from:
      - {source: wms, table: public.stock, topic: acme.wms.stock, rows: true, columns: {item: sku, node: store, on_hand: qty}}
`

// depot is a warehouse system behind Debezium that changes the stock of a fed network, transaction by transaction.
type depot struct {
	f     *fed
	dice  *rand.Rand
	keys  [][2]string // item, node
	lsn   int
	clock int // milliseconds, of the source
	txs   int
	sent  []*kgo.Record    // rows, for repeats
	count map[string]int64 // records sent, by topic
	to    *kgo.Client

	newest [2]string // key of the row updated last
}

const depotPartitions = 4

// newDepot makes the topics and takes the snapshot that a connector begins with.
func newDepot(f *fed, seed uint64) *depot {
	f.t.Helper()
	d := &depot{f: f, dice: rand.New(rand.NewPCG(seed, 41)), lsn: 1000, clock: 1_700_000_000_000, count: map[string]int64{}}
	client, err := kgo.NewClient(kgo.SeedBrokers(f.addrs...))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(client.Close)
	d.to = client
	for topic, parts := range map[string]int32{"acme.wms.stock": depotPartitions, "acme.wms.transaction": 1} {
		if _, err := topicsAdmin(client).CreateTopic(f.t.Context(), parts, 1, nil, topic); err != nil {
			f.t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(f.dir, "inventory.jsonl"))
	if err != nil {
		f.t.Fatal(err)
	}
	var rows []*kgo.Record
	for line := range strings.Lines(string(raw)) {
		var row struct {
			Item, Node string
			OnHand     int `json:"on_hand"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			f.t.Fatal(err)
		}
		d.keys = append(d.keys, [2]string{row.Item, row.Node})
		rows = append(rows, d.stock(d.keys[len(d.keys)-1], "r", "", row.OnHand))
	}
	d.send(rows...)
	return d
}

// mapping writes the mapping file.
func (d *depot) mapping() string {
	d.f.t.Helper()
	file := filepath.Join(d.f.t.TempDir(), "mapping.yaml")
	if err := os.WriteFile(file, []byte(depotMapping), 0o644); err != nil {
		d.f.t.Fatal(err)
	}
	return file
}

func (d *depot) send(records ...*kgo.Record) {
	d.f.t.Helper()
	for _, r := range records {
		d.count[r.Topic]++
	}
	if err := d.to.ProduceSync(d.f.t.Context(), records...).FirstErr(); err != nil {
		d.f.t.Fatal(err)
	}
}

// stock is one change of the source's table: op r of the snapshot, u, or d.
func (d *depot) stock(key [2]string, op, tx string, qty int) *kgo.Record {
	d.lsn, d.clock = d.lsn+8, d.clock+3
	row, block, snapshot := fmt.Sprintf(`{"sku":%q,"store":%q,"qty":%d}`, key[0], key[1], qty), "null", "false"
	if op == "d" {
		row = "null"
	}
	if op == "r" {
		snapshot = "true"
	}
	if tx != "" {
		block = fmt.Sprintf(`{"id":"%s:%d","total_order":1,"data_collection_order":1}`, tx, d.lsn)
	}
	return &kgo.Record{
		Topic: "acme.wms.stock", Key: fmt.Appendf(nil, `{"sku":%q,"store":%q}`, key[0], key[1]),
		Value: fmt.Appendf(nil, `{"before":null,"after":%s,"source":{"connector":"postgresql","snapshot":%q,"schema":"public","table":"stock","lsn":%d,"ts_ms":%d},"op":%q,"ts_ms":%d,"transaction":%s}`,
			row, snapshot, d.lsn, d.clock, op, d.clock+1, block),
	}
}

func (d *depot) mark(status, tx string, rows int) *kgo.Record {
	d.lsn += 8
	counts := `"event_count":null,"data_collections":null`
	if status == "END" {
		counts = fmt.Sprintf(`"event_count":%d,"data_collections":[{"data_collection":"public.stock","event_count":%d}]`, rows, rows)
	}
	return &kgo.Record{
		Topic: "acme.wms.transaction", Key: []byte(`{"id":"x"}`),
		Value: fmt.Appendf(nil, `{"status":%q,"id":"%s:%d","ts_ms":1700000000000,%s}`, status, tx, d.lsn, counts),
	}
}

// work sends one transaction of some rows, deletes with their tombstones among them; then perhaps what was sent before once
// more, a row that no contract takes, and a canonical row.
func (d *depot) work() {
	d.f.t.Helper()
	d.txs++
	tx, n := strconv.Itoa(700+d.txs), 1+d.dice.IntN(30)
	out := []*kgo.Record{d.mark("BEGIN", tx, 0)}
	for range n {
		key := d.keys[d.dice.IntN(len(d.keys))]
		if d.dice.IntN(12) == 0 {
			r := d.stock(key, "d", tx, 0)
			out = append(out, r, &kgo.Record{Topic: r.Topic, Key: r.Key})
			continue
		}
		r := d.stock(key, "u", tx, d.dice.IntN(400))
		out, d.sent, d.newest = append(out, r), append(d.sent, r), key
	}
	d.send(append(out, d.mark("END", tx, n))...)
	for range d.dice.IntN(8) {
		r := d.sent[d.dice.IntN(len(d.sent))]
		d.send(&kgo.Record{Topic: r.Topic, Key: r.Key, Value: r.Value})
	}
	key := d.keys[d.dice.IntN(len(d.keys))]
	skus := topics.Name("acme", "skus")
	switch id := fmt.Appendf(nil, `{"item":%q,"node":%q}`, key[0], key[1]); d.dice.IntN(4) {
	case 0:
		d.send(&kgo.Record{Topic: skus, Key: id, Value: []byte(`{"item":`)})
	case 1:
		d.send(&kgo.Record{Topic: skus, Key: id, Value: fmt.Appendf(nil, `{"item":%q,"node":%q,"presentation_min":%d}`, key[0], key[1], d.dice.IntN(9))})
	}
}

// TestServeKilledWhileApplying: the service follows change topics as a process of its own and is killed (SIGKILL) again and
// again at random moments while records come: at its start, while it applies, behind and beside its checkpoints. In the
// end each record of each partition has one fate, and counts, snapshot and plan are bit for bit those of a process that was
// never disturbed.
func TestServeKilledWhileApplying(t *testing.T) {
	rounds, kills := uint64(3), 9
	if testing.Short() { // under the race detector a round takes a minute
		rounds, kills = 1, 5
	}
	for seed := range rounds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := newFed(t)
			d := newDepot(f, seed)
			mapping := d.mapping()
			file := f.serveFile(fmt.Sprintf("    mapping: %s\n    no_publish: true\n    checkpoint: 1s\n", mapping), "")
			for kill := range kills {
				cmd, s := f.daemon(file)
				switch before := f.checkpoint(); kill % 3 {
				case 0: // while it opens its checkpoint and connects
				case 1: // while it applies
					s.eventually("something is applied", func() bool {
						d.work()
						return s.applied() > 0
					})
				case 2: // some time behind a checkpoint
					s.eventually("a checkpoint is written", func() bool {
						d.work()
						return f.checkpoint() > before
					})
				}
				for range d.dice.IntN(40) {
					d.work()
				}
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				if err := cmd.Wait(); !killed(err) {
					t.Fatalf("it ended before it was killed: %v", err)
				}
			}
			policy := filepath.Join(t.TempDir(), "policy.yaml") // rows that were not taken are no reason to refuse here
			if err := os.WriteFile(policy, []byte("gates: {skus: {quarantined: {refuse: 1}}}\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			args := []string{"--mapping", mapping, "--policy", policy, "--cycle", "end"}
			clean := t.TempDir()
			want, got := f.run(0, clean, f.url(), args...), f.run(0, f.state, f.url(), args...)
			if f.checkpoint() == 0 || want.PlanHash != got.PlanHash || want.Coverage.Planned == 0 {
				t.Errorf("plan %s, undisturbed %s", got.PlanHash, want.PlanHash)
			}
			if diff := cmp.Diff(want.Feeds, got.Feeds); diff != "" {
				t.Errorf("counts (- undisturbed):\n%s", diff)
			}
			if diff := cmp.Diff(want.Cut.Inputs, got.Cut.Inputs); diff != "" {
				t.Errorf("cut (- undisturbed):\n%s", diff)
			}
			read, seen := map[string]int64{}, [4]bool{}
			for _, p := range got.Feeds {
				if p.Applied+p.Superseded+p.Quarantined+p.Filtered != p.Read {
					t.Errorf("%+v does not add up", p)
				}
				read[p.Topic] += p.Read
				seen = [4]bool{seen[0] || p.Applied > 0, seen[1] || p.Superseded > 0, seen[2] || p.Quarantined > 0, seen[3] || p.Filtered > 0}
			}
			for topic, n := range d.count {
				if topic != topics.Name("acme", "skus") && read[topic] != n {
					t.Errorf("%s: %d records read, %d were sent", topic, read[topic], n)
				}
			}
			if seen != [4]bool{true, true, true, true} {
				t.Errorf("fates seen: %v", seen)
			}
			if diff := cmp.Diff(snapshotBytes(t, clean), snapshotBytes(t, f.state)); diff != "" {
				t.Errorf("the snapshot differs from the undisturbed one:\n%s", diff)
			}
		})
	}
}

// applied is how many records the service says that it applied since it began.
func (s *served) applied() int64 {
	s.f.t.Helper()
	_, m := s.call("GET", "/metrics", "", "")
	for line := range strings.Lines(fmt.Sprint(m[""])) {
		if text, there := strings.CutPrefix(line, `echelon_feed_records_applied_total{tenant="acme"} `); there {
			n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				s.f.t.Fatal(err)
			}
			return int64(n)
		}
	}
	return 0
}

// checkpoint is the number of the newest whole checkpoint, 0: none.
func (f *fed) checkpoint() int64 {
	f.t.Helper()
	names, err := filepath.Glob(filepath.Join(feeds.Dir(f.state, "acme"), "checkpoints", "*", "manifest.json"))
	if err != nil {
		f.t.Fatal(err)
	}
	newest := int64(0)
	for _, name := range names {
		if n, err := strconv.ParseInt(filepath.Base(filepath.Dir(name)), 10, 64); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}

// snapshotBytes reads every file of the one snapshot of a state folder.
func snapshotBytes(t *testing.T, state string) map[string][]byte {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(state, "snapshots", "tenant=acme", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("snapshots %v, %v", found, err)
	}
	out := map[string][]byte{}
	err = fs.WalkDir(os.DirFS(found[0]), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		out[name], err = os.ReadFile(filepath.Join(found[0], name))
		return err
	})
	if err != nil || len(out) < 2 || len(out["manifest.json"]) == 0 {
		t.Fatalf("snapshot of %d files: %v", len(out), err)
	}
	return out
}
