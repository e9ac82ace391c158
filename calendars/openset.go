package calendars

// OpenSet is a calendar compiled to bits over a range of days.
type OpenSet struct {
	first Day
	open  []uint64
}
