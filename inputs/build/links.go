package build

import (
	"slices"

	"echelon/inputs"
)

// link decides the partition of every SKU and the graph between partitions: which DCs are linked, and in
// which order they can ask. An edge goes from a child to the DC it orders from.
func (b *builder) link() error {
	nodes := len(b.net.Nodes.ID)
	home := b.homes()
	b.partOf = make([]int32, b.skus())
	used := make([]bool, nodes)
	direct := false
	kinds := b.net.Nodes.Kind
	up := make([][]int32, nodes)
	parents := make([][]int32, nodes)
	type seen struct{ choice, part int32 }
	done := map[seen]bool{}
	last := seen{-1, -1}
	b.eachSKU(func(s, _, node int32) {
		c := &b.choices[b.choiceOf[s]]
		part := node
		if kinds[node] != inputs.DC {
			if part = c.served; part == inputs.None {
				part = home[node]
			}
		}
		b.partOf[s] = part
		if part == inputs.None {
			direct = true
			return
		}
		used[part] = true
		if b.cycleRow[s]&inputs.FlagLaneCycle != 0 || len(c.uses) == 0 {
			return
		}
		if k := (seen{b.choiceOf[s], part}); k != last && !done[k] {
			done[k], last = true, k
			b.addEdges(c, part, kinds[node] == inputs.DC, up, parents)
		}
	})
	b.partitions(used, direct, up, parents)
	b.graph = graph{used: used, direct: direct, up: up, parents: parents}
	return b.ctx.Err()
}

// graph is what the partitions and units of a network follow from: DCs with rows, whether there are rows of nobody, and
// per node the DCs it orders from, for any row and for its own ones.
type graph struct {
	used        []bool
	direct      bool
	up, parents [][]int32
}

// addEdges notes what one choice of lanes means for the DCs.
func (b *builder) addEdges(c *choice, part int32, own bool, up, parents [][]int32) {
	sources := c.effective
	if l := &b.lanes[c.uses[c.primary].lane]; own && l.fromDC {
		sources = append(slices.Clone(sources), l.source)
	}
	for _, a := range c.effective {
		for _, z := range c.effective {
			if a != z {
				up[a] = append(up[a], z) // lanes of one SKU on different days: both ways
			}
		}
	}
	for _, a := range sources {
		if a == part {
			continue
		}
		up[part] = append(up[part], a)
		if own {
			parents[part] = append(parents[part], a)
		} else {
			up[a] = append(up[a], part) // the row lies here and orders there: planned together
		}
	}
}

// homes gives per node the partition of rows that no DC serves, None for _direct.
func (b *builder) homes() []int32 {
	home := make([]int32, len(b.net.Nodes.ID))
	for n := range home {
		home[n] = int32(b.net.Nodes.HomeDC[n])
		if home[n] != inputs.None {
			continue
		}
		for _, l := range b.into[n] {
			if b.lanes[l].fromDC {
				home[n] = b.lanes[l].source
				break
			}
		}
	}
	return home
}

// partitions fills DCs, Units and Parents of the network.
func (b *builder) partitions(used []bool, direct bool, up, parents [][]int32) {
	b.rank = make([]int32, len(used))
	for n := range used {
		b.rank[n] = inputs.None
		if used[n] {
			b.rank[n] = int32(len(b.net.DCs))
			b.net.DCs = append(b.net.DCs, inputs.NodeIdx(n))
		}
	}
	count := len(b.net.DCs)
	edges := make([][]int32, count)
	b.net.Parents = make([][]inputs.NodeIdx, count)
	for i, dc := range b.net.DCs {
		sortIndexes(up[dc])
		up[dc] = slices.Compact(up[dc])
		for _, p := range up[dc] {
			if b.rank[p] != inputs.None {
				edges[i] = append(edges[i], b.rank[p])
			}
		}
		sortIndexes(parents[dc])
		parents[dc] = slices.Compact(parents[dc])
		for _, p := range parents[dc] {
			b.net.Parents[i] = append(b.net.Parents[i], inputs.NodeIdx(p))
		}
	}
	for _, set := range askOrder(edges) {
		unit := make([]inputs.NodeIdx, len(set))
		for i, n := range set {
			unit[i] = b.net.DCs[n]
		}
		b.net.Units = append(b.net.Units, unit)
	}
	if direct {
		b.net.DCs = append(b.net.DCs, inputs.Direct)
		b.net.Parents = append(b.net.Parents, nil)
		b.net.Units = append(b.net.Units, []inputs.NodeIdx{inputs.Direct})
	}
}

// askOrder returns the strongly connected sets of a graph of edges from child to parent, children before
// parents, the set with the smallest member first where the edges leave a choice. Members are ascending.
func askOrder(edges [][]int32) [][]int32 {
	n := len(edges)
	set := components(edges)
	members := map[int32][]int32{}
	for i := range n {
		members[set[i]] = append(members[set[i]], int32(i))
	}
	children := make([]int, n) // per set, by its number: edges into it not yet taken
	for i := range n {
		for _, p := range edges[i] {
			if set[p] != set[i] {
				children[set[p]]++
			}
		}
	}
	var order [][]int32
	ready := make([]bool, n)
	for range members {
		for i := range n { // the smallest set that waits for nobody
			c := set[i]
			if ready[c] || children[c] != 0 {
				continue
			}
			ready[c] = true
			order = append(order, members[c])
			for _, m := range members[c] {
				for _, p := range edges[m] {
					if set[p] != c {
						children[set[p]]--
					}
				}
			}
			break
		}
	}
	return order
}

// components numbers the strongly connected sets of a graph (Tarjan).
func components(edges [][]int32) []int32 {
	n := len(edges)
	index, low, set := make([]int32, n), make([]int32, n), make([]int32, n)
	onStack := make([]bool, n)
	var stack []int32
	next, sets := int32(1), int32(0)
	var visit func(v int32)
	visit = func(v int32) {
		index[v], low[v] = next, next
		next++
		stack, onStack[v] = append(stack, v), true
		for _, w := range edges[v] {
			switch {
			case index[w] == 0:
				visit(w)
				low[v] = min(low[v], low[w])
			case onStack[w]:
				low[v] = min(low[v], index[w])
			}
		}
		if low[v] != index[v] {
			return
		}
		for {
			w := stack[len(stack)-1]
			stack, onStack[w] = stack[:len(stack)-1], false
			set[w] = sets
			if w == v {
				break
			}
		}
		sets++
	}
	for v := range int32(n) {
		if index[v] == 0 {
			visit(v)
		}
	}
	return set
}

func sortIndexes(list []int32) { slices.Sort(list) }
