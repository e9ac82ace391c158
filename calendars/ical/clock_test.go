package ical_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"echelon/calendars"
	"echelon/calendars/ical"
)

// TestStandardsExamples are examples of RFC 5545 (3.8.5.3 and 3.8.4.4) and of RFC 2445 (4.8.5.2, rules of exceptions),
// as days.
func TestStandardsExamples(t *testing.T) {
	newYork, err := calendars.LoadZone("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	const begin = "UID:x\nDTSTART;TZID=America/New_York:19970902T090000\nSUMMARY:e\n"
	days := func(list ...string) (out []string) {
		for _, d := range list {
			out = append(out, d+" e")
		}
		return out
	}
	for _, c := range []struct {
		why, text   string
		first, last string
		want        []string
	}{
		{"every 3 hours from 9 to 17 on one day", file(begin + "RRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z"), "1997-01-01", "1997-12-31", days("1997-09-02")},
		{"every 15 minutes for 6 occurrences", file(begin + "RRULE:FREQ=MINUTELY;INTERVAL=15;COUNT=6"), "1997-01-01", "1997-12-31", days("1997-09-02")},
		{"every hour and a half for 4 occurrences", file(begin + "RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=4"), "1997-01-01", "1997-12-31", days("1997-09-02")},
		{"and for 11: the last one is after midnight", file(begin + "RRULE:FREQ=MINUTELY;INTERVAL=90;COUNT=11"), "1997-01-01", "1997-12-31", days("1997-09-02", "1997-09-03")},
		{"every 20 minutes from 9:00 to 16:40 every day", file(begin + "RRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40"), "1997-09-01", "1997-09-04", days("1997-09-02", "1997-09-03", "1997-09-04")},
		{"or so", file(begin + "RRULE:FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16"), "2026-11-21", "2026-11-23", days("2026-11-21", "2026-11-22", "2026-11-23")},
		{
			"every Friday the 13th, the first day dropped", file(begin + "EXDATE;TZID=America/New_York:19970902T090000\nRRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"), "1998-01-01", "1999-12-31",
			days("1998-02-13", "1998-03-13", "1998-11-13", "1999-08-13"),
		},
		{"every second of the last day of February", file("UID:x\nDTSTART:20240101T000000\nSUMMARY:e\nRRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=-1"), "2024-01-01", "2028-12-31", days("2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29")},
		{
			"weekly, but not those of a rule of exceptions: every other week", file(begin + "RRULE:FREQ=WEEKLY;COUNT=6\nEXRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2"), "1997-01-01", "1997-12-31",
			days("1997-09-09", "1997-09-23", "1997-09-30", "1997-10-07"),
		},
		{
			"every hour but those of the night and of Sunday: only whole days fall out", file(begin + "RRULE:FREQ=HOURLY;COUNT=200\nEXRULE:FREQ=HOURLY;BYHOUR=0,1,2,3,4,5\nEXRULE:FREQ=HOURLY;BYDAY=SU"), "1997-01-01", "1997-12-31",
			days("1997-09-02", "1997-09-03", "1997-09-04", "1997-09-05", "1997-09-06", "1997-09-08", "1997-09-09", "1997-09-10"),
		},
		{
			"two rules are one series", file(begin + "RRULE:FREQ=WEEKLY;COUNT=2\nRRULE:FREQ=WEEKLY;BYDAY=TU,TH;COUNT=3\nEXDATE;TZID=America/New_York:19970904T090000"), "1997-01-01", "1997-12-31",
			days("1997-09-02", "1997-09-09"),
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			o := between(t, c.first, c.last)
			o.Zone = newYork
			if diff := cmp.Diff(c.want, rows(t, c.text, o)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestThisAndFuture: a change of one occurrence and all later ones (RFC 5545, 3.2.13).
func TestThisAndFuture(t *testing.T) {
	const weekly = "UID:x\nDTSTART;TZID=Europe/Berlin:20260302T080000\nDTEND;TZID=Europe/Berlin:20260302T090000\nRRULE:FREQ=WEEKLY;COUNT=6\nSUMMARY:dock"
	for _, c := range []struct {
		why  string
		text string
		want []string
	}{
		{
			"from the third on two days later, and longer", file(weekly, "UID:x\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260316T080000\nDTSTART;TZID=Europe/Berlin:20260318T080000\nDURATION:PT20H\nSUMMARY:moved"),
			[]string{"2026-03-02 dock", "2026-03-09 dock", "2026-03-18 moved", "2026-03-19 moved", "2026-03-25 moved", "2026-03-26 moved", "2026-04-01 moved", "2026-04-02 moved", "2026-04-08 moved", "2026-04-09 moved"},
		},
		{
			"one single change behind it wins, a second one takes over", file(weekly,
				"UID:x\nRECURRENCE-ID;TZID=Europe/Berlin:20260323T080000\nDTSTART;TZID=Europe/Berlin:20260324T080000\nSUMMARY:single",
				"UID:x\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260309T080000\nDTSTART;TZID=Europe/Berlin:20260310T080000\nSUMMARY:later",
				"UID:x\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260330T080000\nDTSTART;TZID=Europe/Berlin:20260329T080000\nSUMMARY:earlier"),
			[]string{"2026-03-02 dock", "2026-03-10 later", "2026-03-17 later", "2026-03-24 single", "2026-03-29 earlier", "2026-04-05 earlier"},
		},
		{
			"called off from the third on", file(weekly, "UID:x\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260316T080000\nDTSTART;TZID=Europe/Berlin:20260316T080000\nSTATUS:CANCELLED"),
			[]string{"2026-03-02 dock", "2026-03-09 dock"},
		},
		{
			"a newer version of the change counts", file(weekly, "UID:x\nSEQUENCE:2\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260330T080000\nDTSTART;TZID=Europe/Berlin:20260331T080000\nSUMMARY:new",
				"UID:x\nSEQUENCE:1\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260330T080000\nDTSTART;TZID=Europe/Berlin:20260401T080000\nSUMMARY:old"),
			[]string{"2026-03-02 dock", "2026-03-09 dock", "2026-03-16 dock", "2026-03-23 dock", "2026-03-31 new", "2026-04-07 new"},
		},
		{
			"moved ahead into the range from behind it", file("UID:x\nDTSTART;VALUE=DATE:20250101\nRRULE:FREQ=YEARLY\nSUMMARY:year", "UID:x\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260101\nDTSTART;VALUE=DATE:20251231\nSUMMARY:eve"),
			[]string{"2026-12-31 eve"},
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			if diff := cmp.Diff(c.want, rows(t, c.text, between(t, "2026-01-01", "2026-12-31"))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRulesOfTheClockAgainstWalk compares rules of several times a day with a walk over the minutes: by hour, minute,
// weekday and day of the month, with intervals, positions, counts and lengths, seen from another zone.
func TestRulesOfTheClockAgainstWalk(t *testing.T) {
	names := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	zones := []string{"Europe/Berlin", "America/New_York", "Asia/Kathmandu"}
	rapid.Check(t, func(t *rapid.T) {
		hourly := rapid.Bool().Draw(t, "hourly")
		name, other := rapid.SampledFrom(zones).Draw(t, "zone"), rapid.SampledFrom(zones).Draw(t, "seen from")
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := time.LoadLocation(other)
		if err != nil {
			t.Fatal(err)
		}
		// In July no clock changes, and what is tested is the rule.
		start := time.Date(2026, time.July, rapid.IntRange(1, 12).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, loc)
		length := time.Duration(rapid.IntRange(0, 1500).Draw(t, "length")) * time.Minute
		interval := rapid.IntRange(1, 50).Draw(t, "interval")
		hours := rapid.SliceOfNDistinct(rapid.IntRange(0, 23), 0, 4, rapid.ID).Draw(t, "hours")
		minutes := rapid.SliceOfNDistinct(rapid.IntRange(0, 59), 0, 4, rapid.ID).Draw(t, "minutes")
		weekdays := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 0, 4, rapid.ID).Draw(t, "weekdays")
		last := rapid.Bool().Draw(t, "last of the month")
		position := rapid.IntRange(-2, 2).Draw(t, "position")
		count := rapid.IntRange(0, 40).Draw(t, "count")
		dropped := rapid.Bool().Draw(t, "first dropped")

		rule := map[bool]string{true: "FREQ=HOURLY", false: "FREQ=MINUTELY"}[hourly] + fmt.Sprintf(";INTERVAL=%d", interval)
		add := func(key string, list []int, word func(int) string) {
			var words []string
			for _, n := range list {
				words = append(words, word(n))
			}
			if len(words) > 0 {
				rule += ";" + key + "=" + strings.Join(words, ",")
			}
		}
		number := func(n int) string { return fmt.Sprint(n) }
		add("BYHOUR", hours, number)
		add("BYMINUTE", minutes, number)
		add("BYDAY", weekdays, func(n int) string { return names[n] })
		if last {
			rule += ";BYMONTHDAY=-1"
		}
		if position != 0 {
			rule += fmt.Sprintf(";BYSETPOS=%d", position)
		}
		if count > 0 {
			rule += fmt.Sprintf(";COUNT=%d", count)
		}
		text := fmt.Sprintf("UID:x\nDTSTART;TZID=%s:%s\nDURATION:PT%dM\nRRULE:%s", name, start.Format("20060102T150405"), length/time.Minute, rule)
		if dropped {
			text += fmt.Sprintf("\nEXDATE;TZID=%s:%s", name, start.Format("20060102T150405"))
		}
		o := ical.Options{First: calendars.DayOf(2026, time.July, 5), Last: calendars.DayOf(2026, time.July, 20)}
		if o.Zone, err = calendars.LoadZone(other); err != nil {
			t.Fatal(err)
		}
		got, err := ical.Import(strings.NewReader(file(text)), o)
		if err != nil {
			t.Fatal(err)
		}
		want := map[calendars.Day]bool{}
		n := 0
		step := time.Minute
		first := start
		if hourly {
			step, first = time.Hour, start.Add(-time.Duration(start.Minute())*time.Minute)
		}
		for p, k := first, 0; p.Before(time.Date(2026, time.July, 23, 0, 0, 0, 0, loc)); p, k = p.Add(step), k+1 {
			if k%interval != 0 || len(hours) > 0 && !slices.Contains(hours, p.Hour()) ||
				len(weekdays) > 0 && !slices.Contains(weekdays, (int(p.Weekday())+6)%7) || last && p.AddDate(0, 0, 1).Day() != 1 {
				continue
			}
			var times []time.Time
			for m := range 60 {
				if at := p.Add(time.Duration(m) * time.Minute); hourly && (slices.Contains(minutes, m) || len(minutes) == 0 && m == start.Minute()) {
					times = append(times, at)
				}
			}
			if !hourly && (len(minutes) == 0 || slices.Contains(minutes, p.Minute())) {
				times = []time.Time{p}
			}
			for i, at := range times {
				if at.Before(start) || position > 0 && i+1 != position || position < 0 && i-len(times) != position {
					continue
				}
				if n++; count > 0 && n > count {
					continue
				}
				if dropped && at.Equal(start) {
					continue
				}
				a, b := at.In(seen), at.Add(max(length-time.Microsecond, 0)).In(seen)
				for d := calendars.DayOf(a.Date()); d <= calendars.DayOf(b.Date()); d++ {
					if d >= o.First && d <= o.Last {
						want[d] = true
					}
				}
			}
		}
		var days []calendars.Day
		for _, e := range got {
			days = append(days, e.Day)
		}
		for d := o.First; d <= o.Last; d++ {
			if want[d] != slices.Contains(days, d) {
				t.Fatalf("%s: %s: walked %t, imported %t\n%s", other, d, want[d], !want[d], text)
			}
		}
	})
}

// TestLeapsLeaveNothingOut: what an import leaps over touches no other days, over clock changes too. An exception that
// drops nothing makes it look at every single time.
func TestLeapsLeaveNothingOut(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		name, other := rapid.SampledFrom(zones).Draw(t, "zone"), rapid.SampledFrom(zones).Draw(t, "seen from")
		freq := rapid.SampledFrom([]string{"HOURLY", "MINUTELY"}).Draw(t, "freq")
		month := rapid.SampledFrom([]time.Month{time.March, time.April, time.October, time.November}).Draw(t, "month")
		text := fmt.Sprintf("UID:x\nDTSTART;TZID=%s:2026%02d%02dT%02d%02d00\nDURATION:PT%dM\nRRULE:FREQ=%s;INTERVAL=%d", name, month,
			rapid.IntRange(1, 8).Draw(t, "day"), rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"),
			rapid.IntRange(0, 1500).Draw(t, "length"), freq, rapid.IntRange(7, 400).Draw(t, "interval"))
		o := ical.Options{First: calendars.DayOf(2026, month, 1), Last: calendars.DayOf(2026, month, 31), MaxOccurrences: 1_000_000}
		var err error
		if o.Zone, err = calendars.LoadZone(other); err != nil {
			t.Fatal(err)
		}
		got, err := ical.Import(strings.NewReader(file(text)), o)
		if err != nil {
			t.Fatal(err)
		}
		want, err := ical.Import(strings.NewReader(file(text+"\nEXDATE;VALUE=DATE:19000101")), o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s seen from %s (-every time +leaping):\n%s", text, other, diff)
		}
	})
}
