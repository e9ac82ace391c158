package calendars

import (
	"errors"
	"fmt"
	"sort"
)

// Rule opens or closes days. The matching rule with the highest number decides. A rule matches a day that
// passes all the tests it has: its weekdays, its interval, its range.
type Rule struct {
	Number   int64
	Weekdays uint8 // bit 0 Monday … bit 6 Sunday; 0: not by weekday
	Every    int32 // every n days from Anchor (also before it); 0: not by interval
	Anchor   Day
	From, To Day // inclusive; MinDay, MaxDay: open-ended
	Open     bool
}

// Matches reports whether the rule says something about the day.
func (r *Rule) Matches(d Day) bool {
	if d < r.From || d > r.To {
		return false
	}
	if r.Weekdays != 0 && r.Weekdays&(1<<(d.Weekday()-1)) == 0 {
		return false
	}
	return r.Every == 0 || (int64(d)-int64(r.Anchor))%int64(r.Every) == 0
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

// Verdict is what a calendar says of one day, and which of its entries said so.
type Verdict struct {
	Open  bool
	Cause Cause  // CauseException: a dated day; CauseCalendar: a rule, or that none matched; CauseNone: no rules
	Rule  int64  // number of the rule that decided, valid when Ruled
	Ruled bool   // a rule decided
	Why   string // of the exception
}

// Validate reports every fault of the calendar at once; nil when it has none.
func (c *Calendar) Validate() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("calendar %q "+format, append([]any{c.ID}, args...)...))
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		if i > 0 && r.Number == c.Rules[i-1].Number {
			fault("rule %d: given twice: number each rule once", r.Number)
		} else if i > 0 && r.Number < c.Rules[i-1].Number {
			fault("rule %d: after rule %d: sort rules by number", r.Number, c.Rules[i-1].Number)
		}
		if r.Weekdays > 127 {
			fault("rule %d weekdays: bit 7 is set: use 1 (Monday) to 7 (Sunday)", r.Number)
		}
		if r.Every < 0 {
			fault("rule %d every: %d: want 1 or more days", r.Number, r.Every)
		}
		if r.From > r.To {
			fault("rule %d valid_from: %s is after valid_to %s: swap them", r.Number, r.From, r.To)
		}
	}
	for i := 1; i < len(c.Exceptions); i++ {
		e, before := &c.Exceptions[i], &c.Exceptions[i-1]
		if e.Day == before.Day {
			fault("date %s: given twice: keep one", e.Day)
		} else if e.Day < before.Day {
			fault("date %s: after %s: sort dates", e.Day, before.Day)
		}
	}
	return errors.Join(faults...)
}

// Open reports whether the day is open, and whether an exception or the rules said so. A nil calendar is
// open every day.
func (c *Calendar) Open(d Day) (bool, Cause) {
	v := c.Explain(d)
	return v.Open, v.Cause
}

// Explain gives the verdict on the day.
func (c *Calendar) Explain(d Day) Verdict {
	if c == nil {
		return Verdict{Open: true}
	}
	if e := c.exception(d); e != nil {
		return Verdict{Open: e.Open, Cause: CauseException, Why: e.Why}
	}
	return c.ruled(d)
}

// ruled gives the verdict of the rules alone.
func (c *Calendar) ruled(d Day) Verdict {
	if len(c.Rules) == 0 {
		return Verdict{Open: true}
	}
	for i := len(c.Rules) - 1; i >= 0; i-- {
		if r := &c.Rules[i]; r.Matches(d) {
			return Verdict{Open: r.Open, Cause: CauseCalendar, Rule: r.Number, Ruled: true}
		}
	}
	return Verdict{Cause: CauseCalendar}
}

// exception finds the dated entry of a day, nil when there is none.
func (c *Calendar) exception(d Day) *Exception {
	i := sort.Search(len(c.Exceptions), func(i int) bool { return c.Exceptions[i].Day >= d })
	if i < len(c.Exceptions) && c.Exceptions[i].Day == d {
		return &c.Exceptions[i]
	}
	return nil
}
