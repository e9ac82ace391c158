package ical

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"echelon/calendars"
)

const day = 24 * time.Hour

// expander makes occurrences of events and marks their days.
type expander struct {
	options *Options
	budget  int // occurrences and days still allowed
	search  int // steps of rules of several times a day still allowed
	whys    [][]string
}

// spend takes one occurrence or day off the budget.
func (x *expander) spend(e *event) error {
	if x.budget--; x.budget < 0 {
		return e.fault("RRULE", fmt.Errorf("more than %d occurrences and days so far: raise the limit or narrow the rules", x.options.MaxOccurrences))
	}
	return nil
}

// series is the events of one UID that change occurrences of it: what they replace, the newest of each (the
// highest sequence, of equal ones the last in the file), and those that change all later ones too.
type series struct {
	replaced moments
	newest   map[moment]*event
	onwards  []*event // newest ones, ascending by what they replace
}

// settle sorts the changes of later occurrences.
func (s *series) settle() error {
	for _, e := range s.newest {
		if e.onwards {
			s.onwards = append(s.onwards, e)
		}
	}
	slices.SortFunc(s.onwards, func(a, b *event) int {
		return cmp.Or(cmp.Compare(a.replaces.instant(), b.replaces.instant()), cmp.Compare(a.number, b.number))
	})
	for _, e := range s.onwards {
		if e.earlier() > maxEarlier {
			return e.fault("RECURRENCE-ID", fmt.Errorf("moves all later occurrences more than %d days ahead: make them a series of their own", maxEarlier))
		}
	}
	return nil
}

// maxEarlier is how many days a change may move all later occurrences ahead: so much further is a series expanded.
const maxEarlier = 366

// earlier is by how many days the event lies before the occurrence that it replaces, 0 when it does not.
func (e *event) earlier() calendars.Day { return max(0, e.replaces.day()-e.start.day()) }

// changed gives the event that an occurrence is one of, and the occurrence as the last change before it has it.
func (s *series) changed(e *event, p period) (*event, period) {
	if s == nil {
		return e, p
	}
	at := p.start.instant()
	n := sort.Search(len(s.onwards), func(i int) bool { return s.onwards[i].replaces.instant() > at })
	if n == 0 {
		return e, p
	}
	by := s.onwards[n-1]
	moved := by.period
	moved.start.wall = moved.start.wall.Add(p.start.wall.Sub(by.replaces.wall))
	return by, moved
}

// moment names one occurrence of a series.
type moment struct {
	date bool
	at   int64
}

// expand marks every occurrence: series without what was dropped or replaced, then the replacements.
func (x *expander) expand(events []*event) error {
	byUID := map[string]*series{}
	clock := map[string]*zone{} // of each series
	for _, e := range events {
		if e.replaces == nil && clock[e.uid] == nil {
			clock[e.uid] = e.start.zone
		}
	}
	for _, e := range events {
		if e.replaces == nil {
			continue
		}
		*e.replaces = e.replaces.in(clock[e.uid]) // a floating one is on the clock of its series
		s := byUID[e.uid]
		if s == nil {
			s = &series{newest: map[moment]*event{}}
			byUID[e.uid] = s
		}
		s.replaced.add(*e.replaces)
		if old := s.newest[e.moment()]; old == nil || old.sequence <= e.sequence {
			s.newest[e.moment()] = e
		}
	}
	for _, e := range events { // by the order of the file: the first fault is always the same
		if s := byUID[e.uid]; e.replaces != nil && s.newest[e.moment()] == e && s.onwards == nil {
			if err := s.settle(); err != nil {
				return err
			}
		}
	}
	cancelled := map[string]bool{}
	for _, e := range events {
		if e.replaces != nil {
			continue
		}
		if e.cancelled {
			cancelled[e.uid] = true
			continue
		}
		if err := x.master(e, byUID[e.uid]); err != nil {
			return err
		}
	}
	for _, e := range events {
		if e.replaces == nil || e.cancelled || (e.uid != "" && cancelled[e.uid]) || byUID[e.uid].newest[e.moment()] != e {
			continue
		}
		if err := x.occurrence(e, e.period); err != nil {
			return err
		}
	}
	return nil
}

// moment names the occurrence that the event replaces.
func (e *event) moment() moment { return moment{e.replaces.date, e.replaces.instant()} }

// master marks the occurrences of an event or series, each start once.
func (x *expander) master(e *event, s *series) error {
	var without, done moments
	for _, d := range e.dropped {
		without.add(d)
	}
	last := x.options.Last + 2 // no zone is further away than that
	if s != nil {
		for _, o := range s.onwards {
			last = max(last, x.options.Last+2+o.earlier())
		}
	}
	for _, text := range e.without {
		err := x.recur(e, "EXRULE", text, last, true, func(start stamp) error {
			without.add(start)
			return x.spend(e)
		})
		if err != nil {
			return err
		}
	}
	put := func(p period) error {
		if err := x.spend(e); err != nil {
			return err
		}
		if without.has(p.start) || (s != nil && s.replaced.has(p.start)) || done.has(p.start) {
			return nil
		}
		done.add(p.start)
		by, p := s.changed(e, p)
		if by.cancelled {
			return nil
		}
		return x.occurrence(by, p)
	}
	if len(e.rules) == 0 {
		if err := put(e.period); err != nil {
			return err
		}
	}
	whole := len(e.dropped) > 0 || len(e.without) > 0 || s != nil // single starts matter, not only their days
	for _, text := range e.rules {
		if err := x.recur(e, "RRULE", text, last, whole, func(start stamp) error { return put(period{start, e.length}) }); err != nil {
			return err
		}
	}
	for _, p := range e.added {
		if err := put(p); err != nil {
			return err
		}
	}
	return nil
}

// occurrence marks the days from the start to the last instant before the end.
func (x *expander) occurrence(e *event, p period) error {
	lo, hi := x.touched(p)
	return x.mark(e, lo, hi)
}

// touched gives the first and the last civil day that an occurrence touches.
func (x *expander) touched(p period) (lo, hi calendars.Day) {
	if p.start.date {
		days := max((p.length+day-1)/day, 1)
		return p.start.day(), p.start.day() + calendars.Day(days) - 1
	}
	end := p.start
	end.wall = end.wall.Add(max(p.length-time.Microsecond, 0))
	lo = p.start.civil(x.options.Zone)
	return lo, max(lo, end.civil(x.options.Zone))
}

// moments is a set of starts. A date stands for all that begins on that day, and an all-day start is found
// by a time on its day: exporters mix the two.
type moments struct {
	dates, days map[calendars.Day]bool
	instants    map[int64]bool
}

func (m *moments) add(s stamp) {
	if m.instants == nil {
		m.dates, m.days, m.instants = map[calendars.Day]bool{}, map[calendars.Day]bool{}, map[int64]bool{}
	}
	if s.date {
		m.dates[s.day()] = true
		return
	}
	m.days[s.day()] = true
	m.instants[s.instant()] = true
}

func (m *moments) has(s stamp) bool {
	if s.date {
		return m.dates[s.day()] || m.days[s.day()]
	}
	return m.dates[s.day()] || m.instants[s.instant()]
}
