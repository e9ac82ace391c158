package audit

import (
	"fmt"
	"maps"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// mostNames is how many rows of a table are named.
const mostNames = 20

func (t *Table) name(id, what string) {
	if len(t.Names) < mostNames {
		t.Names = append(t.Names, id+" "+what)
	} else {
		t.More++
	}
}

// named names the rows of a table that are new, gone or, where equal says so, changed; count also counts them.
func (c *changes) named(table string, was, now []string, equal func(i, k int) bool, count bool) {
	t := c.table(table)
	i, k := 0, 0
	for i < len(was) || k < len(now) {
		switch {
		case k == len(now) || i < len(was) && was[i] < now[k]:
			t.name(was[i], "gone")
			if count {
				t.Gone++
			}
			i++
		case i == len(was) || now[k] < was[i]:
			t.name(now[k], "new")
			if count {
				t.Added++
			}
			k++
		default:
			if equal != nil && !equal(i, k) {
				t.name(was[i], "changed")
			}
			i, k = i+1, k+1
		}
	}
}

// lanesOf says of every lane that a SKU uses what its opportunities hang on, calendars and zones by name.
func lanesOf(n *inputs.Network) []string {
	out := make([]string, len(n.Lanes.ID))
	calendar := func(i inputs.CalIdx) string {
		if i == inputs.None {
			return ""
		}
		return n.Calendars[i].ID
	}
	for _, set := range n.LaneSets {
		for at, lane := range set.Lanes {
			l := &n.Classes[set.Class].Lanes[at]
			out[lane] = fmt.Sprint(n.Nodes.ID[n.Lanes.Source[lane]], " ", n.Nodes.ID[n.Lanes.Destination[lane]], " ", l.Cutoff, l.PrepDays, l.TransitDays,
				l.PutAwayDays, l.TransitElapsed, l.ValidFrom, l.ValidTo, " ", calendar(l.SourceOrderCal), " ", calendar(l.LaneOrderCal), " ",
				calendar(l.DestOrderCal), " ", calendar(l.PickCal), " ", calendar(l.DepartCal), " ", calendar(l.TransitCal), " ", calendar(l.ReceiveCal))
		}
	}
	return out
}

// movedLanes names the lanes of both networks of which some SKU's legs are others than any SKU's were: the lane moved,
// not one SKU's sourcing of it.
func movedLanes(a, b *inputs.Network) map[string]bool {
	legs := func(n *inputs.Network) map[string]map[[4]int64]int {
		out := map[string]map[[4]int64]int{}
		for _, set := range n.LaneSets {
			for i, lane := range set.Lanes {
				c := &n.Classes[set.Class].Lanes[i]
				id := n.Lanes.ID[lane]
				if out[id] == nil {
					out[id] = map[[4]int64]int{}
				}
				out[id][[4]int64{int64(c.PrepDays), int64(c.TransitDays), int64(c.ValidFrom), int64(c.ValidTo)}]++
			}
		}
		return out
	}
	was, now := legs(a), legs(b)
	out := map[string]bool{}
	for lane, x := range was {
		y := now[lane]
		stays := false
		for facts := range x {
			stays = stays || y[facts] > 0
		}
		out[lane] = y != nil && !stays
	}
	return out
}

// moved reports whether a lane's legs moved for all SKUs that use it.
func (c *changes) moved(lane string) bool { return c.lanes[lane] }

func byCalendar(n *inputs.Network) map[string]*calendars.Calendar {
	out := make(map[string]*calendars.Calendar, len(n.Calendars))
	for i := range n.Calendars {
		out[n.Calendars[i].ID] = &n.Calendars[i]
	}
	return out
}

// calendars names the calendars whose rules differ, and the dated days that came, went or changed.
func (c *changes) calendars(was, now map[string]*calendars.Calendar) {
	rules, days := c.table("calendars"), c.table("calendar_days")
	for _, id := range slices.Sorted(maps.Keys(was)) {
		a, b := was[id], now[id]
		if b == nil {
			continue // named as gone
		}
		if fmt.Sprintf("%+v", a.Rules) != fmt.Sprintf("%+v", b.Rules) {
			rules.Rows++
			rules.name(id, "changed")
		}
		i, k := 0, 0
		for i < len(a.Exceptions) || k < len(b.Exceptions) {
			switch {
			case k == len(b.Exceptions) || i < len(a.Exceptions) && a.Exceptions[i].Day < b.Exceptions[k].Day:
				days.Gone++
				days.name(id+" "+a.Exceptions[i].Day.String(), "gone")
				i++
			case i == len(a.Exceptions) || b.Exceptions[k].Day < a.Exceptions[i].Day:
				days.Added++
				days.name(id+" "+b.Exceptions[k].Day.String(), "new")
				k++
			default:
				if fmt.Sprintf("%+v", a.Exceptions[i]) != fmt.Sprintf("%+v", b.Exceptions[k]) {
					days.Rows++
					days.name(id+" "+a.Exceptions[i].Day.String(), "changed")
				}
				i, k = i+1, k+1
			}
		}
	}
}
