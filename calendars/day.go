package calendars

import (
	"fmt"
	"math"
	"time"
)

// Day is a civil day: days since 1970-01-01, without zone or time.
type Day int32

// Sentinels of open-ended ranges.
const (
	MinDay Day = math.MinInt32
	MaxDay Day = math.MaxInt32
)

// DayOf returns the civil day of a date.
func DayOf(year int, month time.Month, day int) Day {
	return Day(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// ParseDay reads an ISO date ("2026-11-21").
func ParseDay(s string) (Day, error) {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		return 0, fmt.Errorf("date %q: want YYYY-MM-DD", s)
	}
	return Day(t.Unix() / 86400), nil
}

// String gives the ISO date.
func (d Day) String() string { return d.Time().Format("2006-01-02") }

// Time gives midnight UTC of the day: for formatting and date arithmetic, never as an instant of a node.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Weekday gives 1 (Monday) to 7 (Sunday).
func (d Day) Weekday() int {
	w := (int64(d) + 3) % 7 // 1970-01-01 was a Thursday
	if w < 0 {
		w += 7
	}
	return int(w) + 1
}
