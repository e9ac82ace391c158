// Package holidays turns named holiday tables (US, DE, DE-BY, AU-NSW, …) into closed days of a calendar.
//
//	table name + years + observance ──Days──▶ []calendars.Exception   closed, ascending, one per day, why = the holiday
//
// I1 the same table, years and observance give the same days on every machine, whatever its time zone.
// I2 public and bank holidays close a day, and those that the table gives no type (Ireland's); holidays marked
// as religious only or as other (eves, school days, flag days) do not.
package holidays

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/rickar/cal/v2"

	"echelon/calendars"
)

// Years that every table can compute: moveable feasts and equinoxes are known for them.
const (
	FirstYear = 1970
	LastYear  = 2150
)

// Observance says which day counts when a holiday falls on a day off and is kept on another.
type Observance uint8

// Observances. Shops and docks usually close on the day itself, offices and carriers on the one kept instead.
const (
	Actual Observance = iota
	Observed
	Both
)

// The library computes midnights in the machine's zone; the days of a table must not depend on it.
func init() { cal.DefaultLoc = time.UTC }

// Names lists the known tables, ascending.
func Names() []string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.name
	}
	return names
}

// Days gives the holidays of a table in the years from to to (inclusive) as closed days, ascending, one per
// day. Holidays that fall on one day share its why. An observed day counts in the year in which it lies.
func Days(name string, from, to int, which Observance) ([]calendars.Exception, error) {
	if from < FirstYear || to > LastYear || from > to {
		return nil, fmt.Errorf("holiday table %q years: %d to %d: want an ascending range inside %d to %d", name, from, to, FirstYear, LastYear)
	}
	if which > Both {
		return nil, fmt.Errorf("holiday table %q observance: %d: want Actual, Observed or Both", name, which)
	}
	i := sort.Search(len(tables), func(i int) bool { return tables[i].name >= name })
	if i == len(tables) || tables[i].name != name {
		return nil, fmt.Errorf("holiday table %q: unknown: want one of %s", name, strings.Join(Names(), ", "))
	}
	c := collector{first: calendars.DayOf(from, time.January, 1), last: calendars.DayOf(to, time.December, 31), seen: map[entry]bool{}}
	for _, h := range tables[i].days {
		if h.Type == cal.ObservanceReligious || h.Type == cal.ObservanceOther {
			continue
		}
		for year := from - 1; year <= to+1; year++ {
			actual, observed := h.Calc(year)
			if actual.IsZero() {
				continue // not kept in that year
			}
			if which != Observed {
				c.add(actual, h.Name)
			}
			if which != Actual {
				c.add(observed, h.Name)
			}
		}
	}
	return c.exceptions(), nil
}

// entry is one holiday on one day.
type entry struct {
	day  calendars.Day
	name string
}

// collector gathers entries inside a range, each once, in the order of the table.
type collector struct {
	first, last calendars.Day
	entries     []entry
	seen        map[entry]bool
}

func (c *collector) add(at time.Time, name string) {
	e := entry{calendars.DayOf(at.Date()), name}
	if e.day < c.first || e.day > c.last || c.seen[e] {
		return
	}
	c.seen[e] = true
	c.entries = append(c.entries, e)
}

func (c *collector) exceptions() []calendars.Exception {
	sort.SliceStable(c.entries, func(i, j int) bool { return c.entries[i].day < c.entries[j].day })
	var out []calendars.Exception
	for _, e := range c.entries {
		if n := len(out); n > 0 && out[n-1].Day == e.day {
			out[n-1].Why += "; " + e.name
			continue
		}
		out = append(out, calendars.Exception{Day: e.day, Why: e.name})
	}
	return out
}
