package ical

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
)

// period is one occurrence: its start and how long it lasts on the wall clock.
type period struct {
	start  stamp
	length time.Duration
}

// event is a VEVENT with its properties read.
type event struct {
	number    int // in the file, from 1
	uid       string
	summary   string
	period             // of the first occurrence
	rules     []string // RRULE; several together make one series
	without   []string // EXRULE, of the standard before this one: what they give does not happen
	added     []period
	dropped   []stamp
	replaces  *stamp // RECURRENCE-ID
	onwards   bool   // RANGE=THISANDFUTURE: all later occurrences change alike
	cancelled bool
	sequence  int
}

// fault names the event.
func (e *event) fault(property string, err error) error {
	if e.uid == "" {
		return fmt.Errorf("event %d: %s: %w", e.number, property, err)
	}
	return fmt.Errorf("event %d (%s): %s: %w", e.number, cut(e.uid), property, err)
}

// events reads the properties of all events.
func (p *parsed) events(o *Options) ([]*event, error) {
	z := newZones(o.Zones, p.zones)
	var all faults
	var events []*event
	rules := 0
	for i, v := range p.vevents {
		e := &event{number: i + 1}
		e.read(v, z, &all)
		rules += len(e.rules) + len(e.without)
		events = append(events, e)
	}
	if rules > maxRules {
		all.add(fmt.Errorf("%d recurrence rules: at most %d in one file: split it", rules, maxRules))
	}
	return events, all.err()
}

// read fills the event; what is wrong goes to all.
func (e *event) read(v *ics.VEvent, z *zones, all *faults) {
	r := reader{event: e, vevent: v, zones: z, faults: all}
	e.uid = printable(r.text("UID"))
	if e.summary = cut(printable(r.text("SUMMARY"))); e.summary == "" {
		e.summary = "event"
	}
	e.cancelled = strings.EqualFold(r.text("STATUS"), "CANCELLED")
	if n := r.text("SEQUENCE"); n != "" {
		var err error
		if e.sequence, err = strconv.Atoi(n); err != nil {
			r.fail("SEQUENCE", fmt.Errorf("%q: want a whole number", cut(n)))
		}
	}
	starts := r.stamps("DTSTART")
	if len(starts) != 1 {
		r.fail("DTSTART", fmt.Errorf("%d given: want one", len(starts)))
		return
	}
	e.start = starts[0].start
	e.length = r.length()
	e.rules, e.without = r.rules("RRULE"), r.rules("EXRULE")
	for _, p := range r.stamps("RDATE") {
		if p.length == 0 {
			p.length = e.length
		}
		p.start = p.start.in(e.start.zone)
		e.added = append(e.added, p)
	}
	for _, p := range r.stamps("EXDATE") {
		e.dropped = append(e.dropped, p.start.in(e.start.zone))
	}
	e.recurrence(&r)
}

// recurrence reads which occurrence of a series the event replaces.
func (e *event) recurrence(r *reader) {
	ids := r.stamps("RECURRENCE-ID")
	if len(ids) == 0 {
		return
	}
	if len(ids) > 1 {
		r.fail("RECURRENCE-ID", fmt.Errorf("%d given: want one", len(ids)))
	}
	for _, p := range r.all("RECURRENCE-ID") {
		for _, word := range p.ICalParameters["RANGE"] {
			if !strings.EqualFold(word, "THISANDFUTURE") {
				r.fail("RECURRENCE-ID", fmt.Errorf("RANGE %s: want THISANDFUTURE, or none", cut(word)))
			}
			e.onwards = true
		}
	}
	if len(e.rules) > 0 || len(e.without) > 0 || len(e.added) > 0 {
		r.fail("RECURRENCE-ID", errors.New("with RRULE or RDATE: one occurrence cannot recur itself"))
	}
	e.replaces = &ids[0].start
}

// rules reads the recurrence rules of a property.
func (r *reader) rules(property string) []string {
	var out []string
	for _, p := range r.all(property) {
		rule := strings.TrimSpace(p.Value)
		if rule == "" {
			r.fail(property, errors.New("empty"))
			continue
		}
		out = append(out, rule)
	}
	return out
}

// reader reads properties of one event.
type reader struct {
	event  *event
	vevent *ics.VEvent
	zones  *zones
	faults *faults
}

func (r *reader) fail(property string, err error) { r.faults.add(r.event.fault(property, err)) }

func (r *reader) all(property string) []*ics.IANAProperty {
	return r.vevent.GetProperties(ics.ComponentProperty(property))
}

func (r *reader) text(property string) string {
	if p := r.vevent.GetProperty(ics.ComponentProperty(property)); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// stamps reads the dates, times and periods of all properties of a name; a length of 0 means none was given.
func (r *reader) stamps(property string) []period {
	var out []period
	for _, p := range r.all(property) {
		var z *zone
		if id := p.ICalParameters["TZID"]; len(id) > 0 {
			var err error
			if z, err = r.zones.find(id[0]); err != nil {
				r.fail(property, err)
				continue
			}
		}
		for _, text := range strings.Split(p.Value, ",") {
			text, end, isPeriod := strings.Cut(strings.TrimSpace(text), "/")
			start, err := parseStamp(text, z, r.zones.utcZone)
			if err != nil {
				r.fail(property, err)
				continue
			}
			item := period{start: start}
			if isPeriod {
				if item.length, err = periodLength(start, end, z, r.zones.utcZone); err != nil {
					r.fail(property, err)
				}
			}
			out = append(out, item)
		}
	}
	return out
}

// periodLength reads the second half of a period: an end or a duration.
func periodLength(start stamp, end string, z, utc *zone) (time.Duration, error) {
	if strings.HasPrefix(end, "P") || strings.HasPrefix(end, "+") {
		return parseDuration(end)
	}
	stop, err := parseStamp(end, z, utc)
	if err != nil {
		return 0, err
	}
	return between(start, stop)
}

// between gives the wall clock time from a start to an end.
func between(start, end stamp) (time.Duration, error) {
	if start.date != end.date {
		return 0, errors.New("one of start and end is a date, the other a time: want both alike")
	}
	length := end.in(start.zone).wall.Sub(start.wall)
	if length < 0 {
		return 0, errors.New("before the start")
	}
	return length, nil
}

// length reads how long the first occurrence lasts: DTEND, DURATION, a day for a date, no time for a time.
func (r *reader) length() time.Duration {
	ends, duration := r.stamps("DTEND"), r.text("DURATION")
	var length time.Duration
	var err error
	switch {
	case len(ends) > 1:
		r.fail("DTEND", fmt.Errorf("%d given: want one", len(ends)))
	case len(ends) == 1 && duration != "":
		r.fail("DTEND", errors.New("beside DURATION: want one of them"))
	case len(ends) == 1:
		if length, err = between(r.event.start, ends[0].start); err != nil {
			r.fail("DTEND", err)
		}
	case duration != "":
		if length, err = parseDuration(duration); err != nil {
			r.fail("DURATION", err)
		}
	}
	return length
}

// printable replaces what is not to be printed by blanks.
func printable(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(c rune) bool {
		return unicode.IsSpace(c) || !unicode.IsPrint(c)
	}), " ")
}
