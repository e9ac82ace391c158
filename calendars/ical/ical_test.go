package ical_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"echelon/calendars"
	"echelon/calendars/ical"
)

// file wraps events in a calendar.
func file(events ...string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n")
	for _, e := range events {
		b.WriteString("BEGIN:VEVENT\r\n")
		b.WriteString(strings.ReplaceAll(strings.TrimSpace(e), "\n", "\r\n"))
		b.WriteString("\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.String()
}

// between gives options for the days from one date to another.
func between(t testing.TB, first, last string) ical.Options {
	t.Helper()
	a, err := calendars.ParseDay(first)
	if err != nil {
		t.Fatal(err)
	}
	b, err := calendars.ParseDay(last)
	if err != nil {
		t.Fatal(err)
	}
	return ical.Options{First: a, Last: b}
}

func rows(t testing.TB, text string, o ical.Options) []string {
	t.Helper()
	got, err := ical.Import(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range got {
		if e.Open != o.Open {
			t.Errorf("%s: open %t", e.Day, e.Open)
		}
		out = append(out, e.Day.String()+" "+e.Why)
	}
	return out
}

func TestImport(t *testing.T) {
	chicago, err := calendars.LoadZone("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why, text   string
		first, last string
		zone        *calendars.Zone
		want        []string
	}{
		{
			why: "all day, over several days (the end is not in it), folded and escaped summary",
			text: file("UID:a\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Christmas\\, shut\n  for stock",
				"UID:b\nDTSTART;VALUE=DATE:20261231", "UID:c\nDTSTART;VALUE=DATE:20270101\nDURATION:P2D\nSUMMARY:New Year"),
			first: "2026-12-25", last: "2027-12-31",
			want: []string{"2026-12-25 Christmas, shut for stock", "2026-12-26 Christmas, shut for stock", "2026-12-31 event", "2027-01-01 New Year", "2027-01-02 New Year"},
		},
		{
			why:   "two events on a day share the why",
			text:  file("UID:a\nDTSTART;VALUE=DATE:20260501\nSUMMARY:Labour Day", "UID:b\nDTSTART;VALUE=DATE:20260501\nSUMMARY:Stocktaking", "UID:c\nDTSTART;VALUE=DATE:20260501\nSUMMARY:Labour Day"),
			first: "2026-01-01", last: "2026-12-31", want: []string{"2026-05-01 Labour Day; Stocktaking"},
		},
		{
			why:   "29 February every year is a day of leap years",
			text:  file("UID:a\nDTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY\nSUMMARY:Leap"),
			first: "2024-01-01", last: "2033-12-31", want: []string{"2024-02-29 Leap", "2028-02-29 Leap", "2032-02-29 Leap"},
		},
		{
			why:   "every other Wednesday across the year's end, but not the dropped one, and one more",
			text:  file("UID:a\nDTSTART;VALUE=DATE:20261209\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=WE;UNTIL=20270203\nEXDATE;VALUE=DATE:20270106\nRDATE;VALUE=DATE:20270108,20270109\nSUMMARY:Cleaning"),
			first: "2026-12-01", last: "2027-12-31",
			want: []string{"2026-12-09 Cleaning", "2026-12-23 Cleaning", "2027-01-08 Cleaning", "2027-01-09 Cleaning", "2027-01-20 Cleaning", "2027-02-03 Cleaning"},
		},
		{
			why:   "the fourth Thursday of November, counted from long before the range",
			text:  file("UID:a\nDTSTART;VALUE=DATE:19701126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH\nSUMMARY:Thanksgiving"),
			first: "2026-01-01", last: "2028-12-31", want: []string{"2026-11-26 Thanksgiving", "2027-11-25 Thanksgiving", "2028-11-23 Thanksgiving"},
		},
		{
			why:   "COUNT counts what was dropped and what lies before the range",
			text:  file("UID:a\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=5\nEXDATE;VALUE=DATE:20260104"),
			first: "2026-01-03", last: "2026-12-31", want: []string{"2026-01-03 event", "2026-01-05 event"},
		},
		{
			why: "one occurrence moved, one called off, an older version of the move ignored",
			text: file("UID:a\nDTSTART;TZID=Europe/Berlin:20260302T080000\nDTEND;TZID=Europe/Berlin:20260302T100000\nRRULE:FREQ=WEEKLY;COUNT=4\nSUMMARY:Dock repair",
				"UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260309T080000\nSEQUENCE:2\nDTSTART;TZID=Europe/Berlin:20260311T080000\nSUMMARY:Dock repair\\; late",
				"UID:a\nRECURRENCE-ID:20260309T070000Z\nSEQUENCE:1\nDTSTART;TZID=Europe/Berlin:20260310T080000\nSUMMARY:Dock repair\\; old",
				"UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260316T080000\nDTSTART;TZID=Europe/Berlin:20260316T080000\nSTATUS:CANCELLED"),
			first: "2026-01-01", last: "2026-12-31", want: []string{"2026-03-02 Dock repair", "2026-03-11 Dock repair; late", "2026-03-23 Dock repair"},
		},
		{
			why: "of two equal versions of a change the last one counts; a floating time is the series' own",
			text: file("UID:a\nDTSTART;TZID=Asia/Tokyo:20260302T080000\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE:20260316T080000",
				"UID:a\nRECURRENCE-ID:20260309T080000\nDTSTART:20260311T080000\nSUMMARY:first",
				"UID:a\nRECURRENCE-ID:20260309T080000\nDTSTART:20260312T080000\nSUMMARY:second",
				"UID:b\nDTSTART;TZID=Asia/Tokyo:20260401T230000\nDTEND:20260402T003000\nRECURRENCE-ID:20260401T230000\nSUMMARY:alone"),
			first: "2026-01-01", last: "2026-12-31",
			want: []string{"2026-03-02 event", "2026-03-12 second", "2026-03-23 event", "2026-04-01 alone", "2026-04-02 alone"},
		},
		{
			why: "a series called off, with its changes",
			text: file("UID:a\nDTSTART;VALUE=DATE:20260302\nRRULE:FREQ=WEEKLY;COUNT=4\nSTATUS:CANCELLED",
				"UID:a\nRECURRENCE-ID;VALUE=DATE:20260309\nDTSTART;VALUE=DATE:20260311", "UID:b\nDTSTART;VALUE=DATE:20260401"),
			first: "2026-01-01", last: "2026-12-31", want: []string{"2026-04-01 event"},
		},
		{
			why:   "a night from 22:00 to 06:00 touches two days, one that ends at midnight only its own",
			text:  file("UID:a\nDTSTART:20260501T220000\nDTEND:20260502T060000\nSUMMARY:night", "UID:b\nDTSTART:20260510T180000\nDURATION:PT6H\nSUMMARY:evening"),
			first: "2026-01-01", last: "2026-12-31", want: []string{"2026-05-01 night", "2026-05-02 night", "2026-05-10 evening"},
		},
		{
			why:   "a time of another zone is a day of ours",
			text:  file("UID:a\nDTSTART:20260502T030000Z\nDTEND:20260502T040000Z\nSUMMARY:call", "UID:b\nDTSTART;TZID=Asia/Tokyo:20260601T080000\nSUMMARY:Tokyo", "UID:c\nDTSTART:20260701T010000\nSUMMARY:floating"),
			first: "2026-01-01", last: "2026-12-31", zone: chicago,
			want: []string{"2026-05-01 call", "2026-05-31 Tokyo", "2026-07-01 floating"},
		},
		{
			why:   "a daily time keeps its wall clock across both clock changes, UNTIL is an instant",
			text:  file("UID:a\nDTSTART;TZID=America/Chicago:20260307T233000\nRRULE:FREQ=DAILY;UNTIL=20260310T043000Z\nSUMMARY:late", "UID:b\nDTSTART;TZID=America/Chicago:20261031T003000\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:early"),
			first: "2026-01-01", last: "2026-12-31", zone: chicago,
			want: []string{"2026-03-07 late", "2026-03-08 late", "2026-03-09 late", "2026-10-31 early", "2026-11-01 early", "2026-11-02 early"},
		},
		{
			why: "a zone of the file's own making that says which one it is, and a path",
			text: strings.Replace(file("UID:a\nDTSTART;TZID=\"Our: time\":20260502T230000\nSUMMARY:ours", "UID:b\nDTSTART;TZID=/example.org/20070101/America/Argentina/Salta:20260601T230000\nSUMMARY:path"),
				"BEGIN:VEVENT", "BEGIN:VTIMEZONE\r\nTZID:Our: time\r\nX-LIC-LOCATION:America/Los_Angeles\r\nBEGIN:STANDARD\r\nDTSTART:19701101T020000\r\nTZOFFSETFROM:-0700\r\nTZOFFSETTO:-0800\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT", 1),
			first: "2026-01-01", last: "2026-12-31", zone: chicago,
			want: []string{"2026-05-03 ours", "2026-06-01 path"},
		},
		{
			why:   "periods, with an end and with a duration",
			text:  file("UID:a\nDTSTART:20260101T080000\nRDATE;VALUE=PERIOD:20260203T080000/20260204T090000,20260301T080000/P2D\nSUMMARY:audit"),
			first: "2026-01-01", last: "2026-12-31", want: []string{"2026-01-01 audit", "2026-02-03 audit", "2026-02-04 audit", "2026-03-01 audit", "2026-03-02 audit", "2026-03-03 audit"},
		},
		{
			why:   "a rule that matches nothing ends, one without end too",
			text:  file("UID:a\nDTSTART;VALUE=DATE:20260228\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "UID:b\nDTSTART;VALUE=DATE:20261230\nRRULE:FREQ=DAILY;UNTIL=99991231\nSUMMARY:ever"),
			first: "2026-01-01", last: "2026-12-31", want: []string{"2026-12-30 ever", "2026-12-31 ever"},
		},
		{
			why: "no events", text: file(), first: "2026-01-01", last: "2026-12-31",
		},
		{
			why:   "lower case, bare line feeds, a byte order mark, unknown properties and alarms",
			text:  "\xef\xbb\xbf" + strings.ReplaceAll("begin:vcalendar\nX-FOO;A=\"b:c\":1\nbegin:vevent\ndtstart;value=date:20260501\nDESCRIPTION:"+strings.Repeat("long ", 9000)+"\nbegin:valarm\ntrigger:-PT15M\nend:valarm\nend:vevent\nend:vcalendar", "\r", ""),
			first: "2026-01-01", last: "2026-12-31", want: []string{"2026-05-01 event"},
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			o := between(t, c.first, c.last)
			o.Zone = c.zone
			if diff := cmp.Diff(c.want, rows(t, c.text, o)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			o.Open = true
			rows(t, c.text, o)
		})
	}
}

func TestImportRefuses(t *testing.T) {
	event := func(lines string) string { return file("UID:x\nDTSTART;VALUE=DATE:20260101\n" + lines) }
	for _, c := range []struct{ text, want string }{
		{"", "0 VCALENDARs"},
		{"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\n", "cut off: BEGIN:VEVENT"},
		{file() + file(), "2 VCALENDARs"},
		{"BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", "line 2: END:VEVENT without"},
		{"BEGIN:VCALENDAR\r\n" + strings.Repeat("BEGIN:X\r\n", 9), "line 9: more than 8 components"},
		{file("UID:x\nSUMMARY:no start"), "event 1 (x): DTSTART: 0 given"},
		{file("UID:x\nDTSTART;VALUE=DATE:20261301"), `"20261301"`},
		{file("UID:x\nDTSTART:18991231"), "1900"},
		{file("UID:x\nDTSTART;TZID=Nowhere/Town:20260101T080000"), `TZID "Nowhere/Town": unknown`},
		{file("UID:x\nDTSTART:20260101T080000\nDTEND:20260101T070000"), "DTEND: before the start"},
		{file("UID:x\nDTSTART:20260101T080000\nDTEND;VALUE=DATE:20260102"), "both alike"},
		{event("DTEND;VALUE=DATE:20260102\nDURATION:P1D"), "beside DURATION"},
		{event("DURATION:1D"), "PT8H"},
		{event("DURATION:-P1D"), "PT8H"},
		{event("DURATION:P99999999999D"), "too long"},
		{event("RRULE:FREQ=FORTNIGHTLY"), "want SECONDLY, MINUTELY"},
		{event("RRULE:FREQ=HOURLY;BYDAY=2MO"), "numbered days"},
		{event("RRULE:FREQ=HOURLY;BYWEEKNO=3"), "BYWEEKNO"},
		{event("RRULE:FREQ=HOURLY;BYHOUR=24"), "byhour"},
		{event("RRULE:FREQ=SECONDLY;COUNT=2000000000"), "occurrences and days so far"},
		{event("RRULE:FREQ=SECONDLY;INTERVAL=2;BYSECOND=1"), "steps of looking"},
		{event("RRULE:FREQ=DAILY;INTERVAL=0"), "INTERVAL 0"},
		{event("RRULE:FREQ=DAILY;COUNT=3;UNTIL=20270101"), "COUNT beside UNTIL"},
		{event("RRULE:FREQ=DAILY;BYEASTER=1"), "BYEASTER: unknown part"},
		{event("RRULE:FREQ=DAILY;BYMONTH=13"), "bymonth"},
		{event("RRULE:INTERVAL=2"), "FREQ"},
		{event("RRULE:FREQ=DAILY\nRRULE:"), "RRULE: empty"},
		{event("EXRULE:FREQ=DAILY;COUNT=0"), "EXRULE: COUNT 0"},
		{event("RECURRENCE-ID;RANGE=THISANDPRIOR;VALUE=DATE:20260101"), "RANGE THISANDPRIOR: want THISANDFUTURE"},
		{event("RECURRENCE-ID;VALUE=DATE:20260101\nEXRULE:FREQ=DAILY"), "cannot recur itself"},
		{file("UID:x\nDTSTART;VALUE=DATE:20240101\nRRULE:FREQ=DAILY", "UID:x\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260101\nDTSTART;VALUE=DATE:20241201"), "more than 366 days ahead"},
		{event("EXDATE:tomorrow"), `"tomorrow"`},
		{event("SEQUENCE:two"), "SEQUENCE"},
		{event("SUMMARY" + strings.Repeat(";A=b", 40) + ":x"), "more than 32 parameters"},
		{event("SUMMARY:" + strings.Repeat("x", 17<<10)), "longer than"},
		{event("SUMMARY;X=a"), "no value"},
	} {
		got, err := ical.Import(strings.NewReader(c.text), between(t, "2026-01-01", "2026-12-31"))
		if err == nil || !strings.Contains(err.Error(), c.want) || got != nil {
			t.Errorf("%.120q: %v %v, want %q", c.text, got, err, c.want)
		}
	}
}

func TestImportLimits(t *testing.T) {
	daily := file("UID:x\nDTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY")
	for _, c := range []struct {
		why    string
		change func(*ical.Options)
		want   string
	}{
		{"bytes", func(o *ical.Options) { o.MaxBytes = 20 }, "larger than 20 bytes"},
		{"occurrences", func(o *ical.Options) { o.MaxOccurrences = 2000 }, "more than 2000 occurrences"},
		{"range", func(o *ical.Options) { o.Last += 40_000 }, "36600"},
		{"order", func(o *ical.Options) { o.Last = o.First - 1 }, "is after Last"},
		{"negative", func(o *ical.Options) { o.MaxEvents = -1 }, "negative"},
	} {
		o := between(t, "2026-01-01", "2026-12-31")
		c.change(&o)
		if _, err := ical.Import(strings.NewReader(daily), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.why, err, c.want)
		}
	}
	o := between(t, "2026-01-01", "2026-12-31")
	o.MaxEvents = 1
	if _, err := ical.Import(strings.NewReader(file("DTSTART:20260101", "DTSTART:20260102")), o); err == nil || !strings.Contains(err.Error(), "more than 1 events") {
		t.Errorf("events: %v", err)
	}
	broken := errors.New("gone")
	if _, err := ical.Import(iotest.ErrReader(broken), between(t, "2026-01-01", "2026-12-31")); !errors.Is(err, broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// TestImportNamesZones: a name that IANA does not know can be given one.
func TestImportNamesZones(t *testing.T) {
	o := between(t, "2026-01-01", "2026-12-31")
	zone, err := calendars.LoadZone("UTC")
	if err != nil {
		t.Fatal(err)
	}
	o.Zone, o.Zones = zone, map[string]string{"Central Standard Time": "America/Chicago"}
	text := file("UID:x\nDTSTART;TZID=Central Standard Time:20260501T200000\nSUMMARY:s")
	if diff := cmp.Diff([]string{"2026-05-02 s"}, rows(t, text, o)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestRulesAgainstWalk compares rules by weekday, interval and month with a walk over the days.
func TestRulesAgainstWalk(t *testing.T) {
	names := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	rapid.Check(t, func(t *rapid.T) {
		start := calendars.DayOf(2024, time.January, 1) + calendars.Day(rapid.IntRange(0, 900).Draw(t, "start"))
		o := ical.Options{First: start + calendars.Day(rapid.IntRange(-50, 400).Draw(t, "first"))}
		o.Last = o.First + calendars.Day(rapid.IntRange(0, 800).Draw(t, "days"))
		interval := rapid.IntRange(1, 5).Draw(t, "interval")
		mask := rapid.IntRange(1, 127).Draw(t, "weekdays")
		var by []string
		for i, n := range names {
			if mask>>i&1 == 1 {
				by = append(by, n)
			}
		}
		weekly := rapid.Bool().Draw(t, "weekly")
		freq := "DAILY"
		if weekly {
			freq = "WEEKLY"
		}
		text := file(fmt.Sprintf("UID:x\nDTSTART;VALUE=DATE:%s\nRRULE:FREQ=%s;INTERVAL=%d;BYDAY=%s",
			start.Time().Format("20060102"), freq, interval, strings.Join(by, ",")))
		got, err := ical.Import(strings.NewReader(text), o)
		if err != nil {
			t.Fatal(err)
		}
		monday := start - calendars.Day(start.Weekday()-1)
		var want []calendars.Exception
		for d := max(o.First, start); d <= o.Last; d++ {
			steps := int(d - start)
			if weekly {
				steps = int(d-monday) / 7
			}
			if steps%interval == 0 && mask>>(d.Weekday()-1)&1 == 1 {
				want = append(want, calendars.Exception{Day: d, Why: "event"})
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
	})
}
