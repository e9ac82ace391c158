package planner

import (
	"slices"
)

// maxSites is the number of linked DCs that levels sorts without allocating.
const maxSites = 64

// levels gives the unit's sites by what depends on what for an item, children first, then by id.
func (d *desk) levels(item int8, out []int16) []int16 {
	for i := range d.sites {
		out = append(out, int16(i))
	}
	if len(d.sites) == 1 {
		return out
	}
	level := d.siteLevels(item)
	sortSites(out, func(a, b int16) int { return level[a] - level[b] })
	return out
}

func sortSites(sites []int16, compare func(a, b int16) int) {
	slices.SortStableFunc(sites, compare)
}

// siteLevels gives per site the longest chain of child DCs below it for the item inside the unit.
func (d *desk) siteLevels(item int8) []int {
	level := make([]int, len(d.sites))
	for range d.sites {
		for i := range d.sites {
			d.raise(level, int16(i), item)
		}
	}
	return level
}

// raise puts the sources of a site's own row at least one level above it.
func (d *desk) raise(level []int, site int16, item int8) {
	i := d.own[d.cell(site, item)]
	if i < 0 || d.skus[i].flags&skuOrders == 0 {
		return
	}
	s := &d.skus[i]
	tab := d.table(s)
	for k := range tab.Planned {
		if _, up := d.source(s, &tab.Opps[k]); up >= 0 && up != site {
			level[up] = max(level[up], min(level[site]+1, len(level)))
		}
	}
}
