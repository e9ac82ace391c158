package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"echelon/inputs"
	"echelon/inputs/store"
)

// Column is what moved in one column of an input table: rows whose value is another, and the totals of all rows on
// both sides in the column's unit (thousandths where it has three places). New and gone rows are counted for the
// table and are part of the totals.
type Column struct {
	Table  string `json:"table"`
	Column string `json:"column"`
	Rows   int64  `json:"rows"`
	Was    int64  `json:"was"`
	Now    int64  `json:"now"`
}

// Table is rows that are new and gone.
type Table struct {
	Table string `json:"table"`
	Added int64  `json:"added"`
	Gone  int64  `json:"gone"`
	Rows  int64  `json:"rows"` // with any column changed
	// Names are the ids of rows of tables that have no row per SKU, with what happened to them: at most 20, by id. Those of
	// sourcing are item and lane, DC by DC: the lanes that a SKU uses, by its own rows or as lanes into its node.
	Names []string `json:"names,omitempty"`
	More  int64    `json:"more,omitempty"` // rows that are not named
}

// Moves is what two snapshots differ in.
type Moves struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Tables  []Table  `json:"tables"`
	Columns []Column `json:"columns"`
}

// skuColumns are the facts of a row of a partition, after the cascade, by the input column that they come from.
var skuColumns = []struct {
	table, column string
	of            func(p *inputs.Partition, row int) int64
}{
	{"inventory", "on_hand", func(p *inputs.Partition, r int) int64 { return int64(p.OnHand[r]) }},
	{"inventory", "unusable", func(p *inputs.Partition, r int) int64 { return int64(p.Unusable[r]) }},
	{"inventory", "reserved", func(p *inputs.Partition, r int) int64 { return int64(p.Reserved[r]) }},
	{"inventory", "backorders", func(p *inputs.Partition, r int) int64 { return int64(p.Backorders[r]) }},
	{"forecasts", "demand", demandOf},
	{"skus", "safety_units", func(p *inputs.Partition, r int) int64 { return int64(p.SafetyUnits[r]) }},
	{"skus", "safety_days", func(p *inputs.Partition, r int) int64 { return int64(p.SafetyDays[r]) }},
	{"skus", "presentation_min", func(p *inputs.Partition, r int) int64 { return int64(p.Presentation[r]) }},
	{"skus", "shelf_capacity", func(p *inputs.Partition, r int) int64 { return int64(p.ShelfCap[r]) }},
	{"skus", "policy", func(p *inputs.Partition, r int) int64 { return int64(p.Policy[r]) }},
	{"skus", "min", func(p *inputs.Partition, r int) int64 { return int64(p.Min[r]) }},
	{"skus", "max", func(p *inputs.Partition, r int) int64 { return int64(p.Max[r]) }},
	{"skus", "cover_days", func(p *inputs.Partition, r int) int64 { return int64(p.CoverDays[r]) }},
	{"skus", "rank", func(p *inputs.Partition, r int) int64 { return int64(p.Rank[r]) }},
	{"items", "shelf_life_days", func(p *inputs.Partition, r int) int64 { return int64(p.ShelfLife[r]) }},
	{"open_orders", "to_come", func(p *inputs.Partition, r int) int64 { return sumOf(p.Inbound.Row, p.Inbound.Qty, r) }},
	{"open_orders", "to_pick", func(p *inputs.Partition, r int) int64 { return sumOf(p.Outbound.Row, p.Outbound.Qty, r) }},
	{"lots", "quantity", func(p *inputs.Partition, r int) int64 { return sumOf(p.Lots.Row, p.Lots.Qty, r) }},
	{"safety_stocks", "units", func(p *inputs.Partition, r int) int64 {
		lo, hi := inputs.Range(p.Safety.Row, int32(r))
		var n int64
		for _, v := range p.Safety.Units[lo:hi] {
			n += int64(v)
		}
		return n
	}},
}

func demandOf(p *inputs.Partition, row int) int64 {
	var n int64
	for d := range p.Horizon {
		n += p.Demand(row, d)
	}
	return n
}

func sumOf(rows []int32, values []int64, row int) int64 {
	lo, hi := inputs.Range(rows, int32(row))
	var n int64
	for _, v := range values[lo:hi] {
		n += v
	}
	return n
}

