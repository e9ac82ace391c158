package serve

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"echelon/calendars"
)

// Wave is cycles that come again and again: some DCs, planned as close to their pick as the window allows.
//
//   - {wave: north, dcs: [D01, D02], zone: America/Chicago, pick: "06:00", before: 2h, deadline: 20m}
//   - {wave: night, zone: UTC, at: "02:00", for: 90m}
//
// Times are wall clock of the zone. The first form plans two hours before the pick and gives up 20 minutes
// before it, the second one plans at two and gives up 90 minutes later.
type Wave struct {
	Name     string        `yaml:"wave"`
	DCs      []string      `yaml:"dcs"` // empty: all
	Zone     string        `yaml:"zone"`
	At       string        `yaml:"at"` // HH:MM
	For      time.Duration `yaml:"for"`
	Pick     string        `yaml:"pick"` // HH:MM
	Before   time.Duration `yaml:"before"`
	Deadline time.Duration `yaml:"deadline"` // before the pick
	Weekdays []int         `yaml:"weekdays"` // 1 Monday to 7; empty: every day; those of the pick

	zone    *calendars.Zone
	minutes int32 // of the anchor: at, else pick
}

var waveName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$`)

// check says everything that is wrong with a wave, and prepares it.
func (w *Wave) check() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("wave %q: "+format, append([]any{w.Name}, args...)...))
	}
	if !waveName.MatchString(w.Name) {
		bad("want letters, digits, _ -, at most 32")
	}
	var err error
	if w.zone, err = calendars.LoadZone(w.Zone); err != nil || w.Zone == "" {
		bad("zone %q: want an IANA time zone", w.Zone)
	}
	anchor := w.At
	switch {
	case (w.At == "") == (w.Pick == ""):
		bad("say either at or pick")
	case w.At != "" && (w.Before != 0 || w.Deadline != 0):
		bad("before and deadline belong to pick; with at say for")
	case w.At != "" && w.For <= 0:
		bad("for %s: say how long after at its DCs are still published", w.For)
	case w.Pick != "" && w.For != 0:
		bad("for belongs to at; with pick say before and deadline")
	case w.Pick != "" && (w.Before <= w.Deadline || w.Deadline < 0):
		bad("before %s, deadline %s: want before longer than deadline, both before the pick", w.Before, w.Deadline)
	}
	if w.Before > 24*time.Hour || w.For > 24*time.Hour {
		bad("a window longer than a day")
	}
	if w.Pick != "" {
		anchor = w.Pick
	}
	if at, err := time.Parse("15:04", anchor); err == nil {
		w.minutes = int32(at.Hour()*60 + at.Minute())
	} else if anchor != "" {
		bad("%q: want HH:MM", anchor)
	}
	for _, d := range w.Weekdays {
		if d < 1 || d > 7 {
			bad("weekday %d: want 1 (Monday) to 7", d)
		}
	}
	return errors.Join(errs...)
}

// Occurrence is one time that a wave is due.
type Occurrence struct {
	Wave     *Wave
	Start    time.Time
	Deadline time.Time
	Cycle    string // the same one whenever it is worked out: 20261122-north, or 20261122T0200-north
}

// on gives the occurrence whose pick or start is on a day.
func (w *Wave) on(day calendars.Day) (Occurrence, bool) {
	if len(w.Weekdays) > 0 && !slices.Contains(w.Weekdays, weekday(day)) {
		return Occurrence{}, false
	}
	at := time.UnixMicro(w.zone.Instant(day, w.minutes)).UTC()
	o := Occurrence{Wave: w, Start: at, Deadline: at.Add(w.For)}
	if w.Pick != "" {
		o.Start, o.Deadline = at.Add(-w.Before), at.Add(-w.Deadline)
	}
	date := time.Unix(int64(day)*86400, 0).UTC()
	o.Cycle = fmt.Sprintf("%sT%02d%02d-%s", date.Format("20060102"), w.minutes/60, w.minutes%60, w.Name)
	return o, true
}

// weekday is 1 Monday to 7 Sunday; 1970-01-01 was a Thursday.
func weekday(day calendars.Day) int { return int((int64(day)%7+7+3)%7) + 1 }

// next is the first occurrence that starts after an instant.
func (w *Wave) next(after time.Time) (Occurrence, bool) {
	day := w.zone.DayOf(after.UnixMicro())
	for d := day - 1; d <= day+9; d++ {
		if o, due := w.on(d); due && o.Start.After(after) {
			return o, true
		}
	}
	return Occurrence{}, false
}

// open is the occurrence whose window is open at an instant: what a service that starts late still does.
func (w *Wave) open(at time.Time) (Occurrence, bool) {
	day := w.zone.DayOf(at.UnixMicro())
	for d := day + 2; d >= day-2; d-- {
		if o, due := w.on(d); due && !o.Start.After(at) && o.Deadline.After(at) {
			return o, true
		}
	}
	return Occurrence{}, false
}
