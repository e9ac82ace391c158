package calendars_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"echelon/calendars"
)

func TestCalendarVerdicts(t *testing.T) {
	c := &calendars.Calendar{
		ID: "STORE",
		Rules: []calendars.Rule{
			{Number: 10, Weekdays: 0b0011111, From: calendars.MinDay, To: calendars.MaxDay, Open: true},
			{Number: 20, Every: 14, Anchor: day(t, "2026-12-28"), From: calendars.MinDay, To: calendars.MaxDay},
			{Number: 30, From: day(t, "2027-02-01"), To: day(t, "2027-02-07"), Open: true},
		},
		Exceptions: []calendars.Exception{
			{Day: day(t, "2026-12-25"), Why: "Christmas Day"},
			{Day: day(t, "2026-12-26"), Open: true, Why: "stocktaking"},
		},
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	set := calendars.NewOpenSet(c, day(t, "2026-12-01"), day(t, "2027-02-28"))
	for _, want := range []struct {
		day   string
		open  bool
		cause calendars.Cause
		rule  int64
		why   string
	}{
		{"2026-12-24", true, calendars.CauseCalendar, 10, ""},
		{"2026-12-25", false, calendars.CauseException, 0, "Christmas Day"},
		{"2026-12-26", true, calendars.CauseException, 0, "stocktaking"}, // a Saturday
		{"2026-12-27", false, calendars.CauseCalendar, 0, ""},            // no rule matches a Sunday
		{"2026-12-28", false, calendars.CauseCalendar, 20, ""},           // the anchor, a Monday
		{"2027-01-04", true, calendars.CauseCalendar, 10, ""},
		{"2027-01-11", false, calendars.CauseCalendar, 20, ""}, // two weeks on, across the year's end
		{"2026-12-14", false, calendars.CauseCalendar, 20, ""}, // and before the anchor
		{"2027-02-07", true, calendars.CauseCalendar, 30, ""},  // a Sunday inside the highest rule's range
		{"2027-02-08", false, calendars.CauseCalendar, 20, ""}, // a Monday on the rhythm
		{"2027-02-13", false, calendars.CauseCalendar, 0, ""},
	} {
		d := day(t, want.day)
		v := c.Explain(d)
		if v.Open != want.open || v.Cause != want.cause || v.Rule != want.rule || v.Why != want.why || v.Ruled != (want.rule != 0) {
			t.Errorf("%s: %+v, want %+v", want.day, v, want)
		}
		if set.Open(d) != want.open {
			t.Errorf("%s: the compiled calendar says otherwise", want.day)
		}
	}
	bare := &calendars.Calendar{Exceptions: []calendars.Exception{{Day: 7}}}
	if open, _ := bare.Open(7); open {
		t.Error("a closed exception of a calendar without rules is open")
	}
	if open, cause := bare.Open(8); !open || cause != calendars.CauseNone {
		t.Error("a calendar without rules is closed")
	}
}

func TestCalendarValidateReportsAllFaults(t *testing.T) {
	c := &calendars.Calendar{
		ID: "BAD",
		Rules: []calendars.Rule{
			{Number: 2, Weekdays: 128, To: calendars.MaxDay},
			{Number: 1, Every: -1, To: calendars.MaxDay},
			{Number: 1, From: 5, To: 4},
		},
		Exceptions: []calendars.Exception{{Day: 3}, {Day: 3}, {Day: 1}},
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("taken as it is")
	}
	for _, want := range []string{"weekdays", "every", "sort rules", "given twice: number", "valid_from", "1970-01-04: given twice", "sort dates"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name the fault %q", err, want)
		}
	}
}

// TestOpenSetAgainstWalk compares the searches by bits with a walk over the days, inside the compiled range,
// across its ends and outside it.
func TestOpenSetAgainstWalk(t *testing.T) {
	base := calendars.DayOf(2027, 12, 1)
	rapid.Check(t, func(t *rapid.T) {
		c := drawCalendar(t, base)
		if c != nil {
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
		}
		first := base + calendars.Day(rapid.IntRange(-30, 60).Draw(t, "first"))
		set := calendars.NewOpenSet(c, first, first+calendars.Day(rapid.IntRange(-1, 500).Draw(t, "range")))
		for range 20 {
			d := base + calendars.Day(rapid.IntRange(-100, 500).Draw(t, "day"))
			n := int32(rapid.IntRange(0, 90).Draw(t, "n"))
			limit := d + calendars.Day(rapid.IntRange(-2, 400).Draw(t, "limit"))
			if got, want := set.Open(d), slowOpen(c, d); got != want {
				t.Fatalf("%s open: %t, want %t", d, got, want)
			}
			got, ok := set.NthOpenAfter(d, n, limit)
			want, wantOK := slowNth(c, d, n, limit)
			if ok != wantOK || ok && got != want {
				t.Fatalf("%d open days after %s up to %s: %s %t, want %s %t", n, d, limit, got, ok, want, wantOK)
			}
			got, ok = set.NextOpen(d, limit)
			want, wantOK = slowNth(c, d, 0, limit)
			if ok != wantOK || ok && got != want {
				t.Fatalf("next open day from %s up to %s: %s %t, want %s %t", d, limit, got, ok, want, wantOK)
			}
		}
	})
}
