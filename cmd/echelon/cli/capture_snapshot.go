package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/inputs/store"
)

// snapshotRows writes the rows of tables out of a snapshot, for items of it: a cycle that followed feeds has no files.
// What the cascade filled in stands with each SKU, and the lanes that a SKU uses stand as its sourcing, in the order in
// which they are tried. A release that an order names is the order; the other remembered ones are added by remember.
type snapshotRows struct {
	net   *inputs.Network
	k     *cutting
	lanes map[inputs.LaneIdx]bool
	// lanes of which nothing is known but their ends: orders or releases name them, and no SKU uses them
	unknown int
	carry   bool // the snapshot's own: no earlier cycle left any
	named   map[string]bool
	order   map[string]map[string]string // by name, while both of its ends are gathered
	today   map[string]inputs.NodeIdx    // those that were ordered today: by whose day
}

// readSnapshot takes the rows of the chosen items.
func (k *cutting) readSnapshot(ctx context.Context, snap *store.Snapshot, carry bool) (*snapshotRows, error) {
	s := &snapshotRows{
		net: snap.Network, k: k, lanes: map[inputs.LaneIdx]bool{}, carry: carry, named: map[string]bool{},
		order: map[string]map[string]string{}, today: map[string]inputs.NodeIdx{},
	}
	for _, id := range s.net.Named {
		s.named[id] = true
	}
	s.network()
	for _, dc := range s.net.DCs {
		p, err := snap.Partition(ctx, dc)
		if err != nil {
			return nil, err
		}
		for _, id := range p.Named {
			s.named[id] = true
		}
		for row, item := range p.Item {
			if item != inputs.None && k.items[s.net.Items.ID[item]] {
				s.row(p, row)
			}
		}
	}
	for _, name := range sortedKeys(s.order) {
		if at, ok := s.today[name]; ok {
			if source, ok := slices.BinarySearch(s.net.Nodes.ID, s.order[name]["source"]); ok {
				at = inputs.NodeIdx(source)
			}
			s.order[name]["ordered_on"] = s.net.Nodes.Day0[at].String()
		}
		k.rows["open_orders"] = append(k.rows["open_orders"], s.order[name])
	}
	return s, nil
}

