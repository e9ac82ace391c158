package state_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/cdc"
	"echelon/cdc/state"
	"echelon/fixtures/worlds"
	"echelon/inputs"
	"echelon/inputs/build"
)

// feeder hands rows to a state that one origin feeds per table.
type feeder struct {
	t       testing.TB
	s       *state.State
	origins []cdc.Origin
	at      map[string]int
	offset  int64
}

func newFeeder(t testing.TB) *feeder {
	f := &feeder{t: t, at: map[string]int{}}
	for i, c := range inputs.Contracts() {
		o := cdc.Origin{Name: c.Table, Source: "s", Topic: c.Table, Contract: c, Rows: true}
		for n := range c.Columns {
			o.Columns = append(o.Columns, n)
		}
		f.origins, f.at[c.Table] = append(f.origins, o), i
	}
	s, err := state.Open(context.Background(), state.Config{Origins: f.origins, Quarantine: func(x inputs.Fault) { t.Error(x.Error()) }})
	if err != nil {
		t.Fatal(err)
	}
	f.s = s
	return f
}

func (f *feeder) apply(table string, op cdc.Op, cells []cdc.Cell) {
	f.t.Helper()
	f.offset++
	ch := &cdc.Change{Origin: f.at[table], Source: "s", Op: op, Position: cdc.Position{Major: uint64(f.offset)}, Cells: cells}
	if err := f.s.Apply(cdc.Partition{Topic: "t"}, f.offset, ch); err != nil {
		f.t.Fatal(err)
	}
}

// rows gives all rows of a table.
func (f *feeder) rows(b *inputs.Batch) {
	for r := range b.Rows {
		cells := make([]cdc.Cell, len(b.Columns))
		for i := range b.Columns {
			v := &b.Columns[i]
			switch t := b.Contract.Columns[i].Type; {
			case v.IsNull(r):
			case t.Texts():
				cells[i] = cdc.Cell{Kind: cdc.Text, Text: []byte(v.Str(r))}
			case t.Lists():
				cells[i] = cdc.Cell{Kind: cdc.List, List: v.Ints64(r)}
			default:
				cells[i] = cdc.Cell{Kind: cdc.Int, Int: v.Ints[r]}
			}
		}
		f.apply(b.Contract.Table, cdc.Upsert, cells)
	}
}

func number(v int64) cdc.Cell { return cdc.Cell{Kind: cdc.Int, Int: v} }
func id(s string) cdc.Cell    { return cdc.Cell{Kind: cdc.Text, Text: []byte(s)} }

// moves draws changes of values.
type moves struct {
	*feeder
	dice         *rand.Rand
	skus         []build.SKU
	items, nodes []string
	lanes        []string
	today        int64
}

func (m *moves) sku() build.SKU {
	if m.dice.IntN(8) == 0 {
		return build.SKU{Item: m.items[m.dice.IntN(len(m.items))], Node: m.nodes[m.dice.IntN(len(m.nodes))]}
	}
	return m.skus[m.dice.IntN(len(m.skus))]
}

// demand draws thousandths of every width.
func (m *moves) demand() int64 {
	return m.dice.Int64N([]int64{1, 200, 60_000, 4_000_000, 900_000_000_000}[min(4, m.dice.IntN(40)/9)] + 1)
}

