package main

import (
	"context"
	"time"

	"echelon/calendars"
)

// compileLanes compiles 10,000 different lanes over 91 days: three zones, 200 calendars, half of the lanes
// with a carrier's calendar, cut-offs all over the day, a quarter with a second lane behind the first.
func compileLanes(ctx context.Context, s settings, report func(result)) error {
	const lanes, horizon = 10_000, 91
	asOf := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).UnixMicro()
	var zones []*calendars.Zone
	for _, name := range []string{"America/Chicago", "America/New_York", "America/Denver"} {
		z, err := calendars.LoadZone(name)
		if err != nil {
			return err
		}
		zones = append(zones, z)
	}
	first := calendars.DayOf(2026, 11, 20)
	cals := make([]*calendars.Calendar, 200)
	for i := range cals {
		days := uint8(0b0011111) &^ (1 << (i % 5)) // four of five working days
		cals[i] = &calendars.Calendar{ID: "C", Rules: []calendars.Rule{{Number: 1, Weekdays: days, From: calendars.MinDay, To: calendars.MaxDay, Open: true}}}
		if i%10 == 0 { // every second week closed from its own anchor
			cals[i].Rules = append(cals[i].Rules, calendars.Rule{Number: 2, Every: 14, Anchor: first + calendars.Day(i%14), From: calendars.MinDay, To: calendars.MaxDay})
		}
		for _, d := range []calendars.Day{calendars.DayOf(2026, 11, 26), calendars.DayOf(2026, 12, 25), calendars.DayOf(2027, 1, 1)} {
			cals[i].Exceptions = append(cals[i].Exceptions, calendars.Exception{Day: d, Why: "holiday"})
		}
	}
	opportunities := 0
	spent, err := timed(ctx, s, func() error {
		sets := make([]*calendars.OpenSet, len(cals))
		for i, c := range cals {
			sets[i] = calendars.NewOpenSet(c, first, calendars.SearchLimit(first+2, horizon))
		}
		opportunities = 0
		for i := range lanes {
			z := zones[i%3]
			l := calendars.Lane{
				SourceZone: z, DestZone: z, SourceDay0: z.DayOf(asOf), DestDay0: z.DayOf(asOf),
				OrderCals: []*calendars.OpenSet{sets[i%200]}, Cutoff: int32(i % 1440), PrepDays: int32(i % 3),
				Pick: sets[(i/3)%200], Depart: sets[(i/7)%200], Receive: sets[(i/11)%200],
				TransitDays: int32(i % 9), PutAwayDays: int32(i % 2), ValidFrom: calendars.MinDay, ValidTo: calendars.MaxDay,
			}
			if i%2 == 0 {
				l.Transit = sets[(i/13)%200]
			}
			class := []calendars.Lane{l}
			if i%4 == 0 {
				class[0].ValidTo = l.SourceDay0 + calendars.Day(i%100)
				class = append(class, l)
			}
			opportunities += len(calendars.Compile(class, asOf, horizon).Opps)
		}
		return nil
	})
	if err != nil {
		return err
	}
	report(result{Seconds: spent.wall, CPUSeconds: spent.cpu, Extra: map[string]float64{
		"lanes": lanes, "lanes_per_s": lanes / spent.wall, "opportunities": float64(opportunities),
		"ns_per_lane": spent.cpu * 1e9 / lanes, "ns_per_opportunity": spent.cpu * 1e9 / float64(opportunities),
	}})
	return nil
}
