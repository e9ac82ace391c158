package follow

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/cdc"
)

// TestLostEnd: a transaction whose END never comes is named while it holds others up, and taken after the grace once
// its source went on to another one: by a later BEGIN, or by later records when the marks have ceased.
func TestLostEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		send func(w *world)
		want string
	}{
		{"a later transaction", func(w *world) {
			w.send(w.begin("7"), w.stock("7", "i1", 1), w.shelf("7", "i1", 9))
			w.send(w.begin("8"), w.stock("8", "i1", 2), w.stock("8", "i2", 2), w.end("8", 2, 0))
		}, "skus item=i1 node=S1 safety_units=9\ninventory item=i1 node=S1 on_hand=2\ninventory item=i2 node=S1 on_hand=2\n"},
		{"a later BEGIN alone, of a transaction without rows", func(w *world) {
			w.send(w.begin("7"), w.stock("7", "i1", 1))
			w.send(w.begin("8"), w.end("8", 0, 0))
		}, "inventory item=i1 node=S1 on_hand=1\n"},
		{"later records, their marks are lost too", func(w *world) {
			w.send(w.begin("7"), w.stock("7", "i1", 1))
			w.send(w.stock("8", "i2", 2))
			w.send(w.begin("9"), w.stock("9", "i3", 3), w.end("9", 1, 0))
		}, "inventory item=i1 node=S1 on_hand=1\ninventory item=i2 node=S1 on_hand=2\ninventory item=i3 node=S1 on_hand=3\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.send(w)
			r := w.follow(func(c *Config) { c.TxGrace = time.Hour })
			r.eventually("the stall names it", func(s Status) bool {
				text := names(s.Stalls)
				return strings.Contains(text, "transaction 7") && strings.Contains(text, "the source went on")
			})
			if got := dump(t, w.state.Cut()); strings.Contains(got, "i1") {
				t.Fatalf("taken before the grace:\n%s", got)
			}
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			r = w.follow()
			if diff := cmp.Diff(c.want, r.cut()); diff != "" {
				t.Fatal(diff)
			}
			if s := r.Status(); s.Short == 0 || s.Held != 0 {
				t.Errorf("status %+v", s)
			}
			w.balanced(nil)
		})
	}
}

// TestOpenStaysOpen: what is no sign that a source went on ends nothing: rows of an earlier transaction that come
// late, and repeats of what was taken.
func TestOpenStaysOpen(t *testing.T) {
	w := newWorld(t)
	begin7, row7, late7, end7 := w.begin("7"), w.stock("7", "i1", 1), w.stock("7", "i2", 1), w.end("7", 2, 0)
	w.send(w.begin("6"), w.end("6", 0, 0), begin7, row7, end7, w.begin("8"), w.stock("8", "i3", 1), late7)
	r := w.follow()
	r.eventually("8 waits", func(s Status) bool { return strings.Contains(names(s.Stalls), "transaction 8") })
	again := func(r *kgo.Record) *kgo.Record {
		return &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
	}
	w.send(again(begin7), again(row7), again(end7))
	r.eventually("7 is in", func(s Status) bool { return strings.Contains(dump(t, w.state.Cut()), "i2") })
	_, err := r.cutWithin(300 * time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "transaction 8") || strings.Contains(err.Error(), "went on") {
		t.Fatalf("8 is open: %v", err)
	}
	if got := dump(t, w.state.Cut()); strings.Contains(got, "i3") {
		t.Fatalf("a part of 8 was taken:\n%s", got)
	}
	w.send(w.stock("8", "i4", 1), w.end("8", 2, 0))
	if got := r.cut(); strings.Count(got, "inventory") != 4 || r.Status().Short != 0 {
		t.Errorf("in the end:\n%s%+v", got, r.Status())
	}
}

