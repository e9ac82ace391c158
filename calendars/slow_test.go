package calendars_test

import (
	"fmt"
	"sort"
	"testing"
	"time"

	"pgregory.net/rapid"

	"echelon/calendars"
)

// This file is a second reading of the rules, slow and plain: day by day and minute by minute, with the
// standard library's clock and no code of the package beyond its data types.

// slowOpen says whether a calendar is open on a day.
func slowOpen(c *calendars.Calendar, d calendars.Day) bool {
	if c == nil {
		return true
	}
	for _, e := range c.Exceptions {
		if e.Day == d {
			return e.Open
		}
	}
	if len(c.Rules) == 0 {
		return true
	}
	best, found := calendars.Rule{}, false
	for _, r := range c.Rules {
		date := time.Date(1970, 1, 1+int(d), 0, 0, 0, 0, time.UTC)
		monday0 := (int(date.Weekday()) + 6) % 7
		fits := d >= r.From && d <= r.To
		fits = fits && (r.Weekdays == 0 || r.Weekdays>>monday0&1 == 1)
		fits = fits && (r.Every == 0 || (int(d)-int(r.Anchor))%int(r.Every) == 0)
		if fits && (!found || r.Number > best.Number) {
			best, found = r, true
		}
	}
	return found && best.Open
}

// slowNth walks to the n-th open day strictly after d (n = 0: d or the next open one).
func slowNth(c *calendars.Calendar, d calendars.Day, n int32, limit calendars.Day) (calendars.Day, bool) {
	if n == 0 {
		d, n = d-1, 1
	}
	for n > 0 {
		d++
		if d > limit {
			return 0, false
		}
		if slowOpen(c, d) {
			n--
		}
	}
	return d, true
}

// slowInstant looks at every minute for the first one whose wall clock is not before the wanted one.
func slowInstant(loc *time.Location, d calendars.Day, minutes int) int64 {
	want := fmt.Sprintf("%s %02d:%02d", time.Date(1970, 1, 1+int(d), 0, 0, 0, 0, time.UTC).Format("2006-01-02"), minutes/60, minutes%60)
	t := time.Date(1970, 1, int(d), 0, 0, 0, 0, time.UTC).Add(-16 * time.Hour)
	for t.In(loc).Format("2006-01-02 15:04") < want {
		t = t.Add(time.Minute)
	}
	return t.UnixMicro()
}

// slowLane is a lane with its calendars as such.
type slowLane struct {
	calendars.Lane
	loc                            *time.Location
	orderCals                      []*calendars.Calendar
	pick, depart, transit, receive *calendars.Calendar
	hasTransit                     bool
}

type slowOpp struct {
	day int
	calendars.Opportunity
}

// slowCompile makes the opportunities of every order day up to the horizon + 366 and compares each with all.
func slowCompile(lanes []slowLane, asOf int64, horizon int) (opps []calendars.Opportunity, planned int) {
	var all []slowOpp
	for day := 0; day <= horizon+366; day++ {
		for i := range lanes {
			l := &lanes[i]
			o := l.SourceDay0 + calendars.Day(day)
			if o < l.ValidFrom || o > l.ValidTo {
				continue
			}
			if opp, ok := slowTravel(l, o, day, asOf, horizon); ok {
				opp.Lane = int32(i)
				all = append(all, slowOpp{day, opp})
			}
			break
		}
	}
	var kept []slowOpp
	for _, a := range all {
		beaten := false
		for _, b := range all {
			beaten = beaten || (b.day > a.day && b.Usable <= a.Usable)
		}
		if !beaten {
			kept = append(kept, a)
		}
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].Usable < kept[j].Usable })
	for _, k := range kept {
		opps = append(opps, k.Opportunity)
		if k.day >= horizon {
			break
		}
		planned++
	}
	return opps, planned
}

func slowTravel(l *slowLane, o calendars.Day, day int, asOf int64, horizon int) (opp calendars.Opportunity, ok bool) {
	for _, c := range l.orderCals {
		if !slowOpen(c, o) {
			return opp, false
		}
	}
	if day <= 3 { // later cut-offs are more than a day ahead
		cutoff := slowInstant(l.loc, o+1, 0)
		if l.Cutoff >= 0 {
			cutoff = slowInstant(l.loc, o, int(l.Cutoff))
		}
		if asOf >= cutoff {
			return opp, false
		}
	}
	limit := l.SourceDay0 + calendars.Day(horizon) + 366
	opp.Order = o
	if opp.Pick, ok = slowNth(l.pick, o, l.PrepDays, limit); !ok {
		return opp, false
	}
	if opp.Depart, ok = slowNth(l.depart, opp.Pick, 0, limit); !ok {
		return opp, false
	}
	arrive := opp.Depart + calendars.Day(l.TransitDays)
	if l.hasTransit {
		if arrive, ok = slowNth(l.transit, opp.Depart, l.TransitDays, limit); !ok {
			return opp, false
		}
	}
	if arrive < l.DestDay0 {
		arrive = l.DestDay0
	}
	opp.Receive, ok = slowNth(l.receive, arrive, 0, l.DestDay0+calendars.Day(horizon)+366)
	opp.Usable = opp.Receive + calendars.Day(l.PutAwayDays)
	return opp, ok
}

// drawCalendar makes a calendar of a few rules and dated days near day.
func drawCalendar(t *rapid.T, day calendars.Day) *calendars.Calendar {
	if rapid.IntRange(0, 4).Draw(t, "no calendar") == 0 {
		return nil
	}
	c := &calendars.Calendar{ID: "C"}
	near := rapid.Map(rapid.IntRange(-40, 440), func(n int) calendars.Day { return day + calendars.Day(n) })
	for n := rapid.IntRange(0, 3).Draw(t, "rules"); len(c.Rules) < n; {
		r := calendars.Rule{
			Number: int64(10 * len(c.Rules)), Anchor: near.Draw(t, "anchor"),
			From: calendars.MinDay, To: calendars.MaxDay, Open: rapid.IntRange(0, 3).Draw(t, "open") > 0,
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			r.Every = int32(rapid.IntRange(1, 20).Draw(t, "every"))
		case 1, 2:
			r.Weekdays = uint8(rapid.IntRange(1, 127).Draw(t, "weekdays"))
		}
		if rapid.Bool().Draw(t, "ranged") {
			r.From = near.Draw(t, "from")
			r.To = r.From + calendars.Day(rapid.IntRange(0, 300).Draw(t, "length"))
		}
		c.Rules = append(c.Rules, r)
	}
	seen := map[calendars.Day]bool{}
	for range rapid.IntRange(0, 6).Draw(t, "dates") {
		if d := near.Draw(t, "date"); !seen[d] {
			seen[d] = true
			c.Exceptions = append(c.Exceptions, calendars.Exception{Day: d, Open: rapid.Bool().Draw(t, "date open"), Why: "special " + d.String()})
		}
	}
	sort.Slice(c.Exceptions, func(i, j int) bool { return c.Exceptions[i].Day < c.Exceptions[j].Day })
	return c
}

var someZones = []string{
	"UTC", "America/Chicago", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana",
	"America/Sao_Paulo", "Asia/Kathmandu", "Africa/Cairo", "Pacific/Kiritimati", "Pacific/Pago_Pago",
}

func zone(t testing.TB, name string) *calendars.Zone {
	t.Helper()
	z, err := calendars.LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func day(t testing.TB, s string) calendars.Day {
	t.Helper()
	d, err := calendars.ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// micros reads an instant with its offset.
func micros(t testing.TB, s string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}
