package calendars

import (
	"fmt"
	"strings"
)

// Leg is one step of an opportunity.
type Leg uint8

// The legs.
const (
	LegOrder Leg = iota
	LegPick
	LegDepart
	LegArrive
	LegReceive
)

var legWords = [...]string{"order", "pick", "depart", "arrive", "receive"}

// String gives the leg's word.
func (l Leg) String() string { return legWords[l] }

// Move says what put one leg of an opportunity on its day: Days are the days of the search that were closed
// or that a dated exception decided, From and To its first and its last day.
type Move struct {
	Leg      Leg
	Cause    Cause
	Calendar string // id; "" when no calendar was the cause
	From, To Day
	Days     []DayVerdict
}

// DayVerdict is what a calendar says of a day.
type DayVerdict struct {
	Day Day
	Verdict
}

// Moves finds again what moved the legs of an opportunity of this lane, in the order of the legs: one entry
// per leg that did not simply follow the one before.
func (l *Lane) Moves(o Opportunity) []Move {
	var moves []Move
	switch {
	case o.OrderBy == CauseCutoff:
		moves = append(moves, Move{Leg: LegOrder, Cause: CauseCutoff, From: o.Order - 1, To: o.Order})
	case o.OrderBy != CauseNone:
		for _, s := range l.OrderCals {
			if cause := s.cause(o.Order-1, o.Order-1); cause != CauseNone && !s.Open(o.Order-1) {
				moves = append(moves, s.move(LegOrder, cause, o.Order-1, o.Order))
			}
		}
	}
	leg := func(leg Leg, s *OpenSet, cause Cause, from, to Day) {
		if cause != CauseNone {
			moves = append(moves, s.move(leg, cause, from, to))
		}
	}
	leg(LegPick, l.Pick, o.PickBy, searchFrom(o.Order, l.PrepDays), o.Pick)
	leg(LegDepart, l.Depart, o.DepartBy, o.Pick, o.Depart)
	arrive, from := l.arrival(o.Depart)
	if o.ArriveBy == CauseDayZero {
		moves = append(moves, Move{Leg: LegArrive, Cause: CauseDayZero, From: arrive, To: l.DestDay0})
		arrive = l.DestDay0
	} else {
		leg(LegArrive, l.Transit, o.ArriveBy, from, arrive)
	}
	leg(LegReceive, l.Receive, o.ReceiveBy, arrive, o.Receive)
	return moves
}

// move collects the days of a search that mattered.
func (s *OpenSet) move(leg Leg, cause Cause, from, to Day) Move {
	m := Move{Leg: leg, Cause: cause, Calendar: s.Calendar().ID, From: from, To: to}
	for d := from; d <= to; d++ {
		if v := s.Calendar().Explain(d); !v.Open || s.overruled(d) {
			m.Days = append(m.Days, DayVerdict{Day: d, Verdict: v})
		}
	}
	return m
}

// String says the move in words: "pick 2026-11-30: calendar PICK is closed on 2026-11-27 (holiday), 2026-11-28".
func (m Move) String() string {
	head := m.Leg.String() + " " + m.To.String()
	switch m.Cause {
	case CauseCutoff:
		return fmt.Sprintf("%s: the cut-off of %s had passed", head, m.From)
	case CauseDayZero:
		return fmt.Sprintf("%s: an arrival on %s counts on day 0", head, m.From)
	case CauseNone:
		return head
	case CauseCalendar, CauseException:
	}
	var closed, opened []string
	for _, d := range m.Days {
		text := d.Day.String()
		if d.Why != "" {
			text += " (" + d.Why + ")"
		}
		if d.Open {
			opened = append(opened, text)
		} else {
			closed = append(closed, text)
		}
	}
	var parts []string
	if len(closed) > 0 {
		parts = append(parts, "is closed on "+strings.Join(closed, ", "))
	}
	if len(opened) > 0 {
		parts = append(parts, "is open by exception on "+strings.Join(opened, ", "))
	}
	return fmt.Sprintf("%s: calendar %s %s", head, m.Calendar, strings.Join(parts, " and "))
}
