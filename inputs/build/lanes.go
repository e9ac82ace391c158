package build

import (
	"cmp"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// laneFacts is a lane's row in dense indexes.
type laneFacts struct {
	source, dest                       int32
	priority                           int32
	orderCal, departCal, transitCal    int32
	receiveCal                         int32
	cutoff, prepDays, transitDays      int32
	validFrom, validTo                 calendars.Day
	fromVendor, fromDC, transitElapsed bool
}

type stagedLane struct {
	id, method string
	laneFacts
}

func (b *builder) readLanes() error {
	var staged []stagedLane
	known := map[string]bool{}
	nodes, cals := b.nodeIDs.refs(), b.calIDs.refs()
	err := b.each("lanes", func(t *inputs.Batch, n *inputs.Counts) error {
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			s := stagedLane{id: t.Col("lane").Str(r), method: t.Col("method").Str(r)}
			column, reason, hint := b.lane(&s.laneFacts, t, r, nodes, cals)
			switch {
			case reason == inputs.UnknownRef:
				b.report.unknown(t, r, column)
			case reason != "":
				b.report.fault(t, r, column, reason, hint)
			case known[s.id]:
				b.report.fault(t, r, "lane", inputs.DuplicateKey, "the id stands in another row: keep one")
			default:
				known[s.id] = true
				staged = append(staged, s)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(staged, func(x, y stagedLane) int { return cmp.Compare(x.id, y.id) })
	b.into = make([][]int32, len(b.net.Nodes.ID))
	ids := make([]string, len(staged))
	t := &b.net.Lanes
	for i := range staged {
		s := &staged[i]
		ids[i] = s.id
		t.Source, t.Destination = append(t.Source, inputs.NodeIdx(s.source)), append(t.Destination, inputs.NodeIdx(s.dest))
		t.Method, t.Priority = append(t.Method, s.method), append(t.Priority, s.priority)
		t.ReceiveCal = append(t.ReceiveCal, inputs.CalIdx(s.receiveCal))
		b.lanes = append(b.lanes, s.laneFacts)
		b.into[s.dest] = append(b.into[s.dest], int32(i))
	}
	for _, list := range b.into {
		slices.SortStableFunc(list, func(x, y int32) int { return cmp.Compare(b.lanes[x].priority, b.lanes[y].priority) })
	}
	b.laneIDs = newDictionary(ids)
	t.ID = b.laneIDs.ids
	return nil
}

// lane reads a lane's facts; a reason says which column keeps it out.
func (b *builder) lane(s *laneFacts, t *inputs.Batch, r int, nodes, cals *reference) (column string, reason inputs.Reason, hint string) {
	s.source, s.dest = nodes.index(t.Col("source"), r), nodes.index(t.Col("destination"), r)
	if s.source < 0 {
		return "source", inputs.UnknownRef, ""
	}
	if s.dest < 0 {
		return "destination", inputs.UnknownRef, ""
	}
	kinds := b.net.Nodes.Kind
	s.fromVendor, s.fromDC = kinds[s.source] == inputs.Vendor, kinds[s.source] == inputs.DC
	switch {
	case kinds[s.source] == inputs.Store:
		return "source", inputs.ColumnsDisagree, "a lane starts at a vendor or a DC, not at a store"
	case kinds[s.dest] == inputs.Vendor:
		return "destination", inputs.ColumnsDisagree, "a lane ends at a DC or a store, not at a vendor"
	case s.source == s.dest:
		return "source", inputs.ColumnsDisagree, "source and destination must differ"
	}
	for _, c := range []struct {
		column string
		at     *int32
	}{
		{"order_calendar", &s.orderCal},
		{"depart_calendar", &s.departCal},
		{"transit_calendar", &s.transitCal},
		{"receive_calendar", &s.receiveCal},
	} {
		var ok bool
		if *c.at, ok = cals.optional(t.Col(c.column), r); !ok {
			return c.column, inputs.UnknownRef, ""
		}
	}
	s.transitElapsed = s.transitCal == inputs.None
	if s.receiveCal == inputs.None {
		s.receiveCal = int32(b.net.Nodes.ReceiveCal[s.dest])
	}
	s.priority, s.cutoff = int32(t.Col("priority").Int(r, 0)), int32(t.Col("cutoff").Int(r, inputs.None))
	s.prepDays, s.transitDays = int32(t.Col("prep_days").Int(r, 0)), int32(t.Col("transit_days").Int(r, 0))
	s.validFrom, s.validTo = dayOr(t.Col("valid_from"), r, calendars.MinDay), dayOr(t.Col("valid_to"), r, calendars.MaxDay)
	return "", "", ""
}
