package planner

import (
	"slices"

	"echelon/inputs"
)

// unit is a set of DCs planned together item by item, by position in Network.DCs.
type unit struct {
	dcs      []int
	parents  []int // units its rows order from, ascending
	children []int // units whose rows order from it, ascending
}

// arrangeUnits joins linked DCs, and DCs that order from each other, into units, children before parents.
func arrangeUnits(n *inputs.Network) []unit {
	at := make(map[inputs.NodeIdx]int, len(n.DCs))
	for i, dc := range n.DCs {
		at[dc] = i
	}
	next := make([][]int, len(n.DCs)) // edges: a DC to those it orders from, linked DCs both ways
	for i := range n.DCs {
		if i < len(n.Parents) {
			for _, p := range n.Parents[i] {
				if j, ok := at[p]; ok && j != i {
					next[i] = append(next[i], j)
				}
			}
		}
	}
	for _, u := range n.Units {
		for k := 1; k < len(u); k++ {
			a, b := at[u[k-1]], at[u[k]]
			next[a] = append(next[a], b)
			next[b] = append(next[b], a)
		}
	}
	sets := connected(next)
	slices.Reverse(sets) // the search finds parents first
	unitOf := make([]int, len(n.DCs))
	units := make([]unit, len(sets))
	for i, set := range sets {
		slices.Sort(set)
		units[i].dcs = set
		for _, d := range set {
			unitOf[d] = i
		}
	}
	for d, edges := range next {
		for _, p := range edges {
			if a, b := unitOf[d], unitOf[p]; a != b {
				units[a].parents = append(units[a].parents, b)
				units[b].children = append(units[b].children, a)
			}
		}
	}
	for i := range units {
		slices.Sort(units[i].parents)
		units[i].parents = slices.Compact(units[i].parents)
		slices.Sort(units[i].children)
		units[i].children = slices.Compact(units[i].children)
	}
	return units
}

// connected gives the strongly connected sets of a graph; a set comes after those it leads to.
func connected(next [][]int) [][]int {
	s := search{next: next, index: make([]int, len(next)), low: make([]int, len(next)), on: make([]bool, len(next))}
	for v := range next {
		if s.index[v] == 0 {
			s.visit(v)
		}
	}
	return s.sets
}

type search struct {
	next       [][]int
	index, low []int
	on         []bool
	stack      []int
	count      int
	sets       [][]int
}

func (s *search) visit(v int) {
	s.count++
	s.index[v], s.low[v] = s.count, s.count
	s.stack = append(s.stack, v)
	s.on[v] = true
	for _, w := range s.next[v] {
		if s.index[w] == 0 {
			s.visit(w)
			s.low[v] = min(s.low[v], s.low[w])
		} else if s.on[w] {
			s.low[v] = min(s.low[v], s.index[w])
		}
	}
	if s.low[v] != s.index[v] {
		return
	}
	for i := len(s.stack) - 1; ; i-- {
		s.on[s.stack[i]] = false
		if s.stack[i] == v {
			s.sets = append(s.sets, slices.Clone(s.stack[i:]))
			s.stack = s.stack[:i]
			return
		}
	}
}
