package build

import (
	"slices"

	"echelon/inputs"
)

// dcRow is a DC's SKU of the item in hand.
type dcRow struct {
	s, node int32
	up      int32 // DC that its primary lane comes from; None: a vendor or no lane
	onCycle bool
}

// breakCycles finds, item by item, DC rows whose primary lanes form a cycle, and later lanes that would close
// one. Edges go from a row to the DC it orders from; node ids and lane order decide which later lane comes
// first.
func (b *builder) breakCycles() error {
	b.cycleRow = map[int32]inputs.RowFlags{}
	kinds := b.net.Nodes.Kind
	var rows []dcRow
	for item := range int32(len(b.itemIDs.ids)) {
		rows = rows[:0]
		edges := false
		for s := b.itemAt[item]; s < b.itemAt[item+1]; s++ {
			if kinds[b.nodeOf[s]] != inputs.DC {
				continue
			}
			row := dcRow{s: s, node: b.nodeOf[s], up: inputs.None}
			c := &b.choices[b.choiceOf[s]]
			for i := range c.uses {
				if l := &b.lanes[c.uses[i].lane]; l.fromDC {
					edges = true
					if i == c.primary {
						row.up = l.source
					}
				}
			}
			rows = append(rows, row)
		}
		if edges && len(rows) > 1 {
			b.breakItem(rows)
		}
	}
	return b.ctx.Err()
}

func (b *builder) breakItem(rows []dcRow) {
	find := func(node int32) int {
		i, ok := slices.BinarySearchFunc(rows, node, func(r dcRow, n int32) int { return int(r.node) - int(n) })
		if !ok {
			return -1
		}
		return i
	}
	// Follow each primary chain; a chain longer than the rows, or back at its start, holds a cycle.
	for i := range rows {
		at, steps := i, 0
		for steps <= len(rows) && at >= 0 && rows[at].up != inputs.None {
			at = find(rows[at].up)
			steps++
			if at == i {
				rows[i].onCycle = true
				break
			}
		}
	}
	ups := make([][]int32, len(rows))
	for i := range rows {
		if rows[i].onCycle {
			b.cycleRow[rows[i].s] |= inputs.FlagLaneCycle
			continue
		}
		if rows[i].up != inputs.None {
			ups[i] = append(ups[i], rows[i].up)
		}
	}
	for i := range rows {
		if !rows[i].onCycle {
			b.addLater(rows, ups, i, find)
		}
	}
}

// addLater adds the lanes of row i beside its primary one and leaves out those that would close a cycle.
func (b *builder) addLater(rows []dcRow, ups [][]int32, i int, find func(int32) int) {
	c := &b.choices[b.choiceOf[rows[i].s]]
	var kept []laneUse
	dropped := false
	for n := range c.uses {
		l := &b.lanes[c.uses[n].lane]
		if l.fromDC && n != c.primary {
			if reaches(rows, ups, l.source, rows[i].node, find) {
				dropped = true
				continue
			}
			ups[i] = append(ups[i], l.source)
		}
		kept = append(kept, c.uses[n])
	}
	if dropped {
		b.cycleRow[rows[i].s] |= inputs.FlagLaneDropped
		b.choiceOf[rows[i].s] = b.choose(kept)
	}
}

// reaches reports whether orders placed at a DC come to another one, going up.
func reaches(rows []dcRow, ups [][]int32, from, to int32, find func(int32) int) bool {
	seen := make([]bool, len(rows))
	stack := []int32{from}
	for len(stack) > 0 {
		node := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if node == to {
			return true
		}
		i := find(node)
		if i < 0 || seen[i] {
			continue
		}
		seen[i] = true
		stack = append(stack, ups[i]...)
	}
	return false
}
