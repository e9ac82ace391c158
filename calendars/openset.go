package calendars

import "math/bits"

// OpenSet is a calendar compiled to bits over a range of days:
//
//	open   bit d − first  1: the day is open
//	dated  bit d − first  1: an exception overrules what the rules say of the day
//
// Days outside the range are asked of the calendar itself, so the range decides speed and never an answer.
// A nil OpenSet is open every day. The calendar must not change afterwards.
type OpenSet struct {
	cal         *Calendar
	first, last Day
	open, dated []uint64
}

// NewOpenSet compiles the days first to last (inclusive) of a calendar; nil for a nil calendar.
func NewOpenSet(cal *Calendar, first, last Day) *OpenSet {
	if cal == nil {
		return nil
	}
	s := &OpenSet{cal: cal, first: first, last: last}
	if last < first {
		s.last = first - 1
		return s
	}
	words := (int64(last)-int64(first))/64 + 1
	s.open, s.dated = make([]uint64, words), make([]uint64, words)
	next := 0 // first exception not before the day
	for d := int64(first); d <= int64(last); d++ {
		i := d - int64(first)
		open := cal.ruled(Day(d)).Open
		for next < len(cal.Exceptions) && int64(cal.Exceptions[next].Day) < d {
			next++
		}
		if next < len(cal.Exceptions) && int64(cal.Exceptions[next].Day) == d && cal.Exceptions[next].Open != open {
			open = !open
			s.dated[i>>6] |= 1 << (i & 63)
		}
		if open {
			s.open[i>>6] |= 1 << (i & 63)
		}
	}
	return s
}

// Calendar gives the calendar behind the set; nil for a nil set.
func (s *OpenSet) Calendar() *Calendar {
	if s == nil {
		return nil
	}
	return s.cal
}

// Open reports whether the day is open.
func (s *OpenSet) Open(d Day) bool {
	if s == nil {
		return true
	}
	if d < s.first || d > s.last {
		open, _ := s.cal.Open(d)
		return open
	}
	i := int64(d) - int64(s.first)
	return s.open[i>>6]>>(i&63)&1 != 0
}

// NextOpen gives the first open day on or after d and not after limit; false when there is none.
func (s *OpenSet) NextOpen(d, limit Day) (Day, bool) {
	return s.nth(int64(d), 1, int64(limit))
}

// NthOpenAfter gives the n-th open day strictly after d; for n = 0 d itself when open, else the next open
// day. False when it is after limit.
func (s *OpenSet) NthOpenAfter(d Day, n int32, limit Day) (Day, bool) {
	if n <= 0 {
		return s.nth(int64(d), 1, int64(limit))
	}
	return s.nth(int64(d)+1, int64(n), int64(limit))
}

// nth gives the n-th open day on or after d, n ≥ 1.
func (s *OpenSet) nth(d, n, limit int64) (Day, bool) {
	if s == nil {
		d += n - 1
		return Day(d), d <= limit
	}
	first, last := int64(s.first), int64(s.last)
	for d <= limit {
		if d < first || d > last {
			if open, _ := s.cal.Open(Day(d)); open {
				if n--; n == 0 {
					return Day(d), true
				}
			}
			d++
			continue
		}
		i := d - first
		word := s.open[i>>6] >> (i & 63) // bits past last are never set
		if count := int64(bits.OnesCount64(word)); count < n {
			n -= count
			d += 64 - i&63
			if d > last+1 {
				d = last + 1
			}
			continue
		}
		for ; n > 1; n-- {
			word &= word - 1
		}
		d += int64(bits.TrailingZeros64(word))
		return Day(d), d <= limit
	}
	return 0, false
}

// cause says what made a search that began on from end on to: an exception that overruled a day on the
// way (to included), closed days of the rules, or nothing.
func (s *OpenSet) cause(from, to Day) Cause {
	if s == nil {
		return CauseNone
	}
	c := CauseNone
	for d := from; d <= to; d++ {
		if s.overruled(d) {
			return CauseException
		}
		if !s.Open(d) {
			c = CauseCalendar
		}
	}
	return c
}

// overruled reports whether an exception says other than the rules.
func (s *OpenSet) overruled(d Day) bool {
	if d < s.first || d > s.last {
		e := s.cal.exception(d)
		return e != nil && e.Open != s.cal.ruled(d).Open
	}
	i := int64(d) - int64(s.first)
	return s.dated[i>>6]>>(i&63)&1 != 0
}
