package planner

import (
	"cmp"
	"slices"

	"echelon/inputs"
)

// loadCell is the sums of one opportunity of one lane set, which has one pick day and one receive day.
type loadCell struct {
	units, packs, lines, volume, weight, unmeasured int64
}

// workload is one worker's sums for one DC: per lane set and opportunity of its table. Days and lanes are looked
// up once at the DC's end. nil: nothing of the set.
type workload struct{ sets [][]loadCell }

// of gives the sums of a lane set, by opportunity.
func (w *workload) of(r *run, set inputs.LaneSetIdx) []loadCell {
	if w.sets == nil {
		w.sets = make([][]loadCell, len(r.net.LaneSets))
	}
	if w.sets[set] == nil {
		w.sets[set] = make([]loadCell, len(r.classes[r.net.LaneSets[set].Class].Opps))
	}
	return w.sets[set]
}

// unitLoad is what one unit of an item weighs and fills; −1: unknown.
type unitLoad struct{ volume, weight int64 }

func (d *desk) unitLoad(item inputs.ItemIdx) unitLoad {
	return unitLoad{d.net.Items.Volume[item], d.net.Items.Weight[item]}
}

// count adds one line of an item.
func (c *loadCell) count(units, packs int64, each unitLoad) {
	c.units += units
	c.packs += packs
	c.lines++
	volume, weight := times(each.volume, units), times(each.weight, units)
	if volume|weight < 0 { // unknown
		c.unmeasured++
		volume, weight = max(volume, 0), max(weight, 0)
	}
	c.volume += volume
	c.weight += weight
}

func (c *loadCell) add(o *loadCell) {
	c.units += o.units
	c.packs += o.packs
	c.lines += o.lines
	c.volume += o.volume
	c.weight += o.weight
	c.unmeasured += o.unmeasured
}

// merge adds another worker's sums.
func (w *workload) merge(o *workload) {
	if o.sets == nil {
		return
	}
	if w.sets == nil {
		w.sets = make([][]loadCell, len(o.sets))
	}
	for set, cells := range o.sets {
		switch {
		case cells == nil:
		case w.sets[set] == nil:
			w.sets[set] = slices.Clone(cells)
		default:
			for i := range cells {
				w.sets[set][i].add(&cells[i])
			}
		}
	}
}

type loadRow struct {
	node, other inputs.NodeIdx
	day         int32
	kind        uint8
	cell        loadCell
}

// rank orders rows by (node, day, kind); those that are equal in it go by other. Days lie within 2³⁰ of 0.
func (r *loadRow) rank() uint64 {
	return uint64(uint32(r.node))<<32 | uint64(r.day+1<<30)<<1 | uint64(r.kind)
}

func compareLoad(a, b *loadRow) int {
	return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.other, b.other))
}

// table writes the sums as rows by (node, day, kind, other): what a DC picks and what a node receives, by the days
// of the horizon.
func (w *workload) table(r *run) *Table {
	var rows []loadRow
	n, h := r.net, int32(r.horizon)
	for set, cells := range w.sets {
		for k := range cells {
			if cells[k].lines == 0 {
				continue
			}
			opp := &r.classes[n.LaneSets[set].Class].Opps[k]
			lane := n.LaneSets[set].Lanes[opp.Lane]
			source, dest := n.Lanes.Source[lane], n.Lanes.Destination[lane]
			if opp.Pick < h && n.Nodes.Kind[source] != inputs.Vendor {
				rows = append(rows, loadRow{source, dest, int32(n.Nodes.Day0[source]) + opp.Pick, 0, cells[k]})
			}
			if opp.Receive >= 0 && opp.Receive < h {
				rows = append(rows, loadRow{dest, source, int32(n.Nodes.Day0[dest]) + opp.Receive, 1, cells[k]})
			}
		}
	}
	type place struct { // what is sorted: a row is five times as wide
		rank      uint64
		other, at int32
	}
	order := make([]place, len(rows))
	for i := range rows {
		order[i] = place{rows[i].rank(), int32(rows[i].other), int32(i)}
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.rank != b.rank {
			return cmp.Compare(a.rank, b.rank)
		}
		return cmp.Compare(a.other, b.other)
	})
	t := &Table{}
	t.reset(Workload)
	for lo := 0; lo < len(order); {
		sum := rows[order[lo].at]
		hi := lo + 1
		for ; hi < len(order) && order[hi].rank == order[lo].rank && order[hi].other == order[lo].other; hi++ {
			sum.cell.add(&rows[order[hi].at].cell)
		}
		lo = hi
		t.appendLoad(&sum)
	}
	return t
}

func (t *Table) appendLoad(r *loadRow) {
	c := t.Cols
	c[0].I32 = append(c[0].I32, int32(r.node))
	c[1].I32 = append(c[1].I32, r.day)
	c[2].U8 = append(c[2].U8, r.kind)
	c[3].I32 = append(c[3].I32, int32(r.other))
	for i, v := range [...]int64{r.cell.units, r.cell.packs, r.cell.lines, r.cell.volume, r.cell.weight, r.cell.unmeasured} {
		c[4+i].I64 = append(c[4+i].I64, v)
	}
	t.Rows++
}
