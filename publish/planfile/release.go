package planfile

import "echelon/calendars"

// Release is a released line of a published cycle with the columns of the input table `releases`: a later
// cycle counts it like an open order while its grace lasts.
type Release struct {
	ID          string
	Item        string
	Destination string
	Source      string
	Lane        string
	Quantity    int64 // units
	OrderDay    calendars.Day
	PickDay     calendars.Day
	ReceiveDay  calendars.Day
	Cycle       string
	AsOf        int64 // microseconds UTC
	GraceUntil  int64 // microseconds UTC
}

// CarryLine is one row of the layer `carry`: units wanted and not got since the SKU was last served in full.
type CarryLine struct {
	Item  string
	Node  string
	Units int64
}
