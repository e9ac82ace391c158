package serve

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

func TestWaveOccurrences(t *testing.T) {
	pick := Wave{Name: "north", Zone: "America/Chicago", Pick: "06:00", Before: 2 * time.Hour, Deadline: 20 * time.Minute}
	night := Wave{Name: "night", Zone: "UTC", At: "23:30", For: 90 * time.Minute, Weekdays: []int{1, 5}}
	skipped := Wave{Name: "early", Zone: "America/Chicago", At: "02:30", For: time.Hour}
	early := Wave{Name: "before", Zone: "Europe/Berlin", Pick: "01:00", Before: 3 * time.Hour, Weekdays: []int{1}}
	for _, w := range []*Wave{&pick, &night, &skipped, &early} {
		if err := w.check(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		w                      *Wave
		after, start, deadline string
		cycle                  string
	}{
		"before the pick":          {&pick, "2026-11-22T00:00:00Z", "2026-11-22T10:00:00Z", "2026-11-22T11:40:00Z", "20261122T0600-north"},
		"just started":             {&pick, "2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z", "2026-11-23T11:40:00Z", "20261123T0600-north"},
		"in summer":                {&pick, "2026-07-01T00:00:00Z", "2026-07-01T09:00:00Z", "2026-07-01T10:40:00Z", "20260701T0600-north"},
		"only on weekdays":         {&night, "2026-11-22T00:00:00Z", "2026-11-23T23:30:00Z", "2026-11-24T01:00:00Z", "20261123T2330-night"},
		"over the weekend":         {&night, "2026-11-27T23:30:00Z", "2026-11-30T23:30:00Z", "2026-12-01T01:00:00Z", "20261130T2330-night"},
		"an hour that is skipped":  {&skipped, "2026-03-08T00:00:00-06:00", "2026-03-08T08:00:00Z", "2026-03-08T09:00:00Z", "20260308T0230-early"},
		"an hour that comes twice": {&Wave{Name: "twice", Zone: "America/Chicago", At: "01:30", For: time.Hour}, "2026-11-01T00:00:00-05:00", "2026-11-01T06:30:00Z", "2026-11-01T07:30:00Z", "20261101T0130-twice"},
		"starts the day before":    {&early, "2026-11-22T12:00:00Z", "2026-11-22T21:00:00Z", "2026-11-23T00:00:00Z", "20261123T0100-before"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.w.check(); err != nil {
				t.Fatal(err)
			}
			o, due := c.w.next(instant(t, c.after))
			if !due || !o.Start.Equal(instant(t, c.start)) || !o.Deadline.Equal(instant(t, c.deadline)) || o.Cycle != c.cycle {
				t.Fatalf("got %v – %v %s", o.Start, o.Deadline, o.Cycle)
			}
			for _, at := range []time.Time{o.Start, o.Deadline.Add(-1)} {
				if again, open := c.w.open(at); !open || again != o {
					t.Errorf("at %v the window is %+v", at, again)
				}
			}
			if _, open := c.w.open(o.Deadline); open {
				t.Error("open at its deadline")
			}
		})
	}
}

func TestWaveFaults(t *testing.T) {
	for fault, w := range map[string]Wave{
		"either at or pick":    {Name: "a", Zone: "UTC"},
		"IANA":                 {Name: "a", Zone: "Mars", At: "01:00", For: time.Hour},
		"belongs to at":        {Name: "a", Zone: "UTC", Pick: "01:00", Before: time.Hour, For: time.Hour},
		"want HH:MM":           {Name: "a", Zone: "UTC", At: "25:00", For: time.Hour},
		"say how long":         {Name: "a", Zone: "UTC", At: "01:00"},
		"weekday 8":            {Name: "a", Zone: "UTC", At: "01:00", For: time.Hour, Weekdays: []int{8}},
		"longer than deadline": {Name: "a", Zone: "UTC", Pick: "01:00", Before: time.Minute, Deadline: time.Hour},
		"want letters":         {Name: "a b", Zone: "UTC", At: "01:00", For: time.Hour},
	} {
		if err := w.check(); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("want %q, got %v", fault, err)
		}
	}
}

// TestNextFollowsNext: going from occurrence to occurrence skips none and repeats none, across clock changes.
func TestNextFollowsNext(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := Wave{Name: "w", Zone: rapid.SampledFrom([]string{"UTC", "America/Chicago", "Australia/Lord_Howe", "Pacific/Kiritimati"}).Draw(rt, "zone")}
		clock := time.Date(0, 1, 1, rapid.IntRange(0, 23).Draw(rt, "h"), rapid.IntRange(0, 59).Draw(rt, "m"), 0, 0, time.UTC).Format("15:04")
		if rapid.Bool().Draw(rt, "pick") {
			w.Pick, w.Before = clock, time.Duration(rapid.IntRange(1, 24*60).Draw(rt, "before"))*time.Minute
		} else {
			w.At, w.For = clock, time.Hour
		}
		w.Weekdays = slices.Compact(slices.Sorted(slices.Values(rapid.SliceOfN(rapid.IntRange(1, 7), 0, 4).Draw(rt, "weekdays"))))
		if err := w.check(); err != nil {
			rt.Fatal(err)
		}
		at := time.Date(2026, time.Month(rapid.IntRange(1, 12).Draw(rt, "month")), 1, 0, 0, 0, 0, time.UTC)
		per := len(w.Weekdays)
		if per == 0 {
			per = 7
		}
		seen := map[string]bool{}
		for range 5 * per {
			o, due := w.next(at)
			if !due || !o.Start.After(at) || seen[o.Cycle] {
				rt.Fatalf("after %v: %+v", at, o)
			}
			seen[o.Cycle] = true
			at = o.Start
		}
		first, _ := w.next(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
		later := first.Start
		for range 5 * per {
			o, _ := w.next(later)
			later = o.Start
		}
		if days := later.Sub(first.Start).Hours() / 24; days < 34 || days > 36 {
			rt.Fatalf("five weeks took %v days", days)
		}
	})
}
