// Package calendars knows civil days, open-day sets, zones, cut-offs and the opportunities of a lane. It is
// pure: no clock, no file, no randomness; sub-packages import holiday tables and iCalendar files.
//
//	Day          int32   days since 1970-01-01, without zone or time
//	Zone                 instants (µs UTC) ↔ civil days and wall clocks
//	Calendar             rules (weekdays, every n days, ranges) and dated exceptions
//	   └─NewOpenSet─▶ OpenSet      one bit per day, searched by words
//	Lane (zones, day 0s, OpenSets, cut-off, days of each leg)
//	   └─Compile────▶ Table        the chances to order, ascending by usable day
//
//	order ──prep days──▶ pick ──▶ depart ──transit──▶ arrive ──▶ receive ──put-away──▶ usable
//	└──────── civil days of the source ────────┘      └── of the destination ──┘
//
// I1 an exception beats all rules, the highest matching rule decides, no match is closed, no rule is open.
// I2 a clock change never moves a day: instants are built from wall-clock parts, a skipped one is the first
// instant after it, a repeated one its first pass.
// I3 the range an OpenSet is compiled for decides speed, never an answer.
// I4 the opportunities of a Table ascend strictly in order day (from its source's day 0) and in usable day; none is beaten or equalled
// by a later order day, those past the horizon included.
// I5 every search ends: 366 days past the horizon.
package calendars
