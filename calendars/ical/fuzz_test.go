package ical_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/calendars"
	"echelon/calendars/ical"
)

// FuzzImport: whatever the file says, Import ends, and either refuses it or gives rows of a valid calendar
// inside the range, the same ones twice.
func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		file("UID:a\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227\nSUMMARY:Christmas\\, shut\n  for stock"),
		file("UID:a\nDTSTART;TZID=Europe/Berlin:20260302T080000\nDURATION:PT2H\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE;COUNT=4\nEXDATE;TZID=Europe/Berlin:20260316T080000",
			"UID:a\nRECURRENCE-ID;TZID=Europe/Berlin:20260304T080000\nDTSTART:20260305T080000Z\nSEQUENCE:1"),
		file("UID:a\nDTSTART:20260302T080000Z\nRDATE;VALUE=PERIOD:20260402T080000Z/P1D,20260403T080000Z/20260404T080000Z\nSTATUS:CANCELLED"),
		file("UID:a\nDTSTART:20240229\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1;BYSETPOS=1;WKST=SU;UNTIL=20300101T000000Z"),
		file("UID:a\nDTSTART:20240229\nRRULE:FREQ=YEARLY;BYWEEKNO=53,-1;BYYEARDAY=366"),
		file("UID:a\nDTSTART;TZID=Europe/Berlin:20260302T233000\nDURATION:PT45M\nRRULE:FREQ=MINUTELY;INTERVAL=20;BYHOUR=23,0;BYDAY=MO,TU;UNTIL=20260401T000000Z\nEXRULE:FREQ=HOURLY;BYMINUTE=30,10;BYSETPOS=-1;COUNT=5",
			"UID:a\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260310T233000\nDTSTART;TZID=Europe/Berlin:20260311T053000"),
		file("UID:a\nDTSTART:20260302T080000Z\nRRULE:FREQ=SECONDLY;INTERVAL=7;BYSECOND=0,59;BYMONTHDAY=-1;BYYEARDAY=59,90"),
		"BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nX-LIC-LOCATION:Asia/Tokyo\r\nEND:VTIMEZONE\r\nEND:VCALENDAR",
	} {
		f.Add(seed, int32(20_454), uint16(800))
	}
	f.Fuzz(func(t *testing.T, text string, first int32, days uint16) {
		o := ical.Options{First: calendars.Day(first), Last: calendars.Day(first) + calendars.Day(days), MaxEvents: 20, MaxOccurrences: 5000, MaxBytes: 8 << 10}
		got, err := ical.Import(strings.NewReader(text), o)
		again, errAgain := ical.Import(strings.NewReader(text), o)
		if diff := cmp.Diff(got, again); diff != "" || (err == nil) != (errAgain == nil) {
			t.Fatalf("not the same twice: %v, %v\n%s", err, errAgain, diff)
		}
		if err != nil {
			if got != nil {
				t.Fatalf("refused with %d rows: %v", len(got), err)
			}
			return
		}
		c := calendars.Calendar{Exceptions: got}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, e := range got {
			if e.Day < o.First || e.Day > o.Last || e.Why == "" || len(e.Why) > 210 {
				t.Fatalf("row %+v outside %s to %s", e, o.First, o.Last)
			}
		}
	})
}
