package follow

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
	"echelon/inputs"
)

// stream is a generated day: transactions over both tables and all partitions that overlap in the topics, rows
// without one, deletes with their tombstones, rows of the canonical topic, poison, and repeats.
func (w *world) stream(rng *rand.Rand, transactions int) []*kgo.Record {
	var out, sent []*kgo.Record
	add := func(r *kgo.Record) {
		out = append(out, r)
		if r.Topic != txTopic && len(r.Value) > 0 {
			sent = append(sent, r)
		}
	}
	item := func() string { return fmt.Sprintf("i%02d", rng.IntN(40)) }
	remove := func(tx string) {
		r := w.stock(tx, item(), 0)
		r.Value = fmt.Appendf(nil, `{"before":%s,"after":null,"source":{"connector":"postgresql","snapshot":"false","schema":"public","table":"stock","lsn":%d},"op":"d","ts_ms":1700000000001,"transaction":{"id":"%s:%d"}}`,
			r.Key, w.lsn, tx, w.lsn)
		add(r)
		add(&kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key})
	}
	for n := range transactions {
		tx := fmt.Sprint(100 + n)
		begin := w.begin(tx)
		stock, shelf := 1+rng.IntN(6), rng.IntN(3)
		at := len(out)
		for i := range stock {
			if i > 0 && rng.IntN(8) == 0 {
				remove(tx)
				continue
			}
			add(w.stock(tx, item(), rng.IntN(1000)))
		}
		for range shelf {
			add(w.shelf(tx, item(), rng.IntN(50)))
		}
		end := w.end(tx, stock, shelf)
		// the topics do not keep the order among each other
		marks := []*kgo.Record{begin, end}
		back := rng.IntN(len(out) - at + 1)
		out = append(out[:len(out)-back:len(out)-back], append(marks, out[len(out)-back:]...)...)
		if rng.IntN(4) == 0 {
			add(w.stock("", item(), rng.IntN(1000)))
		}
		if rng.IntN(5) == 0 {
			add(w.node(fmt.Sprintf("S%02d", rng.IntN(30))))
		}
		if rng.IntN(15) == 0 {
			bad := w.node("S1")
			bad.Value = []byte(`{"node":`)
			add(bad)
		}
		if rng.IntN(6) == 0 {
			r := sent[rng.IntN(len(sent))]
			add(&kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value})
		}
	}
	return out
}

// TestKilledWhileApplying kills a follower at random moments, some of them while a checkpoint is being written, and
// goes on from the newest whole checkpoint: in the end counts, tables and quarantine are those of one that was
// never disturbed.
func TestKilledWhileApplying(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 17))
			w := newWorld(t)
			w.cfg.PollRecords = 1 + rng.IntN(40)
			w.cfg.TxGrace = time.Hour
			w.cfg.Quarantine = nil
			records := w.stream(rng, 150)
			half := len(records) / 2
			w.send(records[:half]...)

			dir := t.TempDir()
			kills, checkpoints := 0, 0
			for kills < 12 {
				w.state = w.open(dir)
				ctx, kill := context.WithCancel(context.Background())
				after := 1 + rng.IntN(6)
				f, err := w.start(func(c *Config) {
					c.OnRound = func() {
						if after--; after == 0 {
							kill()
						}
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- f.Run(ctx) }()
				if rng.IntN(3) > 0 {
					// a checkpoint of whenever it comes; killed with the follower
					st := w.state
					err := st.CheckpointAt(ctx, func(take func()) error {
						_, err := f.CutAt(ctx, Want{}, func() error { take(); return nil })
						return err
					})
					if err == nil {
						checkpoints++
					}
				}
				select {
				case err = <-ended:
				case <-time.After(50 * time.Millisecond): // nothing more to read: killed where it waits
					kill()
					err = <-ended
				}
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
				kill()
				kills++
				if kills == 6 {
					w.send(records[half:]...)
				}
			}
			if checkpoints == 0 {
				t.Fatal("no checkpoint was written: the test shows nothing")
			}
			w.state = w.open(dir)
			sum := w.undisturbed(w.follow(), records)
			if sum.Quarantined == 0 || sum.Superseded == 0 || sum.Applied == 0 {
				t.Errorf("the day is too quiet: %+v", sum)
			}
		})
	}
}

// undisturbed compares the tables and counts that a follower comes to with those of one that reads all records at once;
// each has every record read in one of its counts, whose sum it returns.
func (w *world) undisturbed(r *running, records []*kgo.Record) inputs.Counts {
	w.t.Helper()
	read := map[cdc.Partition]int64{}
	for _, rec := range records {
		read[cdc.Partition{Topic: rec.Topic, ID: rec.Partition}]++
	}
	got := r.cut()
	sum := w.balanced(read)
	if err := r.stop(); err != nil {
		w.t.Fatal(err)
	}
	counts := w.state.Counts()
	w.state = w.open("")
	r = w.follow()
	if diff := cmp.Diff(r.cut(), got); diff != "" {
		w.t.Errorf("the tables differ from the undisturbed ones (- undisturbed):\n%s", diff)
	}
	w.balanced(read)
	if diff := cmp.Diff(w.state.Counts(), counts); diff != "" {
		w.t.Errorf("the counts differ (- undisturbed):\n%s", diff)
	}
	return sum
}
