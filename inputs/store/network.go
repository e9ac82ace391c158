package store

import (
	"errors"

	"echelon/calendars"
	"echelon/inputs"
)

// flat is a network with its nested lists taken apart: each list of lists is the ends of its members and
// their elements.
type flat struct {
	net  *inputs.Network
	head []int64 // as-of, horizon

	calID                                               []string
	ruleEnd, exceptionEnd                               []int64
	ruleNumber                                          []int64
	ruleWeekdays                                        []uint8
	ruleEvery                                           []int32
	ruleAnchor, ruleFrom, ruleTo                        []calendars.Day
	ruleOpen, exceptionOpen                             []bool
	exceptionDay                                        []calendars.Day
	exceptionWhy                                        []string
	setClass                                            []inputs.ClassIdx
	setEnd, classEnd, lotEnd, unitEnd, parentEnd        []int64
	setLane                                             []inputs.LaneIdx
	classLane, lot                                      []int64
	unit, parent                                        []inputs.NodeIdx
	relID, relItem, relDest, relSource, relLane, relCyc []string
	relQty, relAsOf, relGrace                           []int64
	relOrder, relPick, relReceive                       []calendars.Day
	tenant                                              []string
}

func networkTable(f *flat) *table {
	t, n := &table{}, f.net
	t.text("tenant", &f.tenant)
	t.add(of("head", &f.head))
	t.text("items.id", &n.Items.ID)
	t.text("items.name", &n.Items.Name)
	t.text("items.category", &n.Items.Category)
	t.text("items.currency", &n.Items.Currency)
	t.add(of("items.volume", &n.Items.Volume), of("items.weight", &n.Items.Weight), of("items.cost", &n.Items.Cost),
		of("items.price", &n.Items.Price), of("items.handling", &n.Items.Handling))
	t.text("nodes.id", &n.Nodes.ID)
	t.text("nodes.name", &n.Nodes.Name)
	t.text("nodes.group", &n.Nodes.Group)
	t.add(of("nodes.kind", &n.Nodes.Kind), of("nodes.zone", &n.Nodes.Zone), of("nodes.lost", &n.Nodes.Lost),
		of("nodes.rank", &n.Nodes.Rank), of("nodes.home_dc", &n.Nodes.HomeDC), of("nodes.put_away", &n.Nodes.PutAwayDays),
		of("nodes.transfers", &n.Nodes.ReservedIncludesTransfers), of("nodes.receive_cal", &n.Nodes.ReceiveCal),
		of("nodes.pick_cal", &n.Nodes.PickCal), of("nodes.order_cal", &n.Nodes.OrderCal), of("nodes.day0", &n.Nodes.Day0))
	t.text("lanes.id", &n.Lanes.ID)
	t.text("lanes.method", &n.Lanes.Method)
	t.add(of("lanes.source", &n.Lanes.Source), of("lanes.destination", &n.Lanes.Destination),
		of("lanes.priority", &n.Lanes.Priority), of("lanes.receive_cal", &n.Lanes.ReceiveCal))
	t.text("zones", &n.Zones)
	t.text("calendars.id", &f.calID)
	t.add(of("rules.end", &f.ruleEnd), of("rules.number", &f.ruleNumber), of("rules.weekdays", &f.ruleWeekdays),
		of("rules.every", &f.ruleEvery), of("rules.anchor", &f.ruleAnchor), of("rules.from", &f.ruleFrom),
		of("rules.to", &f.ruleTo), of("rules.open", &f.ruleOpen), of("exceptions.end", &f.exceptionEnd),
		of("exceptions.day", &f.exceptionDay), of("exceptions.open", &f.exceptionOpen))
	t.text("exceptions.why", &f.exceptionWhy)
	t.add(of("lane_sets.class", &f.setClass), of("lane_sets.end", &f.setEnd), of("lane_sets.lane", &f.setLane),
		of("classes.end", &f.classEnd), of("classes.lane", &f.classLane),
		of("lot_sets.end", &f.lotEnd), of("lot_sets.lot", &f.lot))
	t.text("provenance", &n.Provenance)
	t.add(of("dcs", &n.DCs), of("units.end", &f.unitEnd), of("units.dc", &f.unit),
		of("parents.end", &f.parentEnd), of("parents.dc", &f.parent))
	t.text("releases.id", &f.relID)
	t.text("releases.item", &f.relItem)
	t.text("releases.destination", &f.relDest)
	t.text("releases.source", &f.relSource)
	t.text("releases.lane", &f.relLane)
	t.text("releases.cycle", &f.relCyc)
	t.add(of("releases.quantity", &f.relQty), of("releases.as_of", &f.relAsOf), of("releases.grace", &f.relGrace),
		of("releases.order_day", &f.relOrder), of("releases.pick_day", &f.relPick), of("releases.receive_day", &f.relReceive))
	t.text("named", &n.Named)
	return t
}

