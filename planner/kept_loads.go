package planner

import (
	"encoding/binary"
	"slices"

	"echelon/inputs"
)

// keptLoads is what the items of a plan added to the workload of their DC, parallel to Kept.Items: per order, lane set
// and opportunity in the numbers of the network that was planned, units and packs. It stays in memory, so that the next
// net change can take what it plans again out of the workload; without it those items are planned once more from the
// base's rows (replay.go).
//
//	data   … | set opp units packs | set opp units packs | …   each a uvarint
//	at       ▲ item k                                      one more than items
type keptLoads struct {
	data []byte
	at   []uint32
}

func (l *keptLoads) push(orders []byte) {
	if len(l.at) == 0 {
		l.at = append(l.at, 0)
	}
	l.data = append(l.data, orders...)
	l.at = append(l.at, uint32(len(l.data)))
}

func (l *keptLoads) of(i int) []byte { return l.data[l.at[i]:l.at[i+1]] }

// loadEntry is one order of a group, as taken from its tile.
type loadEntry struct {
	units, packs int64
	set          inputs.LaneSetIdx
	opp          int16
	item         int8
}

// groupLoads is the orders of a group in the workload of a site.
type groupLoads struct {
	taken  []loadEntry // as they come, tile by tile
	order  []int32     // by item
	at     [inputs.TileRows + 1]int32
	packed []byte
}

func (g *groupLoads) begin() { g.taken, g.packed = g.taken[:0], g.packed[:0] }

// sort counts the orders out by item.
func (g *groupLoads) sort() {
	g.at = [inputs.TileRows + 1]int32{}
	for i := range g.taken {
		g.at[g.taken[i].item+1]++
	}
	for item := range inputs.TileRows {
		g.at[item+1] += g.at[item]
	}
	g.order = sized32(&g.order, len(g.taken))
	next := g.at
	for i := range g.taken {
		item := g.taken[i].item
		g.order[next[item]] = int32(i)
		next[item]++
	}
}

// pack packs the orders of an item.
func (g *groupLoads) pack(item int8) []byte {
	from := len(g.packed)
	for _, i := range g.order[g.at[item]:g.at[item+1]] {
		e := &g.taken[i]
		g.packed = binary.AppendUvarint(g.packed, uint64(e.set))
		g.packed = binary.AppendUvarint(g.packed, uint64(e.opp))
		g.packed = binary.AppendUvarint(g.packed, uint64(e.units))
		g.packed = binary.AppendUvarint(g.packed, uint64(e.packs))
	}
	return g.packed[from:len(g.packed):len(g.packed)]
}

// addLoads counts an item's packed orders into sums.
func (w *workload) addLoads(r *run, item inputs.ItemIdx, packed []byte) {
	each := unitLoad{r.net.Items.Volume[item], r.net.Items.Weight[item]}
	for len(packed) > 0 {
		var v [4]uint64
		for i := range v {
			var n int
			v[i], n = binary.Uvarint(packed)
			packed = packed[n:]
		}
		w.of(r, inputs.LaneSetIdx(v[0]))[v[1]].count(int64(v[2]), int64(v[3]), each)
	}
}

// loadsOf gives what items of a DC had added to the base's workload; gone is in the base's indexes.
func (x *change) loadsOf(old *run, kept *Kept, gone itemSet) *Table {
	var w workload
	item := 0
	for k, id := range kept.Items {
		for old.net.Items.ID[item] < id {
			item++
		}
		if gone.has(inputs.ItemIdx(item)) {
			w.addLoads(old, inputs.ItemIdx(item), kept.loads.of(k))
		}
	}
	return w.table(old)
}

// Workload reports whether what the items added to the workload is known, so that a net change need not plan the base
// once more.
func (k *Kept) Workload() bool { return k.loads != nil }

// newKept begins what a DC keeps; loads: what its items add to the workload is known of all of them.
func (x *change) newKept(loads bool) *Kept {
	k := &Kept{}
	if x.p.loads && loads {
		k.loads = &keptLoads{}
	}
	return k
}

// sameSets reports whether lane sets and items have the same numbers in both networks, so that packed orders of one
// hold in the other.
func sameSets(a, b *inputs.Network) bool {
	return same(a.Items.ID, b.Items.ID) && (one(a.LaneSets, b.LaneSets) ||
		slices.EqualFunc(a.LaneSets, b.LaneSets, func(x, y inputs.LaneSet) bool { return x.Class == y.Class && slices.Equal(x.Lanes, y.Lanes) }))
}
