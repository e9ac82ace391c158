package kafka

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestFacts holds the facts of the client library that the protocol is built on. When one changes with a
// new version, the protocol must be looked at again.
func TestFacts(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		name := tenant()
		topic := name + ".facts"
		adm := admin(t, on)
		if _, err := adm.CreateTopic(t.Context(), 1, 1, nil, topic); err != nil {
			t.Fatal(err)
		}
		producer := func(opts ...kgo.Opt) *kgo.Client {
			cl, err := kgo.NewClient(append([]kgo.Opt{
				kgo.SeedBrokers(on.brokers...), kgo.TransactionalID(name),
				kgo.MetadataMinAge(50 * time.Millisecond), kgo.ProducerBatchMaxBytes(10_000),
			}, opts...)...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cl.Close)
			return cl
		}
		small := func(s string) *kgo.Record { return &kgo.Record{Topic: topic, Value: []byte(s)} }
		large := func() *kgo.Record { return &kgo.Record{Topic: topic, Value: bytes.Repeat([]byte("x"), 20_000)} }

		t.Run("a commit succeeds although a record failed", func(t *testing.T) {
			cl := producer()
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			cl.Produce(t.Context(), small("kept"), nil)
			cl.Produce(t.Context(), large(), nil)
			if err := cl.Flush(t.Context()); err != nil {
				t.Fatal("flush complains now:", err)
			}
			if err := cl.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
				t.Fatal("commit complains now:", err)
			}
		})
		t.Run("the aborting promise tells", func(t *testing.T) {
			cl := producer()
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			first := kgo.AbortingFirstErrPromise(cl)
			cl.Produce(t.Context(), small("taken back"), first.Promise())
			cl.Produce(t.Context(), large(), first.Promise())
			if err := first.Err(); !isAny(err, kerr.MessageTooLarge) {
				t.Fatal("the promise says", err)
			}
			if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
				t.Fatal(err)
			}
		})
		t.Run("reading to the end needs control records and the stable offset", func(t *testing.T) {
			listed, err := adm.ListCommittedOffsets(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			end, _ := listed.Lookup(topic, 0)
			at := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(0)}}
			read := func(limit time.Duration, opts ...kgo.Opt) (next int64, values []string) {
				cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(on.brokers...), kgo.ConsumePartitions(at)}, opts...)...)
				if err != nil {
					t.Fatal(err)
				}
				defer cl.Close()
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				for next < end.Offset && ctx.Err() == nil {
					cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
						next = r.Offset + 1
						if !r.Attrs.IsControl() {
							values = append(values, string(r.Value))
						}
					})
				}
				return next, values
			}
			next, values := read(20*time.Second, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
			if next != end.Offset || len(values) != 1 || values[0] != "kept" {
				t.Fatalf("with control records: up to %d of %d, %q", next, end.Offset, values)
			}
			if next, _ = read(time.Second, kgo.FetchIsolationLevel(kgo.ReadCommitted())); next == end.Offset {
				t.Fatal("control records are not needed any more")
			}
		})
		t.Run("a fenced producer hears of it", func(t *testing.T) {
			old := producer()
			if err := old.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			if err := old.ProduceSync(t.Context(), small("of the zombie")).FirstErr(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := producer().ProducerID(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := old.ProduceSync(t.Context(), small("of the zombie again")).FirstErr()
			if !isAny(err, kerr.InvalidProducerEpoch, kerr.ProducerFenced) {
				t.Fatal("producing says", err)
			}
			if judge(err, false) != fenced || judge(kerr.InvalidProducerEpoch, true) != startOver {
				t.Fatal("the verdict on it is wrong")
			}
			if err := old.EndTransaction(t.Context(), kgo.TryCommit); err == nil {
				t.Fatal("the zombie could commit")
			}
		})
		t.Run("the stable offset stays behind an open transaction", func(t *testing.T) {
			cl := producer()
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			if err := cl.ProduceSync(t.Context(), small("open")).FirstErr(); err != nil {
				t.Fatal(err)
			}
			high, stable := offset(t, adm.ListEndOffsets, topic), offset(t, adm.ListCommittedOffsets, topic)
			if stable >= high {
				t.Fatalf("stable %d, high %d", stable, high)
			}
			if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func offset(t *testing.T, list listOffsets, topic string) int64 {
	t.Helper()
	all, err := topicOffsets(t.Context(), list, topic)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}