// flatten takes a network apart.
func flatten(net *inputs.Network) *flat {
	f := &flat{net: net, head: []int64{net.AsOf, int64(net.Horizon)}, tenant: []string{net.Tenant}}
	for i := range net.Calendars {
		c := &net.Calendars[i]
		f.calID = append(f.calID, c.ID)
		for _, r := range c.Rules {
			f.ruleNumber, f.ruleWeekdays = append(f.ruleNumber, r.Number), append(f.ruleWeekdays, r.Weekdays)
			f.ruleEvery, f.ruleAnchor = append(f.ruleEvery, r.Every), append(f.ruleAnchor, r.Anchor)
			f.ruleFrom, f.ruleTo, f.ruleOpen = append(f.ruleFrom, r.From), append(f.ruleTo, r.To), append(f.ruleOpen, r.Open)
		}
		for _, e := range c.Exceptions {
			f.exceptionDay, f.exceptionOpen = append(f.exceptionDay, e.Day), append(f.exceptionOpen, e.Open)
			f.exceptionWhy = append(f.exceptionWhy, e.Why)
		}
		f.ruleEnd = append(f.ruleEnd, int64(len(f.ruleNumber)))
		f.exceptionEnd = append(f.exceptionEnd, int64(len(f.exceptionDay)))
	}
	for _, s := range net.LaneSets {
		f.setClass = append(f.setClass, s.Class)
		f.setLane = append(f.setLane, s.Lanes...)
		f.setEnd = append(f.setEnd, int64(len(f.setLane)))
	}
	for _, c := range net.Classes {
		for i := range c.Lanes {
			fields := c.Lanes[i].Fields()
			f.classLane = append(f.classLane, fields[:]...)
		}
		f.classEnd = append(f.classEnd, int64(len(f.classLane)))
	}
	for _, set := range net.LotSets {
		for _, l := range set {
			f.lot = append(f.lot, int64(l.Pack), int64(l.MOQ), int64(l.LayerPacks), int64(l.PalletPacks), int64(l.Tolerance), int64(l.DeadBand))
		}
		f.lotEnd = append(f.lotEnd, int64(len(f.lot)))
	}
	f.unit, f.unitEnd = join(net.Units)
	f.parent, f.parentEnd = join(net.Parents)
	for i := range net.Releases {
		r := &net.Releases[i]
		f.relID, f.relItem, f.relDest = append(f.relID, r.ID), append(f.relItem, r.Item), append(f.relDest, r.Destination)
		f.relSource, f.relLane, f.relCyc = append(f.relSource, r.Source), append(f.relLane, r.Lane), append(f.relCyc, r.Cycle)
		f.relQty, f.relAsOf, f.relGrace = append(f.relQty, r.Quantity), append(f.relAsOf, r.AsOf), append(f.relGrace, r.GraceUntil)
		f.relOrder, f.relPick = append(f.relOrder, r.OrderDay), append(f.relPick, r.PickDay)
		f.relReceive = append(f.relReceive, r.ReceiveDay)
	}
	return f
}

var errShape = errors.New("columns do not fit together")

