package follow

import "slices"

// bound stops fetching where something waits while too much waits in all, and begins again when half of it is gone.
// What may end the wait is read on all the same, or the one would wait for the other: for each transaction that stands
// first in a queue and is not whole, the marks until its END was read, and its rows:
//
//	marks    BEGIN 8 · END 8 (3) · BEGIN 9 · …    8 has ended: no more marks are needed
//	stock-0  8 · 9 · 9 · 10 …                     rows of later transactions: 8 has nothing more here
//	stock-1  8 ·                                  read on: here the third row of 8 may be
//
// A transaction of more records than may wait is not read on.
func (f *Follower) bound() {
	f.asleep = f.waiting >= f.cfg.HeldRecords || f.asleep && f.waiting > f.cfg.HeldRecords/2
	var first []*transaction
	for _, p := range f.parts {
		if !f.asleep || len(p.queue) == 0 {
			continue
		}
		if t := p.queue[0].tx; t != nil && !t.whole() && !slices.Contains(first, t) {
			first = append(first, t)
		}
	}
	if f.asleep && len(first) == 0 { // a record that was sent again ties whole ones to what stands between
		first = slices.DeleteFunc(slices.Clone(f.txs), (*transaction).whole)
	}
	stop, start := map[string][]int32{}, map[string][]int32{}
	for _, p := range f.parts {
		switch pause := f.asleep && len(p.queue) > 0 && !f.needed(p, first); {
		case pause == p.paused:
			continue
		case pause:
			stop[p.Topic] = append(stop[p.Topic], p.ID)
		default:
			start[p.Topic] = append(start[p.Topic], p.ID)
		}
		p.paused = !p.paused
	}
	if len(stop) > 0 {
		f.client.PauseFetchPartitions(stop)
	}
	if len(start) > 0 {
		f.client.ResumeFetchPartitions(start)
	}
}

// needed reports whether a partition may hold what one of some transactions lacks.
func (f *Follower) needed(p *partition, of []*transaction) bool {
	return slices.ContainsFunc(of, func(t *transaction) bool {
		switch {
		case t.source != p.topic.Source:
			return false
		case p.topic.Transactions:
			return !t.ended
		}
		return t.seen < int64(f.cfg.HeldRecords) && !p.beyond(t)
	})
}

// beyond reports whether a row of a later transaction was read: partitions hold one transaction after another, so there
// are no more rows of this one. Later are positions behind its known rows; and what begins behind it in the marks, or
// after its END.
func (p *partition) beyond(t *transaction) bool {
	if t.seen > 0 && p.newest.Compare(t.newest) > 0 {
		return true
	}
	last := p.last
	return last != nil && last != t && t.order > 0 && (last.order > t.order || last.order == 0 && t.ended)
}
