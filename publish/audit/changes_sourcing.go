package audit

import (
	"slices"

	"echelon/inputs"
)

// use is a lane as a SKU uses it.
type use struct {
	lane      string
	pack, moq int32
	first     [2]int32 // pack and minimum on its first lane: where others have the same, they are the SKU's
	sourced   bool     // a sourcing row gave one of those
	prep      int32
	transit   int32
	from, to  int64
}

// uses lists the lanes of a row in the order in which they are tried.
func (s *side) uses(row int) []use {
	p, n := s.part, s.net
	set := p.LaneSet[row]
	if set == inputs.None {
		return nil
	}
	lots := n.LotSets[p.LotSet[row]]
	prov := n.Provenance[p.Prov[row]]
	out := make([]use, 0, len(lots))
	for i, lane := range n.LaneSets[set].Lanes {
		c := &n.Classes[n.LaneSets[set].Class].Lanes[i]
		out = append(out, use{
			lane: n.Lanes.ID[lane], pack: lots[i].Pack, moq: lots[i].MOQ, first: [2]int32{lots[0].Pack, lots[0].MOQ},
			sourced: inputs.Scope(prov[inputs.ParamPack]) == inputs.FromSourcing || inputs.Scope(prov[inputs.ParamMOQ]) == inputs.FromSourcing,
			prep:    c.PrepDays, transit: c.TransitDays, from: int64(c.ValidFrom), to: int64(c.ValidTo),
		})
	}
	return out
}

// own reports whether the lot sizes are of the lane and not of the SKU.
func (u *use) own() bool { return u.sourced || [2]int32{u.pack, u.moq} != u.first }

// sourcing compares the lanes that a SKU of both sides uses, and what is its own on them: lot sizes, legs, the order in
// which they are tried. A lane that is new or gone, and legs that moved for everybody, are told of the lane.
func (c *changes) sourcing(a *side, one int, b *side, two int) {
	if one < 0 || two < 0 {
		return
	}
	was, now := a.uses(one), b.uses(two)
	if slices.Equal(was, now) {
		return
	}
	t := c.table("sourcing")
	item := a.net.Items.ID[a.part.Item[one]]
	find := func(list []use, lane string) int {
		return slices.IndexFunc(list, func(u use) bool { return u.lane == lane })
	}
	known := func(n *inputs.Network, lane string) bool {
		_, ok := slices.BinarySearch(n.Lanes.ID, lane)
		return ok
	}
	var kept [2][]string // lanes of both sides, as tried
	for i := range was {
		x := &was[i]
		k := find(now, x.lane)
		if k < 0 {
			if known(b.net, x.lane) {
				t.Gone++
				t.name(item+" "+x.lane, "gone")
			}
			continue
		}
		kept[0] = append(kept[0], x.lane)
		y := &now[k]
		lots := (x.own() || y.own()) && (x.pack != y.pack || x.moq != y.moq)
		legs := (x.prep != y.prep || x.transit != y.transit || x.from != y.from || x.to != y.to) && !c.moved(x.lane)
		if lots || legs {
			t.Rows++
			t.name(item+" "+x.lane, "changed")
		}
		for column, v := range map[string][2]int32{"pack": {x.pack, y.pack}, "moq": {x.moq, y.moq}, "prep_days": {x.prep, y.prep}, "transit_days": {x.transit, y.transit}} {
			if own := lots && (column == "pack" || column == "moq") || legs && (column == "prep_days" || column == "transit_days"); own && v[0] != v[1] {
				col := c.column("sourcing", column)
				col.Rows++
				col.Was += int64(v[0])
				col.Now += int64(v[1])
			}
		}
	}
	for k := range now {
		if find(was, now[k].lane) >= 0 {
			kept[1] = append(kept[1], now[k].lane)
		} else if known(a.net, now[k].lane) {
			t.Added++
			t.name(item+" "+now[k].lane, "new")
		}
	}
	if !slices.Equal(kept[0], kept[1]) {
		t.Rows++
		t.name(item+" "+kept[1][0], "before "+kept[0][0])
	}
}
