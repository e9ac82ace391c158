package follow

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/cdc"
	"echelon/inputs"
)

// looked is what a look at the cluster saw.
type looked struct {
	at      int64 // microseconds UTC, before the look
	parts   map[cdc.Partition]extent
	missing []string                 // topics that are not there, ascending
	foreign map[cdc.Partition]string // who holds the stable offset of a partition back
	topics  kadm.TopicDetails
	holes   map[cdc.Partition]hole
	err     error
}

// extent is where the records of a partition begin, up to where transactions have ended, and where it ends.
type extent struct{ start, stable, end int64 }

// watch looks again and again.
func (f *Follower) watch(ctx context.Context, to chan<- looked) {
	tick := time.NewTicker(f.cfg.Look)
	defer tick.Stop()
	before := map[cdc.Partition]extent{}
	var stood standing
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		limited, cancel := context.WithTimeout(ctx, f.cfg.StartTimeout)
		seen, err := f.look(limited)
		if err == nil {
			f.name(limited, &seen, before)
			before = seen.parts
			f.holes(limited, &seen, &stood)
		}
		cancel()
		seen.err = err
		select {
		case to <- seen:
		case <-ctx.Done():
			return
		}
	}
}

// look asks the cluster for the partitions of all topics and where they begin and end.
func (f *Follower) look(ctx context.Context) (looked, error) {
	seen := looked{at: f.cfg.Now().UnixMicro(), parts: map[cdc.Partition]extent{}, holes: map[cdc.Partition]hole{}}
	names := slices.Sorted(maps.Keys(f.topics))
	if err := f.refresh(ctx, names); err != nil {
		return seen, f.away(ctx, err, names)
	}
	details, err := f.admin.ListTopics(ctx, names...)
	if err != nil {
		return seen, f.away(ctx, err, names)
	}
	seen.topics = details
	var there []string
	for _, name := range names {
		d, known := details[name]
		switch {
		case !known || errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			seen.missing = append(seen.missing, name)
		case denied(d.Err):
			return seen, &Error{Kind: Denied, Where: name, Hint: "grant Read and Describe on the topic, or check the credentials", Err: d.Err}
		case d.Err != nil:
			return seen, f.away(ctx, fmt.Errorf("%s: %w", name, d.Err), nil)
		default:
			there = append(there, name)
		}
	}
	if len(there) == 0 {
		return seen, nil
	}
	for i, list := range []func(context.Context, ...string) (kadm.ListedOffsets, error){
		f.admin.ListEndOffsets, f.admin.ListCommittedOffsets, f.admin.ListStartOffsets,
	} {
		offsets, err := list(ctx, there...)
		if err != nil {
			return seen, f.away(ctx, err, there)
		}
		for _, byID := range offsets {
			for _, o := range byID {
				if denied(o.Err) {
					return seen, &Error{Kind: Denied, Where: o.Topic, Hint: "grant Read and Describe on the topic", Err: o.Err}
				}
				if o.Err != nil {
					return seen, f.away(ctx, fmt.Errorf("%s-%d: %w", o.Topic, o.Partition, o.Err), nil)
				}
				at := cdc.Partition{Topic: o.Topic, ID: o.Partition}
				e := seen.parts[at]
				*[]*int64{&e.end, &e.stable, &e.start}[i] = o.Offset
				seen.parts[at] = e
			}
		}
	}
	return seen, nil
}

// refresh asks for the topics past the client's cache, and so renews it: a cut that is asked for now must not miss
// partitions of a moment ago.
func (f *Follower) refresh(ctx context.Context, topics []string) error {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	_, err := req.RequestWith(ctx, f.watcher)
	return err
}

// away classifies an error of the cluster that a later look may not meet. Of topics that were asked for together
// it finds out which are denied.
func (f *Follower) away(ctx context.Context, err error, topics []string) error {
	if !denied(err) {
		return &Error{Kind: BrokerAway, Hint: "check the addresses and that the cluster is up", Err: err}
	}
	var which []string
	for _, name := range topics {
		if _, err := f.admin.ListStartOffsets(ctx, name); denied(err) && len(topics) > 1 {
			which = append(which, name)
		}
	}
	hint := "grant Read and Describe on the topic, or check the credentials"
	return &Error{Kind: Denied, Where: strings.Join(which, ", "), Hint: hint, Err: err}
}