// Changes compares two snapshots: the rows of every DC by item and node, lanes, items and nodes by id. A row that
// went to another DC counts as gone and new.
func Changes(ctx context.Context, from, to *store.Snapshot) (*Moves, error) {
	c := &changes{columns: map[[2]string]*Column{}, tables: map[string]*Table{}, lanes: movedLanes(from.Network, to.Network)}
	for _, s := range skuColumns {
		c.column(s.table, s.column)
	}
	names := map[string][2]inputs.NodeIdx{}
	const none = inputs.NodeIdx(-9)
	for side, n := range [2]*inputs.Network{from.Network, to.Network} {
		for _, dc := range n.DCs {
			id := "_direct"
			if dc != inputs.Direct {
				id = n.Nodes.ID[dc]
			}
			at, ok := names[id]
			if !ok {
				at = [2]inputs.NodeIdx{none, none}
			}
			at[side] = dc
			names[id] = at
		}
	}
	for _, id := range slices.Sorted(maps.Keys(names)) {
		var sides [2]*side
		for i, snap := range [2]*store.Snapshot{from, to} {
			if names[id][i] == none {
				continue
			}
			p, err := snap.Partition(ctx, names[id][i])
			if err != nil {
				return nil, fmt.Errorf("compare dc %s: %w", id, err)
			}
			sides[i] = newSide(snap.Network, p)
		}
		c.rows(sides[0], sides[1])
	}
	c.network(from.Network, to.Network)
	return c.end(), nil
}

// side is a partition with its rows by item and node.
type side struct {
	net  *inputs.Network
	part *inputs.Partition
	keys []string
	row  map[string]int
}

func newSide(n *inputs.Network, p *inputs.Partition) *side {
	s := &side{net: n, part: p, row: make(map[string]int, p.Live)}
	for r, item := range p.Item {
		if item != inputs.None {
			k := n.Items.ID[item] + "\x00" + n.Nodes.ID[p.Node[r]]
			s.keys = append(s.keys, k)
			s.row[k] = r
		}
	}
	return s
}

type changes struct {
	columns map[[2]string]*Column
	tables  map[string]*Table
	// lanes whose facts or priority differ
	changedLanes int64
	lanes        map[string]bool // lanes of both sides whose legs moved for SKUs in general
}

func (c *changes) column(table, column string) *Column {
	k := [2]string{table, column}
	if c.columns[k] == nil {
		c.columns[k] = &Column{Table: table, Column: column}
	}
	c.table(table)
	return c.columns[k]
}

func (c *changes) table(name string) *Table {
	if c.tables[name] == nil {
		c.tables[name] = &Table{Table: name}
	}
	return c.tables[name]
}

// rows compares the rows of one DC; either side may be missing.
func (c *changes) rows(a, b *side) {
	skus := c.table("skus")
	if a != nil {
		for _, k := range a.keys {
			at := -1
			if b != nil {
				if r, ok := b.row[k]; ok {
					at = r
				}
			}
			if at < 0 {
				skus.Gone++
			}
			c.cells(a, a.row[k], b, at)
		}
	}
	if b == nil {
		return
	}
	for _, k := range b.keys {
		if a != nil {
			if _, ok := a.row[k]; ok {
				continue
			}
		}
		skus.Added++
		c.cells(nil, -1, b, b.row[k])
	}
}

// cells compares the columns of one row.
func (c *changes) cells(a *side, one int, b *side, two int) {
	touched := map[string]bool{}
	c.sourcing(a, one, b, two)
	for _, s := range skuColumns {
		col := c.columns[[2]string{s.table, s.column}]
		var x, y int64
		if one >= 0 {
			x = s.of(a.part, one)
		}
		if two >= 0 {
			y = s.of(b.part, two)
		}
		col.Was += x
		col.Now += y
		differs := x != y
		if s.column == "demand" && one >= 0 && two >= 0 && !differs {
			for d := range a.part.Horizon { // days may have moved while their sum stays
				differs = differs || a.part.Demand(one, d) != b.part.Demand(two, d)
			}
		}
		if one >= 0 && two >= 0 && differs {
			col.Rows++
			touched[s.table] = true
		}
	}
	for name := range touched {
		c.tables[name].Rows++
	}
}

