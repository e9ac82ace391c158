package ical

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"echelon/calendars"
)

// Dates outside these years are taken for faults of the file.
const (
	minYear = 1900
	maxYear = 2200
)

var (
	minDay = calendars.DayOf(minYear, time.January, 1)
	maxDay = calendars.DayOf(maxYear, time.December, 31)
)

// zone is one with both faces: civil days and wall clocks.
type zone struct {
	days *calendars.Zone
	loc  *time.Location
}

// stamp is a date or a time as the file writes it: the wall clock, held as if it were UTC.
type stamp struct {
	wall time.Time
	date bool  // a day without a time
	zone *zone // nil: floating, or a date
}

// day gives the day that the file writes.
func (s stamp) day() calendars.Day { return calendars.DayOf(s.wall.Date()) }

// instant gives microseconds UTC; a floating time counts as UTC.
func (s stamp) instant() int64 {
	seconds := s.wall.Unix() - int64(s.day())*86400
	var z *calendars.Zone
	if s.zone != nil {
		z = s.zone.days
	}
	return z.Instant(s.day(), int32(seconds/60)) + seconds%60*1_000_000
}

// civil gives the day in the wanted zone; floating times and dates are days everywhere.
func (s stamp) civil(in *calendars.Zone) calendars.Day {
	if in == nil || s.zone == nil {
		return s.day()
	}
	return in.DayOf(s.instant())
}

// in gives the same instant on another zone's clock; a floating time is taken to be that zone's.
func (s stamp) in(z *zone) stamp {
	if s.date || z == nil || s.zone == z {
		return s
	}
	if s.zone == nil {
		s.zone = z
		return s
	}
	local := time.UnixMicro(s.instant()).In(z.loc)
	y, m, d := local.Date()
	return stamp{wall: time.Date(y, m, d, local.Hour(), local.Minute(), local.Second(), 0, time.UTC), zone: z}
}

// parseStamp reads 20261225, 20261225T093000 (in z, or floating) and 20261225T093000Z.
func parseStamp(text string, z *zone, utc *zone) (stamp, error) {
	s := stamp{zone: z}
	layout := "20060102T150405"
	switch {
	case len(text) == 8:
		layout, s.date, s.zone = "20060102", true, nil
	case strings.HasSuffix(text, "Z"):
		text, s.zone = text[:len(text)-1], utc
	}
	var err error
	if s.wall, err = time.Parse(layout, text); err != nil || len(text) != len(layout) {
		return s, fmt.Errorf("%q: want a date 20261225 or a time 20261225T093000", cut(text))
	}
	if y := s.wall.Year(); y < minYear || y > maxYear {
		return s, fmt.Errorf("%q: want a year from %d to %d", text, minYear, maxYear)
	}
	return s, nil
}

// parseDuration reads P2W, P1DT12H, PT90M and the like.
func parseDuration(text string) (time.Duration, error) {
	wrong := fmt.Errorf("%q: want a duration such as P1D or PT8H", cut(text))
	rest, ok := strings.CutPrefix(strings.TrimPrefix(text, "+"), "P")
	if !ok || rest == "" {
		return 0, wrong
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	var total time.Duration
	for rest != "" {
		if rest[0] == 'T' && len(rest) > 1 {
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
			rest = rest[1:]
		}
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		if digits == 0 || digits == len(rest) {
			return 0, wrong
		}
		unit, known := units[rest[digits]]
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if !known || err != nil {
			return 0, wrong
		}
		if n > int64((math.MaxInt64-total)/unit) {
			return 0, errors.New("the duration is too long")
		}
		total += time.Duration(n) * unit
		rest = rest[digits+1:]
	}
	return total, nil
}

// zones finds the zones of a file by their TZID.
type zones struct {
	named   map[string]string // of the options
	file    map[string]string // of the file's own VTIMEZONEs
	known   map[string]*zone
	utcZone *zone
}

func newZones(named, file map[string]string) *zones {
	return &zones{named: named, file: file, known: map[string]*zone{}, utcZone: &zone{loc: time.UTC}}
}

// find tries the name given in the options, the name itself, the IANA name of its VTIMEZONE, and the end of a
// path such as /example.org/Europe/Berlin.
func (z *zones) find(id string) (*zone, error) {
	if found, ok := z.known[id]; ok {
		return found, nil
	}
	tries := []string{z.named[id], id, z.file[id]}
	parts := strings.Split(strings.Trim(id, "/"), "/")
	for n := min(3, len(parts)); n >= 1; n-- {
		tries = append(tries, strings.Join(parts[len(parts)-n:], "/"))
	}
	for _, name := range tries {
		days, err := calendars.LoadZone(name)
		if err != nil {
			continue
		}
		loc, err := time.LoadLocation(name)
		if err != nil {
			continue
		}
		z.known[id] = &zone{days: days, loc: loc}
		return z.known[id], nil
	}
	return nil, fmt.Errorf("TZID %q: unknown: name its IANA zone in the options", cut(id))
}
