package calendars

// Rule opens or closes days. The matching rule with the highest number decides.
type Rule struct {
	Number   int64
	Weekdays uint8 // bit 0 Monday … bit 6 Sunday; 0: not by weekday
	Every    int32 // every n days from Anchor (also before it); 0: not by interval
	Anchor   Day
	From, To Day // inclusive; MinDay, MaxDay: open-ended
	Open     bool
}

// Exception is one dated day; it beats all rules.
type Exception struct {
	Day  Day
	Open bool
	Why  string
}

// Calendar says which days are open: exceptions first, then the highest matching rule; no match: closed.
// A calendar without any rule is open on every day but its closed exceptions.
type Calendar struct {
	ID         string
	Rules      []Rule      // ascending by number
	Exceptions []Exception // ascending by day, one per day
}
