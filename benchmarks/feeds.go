package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"path/filepath"
	"runtime"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc/decode"
	"echelon/cdc/follow"
	"echelon/cdc/state"
	"echelon/inputs"
	"echelon/inputs/schema"
)

const (
	feedTenant     = "bench"
	feedPartitions = 8
	feedNodes      = 400
	feedDays       = 28
)

// feedTables are the tables that the feed benchmarks send: by them most rows change.
var feedTables = []string{"skus", "inventory", "forecasts"}

// schemas is a registry of one schema per table, its id the table's position from 1.
type schemas struct{ byID []*avro.Schema }

func newSchemas() (*schemas, error) {
	s := &schemas{byID: []*avro.Schema{nil}}
	for _, table := range feedTables {
		text, err := schema.Avro(inputs.ContractOf(table))
		if err != nil {
			return nil, err
		}
		parsed, err := avro.Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", table, err)
		}
		s.byID = append(s.byID, parsed)
	}
	return s, nil
}

// Schema implements decode.Registry.
func (s *schemas) Schema(id uint32) (*avro.Schema, error) {
	if id == 0 || int(id) >= len(s.byID) {
		return nil, decode.ErrUnknownSchema
	}
	return s.byID[id], nil
}

// Latest implements decode.Registry.
func (s *schemas) Latest(context.Context, string) (*avro.Schema, error) {
	return nil, decode.ErrUnknownSchema
}

// feedRow is row n of a table, other values in every round. Thousandths are exact fractions, days count from 1970-01-01.
func feedRow(table string, n, round int64) map[string]any {
	row := map[string]any{}
	c := inputs.ContractOf(table)
	for i := range c.Columns {
		row[c.Columns[i].Name] = nil
	}
	row["item"], row["node"] = fmt.Sprintf("I%07d", n/feedNodes), fmt.Sprintf("S%05d", n%feedNodes)
	switch table {
	case "inventory":
		row["on_hand"], row["reserved"] = (n*7919+round*131)%500, n%9
	case "forecasts":
		daily := make([]*big.Rat, feedDays)
		for i := range daily {
			daily[i] = big.NewRat((n+int64(i)*37+round)%9000, 1000)
		}
		row["from"], row["daily"] = int32(20779), daily
	}
	return row
}

// feedJSON is a row as canonical JSON.
func feedJSON(row map[string]any) ([]byte, error) {
	out := map[string]any{}
	for name, v := range row {
		switch v := v.(type) {
		case []*big.Rat:
			list := make([]json.Number, len(v))
			for i := range v {
				list[i] = json.Number(v[i].FloatString(3))
			}
			out[name] = list
		case int32:
			out[name] = time.Unix(0, 0).UTC().AddDate(0, 0, int(v)).Format(time.DateOnly)
		default:
			out[name] = v
		}
	}
	return json.Marshal(out)
}

// feed is the topics of one benchmark on an in-process broker.
type feed struct {
	broker *kfake.Cluster
	reg    *schemas
	json   bool
}

func newFeed(asJSON bool) (*feed, error) {
	reg, err := newSchemas()
	if err != nil {
		return nil, err
	}
	f := &feed{reg: reg, json: asJSON}
	opts := []kfake.Opt{kfake.NumBrokers(1)}
	for _, table := range feedTables {
		opts = append(opts, kfake.SeedTopics(feedPartitions, decode.CanonicalTopic(feedTenant, table)))
	}
	f.broker, err = kfake.NewCluster(opts...)
	return f, err
}

// send produces rows [0, n) of a table, keyed by SKU.
func (f *feed) send(ctx context.Context, table string, n, round int64) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.broker.ListenAddrs()...), kgo.MaxBufferedRecords(20_000),
		kgo.ProducerBatchCompression(kgo.ZstdCompression().WithLevel(1), kgo.NoCompression()))
	if err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	defer cl.Close()
	promise := kgo.AbortingFirstErrPromise(cl)
	id := 0
	for i := range feedTables {
		if feedTables[i] == table {
			id = i + 1
		}
	}
	topic := decode.CanonicalTopic(feedTenant, table)
	for i := range n {
		row := feedRow(table, i, round)
		key := fmt.Appendf(nil, `{"item":%q,"node":%q}`, row["item"], row["node"])
		var value []byte
		if f.json {
			value, err = feedJSON(row)
		} else {
			value, err = f.reg.byID[id].AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), row)
		}
		if err != nil {
			return fmt.Errorf("encode a row of %s: %w", table, err)
		}
		cl.Produce(ctx, &kgo.Record{Topic: topic, Key: key, Value: value}, promise.Promise())
	}
	if err := cl.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return promise.Err()
}

