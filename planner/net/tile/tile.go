package tile

import (
	"math"

	"echelon/planner/net"
)

// Rows is the number of rows of a tile.
const Rows = 64

// Limits of what the kernel counts; a row with more takes the other path. They are chosen so that no balance, no
// need and no order of a row within them leaves an int32 (invariant I2).
const (
	MaxUnits = 200_000 // stock, floors, min, max, least order, and all open orders of a row together, each
	MaxPack  = 4096
	maxAhead = 400 // days of safety stock, cover or shelf life
	always   = math.MaxInt32
	deep     = 1 << 30 // further down than any balance
)

// column is one number per row of the tile.
type column = [Rows]int32

// Tile nets one tile. Its buffers are reused from tile to tile.
type Tile struct {
	tab *Table
	// Done holds the rows that the kernel netted, Short those of them that may be short, Ignored those with demand
	// outside their dates, Left the rows that it was given and did not net: Why says why; Dated those with dates.
	Done, Short, Ignored, Left, Dated uint64
	Why                               [Rows]Reason
	Needs                             []Needs // per opportunity
	Notes                             []Note

	// facts per row, milli-units unless said otherwise
	basis
	goal                          column
	cover                         column // days
	lost                          uint64 // demand is lost; else backordered
	minMax, covers, lots, inbound uint64 // rows of a policy, with lots in stock, with open orders
	from, to                      column // days
	stepped                       uint64 // rows whose safety stock changes from day to day
	expedited                     bool
	// Scalar nets without vector instructions.
	Scalar bool

	in     []net.Receipt // of all rows, row by row
	inAt   [Rows]int32
	inEnd  [Rows]int32
	stock  []net.LotStock
	lotsAt [Rows]int32
	lotEnd [Rows]int32
	safety []net.DatedUnits
	safeAt [Rows]int32
	safeTo [Rows]int32

	cum     []column // cum[t] = demand of the days before day t, up to some days behind the last window
	windows []window
	later   []uint64 // per window: rows to which something comes later in it

	state
	least0 column // per row: what is left at the least at the end of a window
}

// basis is what of a row's facts needs no more than the row. The assembly counts on the order of its fields.
type basis struct {
	avail, level   column // in stock; the floor but for days of safety stock
	units          column // safety stock alone
	shelf          column // the most that there is room for; always: no cap
	safe           column // thousandths of a day
	life           column // days
	negative, wide uint64 // rows that owe more than there is, or have more than the kernel counts
	ahead, lives   uint64 // rows with days of safety stock, with a shelf life
}

// state is where the rows of a tile stand, and what of their facts every opportunity looks at. The assembly counts on
// the order of its columns, of 256 bytes each, and so on those of window and Needs.
type state struct {
	p, p0      column // balance, balance without orders
	seen       column // the lowest balance so far, or more
	Count      column // needs per row, also of rows that were left in the end
	trigger    column // a lowest balance under it asks for an order
	pres       column // presentation minimum
	pack       column // units
	least      column // units of the least order
	leastOrder column // of rows with a minimum order: least, else 0
	dead       column // what is asked for under it is not ordered
	perPack    [Rows]float32
}

// window is the days from one opportunity up to the next (see Table), for all rows.
type window struct {
	flow column // what its days add to the balance: receipts less demand
	low  column // the lowest balance at an end of day, counted from its start
	stop column // what is left at its end at the least
	top  column // the stock at its start with which it needs nothing
	ask  column // the stock at its start that the policy wants
	room column // the stock at its start, order included, that no cap minds
	here column // receipts of its first day
	used column // its demand
}

// Lot is a lot size in the form of the kernel.
type Lot struct {
	pack, least, leastOrder, dead int32
	perPack                       float32
	why                           Reason
}

