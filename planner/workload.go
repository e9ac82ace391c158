package planner

import (
	"cmp"
	"slices"

	"echelon/inputs"
	"echelon/planner/net"
)

// load sums of one lane: cells 0 … H − 1 are picks by the source's day, H … 2H − 1 receipts by the
// destination's day.
type laneLoad []loadCell

type loadCell struct {
	units, packs, lines, volume, weight, unmeasured int64
}

// workload is one worker's sums for one DC, per lane number of the shop.
type workload struct{ lanes []laneLoad }

// of gives the sums of a lane.
func (w *workload) of(s *shop, lane inputs.LaneIdx) laneLoad {
	if w.lanes == nil {
		w.lanes = make([]laneLoad, len(s.lanes))
	}
	no := s.laneNo[lane]
	if w.lanes[no] == nil {
		w.lanes[no] = make(laneLoad, 2*s.horizon)
	}
	return w.lanes[no]
}

// unitLoad is what one unit of an item weighs and fills; −1: unknown.
type unitLoad struct{ volume, weight int64 }

func (d *desk) unitLoad(item inputs.ItemIdx) unitLoad {
	return unitLoad{d.net.Items.Volume[item], d.net.Items.Weight[item]}
}

// add counts a line of an item on its pick day, when its source is a DC, and on its receive day.
func (l laneLoad) add(opp *net.Opp, horizon int32, units, packs int64, each unitLoad, picked bool) {
	volume, weight, unmeasured := times(each.volume, units), times(each.weight, units), int64(0)
	if volume == NullInt {
		volume, unmeasured = 0, 1
	}
	if weight == NullInt {
		weight, unmeasured = 0, 1
	}
	if picked && opp.Pick < horizon {
		l[opp.Pick].count(units, packs, volume, weight, unmeasured)
	}
	if opp.Receive >= 0 && opp.Receive < horizon {
		l[horizon+opp.Receive].count(units, packs, volume, weight, unmeasured)
	}
}

// count adds one line.
func (c *loadCell) count(units, packs, volume, weight, unmeasured int64) {
	c.units += units
	c.packs += packs
	c.lines++
	c.volume += volume
	c.weight += weight
	c.unmeasured += unmeasured
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
func (w *workload) merge(o *workload, lanes int) {
	if o.lanes == nil {
		return
	}
	if w.lanes == nil {
		w.lanes = make([]laneLoad, lanes)
	}
	for no, cells := range o.lanes {
		switch {
		case cells == nil:
		case w.lanes[no] == nil:
			w.lanes[no] = slices.Clone(cells)
		default:
			for i := range cells {
				w.lanes[no][i].add(&cells[i])
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

// table writes the sums as rows by (node, day, kind, other).
func (w *workload) table(s *shop) *Table {
	var rows []loadRow
	for no, cells := range w.lanes {
		lane := s.lanes[no]
		source, dest := s.net.Lanes.Source[lane], s.net.Lanes.Destination[lane]
		for i := range cells {
			if cells[i].lines == 0 {
				continue
			}
			if i < s.horizon {
				rows = append(rows, loadRow{source, dest, int32(s.net.Nodes.Day0[source]) + int32(i), 0, cells[i]})
			} else {
				rows = append(rows, loadRow{dest, source, int32(s.net.Nodes.Day0[dest]) + int32(i-s.horizon), 1, cells[i]})
			}
		}
	}
	compare := func(a, b loadRow) int {
		return cmp.Or(cmp.Compare(a.node, b.node), cmp.Compare(a.day, b.day), cmp.Compare(a.kind, b.kind), cmp.Compare(a.other, b.other))
	}
	slices.SortFunc(rows, compare)
	t := &Table{}
	t.reset(Workload)
	for lo := 0; lo < len(rows); {
		sum := rows[lo]
		hi := lo + 1
		for ; hi < len(rows) && compare(rows[hi], sum) == 0; hi++ {
			sum.cell.add(&rows[hi].cell)
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