// order draws an order line: of a few orders, so that they come again, with few releases, so that several name one.
func (m *moves) order() {
	s := m.sku()
	op := cdc.Upsert
	if m.dice.IntN(5) == 0 {
		op = cdc.Delete
	}
	null := cdc.Cell{}
	maybe := func(c cdc.Cell) cdc.Cell {
		if m.dice.IntN(3) == 0 {
			return null
		}
		return c
	}
	ordered := m.dice.Int64N(300)
	shipped, received := m.dice.Int64N(ordered+1), m.dice.Int64N(ordered/2+1)
	day := m.today + m.dice.Int64N(12) - 6
	cells := []cdc.Cell{
		id(fmt.Sprintf("P%d", m.dice.IntN(9))), number(m.dice.Int64N(3)), id(s.Item), id(s.Node), null, null, number(ordered),
		maybe(number(shipped)), maybe(number(received)), maybe(number(m.dice.Int64N(ordered - received + 1))), null, null,
		number(m.today + m.dice.Int64N(30) - 3), number(m.dice.Int64N(6)), null, null,
	}
	if m.dice.IntN(2) == 0 {
		cells[4] = id(m.nodes[m.dice.IntN(len(m.nodes))])
	}
	if len(m.lanes) > 0 && m.dice.IntN(3) > 0 {
		cells[5] = id(m.lanes[m.dice.IntN(len(m.lanes))])
	}
	if m.dice.IntN(2) == 0 {
		cells[10] = number(day)
		cells[11] = maybe(number(day + m.dice.Int64N(5)))
	}
	switch m.dice.IntN(4) {
	case 0:
		cells[15] = cdc.Cell{Kind: cdc.Text, Text: []byte(fmt.Sprintf("R%d", m.dice.IntN(4)))}
	case 1:
		cells[15] = cdc.Cell{Kind: cdc.Text, Text: []byte(fmt.Sprintf("c/%s/store-orders/%s/%d", m.nodes[m.dice.IntN(len(m.nodes))], s.Item, m.dice.IntN(2)))}
	}
	m.apply("open_orders", op, cells)
}

func (m *moves) move() {
	if m.dice.IntN(3) == 0 {
		m.order()
		return
	}
	s := m.sku()
	key := []cdc.Cell{id(s.Item), id(s.Node)}
	op := cdc.Upsert
	if m.dice.IntN(4) == 0 {
		op = cdc.Delete
	}
	switch m.dice.IntN(3) {
	case 0:
		stock := m.dice.Int64N(500)
		cells := append(key, number(stock), cdc.Cell{}, number(m.dice.Int64N(stock+1)), number(m.dice.Int64N(9)), cdc.Cell{})
		if m.dice.IntN(2) == 0 {
			cells[3], cells[6] = number(m.dice.Int64N(50)), number((m.today+m.dice.Int64N(3)-1)*86400_000_000+m.dice.Int64N(86400_000_000))
		}
		m.apply("inventory", op, cells)
	case 1:
		m.apply("safety_stocks", op, append(key, number(m.today+m.dice.Int64N(4)), number(m.dice.Int64N(90))))
	default:
		cells := append(key, cdc.Cell{}, cdc.Cell{}, cdc.Cell{}, cdc.Cell{}, cdc.Cell{}, cdc.Cell{})
		from := number(m.today + m.dice.Int64N(60) - 30)
		if m.dice.IntN(4) == 0 {
			cells[2], cells[3] = from, number(m.demand())
		} else {
			list := make([]int64, 1+m.dice.IntN(50))
			for i := range list {
				list[i] = m.demand()
			}
			cells[4], cells[5] = from, cdc.Cell{Kind: cdc.List, List: list}
		}
		if m.dice.IntN(3) == 0 {
			cells[6] = number(m.today*86400_000_000 + m.dice.Int64N(2))
		}
		m.apply("forecasts", op, cells)
	}
}

