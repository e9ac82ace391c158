package follow

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
	"echelon/cdc/state"
	"echelon/inputs"
)

// partition is one partition that is followed.
type partition struct {
	cdc.Partition
	topic *Topic
	read  int64 // offset after the last record that was read, marks of the broker included
	queue []entry
	taken int64 // entries that ever left the queue
	limit int64 // what settle allows
	held  copies

	start, stable, end int64  // as the last look saw them
	stuck              int    // looks in a row that saw the same stable offset before the end
	by                 string // who holds the stable offset back
	heard              int64  // time of the newest record, microseconds UTC
}

// applied is the offset up to which everything is in the state.
func (p *partition) applied() int64 {
	if len(p.queue) > 0 {
		return p.queue[0].offset
	}
	return p.read
}

// fault is why a record could not be decoded.
type fault struct{ inputs.Fault }

// take decodes a record. What belongs to no transaction goes to the state at once, where nothing waits before it.
func (f *Follower) take(p *partition, r *kgo.Record) error {
	if r.Offset < p.read {
		return nil // fetched again after a pause
	}
	p.read = r.Offset + 1
	if r.Attrs.IsControl() {
		return nil
	}
	rec := &f.record
	rec.Partition, rec.Offset, rec.Time, rec.Key, rec.Value = p.Partition, r.Offset, r.Timestamp.UnixMicro(), r.Key, r.Value
	rec.Headers = rec.Headers[:0]
	for _, h := range r.Headers {
		rec.Headers = append(rec.Headers, cdc.Header{Key: h.Key, Value: h.Value})
	}
	return f.decode(p, rec)
}

// decode decodes one record and applies it, or lets it wait.
func (f *Follower) decode(p *partition, rec *cdc.Record) error {
	f.status.Read++
	p.heard = max(p.heard, rec.Time)
	e := entry{offset: rec.Offset}
	direct, n, from := false, 0, len(p.held.changes)
	err := f.cfg.Decoder.Decode(rec, func(ch *cdc.Change) error {
		if n == 0 {
			if p.topic != nil && p.topic.Source != "" {
				e.tx = f.belongs(p, ch)
			}
			direct = e.tx == nil && len(p.queue) == 0
		}
		n++
		f.alive(ch, rec.Time)
		if direct {
			return f.apply(p, rec.Offset, ch)
		}
		from = p.held.keep(ch, from)
		return nil
	})
	var bad *inputs.Fault
	switch {
	case errors.As(err, &bad):
		e.fault, e.tx, direct = &fault{*bad}, nil, len(p.queue) == 0
		p.held.changes = p.held.changes[:from]
	case err != nil:
		return fmt.Errorf("%s-%d offset %d: %w", p.Topic, p.ID, rec.Offset, err)
	case n == 0:
		direct = len(p.queue) == 0
	}
	if !direct {
		e.changes = p.held.changes[from:len(p.held.changes):len(p.held.changes)]
		p.wait(e)
		f.waiting++
		return nil
	}
	if n > 0 && e.fault == nil {
		f.status.Applied++
		return nil
	}
	return f.finish(p, &e)
}

// belongs gives the transaction of a change, nil for none and for one that is over and comes again.
func (f *Follower) belongs(p *partition, ch *cdc.Change) *transaction {
	if ch.Tx == "" {
		return nil
	}
	key := ch.Source + "\x00" + ch.Tx
	t := f.open[key]
	if t == nil {
		if f.done.has(key) {
			return nil
		}
		t = &transaction{source: ch.Source, id: ch.Tx, since: f.cfg.Now().UnixMicro()}
		f.open[key] = t
		f.txs = append(f.txs, t)
	}
	switch ch.Op {
	case cdc.Begin:
		t.begun = true
		f.passed(t.source, ch.Position)
	case cdc.End:
		t.ended, t.endedAt, t.want = true, f.cfg.Now().UnixMicro(), ch.Events
		f.passed(t.source, ch.Position)
	default:
		t.seen++
		if t.first == (cdc.Position{}) {
			t.first = ch.Position
			f.pass(t)
		}
	}
	return t
}

