package follow

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
)

// Records are decoded ahead of the goroutine that applies them:
//
//	fetch ─partitions by number─▶ decoder 0 ─chunk─▶
//	                     └──────▶ decoder 1 ─chunk─▶ Run ─▶ queue or state
//	                                free ◀─chunk──────┘
//
// The records of a partition go through one decoder, and their chunks come in order. Chunks are used again: there is
// a fixed number of them, so decoding waits for applying.

// chunk is successive records of one partition, decoded.
type chunk struct {
	cdc.Batch
	part  cdc.Partition
	next  int64 // offset after the last record, marks of the broker included
	fetch error // of fetching the partition
	err   error // of decoding, not the record's own: at offset next
	over  bool  // a round is full, or the decoder has nothing more of this fetch
}

// chunkRecords keeps a chunk in a core's cache.
const chunkRecords = 192

// chunks that each decoder may fill while others are applied.
const chunksAhead = 3

// ahead decodes for one Run.
type ahead struct {
	free chan *chunk
	out  chan *chunk
	work []chan kgo.Fetches // by decoder
}

// decodeAhead starts to fetch and decode; start runs a function in a goroutine of its own.
func (f *Follower) decodeAhead(ctx context.Context, start func(func())) *ahead {
	a := &ahead{out: make(chan *chunk), free: make(chan *chunk, chunksAhead*len(f.readers))}
	for range cap(a.free) {
		a.free <- &chunk{}
	}
	for _, d := range f.readers {
		work := make(chan kgo.Fetches)
		a.work = append(a.work, work)
		r := &reader{ahead: a, decoder: d, next: map[cdc.Partition]int64{}, round: max(1, f.cfg.PollRecords/len(f.readers))}
		start(func() { r.run(ctx, work) })
	}
	start(func() { f.fetch(ctx, a) })
	return a
}

// fetch hands the partitions of every fetch to their decoders. It takes all that the client has: the client asks a
// broker for more once what it has of it was taken, and so fetches and unpacks while this is decoded.
func (f *Follower) fetch(ctx context.Context, a *ahead) {
	for ctx.Err() == nil {
		shares := make([]kgo.Fetches, len(a.work))
		f.client.PollFetches(ctx).EachPartition(func(ft kgo.FetchTopicPartition) {
			i := shareOf(ft.Topic, ft.Partition, len(shares))
			shares[i] = append(shares[i], kgo.Fetch{Topics: []kgo.FetchTopic{{Topic: ft.Topic, Partitions: []kgo.FetchPartition{ft.FetchPartition}}}})
		})
		for i, share := range shares {
			if len(share) == 0 {
				continue
			}
			select {
			case a.work[i] <- share:
			case <-ctx.Done():
				return
			}
		}
	}
}

// shareOf gives the decoder of a partition.
func shareOf(topic string, id int32, decoders int) int {
	h := uint32(id)
	for i := range len(topic) {
		h = h*31 + uint32(topic[i])
	}
	return int(h % uint32(decoders))
}

// reader is one decoder at work.
type reader struct {
	*ahead
	decoder cdc.Decoder
	next    map[cdc.Partition]int64 // offset after the last record decoded
	record  cdc.Record
	round   int // records after which Run may do what it does between rounds
	since   int // records since it last could
}

func (r *reader) run(ctx context.Context, work <-chan kgo.Fetches) {
	for {
		select {
		case <-ctx.Done():
			return
		case share := <-work:
			if !r.share(ctx, share) {
				return
			}
		}
	}
}

// share decodes a decoder's part of a fetch; false when there is nothing more to do.
func (r *reader) share(ctx context.Context, share kgo.Fetches) bool {
	for i := range share {
		t := &share[i].Topics[0]
		p := &t.Partitions[0]
		part := cdc.Partition{Topic: t.Topic, ID: p.Partition}
		last := i == len(share)-1
		for left, err := p.Records, p.Err; ; err = nil {
			var c *chunk
			select {
			case c = <-r.free:
			case <-ctx.Done():
				return false
			}
			n := min(len(left), chunkRecords)
			c.part, c.fetch, c.err = part, err, nil
			r.decode(c, left[:n])
			left = left[n:]
			r.since += n
			if c.over = last && len(left) == 0 || r.since >= r.round; c.over {
				r.since = 0
			}
			done := c.err != nil || len(left) == 0
			failed := c.err != nil
			select {
			case r.out <- c:
			case <-ctx.Done():
				return false
			}
			if failed {
				return false
			}
			if done {
				break
			}
		}
	}
	return true
}

// decode fills a chunk. Records that were decoded before (they are fetched again after a pause) are left out.
func (r *reader) decode(c *chunk, records []*kgo.Record) {
	c.Reset()
	c.next = r.next[c.part]
	rec := &r.record
	rec.Partition = c.part
	for _, k := range records {
		if k.Offset < c.next {
			continue
		}
		if !k.Attrs.IsControl() {
			rec.Offset, rec.Time, rec.Key, rec.Value = k.Offset, k.Timestamp.UnixMicro(), k.Key, k.Value
			rec.Headers = rec.Headers[:0]
			for _, h := range k.Headers {
				rec.Headers = append(rec.Headers, cdc.Header{Key: h.Key, Value: h.Value})
			}
			if c.err = c.Decode(r.decoder, rec); c.err != nil {
				c.next = k.Offset
				return
			}
		}
		c.next = k.Offset + 1
	}
	r.next[c.part] = c.next
}