// NewLot gives the kernel's form of a lot size; with layers or pallets it has none.
func NewLot(lot *net.Lot) Lot {
	switch {
	case lot.Tolerance != 0:
		return Lot{why: Lots}
	case lot.Pack > MaxPack || lot.MOQ > MaxUnits || lot.DeadBand > MaxUnits || lot.DeadBand*lot.Pack > MaxUnits*1000:
		return Lot{why: Wide}
	}
	out := Lot{pack: int32(lot.Pack), least: int32(lot.Pack), dead: int32(lot.DeadBand * lot.Pack), perPack: 1 / float32(lot.Pack)}
	if lot.MOQ > 0 {
		out.least = int32((lot.MOQ + lot.Pack - 1) / lot.Pack * lot.Pack)
		out.leastOrder = out.least
	}
	if out.least > MaxUnits {
		return Lot{why: Wide}
	}
	return out
}

// Begin clears the tile for a table.
func (t *Tile) Begin(tab *Table, expedited bool) {
	t.tab, t.expedited = tab, expedited
	t.Done, t.Short, t.Ignored, t.Left, t.Dated = 0, 0, 0, 0, 0
	t.Notes, t.in, t.stock, t.safety = t.Notes[:0], t.in[:0], t.stock[:0], t.safety[:0]
	t.stepped = 0
	t.lost, t.ahead, t.minMax, t.covers, t.lives, t.lots, t.inbound = 0, 0, 0, 0, 0, 0, 0
	n := tab.Planned + 2
	if cap(t.later) < n {
		t.windows = make([]window, n, 2*n)
		t.later, t.Needs = make([]uint64, n, 2*n), make([]Needs, n, 2*n)
	}
	t.windows, t.later, t.Needs = t.windows[:n], t.later[:n], t.Needs[:tab.Planned]
	clear(t.later)
	days := max(tab.horizon, int(tab.start[tab.Planned+1])) + spare
	if cap(t.cum) < days {
		t.cum = make([]column, days, days+32)
	}
	t.cum = t.cum[:days]
}

// Leave notes a row that the kernel does not net.
func (t *Tile) Leave(lane int, why Reason) {
	t.Left |= 1 << lane
	t.Done &^= 1 << lane
	t.Why[lane] = why
}

// Open takes what is open of a row, ascending by day; false: the row was left.
func (t *Tile) Open(lane int, in []net.Receipt) bool {
	if len(in) == 0 {
		return true
	}
	if (t.Dated|t.stepped)>>lane&1 != 0 {
		t.Leave(lane, Kind)
		return false
	}
	var sum int64
	for i := range in {
		if in[i].Today {
			t.Leave(lane, Today)
			return false
		}
		if in[i].Units > MaxUnits || in[i].Day > maxDays {
			sum = MaxUnits + 1
			break
		}
		sum += in[i].Units
	}
	if sum > MaxUnits {
		t.Leave(lane, Wide)
		return false
	}
	t.inbound |= 1 << lane
	t.inAt[lane] = int32(len(t.in))
	t.in = append(t.in, in...)
	t.inEnd[lane] = int32(len(t.in))
	return true
}

// Stock takes the lots of what is at hand of a row with a shelf life.
func (t *Tile) Stock(lane int, lots []net.LotStock) {
	if len(lots) == 0 {
		return
	}
	t.lots |= 1 << lane
	t.lotsAt[lane] = int32(len(t.stock))
	t.stock = append(t.stock, lots...)
	t.lotEnd[lane] = int32(len(t.stock))
}

// Safety takes what a row's safety stock is from which day on, ascending by day; false: the row was left.
func (t *Tile) Safety(lane int, dated []net.DatedUnits) bool {
	l := lane % Rows
	if (t.Dated|t.ahead|t.covers)>>l&1 != 0 {
		t.Leave(l, Kind)
		return false
	}
	for i := range dated {
		if dated[i].Units > MaxUnits {
			t.Leave(l, Wide)
			return false
		}
	}
	t.stepped |= 1 << l
	t.safeAt[l] = int32(len(t.safety))
	t.safety = append(t.safety, dated...)
	t.safeTo[l] = int32(len(t.safety))
	return true
}

// Pack gives the pack of a row in units.
func (t *Tile) Pack(lane int) int32 { return t.pack[lane] }

func (t *Tile) open(lane int) []net.Receipt { return t.in[t.inAt[lane]:t.inEnd[lane]] }
