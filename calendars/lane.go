package calendars

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
	CauseCutoff          // today's cut-off had passed
	CauseDayZero         // arrival before day 0 counts on day 0
)

// Opportunity is one chance to order. Order, pick and depart are civil days of the source, receive and
// usable of the destination.
type Opportunity struct {
	Lane                                  int32 // index into the lanes given to Compile
	Order, Pick, Depart, Receive, Usable  Day
	PickBy, DepartBy, ArriveBy, ReceiveBy Cause // what moved each leg
}

// Table is the opportunities of a lane class in ascending usable day (strictly), each one's order day the
// latest that reaches it. Those whose order day is inside the horizon are planned: Opps[:Planned]. What
// follows (at most one) only ends the last window.
type Table struct {
	Opps    []Opportunity
	Planned int
	// FirstValid[o] is the lane index that is valid on order day o (0 ≤ o < horizon), -1 none.
}
