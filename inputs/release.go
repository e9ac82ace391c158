package inputs

import "echelon/calendars"

// Release is a released line of an earlier published cycle: a row of the table `releases`. Ids are text,
// for it outlives the snapshot whose dictionaries it was planned with.
type Release struct {
	ID          string // release_id
	Item        string
	Destination string
	Source      string
	Lane        string
	Quantity    int64         // units, at least 1
	OrderDay    calendars.Day // civil day of the source
	PickDay     calendars.Day // civil day of the source
	ReceiveDay  calendars.Day // day at the dock, civil day of the destination
	Cycle       string
	AsOf        int64 // as-of of that cycle, microseconds UTC
	GraceUntil  int64 // microseconds UTC: from here on it counts no more
}

// CarryEntry is what an earlier published cycle left a SKU short of: a row of the table `carry`.
type CarryEntry struct {
	Item  string
	Node  string
	Units int64 // wanted and not got since last served in full
}
