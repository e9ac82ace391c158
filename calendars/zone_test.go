package calendars_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"echelon/calendars"
)

func TestLoadZoneRefusesMachineZones(t *testing.T) {
	for _, name := range []string{"", "Local", "America/Nowhere", "../etc/passwd", "Europe/Berlin "} {
		if z, err := calendars.LoadZone(name); err == nil {
			t.Errorf("zone %q was taken as %v", name, z)
		}
	}
}

func TestZoneInstants(t *testing.T) {
	for _, c := range []struct{ why, zone, day, clock, want string }{
		{"ordinary", "America/Chicago", "2026-11-21", "17:30", "2026-11-21T17:30:00-06:00"},
		{"skipped hour: first instant after it", "America/Chicago", "2026-03-08", "02:30", "2026-03-08T03:00:00-05:00"},
		{"repeated hour: first pass", "America/Chicago", "2026-11-01", "01:30", "2026-11-01T01:30:00-05:00"},
		{"skipped half hour", "Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-04T02:30:00+11:00"},
		{"repeated half hour", "Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-05T01:45:00+11:00"},
		{"skipped midnight", "America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T01:00:00-02:00"},
		{"repeated midnight", "America/Havana", "2026-11-01", "00:30", "2026-11-01T00:30:00-04:00"},
		{"a day that was skipped", "Pacific/Apia", "2011-12-30", "12:00", "2011-12-31T00:00:00+14:00"},
		{"the day before it", "Pacific/Apia", "2011-12-29", "23:59", "2011-12-29T23:59:00-10:00"},
	} {
		clock, err := time.Parse("15:04", c.clock)
		if err != nil {
			t.Fatal(err)
		}
		got := zone(t, c.zone).Instant(day(t, c.day), int32(clock.Hour()*60+clock.Minute()))
		if got != micros(t, c.want) {
			t.Errorf("%s: %s %s in %s is %s, want %s", c.why, c.day, c.clock, c.zone,
				time.UnixMicro(got).UTC().Format(time.RFC3339), c.want)
		}
	}
}

func TestZoneMinutes(t *testing.T) {
	for _, c := range []struct {
		zone, day string
		want      int
	}{
		{"America/Chicago", "2026-03-08", 1380},
		{"America/Chicago", "2026-11-01", 1500},
		{"America/Chicago", "2028-02-29", 1440},
		{"Australia/Lord_Howe", "2026-10-04", 1410},
		{"Australia/Lord_Howe", "2026-04-05", 1470},
		{"America/Sao_Paulo", "2018-11-04", 1380},
		{"Pacific/Apia", "2011-12-30", 0},
		{"Pacific/Apia", "2011-12-31", 1440},
	} {
		if got := zone(t, c.zone).MinutesOfDay(day(t, c.day)); got != c.want {
			t.Errorf("%s in %s has %d minutes, want %d", c.day, c.zone, got, c.want)
		}
	}
	z, d := zone(t, "America/Chicago"), day(t, "2026-11-01")
	for _, c := range []struct {
		at   string
		want int
	}{
		{"2026-11-01T00:00:00-05:00", 1500},
		{"2026-11-01T01:30:00-05:00", 1410}, // first pass
		{"2026-11-01T01:30:00-06:00", 1350}, // second pass
		{"2026-11-01T23:58:01-06:00", 2},    // a begun minute counts
		{"2026-11-01T23:59:59-06:00", 1},
		{"2026-11-02T00:00:00-06:00", 0},
		{"2026-10-30T12:00:00-05:00", 1500},
		{"2026-11-05T12:00:00-06:00", 0},
	} {
		if got := z.MinutesLeft(d, micros(t, c.at)); got != c.want {
			t.Errorf("at %s %d minutes are left, want %d", c.at, got, c.want)
		}
	}
	if got := z.MinutesLeft(d, z.Start(d)+1); got != 1500 {
		t.Errorf("a microsecond after midnight %d minutes are left, want 1500", got)
	}
}

// TestZoneAgainstMinutes compares everything with a walk over all minutes, mostly near clock changes.
func TestZoneAgainstMinutes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(someZones).Draw(t, "zone")
		z, err := calendars.LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		loc, _ := time.LoadLocation(name)
		at := time.Unix(rapid.Int64Range(1_262_304_000, 1_893_456_000).Draw(t, "second"), 0).In(loc) // 2010 to 2029
		if _, end := at.ZoneBounds(); rapid.Bool().Draw(t, "at change") && !end.IsZero() {
			at = end.Add(time.Duration(rapid.IntRange(-3000, 3000).Draw(t, "minutes off")) * time.Minute)
		}
		y, m, dd := at.Date()
		d := calendars.DayOf(y, m, dd)
		if got := z.DayOf(at.UnixMicro()); got != d {
			t.Fatalf("%s is on %s, want %s", at, got, d)
		}
		for _, d := range []calendars.Day{d - 1, d, d + 1} {
			minutes, left, want := 0, 0, d.String()
			for s := d.Time().Add(-30 * time.Hour); s.Before(d.Time().Add(54 * time.Hour)); s = s.Add(time.Minute) {
				if s.In(loc).Format("2006-01-02") == want {
					minutes++
					if s.Add(time.Minute).After(at) {
						left++
					}
				}
			}
			if got := z.MinutesOfDay(d); got != minutes {
				t.Fatalf("%s has %d minutes, want %d", d, got, minutes)
			}
			if got := z.MinutesLeft(d, at.UnixMicro()); got != left {
				t.Fatalf("%s has %d minutes left at %s, want %d", d, got, at, left)
			}
			clock := rapid.IntRange(0, 1439).Draw(t, "clock")
			if got := z.Instant(d, int32(clock)); got != slowInstant(loc, d, clock) {
				t.Fatalf("%s %02d:%02d is %s", d, clock/60, clock%60, time.UnixMicro(got).In(loc))
			}
		}
	})
}

func TestZoneFarDays(t *testing.T) {
	z := zone(t, "America/Chicago")
	if a, b := z.Start(calendars.MinDay), z.Start(calendars.MaxDay); a >= b {
		t.Errorf("open-ended days are out of order: %d, %d", a, b)
	}
	var utc *calendars.Zone
	if d := day(t, "2026-11-21"); utc.DayOf(utc.Start(d)) != d || utc.DayOf(utc.Start(d)-1) != d-1 {
		t.Error("no zone is not UTC")
	}
}
