package planner

import (
	"fmt"
	"sort"

	"echelon/inputs"
)

// loadRow reads a row of a workload; from turns its nodes into those of another network, nil: they are its own.
func (t *Table) loadRow(r int, from []int32, sign int64) loadRow {
	c := t.Cols
	node := func(i int32) inputs.NodeIdx {
		if from != nil {
			i = from[i]
		}
		return inputs.NodeIdx(i)
	}
	return loadRow{
		node: node(c[0].I32[r]), other: node(c[3].I32[r]), day: c[1].I32[r], kind: c[2].U8[r],
		cell: loadCell{
			units: sign * c[4].I64[r], packs: sign * c[5].I64[r], lines: sign * c[6].I64[r],
			volume: sign * c[7].I64[r], weight: sign * c[8].I64[r], unmeasured: sign * c[9].I64[r],
		},
	}
}

// goneLoad is a cell of a node that is no more, in the base's own indexes.
type goneLoad struct {
	node, day, other int32
	kind             uint8
}

func errLoadLeft(row *loadRow) error {
	return fmt.Errorf("the base's snapshot does not give the base's workload (%d lines left of a sum): %w", row.cell.lines, errGoneID)
}

// seekLoad gives the first row of a workload, from a row on, that does not come before m. What moves lies close together.
func (t *Table) seekLoad(from int, m *loadRow) int {
	nodes, days, others, kinds := t.Cols[0].I32, t.Cols[1].I32, t.Cols[3].I32, t.Cols[2].U8
	before := func(r int) bool {
		row := loadRow{node: inputs.NodeIdx(nodes[r]), day: days[r], kind: kinds[r], other: inputs.NodeIdx(others[r])}
		return compareLoad(&row, m) < 0
	}
	lo, step := from, 1
	for lo+step <= t.Rows && before(lo+step-1) {
		lo, step = lo+step, 2*step
	}
	return lo + sort.Search(min(step-1, t.Rows-lo), func(k int) bool { return !before(lo + k) })
}

// spliceLoads adds sorted moves to a workload in the same indexes. Where they cancel out it is the one that was.
func spliceLoads(had *Table, moves []loadRow) (*Table, error) {
	sums := moves[:0]
	for i := 0; i < len(moves); {
		sum := moves[i]
		for i++; i < len(moves) && compareLoad(&moves[i], &sum) == 0; i++ {
			sum.cell.add(&moves[i].cell)
		}
		if sum.cell != (loadCell{}) {
			sums = append(sums, sum)
		}
	}
	if len(sums) == 0 {
		return had, nil
	}
	out := &Table{}
	out.reset(Workload)
	out.reserve(had.Rows + len(sums))
	from := 0
	for i := range sums {
		m := &sums[i]
		at := had.seekLoad(from, m)
		out.appendRows(had, from, at)
		from = at
		sum := *m
		if at < had.Rows {
			if row := had.loadRow(at, nil, 1); compareLoad(&row, m) == 0 {
				sum.cell.add(&row.cell)
				from++
			}
		}
		switch {
		case sum.cell == (loadCell{}):
		case sum.cell.lines <= 0:
			return nil, errLoadLeft(&sum)
		default:
			out.appendLoad(&sum)
		}
	}
	out.appendRows(had, from, had.Rows)
	return out, nil
}

// loads gives the workload of the merged plan: the base's, less what the items planned again had added, plus what
// they add now. All three are sorted, and what moves is little.
func (x *change) loads(had, less, plus *Table) (*Table, error) {
	gone := map[goneLoad]loadCell{} // must cancel out
	var moves []loadRow
	take := func(t *Table, r int, from []int32, sign int64) (loadRow, bool) {
		row := t.loadRow(r, from, sign)
		if row.node != inputs.None && row.other != inputs.None {
			return row, true
		}
		key := goneLoad{node: t.Cols[0].I32[r], day: row.day, other: t.Cols[3].I32[r], kind: row.kind}
		cell := gone[key]
		cell.add(&row.cell)
		gone[key] = cell
		return row, false
	}
	// what moves is two sorted lists
	for i, k := 0, 0; less != nil && i < less.Rows || plus != nil && k < plus.Rows; {
		var a, b loadRow
		aStays, bStays := false, false
		if less != nil && i < less.Rows {
			if a, aStays = take(less, i, x.from.nodes, -1); !aStays {
				i++
				continue
			}
		}
		if plus != nil && k < plus.Rows {
			b, bStays = plus.loadRow(k, nil, 1), true
		}
		if aStays && (!bStays || compareLoad(&a, &b) <= 0) {
			moves = append(moves, a)
			i++
		} else {
			moves = append(moves, b)
			k++
		}
	}
	if x.from.same {
		return spliceLoads(had, moves)
	}
	out := &Table{}
	out.reset(Workload)
	put := func(row *loadRow) error {
		switch {
		case row.cell == (loadCell{}):
			return nil
		case row.cell.lines <= 0:
			return errLoadLeft(row)
		}
		out.appendLoad(row)
		return nil
	}
	next := 0
	// until puts what moves before a row, and adds what moves of it.
	until := func(row *loadRow) error {
		for next < len(moves) {
			m := &moves[next]
			if row != nil {
				switch order := compareLoad(m, row); {
				case order > 0:
					return nil
				case order == 0:
					row.cell.add(&m.cell)
					next++
					continue
				}
			}
			sum := *m
			for next++; next < len(moves) && compareLoad(&moves[next], &sum) == 0; next++ {
				sum.cell.add(&moves[next].cell)
			}
			if err := put(&sum); err != nil {
				return err
			}
		}
		return nil
	}
	for r := range had.Rows {
		row, stays := take(had, r, x.from.nodes, 1)
		if !stays {
			continue
		}
		if err := until(&row); err != nil {
			return nil, err
		}
		if err := put(&row); err != nil {
			return nil, err
		}
	}
	if err := until(nil); err != nil {
		return nil, err
	}
	for _, cell := range gone {
		if cell != (loadCell{}) {
			return nil, fmt.Errorf("the base's snapshot does not give the base's workload (lines of a node that is gone are left): %w", errGoneID)
		}
	}
	return out, nil
}
