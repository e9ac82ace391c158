package follow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
	"echelon/cdc/decode"
	"echelon/cdc/state"
	"echelon/inputs"
	"echelon/inputs/feed"
)

const (
	stockTopic = "depot.public.stock"
	shelfTopic = "depot.public.shelf"
	txTopic    = "depot.transaction"
	nodesTopic = "depot.in.nodes.v1"
)

const mappingText = `
version: 1
sources:
  wms: {format: debezium-json, transactions: depot.transaction}
tables:
  inventory:
    from:
      - {source: wms, table: public.stock, topic: depot.public.stock, rows: true, columns: {item: sku, node: store, on_hand: qty}}
  skus:
    from:
      - {source: wms, table: public.shelf, topic: depot.public.shelf, columns: {item: sku, node: store, safety_units: floor}}
`

// world is a cluster, a source that writes to it, and a state.
type world struct {
	t       testing.TB
	cluster *kfake.Cluster
	addrs   []string
	produce *kgo.Client
	parts   int32
	feeds   *decode.Feeds
	state   *state.State
	cfg     Config
	lsn     uint64

	mu     sync.Mutex
	faults []inputs.Fault
}

func newWorld(t testing.TB, opts ...kfake.Opt) *world {
	t.Helper()
	w := &world{t: t, parts: 3, lsn: 1000}
	if strings.HasPrefix(t.Name(), "TestReal/") {
		w.addrs = strings.Split(os.Getenv(realEnv), ",")
		w.topics()
	} else {
		cluster, err := kfake.NewCluster(append([]kfake.Opt{
			kfake.NumBrokers(1), kfake.SeedTopics(w.parts, stockTopic, shelfTopic, nodesTopic), kfake.SeedTopics(1, txTopic),
		}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		w.cluster, w.addrs = cluster, cluster.ListenAddrs()
	}
	w.produce = w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	m, err := feed.ParseMapping("mapping.yaml", []byte(mappingText))
	if err != nil {
		t.Fatal(err)
	}
	if w.feeds, err = decode.New(decode.Options{Tenant: "depot", Mapping: m, HTTP: []string{"items"}}); err != nil {
		t.Fatal(err)
	}
	w.state = w.open("")
	w.cfg = Config{
		Client: []kgo.Opt{kgo.SeedBrokers(w.addrs...)},
		Topics: []Topic{
			{Name: stockTopic, Source: "wms"},
			{Name: shelfTopic, Source: "wms"},
			{Name: txTopic, Source: "wms", Transactions: true},
			{Name: nodesTopic},
			{Name: decode.CanonicalTopic("depot", "items"), Optional: true},
		},
		Look: 20 * time.Millisecond, TxGrace: time.Millisecond, StartTimeout: 5 * time.Second,
		Quarantine: func(f inputs.Fault) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.faults = append(w.faults, f)
		},
	}
	return w
}

// realEnv names the bootstrap addresses of a real broker.
const realEnv = "ECHELON_KAFKA"

// topics makes the topics of the world anew on a real broker.
func (w *world) topics() {
	w.t.Helper()
	admin := kadm.NewClient(w.client())
	names := []string{stockTopic, shelfTopic, nodesTopic, txTopic, decode.CanonicalTopic("depot", "items")}
	if _, err := admin.DeleteTopics(w.t.Context(), names...); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range names[:4] {
		parts := w.parts
		if name == txTopic {
			parts = 1
		}
		for { // a topic is gone some time after it was deleted
			made, err := admin.CreateTopic(w.t.Context(), parts, 1, nil, name)
			if err == nil {
				w.there(admin, name, int(parts), made.ID)
				break
			}
			if !errors.Is(err, kerr.TopicAlreadyExists) {
				w.t.Fatal(err)
			}
			select {
			case <-w.t.Context().Done():
				w.t.Fatal(w.t.Context().Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}

// there waits until the broker tells of a topic with so many partitions, and not of one of the same name that was
// deleted: it answers whoever made them before it tells others.
func (w *world) there(admin *kadm.Client, name string, parts int, id kadm.TopicID) {
	w.t.Helper()
	for {
		topics, err := admin.ListTopics(w.t.Context(), name)
		if err != nil {
			w.t.Fatal(err)
		}
		if t := topics[name]; t.Err == nil && len(t.Partitions) == parts && t.ID == id {
			return
		}
	}
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.addrs...), kgo.MetadataMinAge(20 * time.Millisecond), kgo.UnknownTopicRetries(-1)}, opts...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// open opens a state in a folder, "": in memory.
func (w *world) open(dir string) *state.State {
	w.t.Helper()
	s, err := state.Open(w.t.Context(), state.Config{Dir: dir, Tenant: "depot", Origins: w.feeds.Origins, Quarantine: func(f inputs.Fault) { w.t.Errorf("state: %v", &f) }})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// send produces records and waits for them.
func (w *world) send(records ...*kgo.Record) {
	w.t.Helper()
	if err := w.produce.ProduceSync(w.t.Context(), records...).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// part is the partition of a key.
func (w *world) part(key string) int32 {
	sum := int32(0)
	for _, b := range []byte(key) {
		sum = (sum*31 + int32(b)) & 0xffff
	}
	return sum % w.parts
}

// row is a change of a row of the source, of a transaction or of none.
func (w *world) row(topic, tx, item, column string, n int) *kgo.Record {
	w.lsn += 10
	key := fmt.Sprintf(`{"sku":%q,"store":"S1"}`, item)
	block := "null"
	if tx != "" {
		block = fmt.Sprintf(`{"id":"%s:%d","total_order":1,"data_collection_order":1}`, tx, w.lsn)
	}
	value := fmt.Sprintf(`{"before":null,"after":{"sku":%q,"store":"S1",%q:%d},"source":{"connector":"postgresql","snapshot":"false","schema":"public","table":%q,"lsn":%d,"ts_ms":1700000000000},"op":"u","ts_ms":1700000000001,"transaction":%s}`,
		item, column, n, strings.TrimPrefix(topic, "depot.public."), w.lsn, block)
	return &kgo.Record{Topic: topic, Partition: w.part(item), Key: []byte(key), Value: []byte(value)}
}

func (w *world) stock(tx, item string, n int) *kgo.Record {
	return w.row(stockTopic, tx, item, "qty", n)
}

func (w *world) shelf(tx, item string, n int) *kgo.Record {
	return w.row(shelfTopic, tx, item, "floor", n)
}

func (w *world) begin(tx string) *kgo.Record {
	w.lsn += 10
	return &kgo.Record{Topic: txTopic, Key: []byte(`{"id":"x"}`), Value: fmt.Appendf(nil, `{"status":"BEGIN","id":"%s:%d","ts_ms":1700000000000,"event_count":null,"data_collections":null}`, tx, w.lsn)}
}

func (w *world) end(tx string, stock, shelf int) *kgo.Record {
	w.lsn += 10
	return &kgo.Record{Topic: txTopic, Key: []byte(`{"id":"x"}`), Value: fmt.Appendf(nil,
		`{"status":"END","id":"%s:%d","ts_ms":1700000000000,"event_count":%d,"data_collections":[{"data_collection":"public.stock","event_count":%d},{"data_collection":"public.shelf","event_count":%d}]}`,
		tx, w.lsn, stock+shelf, stock, shelf)}
}

func (w *world) node(id string) *kgo.Record {
	return &kgo.Record{
		Topic: nodesTopic, Partition: w.part(id), Key: fmt.Appendf(nil, `{"node":%q}`, id),
		Value: fmt.Appendf(nil, `{"node":%q,"kind":"store","zone":"UTC"}`, id),
	}
}

// running is a follower that runs.
type running struct {
	*Follower
	w    *world
	stop func() error
}

// follow starts a follower on the world's state.
func (w *world) follow(change ...func(*Config)) *running {
	w.t.Helper()
	f, err := w.start(change...)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	var once sync.Once
	var ended error
	r := &running{Follower: f, w: w}
	r.stop = func() error {
		once.Do(func() {
			cancel()
			ended = <-done
			f.Close()
		})
		return ended
	}
	w.t.Cleanup(func() { _ = r.stop() })
	return r
}

func (w *world) start(change ...func(*Config)) (*Follower, error) {
	cfg := w.cfg
	cfg.State, cfg.Decoder = w.state, w.feeds.Decoder()
	for _, c := range change {
		c(&cfg)
	}
	return New(w.t.Context(), cfg)
}

// cut waits for the ends and gives what the state then holds.
func (r *running) cut() string {
	r.w.t.Helper()
	text, err := r.cutWithin(20 * time.Second)
	if err != nil {
		r.w.t.Fatalf("%v\n%+v", err, r.Status())
	}
	return text
}

func (r *running) cutWithin(limit time.Duration) (string, error) {
	r.w.t.Helper()
	ctx, cancel := context.WithTimeout(r.w.t.Context(), limit)
	defer cancel()
	ends, err := r.Ends(ctx)
	if err != nil {
		return "", err
	}
	var c *state.Cut
	_, err = r.CutAt(ctx, Want{Offsets: ends}, func() error {
		c = r.w.state.Cut()
		return nil
	})
	if err != nil {
		return "", err
	}
	return dump(r.w.t, c), nil
}

// dump writes the rows of a source as text.
func dump(t testing.TB, src inputs.Source) string {
	t.Helper()
	var out strings.Builder
	for _, c := range inputs.Contracts() {
		if !src.Has(c.Table) {
			continue
		}
		r, err := src.Open(t.Context(), c.Table)
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, err := r.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Rows {
				out.WriteString(c.Table)
				for k := range c.Columns {
					if text := inputs.FormatCell(&c.Columns[k], &b.Columns[k], i); text != "" {
						fmt.Fprintf(&out, " %s=%s", c.Columns[k].Name, text)
					}
				}
				out.WriteByte('\n')
			}
		}
		_ = r.Close()
	}
	return out.String()
}

// balanced checks the counts of every partition, and returns those of all.
func (w *world) balanced(read map[cdc.Partition]int64) inputs.Counts {
	w.t.Helper()
	var sum inputs.Counts
	counts := w.state.Counts()
	for _, p := range slices.SortedFunc(maps.Keys(counts), func(a, b cdc.Partition) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	}) {
		c := counts[p]
		if !c.Balanced() {
			w.t.Errorf("%v: %+v does not add up", p, c)
		}
		if want, known := read[p]; known && c.Read != want {
			w.t.Errorf("%v: %d read, %d were there", p, c.Read, want)
		}
		sum.Add(c)
	}
	return sum
}

// eventually waits for something that a follower does by itself.
func (r *running) eventually(what string, ok func(Status) bool) {
	r.w.t.Helper()
	ctx, cancel := context.WithTimeout(r.w.t.Context(), 20*time.Second)
	defer cancel()
	for !ok(r.Status()) {
		select {
		case <-ctx.Done():
			r.w.t.Fatalf("%s: did not happen: %+v", what, r.Status())
		case <-r.ended:
			r.w.t.Fatalf("%s: the follower ended: %v", what, r.err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
