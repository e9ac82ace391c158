package calendars

// SearchDays is how many days past the horizon a search for an open day still looks.
const SearchDays = 366

// SearchLimit is the last day that a search looks at, counted from a node's day 0.
func SearchLimit(day0 Day, horizon int) Day { return day0 + Day(horizon) + SearchDays }

// Lane is all that compiling the opportunities of one lane needs. A nil calendar is open every day.
type Lane struct {
	SourceZone, DestZone *Zone
	SourceDay0, DestDay0 Day        // the as-of day in each zone
	OrderCals            []*OpenSet // all must be open on the order day
	Cutoff               int32      // minutes after midnight, wall clock of the source; -1: end of the day
	PrepDays             int32
	Pick                 *OpenSet
	Depart               *OpenSet
	TransitDays          int32
	Transit              *OpenSet // nil: elapsed days
	Receive              *OpenSet
	PutAwayDays          int32
	ValidFrom, ValidTo   Day // order days on which the lane is valid, inclusive
}

// Cause says what put a leg on its day. The zero value: nothing moved it.
type Cause uint8

// Causes.
const (
	CauseNone      Cause = iota
	CauseCalendar        // a rule of the leg's calendar was closed on earlier days
	CauseException       // a dated exception of the leg's calendar moved it
	CauseCutoff          // the cut-off of the day before had passed
	CauseDayZero         // arrival before day 0 counts on day 0
)

// Opportunity is one chance to order. Order, pick and depart are civil days of the source, receive and
// usable of the destination.
type Opportunity struct {
	Lane                                  int32 // index into the lanes given to Compile
	Order, Pick, Depart, Receive, Usable  Day
	PickBy, DepartBy, ArriveBy, ReceiveBy Cause // what moved each leg
	OrderBy                               Cause // why the day before was no order day; none: it was one, or this is day 0
}

// Table is the opportunities of a lane class in ascending usable day (strictly), each one's order day the
// latest that reaches it. Those whose order day is inside the horizon are planned: Opps[:Planned]. What
// follows (at most one) only ends the last window.
type Table struct {
	Opps    []Opportunity
	Planned int
}

// Valid reports whether the lane may be used on an order day.
func (l *Lane) Valid(order Day) bool { return order >= l.ValidFrom && order <= l.ValidTo }

// OpenForOrders reports whether all order calendars are open on the day.
func (l *Lane) OpenForOrders(order Day) bool {
	for _, s := range l.OrderCals {
		if !s.Open(order) {
			return false
		}
	}
	return true
}

// CutoffInstant is the instant before which an order of that day must be placed.
func (l *Lane) CutoffInstant(order Day) int64 {
	if l.Cutoff < 0 {
		return l.SourceZone.Start(order + 1)
	}
	return l.SourceZone.Instant(order, l.Cutoff)
}

// PickOn gives the pick day of an order placed on that day; false when none is found up to limit.
func (l *Lane) PickOn(order, limit Day) (Day, bool) {
	return l.Pick.NthOpenAfter(order, l.PrepDays, limit)
}

// UsableOn gives the receive and the usable day of goods that are at the destination's dock on arrive;
// false when no receiving day is found up to limit.
func (l *Lane) UsableOn(arrive, limit Day) (receive, usable Day, ok bool) {
	receive, ok = l.Receive.NextOpen(arrive, limit)
	return receive, receive + Day(l.PutAwayDays), ok
}

// travel takes an order through its legs; false when a search ends before all are found.
func (l *Lane) travel(order Day, horizon int) (Opportunity, bool) {
	limit := SearchLimit(l.SourceDay0, horizon)
	o := Opportunity{Order: order}
	var ok bool
	if o.Pick, ok = l.PickOn(order, limit); !ok {
		return o, false
	}
	if o.Depart, ok = l.Depart.NextOpen(o.Pick, limit); !ok {
		return o, false
	}
	arrive := int64(o.Depart) + int64(max(l.TransitDays, 0))
	if l.Transit != nil {
		day, ok := l.Transit.NthOpenAfter(o.Depart, l.TransitDays, limit)
		if !ok {
			return o, false
		}
		arrive = int64(day)
	}
	destLimit := SearchLimit(l.DestDay0, horizon)
	if arrive = max(arrive, int64(l.DestDay0)); arrive > int64(destLimit) {
		return o, false
	}
	o.Receive, o.Usable, ok = l.UsableOn(Day(arrive), destLimit)
	return o, ok
}
