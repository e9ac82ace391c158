package build

import (
	"cmp"
	"encoding/binary"
	"slices"

	"echelon/inputs"
)

// placement is where every SKU lies.
//
//	partOf  per SKU number  node of its partition, None for _direct
//	rank    per node        number of its partition, None when it has none
//	rowOf   per SKU number  row in its partition
//	order   per partition   SKU number per row, -1 for a dead row
type placement struct {
	partOf []int32
	rank   []int32
	rowOf  []int32
	order  [][]int32
	parts  []*inputs.Partition

	classOf []int32 // per choice: class, None
	setOf   []int32 // per choice: lane set, None
}

// partition returns the number of the partition of a SKU.
func (x *placement) partition(s int32) int32 {
	if x.partOf[s] == inputs.None {
		return int32(len(x.parts) - 1)
	}
	return x.rank[x.partOf[s]]
}

// rowList is the SKUs of a partition, item group by item group.
type rowList struct {
	rows   []keyed // own, class and node; SKU number
	groups []groupEnd
}

type groupEnd struct{ group, end int32 }

func (b *builder) place() error {
	b.classify()
	count := len(b.net.DCs)
	b.parts = make([]*inputs.Partition, count)
	b.order = make([][]int32, count)
	b.rowOf = make([]int32, b.skus())
	lists := make([]rowList, count)
	sizes := make([]int, count)
	for s := range b.rowOf {
		sizes[b.partition(int32(s))]++
	}
	for i := range lists {
		lists[i].rows = make([]keyed, 0, sizes[i])
	}
	nodeBits := keyBits(len(b.nodeIDs.ids))
	classBits := keyBits(len(b.net.Classes) + 1)
	b.eachSKU(func(s, item, node int32) {
		own := uint64(0)
		if b.partOf[s] == node {
			own = 1
		}
		class := uint64(b.classOf[b.choiceOf[s]] + 1)
		lists[b.partition(s)].add(item/inputs.TileRows, keyed{(own<<classBits|class)<<nodeBits | uint64(node), s})
	})
	var spare []keyed
	for i := range lists {
		list, from := &lists[i], int32(0)
		for _, g := range list.groups {
			spare = sortKeyed(list.rows[from:g.end], spare, nodeBits+classBits+1)
			from = g.end
		}
		b.tile(i, list, nodeBits, classBits)
		*list = rowList{}
	}
	return b.ctx.Err()
}

// add appends a row; groups ascend.
func (l *rowList) add(group int32, row keyed) {
	l.rows = append(l.rows, row)
	if n := len(l.groups); n > 0 && l.groups[n-1].group == group {
		l.groups[n-1].end++
		return
	}
	l.groups = append(l.groups, groupEnd{group, int32(len(l.rows))})
}

// tile cuts the sorted rows of a partition into tiles and gives every SKU its row.
func (b *builder) tile(i int, list *rowList, nodeBits, classBits int) {
	p := &inputs.Partition{DC: b.net.DCs[i], Horizon: b.horizon, Live: len(list.rows)}
	order := make([]int32, 0, len(list.rows)+len(list.rows)/16)
	at := int32(0)
	for _, g := range list.groups {
		p.Groups, p.GroupTile = append(p.Groups, g.group), append(p.GroupTile, int32(len(p.TileClass)))
		for first := at; at < g.end; at++ {
			row := list.rows[at]
			lane := row.key >> nodeBits
			if at == first || list.rows[at-1].key>>nodeBits != lane || len(order)%inputs.TileRows == 0 {
				for len(order)%inputs.TileRows != 0 {
					order = append(order, inputs.None)
				}
				p.TileClass = append(p.TileClass, inputs.ClassIdx(int32(lane&(1<<classBits-1))-1))
				p.TileOwn = append(p.TileOwn, lane>>classBits == 1)
			}
			b.rowOf[row.at] = int32(len(order))
			order = append(order, row.at)
		}
		for len(order)%inputs.TileRows != 0 {
			order = append(order, inputs.None)
		}
	}
	p.GroupTile = append(p.GroupTile, int32(len(p.TileClass)))
	b.parts[i], b.order[i] = p, order
}

// classify makes the network's classes and lane sets from the choices that SKUs have, each in the order of
// its contents.
func (b *builder) classify() {
	used := make([]bool, len(b.choices))
	for _, c := range b.choiceOf {
		used[c] = true
	}
	b.classOf, b.setOf = make([]int32, len(b.choices)), make([]int32, len(b.choices))
	type set struct {
		class  int32
		lanes  []inputs.LaneIdx
		choice int32
	}
	var sets []set
	byContent := map[string]int32{}
	var classes [][]inputs.ClassLane
	for c := range b.choices {
		b.classOf[c], b.setOf[c] = inputs.None, inputs.None
		uses := b.choices[c].uses
		if !used[c] || len(uses) == 0 {
			continue
		}
		s := set{choice: int32(c)}
		lanes := make([]inputs.ClassLane, len(uses))
		var k []byte
		for i := range uses {
			lanes[i] = b.classLane(&uses[i])
			s.lanes = append(s.lanes, inputs.LaneIdx(uses[i].lane))
			for _, v := range lanes[i].Fields() {
				k = binary.LittleEndian.AppendUint64(k, uint64(v))
			}
		}
		n, ok := byContent[string(k)]
		if !ok {
			n = int32(len(classes))
			byContent[string(k)] = n
			classes = append(classes, lanes)
		}
		s.class = n
		sets = append(sets, s)
	}
	rank := sortClasses(classes)
	b.net.Classes = make([]inputs.Class, len(classes))
	for i, lanes := range classes {
		b.net.Classes[rank[i]] = inputs.Class{Lanes: lanes}
	}
	for i := range sets {
		sets[i].class = rank[sets[i].class]
	}
	slices.SortFunc(sets, func(x, y set) int {
		return cmp.Or(cmp.Compare(x.class, y.class), slices.Compare(x.lanes, y.lanes))
	})
	for i := range sets {
		s := &sets[i]
		n := len(b.net.LaneSets)
		if i == 0 || sets[i-1].class != s.class || !slices.Equal(sets[i-1].lanes, s.lanes) {
			b.net.LaneSets = append(b.net.LaneSets, inputs.LaneSet{Class: inputs.ClassIdx(s.class), Lanes: s.lanes})
			n++
		}
		b.classOf[s.choice], b.setOf[s.choice] = s.class, int32(n-1)
	}
}

// sortClasses returns the rank of each class among all, by contents.
func sortClasses(classes [][]inputs.ClassLane) []int32 {
	order := make([]int32, len(classes))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(x, y int32) int {
		return slices.CompareFunc(classes[x], classes[y], func(a, c inputs.ClassLane) int {
			fa, fc := a.Fields(), c.Fields()
			return slices.Compare(fa[:], fc[:])
		})
	})
	rank := make([]int32, len(classes))
	for i, c := range order {
		rank[c] = int32(i)
	}
	return rank
}