// network compares dictionaries.
func (c *changes) network(a, b *inputs.Network) {
	c.dictionary("items", a.Items.ID, b.Items.ID, map[string]func(n *inputs.Network, i int) int64{
		"volume": func(n *inputs.Network, i int) int64 { return n.Items.Volume[i] },
		"weight": func(n *inputs.Network, i int) int64 { return n.Items.Weight[i] },
		"cost":   func(n *inputs.Network, i int) int64 { return n.Items.Cost[i] },
		"price":  func(n *inputs.Network, i int) int64 { return n.Items.Price[i] },
	}, a, b)
	c.dictionary("nodes", a.Nodes.ID, b.Nodes.ID, map[string]func(n *inputs.Network, i int) int64{
		"rank":          func(n *inputs.Network, i int) int64 { return int64(n.Nodes.Rank[i]) },
		"put_away_days": func(n *inputs.Network, i int) int64 { return int64(n.Nodes.PutAwayDays[i]) },
		"day_0":         func(n *inputs.Network, i int) int64 { return int64(n.Nodes.Day0[i]) },
	}, a, b)
	c.dictionary("lanes", a.Lanes.ID, b.Lanes.ID, map[string]func(n *inputs.Network, i int) int64{
		"priority": func(n *inputs.Network, i int) int64 { return int64(n.Lanes.Priority[i]) },
	}, a, b)
	c.named("items", a.Items.ID, b.Items.ID, func(i, k int) bool {
		x, y := &a.Items, &b.Items
		return x.Volume[i] == y.Volume[k] && x.Weight[i] == y.Weight[k] && x.Cost[i] == y.Cost[k] && x.Price[i] == y.Price[k]
	}, false)
	c.named("nodes", a.Nodes.ID, b.Nodes.ID, func(i, k int) bool {
		x, y := &a.Nodes, &b.Nodes
		return x.Rank[i] == y.Rank[k] && x.PutAwayDays[i] == y.PutAwayDays[k] && x.Day0[i] == y.Day0[k]
	}, false)
	was, now := lanesOf(a), lanesOf(b)
	c.named("lanes", a.Lanes.ID, b.Lanes.ID, func(i, k int) bool {
		same := (was[i] == now[k] || was[i] == "" || now[k] == "") && a.Lanes.Priority[i] == b.Lanes.Priority[k] // "": no SKU uses it there
		if !same {
			c.changedLanes++
		}
		return same
	}, false)
	x, y := byCalendar(a), byCalendar(b)
	c.named("calendars", slices.Sorted(maps.Keys(x)), slices.Sorted(maps.Keys(y)), nil, true)
	c.calendars(x, y)
}

func (c *changes) dictionary(table string, was, now []string, columns map[string]func(n *inputs.Network, i int) int64, a, b *inputs.Network) {
	t := c.table(table)
	for i, id := range was {
		k, ok := slices.BinarySearch(now, id)
		if !ok {
			t.Gone++
			continue
		}
		any := false
		for _, name := range slices.Sorted(maps.Keys(columns)) {
			col := c.column(table, name)
			x, y := columns[name](a, i), columns[name](b, k)
			col.Was += x
			col.Now += y
			if x != y {
				col.Rows++
				any = true
			}
		}
		if any {
			t.Rows++
		}
	}
	for _, id := range now {
		if _, ok := slices.BinarySearch(was, id); !ok {
			t.Added++
		}
	}
}

// end leaves the tables and columns in which anything moved.
func (c *changes) end() *Moves {
	out := &Moves{Tables: []Table{}, Columns: []Column{}}
	for _, t := range c.tables {
		if t.Table == "lanes" {
			t.Rows = max(t.Rows, c.changedLanes)
		}
		if t.Added+t.Gone+t.Rows > 0 {
			out.Tables = append(out.Tables, *t)
		}
	}
	for _, col := range c.columns {
		if col.Rows > 0 || col.Was != col.Now {
			out.Columns = append(out.Columns, *col)
		}
	}
	slices.SortFunc(out.Tables, func(a, b Table) int { return cmp.Compare(a.Table, b.Table) })
	slices.SortFunc(out.Columns, func(a, b Column) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column))
	})
	return out
}
