package planner

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/net/tile"
)

// run is one cycle being planned: what all units share.
type run struct {
	cycle      *Cycle
	net        *inputs.Network
	policy     *Policy
	classes    []class
	lots       [][]net.Lot   // parallel to Network.LotSets
	plain      []bool        // per lot set: packs alone
	kernels    []kernelTable // parallel to classes
	kernelLots [][]tile.Lot  // parallel to lots
	kernel     Kernel
	units      []unit
	gives      []bool  // per position in Network.DCs
	unitOf     []int32 // node → unit, -1 when it is no DC
	horizon    int
	tracer     *tracer     // explain: notes one SKU; else nil
	keeps      bool        // counts and digests are kept per item
	loads      bool        // and what it adds to the workload
	numbers    []numbering // per unit, once it was visited
}

// site is one DC of the unit in work.
type site struct {
	dc    inputs.NodeIdx
	at    int // position in Network.DCs
	part  *inputs.Partition
	gives bool
}

// shop is one visit of a unit: its partitions and the dense numbers of what they touch.
type shop struct {
	*run
	unit     int
	sites    []site
	siteOf   []int16          // node → site, -1 none
	nodeNo   []int32          // node → number among nodes, -1 not touched
	nodes    []inputs.NodeIdx // ascending: destinations of the unit's rows and lanes
	groups   []groupWork
	inbound  []inbox   // requests of child units
	answers  []inbox   // answers of parent units, in the give of a unit with parents
	give     bool      // this visit gives
	only     itemSet   // the items that this visit plans; nil: all
	counted  []itemSet // replay: per site, the items whose workload counts; nil: all
	ctx      context.Context
	exchange Exchange
}

// groupWork is one item group of the unit: per site the group's number in its partition, -1 none.
type groupWork struct {
	group int32
	at    []int32
}

// numbering is the dense numbers of the nodes that a unit touches: a second visit need not look at its rows again.
type numbering struct {
	once   sync.Once
	nodeNo []int32
	nodes  []inputs.NodeIdx
}

// newShop numbers what the partitions of a unit touch.
func newShop(r *run, u int, parts []*inputs.Partition) *shop {
	s := &shop{run: r, unit: u}
	n := r.net
	s.siteOf = slices.Repeat([]int16{-1}, len(n.Nodes.ID))
	for i, at := range r.units[u].dcs {
		dc := n.DCs[at]
		s.sites = append(s.sites, site{dc: dc, at: at, part: parts[i], gives: r.gives[at]})
		if dc != inputs.Direct {
			s.siteOf[dc] = int16(i)
		}
	}
	k := &r.numbers[u]
	k.once.Do(func() {
		s.number()
		k.nodeNo, k.nodes = s.nodeNo, s.nodes
	})
	s.nodeNo, s.nodes = k.nodeNo, k.nodes
	for i := range s.sites {
		for at, g := range s.sites[i].part.Groups {
			s.addGroup(g, i, int32(at))
		}
	}
	return s
}

func (s *shop) number() {
	n := s.net
	s.nodeNo = slices.Repeat([]int32{-1}, len(n.Nodes.ID))
	for i := range s.sites {
		p := s.sites[i].part
		for row, node := range p.Node {
			if p.Item[row] != inputs.None {
				s.nodeNo[node] = 0
			}
		}
	}
	for lane := range n.Lanes.ID {
		source, dest := n.Lanes.Source[lane], n.Lanes.Destination[lane]
		if s.siteOf[source] >= 0 {
			s.nodeNo[dest] = 0
		}
	}
	for node, mark := range s.nodeNo {
		if mark >= 0 {
			s.nodeNo[node] = int32(len(s.nodes))
			s.nodes = append(s.nodes, inputs.NodeIdx(node))
		}
	}
}

// collectGroups merges the groups of the partitions in ascending order.
func (s *shop) collectGroups() {
	slices.SortFunc(s.groups, func(a, b groupWork) int { return cmp.Compare(a.group, b.group) })
	merged := s.groups[:0]
	for _, g := range s.groups {
		if k := len(merged); k > 0 && merged[k-1].group == g.group {
			for i, at := range g.at {
				merged[k-1].at[i] = max(merged[k-1].at[i], at)
			}
			continue
		}
		merged = append(merged, g)
	}
	s.groups = merged
}

func (s *shop) addGroup(group int32, site int, at int32) {
	w := groupWork{group: group, at: slices.Repeat([]int32{-1}, len(s.sites))}
	if site >= 0 {
		w.at[site] = at
	}
	s.groups = append(s.groups, w)
}

// needGroup adds a group that child units ask for; no partition of the unit may have it.
func (s *shop) needGroup(group int32) { s.addGroup(group, -1, -1) }
