package follow

import (
	"context"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/cdc"
)

// Compaction takes records and leaves their offsets, at the end of a partition too: a batch of which nothing is left
// but its head, or whose last records are gone. The client reads over those offsets and does not tell, so what was
// read stays below the end for ever. Where a partition did not move from one look to the next, the brokers are asked
// what stands there:
//
//	read by Run ─▶ 7            stable offset 9
//	batch 7 to 8, no records    ─▶ hole {7, 9}: there is nothing to read before 9

// hole is a stretch of offsets without records.
type hole struct{ from, to int64 }

// Bytes of an answer, per partition and in all: as much as a batch has by the brokers' default.
const (
	holeBytes    = 1 << 20
	holeBytesAll = 4 << 20
)

// looksBeside is how many looks a partition may stand while others move: they may just have their turn.
const looksBeside = 5

// standing is where partitions stood at the last look.
type standing struct {
	records int64 // that were read in all
	read    map[cdc.Partition]int64
	looks   map[cdc.Partition]int // in a row, with the same offset
}

// holes looks for holes where partitions stand that did not move since the look before.
func (f *Follower) holes(ctx context.Context, seen *looked, stood *standing) {
	read, looks := map[cdc.Partition]int64{}, map[cdc.Partition]int{}
	asleep := false
	status := f.Status()
	least := looksBeside
	if stood.records == status.Read {
		least = 1
	}
	for _, s := range status.Stalls {
		asleep = asleep || s.Kind == StallHeld
	}
	ask := map[int32][]cdc.Partition{} // by leader
	for _, p := range status.Partitions {
		e, there := seen.parts[p.Partition]
		read[p.Partition] = p.Read
		if before, known := stood.read[p.Partition]; known && before == p.Read {
			looks[p.Partition] = stood.looks[p.Partition] + 1
		}
		if there && !asleep && looks[p.Partition] >= least && p.Read >= e.start && p.Read < e.stable {
			leader := seen.topics[p.Partition.Topic].Partitions[p.Partition.ID].Leader
			ask[leader] = append(ask[leader], p.Partition)
		}
	}
	for _, leader := range slices.Sorted(maps.Keys(ask)) {
		parts := ask[leader]
		first := int(seen.at % int64(len(parts))) // the first one always gets an answer: another one each time
		f.ask(ctx, seen, leader, slices.Concat(parts[first:], parts[:first]), read)
	}
	*stood = standing{status.Read, read, looks}
}

// ask fetches what stands at the offsets of partitions of one leader. What cannot be told now is asked for again.
func (f *Follower) ask(ctx context.Context, seen *looked, leader int32, parts []cdc.Partition, read map[cdc.Partition]int64) {
	req := kmsg.NewPtrFetchRequest()
	req.IsolationLevel, req.MaxBytes, req.SessionEpoch = 1, holeBytesAll, -1
	for _, at := range parts {
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID = at.Topic, seen.topics[at.Topic].ID
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = at.ID, read[at], holeBytes
		t.Partitions = append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
	}
	answer, err := f.watcher.Broker(int(leader)).RetriableRequest(ctx, req)
	resp, ok := answer.(*kmsg.FetchResponse)
	if err != nil || !ok {
		return
	}
	unpack, ok := f.client.OptValue(kgo.WithDecompressor).(kgo.Decompressor) // bounded
	if !ok {
		return
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			at := cdc.Partition{Topic: t.Topic, ID: t.Partitions[j].Partition}
			for name, d := range seen.topics {
				if at.Topic == "" && d.ID == t.TopicID {
					at.Topic = name
				}
			}
			from, asked := read[at]
			if !asked {
				continue
			}
			opts := kgo.ProcessFetchPartitionOpts{
				KeepControlRecords: true, Offset: from, IsolationLevel: kgo.ReadCommitted(), Topic: at.Topic, Partition: at.ID,
			}
			got, next := kgo.ProcessFetchPartition(opts, &t.Partitions[j], unpack, nil)
			if got.Err == nil && len(got.Records) == 0 && next > from {
				seen.holes[at] = hole{from, min(next, seen.parts[at].stable)}
			}
		}
	}
}

// overHoles reads over the holes that a look found, where nothing was read since.
func (f *Follower) overHoles(seen *looked) {
	for at, h := range seen.holes {
		if p := f.byName[at]; p != nil && p.read == h.from {
			p.read = h.to
			f.cfg.Events.Info("offsets without records read over", "topic", at.Topic, "partition", at.ID, "from", h.from, "to", h.to)
		}
	}
}
