package tile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"echelon/planner/net"
	"echelon/planner/net/tile"
)

// Reasons of ledger steps, as the planner numbers them.
const (
	orderUpTo = 1
	coverDays = 2
	minOrder  = 3
	deadBand  = 7
	conflict  = 9
	shelfCap  = 10
	shelfLife = 11
	seasonEnd = 12
)

// board is a tile and the same rows one by one.
type board struct {
	h         int
	tab       net.Table
	days      []uint16 // day-major, 64 rows a day; nil: no demand, or wide
	wide      []uint32 // the same of 32 bits
	cut       [tile.Rows]int32
	rows      [tile.Rows]*net.Row // nil: dead
	expedited bool
}

// size says how large the numbers of a board are.
type size uint8

const (
	usual size = iota
	scarce
	edge // at the limits of what the kernel counts, and over them
	sizes
)

// deal makes a board of a seed: a function of its arguments alone.
func deal(seed uint64, large size) *board {
	r := rand.New(rand.NewPCG(seed, uint64(large)))
	b := &board{h: 14 + r.IntN(78), expedited: r.IntN(4) == 0}
	b.table(r)
	peak := [...]int{3000, 400, 65536}[large]
	if r.IntN(12) > 0 {
		b.days = make([]uint16, b.h*tile.Rows)
		for i := range b.days {
			if r.IntN(3) > 0 {
				b.days[i] = uint16(r.IntN(peak))
			}
		}
	}
	if large == edge && r.IntN(3) == 0 {
		b.days, b.wide = nil, make([]uint32, b.h*tile.Rows)
		for i := range b.wide {
			b.wide[i] = r.Uint32N(131_072)
			if r.IntN(20*b.h) == 0 {
				b.wide[i] = 131_071 + r.Uint32N(3)
			}
		}
	}
	for l := range b.rows {
		if r.IntN(8) > 0 {
			b.rows[l] = b.row(r, l, large)
		}
	}
	return b
}

func (b *board) table(r *rand.Rand) {
	step := 1 + r.IntN(7)
	for a := r.IntN(6); ; a += 1 + r.IntN(step) {
		b.tab.Opps = append(b.tab.Opps, net.Opp{Order: int32(max(0, a-1)), Receive: int32(max(0, a-r.IntN(2))), Usable: int32(a)})
		if a >= b.h+r.IntN(9) && len(b.tab.Opps) > 1 {
			break
		}
	}
	b.tab.Planned = len(b.tab.Opps) - 1
}

// row draws the facts of a row; what is drawn may be nothing for the kernel.
func (b *board) row(r *rand.Rand, lane int, large size) *net.Row {
	number := func(share, n int) int64 { // 0 to n, mostly 0
		if r.IntN(100) >= share {
			return 0
		}
		if large == edge && r.IntN(3) == 0 {
			return int64(tile.MaxUnits + r.IntN(3) - 1)
		}
		return int64(r.IntN(n + 1))
	}
	most := [...]int{60, 8, 2 * tile.MaxUnits}[large]
	row := &net.Row{Facts: net.Facts{
		H: b.h, Lost: r.IntN(3) > 0, Expedited: b.expedited, Avail: (number(90, most) - number(2, 3)) * 1000,
		Safety: number(50, 12), Present: number(40, 9), Cap: -1, From: net.FarPast, To: net.FarDay,
	}}
	lot := net.Lot{Pack: 1 + int64(r.IntN(24)), MOQ: number(20, 50), DeadBand: number(20, 1500)}
	if large == edge && r.IntN(4) == 0 {
		lot.Pack = int64(tile.MaxPack + r.IntN(3) - 1)
	}
	if r.IntN(5) == 0 {
		row.SafeDays = int64(r.IntN(6000))
	}
	if large == edge && r.IntN(9) == 0 {
		row.SafeDays = int64(r.IntN(500_000))
	}
	switch r.IntN(8) {
	case 0:
		row.Policy, row.Min = net.PolicyMinMax, number(80, 20)
		row.Max = row.Min + number(80, 30)
	case 1:
		row.Policy, row.Cover = net.PolicyCover, int32(r.IntN(30))
	}
	if r.IntN(5) == 0 {
		row.Cap = int64(r.IntN(most + 1))
	}
	if large == edge && r.IntN(9) == 0 {
		row.Cap = 2_147_483 + int64(r.IntN(3)) - 1
	}
	if r.IntN(6) == 0 {
		row.Life = int32(1 + r.IntN(30))
		if r.IntN(2) == 0 {
			row.Lots = append(row.Lots, net.LotStock{Expires: int32(r.IntN(20)), Units: max(0, row.Avail/2000)})
		}
	}
	if r.IntN(4) == 0 {
		for d := r.IntN(b.h); len(row.Receipts) < 5; d += r.IntN(12) {
			row.Receipts = append(row.Receipts, net.Receipt{Day: int32(d), Lane: -1, Units: 1 + number(90, most), Today: r.IntN(40) == 0})
		}
	}
	if r.IntN(4) == 0 {
		if row.From = int32(r.IntN(b.h+20)) - 10; r.IntN(3) == 0 {
			row.From = net.FarPast
		}
		if row.To = int32(r.IntN(b.h+30)) - 5; r.IntN(3) == 0 {
			row.To = net.FarDay
		}
	}
	if r.IntN(6) == 0 {
		for d := r.IntN(b.h) - 3; len(row.Dated) < 4; d += 1 + r.IntN(12) {
			row.Dated = append(row.Dated, net.DatedUnits{From: int32(d), Units: number(80, 12)})
		}
	}
	row.LaneLots = []net.Lot{lot}
	row.Own = make([]int64, b.h)
	if b.days != nil || b.wide != nil {
		for d := range row.Own {
			if b.wide != nil {
				row.Own[d] = int64(b.wide[d*tile.Rows+lane])
			} else {
				row.Own[d] = int64(b.days[d*tile.Rows+lane])
			}
		}
		if r.IntN(3) == 0 && row.Own[0] > 0 {
			b.cut[lane] = int32(r.Int64N(row.Own[0] + 1))
			row.Own[0] -= int64(b.cut[lane])
		}
	}
	return row
}

