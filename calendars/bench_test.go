package calendars_test

import (
	"testing"

	"echelon/calendars"
)

// BenchmarkCompile10000Lanes compiles the calendars and the opportunities of 10,000 lanes over 91 days: every
// lane with five calendars of its own choice out of 200, a cut-off, and one in four with a second lane behind it.
func BenchmarkCompile10000Lanes(b *testing.B) {
	const lanes, horizon = 10_000, 91
	asOf := micros(b, "2026-11-21T08:00:00-06:00")
	zones := []*calendars.Zone{zone(b, "America/Chicago"), zone(b, "America/New_York"), zone(b, "America/Denver")}
	first := calendars.DayOf(2026, 11, 20)
	var cals []*calendars.Calendar
	for i := range 200 {
		c := weekdays("C", 1+i%5, 1+(i+2)%7, 1+(i/7)%7)
		if i%10 == 0 {
			c.Rules = append(c.Rules, calendars.Rule{Number: 2, Every: 14, Anchor: first + calendars.Day(i%14), From: calendars.MinDay, To: always})
		}
		for _, d := range []calendars.Day{calendars.DayOf(2026, 11, 26), calendars.DayOf(2026, 12, 25), calendars.DayOf(2027, 1, 1)} {
			c.Exceptions = append(c.Exceptions, calendars.Exception{Day: d, Why: "holiday"})
		}
		cals = append(cals, &c)
	}
	opps := 0
	b.ResetTimer()
	for range b.N {
		sets := make([]*calendars.OpenSet, len(cals))
		for i, c := range cals {
			sets[i] = calendars.NewOpenSet(c, first, calendars.SearchLimit(first+2, horizon))
		}
		opps = 0
		for i := range lanes {
			l := lane(zones[i%3], asOf)
			l.OrderCals = []*calendars.OpenSet{sets[i%200], nil}
			l.Cutoff, l.PrepDays, l.TransitDays, l.PutAwayDays = int32(i%1440), int32(i%3), int32(i%9), int32(i%2)
			l.Pick, l.Depart, l.Receive = sets[(i/3)%200], sets[(i/7)%200], sets[(i/11)%200]
			if i%2 == 0 {
				l.Transit = sets[(i/13)%200]
			}
			class := []calendars.Lane{l}
			if i%4 == 0 {
				class[0].ValidTo = l.SourceDay0 + calendars.Day(i%100)
				class = append(class, l)
			}
			opps += len(calendars.Compile(class, asOf, horizon).Opps)
		}
	}
	b.ReportMetric(float64(lanes)*float64(b.N)/b.Elapsed().Seconds(), "lanes/s")
	b.ReportMetric(float64(opps)/lanes, "opps/lane")
}
