package state

// dayLog remembers the forecast rows changed lately, so that a late one decides the days that nothing newer
// names: per slot a chain of events, bounded in all like the window. 40 bytes an event, 4 bytes a slot.
type dayLog struct {
	ring[dayEvent]
	heads []uint32 // per slot: event + 1; 0: none
}

// begin makes an empty log; evicted is told of what makes room.
func (l *dayLog) begin(most func() int, evicted func(r rank)) {
	l.most = most
	l.used = func(e *dayEvent) bool {
		touched := e.flags&eventTouched != 0
		e.flags &^= eventTouched
		return touched
	}
	l.evict = func(at uint32) {
		evicted(l.entries[at].rank)
		l.unlink(at)
	}
}

// dayEvent is one change of one row: the days that it names, none of a delete.
type dayEvent struct {
	rank
	issued int64
	slot   uint32
	next   uint32 // event + 1 of the same slot
	from   int32
	days   uint16
	list   bool
	flags  uint8
}

const (
	eventLive uint8 = 1 << iota
	eventTouched
	eventIssued
)

func (e *dayEvent) row() dayRow {
	return dayRow{from: e.from, list: e.list, given: e.flags&eventIssued != 0, issued: e.issued}
}

// names reports whether an event names a day.
func (e *dayEvent) names(day int32) bool { return day >= e.from && day-e.from < int32(e.days) }

// chain calls f for the events of a slot until it returns false.
func (l *dayLog) chain(slot uint32, f func(*dayEvent) bool) {
	if int(slot) >= len(l.heads) {
		return
	}
	for n := l.heads[slot]; n != 0; {
		e := &l.entries[n-1]
		n = e.next
		if !f(e) {
			return
		}
	}
}

// note remembers a change. An older one of the same row that names no other days is not needed any more.
func (l *dayLog) note(slot uint32, row dayRow, days int, r rank) {
	done := false
	l.chain(slot, func(e *dayEvent) bool {
		if e.row() == row && e.less(r) && int(e.days) <= days && (e.days > 0) == (days > 0) {
			e.rank, e.days = r, uint16(days)
			e.flags |= eventTouched
			done = true
		}
		return !done
	})
	if done {
		return
	}
	at := l.room()
	if int(slot) >= len(l.heads) {
		grown := make([]uint32, int(slot)+1+max(1024, int(slot)/8))
		copy(grown, l.heads)
		l.heads = grown
	}
	e := dayEvent{rank: r, issued: row.issued, slot: slot, next: l.heads[slot], from: row.from, days: uint16(days), list: row.list, flags: eventLive}
	if row.given {
		e.flags |= eventIssued
	}
	l.entries[at] = e
	l.heads[slot] = at + 1
	l.live++
}

func (l *dayLog) unlink(at uint32) {
	e := &l.entries[at]
	link := &l.heads[e.slot]
	for *link != at+1 {
		link = &l.entries[*link-1].next
	}
	*link = e.next
	*e = dayEvent{}
	l.live--
}

// clear forgets all.
func (l *dayLog) clear() {
	l.entries, l.free, l.hand, l.live = nil, nil, 0, 0
	clear(l.heads)
}

func (l *dayLog) bytes() int64 {
	return int64(cap(l.entries))*40 + int64(4*(cap(l.heads)+cap(l.free)))
}

// dayEventBytes is what an event takes.
const dayEventBytes = 40
