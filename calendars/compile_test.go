package calendars_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"echelon/calendars"
)

const always = calendars.MaxDay

// lane is one between two nodes of a zone, open every day, without cut-off.
func lane(z *calendars.Zone, asOf int64) calendars.Lane {
	d := z.DayOf(asOf)
	return calendars.Lane{
		SourceZone: z, DestZone: z, SourceDay0: d, DestDay0: d, Cutoff: -1,
		ValidFrom: calendars.MinDay, ValidTo: always,
	}
}

func set(c calendars.Calendar) *calendars.OpenSet {
	return calendars.NewOpenSet(&c, calendars.DayOf(2026, 1, 1), calendars.DayOf(2029, 12, 31))
}

func weekdays(id string, days ...int) calendars.Calendar {
	var mask uint8
	for _, d := range days {
		mask |= 1 << (d - 1)
	}
	return calendars.Calendar{ID: id, Rules: []calendars.Rule{{Number: 1, Weekdays: mask, From: calendars.MinDay, To: always, Open: true}}}
}

// dates writes the legs of the first opportunities down: order pick depart receive usable.
func dates(t calendars.Table, n int) [][5]string {
	var out [][5]string
	for _, o := range t.Opps[:min(n, len(t.Opps))] {
		out = append(out, [5]string{o.Order.String(), o.Pick.String(), o.Depart.String(), o.Receive.String(), o.Usable.String()})
	}
	return out
}

