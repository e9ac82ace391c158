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

type sortRow struct {
	hi, lo uint64 // group, own, class · node, item
	s      int32
}

func (b *builder) place() error {
	b.classify()
	count := len(b.net.DCs)
	b.parts = make([]*inputs.Partition, count)
	b.order = make([][]int32, count)
	b.rowOf = make([]int32, b.skus())
	lists := make([][]sortRow, count)
	sizes := make([]int, count)
	for s := range b.rowOf {
		sizes[b.partition(int32(s))]++
	}
	for i := range lists {
		lists[i] = make([]sortRow, 0, sizes[i])
	}
	b.eachSKU(func(s, item, node int32) {
		i := b.partition(s)
		own := uint64(0)
		if b.partOf[s] == node {
			own = 1
		}
		class := uint64(b.classOf[b.choiceOf[s]] + 1)
		lists[i] = append(lists[i], sortRow{
			hi: uint64(item/inputs.TileRows)<<33 | own<<32 | class, lo: uint64(node)<<32 | uint64(item), s: s,
		})
	})
	for i, list := range lists {
		slices.SortFunc(list, func(x, y sortRow) int { return cmp.Or(cmp.Compare(x.hi, y.hi), cmp.Compare(x.lo, y.lo)) })
		b.tile(i, list)
		lists[i] = nil
	}
	return b.ctx.Err()
}

// tile cuts the sorted rows of a partition into tiles and gives every SKU its row.
func (b *builder) tile(i int, list []sortRow) {
	p := &inputs.Partition{DC: b.net.DCs[i], Horizon: b.horizon, Live: len(list)}
	order := make([]int32, 0, len(list)+len(list)/16)
	for at, row := range list {
		if at == 0 || list[at-1].hi != row.hi || len(order)%inputs.TileRows == 0 {
			for len(order)%inputs.TileRows != 0 {
				order = append(order, inputs.None)
			}
			group := int32(row.hi >> 33)
			if n := len(p.Groups); n == 0 || p.Groups[n-1] != group {
				p.Groups = append(p.Groups, group)
				p.GroupTile = append(p.GroupTile, int32(len(p.TileClass)))
			}
			p.TileClass = append(p.TileClass, inputs.ClassIdx(int32(uint32(row.hi))-1))
			p.TileOwn = append(p.TileOwn, row.hi>>32&1 == 1)
		}
		b.rowOf[row.s] = int32(len(order))
		order = append(order, row.s)
	}
	for len(order)%inputs.TileRows != 0 {
		order = append(order, inputs.None)
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
