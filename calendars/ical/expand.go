package ical

import (
	"fmt"
	"time"

	"echelon/calendars"
)

const day = 24 * time.Hour

// expander makes occurrences of events and marks their days.
type expander struct {
	options *Options
	budget  int // occurrences and days still allowed
	whys    [][]string
}

// spend takes one occurrence or day off the budget.
func (x *expander) spend(e *event) error {
	if x.budget--; x.budget < 0 {
		return e.fault("RRULE", fmt.Errorf("more than %d occurrences and days so far: raise the limit or narrow the rules", x.options.MaxOccurrences))
	}
	return nil
}

// series is the events of one UID that change single occurrences of it: what they replace, and the newest of
// each (the highest sequence, of equal ones the last in the file).
type series struct {
	replaced moments
	newest   map[moment]*event
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
	put := func(p period) error {
		if err := x.spend(e); err != nil {
			return err
		}
		if without.has(p.start) || (s != nil && s.replaced.has(p.start)) || done.has(p.start) {
			return nil
		}
		done.add(p.start)
		return x.occurrence(e, p)
	}
	if e.rule == "" {
		if err := put(e.period); err != nil {
			return err
		}
	} else if err := x.recur(e, func(start stamp) error { return put(period{start, e.length}) }); err != nil {
		return err
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
	if p.start.date {
		days := max((p.length+day-1)/day, 1)
		return x.mark(e, p.start.day(), p.start.day()+calendars.Day(days)-1)
	}
	end := p.start
	end.wall = end.wall.Add(max(p.length-time.Microsecond, 0))
	lo, hi := p.start.civil(x.options.Zone), end.civil(x.options.Zone)
	return x.mark(e, lo, max(lo, hi))
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
