package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
)

// settleGroup shares what the unit's DCs have of each item, the vendors' side first. What parent units gave
// is taken over before.
func (d *desk) settleGroup() {
	var order [maxSites]int16
	for item := range int8(inputs.TileRows) {
		sites := d.levels(item, order[:0])
		d.byLevelDown(item, sites)
		for _, site := range sites {
			d.ration(site, item)
			d.done[d.cell(site, item)] = d.shares(site, item)
		}
	}
}

// byLevelDown turns levels around, keeping ids ascending within a level.
func (d *desk) byLevelDown(item int8, sites []int16) {
	if len(sites) == 1 {
		return
	}
	level := d.siteLevels(item)
	sortSites(sites, func(a, b int16) int { return level[b] - level[a] })
}

// today gives the order of a SKU with order day today, nil when it has none.
func (d *desk) today(s *sku) (*order, *net.Opp) {
	if s.count == 0 {
		return nil, nil
	}
	o := &d.orders[s.first]
	if opp := &d.table(s).Opps[o.opp]; opp.Order == 0 {
		return o, opp
	}
	return nil, nil
}

// nextCarry is a SKU's carry after this cycle.
func (d *desk) nextCarry(s *sku) int64 {
	carry := d.carry(s)
	o, opp := d.today(s)
	switch {
	case o == nil || d.wanted(o) == 0 || !d.promised(s, o, opp):
		return carry
	case d.units(o) < d.wanted(o):
		return carry + d.wanted(o) - d.units(o)
	}
	return 0
}
