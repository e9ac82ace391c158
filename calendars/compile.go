package calendars

import "slices"

// LaneOn gives the index of the lane of an order day: the first in the list that is valid that day; -1 when
// none is. The order day is counted from the day 0 of the source of the lane that is tried.
func LaneOn(lanes []Lane, orderDay int) int {
	for i := range lanes {
		if lanes[i].Valid(lanes[i].SourceDay0 + Day(orderDay)) {
			return i
		}
	}
	return -1
}

// OrderOn gives the opportunity of one lane on one order day (counted from its source's day 0), whether or
// not another lane comes first; false when the lane is not valid or closed then, or the instant (microseconds
// UTC) is not before the day's cut-off, or no open day is found for a leg.
func OrderOn(lane *Lane, orderDay int, asOf int64, horizon int) (Opportunity, bool) {
	day := lane.SourceDay0 + Day(orderDay)
	if !lane.Valid(day) || !lane.OpenForOrders(day) || asOf >= lane.CutoffInstant(day) {
		return Opportunity{}, false
	}
	o, ok := lane.travel(day, horizon)
	if ok {
		lane.explainLegs(&o)
	}
	return o, ok
}

// Compile turns the lanes of a class, in the order in which they are tried, into their opportunities
// (planning, section 2). asOf is in microseconds UTC; horizon in days. Order days 0 … horizon − 1 are
// planned; the next usable day after the last planned one is looked for on order days up to horizon + 366.
//
// It rests on two facts: on one lane a later order is never usable earlier (every leg is monotone), and a
// cut-off is never earlier on a later day.
func Compile(lanes []Lane, asOf int64, horizon int) Table {
	c := compiler{lanes: lanes, asOf: asOf, horizon: horizon, first: make([]int, len(lanes))}
	for i := range c.first {
		c.first[i] = unknown
	}
	return c.table()
}

const unknown = -1

type compiler struct {
	lanes   []Lane
	asOf    int64
	horizon int
	first   []int // per lane: the first order day whose cut-off is still ahead; unknown until asked for
}

// table walks the order days from the last to the first: what a later one beats or equals is dropped.
func (c *compiler) table() Table {
	next, bounded := c.beyond()
	opps := make([]Opportunity, 0, c.horizon+1)
	if bounded {
		opps = append(opps, next)
	}
	for day := c.horizon - 1; day >= 0; day-- {
		o, ok := c.order(day)
		if !ok || (bounded && o.Usable >= next.Usable) {
			continue
		}
		opps = append(opps, o)
		next, bounded = o, true
	}
	slices.Reverse(opps)
	t := Table{Opps: slices.Clip(opps), Planned: len(opps)}
	for i := range t.Opps {
		o := &t.Opps[i]
		l := &c.lanes[o.Lane]
		day := int(o.Order - l.SourceDay0)
		o.OrderBy = c.orderCause(day)
		l.explainLegs(o)
		if day >= c.horizon {
			t.Planned = i
		}
	}
	return t
}

// beyond finds, of the order days after the horizon, the earliest usable one, and of several the latest
// order day: it ends the last window, and drops planned ones that it beats.
func (c *compiler) beyond() (best Opportunity, found bool) {
	passed := make([]bool, len(c.lanes)) // the lane's usable days are already later than the best
	for day := c.horizon; day <= c.horizon+SearchDays; day++ {
		i := LaneOn(c.lanes, day)
		if i < 0 || passed[i] {
			continue
		}
		o, open := c.orderOn(i, day)
		switch {
		case !open:
		case !found || o.Usable <= best.Usable:
			best, found = o, true
		default:
			passed[i] = true
			if len(c.lanes) == 1 {
				return best, found
			}
		}
	}
	return best, found
}

// order gives the opportunity of an order day, false when there is none.
func (c *compiler) order(day int) (Opportunity, bool) {
	i := LaneOn(c.lanes, day)
	if i < 0 {
		return Opportunity{}, false
	}
	return c.orderOn(i, day)
}

func (c *compiler) orderOn(i, day int) (Opportunity, bool) {
	l := &c.lanes[i]
	order := l.SourceDay0 + Day(day)
	if !l.OpenForOrders(order) || day < c.firstOrder(i) {
		return Opportunity{}, false
	}
	o, ok := l.travel(order, c.horizon)
	o.Lane = int32(i)
	return o, ok
}

// firstOrder gives the first order day of the lane whose cut-off is still ahead.
func (c *compiler) firstOrder(i int) int {
	if c.first[i] == unknown {
		l := &c.lanes[i]
		day := 0
		for day <= c.horizon+SearchDays && c.asOf >= l.CutoffInstant(l.SourceDay0+Day(day)) {
			day++
		}
		c.first[i] = day
	}
	return c.first[i]
}

// orderCause says why the day before an order day was none.
func (c *compiler) orderCause(day int) Cause {
	i := LaneOn(c.lanes, day-1)
	if day == 0 || i < 0 {
		return CauseNone
	}
	before := c.lanes[i].SourceDay0 + Day(day-1)
	if cause := c.lanes[i].closedBy(before); cause != CauseNone {
		return cause
	}
	if day-1 < c.firstOrder(i) {
		return CauseCutoff
	}
	return CauseNone
}

// closedBy says what closes a day for orders: an exception of any of the calendars, else their rules.
func (l *Lane) closedBy(day Day) Cause {
	cause := CauseNone
	for _, s := range l.OrderCals {
		if !s.Open(day) {
			cause = max(cause, s.cause(day, day))
		}
	}
	return cause
}

// explainLegs fills in what moved each leg.
func (l *Lane) explainLegs(o *Opportunity) {
	o.PickBy = l.Pick.cause(searchFrom(o.Order, l.PrepDays), o.Pick)
	o.DepartBy = l.Depart.cause(o.Pick, o.Depart)
	arrive, from := l.arrival(o.Depart)
	o.ArriveBy = l.Transit.cause(from, arrive)
	if arrive < l.DestDay0 {
		arrive, o.ArriveBy = l.DestDay0, CauseDayZero
	}
	o.ReceiveBy = l.Receive.cause(arrive, o.Receive)
}

// arrival gives the day on which an order that was found to depart on that day arrives, and the first day
// that its search looked at; not yet moved to the destination's day 0.
func (l *Lane) arrival(depart Day) (arrive, from Day) {
	if l.Transit == nil {
		return depart + Day(max(l.TransitDays, 0)), depart
	}
	// The search was inside its limit before, so it needs none.
	arrive, _ = l.Transit.NthOpenAfter(depart, l.TransitDays, MaxDay)
	return arrive, searchFrom(depart, l.TransitDays)
}

// searchFrom is the first day that "n open days after d" looks at.
func searchFrom(d Day, n int32) Day {
	if n > 0 {
		return d + 1
	}
	return d
}
