package holidays_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"echelon/calendars"
	"echelon/calendars/holidays"
)

func days(t *testing.T, name string, from, to int, which holidays.Observance) []string {
	t.Helper()
	got, err := holidays.Days(name, from, to, which)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range got {
		if e.Open {
			t.Errorf("%s is open", e.Day)
		}
		out = append(out, e.Day.String()+" "+e.Why)
	}
	return out
}

func TestDays(t *testing.T) {
	want := []string{
		"2026-01-01 New Year's Day", "2026-01-19 Martin Luther King Jr. Day", "2026-02-16 Presidents' Day",
		"2026-05-25 Memorial Day", "2026-06-19 Juneteenth", "2026-07-04 Independence Day", "2026-09-07 Labor Day",
		"2026-10-12 Columbus Day", "2026-11-11 Veterans Day", "2026-11-26 Thanksgiving Day", "2026-12-25 Christmas Day",
	}
	if diff := cmp.Diff(want, days(t, "US", 2026, 2026, holidays.Actual)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, c := range []struct {
		table string
		which holidays.Observance
		year  int
		has   string
		want  bool
	}{
		{"US", holidays.Observed, 2026, "2026-07-03 Independence Day", true}, // the 4th is a Saturday
		{"US", holidays.Observed, 2026, "2026-07-04 Independence Day", false},
		{"US", holidays.Both, 2026, "2026-07-03 Independence Day", true},
		{"US", holidays.Both, 2026, "2026-07-04 Independence Day", true},
		{"US", holidays.Observed, 2027, "2027-12-31 New Year's Day", true}, // of 2028, kept a year earlier
		{"US", holidays.Actual, 2027, "2027-12-31 New Year's Day", false},
		{"DE", holidays.Actual, 2027, "2027-03-26 Karfreitag", true}, // Easter is on 28 March
		{"DE", holidays.Actual, 2027, "2027-01-06 Heilige Drei Könige", false},
		{"DE-BY", holidays.Actual, 2027, "2027-01-06 Heilige Drei Könige", true},
		{"SE", holidays.Actual, 2027, "2027-06-25 Midsommarafton", false}, // an eve, not a public holiday
	} {
		if got := slices.Contains(days(t, c.table, c.year, c.year, c.which), c.has); got != c.want {
			t.Errorf("%s has %q: %t, want %t: %q", c.table, c.has, got, c.want, days(t, c.table, c.year, c.year, c.which))
		}
	}
}

func TestEveryTableMakesAValidCalendar(t *testing.T) {
	names := holidays.Names()
	if !slices.IsSorted(names) || len(names) != len(slices.Compact(slices.Clone(names))) {
		t.Errorf("names are not ascending: %q", names)
	}
	for _, name := range names {
		for _, which := range []holidays.Observance{holidays.Actual, holidays.Observed, holidays.Both} {
			got, err := holidays.Days(name, 2020, 2040, which)
			if err != nil {
				t.Fatal(err)
			}
			c := calendars.Calendar{ID: name, Exceptions: got}
			if err := c.Validate(); err != nil {
				t.Error(err)
			}
			first, last := calendars.DayOf(2020, time.January, 1), calendars.DayOf(2040, time.December, 31)
			if len(got) < 21*5 || got[0].Day < first || got[len(got)-1].Day > last {
				t.Errorf("%s: %d days from %s to %s", name, len(got), got[0].Day, got[len(got)-1].Day)
			}
			for _, e := range got {
				if strings.TrimSpace(e.Why) == "" {
					t.Errorf("%s: %s has no why", name, e.Day)
				}
			}
		}
	}
}

func TestDaysRefuses(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to int
		which    holidays.Observance
		want     string
	}{
		{"XX", 2026, 2027, holidays.Actual, "unknown: want one of AR"},
		{"us", 2026, 2027, holidays.Actual, "unknown"},
		{"US", 2027, 2026, holidays.Actual, "ascending"},
		{"US", 1900, 2026, holidays.Actual, "1970"},
		{"US", 2026, 9999, holidays.Actual, "2150"},
		{"US", 2026, 2026, 9, "observance"},
	} {
		if _, err := holidays.Days(c.name, c.from, c.to, c.which); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %d to %d: %v, want %q", c.name, c.from, c.to, err, c.want)
		}
	}
}
