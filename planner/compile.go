package planner

import (
	"fmt"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner/net"
)

// class is a lane class compiled for the cycle.
type class struct {
	net.Table
	civil calendars.Table  // the same opportunities with their causes
	lanes []calendars.Lane // as compiled
	used  []int32          // lanes of the planned opportunities, ascending
	days  [][5]int32       // civil days of the opportunities: order, pick, depart, receive, usable
}

// compileClasses compiles every lane class of the network once.
func compileClasses(n *inputs.Network, asOf int64) ([]class, error) {
	c, err := newCompiler(n, asOf)
	if err != nil {
		return nil, err
	}
	classes := make([]class, len(n.Classes))
	for i := range n.Classes {
		c.compile(&classes[i], &n.Classes[i])
	}
	return classes, nil
}

type classCompiler struct {
	asOf    int64
	horizon int
	zones   []*calendars.Zone
	sets    []*calendars.OpenSet
}

func newCompiler(n *inputs.Network, asOf int64) (*classCompiler, error) {
	c := &classCompiler{asOf: asOf, horizon: n.Horizon}
	for _, name := range n.Zones {
		z, err := calendars.LoadZone(name)
		if err != nil {
			return nil, fmt.Errorf("compile lanes: %w", err)
		}
		c.zones = append(c.zones, z)
	}
	first, last := calendars.MaxDay, calendars.MinDay
	for _, d := range n.Nodes.Day0 {
		first, last = min(first, d), max(last, d)
	}
	for i := range n.Calendars {
		c.sets = append(c.sets, calendars.NewOpenSet(&n.Calendars[i], first-1, calendars.SearchLimit(last, n.Horizon)))
	}
	return c, nil
}

func (c *classCompiler) set(i inputs.CalIdx) *calendars.OpenSet {
	if i == inputs.None {
		return nil
	}
	return c.sets[i]
}

func (c *classCompiler) lane(l *inputs.ClassLane) calendars.Lane {
	lane := calendars.Lane{
		SourceZone: c.zones[l.SourceZone], DestZone: c.zones[l.DestZone],
		SourceDay0: l.SourceDay0, DestDay0: l.DestDay0,
		Cutoff: l.Cutoff, PrepDays: l.PrepDays,
		Pick: c.set(l.PickCal), Depart: c.set(l.DepartCal),
		TransitDays: l.TransitDays,
		Receive:     c.set(l.ReceiveCal), PutAwayDays: l.PutAwayDays,
		ValidFrom: l.ValidFrom, ValidTo: l.ValidTo,
	}
	if !l.TransitElapsed {
		lane.Transit = c.set(l.TransitCal)
	}
	orders := []inputs.CalIdx{l.LaneOrderCal, l.DestOrderCal}
	if l.SourceIsVendor {
		orders = append(orders, l.SourceOrderCal)
	}
	for _, cal := range orders {
		if cal != inputs.None {
			lane.OrderCals = append(lane.OrderCals, c.sets[cal])
		}
	}
	return lane
}

func (c *classCompiler) compile(out *class, in *inputs.Class) {
	out.lanes = make([]calendars.Lane, len(in.Lanes))
	for i := range in.Lanes {
		out.lanes[i] = c.lane(&in.Lanes[i])
	}
	out.civil = calendars.Compile(out.lanes, c.asOf, c.horizon)
	out.Planned = out.civil.Planned
	out.Opps = make([]net.Opp, len(out.civil.Opps))
	out.days = make([][5]int32, len(out.civil.Opps))
	for i := range out.civil.Opps {
		o := &out.civil.Opps[i]
		out.Opps[i] = relative(o, out.lanes)
		out.days[i] = [...]int32{int32(o.Order), int32(o.Pick), int32(o.Depart), int32(o.Receive), int32(o.Usable)}
	}
	for k := range out.Planned {
		out.used = append(out.used, out.Opps[k].Lane)
	}
	slices.Sort(out.used)
	out.used = slices.Compact(out.used)
	first := calendars.LaneOn(out.lanes, 0)
	out.First = int32(first)
	for i := range out.lanes {
		if i == first {
			continue
		}
		if o, ok := calendars.OrderOn(&out.lanes[i], 0, c.asOf, c.horizon); ok {
			out.Other = append(out.Other, int32(o.Usable-out.lanes[i].DestDay0))
		}
	}
}

// relative counts an opportunity's days from day 0 of its source and its destination.
func relative(o *calendars.Opportunity, lanes []calendars.Lane) net.Opp {
	l := &lanes[o.Lane]
	return net.Opp{
		Lane:    o.Lane,
		Order:   int32(o.Order - l.SourceDay0),
		Pick:    int32(o.Pick - l.SourceDay0),
		Depart:  int32(o.Depart - l.SourceDay0),
		Receive: int32(o.Receive - l.DestDay0),
		Usable:  int32(o.Usable - l.DestDay0),
	}
}

// Tables gives the opportunities of every lane class of a network, by class: what planning reads of calendars and lanes.
func Tables(n *inputs.Network, asOf int64) ([]net.Table, error) {
	classes, err := compileClasses(n, asOf)
	if err != nil {
		return nil, err
	}
	tables := make([]net.Table, len(classes))
	for i := range classes {
		tables[i] = classes[i].Table
	}
	return tables, nil
}
