package cycle

import (
	"slices"

	"echelon/inputs"
)

// components divides the DCs of a network into sets that plan without each other: DCs connected by lanes
// between DCs, in any direction, lie in one. Each is ascending, and so are they by their first DC; the
// partition of rows without DC, where there is one, comes last.
func components(n *inputs.Network) [][]inputs.NodeIdx {
	at := make(map[inputs.NodeIdx]int, len(n.DCs))
	root := make([]int, len(n.DCs))
	for i, dc := range n.DCs {
		at[dc], root[i] = i, i
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	join := func(a, b inputs.NodeIdx) {
		i, ok := at[a]
		j, both := at[b]
		if !ok || !both {
			return
		}
		lo, hi := min(find(i), find(j)), max(find(i), find(j))
		root[hi] = lo
	}
	for i, parents := range n.Parents {
		for _, p := range parents {
			join(n.DCs[i], p)
		}
	}
	for _, unit := range n.Units {
		for _, dc := range unit[1:] {
			join(unit[0], dc)
		}
	}
	sets := make([][]inputs.NodeIdx, len(n.DCs))
	for i, dc := range n.DCs {
		r := find(i)
		sets[r] = append(sets[r], dc)
	}
	return slices.DeleteFunc(sets, func(s []inputs.NodeIdx) bool { return len(s) == 0 })
}
