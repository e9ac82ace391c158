package calendars_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"echelon/calendars"
)

func moves(l calendars.Lane, o calendars.Opportunity) []string {
	var out []string
	for _, m := range l.Moves(o) {
		out = append(out, m.String())
	}
	return out
}

func TestMovesNameCalendarAndReason(t *testing.T) {
	z, asOf := zone(t, "America/Chicago"), micros(t, "2026-11-25T13:00:00-06:00")
	l := lane(z, asOf)
	l.Cutoff, l.PrepDays, l.TransitDays = 12*60, 1, 1
	pick := weekdays("PICK", 1, 2, 3, 4, 5)
	pick.Exceptions = []calendars.Exception{{Day: calendars.DayOf(2026, 11, 27), Why: "day after Thanksgiving"}}
	road := weekdays("ROAD", 3)
	road.Exceptions = []calendars.Exception{{Day: calendars.DayOf(2026, 12, 1), Open: true, Why: "extra run"}}
	l.OrderCals = []*calendars.OpenSet{set(weekdays("ORDER", 3, 4))}
	l.Pick, l.Transit, l.Receive = set(pick), set(road), set(weekdays("DOCK", 5))
	o := calendars.Compile([]calendars.Lane{l}, asOf, 28).Opps[0]
	want := []string{
		"order 2026-11-26: the cut-off of 2026-11-25 had passed",
		"pick 2026-11-30: calendar PICK is closed on 2026-11-27 (day after Thanksgiving), 2026-11-28, 2026-11-29",
		"arrive 2026-12-01: calendar ROAD is open by exception on 2026-12-01 (extra run)",
		"receive 2026-12-04: calendar DOCK is closed on 2026-12-01, 2026-12-02, 2026-12-03",
	}
	if diff := cmp.Diff(want, moves(l, o)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	o = calendars.Compile([]calendars.Lane{l}, asOf, 28).Opps[1]
	for _, m := range l.Moves(o) {
		if m.Leg == calendars.LegOrder {
			t.Errorf("an order on %s, a day after an open one, was moved: %s", o.Order, m)
		}
	}
	if o.Order != day(t, "2026-12-03") {
		t.Errorf("the second order is on %s", o.Order)
	}
	west := lane(zone(t, "Pacific/Pago_Pago"), asOf)
	west.DestZone = zone(t, "Pacific/Kiritimati")
	west.DestDay0 = west.DestZone.DayOf(asOf)
	o, ok := calendars.OrderOn(&west, 0, asOf, 28)
	want = []string{"arrive 2026-11-26: an arrival on 2026-11-25 counts on day 0"}
	if diff := cmp.Diff(want, moves(west, o)); diff != "" || !ok {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestMovesHaveCauses: a leg has a cause exactly when it has a move, and a move by a calendar names its days.
func TestMovesHaveCauses(t *testing.T) {
	moved := 0
	look := func(t *rapid.T) {
		asOf := rapid.Int64Range(1_767_225_600, 1_893_456_000).Draw(t, "as of") * 1_000_000
		l := drawLane(t, "Europe/Berlin", asOf).Lane
		for _, o := range calendars.Compile([]calendars.Lane{l}, asOf, 21).Opps {
			legs := map[calendars.Leg]bool{}
			for _, m := range l.Moves(o) {
				legs[m.Leg] = true
				moved++
				byCalendar := m.Cause == calendars.CauseCalendar || m.Cause == calendars.CauseException
				if byCalendar != (len(m.Days) > 0) || m.From > m.To {
					t.Fatalf("%+v has no day that moved it", m)
				}
			}
			for leg, cause := range []calendars.Cause{o.OrderBy, o.PickBy, o.DepartBy, o.ArriveBy, o.ReceiveBy} {
				if legs[calendars.Leg(leg)] != (cause != calendars.CauseNone) {
					t.Fatalf("%s of %+v has cause %d, moves %v", calendars.Leg(leg), o, cause, l.Moves(o))
				}
			}
		}
	}
	for round := 0; round == 0 || round < 20 && moved < 100; round++ { // draws may have few open days
		rapid.Check(t, look)
	}
	if moved < 100 {
		t.Errorf("only %d moves were seen", moved)
	}
}
