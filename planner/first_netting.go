package planner

import (
	"context"

	"echelon/inputs"
	"echelon/planner/net/tile"
)

// FirstNetting nets the rows of loaded DCs as if stock were endless, and does nothing else: what the first netting costs
// alone. DCs' own rows, whose demand comes from others, are left out.
type FirstNetting struct {
	desks []*desk
}

// FirstNettingCost is what one run of a FirstNetting came to.
type FirstNettingCost struct {
	Rows   [NumPaths]int64
	Nanos  [NumPaths]int64 // as the caller's clock tells; registering the rows is not counted
	Left   [tile.NumReasons]int64
	Orders int64
}

// NewFirstNetting loads all DCs of a cycle. Errors as of Plan.
func NewFirstNetting(ctx context.Context, c Cycle, l Loader) (*FirstNetting, error) {
	r, err := newRun(&c)
	if err != nil {
		return nil, err
	}
	n := &FirstNetting{}
	for u := range r.units {
		var parts []*inputs.Partition
		for _, at := range r.units[u].dcs {
			p, err := l.Partition(ctx, r.net.DCs[at])
			if err != nil {
				return nil, err
			}
			parts = append(parts, p)
		}
		s := newShop(r, u, parts)
		s.collectGroups()
		n.desks = append(n.desks, newDesk(s))
	}
	return n, nil
}

// Run nets all rows once. clock gives nanoseconds from any start.
func (n *FirstNetting) Run(clock func() int64) FirstNettingCost {
	var cost FirstNettingCost
	for _, d := range n.desks {
		for _, w := range d.groups {
			d.begin(w)
			d.asked = ^uint64(0)
			for i := range d.sites {
				at := w.at[i]
				if at < 0 {
					continue
				}
				p := d.sites[i].part
				for t := p.GroupTile[at]; t < p.GroupTile[at+1]; t++ {
					d.timeTile(int16(i), p, int(t), clock, &cost)
				}
			}
			cost.Orders += int64(len(d.orders))
		}
		for i := range cost.Rows {
			cost.Rows[i] += d.paths.rows[i]
		}
		for i := range cost.Left {
			cost.Left[i] += d.paths.left[i]
		}
		d.paths = pathCounts{}
	}
	return cost
}

// timeTile nets a tile, and the rows that are left of it one by one.
func (d *desk) timeTile(site int16, p *inputs.Partition, no int, clock func() int64, cost *FirstNettingCost) {
	first := len(d.skus)
	d.takeTile(site, p, no)
	began := clock()
	d.netTile(p, no, first)
	now := clock()
	cost.Nanos[PathKernel] += now - began
	d.left = d.left[:0]
	for i := first; i < len(d.skus); i++ {
		s := &d.skus[i]
		if s.flags&(skuNetted|skuOwn|skuHeld) == 0 && !d.netPlain(int32(i), s) {
			d.left = append(d.left, int32(i))
		}
	}
	began, now = now, clock()
	cost.Nanos[PathRow] += now - began
	for _, i := range d.left {
		d.netCareful(i, &d.skus[i])
	}
	cost.Nanos[PathCareful] += clock() - now
}
