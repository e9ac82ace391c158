package ical

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/teambition/rrule-go"

	"echelon/calendars"
)

// maxSearch is how many hours, minutes and seconds rules of several times a day may look at in one file.
const maxSearch = 5_000_000

var errSearch = fmt.Errorf("more than %d steps of looking for times: narrow the rule, or say it by days", maxSearch)

const daySeconds = 86_400

// clockRule is a rule that recurs every so many hours, minutes or seconds. Its periods are those hours, minutes or
// seconds of the wall clock; times are seconds of it since 1970.
type clockRule struct {
	start, end int64 // first and last time allowed
	base       int64 // begin of the first period
	unit, step int64 // seconds of a period, and from one to the next
	count      int   // 0: without limit
	option     *rrule.ROption
	minutes    []int // times in an hour, where the period is one; ascending
	seconds    []int // times in a minute
	search     *int  // steps left

	day   calendars.Day // of fits
	fits  bool
	known bool
}

// newClockRule reads a rule whose start is on the wall clock.
func newClockRule(o *rrule.ROption, start, end time.Time, search *int) (*clockRule, error) {
	if len(o.Byweekno) > 0 {
		return nil, errors.New("BYWEEKNO: only for YEARLY")
	}
	for _, d := range o.Byweekday {
		if d.N() != 0 {
			return nil, errors.New("BYDAY: numbered days are only for MONTHLY and YEARLY")
		}
	}
	r := &clockRule{
		start: start.Unix(), end: end.Unix(), unit: map[rrule.Frequency]int64{rrule.HOURLY: 3600, rrule.MINUTELY: 60, rrule.SECONDLY: 1}[o.Freq],
		count: o.Count, option: o, minutes: o.Byminute, seconds: o.Bysecond, search: search,
	}
	r.step = r.unit * int64(max(1, o.Interval))
	r.base = r.start - mod(r.start, r.unit)
	if len(r.minutes) == 0 {
		r.minutes = []int{start.Minute()}
	}
	if len(r.seconds) == 0 {
		r.seconds = []int{start.Second()}
	}
	for _, list := range []*[]int{&r.minutes, &r.seconds} {
		*list = slices.Clone(*list)
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return r, nil
}

// next gives the first time of the rule from a time on, false when there is none up to its end.
func (r *clockRule) next(from int64) (int64, bool, error) {
	from = max(from, r.start)
	for at := r.periodOf(from); at <= r.end; {
		if *r.search--; *r.search < 0 {
			return 0, false, errSearch
		}
		if skip := r.misses(at); skip > 0 {
			at = r.periodOf(at + skip)
			continue
		}
		for _, t := range r.times(at) {
			if t >= from && t <= r.end {
				return t, true, nil
			}
		}
		at += r.step
	}
	return 0, false, nil
}

// periodOf is the first period that ends after a time.
func (r *clockRule) periodOf(t int64) int64 {
	if t < r.base+r.unit {
		return r.base
	}
	return r.base + (t-r.base-r.unit)/r.step*r.step + r.step
}

// misses says for how many seconds from the begin of a period no period matches the rule, 0 when this one does.
func (r *clockRule) misses(at int64) int64 {
	of := mod(at, daySeconds)
	if !r.onDay(calendars.Day((at - of) / daySeconds)) {
		return daySeconds - of
	}
	hour, minute := int(of/3600), int(of/60%60)
	switch {
	case len(r.option.Byhour) > 0 && !slices.Contains(r.option.Byhour, hour):
		return 3600 - of%3600
	case r.unit <= 60 && len(r.option.Byminute) > 0 && !slices.Contains(r.option.Byminute, minute):
		return 60 - of%60
	case r.unit == 1 && len(r.option.Bysecond) > 0 && !slices.Contains(r.option.Bysecond, int(of%60)):
		return 1
	}
	return 0
}

// onDay reports whether the rule takes place on a day.
func (r *clockRule) onDay(d calendars.Day) bool {
	if r.known && d == r.day {
		return r.fits
	}
	t, o := d.Time(), r.option
	from := func(list []int, n, all int) bool { // counted from the begin, or backwards from the end
		return len(list) == 0 || slices.Contains(list, n) || slices.Contains(list, n-all-1)
	}
	y, m, dom := t.Date()
	year := int(calendars.DayOf(y+1, time.January, 1) - calendars.DayOf(y, time.January, 1))
	r.known, r.day = true, d
	r.fits = (len(o.Bymonth) == 0 || slices.Contains(o.Bymonth, int(m))) &&
		from(o.Bymonthday, dom, int(calendars.DayOf(y, m+1, 1)-calendars.DayOf(y, m, 1))) && from(o.Byyearday, t.YearDay(), year) &&
		(len(o.Byweekday) == 0 || slices.ContainsFunc(o.Byweekday, func(w rrule.Weekday) bool { return w.Day()+1 == d.Weekday() }))
	return r.fits
}

// times gives the times of a period, ascending.
func (r *clockRule) times(at int64) []int64 {
	var all []int64
	switch r.unit {
	case 1:
		all = []int64{at}
	case 60:
		for _, s := range r.seconds {
			all = append(all, at+int64(s))
		}
	default:
		for _, m := range r.minutes {
			for _, s := range r.seconds {
				all = append(all, at+int64(m)*60+int64(s))
			}
		}
	}
	*r.search -= len(all)
	if len(r.option.Bysetpos) == 0 {
		return all
	}
	var chosen []int64
	for i, t := range all {
		if slices.Contains(r.option.Bysetpos, i+1) || slices.Contains(r.option.Bysetpos, i-len(all)) {
			chosen = append(chosen, t)
		}
	}
	return chosen
}

// clock gives the starts of a rule of several times a day. Unless whole, those are left out that touch the same days as
// the one before them: a day needs a few of its 86,400 seconds.
func (x *expander) clock(e *event, r *clockRule, whole bool, put func(stamp) error) error {
	from := r.start
	if !whole && r.count == 0 { // what is over before the range marks nothing in it
		from = max(from, x.options.First.Time().Unix()-2*daySeconds-int64(e.length/time.Second))
	}
	for n := 1; ; n++ {
		at, ok, err := r.next(from)
		if err != nil || !ok {
			return err
		}
		start := e.start
		start.wall = time.Unix(at, 0).UTC()
		if err := put(start); err != nil {
			return err
		}
		if n == r.count {
			return nil
		}
		from = at + 1
		if !whole && r.count == 0 {
			from = at + x.unchanged(e, start)
		}
	}
}

// unchanged gives after how many seconds an occurrence would touch other days than one that starts now.
func (x *expander) unchanged(e *event, start stamp) int64 {
	lo, hi := x.touched(period{start, e.length})
	return 1 + int64(sort.Search(3*daySeconds, func(n int) bool {
		later := start
		later.wall = later.wall.Add(time.Duration(n+1) * time.Second)
		a, b := x.touched(period{later, e.length})
		return a != lo || b != hi
	}))
}

// mod is the remainder that is never negative.
func mod(a, b int64) int64 { return ((a % b) + b) % b }