// remembered gives the releases that no order names, the snapshot's own among them, with the lanes that they name.
func (s *snapshotRows) remembered(releases []inputs.Release) []inputs.Release {
	var out []inputs.Release
	for _, r := range slices.Concat(releases, s.net.Releases) {
		if s.named[r.ID] || !s.k.items[r.Item] {
			continue
		}
		if lane, ok := slices.BinarySearch(s.net.Lanes.ID, r.Lane); ok {
			s.loose(inputs.LaneIdx(lane))
		}
		out = append(out, r)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// put adds a row; cells that are "" are null.
func (s *snapshotRows) put(table string, cells map[string]string) {
	for name, v := range cells {
		if v == "" {
			delete(cells, name)
		}
	}
	s.k.rows[table] = append(s.k.rows[table], cells)
}

// inText writes a value as a file of the table has it.
func inText(table, column string, v int64) string {
	c := inputs.ContractOf(table)
	return inputs.FormatInt(&c.Columns[c.Index(column)], v)
}

func dateText(d calendars.Day) string {
	if d == calendars.MinDay || d == calendars.MaxDay {
		return ""
	}
	return d.String()
}

func (s *snapshotRows) calendar(i inputs.CalIdx) string {
	if i == inputs.None {
		return ""
	}
	return s.net.Calendars[i].ID
}

func stateText(open bool) string {
	if open {
		return "open"
	}
	return "closed"
}

// network writes nodes, items and calendars.
func (s *snapshotRows) network() {
	n := &s.net.Nodes
	for i, id := range n.ID {
		row := map[string]string{
			"node": id, "kind": [...]string{inputs.Vendor: "vendor", inputs.DC: "dc", inputs.Store: "store"}[n.Kind[i]],
			"zone": s.net.Zones[n.Zone[i]], "unmet": "backordered", "receive_calendar": s.calendar(n.ReceiveCal[i]),
			"pick_calendar": s.calendar(n.PickCal[i]), "order_calendar": s.calendar(n.OrderCal[i]),
			"put_away_days": fmt.Sprint(n.PutAwayDays[i]), "reserved_includes_transfers": fmt.Sprint(n.ReservedIncludesTransfers[i]),
		}
		if n.Lost[i] {
			row["unmet"] = "lost"
		}
		if n.Rank[i] > 0 {
			row["rank"] = fmt.Sprint(n.Rank[i])
		}
		if home := n.HomeDC[i]; home != inputs.None {
			row["home_dc"] = n.ID[home]
		}
		s.put("nodes", row)
	}
	items := &s.net.Items
	for i, id := range items.ID {
		if !s.k.items[id] {
			continue
		}
		row := map[string]string{"item": id, "currency": items.Currency[i]}
		for column, v := range map[string]int64{"volume": items.Volume[i], "weight": items.Weight[i], "cost": items.Cost[i], "price": items.Price[i]} {
			if v >= 0 {
				row[column] = inText("items", column, v)
			}
		}
		s.put("items", row)
	}
	for i := range s.net.Calendars {
		c := &s.net.Calendars[i]
		for _, r := range c.Rules {
			row := map[string]string{
				"calendar": c.ID, "rule": fmt.Sprint(r.Number), "valid_from": dateText(r.From), "valid_to": dateText(r.To), "state": stateText(r.Open),
			}
			var days []string
			for d := range 7 {
				if r.Weekdays>>d&1 != 0 {
					days = append(days, fmt.Sprint(d+1))
				}
			}
			if row["weekdays"] = strings.Join(days, ";"); r.Every > 0 {
				row["every"], row["anchor"] = fmt.Sprint(r.Every), r.Anchor.String()
			}
			s.put("calendars", row)
		}
		for _, e := range c.Exceptions {
			s.put("calendar_days", map[string]string{"calendar": c.ID, "date": e.Day.String(), "state": stateText(e.Open)})
		}
	}
}

// lane writes a lane as one SKU uses it; others say in their sourcing what is different.
func (s *snapshotRows) lane(i inputs.LaneIdx, c *inputs.ClassLane) {
	if s.lanes[i] {
		return
	}
	s.lanes[i] = true
	l := &s.net.Lanes
	row := map[string]string{
		"lane": l.ID[i], "source": s.net.Nodes.ID[l.Source[i]], "destination": s.net.Nodes.ID[l.Destination[i]],
		"priority": fmt.Sprint(l.Priority[i]), "order_calendar": s.calendar(c.LaneOrderCal), "prep_days": fmt.Sprint(c.PrepDays),
		"depart_calendar": s.calendar(c.DepartCal), "transit_days": fmt.Sprint(c.TransitDays), "transit_calendar": s.calendar(c.TransitCal),
		"receive_calendar": s.calendar(c.ReceiveCal),
	}
	if c.ValidTo < c.SourceDay0 { // else each SKU's sourcing says from when to when
		row["valid_to"] = dateText(c.ValidTo)
	}
	if c.Cutoff != inputs.None {
		row["cutoff"] = fmt.Sprintf("%02d:%02d", c.Cutoff/60, c.Cutoff%60)
	}
	s.put("lanes", row)
}

// row writes all of one SKU.
func (s *snapshotRows) row(p *inputs.Partition, row int) {
	item, node := s.net.Items.ID[p.Item[row]], s.net.Nodes.ID[p.Node[row]]
	key := func(more ...string) map[string]string {
		m := map[string]string{"item": item, "node": node}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	s.sku(p, row, key)
	if set := p.LaneSet[row]; set != inputs.None {
		lots := s.net.LotSets[p.LotSet[row]]
		for i, lane := range s.net.LaneSets[set].Lanes {
			c := &s.net.Classes[s.net.LaneSets[set].Class].Lanes[i]
			s.lane(lane, c)
			from, to := dateText(c.ValidFrom), dateText(c.ValidTo)
			if c.ValidFrom > c.ValidTo { // never: a row must not say so
				from, to = "", (c.SourceDay0 - 1).String()
			}
			s.put("sourcing", map[string]string{
				"item": item, "lane": s.net.Lanes.ID[lane], "priority": fmt.Sprint(i), "pack": fmt.Sprint(lots[i].Pack),
				"moq": fmt.Sprint(lots[i].MOQ), "prep_days": fmt.Sprint(c.PrepDays), "transit_days": fmt.Sprint(c.TransitDays),
				"valid_from": from, "valid_to": to,
			})
		}
	}
	if p.Flags[row]&inputs.FlagHeld == 0 {
		stock := key("on_hand", fmt.Sprint(p.OnHand[row]), "reserved", fmt.Sprint(p.Reserved[row]),
			"unusable", fmt.Sprint(p.Unusable[row]), "backorders", fmt.Sprint(p.Backorders[row]))
		if p.Day0Left[row] != p.Day0Of[row] {
			stock["counted_at"] = s.counted(p, row)
		}
		s.put("inventory", stock)
	}
	s.forecast(p, row, key)
	lo, hi := inputs.Range(p.Lots.Row, int32(row))
	for i := lo; i < hi; i++ {
		s.put("lots", key("expires", p.Lots.Expires[i].String(), "quantity", fmt.Sprint(p.Lots.Qty[i])))
	}
	lo, hi = inputs.Range(p.Safety.Row, int32(row))
	for i := lo; i < hi; i++ {
		s.put("safety_stocks", key("from", p.Safety.From[i].String(), "units", fmt.Sprint(p.Safety.Units[i])))
	}
	if lo, hi = inputs.Range(p.Carry.Row, int32(row)); s.carry && lo < hi {
		s.put("carry", key("units", fmt.Sprint(p.Carry.Units[lo])))
	}
	s.orders(p, row)
}

// counted is an instant with as many minutes of day 0 after it.
func (s *snapshotRows) counted(p *inputs.Partition, row int) string {
	node := p.Node[row]
	zone, err := calendars.LoadZone(s.net.Zones[s.net.Nodes.Zone[node]])
	if err != nil {
		return "" // the snapshot was built with it
	}
	end := zone.Start(s.net.Nodes.Day0[node] + 1)
	return inText("inventory", "counted_at", end-int64(p.Day0Left[row])*60_000_000)
}

// sku writes the parameters of a SKU; pairs that a row of the table must not have together stand as parameters.
func (s *snapshotRows) sku(p *inputs.Partition, row int, key func(...string) map[string]string) {
	lot := s.net.LotSets[p.LotSet[row]][0]
	cells := key(
		"policy", [...]string{"net", "min-max", "cover", "none"}[p.Policy[row]], "cover_days", fmt.Sprint(p.CoverDays[row]),
		"safety_units", fmt.Sprint(p.SafetyUnits[row]), "safety_days", inText("skus", "safety_days", int64(p.SafetyDays[row])),
		"presentation_min", fmt.Sprint(p.Presentation[row]), "pack", fmt.Sprint(lot.Pack), "moq", fmt.Sprint(lot.MOQ),
		"round_up_tolerance", inText("skus", "round_up_tolerance", int64(lot.Tolerance)),
		"dead_band", inText("skus", "dead_band", int64(lot.DeadBand)), "rank", fmt.Sprint(p.Rank[row]),
	)
	if p.ShelfCap[row] != inputs.None {
		cells["shelf_capacity"] = fmt.Sprint(p.ShelfCap[row])
	}
	if lot.LayerPacks > 0 {
		cells["layer_packs"] = fmt.Sprint(lot.LayerPacks)
	}
	if lot.PalletPacks > 0 {
		cells["pallet_packs"] = fmt.Sprint(lot.PalletPacks)
	}
	pair := func(apart bool, from, a, to, b string) {
		if !apart {
			cells[from], cells[to] = a, b
			return
		}
		for name, v := range map[string]string{from: a, to: b} {
			s.put("parameters", key("scope", "item-node", "name", name, "value", v))
		}
	}
	pair(p.Min[row] > p.Max[row], "min", fmt.Sprint(p.Min[row]), "max", fmt.Sprint(p.Max[row]))
	pair(p.SaleFrom[row] > p.SaleTo[row], "active_from", dateText(p.SaleFrom[row]), "active_to", dateText(p.SaleTo[row]))
	s.put("skus", cells)
	for i, r := range s.k.rows["items"] {
		if r["item"] == cells["item"] && p.ShelfLife[row] > 0 {
			s.k.rows["items"][i]["shelf_life_days"] = fmt.Sprint(p.ShelfLife[row])
		}
	}
}