// TestPatchIsTheFullBuild moves values in generated worlds: the patch of the snapshot before is bit for bit the
// snapshot of the cut, in its network, its partitions and its counts, and what no SKU touched is shared.
func TestPatchIsTheFullBuild(t *testing.T) {
	ctx := context.Background()
	shared, patched, copied := 0, 0, 0
	var in, out, named int // partitions in which open orders moved
	for seed := range uint64(33) {
		w := worlds.New(seed, worlds.Shape(seed)%worlds.NumShapes)
		f := newFeeder(t)
		m := &moves{feeder: f, dice: rand.New(rand.NewPCG(seed, 9)), today: w.AsOf / 86400_000_000}
		for _, c := range inputs.Contracts() {
			for _, b := range w.Data[c.Table] {
				f.rows(b)
			}
		}
		opt := build.Options{Tenant: "t", AsOf: w.AsOf, Horizon: w.Policy.HorizonDays, MissingZero: seed%5 == 0}
		cut := f.s.Cut()
		prev, err := build.Snapshot(ctx, cut, opt)
		if err != nil {
			t.Fatal(err)
		}
		m.items, m.nodes, m.lanes = prev.Network.Items.ID, prev.Network.Nodes.ID, prev.Network.Lanes.ID
		for _, p := range prev.Partitions {
			for r := range p.Item {
				if p.Item[r] != inputs.None {
					m.skus = append(m.skus, build.SKU{Item: m.items[p.Item[r]], Node: m.nodes[p.Node[r]]})
				}
			}
		}
		for range 4 {
			for range 1 + m.dice.IntN(20) {
				m.move()
			}
			next := f.s.Cut()
			touched, err := next.Touched(cut)
			if err != nil {
				t.Fatal(err)
			}
			moved, ok := touched.Values()
			if !ok {
				t.Fatal("more than values moved")
			}
			got, err := build.Patch(ctx, prev, touched.Before(), touched.After(), moved, opt)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			want, err := build.Snapshot(ctx, next, opt)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(want.Network, got.Network) {
				t.Fatalf("seed %d: network %s", seed, cmp.Diff(want.Network, got.Network))
			}
			if !reflect.DeepEqual(want.Partitions, got.Partitions) {
				t.Fatalf("seed %d: partitions %s", seed, cmp.Diff(want.Partitions, got.Partitions))
			}
			if d := cmp.Diff(want.Report.Tables, got.Report.Tables); d != "" {
				t.Fatalf("seed %d: counts %s", seed, d)
			}
			for i, p := range got.Partitions {
				patched++
				if p == prev.Partitions[i] {
					shared++
				} else if len(p.OnHand) > 0 && &p.OnHand[0] != &prev.Partitions[i].OnHand[0] {
					copied++
				}
				if len(p.Item) > 0 && &p.Item[0] != &prev.Partitions[i].Item[0] {
					t.Error("a column that no SKU touched was copied")
				}
			}
			if !reflect.DeepEqual(got.Network.Named, prev.Network.Named) {
				named++
			}
			for i, p := range got.Partitions {
				was := prev.Partitions[i]
				in += bit(!reflect.DeepEqual(p.Inbound, was.Inbound))
				out += bit(!reflect.DeepEqual(p.Outbound, was.Outbound))
				named += bit(!reflect.DeepEqual(p.Named, was.Named))
			}
			prev, cut = got, next
		}
	}
	if in < 20 || out < 20 || named < 20 {
		t.Errorf("orders moved %d partitions inbound, %d outbound, %d by name; want 20 each", in, out, named)
	}
	if shared == 0 || copied == 0 || copied == patched {
		t.Errorf("of %d partitions %d shared, %d with copied stock: the test shows nothing", patched, shared, copied)
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestPatchRefusesStructure holds that what cannot be patched is said to be so.
func TestPatchRefusesStructure(t *testing.T) {
	ctx := context.Background()
	w := worlds.New(3, worlds.Mixed)
	f := newFeeder(t)
	for _, c := range inputs.Contracts() {
		for _, b := range w.Data[c.Table] {
			f.rows(b)
		}
	}
	opt := build.Options{Tenant: "t", AsOf: w.AsOf, Horizon: w.Policy.HorizonDays}
	cut := f.s.Cut()
	prev, err := build.Snapshot(ctx, cut, opt)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string, moved build.Moved, before, after inputs.Source, opt build.Options) {
		t.Helper()
		if _, err := build.Patch(ctx, prev, before, after, moved, opt); !errors.Is(err, build.ErrStructure) {
			t.Errorf("%s: %v", name, err)
		}
	}
	later := opt
	later.AsOf += 3 * 86400_000_000
	refused("another day", build.Moved{}, inputs.Dataset{}, inputs.Dataset{}, later)
	longer := opt
	longer.Horizon = 91 - opt.Horizon%2
	refused("another horizon", build.Moved{}, inputs.Dataset{}, inputs.Dataset{}, longer)
	f.apply("inventory", cdc.Upsert, []cdc.Cell{id("nobody"), id("nowhere"), number(5), {}, {}, {}, {}})
	touched, err := f.s.Cut().Touched(cut)
	if err != nil {
		t.Fatal(err)
	}
	moved, ok := touched.Values()
	if !ok {
		t.Fatal("more than values moved")
	}
	refused("an unknown item", moved, touched.Before(), touched.After(), opt)
	f.apply("items", cdc.Delete, append([]cdc.Cell{id(prev.Network.Items.ID[0])}, make([]cdc.Cell, len(inputs.ContractOf("items").Columns)-1)...))
	if touched, err = f.s.Cut().Touched(cut); err != nil {
		t.Fatal(err)
	}
	if _, ok := touched.Values(); ok {
		t.Error("a deleted item counts as a moved value")
	}
}
