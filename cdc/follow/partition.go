package follow

import (
	"errors"
	"fmt"

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

	paused             bool         // not fetched
	newest             cdc.Position // of the rows of transactions that were read
	last               *transaction // of the last of them
	start, stable, end int64        // as the last look saw them
	stuck              int          // looks in a row that saw the same stable offset before the end
	by                 string       // who holds the stable offset back
	heard              int64        // time of the newest record, microseconds UTC
}

// applied is the offset up to which everything is in the state.
func (p *partition) applied() int64 {
	if len(p.queue) > 0 {
		return p.queue[0].Offset
	}
	return p.read
}

// take hands the records of a chunk to the state, or lets them wait: what belongs to no transaction goes at once,
// where nothing waits before it.
func (f *Follower) take(p *partition, c *chunk) error {
	records := c.Records
	for len(records) > 0 && records[0].Offset < p.read {
		records = records[1:] // fetched again after a pause
	}
	f.alive(records)
	sorted := p.topic != nil && p.topic.Source != ""
	from := 0
	for i := range records {
		r := &records[i]
		p.heard = max(p.heard, r.Time)
		var tx *transaction
		if sorted && len(r.Changes) > 0 {
			tx = f.belongs(p, &r.Changes[0])
		}
		if tx == nil && len(p.queue) == 0 {
			continue
		}
		if err := f.apply(p, records[from:i]); err != nil {
			return err
		}
		from = i + 1
		p.wait(p.held.entry(r, tx))
		f.waiting++
	}
	f.status.Read += int64(len(records))
	if err := f.apply(p, records[from:]); err != nil {
		return err
	}
	p.read = max(p.read, c.next)
	if c.err != nil {
		return fmt.Errorf("%s-%d offset %d: %w", p.Topic, p.ID, c.next, c.err)
	}
	return nil
}

// alive notes the signs of life of sources: the instants that changes name, else those of their records.
func (f *Follower) alive(records []cdc.Decoded) {
	source, newest := "", int64(0)
	note := func() {
		if source != "" && newest > f.status.Alive[source] {
			f.status.Alive[source] = newest
		}
	}
	for i := range records {
		for k := range records[i].Changes {
			ch := &records[i].Changes[k]
			at := ch.At
			if at == 0 {
				at = records[i].Time
			}
			if ch.Source != source {
				note()
				source, newest = ch.Source, 0
			}
			newest = max(newest, at)
		}
	}
	note()
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
	t.heard = f.cfg.Now().UnixMicro()
	switch ch.Op {
	case cdc.Begin:
		if t.marks == nil {
			f.begins++
			t.marks, t.order = p, f.begins
			f.wentOn(t, func(o *transaction) bool { return o.marks == p })
		}
		f.passed(t.source, ch.Position)
	case cdc.End:
		t.ended, t.endedAt, t.want = true, t.heard, ch.Events
		f.passed(t.source, ch.Position)
	default:
		t.seen++
		if t.first == (cdc.Position{}) {
			t.first = ch.Position
			f.wentOn(t, func(o *transaction) bool { return o.first != (cdc.Position{}) && o.newest.Compare(ch.Position) < 0 })
			f.pass(t)
		}
		if t.newest.Compare(ch.Position) < 0 {
			t.newest = ch.Position
		}
		p.last = t
		if p.newest.Compare(ch.Position) < 0 {
			p.newest = ch.Position
		}
	}
	return t
}

// wentOn notes that a source has gone on to a transaction: those before it will get no more records than are under
// way, for a connector sends one transaction after another. Before it are those whose BEGIN stands before its own in
// their partition, and those whose records stand before its first.
func (f *Follower) wentOn(to *transaction, before func(*transaction) bool) {
	for _, t := range f.txs {
		if t != to && t.source == to.source && !t.ended && t.later == 0 && before(t) {
			t.later = f.cfg.Now().UnixMicro()
		}
	}
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
	if t.marks == nil && !t.ended && t.first != (cdc.Position{}) && t.first.Compare(f.marks[t.source]) < 0 {
		t.ended, t.endedAt, t.want = true, f.cfg.Now().UnixMicro(), noCount
	}
}

// apply hands records to the state, those of which nothing is to be applied too.
func (f *Follower) apply(p *partition, records []cdc.Decoded) error {
	if len(records) == 0 {
		return nil
	}
	done, err := f.cfg.State.ApplyAll(p.Partition, records)
	source, high := "", cdc.Position{}
	note := func() {
		if source != "" && f.high[source].Compare(high) < 0 {
			f.high[source] = high
		}
	}
	for i := range records[:done] {
		r := &records[i]
		switch {
		case r.Fault != nil:
			f.status.Quarantined++
			r.Fault.Source, r.Fault.Position = fmt.Sprintf("%s-%d", p.Topic, p.ID), r.Offset
			f.cfg.Quarantine(*r.Fault)
		case len(r.Changes) > 0:
			f.status.Applied++
		}
		for k := range r.Changes {
			ch := &r.Changes[k]
			if ch.Source != source {
				note()
				source, high = ch.Source, cdc.Position{}
			}
			if high.Compare(ch.Position) < 0 {
				high = ch.Position
			}
		}
	}
	note()
	if err == nil {
		return nil
	}
	var restored *state.RestoredError
	if errors.As(err, &restored) {
		return &inputs.Refusal{
			Kind: "source_restored", Where: restored.Source, Err: err,
			Hint: "if the source's rows are to be taken from there: --accept-restore " + restored.Source,
		}
	}
	return fmt.Errorf("apply %s-%d offset %d: %w", p.Topic, p.ID, records[done].Offset, err)
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
		f.due = f.due[:0]
		for i := range p.queue[:n] {
			f.due = append(f.due, p.queue[i].Decoded)
			p.queue[i] = entry{} // its memory may go
		}
		err := f.apply(p, f.due)
		clear(f.due)
		if err != nil {
			return err
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
		switch {
		case t.lost:
			f.status.Short++
			f.cfg.Events.Warn("transaction taken whose END never came", "source", t.source, "transaction", t.id, "records", t.seen)
		case t.short:
			f.status.Short++
			f.cfg.Events.Warn("transaction taken without records that never came", "source", t.source, "transaction", t.id, "records", t.seen, "expected", t.want)
		}
	}
	clear(f.txs[len(left):])
	f.txs = left
	return nil
}

// overdue takes the transactions whose END was read long ago, or has not come long after their source went on: when
// their partitions were read to the ends that were there after it, what is missing will not come.
func (f *Follower) overdue() {
	now := f.cfg.Now().UnixMicro()
	for _, t := range f.txs {
		since := t.endedAt
		switch {
		case t.short, t.ended && t.seen >= t.want, !t.ended && t.later == 0:
			continue
		case !t.ended:
			since = max(t.later, t.heard)
		}
		if t.ends == nil || t.looked <= since {
			if f.lookedAt <= since {
				continue
			}
			t.ends, t.looked = map[*partition]int64{}, f.lookedAt
			for _, p := range f.parts {
				if p.topic != nil && p.topic.Source == t.source {
					t.ends[p] = p.end
				}
			}
		}
		read := true
		for p, end := range t.ends {
			read = read && (p.read >= end || p.paused && p.beyond(t))
		}
		if !read || now-since < f.cfg.TxGrace.Microseconds() {
			continue
		}
		t.short = true
		if !t.ended {
			t.ended, t.endedAt, t.want, t.lost = true, now, noCount, true
		}
	}
}
