package build

import (
	"cmp"
	"fmt"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// networkFacts is what the later steps need of nodes, items and lanes beside the snapshot's own tables.
type networkFacts struct {
	itemIDs, nodeIDs, laneIDs, calIDs dictionary

	zones    []*calendars.Zone    // parallel to Network.Zones
	openSets []*calendars.OpenSet // parallel to Network.Calendars
	nodeFrom []calendars.Day      // open dates
	nodeTo   []calendars.Day
	nodeRank []int32 // 0: not given
	into     [][]int32
	// per node: usable lanes into it by (priority, lane)

	category []int32 // per item: index into categories, None
	itemPack []int32 // 0: not given
	itemLay  []int32
	itemPal  []int32
	itemLife []int16
	sellFrom []calendars.Day
	sellTo   []calendars.Day

	categories dictionary
	groups     dictionary
	group      []int32 // per node: index into groups, None

	lanes []laneFacts

	zoneDay []zoneDay // per zone
}

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

type stagedItem struct {
	id, name, category, currency string
	volume, weight, cost, price  int64
	pack, layer, pallet          int32
	life                         int16
	from, to                     calendars.Day
	handling                     uint8
}

func (b *builder) readItems() error {
	var staged []stagedItem
	known := map[string]bool{}
	var categories []string
	cats := map[string]bool{}
	err := b.each("items", func(t *inputs.Batch, n *inputs.Counts) error {
		id, name, category, currency := t.Col("item"), t.Col("name"), t.Col("category"), t.Col("currency")
		volume, weight, cost, price := t.Col("volume"), t.Col("weight"), t.Col("cost"), t.Col("price")
		pack, layer, pallet, life := t.Col("pack"), t.Col("layer_packs"), t.Col("pallet_packs"), t.Col("shelf_life_days")
		from, to, handling := t.Col("sell_from"), t.Col("sell_to"), t.Col("handling")
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			s := stagedItem{
				id: id.Str(r), name: name.Str(r), category: category.Str(r), currency: currency.Str(r),
				volume: volume.Int(r, -1), weight: weight.Int(r, -1), cost: cost.Int(r, -1), price: price.Int(r, -1),
				pack: int32(pack.Int(r, 0)), layer: int32(layer.Int(r, 0)), pallet: int32(pallet.Int(r, 0)),
				life: int16(life.Int(r, 0)), from: dayOr(from, r, calendars.MinDay), to: dayOr(to, r, calendars.MaxDay),
				handling: uint8(handling.Int(r, 0)),
			}
			if known[s.id] {
				b.report.fault(t, r, "item", inputs.DuplicateKey, "the id stands in another row: keep one")
				continue
			}
			known[s.id] = true
			if s.category != "" && !cats[s.category] {
				cats[s.category] = true
				categories = append(categories, s.category)
			}
			staged = append(staged, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(staged, func(x, y stagedItem) int { return cmp.Compare(x.id, y.id) })
	ids := make([]string, len(staged))
	b.categories = newDictionary(categories)
	t := &b.net.Items
	for i := range staged {
		s := &staged[i]
		ids[i] = s.id
		t.Name, t.Category, t.Currency = append(t.Name, s.name), append(t.Category, s.category), append(t.Currency, s.currency)
		t.Volume, t.Weight = append(t.Volume, s.volume), append(t.Weight, s.weight)
		t.Cost, t.Price, t.Handling = append(t.Cost, s.cost), append(t.Price, s.price), append(t.Handling, s.handling)
		b.itemPack, b.itemLay, b.itemPal = append(b.itemPack, s.pack), append(b.itemLay, s.layer), append(b.itemPal, s.pallet)
		b.itemLife, b.sellFrom, b.sellTo = append(b.itemLife, s.life), append(b.sellFrom, s.from), append(b.sellTo, s.to)
		category := int32(inputs.None)
		if s.category != "" {
			category = b.categories.index(s.category)
		}
		b.category = append(b.category, category)
	}
	b.itemIDs = newDictionary(ids)
	t.ID, b.net.Nodes.ID = b.itemIDs.ids, b.nodeIDs.ids
	return nil
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
		{"order_calendar", &s.orderCal}, {"depart_calendar", &s.departCal},
		{"transit_calendar", &s.transitCal}, {"receive_calendar", &s.receiveCal},
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