func TestCompileLegs(t *testing.T) {
	z := zone(t, "America/Chicago")
	for _, c := range []struct {
		why, asOf string
		change    func(l *calendars.Lane)
		want      [][5]string
	}{
		{
			"every leg waits: ordered Thursday, picked Friday, leaves Monday, on the road two carrier days, received Thursday, on the shelf Friday",
			"2026-11-19T08:00:00-06:00",
			func(l *calendars.Lane) {
				l.OrderCals = []*calendars.OpenSet{set(weekdays("ORDER", 1, 4)), set(weekdays("SHOP", 1, 2, 3, 4, 5))}
				l.Cutoff, l.PrepDays, l.TransitDays, l.PutAwayDays = 12*60, 1, 2, 1
				l.Pick, l.Depart = set(weekdays("PICK", 1, 2, 3, 4, 5)), set(weekdays("TRUCK", 1, 3))
				l.Transit, l.Receive = set(weekdays("ROAD", 1, 2, 3, 4, 5)), set(weekdays("DOCK", 2, 4))
			},
			[][5]string{
				{"2026-11-19", "2026-11-20", "2026-11-23", "2026-11-26", "2026-11-27"},
				{"2026-11-23", "2026-11-24", "2026-11-25", "2026-12-01", "2026-12-02"},
			},
		},
		{
			"29 February is a day like any other", "2028-02-28T08:00:00-06:00",
			func(l *calendars.Lane) { l.PrepDays, l.TransitDays = 1, 1 },
			[][5]string{
				{"2028-02-28", "2028-02-29", "2028-02-29", "2028-03-01", "2028-03-01"},
				{"2028-02-29", "2028-03-01", "2028-03-01", "2028-03-02", "2028-03-02"},
			},
		},
		{
			"biweekly order days keep their rhythm across the year's end", "2026-12-20T08:00:00-06:00",
			func(l *calendars.Lane) {
				l.TransitDays = 3
				l.OrderCals = []*calendars.OpenSet{set(calendars.Calendar{Rules: []calendars.Rule{
					{Number: 1, Every: 14, Anchor: calendars.DayOf(2026, 11, 24), From: calendars.MinDay, To: always, Open: true},
				}})}
			},
			[][5]string{
				{"2026-12-22", "2026-12-22", "2026-12-22", "2026-12-25", "2026-12-25"},
				{"2027-01-05", "2027-01-05", "2027-01-05", "2027-01-08", "2027-01-08"},
				{"2027-01-19", "2027-01-19", "2027-01-19", "2027-01-22", "2027-01-22"},
			},
		},
		{
			"of Thursday, Friday and Saturday that all arrive on Monday only Saturday stays", "2026-11-19T08:00:00-06:00",
			func(l *calendars.Lane) { l.TransitDays, l.Receive = 1, set(weekdays("DOCK", 1)) },
			[][5]string{
				{"2026-11-22", "2026-11-22", "2026-11-22", "2026-11-23", "2026-11-23"},
				{"2026-11-29", "2026-11-29", "2026-11-29", "2026-11-30", "2026-11-30"},
			},
		},
		{
			"no cut-off: the last second of the day", "2026-11-21T23:59:59-06:00",
			func(*calendars.Lane) {},
			[][5]string{{"2026-11-21", "2026-11-21", "2026-11-21", "2026-11-21", "2026-11-21"}},
		},
		{
			"at the cut-off is too late", "2026-11-21T12:00:00-06:00",
			func(l *calendars.Lane) { l.Cutoff = 12 * 60 },
			[][5]string{{"2026-11-22", "2026-11-22", "2026-11-22", "2026-11-22", "2026-11-22"}},
		},
		{
			"a cut-off in the skipped hour is the first instant after it: just before", "2026-03-08T01:59:59-06:00",
			func(l *calendars.Lane) { l.Cutoff = 2*60 + 30 },
			[][5]string{{"2026-03-08", "2026-03-08", "2026-03-08", "2026-03-08", "2026-03-08"}},
		},
		{
			"a cut-off in the skipped hour: at its end", "2026-03-08T03:00:00-05:00",
			func(l *calendars.Lane) { l.Cutoff = 2*60 + 30 },
			[][5]string{{"2026-03-09", "2026-03-09", "2026-03-09", "2026-03-09", "2026-03-09"}},
		},
		{
			"a cut-off in the repeated hour is its first pass: just before", "2026-11-01T01:29:59-05:00",
			func(l *calendars.Lane) { l.Cutoff = 1*60 + 30 },
			[][5]string{{"2026-11-01", "2026-11-01", "2026-11-01", "2026-11-01", "2026-11-01"}},
		},
		{
			"a cut-off in the repeated hour: the second pass is too late", "2026-11-01T01:15:00-06:00",
			func(l *calendars.Lane) { l.Cutoff = 1*60 + 30 },
			[][5]string{{"2026-11-02", "2026-11-02", "2026-11-02", "2026-11-02", "2026-11-02"}},
		},
		{
			"days of transit are civil days on both sides of a clock change", "2026-03-07T08:00:00-06:00",
			func(l *calendars.Lane) { l.TransitDays = 1 },
			[][5]string{
				{"2026-03-07", "2026-03-07", "2026-03-07", "2026-03-08", "2026-03-08"},
				{"2026-03-08", "2026-03-08", "2026-03-08", "2026-03-09", "2026-03-09"},
			},
		},
		{
			"an arrival before the destination's day 0 counts on its day 0", "2026-11-21T20:00:00-06:00",
			func(l *calendars.Lane) {
				l.DestZone = zone(t, "Europe/Berlin")
				l.DestDay0 = calendars.DayOf(2026, 11, 22)
			},
			[][5]string{
				{"2026-11-22", "2026-11-22", "2026-11-22", "2026-11-22", "2026-11-22"},
				{"2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23", "2026-11-23"},
			},
		},
	} {
		asOf := micros(t, c.asOf)
		l := lane(z, asOf)
		c.change(&l)
		table := calendars.Compile([]calendars.Lane{l}, asOf, 28)
		if diff := cmp.Diff(c.want, dates(table, len(c.want))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.why, diff)
		}
	}
}

