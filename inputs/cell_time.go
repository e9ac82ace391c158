package inputs

import (
	"strings"
	"sync"
	"time"

	"echelon/calendars"
)

// digits reads exactly the digits s[i:j].
func digits(s string, i, j int) (int, bool) {
	if j > len(s) {
		return 0, false
	}
	v := 0
	for ; i < j; i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, true
}

// parseDate reads YYYY-MM-DD, a day that exists.
func parseDate(s string) (int64, bool) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return 0, false
	}
	y, ok1 := digits(s, 0, 4)
	m, ok2 := digits(s, 5, 7)
	d, ok3 := digits(s, 8, 10)
	if !ok1 || !ok2 || !ok3 || m < 1 || m > 12 || d < 1 || d > 31 {
		return 0, false
	}
	day := civil(y, m, d)
	if d > 28 && d > lastOfMonth(y, m) {
		return 0, false
	}
	return day, true
}

// civil gives the days since 1970-01-01 of a date of the Gregorian calendar.
func civil(y, m, d int) int64 {
	// the year starts in March, so that the leap day is its last
	if m <= 2 {
		y--
		m += 12
	}
	y += 400 // so that no division is of a negative year
	return int64(365*y+y/4-y/100+y/400+(153*(m-3)+2)/5+d-1) - 719468 - 146097
}

func lastOfMonth(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// parseInstant reads RFC 3339 with an offset, up to microseconds.
func parseInstant(s string) (int64, bool) {
	if len(s) < 20 {
		return 0, false
	}
	day, ok := parseDate(s[:10])
	h, ok1 := digits(s, 11, 13)
	m, ok2 := digits(s, 14, 16)
	sec, ok3 := digits(s, 17, 19)
	if !ok || !ok1 || !ok2 || !ok3 || s[10] != 'T' || s[13] != ':' || s[16] != ':' || h > 23 || m > 59 || sec > 59 {
		return 0, false
	}
	micros := ((day*24+int64(h))*60+int64(m))*60_000_000 + int64(sec)*1_000_000
	rest := s[19:]
	if rest[0] == '.' {
		n, scale := 1, int64(100_000)
		for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			if scale == 0 && rest[n] != '0' {
				return 0, false
			}
			micros += int64(rest[n]-'0') * scale
			scale /= 10
		}
		if n == 1 {
			return 0, false
		}
		rest = rest[n:]
	}
	if rest == "Z" {
		return micros, true
	}
	if len(rest) != 6 || rest[3] != ':' || (rest[0] != '+' && rest[0] != '-') {
		return 0, false
	}
	oh, ok4 := digits(rest, 1, 3)
	om, ok5 := digits(rest, 4, 6)
	if !ok4 || !ok5 || oh > 15 || om > 59 {
		return 0, false
	}
	offset := int64(oh*60+om) * 60_000_000
	if rest[0] == '-' {
		offset = -offset
	}
	return micros - offset, true
}

func parseTimeOfDay(s string) (int64, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, ok1 := digits(s, 0, 2)
	m, ok2 := digits(s, 3, 5)
	return int64(h*60 + m), ok1 && ok2 && h < 24 && m < 60
}

func parseWeekdays(s string) (int64, bool) {
	var mask int64
	for i := 0; i < len(s); i += 2 {
		if s[i] < '1' || s[i] > '7' {
			return 0, false
		}
		bit := int64(1) << (s[i] - '1')
		if mask&bit != 0 || (i+1 < len(s) && s[i+1] != ';') || i+2 == len(s) {
			return 0, false
		}
		mask |= bit
	}
	return mask, mask != 0
}

var zones sync.Map // name → bool: a zone's file is read once

// knownZone reports whether the time zone database knows a name. "Local" is not a zone: it would differ from
// machine to machine.
func knownZone(s string) bool {
	if s == "" || s == "Local" || len(s) > MaxIDBytes {
		return false
	}
	if ok, seen := zones.Load(s); seen {
		return ok.(bool) //nolint:forcetypeassert // only booleans are stored
	}
	s = strings.Clone(s) // it may point into a buffer that is used again
	_, err := calendars.LoadZone(s)
	if err == nil { // unknown names are not kept: a bad feed must not fill memory
		zones.Store(s, true)
	}
	return err == nil
}

func formatInstant(v int64) string {
	return time.UnixMicro(v).UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

func formatDate(v int64) string { return calendars.Day(v).String() }
