package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"echelon/cdc"
	"echelon/inputs"
)

// testOrigins feeds every table from one origin; inventory, skus and open_orders from two, whose columns alternate.
func testOrigins() []cdc.Origin {
	var out []cdc.Origin
	for _, c := range inputs.Contracts() {
		two := c.Table == "inventory" || c.Table == "skus" || c.Table == "open_orders"
		one := cdc.Origin{Name: "one/" + c.Table, Source: "one", Topic: "one." + c.Table, Contract: c, Rows: true}
		other := cdc.Origin{Name: "other/" + c.Table, Source: "other", Topic: "other." + c.Table, Contract: c}
		for i := range c.Columns {
			switch {
			case c.Columns[i].Key:
				one.Columns, other.Columns = append(one.Columns, i), append(other.Columns, i)
			case two && i%2 == 1:
				other.Columns = append(other.Columns, i)
			default:
				one.Columns = append(one.Columns, i)
			}
		}
		if two {
			out = append(out, other)
		}
		out = append(out, one)
	}
	return out
}

// script makes the changes of a generated day.
type script struct {
	dice    *rand.Rand
	origins []cdc.Origin
	used    [][][]cdc.Cell // per origin, keys used lately: deletes and updates name them
	at      uint64
}

func newScript(seed uint64, origins []cdc.Origin) *script {
	return &script{dice: rand.New(rand.NewPCG(seed, 7)), origins: origins, used: make([][][]cdc.Cell, len(origins)), at: 100}
}

func (g *script) cell(def *inputs.ColumnDef, table string) cdc.Cell {
	if def.Nullable && g.dice.IntN(3) == 0 {
		return cdc.Cell{}
	}
	switch {
	case def.Type.Texts():
		return cdc.Cell{Kind: cdc.Text, Text: fmt.Appendf(nil, "%c%d", 'A'+g.dice.IntN(2), g.dice.IntN(3))}
	case def.Type.Lists():
		list := make([]int64, 1+g.dice.IntN(9))
		for i := range list {
			list[i] = g.number(def)
		}
		return cdc.Cell{Kind: cdc.List, List: list}
	case def.Type == inputs.TypeDate && (def.Key || table == "forecasts"):
		return cdc.Cell{Kind: cdc.Int, Int: 20700 + int64(g.dice.IntN(12))}
	case def.Key && def.Type == inputs.TypeInstant:
		return cdc.Cell{Kind: cdc.Int, Int: 1_788_000_000_000_000 + int64(g.dice.IntN(2))}
	case def.Key:
		return cdc.Cell{Kind: cdc.Int, Int: min(def.Max, def.Min+int64(g.dice.IntN(3)))}
	}
	return cdc.Cell{Kind: cdc.Int, Int: g.number(def)}
}

// number draws from all over the range, and often its ends.
func (g *script) number(def *inputs.ColumnDef) int64 {
	switch g.dice.IntN(6) {
	case 0:
		return def.Min
	case 1:
		return def.Max
	case 2:
		return def.Min + g.dice.Int64N(def.Max-def.Min+1)
	}
	return min(def.Max, def.Min+g.dice.Int64N(300))
}

// row draws the cells of an origin; of forecasts one kind of row, and rarely a quantile.
func (g *script) row(o *cdc.Origin) []cdc.Cell {
	cells := make([]cdc.Cell, len(o.Columns))
	for at, i := range o.Columns {
		cells[at] = g.cell(&o.Contract.Columns[i], o.Contract.Table)
	}
	if o.Contract.Table == "forecasts" {
		list := g.dice.IntN(3) > 0
		for at, i := range o.Columns {
			def := &o.Contract.Columns[i]
			switch def.Name {
			case "day", "demand", "from", "daily":
				cells[at] = cdc.Cell{}
				for cells[at].Kind == cdc.Null && list == (def.Name == "from" || def.Name == "daily") {
					cells[at] = g.cell(def, "forecasts")
				}
			case "quantile":
				if g.dice.IntN(20) > 0 {
					cells[at] = cdc.Cell{}
				}
			}
		}
	}
	return cells
}

// next draws one transaction's changes: usually one, two for a key that changes.
func (g *script) next() []*cdc.Change {
	n := g.dice.IntN(len(g.origins))
	o := &g.origins[n]
	g.at += uint64(1 + g.dice.IntN(3))
	ch := &cdc.Change{Origin: n, Source: o.Source, Position: cdc.Position{Major: g.at}, At: int64(1_788_000_000_000_000 + g.at)}
	old := func() []cdc.Cell {
		if u := g.used[n]; len(u) > 0 && g.dice.IntN(5) > 0 {
			return u[g.dice.IntN(len(u))]
		}
		return g.row(o)
	}
	key := func(cells, of []cdc.Cell) {
		for at, i := range o.Columns {
			if o.Contract.Columns[i].Key {
				cells[at] = of[at]
			}
		}
	}
	switch g.dice.IntN(40) {
	case 0:
		ch.Op = cdc.Truncate
		return []*cdc.Change{ch}
	case 1, 2, 3, 4, 5, 6, 7, 8, 9:
		ch.Op = cdc.Delete
		ch.Cells = slices.Clone(old())
		for at, i := range o.Columns {
			if !o.Contract.Columns[i].Key {
				ch.Cells[at] = cdc.Cell{Kind: cdc.Unchanged}
			}
		}
		if g.dice.IntN(3) > 0 { // a key change
			make := *ch
			make.Op, make.Position.Minor, make.Cells = cdc.Upsert, 1, g.row(o)
			g.used[n] = append(g.used[n], make.Cells)
			return []*cdc.Change{ch, &make}
		}
	default:
		ch.Cells = g.row(o)
		if of := old(); o.Contract.Table != "forecasts" {
			key(ch.Cells, of)
		} else if g.dice.IntN(2) == 0 { // the same row with other days
			was := slices.Clone(of)
			for at, i := range o.Columns {
				if name := o.Contract.Columns[i].Name; (name == "daily" || name == "demand") && was[at].Kind != cdc.Null {
					for was[at] = g.cell(&o.Contract.Columns[i], "forecasts"); was[at].Kind == cdc.Null; {
						was[at] = g.cell(&o.Contract.Columns[i], "forecasts")
					}
				}
			}
			ch.Cells = was
		}
		g.used[n] = append(g.used[n], ch.Cells)
	}
	return []*cdc.Change{ch}
}

