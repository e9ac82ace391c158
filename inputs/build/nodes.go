package build

import (
	"cmp"
	"fmt"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// stagedNode is a row of nodes before it is known whether its references hold.
type stagedNode struct {
	id, name, zone, group, home string
	kind                        inputs.NodeKind
	lost, transfers             bool
	from, to                    calendars.Day
	receive, pick, order        int32
	putAway, rank               int32
	batch                       *inputs.Batch
	row                         int
	bad                         string // column whose reference fails
}

func (b *builder) readNodes() error {
	var staged []stagedNode
	cals := b.calIDs.refs()
	err := b.each("nodes", func(t *inputs.Batch, n *inputs.Counts) error {
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			s := stagedNode{
				id: t.Col("node").Str(r), name: t.Col("name").Str(r), zone: t.Col("zone").Str(r),
				group: t.Col("group").Str(r), home: t.Col("home_dc").Str(r),
				kind:      inputs.NodeKind(t.Col("kind").Int(r, 0)),
				transfers: t.Col("reserved_includes_transfers").Int(r, 0) == 1,
				from:      dayOr(t.Col("open_from"), r, calendars.MinDay), to: dayOr(t.Col("open_to"), r, calendars.MaxDay),
				putAway: int32(t.Col("put_away_days").Int(r, 0)), rank: int32(t.Col("rank").Int(r, 0)),
				batch: t, row: r,
			}
			unmet := int64(1)
			if s.kind == inputs.Store {
				unmet = 0
			}
			s.lost = t.Col("unmet").Int(r, unmet) == 0
			for _, c := range []struct {
				column string
				at     *int32
			}{{"receive_calendar", &s.receive}, {"pick_calendar", &s.pick}, {"order_calendar", &s.order}} {
				var ok bool
				if *c.at, ok = cals.optional(t.Col(c.column), r); !ok && s.bad == "" {
					s.bad = c.column
				}
			}
			staged = append(staged, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.checkNodes(staged)
	return b.keepNodes(staged)
}

// checkNodes marks nodes whose zone or home DC is not known, until none is left that names a bad one.
func (b *builder) checkNodes(staged []stagedNode) {
	zones := map[string]bool{}
	dcs := map[string]bool{}
	for i := range staged {
		s := &staged[i]
		if _, ok := zones[s.zone]; !ok {
			_, err := calendars.LoadZone(s.zone)
			zones[s.zone] = err == nil
		}
		if !zones[s.zone] && s.bad == "" {
			s.bad = "zone"
		}
		if s.kind == inputs.DC && s.bad == "" {
			dcs[s.id] = true
		}
	}
	for again := true; again; {
		again = false
		for i := range staged {
			s := &staged[i]
			if s.bad == "" && s.home != "" && !dcs[s.home] {
				s.bad, again = "home_dc", true
				if s.kind == inputs.DC {
					delete(dcs, s.id)
				}
			}
		}
	}
}

func (b *builder) keepNodes(staged []stagedNode) error {
	var ids, zones, groups []string
	known := map[string]bool{}
	note := func(list *[]string, kind, s string) {
		if s != "" && !known[kind+s] {
			known[kind+s] = true
			*list = append(*list, s)
		}
	}
	kept := staged[:0]
	for _, s := range staged {
		switch {
		case s.bad == "zone":
			b.report.fault(s.batch, s.row, s.bad, inputs.UnknownZone, "want an IANA zone name such as America/Chicago")
		case s.bad == "home_dc":
			b.report.fault(s.batch, s.row, s.bad, inputs.UnknownRef, "no DC of that id in nodes: add it or leave home_dc empty")
		case s.bad != "":
			b.report.unknown(s.batch, s.row, s.bad)
		case known["node "+s.id]:
			b.report.fault(s.batch, s.row, "node", inputs.DuplicateKey, "the id stands in another row: keep one")
		default:
			known["node "+s.id] = true
			ids = append(ids, s.id)
			note(&zones, "zone ", s.zone)
			note(&groups, "group ", s.group)
			kept = append(kept, s)
			continue
		}
		b.report.counts("nodes").Applied--
	}
	b.nodeIDs, b.groups = newDictionary(ids), newDictionary(groups)
	zoneIDs := newDictionary(zones)
	b.net.Zones = zoneIDs.ids
	for _, name := range zoneIDs.ids {
		z, err := calendars.LoadZone(name)
		if err != nil {
			return fmt.Errorf("zone %q: %w", name, err)
		}
		b.zones = append(b.zones, z)
	}
	slices.SortFunc(kept, func(x, y stagedNode) int { return cmp.Compare(x.id, y.id) })
	t := &b.net.Nodes
	for i := range kept {
		s := &kept[i]
		zone := zoneIDs.index(s.zone)
		t.ID, t.Name, t.Kind = append(t.ID, s.id), append(t.Name, s.name), append(t.Kind, s.kind)
		t.Zone, t.Group = append(t.Zone, inputs.ZoneIdx(zone)), append(t.Group, s.group)
		t.Lost, t.Rank = append(t.Lost, s.lost), append(t.Rank, max(s.rank, 1))
		home := int32(inputs.None)
		if s.home != "" {
			home = b.nodeIDs.index(s.home)
		}
		t.HomeDC, t.PutAwayDays = append(t.HomeDC, inputs.NodeIdx(home)), append(t.PutAwayDays, s.putAway)
		t.ReservedIncludesTransfers = append(t.ReservedIncludesTransfers, s.transfers)
		t.ReceiveCal, t.PickCal = append(t.ReceiveCal, inputs.CalIdx(s.receive)), append(t.PickCal, inputs.CalIdx(s.pick))
		t.OrderCal = append(t.OrderCal, inputs.CalIdx(s.order))
		t.Day0 = append(t.Day0, b.zones[zone].DayOf(b.opt.AsOf))
		b.nodeFrom, b.nodeTo, b.nodeRank = append(b.nodeFrom, s.from), append(b.nodeTo, s.to), append(b.nodeRank, s.rank)
		b.group = append(b.group, b.groupOf(s.group))
	}
	b.compileCalendars()
	return nil
}

func (b *builder) groupOf(group string) int32 {
	if group == "" {
		return inputs.None
	}
	return b.groups.index(group)
}