// assemble puts a loaded network together.
func (f *flat) assemble() error {
	n := f.net
	if len(f.head) != 2 || len(f.tenant) != 1 {
		return errShape
	}
	n.Tenant, n.AsOf, n.Horizon = f.tenant[0], f.head[0], int(f.head[1])
	if err := f.assembleCalendars(); err != nil {
		return err
	}
	ok := true
	cut := func(ends []int64, size int, f func(i int, lo, hi int64)) {
		lo := int64(0)
		for i, hi := range ends {
			if ok = ok && lo <= hi && hi <= int64(size); !ok {
				return
			}
			f(i, lo, hi)
			lo = hi
		}
	}
	if len(f.setClass) != len(f.setEnd) {
		return errShape
	}
	cut(f.setEnd, len(f.setLane), func(i int, lo, hi int64) {
		n.LaneSets = append(n.LaneSets, inputs.LaneSet{Class: f.setClass[i], Lanes: f.setLane[lo:hi:hi]})
	})
	cut(f.classEnd, len(f.classLane), func(_ int, lo, hi int64) {
		var c inputs.Class
		for ; lo+inputs.ClassLaneFields <= hi; lo += inputs.ClassLaneFields {
			c.Lanes = append(c.Lanes, inputs.ClassLaneOf([inputs.ClassLaneFields]int64(f.classLane[lo:])))
		}
		n.Classes = append(n.Classes, c)
	})
	cut(f.lotEnd, len(f.lot), func(_ int, lo, hi int64) {
		var set []inputs.Lot
		for ; lo+6 <= hi; lo += 6 {
			x := f.lot[lo:]
			set = append(set, inputs.Lot{
				Pack: int32(x[0]), MOQ: int32(x[1]), LayerPacks: int32(x[2]), PalletPacks: int32(x[3]),
				Tolerance: int32(x[4]), DeadBand: int32(x[5]),
			})
		}
		n.LotSets = append(n.LotSets, set)
	})
	cut(f.unitEnd, len(f.unit), func(_ int, lo, hi int64) { n.Units = append(n.Units, part(f.unit, lo, hi)) })
	cut(f.parentEnd, len(f.parent), func(_ int, lo, hi int64) { n.Parents = append(n.Parents, part(f.parent, lo, hi)) })
	if !ok || len(n.Parents) != len(n.DCs) {
		return errShape
	}
	return f.assembleReleases()
}

func (f *flat) assembleCalendars() error {
	if len(f.ruleEnd) != len(f.calID) || len(f.exceptionEnd) != len(f.calID) || len(f.ruleOpen) != len(f.ruleNumber) ||
		len(f.exceptionWhy) != len(f.exceptionDay) || len(f.exceptionOpen) != len(f.exceptionDay) {
		return errShape
	}
	rule, exception := int64(0), int64(0)
	for i, id := range f.calID {
		if f.ruleEnd[i] > int64(len(f.ruleNumber)) || f.exceptionEnd[i] > int64(len(f.exceptionDay)) {
			return errShape
		}
		c := calendars.Calendar{ID: id}
		for ; rule < f.ruleEnd[i]; rule++ {
			c.Rules = append(c.Rules, calendars.Rule{
				Number: f.ruleNumber[rule], Weekdays: f.ruleWeekdays[rule], Every: f.ruleEvery[rule],
				Anchor: f.ruleAnchor[rule], From: f.ruleFrom[rule], To: f.ruleTo[rule], Open: f.ruleOpen[rule],
			})
		}
		for ; exception < f.exceptionEnd[i]; exception++ {
			c.Exceptions = append(c.Exceptions, calendars.Exception{
				Day: f.exceptionDay[exception], Open: f.exceptionOpen[exception], Why: f.exceptionWhy[exception],
			})
		}
		f.net.Calendars = append(f.net.Calendars, c)
	}
	return nil
}

func (f *flat) assembleReleases() error {
	for _, n := range []int{len(f.relItem), len(f.relDest), len(f.relSource), len(f.relLane), len(f.relCyc), len(f.relQty), len(f.relGrace)} {
		if n != len(f.relID) {
			return errShape
		}
	}
	for i := range f.relID {
		f.net.Releases = append(f.net.Releases, inputs.Release{
			ID: f.relID[i], Item: f.relItem[i], Destination: f.relDest[i], Source: f.relSource[i], Lane: f.relLane[i],
			Quantity: f.relQty[i], OrderDay: f.relOrder[i], PickDay: f.relPick[i], ReceiveDay: f.relReceive[i],
			Cycle: f.relCyc[i], AsOf: f.relAsOf[i], GraceUntil: f.relGrace[i],
		})
	}
	return nil
}

// join puts lists one after another and says where each ends.
func join(lists [][]inputs.NodeIdx) (all []inputs.NodeIdx, ends []int64) {
	for _, l := range lists {
		all = append(all, l...)
		ends = append(ends, int64(len(all)))
	}
	return all, ends
}

// part is one of joined lists, nil when empty.
func part(all []inputs.NodeIdx, lo, hi int64) []inputs.NodeIdx {
	if lo == hi {
		return nil
	}
	return all[lo:hi:hi]
}