// day draws changes in the order of their positions. The first ones may be an initial snapshot: many rows at one
// position.
func (g *script) day(n int) []*cdc.Change {
	var out []*cdc.Change
	seen := map[string]bool{}
	for range g.dice.IntN(n / 4) {
		k := g.dice.IntN(len(g.origins))
		o := &g.origins[k]
		ch := &cdc.Change{Origin: k, Source: o.Source, Initial: true, Position: cdc.Position{Major: g.at + 1}, Cells: g.row(o)}
		if id := keyText(o, ch); !seen[id] { // a snapshot reads each key once
			seen[id] = true
			out = append(out, ch)
			g.used[k] = append(g.used[k], ch.Cells)
		}
	}
	slices.SortStableFunc(out, func(x, y *cdc.Change) int { return cmp.Compare(x.Origin, y.Origin) })
	for i, ch := range out { // days of one SKU that overlap need an order of their own
		ch.Position.Minor = uint64(i)
	}
	g.at++
	for len(out) < n {
		out = append(out, g.next()...)
	}
	return out
}

func keyText(o *cdc.Origin, ch *cdc.Change) string {
	text := o.Name
	for at, i := range o.Columns {
		if o.Contract.Columns[i].Key {
			text += fmt.Sprintf("|%d:%d:%s", ch.Cells[at].Kind, ch.Cells[at].Int, ch.Cells[at].Text)
		}
	}
	return text
}

// sent is one record on its way.
type sent struct {
	part   cdc.Partition
	offset int64
	ch     *cdc.Change
}

// deliver sends every change at least once, one in sixteen 50 times more, as many others of some changes before, each to any
// partition; all are shuffled within spans of the given length.
func (g *script) deliver(changes []*cdc.Change, span int) []sent {
	var list []*cdc.Change
	for i, ch := range changes {
		list = append(list, ch)
		switch g.dice.IntN(16) {
		case 0:
			for range 50 {
				list = append(list, ch)
			}
		case 1:
			for range g.dice.IntN(50) {
				list = append(list, changes[max(0, i-g.dice.IntN(20))])
			}
		}
	}
	for lo := 0; lo < len(list); lo += span {
		part := list[lo:min(len(list), lo+span)]
		g.dice.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	next := map[cdc.Partition]int64{}
	var out []sent
	for _, ch := range list {
		p := cdc.Partition{Topic: "t", ID: int32(g.dice.IntN(4))}
		out = append(out, sent{p, next[p], ch})
		next[p] += int64(1 + g.dice.IntN(2)) // offsets have gaps
	}
	return out
}

func open(t testing.TB, cfg Config) *State {
	t.Helper()
	s, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func feed(t testing.TB, s *State, list []sent) {
	t.Helper()
	for _, x := range list {
		if err := s.Apply(x.part, x.offset, x.ch); err != nil {
			t.Fatal(err)
		}
	}
}

// whole gives all rows of a table as text, those that break rules included, in the order of the cut; forecasts as
// one line a day.
func whole(c *Cut, table string) []string {
	t := c.table(table)
	var out []string
	if t.isDays {
		r := dayReader{t: t}
		slots := t.space.sorted()
		for b := r.batch(&slots); b != nil; b = r.batch(&slots) {
			out = append(out, dayLines(b)...)
		}
		return out
	}
	for _, slot := range t.space.sorted() {
		if t.present.has(slot) {
			out = append(out, rowLine(t.gather([]uint32{slot}), 0))
		}
	}
	return out
}

func rowLine(b *inputs.Batch, r int) string {
	line := ""
	for i := range b.Columns {
		line += inputs.FormatCell(&b.Contract.Columns[i], &b.Columns[i], r) + "|"
	}
	return line
}

func dayLines(b *inputs.Batch) (out []string) {
	for r := range b.Rows {
		from, list := b.Col("day").Int(r, 0), []int64{b.Col("demand").Int(r, 0)}
		kind := "day"
		if !b.Col("from").IsNull(r) {
			from, list, kind = b.Col("from").Ints[r], b.Col("daily").Ints64(r), "list"
		}
		for i, v := range list {
			out = append(out, fmt.Sprintf("%s|%s|%d|%d|%s|%s", b.Col("item").Str(r), b.Col("node").Str(r), from+int64(i), v, kind, b.Text(r, "issued_at")))
		}
	}
	return out
}

// read reads a table of a source to the end.
func read(t testing.TB, src inputs.Source, table string) (out []*inputs.Batch) {
	t.Helper()
	r, err := src.Open(context.Background(), table)
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
}
