package build

import (
	"cmp"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

func (b *builder) readCalendars() error {
	rules := map[string][]calendars.Rule{}
	days := map[string][]calendars.Exception{}
	var ids []string
	seen := func(id string) {
		if _, ok := rules[id]; !ok {
			rules[id] = nil
			ids = append(ids, id)
		}
	}
	err := b.each("calendars", func(t *inputs.Batch, n *inputs.Counts) error {
		cal, rule, weekdays, every := t.Col("calendar"), t.Col("rule"), t.Col("weekdays"), t.Col("every")
		anchor, from, to, state := t.Col("anchor"), t.Col("valid_from"), t.Col("valid_to"), t.Col("state")
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			id := cal.Str(r)
			seen(id)
			rules[id] = append(rules[id], calendars.Rule{
				Number: rule.Int(r, 0), Weekdays: uint8(weekdays.Int(r, 0)), Every: int32(every.Int(r, 0)),
				Anchor: dayOr(anchor, r, 0), From: dayOr(from, r, calendars.MinDay), To: dayOr(to, r, calendars.MaxDay),
				Open: state.Int(r, 0) == 0,
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = b.each("calendar_days", func(t *inputs.Batch, n *inputs.Counts) error {
		cal, date, state, why := t.Col("calendar"), t.Col("date"), t.Col("state"), t.Col("why")
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			id := cal.Str(r)
			seen(id)
			days[id] = append(days[id], calendars.Exception{
				Day: dayOr(date, r, 0), Open: state.Int(r, 1) == 0, Why: why.Str(r),
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.calIDs = newDictionary(ids)
	b.net.Calendars = make([]calendars.Calendar, len(ids))
	for i, id := range b.calIDs.ids {
		c := calendars.Calendar{ID: id, Rules: rules[id], Exceptions: days[id]}
		slices.SortFunc(c.Rules, func(x, y calendars.Rule) int { return cmp.Compare(x.Number, y.Number) })
		slices.SortFunc(c.Exceptions, func(x, y calendars.Exception) int { return cmp.Compare(x.Day, y.Day) })
		if err := c.Validate(); err != nil {
			return &inputs.Refusal{Kind: "bad_calendar", Where: "calendar " + id, Hint: "correct its rows in calendars and calendar_days", Err: err}
		}
		b.net.Calendars[i] = c
	}
	return nil
}

// compileCalendars makes the bit sets in which order days are looked up.
func (b *builder) compileCalendars() {
	first, last := calendars.MaxDay, calendars.MinDay
	for _, d := range b.net.Nodes.Day0 {
		first, last = min(first, d-30), max(last, calendars.SearchLimit(d, b.horizon))
	}
	b.openSets = make([]*calendars.OpenSet, len(b.net.Calendars))
	for i := range b.net.Calendars {
		b.openSets[i] = calendars.NewOpenSet(&b.net.Calendars[i], first, last)
	}
}

// openSet gives the compiled calendar; nil, which is always open, for None.
func (b *builder) openSet(cal int32) *calendars.OpenSet {
	if cal == inputs.None {
		return nil
	}
	return b.openSets[cal]
}