// drop reads a topic to its end and drops what it reads: what the client alone costs.
func (f *feed) drop(ctx context.Context, table string, from map[int32]kgo.Offset, n int64) (took, error) {
	topic := decode.CanonicalTopic(feedTenant, table)
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.broker.ListenAddrs()...), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		return took{}, fmt.Errorf("consumer: %w", err)
	}
	defer cl.Close()
	began, used := time.Now(), cpuSeconds()
	for left := n; left > 0; {
		fetched := cl.PollRecords(ctx, 20_000)
		if err := fetched.Err(); err != nil {
			return took{}, fmt.Errorf("read: %w", err)
		}
		left -= int64(fetched.NumRecords())
	}
	return took{time.Since(began).Seconds(), cpuSeconds() - used}, nil
}

// follower is a state that follows the feed.
type follower struct {
	feed  *feed
	feeds *decode.Feeds
	state *state.State
	f     *follow.Follower
	ended chan error
	stop  context.CancelFunc
	fault *inputs.Fault
}

// open opens the state; start follows the feed from where the state is.
func (f *feed) open(ctx context.Context, dir string) (*follower, error) {
	feeds, err := decode.New(decode.Options{Tenant: feedTenant, Registry: f.reg})
	if err != nil {
		return nil, err
	}
	w := &follower{feed: f, feeds: feeds}
	w.state, err = state.Open(ctx, state.Config{Dir: dir, Tenant: feedTenant, Origins: feeds.Origins, Keep: 2})
	if err != nil {
		return nil, err
	}
	return w, w.connect(ctx)
}

func (w *follower) connect(ctx context.Context) (err error) {
	var topics []follow.Topic
	for _, name := range w.feeds.Topics() {
		topics = append(topics, follow.Topic{Name: name, Optional: true})
	}
	w.f, err = follow.New(ctx, follow.Config{
		Client: []kgo.Opt{kgo.SeedBrokers(w.feed.broker.ListenAddrs()...)}, Topics: topics, Decoder: w.feeds.Decoder(), State: w.state,
		Quarantine: func(fault inputs.Fault) { w.fault = &fault },
	})
	return err
}

func (w *follower) start(ctx context.Context) {
	ctx, w.stop = context.WithCancel(ctx)
	w.ended = make(chan error, 1)
	go func() { w.ended <- w.f.Run(ctx) }()
}

// ends gives where the partitions of a table's topic end.
func (w *follower) ends(ctx context.Context, table string) (map[int32]kgo.Offset, error) {
	all, err := w.f.Ends(ctx)
	if err != nil {
		return nil, err
	}
	out := map[int32]kgo.Offset{}
	for at, end := range all {
		if at.Topic == decode.CanonicalTopic(feedTenant, table) {
			out[at.ID] = kgo.NewOffset().At(end)
		}
	}
	return out, nil
}

// reach waits until the state has everything that the topics hold now.
func (w *follower) reach(ctx context.Context) error {
	ends, err := w.f.Ends(ctx)
	if err != nil {
		return err
	}
	_, err = w.f.CutAt(ctx, follow.Want{Offsets: ends}, func() error { return nil })
	return err
}

// halt ends following; the state stays.
func (w *follower) halt() error {
	w.stop()
	err := <-w.ended
	w.f.Close()
	return err
}

// applied checks that nothing was quarantined and tells the rows that were applied.
func (w *follower) applied() (int64, error) {
	var sum inputs.Counts
	for _, c := range w.state.Counts() {
		sum.Add(c)
	}
	if w.fault != nil {
		return 0, fmt.Errorf("feed: %+v, last fault: %w", sum, w.fault)
	}
	if sum.Quarantined > 0 || !sum.Balanced() {
		return 0, fmt.Errorf("feed: %+v", sum)
	}
	return sum.Applied, nil
}

// most updates that apply sends after the first load.
const mostUpdates = 2_000_000

// applyUpdates times the first load of a network from topics, and then inventory updates in Avro against the same client
// that reads and drops them; JSON beside it. Broker, client and state share the cores.
func applyUpdates(ctx context.Context, s settings, report func(result)) error {
	n := min(s.skus, mostUpdates)
	var avroRate float64
	for _, asJSON := range []bool{false, true} {
		f, err := newFeed(asJSON)
		if err != nil {
			return err
		}
		r, err := f.measure(ctx, s, n)
		f.broker.Close()
		if err != nil {
			return err
		}
		r.Text = either(asJSON, "JSON", "Avro")
		if !asJSON {
			avroRate = r.Extra["updates_per_s"]
		} else {
			r.Extra["of_avro"] = r.Extra["updates_per_s"] / avroRate
		}
		report(r)
	}
	return nil
}

