package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc/decode"
	"echelon/cdc/follow"
	"echelon/cdc/state"
	"echelon/inputs"
)

// drop reads a topic to its end and drops what it reads: what the client alone costs.
func (f *feed) drop(ctx context.Context, table string, from map[int32]kgo.Offset, n int64) (took, error) {
	topic := decode.CanonicalTopic(feedTenant, table)
	cl, err := kgo.NewClient(append(follow.Fetching(), kgo.SeedBrokers(f.broker.ListenAddrs()...),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))...)
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
		runtime.GC() // or this one pays for what the other left
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

// held is all that a state holds, in bytes.
func held(m state.Memory) int64 {
	return m.Index + m.Window + m.Columns + m.Days + m.Keys + m.Texts
}
