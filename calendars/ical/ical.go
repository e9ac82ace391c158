// Package ical imports iCalendar files (RFC 5545) as dated days of a calendar.
//
//	file ──read──▶ VEVENTs ──parse──▶ events ──expand──▶ occurrences ──mark──▶ []calendars.Exception
//	     limits: bytes, line length, nesting, events      limits: days, occurrences
//
// Every civil day that an occurrence touches becomes one row: closed (or open, as Options says), with the
// summaries of its events as the why. All-day and timed events, events over several days, rules of every frequency (those
// of several times a day too), RRULE, RDATE, EXRULE,
// EXDATE, changed and cancelled occurrences (RECURRENCE-ID, also THISANDFUTURE, STATUS:CANCELLED) and zones are understood.
//
// I1 work and memory are bounded by Options, whatever the file says.
// I2 a file is taken whole or refused with the event and the property that is at fault; nothing is left out.
// I3 the same file and options give the same rows on every machine.
package ical

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"echelon/calendars"
)

// Limits that Options takes when it says nothing.
const (
	DefaultMaxBytes       = 4 << 20
	DefaultMaxEvents      = 10_000
	DefaultMaxOccurrences = 100_000
)

const (
	maxRangeDays = 36_600 // a hundred years
	maxRules     = 1_000  // events with a RRULE: each may search some 500 years for nothing
	maxFaults    = 20     // reported at once
	maxWhy       = 200    // bytes of a why
)

// Options says what is taken from a file. First and Last are required; zero limits take the defaults.
type Options struct {
	First, Last    calendars.Day     // inclusive; days outside are left out
	Zone           *calendars.Zone   // civil days are counted there; nil: the dates as the file writes them
	Open           bool              // the days become open ones; else closed
	Zones          map[string]string // TZID of the file → IANA name, for names that IANA does not know
	MaxBytes       int               // of the file
	MaxEvents      int
	MaxOccurrences int // occurrences and days, those before First included
}

// Validate reports every fault of the options at once.
func (o *Options) Validate() error {
	var faults []error
	if o.First > o.Last {
		faults = append(faults, fmt.Errorf("ical options: First %s is after Last %s", o.First, o.Last))
	}
	if o.First < minDay || o.Last > maxDay || int64(o.Last)-int64(o.First) > maxRangeDays {
		faults = append(faults, fmt.Errorf("ical options: %d to %d: want at most %d days between %s and %s", o.First, o.Last, maxRangeDays, minDay, maxDay))
	}
	if o.MaxBytes < 0 || o.MaxEvents < 0 || o.MaxOccurrences < 0 {
		faults = append(faults, errors.New("ical options: a limit is negative: want 0 (the default) or more"))
	}
	return errors.Join(faults...)
}

// Import reads one iCalendar file and gives its days, ascending, one per day. The error names up to twenty
// faults of the file; then no day is given.
func Import(r io.Reader, o Options) ([]calendars.Exception, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	for _, limit := range []struct {
		value    *int
		standard int
	}{{&o.MaxBytes, DefaultMaxBytes}, {&o.MaxEvents, DefaultMaxEvents}, {&o.MaxOccurrences, DefaultMaxOccurrences}} {
		if *limit.value == 0 {
			*limit.value = limit.standard
		}
	}
	file, err := read(r, &o)
	if err != nil {
		return nil, fmt.Errorf("ical: %w", err)
	}
	events, err := file.events(&o)
	if err != nil {
		return nil, fmt.Errorf("ical: %w", err)
	}
	x := expander{options: &o, budget: o.MaxOccurrences, search: maxSearch, whys: make([][]string, int(o.Last-o.First)+1)}
	if err := x.expand(events); err != nil {
		return nil, fmt.Errorf("ical: %w", err)
	}
	return x.rows(), nil
}

// faults collects errors up to a limit.
type faults struct{ list []error }

func (f *faults) add(err error) {
	if err != nil && len(f.list) < maxFaults {
		f.list = append(f.list, err)
	}
}

func (f *faults) err() error { return errors.Join(f.list...) }

// rows gives the marked days.
func (x *expander) rows() []calendars.Exception {
	var out []calendars.Exception
	for i, whys := range x.whys {
		if len(whys) > 0 {
			out = append(out, calendars.Exception{Day: x.options.First + calendars.Day(i), Open: x.options.Open, Why: cut(strings.Join(whys, "; "))})
		}
	}
	return out
}

// mark puts an event's summary on the days from lo to hi that are inside the range.
func (x *expander) mark(e *event, lo, hi calendars.Day) error {
	lo, hi = max(lo, x.options.First), min(hi, x.options.Last)
	for d := lo; d <= hi; d++ {
		if err := x.spend(e); err != nil {
			return err
		}
		if i := d - x.options.First; !slices.Contains(x.whys[i], e.summary) && len(x.whys[i]) < 10 {
			x.whys[i] = append(x.whys[i], e.summary)
		}
	}
	return nil
}

// cut shortens a text to maxWhy bytes without breaking a character.
func cut(s string) string {
	if len(s) <= maxWhy {
		return s
	}
	return strings.ToValidUTF8(s[:maxWhy-3], "") + "…"
}