func (f *feed) measure(ctx context.Context, s settings, n int64) (result, error) {
	skus := s.skus
	if f.json {
		skus = n
	}
	for _, table := range feedTables {
		if err := f.send(ctx, table, skus, 0); err != nil {
			return result{}, err
		}
	}
	w, err := f.open(ctx, "")
	if err != nil {
		return result{}, err
	}
	began, used := time.Now(), cpuSeconds()
	w.start(ctx)
	if err := w.reach(ctx); err != nil {
		return result{}, err
	}
	load := took{time.Since(began).Seconds(), cpuSeconds() - used}
	before, err := w.applied()
	if err != nil {
		return result{}, err
	}
	if before != skus*int64(len(feedTables)) {
		return result{}, fmt.Errorf("first load: %d rows applied of %d", before, skus*int64(len(feedTables)))
	}
	var ours, client spent
	for round := range s.runs + 1 {
		from, err := w.ends(ctx, "inventory")
		if err != nil {
			return result{}, err
		}
		if err := w.halt(); err != nil { // what is sent now is applied in one go
			return result{}, err
		}
		if err := f.send(ctx, "inventory", n, int64(round)+1); err != nil {
			return result{}, err
		}
		runtime.GC()
		alone, err := f.drop(ctx, "inventory", from, n)
		if err != nil {
			return result{}, err
		}
		if err := w.connect(ctx); err != nil {
			return result{}, err
		}
		began, used := time.Now(), cpuSeconds()
		w.start(ctx)
		if err := w.reach(ctx); err != nil {
			return result{}, err
		}
		if round > 0 { // the first one warms up
			ours.add(took{time.Since(began).Seconds(), cpuSeconds() - used})
			client.add(alone)
		}
	}
	if err := w.halt(); err != nil {
		return result{}, err
	}
	after, err := w.applied()
	if err != nil {
		return result{}, err
	}
	if want := before + n*int64(s.runs+1); after != want {
		return result{}, fmt.Errorf("updates: %d rows applied of %d", after, want)
	}
	a, b := ours.median(), client.median()
	return result{
		SKUs: skus, Seconds: a.wall, CPUSeconds: a.cpu, Ratio: b.wall / a.wall, RatioTo: "the rate of consuming and dropping",
		Extra: map[string]float64{
			"updates": float64(n), "updates_per_s": float64(n) / a.wall, "dropped_per_s": float64(n) / b.wall, "processor_ratio": b.cpu / a.cpu,
			"first_load_rows_per_s": float64(before) / load.wall, "first_load_s": load.wall,
			"state_bytes_per_sku": float64(held(w.state.Memory())) / float64(skus),
		},
	}, nil
}

// restart times a checkpoint, the way from it to a state that is ready, and the replay of what came after it.
func restart(ctx context.Context, s settings, report func(result)) error {
	f, err := newFeed(false)
	if err != nil {
		return err
	}
	defer f.broker.Close()
	for _, table := range feedTables {
		if err := f.send(ctx, table, s.skus, 0); err != nil {
			return err
		}
	}
	dir := filepath.Join(s.dir, "checkpoints")
	w, err := f.open(ctx, dir)
	if err != nil {
		return err
	}
	w.start(ctx)
	if err := w.reach(ctx); err != nil {
		return err
	}
	began, used := time.Now(), cpuSeconds()
	if err := w.state.Checkpoint(ctx); err != nil {
		return err
	}
	write := took{time.Since(began).Seconds(), cpuSeconds() - used}
	if err := w.halt(); err != nil {
		return err
	}
	late := max(1, s.skus/100)
	if err := f.send(ctx, "inventory", late, 1); err != nil {
		return err
	}
	runtime.GC()
	began, used = time.Now(), cpuSeconds()
	if w, err = f.open(ctx, dir); err != nil {
		return err
	}
	opened := time.Since(began).Seconds()
	w.start(ctx)
	if err := w.reach(ctx); err != nil {
		return err
	}
	total := took{time.Since(began).Seconds(), cpuSeconds() - used}
	report(result{
		SKUs: s.skus, Seconds: total.wall, CPUSeconds: total.cpu, NsPerSKUCore: perSKUCore(total.wall, s.skus, s),
		Extra: map[string]float64{
			"checkpoint_s": write.wall, "checkpoint_processor_s": write.cpu, "open_s": opened, "replayed": float64(late),
		},
	})
	return w.halt()
}

// held is all that a state holds, in bytes.
func held(m state.Memory) int64 {
	return m.Index + m.Window + m.Columns + m.Days + m.Keys + m.Texts
}
