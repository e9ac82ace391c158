package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
)

// stretch is offsets [From, To) of a partition.
type stretch struct {
	topic     string
	partition int32
	from, to  int64
}

// scan reads stretches, committed records only, and calls f with every data record in them; of one
// partition in the order of offsets. Partitions interleave. It ends when each stretch is read; to must not
// be beyond the partition's last stable offset.
func scan(ctx context.Context, opts []kgo.Opt, stretches []stretch, f func(*kgo.Record) error) error {
	type at struct {
		topic     string
		partition int32
	}
	type position struct{ next, to int64 }
	open := make(map[at]*position)
	start := make(map[string]map[int32]kgo.Offset)
	for _, s := range stretches {
		if s.from >= s.to {
			continue
		}
		open[at{s.topic, s.partition}] = &position{s.from, s.to}
		if start[s.topic] == nil {
			start[s.topic] = make(map[int32]kgo.Offset)
		}
		start[s.topic][s.partition] = kgo.NewOffset().At(s.from)
	}
	if len(open) == 0 {
		return nil
	}
	cl, err := newReader(opts, start)
	if err != nil {
		return err
	}
	defer cl.Close()
	left := len(open)
	for left > 0 {
		fetches := cl.PollRecords(ctx, 10_000)
		if err := fetchError(fetches); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		var fault error
		fetches.EachRecord(func(r *kgo.Record) {
			p := open[at{r.Topic, r.Partition}]
			if p == nil || fault != nil {
				return
			}
			if r.Offset < p.to && !r.Attrs.IsControl() {
				fault = f(r)
			}
			if p.next < p.to && r.Offset+1 >= p.to {
				left--
				cl.PauseFetchPartitions(map[string][]int32{r.Topic: {r.Partition}})
			}
			p.next = max(p.next, r.Offset+1)
		})
		if fault != nil {
			return fault
		}
	}
	return nil
}

// wholeTopics gives a stretch for every partition of topics, from the first offset kept to the last stable
// one, which reaches at least the high watermark of now.
func (p *Publisher) wholeTopics(ctx context.Context, topics []string) ([]stretch, error) {
	var all []stretch
	for _, t := range topics {
		high, err := topicOffsets(ctx, p.adm.ListEndOffsets, t)
		if err != nil {
			return nil, err
		}
		to, err := waitStable(ctx, p.adm, t, high, p.settleLimit())
		if err != nil {
			return nil, err
		}
		from, err := topicOffsets(ctx, p.adm.ListStartOffsets, t)
		if err != nil {
			return nil, err
		}
		if len(from) != len(to) {
			return nil, fmt.Errorf("topic %s changed its partitions while it was read", t)
		}
		for i := range from {
			all = append(all, stretch{t, int32(i), from[i], to[i]})
		}
	}
	return all, nil
}

// header gives the value of a record's header, "" when it has none.
func header(r *kgo.Record, key string) string {
	for i := range r.Headers {
		if r.Headers[i].Key == key {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}