// name finds out who holds back the stable offset of partitions where it did not move since the look before. What
// may not be asked stays without a name.
func (f *Follower) name(ctx context.Context, seen *looked, before map[cdc.Partition]extent) {
	ask := kadm.TopicsSet{}
	for at, e := range seen.parts {
		if was, ok := before[at]; ok && e.stable < e.end && was.stable == e.stable {
			ask.Add(at.Topic, at.ID)
		}
	}
	if len(ask) == 0 {
		return
	}
	seen.foreign = map[cdc.Partition]string{}
	var producers []int64
	holds := map[cdc.Partition]int64{}
	described, _ := f.admin.DescribeProducers(ctx, ask)
	for _, p := range described.SortedProducers() {
		at := cdc.Partition{Topic: p.Topic, ID: p.Partition}
		if p.CurrentTxnStartOffset < 0 {
			continue
		}
		if _, named := holds[at]; !named || p.CurrentTxnStartOffset == seen.parts[at].stable {
			holds[at] = p.ProducerID
			producers = append(producers, p.ProducerID)
		}
	}
	names := map[int64]string{}
	if len(producers) > 0 {
		listed, _ := f.admin.ListTransactions(ctx, producers, nil)
		for _, t := range listed {
			names[t.ProducerID] = t.TxnID
		}
	}
	for at, id := range holds {
		seen.foreign[at] = fmt.Sprintf("producer %d", id)
		if name := names[id]; name != "" {
			seen.foreign[at] = fmt.Sprintf("transactional id %s (producer %d)", name, id)
		}
	}
}

// saw takes a look up. A cluster that is away is a stall, not an end.
func (f *Follower) saw(seen looked) error {
	var own *Error
	if errors.As(seen.err, &own) && own.Kind == BrokerAway || seen.err != nil && own == nil {
		f.status.Away++
		f.status.LastError = seen.err.Error()
		return f.round()
	}
	if seen.err != nil {
		return seen.err
	}
	f.status.Away = 0
	if err := f.see(seen); err != nil {
		return err
	}
	return f.round()
}

// see adds the partitions that are new and notes the ends of all.
func (f *Follower) see(seen looked) error {
	var missing []string
	for _, name := range seen.missing {
		if !f.topics[name].Optional {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return &Error{
			Kind: TopicMissing, Where: strings.Join(missing, ", "),
			Hint: "make the topics, or let the mapping name those that are there",
		}
	}
	f.status.Missing = seen.missing
	f.lookedAt = seen.at
	add := map[string]map[int32]kgo.Offset{}
	known := f.cfg.State.Offsets()
	topicKnown := map[string]bool{}
	for at := range known {
		topicKnown[at.Topic] = true
	}
	at := slices.SortedFunc(maps.Keys(seen.parts), func(a, b cdc.Partition) int {
		if n := strings.Compare(a.Topic, b.Topic); n != 0 {
			return n
		}
		return int(a.ID) - int(b.ID)
	})
	for _, name := range at {
		e := seen.parts[name]
		p := f.byName[name]
		if p == nil {
			p = &partition{Partition: name, topic: f.topics[name.Topic], read: e.start}
			from, was := known[name]
			where := fmt.Sprintf("%s-%d", name.Topic, name.ID)
			switch {
			case was && from < e.start, !was && topicKnown[name.Topic] && e.start > 0:
				return gone(where, from, e.start)
			case was && from > e.end:
				return &inputs.Refusal{
					Kind: "offsets_ahead", Where: where,
					Hint: "the topic was made anew, or the brokers lost records: take a new base of its tables",
					Err:  fmt.Errorf("the state read up to offset %d, the topic ends at %d", from, e.end),
				}
			case was:
				p.read = from
			}
			if add[name.Topic] == nil {
				add[name.Topic] = map[int32]kgo.Offset{}
			}
			add[name.Topic][name.ID] = kgo.NewOffset().At(p.read)
			f.byName[name] = p
			f.parts = append(f.parts, p)
			f.cfg.Events.Info("partition followed", "topic", name.Topic, "partition", name.ID, "offset", p.read)
		}
		if e.stable < e.end && e.stable == p.stable && p.read >= e.stable {
			p.stuck++
		} else {
			p.stuck = 0
		}
		p.start, p.stable, p.end, p.by = e.start, e.stable, e.end, seen.foreign[name]
	}
	f.overHoles(&seen)
	if len(add) > 0 {
		f.client.AddConsumePartitions(add)
		f.client.ForceMetadataRefresh() // it may not know them yet
		slices.SortFunc(f.parts, func(a, b *partition) int {
			if n := strings.Compare(a.Topic, b.Topic); n != 0 {
				return n
			}
			return int(a.ID) - int(b.ID)
		})
	}
	return nil
}