// passed notes that the marks of a source stand at a position.
func (f *Follower) passed(source string, at cdc.Position) {
	if f.marks[source].Compare(at) >= 0 {
		return
	}
	f.marks[source] = at
	for _, t := range f.txs {
		f.pass(t)
	}
}

// pass ends a transaction of which no BEGIN was read and which later marks have passed: it will get no END either,
// for the topic of marks keeps them for a shorter time than rows are kept.
func (f *Follower) pass(t *transaction) {
	if !t.begun && !t.ended && t.first != (cdc.Position{}) && t.first.Compare(f.marks[t.source]) < 0 {
		t.ended, t.endedAt, t.want = true, f.cfg.Now().UnixMicro(), noCount
	}
}

// finish applies an entry, or counts it where it says nothing.
func (f *Follower) finish(p *partition, e *entry) error {
	switch {
	case e.fault != nil:
		if err := f.cfg.State.Done(p.Partition, e.offset, state.Quarantined); err != nil {
			return err
		}
		f.status.Quarantined++
		e.fault.Source, e.fault.Position = fmt.Sprintf("%s-%d", p.Topic, p.ID), e.offset
		f.cfg.Quarantine(e.fault.Fault)
		return nil
	case len(e.changes) == 0:
		return f.cfg.State.Done(p.Partition, e.offset, state.Filtered)
	}
	f.status.Applied++
	for i := range e.changes {
		if err := f.apply(p, e.offset, &e.changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// apply hands a change to the state.
func (f *Follower) apply(p *partition, offset int64, ch *cdc.Change) error {
	if err := f.cfg.State.Apply(p.Partition, offset, ch); err != nil {
		var restored *state.RestoredError
		if errors.As(err, &restored) {
			return &inputs.Refusal{
				Kind: "source_restored", Where: restored.Source, Err: err,
				Hint: "if the source's rows are to be taken from there: --accept-restore " + restored.Source,
			}
		}
		return fmt.Errorf("apply %s-%d offset %d: %w", p.Topic, p.ID, offset, err)
	}
	if high := f.high[ch.Source]; ch.Source != "" && high.Compare(ch.Position) < 0 {
		f.high[ch.Source] = ch.Position
	}
	return nil
}

// round applies what can be applied of all queues.
func (f *Follower) round() error {
	if f.waiting == 0 {
		return nil
	}
	f.overdue()
	settle(f.parts, f.txs)
	for _, p := range f.parts {
		n := int(p.limit - p.taken)
		for i := range p.queue[:n] {
			if err := f.finish(p, &p.queue[i]); err != nil {
				return err
			}
			p.queue[i] = entry{} // its memory may go
		}
		p.queue = p.queue[n:]
		p.taken += int64(n)
		f.waiting -= n
		if len(p.queue) == 0 {
			p.queue, p.held = nil, copies{}
		}
	}
	left := f.txs[:0]
	for _, t := range f.txs {
		if t.at[0].first >= t.at[0].p.taken {
			left = append(left, t)
			continue
		}
		key := t.source + "\x00" + t.id
		delete(f.open, key)
		f.done.add(key)
		if t.short {
			f.status.Short++
			f.cfg.Events.Warn("transaction taken without records that never came", "source", t.source, "transaction", t.id, "records", t.seen, "expected", t.want)
		}
	}
	clear(f.txs[len(left):])
	f.txs = left
	return nil
}

// overdue takes the transactions whose END was read long ago and whose partitions were read to the ends that were
// there after it: what is missing will not come.
func (f *Follower) overdue() {
	now := f.cfg.Now().UnixMicro()
	for _, t := range f.txs {
		if !t.ended || t.short || t.seen >= t.want {
			continue
		}
		if t.ends == nil {
			if f.lookedAt <= t.endedAt {
				continue
			}
			t.ends = map[*partition]int64{}
			for _, p := range f.parts {
				if p.topic != nil && p.topic.Source == t.source {
					t.ends[p] = p.end
				}
			}
		}
		read := true
		for p, end := range t.ends {
			read = read && p.read >= end
		}
		t.short = read && now-t.endedAt >= f.cfg.TxGrace.Microseconds()
	}
}
