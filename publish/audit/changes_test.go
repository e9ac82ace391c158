package audit

import (
	"slices"
	"testing"

	"echelon/calendars"
	"echelon/inputs"
)

// world is a network of two nodes and three lanes with a calendar each.
func world(transit int32, rank int32, closed ...calendars.Day) *inputs.Network {
	n := &inputs.Network{}
	n.Items.ID, n.Items.Volume, n.Items.Weight = []string{"I1", "I2"}, []int64{1, 2}, []int64{3, 4}
	n.Items.Cost, n.Items.Price = []int64{5, 6}, []int64{7, 8}
	n.Nodes.ID, n.Nodes.Rank = []string{"D", "S"}, []int32{0, rank}
	n.Nodes.PutAwayDays, n.Nodes.Day0 = []int32{0, 0}, []calendars.Day{20_000, 20_000}
	n.Lanes.ID, n.Lanes.Source, n.Lanes.Destination = []string{"L1", "L2", "L3"}, []inputs.NodeIdx{0, 0, 0}, []inputs.NodeIdx{1, 1, 1}
	n.Lanes.Priority = []int32{1, 2, 3}
	n.Calendars = []calendars.Calendar{{ID: "week"}}
	for _, day := range closed {
		n.Calendars[0].Exceptions = append(n.Calendars[0].Exceptions, calendars.Exception{Day: day})
	}
	lane := inputs.ClassLane{
		SourceOrderCal: inputs.None, LaneOrderCal: inputs.None, DestOrderCal: inputs.None, PickCal: 0, DepartCal: inputs.None,
		TransitCal: inputs.None, ReceiveCal: inputs.None, TransitDays: 1,
	}
	slow := lane
	slow.TransitDays = transit
	n.Classes = []inputs.Class{{Lanes: []inputs.ClassLane{lane, slow}}}
	n.LaneSets = []inputs.LaneSet{{Lanes: []inputs.LaneIdx{0, 1}}} // no SKU uses L3
	return n
}

// TestNames: rows of tables that have no row per SKU are named, each with what happened to it.
func TestNames(t *testing.T) {
	was, now := world(2, 1, 20_001, 20_002), world(4, 9, 20_002, 20_003)
	now.Items.ID = []string{"I1", "I3"}
	now.Calendars = append(now.Calendars, calendars.Calendar{ID: "yard"})
	for range 25 {
		now.Calendars[0].Exceptions = append(now.Calendars[0].Exceptions, calendars.Exception{Day: now.Calendars[0].Exceptions[len(now.Calendars[0].Exceptions)-1].Day + 1})
	}
	c := &changes{columns: map[[2]string]*Column{}, tables: map[string]*Table{}}
	c.network(was, now)
	got := map[string]Table{}
	for _, table := range c.end().Tables {
		got[table.Table] = table
	}
	day := calendars.Day(20_001).String()
	for table, want := range map[string][]string{
		"items": {"I2 gone", "I3 new"}, "nodes": {"S changed"}, "lanes": {"L2 changed"}, "calendars": {"yard new"},
	} {
		if !slices.Equal(got[table].Names, want) {
			t.Errorf("%s: %q, want %q", table, got[table].Names, want)
		}
	}
	if l := got["lanes"]; l.Rows != 1 || l.Added+l.Gone != 0 {
		t.Errorf("lanes %+v", l)
	}
	d := got["calendar_days"]
	if d.Gone != 1 || d.Added != 26 || d.Rows != 0 || len(d.Names) != mostNames || d.More != 7 || d.Names[0] != "week "+day+" gone" {
		t.Errorf("calendar days %+v", d)
	}
	same := &changes{columns: map[[2]string]*Column{}, tables: map[string]*Table{}}
	same.network(was, world(2, 1, 20_001, 20_002))
	if left := same.end().Tables; len(left) != 0 {
		t.Errorf("nothing changed: %+v", left)
	}
}