// run nets the board in the tile.
func (b *board) run(t *tile.Tile) tile.Reason {
	tab, why := tile.Compile(&b.tab, b.h)
	if why != tile.Netted {
		return why
	}
	t.Begin(&tab, b.expedited)
	f := blank()
	var live uint64
	for l, row := range b.rows {
		if row == nil {
			continue
		}
		bit := uint64(1) << l
		live |= bit
		lot := tile.NewLot(&row.LaneLots[0])
		t.Lot(l, &lot)
		f.OnHand[l], f.Reserved[l] = int32(max(row.Avail/1000, 0)), int32(max(-row.Avail/1000, 0))
		f.Safety[l], f.SafeDays[l], f.Present[l], f.Cap[l] = int32(row.Safety), int32(row.SafeDays), int32(row.Present), int32(row.Cap)
		f.Min[l], f.Max[l], f.Cover[l], f.Life[l] = int32(row.Min), int32(row.Max), int16(row.Cover), int16(row.Life)
		if f.Backorders[l] = 0; row.Lost {
			f.Lost |= bit
			f.Backorders[l] = 9 // nobody waits where demand is lost
		}
		switch row.Policy {
		case net.PolicyMinMax:
			f.MinMax |= bit
		case net.PolicyCover:
			f.Covers |= bit
		}
		if row.From != net.FarPast || row.To != net.FarDay {
			f.Dated |= bit
			f.From[l], f.To[l] = row.From, row.To
		}
	}
	t.Set(f, live)
	for l, row := range b.rows {
		if t.Done>>l&1 != 0 && (len(row.Dated) == 0 || t.Safety(l, row.Dated)) && t.Open(l, row.Receipts) && (row.Life > 0 || f.Dated>>l&1 != 0) {
			t.Stock(l, row.Lots)
		}
	}
	if b.wide != nil {
		t.WideDemand(b.wide, &b.cut)
	} else {
		t.Demand(b.days, &b.cut)
	}
	t.Run()
	return why
}

// outcome is the orders of a row.
type outcome struct {
	short  bool
	orders []order
}

type order struct {
	opp                        int
	wanted, n1, n2, n3, supply int32
	marks                      net.Marks
	terms                      net.Terms
}

// careful nets a row by the careful path.
func (b *board) careful(row *net.Row) outcome {
	var p net.Pass
	row.Prepare(&b.tab, 0)
	p.Run(row, &b.tab, nil, nil)
	stock := make([]int64, b.tab.Planned)
	net.Projected(row, &b.tab, stock)
	out := outcome{short: p.Short}
	for k := range p.Results {
		res := &p.Results[k]
		if res.Need == 0 && res.Asked == 0 {
			continue
		}
		a, end := b.tab.Opps[k].Usable, min(b.tab.End(k, row.Cover), row.To)
		o := order{
			opp: k, marks: res.Marks, wanted: int32(res.Wanted), n1: int32(res.N1), n2: int32(res.N2), n3: int32(res.N3),
			supply: int32(net.SupplyDays(stock[k], row.Sum(int(a), int(end)), end-a+1)),
		}
		if res.Need != res.N3 {
			panic(fmt.Sprintf("need %d, n3 %d", res.Need, res.N3))
		}
		for _, st := range res.Steps {
			switch st.Reason {
			case orderUpTo, coverDays:
				o.terms.Policy = st.Change
			case minOrder:
				o.terms.Minimum = st.Change
			case deadBand:
				o.terms.Dead = st.Change
			case shelfCap:
				o.terms.Shelf = st.Change
			case shelfLife:
				o.terms.Life = st.Change
			case seasonEnd:
				o.terms.Season = st.Change
			case conflict:
				o.terms.Conflict = st.Change
			}
		}
		if res.Marks != 0 {
			o.terms.Least, o.terms.Room = res.Minimum, res.Cap
		}
		out.orders = append(out.orders, o)
	}
	return out
}