func TestCompileCauses(t *testing.T) {
	z, asOf := zone(t, "America/Chicago"), micros(t, "2026-11-25T13:00:00-06:00")
	l := lane(z, asOf)
	l.Cutoff, l.PrepDays = 12*60, 1
	pick := weekdays("PICK", 1, 2, 3, 4, 5)
	pick.Exceptions = []calendars.Exception{{Day: calendars.DayOf(2026, 11, 27), Why: "day after Thanksgiving"}}
	l.Pick, l.Receive = set(pick), set(weekdays("DOCK", 2))
	table := calendars.Compile([]calendars.Lane{l}, asOf, 28)
	o := table.Opps[0] // ordered Thursday to Monday morning all reach Tuesday: Monday's stays
	want := calendars.Opportunity{
		Order: day(t, "2026-11-30"), Pick: day(t, "2026-12-01"), Depart: day(t, "2026-12-01"),
		Receive: day(t, "2026-12-01"), Usable: day(t, "2026-12-01"),
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("nothing moved it (-want +got):\n%s", diff)
	}
	l.OrderCals = []*calendars.OpenSet{set(weekdays("ORDER", 3, 4))}
	o = calendars.Compile([]calendars.Lane{l}, asOf, 28).Opps[0]
	want = calendars.Opportunity{
		Order: day(t, "2026-11-26"), Pick: day(t, "2026-11-30"), Depart: day(t, "2026-11-30"),
		Receive: day(t, "2026-12-01"), Usable: day(t, "2026-12-01"), OrderBy: calendars.CauseCutoff,
		PickBy: calendars.CauseException, ReceiveBy: calendars.CauseCalendar,
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
}

func TestCompileClosedLanesAreWaitedFor(t *testing.T) {
	z, asOf := zone(t, "America/Chicago"), micros(t, "2026-11-23T08:00:00-06:00") // a Monday
	first, second := lane(z, asOf), lane(z, asOf)
	first.OrderCals = []*calendars.OpenSet{set(weekdays("FIRST", 5))}
	first.ValidTo = calendars.DayOf(2026, 12, 5)
	second.TransitDays = 1
	table := calendars.Compile([]calendars.Lane{first, second}, asOf, 14)
	want := [][5]string{
		{"2026-11-27", "2026-11-27", "2026-11-27", "2026-11-27", "2026-11-27"}, // not today on the second lane
		{"2026-12-04", "2026-12-04", "2026-12-04", "2026-12-04", "2026-12-04"},
		{"2026-12-06", "2026-12-06", "2026-12-06", "2026-12-07", "2026-12-07"}, // the last order day inside the horizon
		{"2026-12-07", "2026-12-07", "2026-12-07", "2026-12-08", "2026-12-08"}, // ends its window
	}
	if diff := cmp.Diff(want, dates(table, 99)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if table.Planned != 3 || table.Opps[0].Lane != 0 || table.Opps[2].Lane != 1 {
		t.Errorf("planned %d: %+v", table.Planned, table.Opps)
	}
	if i := calendars.LaneOn([]calendars.Lane{first, second}, 12); i != 0 {
		t.Errorf("lane of day 12: %d", i)
	}
	if i := calendars.LaneOn([]calendars.Lane{first, second}, 13); i != 1 {
		t.Errorf("lane of day 13: %d", i)
	}
	if o, ok := calendars.OrderOn(&second, 0, asOf, 14); !ok || o.Usable != day(t, "2026-11-24") {
		t.Errorf("the second lane today, asked for by itself: %+v %t", o, ok)
	}
	if o, ok := calendars.OrderOn(&first, 0, asOf, 14); ok {
		t.Errorf("the first lane is closed today: %+v", o)
	}
}

func TestCompileWithoutOpenDay(t *testing.T) {
	z, asOf := zone(t, "America/Chicago"), micros(t, "2026-11-23T08:00:00-06:00")
	shut := set(calendars.Calendar{Rules: []calendars.Rule{{Number: 1, From: calendars.MinDay, To: always}}})
	for name, change := range map[string]func(*calendars.Lane){
		"order":   func(l *calendars.Lane) { l.OrderCals = []*calendars.OpenSet{nil, shut} },
		"pick":    func(l *calendars.Lane) { l.Pick = shut },
		"depart":  func(l *calendars.Lane) { l.Depart = shut },
		"transit": func(l *calendars.Lane) { l.Transit = shut },
		"receive": func(l *calendars.Lane) { l.Receive = shut },
		"dates":   func(l *calendars.Lane) { l.ValidTo = l.SourceDay0 - 1 },
		"journey": func(l *calendars.Lane) { l.TransitDays = 500 },
	} {
		l := lane(z, asOf)
		change(&l)
		if table := calendars.Compile([]calendars.Lane{l}, asOf, 28); len(table.Opps) != 0 || table.Planned != 0 {
			t.Errorf("%s never open: %+v", name, table)
		}
		if _, ok := calendars.OrderOn(&l, 0, asOf, 28); ok {
			t.Errorf("%s never open, but ordered today", name)
		}
	}
	if table := calendars.Compile(nil, asOf, 28); len(table.Opps) != 0 {
		t.Errorf("no lane: %+v", table)
	}
	l := lane(z, asOf)
	l.ValidFrom = l.SourceDay0 + 28 + calendars.SearchDays
	if table := calendars.Compile([]calendars.Lane{l}, asOf, 28); len(table.Opps) != 1 || table.Planned != 0 {
		t.Errorf("the last day searched was not found: %+v", table)
	}
	l.ValidFrom++
	if table := calendars.Compile([]calendars.Lane{l}, asOf, 28); len(table.Opps) != 0 {
		t.Errorf("searched too far: %+v", table)
	}
}

// TestCompileFasterLaneAfterTheHorizon: a faster lane that takes over after the horizon beats planned orders
// on the slow one, although the slow one comes first on the days in between.
func TestCompileFasterLaneAfterTheHorizon(t *testing.T) {
	z, asOf := zone(t, "America/Chicago"), micros(t, "2026-11-23T08:00:00-06:00")
	slow, fast := lane(z, asOf), lane(z, asOf)
	slow.TransitDays, slow.ValidTo = 10, slow.SourceDay0+16 // two days past the horizon's last
	table := calendars.Compile([]calendars.Lane{slow, fast}, asOf, 14)
	// The fast lane's first order, on day 17, is usable that day: what the slow one brings on day 17 or later goes.
	last := table.Opps[len(table.Opps)-1]
	if table.Planned != 7 || len(table.Opps) != 8 || last.Lane != 1 || last.Usable != slow.SourceDay0+17 {
		t.Errorf("%d planned, %d in all, the last one %+v", table.Planned, len(table.Opps), last)
	}
	if o := table.Opps[6]; o.Order != slow.SourceDay0+6 || o.Usable != slow.SourceDay0+16 {
		t.Errorf("the last planned one is %+v", o)
	}
}

// TestCompileSearchEndsByTheDestination: receiving is searched to 366 days past the destination's horizon.
func TestCompileSearchEndsByTheDestination(t *testing.T) {
	asOf := micros(t, "2026-11-23T12:00:00Z")
	l := lane(zone(t, "Pacific/Pago_Pago"), asOf)
	l.DestZone = zone(t, "Pacific/Kiritimati")
	if l.DestDay0 = l.DestZone.DayOf(asOf); l.DestDay0 != l.SourceDay0+1 {
		t.Fatalf("day 0 is %s and %s", l.SourceDay0, l.DestDay0)
	}
	for _, c := range []struct {
		late calendars.Day
		want int
	}{{0, 1}, {1, 0}} {
		only := l.DestDay0 + 28 + calendars.SearchDays + c.late
		l.Receive = set(calendars.Calendar{Rules: []calendars.Rule{{Number: 1, From: only, To: only, Open: true}}})
		if got := len(calendars.Compile([]calendars.Lane{l}, asOf, 28).Opps); got != c.want {
			t.Errorf("open on %s alone: %d opportunities, want %d", only, got, c.want)
		}
	}
}

// TestCompileAgainstSlow compares Compile with the slow reading on drawn lanes, near clock changes too.
func TestCompileAgainstSlow(t *testing.T) {
	opps, multi := 0, 0
	compare := func(t *rapid.T) {
		horizon := rapid.IntRange(14, 40).Draw(t, "horizon")
		asOf := rapid.Int64Range(1_293_840_000, 1_893_456_000).Draw(t, "as of")
		first := rapid.SampledFrom(someZones).Draw(t, "zone")
		loc, _ := time.LoadLocation(first)
		if _, end := time.Unix(asOf, 0).In(loc).ZoneBounds(); rapid.Bool().Draw(t, "at change") && !end.IsZero() {
			asOf = end.Unix() + int64(rapid.IntRange(-7200, 7200).Draw(t, "seconds off"))
		}
		asOf *= 1_000_000
		var slow []slowLane
		var lanes []calendars.Lane
		for range rapid.IntRange(1, 3).Draw(t, "lanes") {
			l := drawLane(t, first, asOf)
			slow, lanes = append(slow, l), append(lanes, l.Lane)
		}
		got := calendars.Compile(lanes, asOf, horizon)
		want, planned := slowCompile(slow, asOf, horizon)
		bare := make([]calendars.Opportunity, 0, len(got.Opps))
		for _, o := range got.Opps {
			o.OrderBy, o.PickBy, o.DepartBy, o.ArriveBy, o.ReceiveBy = 0, 0, 0, 0, 0
			bare = append(bare, o)
		}
		if diff := cmp.Diff(append([]calendars.Opportunity{}, want...), bare); diff != "" || got.Planned != planned {
			t.Fatalf("planned %d, want %d (-want +got):\n%s", got.Planned, planned, diff)
		}
		opps += len(got.Opps)
		for _, o := range got.Opps {
			if o.Lane > 0 {
				multi++
			}
		}
	}
	for round := 0; round == 0 || round < 20 && (opps < 200 || multi < 20); round++ { // draws may have few open days
		rapid.Check(t, compare)
	}
	if opps < 200 || multi < 20 {
		t.Errorf("only %d opportunities, %d on later lanes, were compared", opps, multi)
	}
}

func drawLane(t *rapid.T, source string, asOf int64) slowLane {
	load := func(name string) *calendars.Zone {
		z, err := calendars.LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	if rapid.IntRange(0, 2).Draw(t, "other source") == 0 {
		source = rapid.SampledFrom(someZones).Draw(t, "source zone")
	}
	s := slowLane{}
	s.loc, _ = time.LoadLocation(source)
	s.SourceZone, s.DestZone = load(source), load(rapid.SampledFrom(someZones).Draw(t, "destination zone"))
	s.SourceDay0, s.DestDay0 = s.SourceZone.DayOf(asOf), s.DestZone.DayOf(asOf)
	from, to := s.SourceDay0-calendars.Day(rapid.IntRange(0, 60).Draw(t, "compiled from")), s.SourceDay0+calendars.Day(rapid.IntRange(0, 500).Draw(t, "compiled to"))
	draw := func() (*calendars.Calendar, *calendars.OpenSet) {
		c := drawCalendar(t, s.SourceDay0)
		return c, calendars.NewOpenSet(c, from, to)
	}
	for range rapid.IntRange(0, 2).Draw(t, "order calendars") {
		c, o := draw()
		s.orderCals, s.OrderCals = append(s.orderCals, c), append(s.OrderCals, o)
	}
	s.pick, s.Pick = draw()
	s.depart, s.Depart = draw()
	s.transit, s.Transit = draw()
	s.hasTransit = s.Transit != nil
	s.receive, s.Receive = draw()
	days := rapid.Map(rapid.IntRange(0, 12), func(n int) int32 { return int32(n) })
	s.PrepDays, s.TransitDays, s.PutAwayDays = days.Draw(t, "prep")/3, days.Draw(t, "transit"), days.Draw(t, "put away")/4
	s.Cutoff = int32(rapid.SampledFrom([]int{-1, 0, 90, 120, 135, 150, 720, 1020, 1439}).Draw(t, "cutoff"))
	s.ValidFrom, s.ValidTo = calendars.MinDay, calendars.MaxDay
	if rapid.IntRange(0, 2).Draw(t, "dated") == 0 {
		s.ValidFrom = s.SourceDay0 + calendars.Day(rapid.IntRange(-5, 50).Draw(t, "valid from"))
		s.ValidTo = s.ValidFrom + calendars.Day(rapid.IntRange(0, 60).Draw(t, "valid days"))
	}
	return s
}