// batchOf encodes records as one batch that spans the given offsets; those that it lacks were compacted away.
func batchOf(first, last int64, records ...kmsg.Record) []byte {
	b := kmsg.NewRecordBatch()
	b.FirstOffset, b.LastOffsetDelta, b.Magic, b.NumRecords = first, int32(last-first), 2, int32(len(records))
	b.ProducerID, b.ProducerEpoch, b.FirstSequence = -1, -1, -1
	for _, r := range records {
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		b.Records = r.AppendTo(b.Records)
	}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	raw := b.AppendTo(nil)
	b.CRC = int32(crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b.AppendTo(nil)
}

// TestHoleAtTheEnd: a partition whose last offsets have no records any more is read to its end all the same, when it
// is followed and when a follower begins there.
func TestHoleAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		name  string
		batch func(w *world, at int64) []byte
		nodes int
	}{
		{"a batch without records", func(_ *world, at int64) []byte { return batchOf(at, at+1) }, 1},
		{"a batch whose last record is gone", func(w *world, at int64) []byte {
			n := w.node("S2")
			return batchOf(at, at+1, kmsg.Record{Key: n.Key, Value: n.Value})
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			to := func(id string) *kgo.Record {
				n := w.node(id)
				n.Partition = 0
				return n
			}
			w.send(to("S1"))
			r := w.follow()
			r.cut()
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			w.send(to("S2"), to("S3")) // of which compaction leaves less
			at := w.state.Offsets()[cdc.Partition{Topic: nodesTopic}]
			batch, id := c.batch(w, at), w.cluster.TopicInfo(nodesTopic).TopicID
			w.cluster.ControlKey(1, func(req kmsgRequest) (kmsgResponse, error, bool) {
				w.cluster.KeepControl()
				fetch := req.(*kmsg.FetchRequest)
				for _, topic := range fetch.Topics {
					for _, p := range topic.Partitions {
						if (topic.Topic != nodesTopic && topic.TopicID != id) || p.Partition != 0 || p.FetchOffset < at || p.FetchOffset > at+1 {
							continue
						}
						resp := req.ResponseKind().(*kmsg.FetchResponse)
						part := kmsg.NewFetchResponseTopicPartition()
						part.HighWatermark, part.LastStableOffset, part.RecordBatches = at+2, at+2, batch
						resp.Topics = []kmsg.FetchResponseTopic{{Topic: topic.Topic, TopicID: topic.TopicID, Partitions: []kmsg.FetchResponseTopicPartition{part}}}
						return resp, nil, true
					}
				}
				return nil, nil, false
			})
			r = w.follow()
			if got := r.cut(); strings.Count(got, "nodes") != c.nodes {
				t.Fatalf("%d nodes wanted:\n%s", c.nodes, got)
			}
			w.send(to("S4")) // reading goes on behind it
			if got := r.cut(); !strings.Contains(got, "S4") || strings.Count(got, "nodes") != c.nodes+1 {
				t.Fatalf("behind the hole:\n%s", got)
			}
			w.balanced(map[cdc.Partition]int64{{Topic: nodesTopic}: int64(c.nodes) + 1})
		})
	}
}

// TestBoundLetsTheFirstFinish: while as much waits as may, the rows of the transaction that all wait for are read on.
func TestBoundLetsTheFirstFinish(t *testing.T) {
	w := newWorld(t)
	w.cfg.TxGrace = time.Hour
	r := w.follow(func(c *Config) { c.HeldRecords, c.PollRecords = 20, 5 })
	item := func(part int32, n int) string {
		for ; ; n++ {
			if id := fmt.Sprintf("i%04d", n); w.part(id) == part {
				return id
			}
		}
	}
	w.send(w.begin("8"), w.stock("8", item(0, 0), 1), w.stock("8", item(1, 0), 1), w.end("8", 4, 0))
	for i := range 60 {
		tx := fmt.Sprint(100 + i)
		w.send(w.begin(tx), w.stock(tx, item(0, 10*i), i), w.end(tx, 1, 0))
	}
	r.eventually("fetching stops", func(s Status) bool { return strings.Contains(names(s.Stalls), StallHeld) })
	w.send(w.stock("8", item(1, 500), 8), w.stock("8", item(2, 500), 8))
	got := r.cut()
	if strings.Count(got, "on_hand=8\n") < 2 || r.Status().Held != 0 || r.Status().Short != 0 {
		t.Errorf("%s%+v", got, r.Status())
	}
	w.balanced(nil)
}

// TestPauses follows a generated day that comes in pieces, with so small a bound that fetching stops and goes on all
// the time, and with partitions that lag: in the end rows and counts are those of a follower that read all at once.
func TestPauses(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 29))
			w := newWorld(t)
			w.cfg.TxGrace, w.cfg.Quarantine = time.Hour, nil
			records := w.stream(rng, 120)
			// the topics do not keep the order among each other: one lags behind the others
			var marks, rest []*kgo.Record
			for _, rec := range records {
				if rec.Topic == txTopic {
					marks = append(marks, rec)
				} else {
					rest = append(rest, rec)
				}
			}
			r := w.follow(func(c *Config) { c.HeldRecords, c.PollRecords = 20, 1+rng.IntN(10) })
			sent := map[cdc.Partition]int64{}
			for first := true; len(marks)+len(rest) > 0; first = false {
				n, m := min(len(rest), 60+rng.IntN(60)), min(len(marks), 30+rng.IntN(30))
				w.send(rest[:n]...)
				for _, rec := range rest[:n] {
					sent[cdc.Partition{Topic: rec.Topic, ID: rec.Partition}]++
				}
				rest = rest[n:]
				r.eventually("more waits than may, or all was read", func(s Status) bool {
					if strings.Contains(names(s.Stalls), StallHeld) {
						return true
					}
					for _, p := range s.Partitions {
						if first || p.Read < sent[p.Partition] {
							return false
						}
					}
					return true
				})
				w.send(marks[:m]...)
				marks = marks[m:]
			}
			w.undisturbed(r, records)
		})
	}
}
