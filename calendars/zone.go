package calendars

import (
	"fmt"
	"math"
	"time"
	_ "time/tzdata" // zones must be known on machines that have no zone files
)

const (
	secondsPerDay   = 86400
	microsPerSecond = 1_000_000
	microsPerMinute = 60 * microsPerSecond
	// No zone was ever 16 hours or more away from UTC.
	widestOffset = 16 * 3600
	// Days whose instants fit an int64 of microseconds with room to spare.
	farthestDay = 100_000_000
)

// Zone is an IANA time zone. A nil Zone is UTC. Instants are microseconds since 1970-01-01 UTC.
type Zone struct {
	Name string
	loc  *time.Location
}

// LoadZone finds a zone by its IANA name ("America/Chicago"). The machine's own names ("", "Local") are
// refused: a plan must be the same everywhere.
func LoadZone(name string) (*Zone, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("zone %q: want an IANA name such as America/Chicago", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone %q: unknown: want an IANA name such as America/Chicago", name)
	}
	return &Zone{Name: name, loc: loc}, nil
}

func (z *Zone) location() *time.Location {
	if z == nil || z.loc == nil {
		return time.UTC
	}
	return z.loc
}

// DayOf gives the civil day that clocks in the zone show at the instant.
func (z *Zone) DayOf(instant int64) Day {
	sec := floorDiv(instant, microsPerSecond)
	_, offset := time.Unix(sec, 0).In(z.location()).Zone()
	return Day(floorDiv(sec+int64(offset), secondsPerDay))
}

// Instant gives the first instant at which clocks in the zone show that many minutes after midnight of the
// day, or later: the first pass of a repeated hour, the first instant after a skipped one. So it never falls
// as (day, minutes) grows. Days beyond ±100 million give the ends of the int64 range.
func (z *Zone) Instant(day Day, minutes int32) int64 {
	if day > farthestDay {
		return math.MaxInt64
	}
	if day < -farthestDay {
		return math.MinInt64
	}
	wall := int64(day)*secondsPerDay + int64(minutes)*60
	t := wall - widestOffset // clocks are still before the wanted time, in any zone
	for {
		at := time.Unix(t, 0).In(z.location())
		_, offset := at.Zone()
		_, end := at.ZoneBounds()
		hit := max(t, wall-int64(offset))
		if end.IsZero() || hit < end.Unix() {
			return hit * microsPerSecond
		}
		t = end.Unix()
	}
}

// Start gives the first instant of the civil day; of a day that the zone skipped, the first one after it.
func (z *Zone) Start(day Day) int64 { return z.Instant(day, 0) }

// MinutesOfDay gives the length of the civil day: 1440, 1380 and 1500 at most clock changes, 0 for a day
// that the zone skipped.
func (z *Zone) MinutesOfDay(day Day) int { return z.MinutesLeft(day, math.MinInt64) }

// MinutesLeft gives the minutes of the civil day from the instant to its end; a begun minute counts. Before
// the day it is the whole day, after it 0.
func (z *Zone) MinutesLeft(day Day, instant int64) int {
	start, end := z.Start(day), z.Start(day+1)
	from := max(start, instant)
	if from >= end {
		return 0
	}
	return int((end - from + microsPerMinute - 1) / microsPerMinute)
}

// floorDiv divides rounding down; b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
