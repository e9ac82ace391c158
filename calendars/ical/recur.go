package ical

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"echelon/calendars"
)

const (
	maxRule     = 512    // bytes of a RRULE
	maxInterval = 10_000 // of its frequency
	// The Gregorian calendar repeats after 400 years, weekdays included.
	period400 = 400
	// The library looks for a next occurrence up to this year, however far away that is.
	searchEnd = 9999
)

// recur gives the starts of a RRULE or EXRULE, on the wall clock of the event, up to the day last. Of a rule of several
// times a day it may leave out, unless whole, what touches no other days.
//
// A rule that matches nothing (30 February) is searched by the library to the year 9999. So the rule is
// expanded as many times 400 years later as leaves the range just before that: the calendar is the same
// there, and the search for nothing is short.
func (x *expander) recur(e *event, property, text string, last calendars.Day, whole bool, put func(stamp) error) error {
	option, until, err := e.parseRule(text)
	if err != nil {
		return e.fault(property, err)
	}
	if e.start.day() > last {
		return nil
	}
	end := last.Time().Add(day - time.Second)
	if until != nil && until.Before(end) {
		end = *until
	}
	shift := (searchEnd - 1 - last.Time().Year()) / period400 * period400
	option.Dtstart = e.start.wall.AddDate(shift, 0, 0)
	option.Until = end.AddDate(shift, 0, 0)
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return e.fault(property, err)
	}
	if option.Freq >= rrule.HOURLY {
		clock, err := newClockRule(option, e.start.wall, end, &x.search)
		if err != nil {
			return e.fault(property, err)
		}
		if err := x.clock(e, clock, whole, put); errors.Is(err, errSearch) {
			return e.fault(property, err)
		} else if err != nil {
			return err
		}
		return nil
	}
	next := rule.Iterator()
	for at, ok := next(); ok; at, ok = next() {
		start := e.start
		start.wall = at.AddDate(-shift, 0, 0)
		if err := put(start); err != nil {
			return err
		}
	}
	return nil
}

// parseRule reads a rule, and its UNTIL as a wall clock time of the event.
func (e *event) parseRule(text string) (*rrule.ROption, *time.Time, error) {
	if len(text) > maxRule {
		return nil, nil, fmt.Errorf("longer than %d bytes", maxRule)
	}
	var kept, seen []string
	var until *time.Time
	for _, part := range strings.Split(strings.TrimSuffix(strings.ToUpper(text), ";"), ";") {
		key, value, _ := strings.Cut(part, "=")
		if slices.Contains(seen, key) {
			return nil, nil, fmt.Errorf("%s: given twice", key)
		}
		seen = append(seen, key)
		if err := checkPart(key, value); err != nil {
			return nil, nil, err
		}
		if key == "UNTIL" {
			wall, err := e.until(value)
			if err != nil {
				return nil, nil, fmt.Errorf("UNTIL: %w", err)
			}
			until = &wall
			continue
		}
		kept = append(kept, part)
	}
	if until != nil && slices.Contains(seen, "COUNT") {
		return nil, nil, errors.New("COUNT beside UNTIL: want one of them")
	}
	option, err := rrule.StrToROptionInLocation(strings.Join(kept, ";"), time.UTC)
	return option, until, err
}

// checkPart refuses unknown words, and what would make the expansion long for nothing.
func checkPart(key, value string) error {
	switch key {
	case "FREQ":
		if !slices.Contains([]string{"SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, value) {
			return fmt.Errorf("FREQ %s: want SECONDLY, MINUTELY, HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY", cut(value))
		}
	case "INTERVAL", "COUNT":
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < 1 || key == "INTERVAL" && n > maxInterval {
			return fmt.Errorf("%s %s: want a whole number from 1 (INTERVAL: to %d)", key, cut(value), maxInterval)
		}
	case "UNTIL", "WKST", "BYHOUR", "BYMINUTE", "BYSECOND", "BYDAY", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS":
	default:
		return fmt.Errorf("%s: unknown part", cut(key))
	}
	return nil
}

// until gives the last wall clock time of the event's own clock that an UNTIL allows.
func (e *event) until(value string) (time.Time, error) {
	// A year such as 9999 is a way to say "for ever".
	if len(value) >= 8 && value[:4] > strconv.Itoa(maxYear) && value[:4] <= strconv.Itoa(searchEnd) {
		return maxDay.Time(), nil
	}
	s, err := parseStamp(value, e.start.zone, newZones(nil, nil).utcZone)
	if err != nil {
		return time.Time{}, err
	}
	if s.date || e.start.date {
		return calendars.DayOf(s.wall.Date()).Time().Add(day - time.Second), nil
	}
	return s.in(e.start.zone).wall, nil
}