// kernel gives what the tile says of a row.
func kernel(t *tile.Tile, lane int) outcome {
	out := outcome{short: t.Short>>lane&1 != 0}
	for k := range t.Needs {
		n := &t.Needs[k]
		if n.Rows>>lane&1 == 0 {
			continue
		}
		o := order{opp: k, wanted: n.Wanted[lane], n1: n.N1[lane], n2: n.N2[lane], n3: n.N3[lane], supply: n.Supply[lane]}
		if n.Asked>>lane&1 != 0 {
			o.terms.Policy, o.terms.Minimum, o.terms.Dead = t.Asked(n, lane)
		}
		if n.Odd>>lane&1 != 0 {
			note := t.Note(n, lane)
			o.marks, o.terms = note.Marks, note.Terms
			if o.marks == 0 {
				o.terms.Least, o.terms.Room = 0, 0
			}
		}
		out.orders = append(out.orders, o)
	}
	return out
}

// compare holds a board's tile against the careful path, in every form that the processor runs; it returns how many
// rows the kernel netted and left.
func compare(t interface{ Fatalf(string, ...any) }, tl *tile.Tile, b *board) (netted int, left [tile.NumReasons]int) {
	tl.Scalar = true
	netted, left = compareForm(t, tl, b)
	if tl.Scalar = false; tile.Vector() {
		n, gone := compareForm(t, tl, b)
		if n != netted || gone != left {
			t.Fatalf("the vector form nets %d rows and leaves %v, the scalar one %d and %v", n, gone, netted, left)
		}
	}
	return netted, left
}

func compareForm(t interface{ Fatalf(string, ...any) }, tl *tile.Tile, b *board) (netted int, left [tile.NumReasons]int) {
	if why := b.run(tl); why != tile.Netted {
		left[why]++
		return 0, left
	}
	for l, row := range b.rows {
		done, gone := tl.Done>>l&1 != 0, tl.Left>>l&1 != 0
		if done && gone || row == nil && (done || gone) || row != nil && !done && !gone {
			t.Fatalf("row %d: netted %v, left %v, live %v", l, done, gone, row != nil)
		}
		if gone {
			left[tl.Why[l]]++
		}
		if !done {
			continue
		}
		netted++
		got, want := kernel(tl, l), b.careful(row)
		if len(got.orders) != int(tl.Count[l]) {
			t.Fatalf("row %d: %d orders, counted %d", l, len(got.orders), tl.Count[l])
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("row %d of %+v\n%+v receipts %v lots %v lot %v demand %v\nkernel  %+v\ncareful %+v", l, b.tab, row.Facts, row.Receipts, row.Lots, row.LaneLots, row.Own, got, want)
		}
	}
	return netted, left
}

// The kernel gives what the careful path gives, on every row that it does not leave.
func TestTileEqualsPass(t *testing.T) {
	var tl tile.Tile
	netted := 0
	var left [tile.NumReasons]int
	rapid.Check(t, func(t *rapid.T) {
		b := deal(rapid.Uint64().Draw(t, "seed"), size(rapid.IntRange(0, int(sizes)-1).Draw(t, "size")))
		n, gone := compare(t, &tl, b)
		netted += n
		for i := range gone {
			left[i] += gone[i]
		}
	})
	// The same boards in every run, so that what must be seen does not hang on the draw.
	for seed := range uint64(200) {
		n, gone := compare(t, &tl, deal(seed, size(seed)%sizes))
		netted += n
		for i := range gone {
			left[i] += gone[i]
		}
	}
	t.Logf("%d rows netted, left %v", netted, left)
	if netted < 1000 {
		t.Errorf("only %d rows were netted", netted)
	}
	for _, why := range []tile.Reason{tile.Negative, tile.Today, tile.Wide, tile.Late, tile.MaxTooLow} {
		if left[why] == 0 {
			t.Errorf("no row was left for %s", why)
		}
	}
}
