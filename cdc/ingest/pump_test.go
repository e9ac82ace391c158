package ingest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
)

// TestPump writes rows through while Kafka comes and goes: all are out in order, each names its offset.
func TestPump(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "acme.in.inventory.v1"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client := func() *kgo.Client {
		c, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.MetadataMinAge(50*time.Millisecond), kgo.RecordRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	o := Options{Dir: t.TempDir()}
	l := open(t, o)
	for i := range 5 {
		put(t, l, "", stock("i1", i))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var away int
	topic := func(table string) string {
		if away == 0 {
			return "not.there" // Kafka takes nothing of the first batch, however many rows it has
		}
		return "acme.in." + table + ".v1"
	}
	done := make(chan error, 1)
	p := &Pump{Log: l, Client: client(), Topic: topic, Wait: time.Millisecond, On: func(through int64, err error) {
		if err != nil {
			away++
		}
		if through == 7 {
			cancel()
		}
	}}
	go func() { done <- p.Run(ctx) }()
	put(t, l, "", stock("i2", 1), stock("i2", 2)) // while it runs
	if err := <-done; err != nil || away == 0 {
		t.Fatalf("%v, away %d times", err, away)
	}
	_ = l.Close()
	l = open(t, o)
	if l.Through() != 7 {
		t.Fatalf("through %d after reopening", l.Through())
	}
	if n, err := (&Pump{Log: l, Client: client(), Topic: topic}).Once(t.Context()); n != 0 || err != nil {
		t.Fatalf("went out again: %d, %v", n, err)
	}

	reader, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("acme.in.inventory.v1"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var got []string
	last := map[int32]int64{} // of each partition: the log's offset read last
	for len(got) < 7 {
		reader.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			var headers []cdc.Header
			for _, h := range r.Headers {
				headers = append(headers, cdc.Header{Key: h.Key, Value: h.Value})
			}
			log, offset, ok := WrittenThrough(headers)
			if !ok || log != l.ID() {
				t.Fatalf("headers %+v", r.Headers)
			}
			if before, there := last[r.Partition]; there && before >= offset {
				t.Errorf("partition %d: %d after %d", r.Partition, offset, before)
			}
			last[r.Partition] = offset
			got = append(got, fmt.Sprintf("%d %s", offset, r.Value))
		})
	}
	slices.Sort(got) // partitions come in any order; the offsets have one digit
	for i, want := range values(t, l, 0) {
		if got[i] != want {
			t.Errorf("record %d: %s, want %s", i, got[i], want)
		}
	}
}
