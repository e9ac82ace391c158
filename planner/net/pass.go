package net

// Mode says what a pass does with one opportunity.
type Mode uint8

// Modes.
const (
	Net   Mode = iota // net it; its quantity is what it wants
	Hold              // do not net it: it keeps the quantity held
	Raise             // net it; the larger of what it wants and the quantity held
)

// Result is one netted opportunity, quantities in units.
type Result struct {
	Need       int64 // of the window, before policy and lots
	Asked      int64 // what the policy asks for
	Wanted     int64 // after lots and caps
	N1, N2, N3 int64
	N0         int64  // what promises alone need: a floor of 0, no other demand inside the window
	Steps      []Step // in order of application, need first; valid until the next pass of this Pass
	Marks      Marks
	Held       bool
	Start      int64 // P the day before it is usable, milli-units
	Minimum    int64 // size_conflict, shelf_overflow: the least order
	Cap        int64 // … and the units that the cap leaves
	Late       int32 // MarkLate: index into Row.Receipts
	NeededDay  int32 // MarkLate: first day of the window under the floor
}

// Step is one entry of a ledger; Reason is the planner's code.
type Step struct {
	Reason uint8
	Change int64
}

// Marks are the exceptions of a netted opportunity.
type Marks uint8

// Marks.
const (
	MarkConflict  Marks = 1 << iota // size_conflict
	MarkOverflow                    // shelf_overflow
	MarkMaxTooLow                   // max_too_low
	MarkLate                        // late_receipt: nothing is ordered, an open order would cure it
)

// Pass runs over the opportunities of one row. Its buffers are reused.
type Pass struct {
	Results []Result
	Short   bool // inside the horizon something is lost or owed at a day's end, orders included
	steps   []Step

	row *Row
	tab *Table
	bal balance
}

// balance is P and what is owed of it at the end of a day.
type balance struct {
	p, owed int64
	day     int32 // the next day to run
	short   bool  // something was lost, or owed at a day's end
}

// Run nets the row over its table. modes and held are parallel to the planned opportunities; nil modes net
// all of them. Results holds one entry per planned opportunity; a held one has only Wanted = held.
func (n *Pass) Run(row *Row, tab *Table, modes []Mode, held []int64) {
	n.row, n.tab = row, tab
	if cap(n.Results) < tab.Planned {
		n.Results = make([]Result, tab.Planned, 2*tab.Planned)
	}
	n.Results = n.Results[:tab.Planned]
	n.steps = n.steps[:0]
	n.bal = start(row)
	var arriving int64 // milli-units usable on bal.day
	for k := range n.Results {
		res := &n.Results[k]
		*res = Result{}
		opp := &tab.Opps[k]
		mode := Net
		if modes != nil {
			mode = modes[k]
		}
		if mode == Net && opp.Usable > row.To {
			continue
		}
		n.bal.advance(row, opp.Usable-1, arriving)
		arriving = 0
		res.Start = n.bal.p
		switch mode {
		case Hold:
			res.Wanted, res.Held = held[k], true
			arriving = held[k] * 1000
		case Raise:
			if opp.Usable <= row.To {
				n.net(k, res)
			}
			arriving = max(res.Wanted, held[k]) * 1000
		default:
			n.net(k, res)
			arriving = res.Wanted * 1000
		}
	}
	n.Short = n.bal.short
	if n.bal.day < int32(row.H) {
		n.bal.advance(row, int32(row.H)-1, arriving)
		n.Short = n.bal.short
	}
}

func start(row *Row) balance {
	return balance{p: row.Avail, owed: min(0, row.Avail)}
}

// advance runs the days up to last; what arrives is usable on the first of them.
func (b *balance) advance(row *Row, last int32, arriving int64) {
	if b.day > last {
		return
	}
	all, rec := row.All[:last+1], row.Rec[:last+1]
	p := b.p + arriving
	if !row.Lost {
		least := p
		for t := b.day; t <= last; t++ {
			p += rec[t] - all[t]
			least = min(least, p)
		}
		b.short = b.short || least < 0
	} else if owed := b.owed; owed == 0 && p >= 0 {
		for t := b.day; t <= last; t++ {
			if p += rec[t] - all[t]; p < 0 {
				p, b.short = 0, true
			}
		}
	} else {
		b.short = true
		in := arriving
		for t := b.day; t <= last; t++ {
			owed = min(0, owed+rec[t]+in)
			in = 0
			p = max(owed, p+rec[t]-all[t])
		}
		b.owed = owed
	}
	b.p, b.day = p, last+1
}

// Projected runs the row without any order and gives, per planned opportunity, the stock at hand when it
// becomes usable: P⁰[a_k − 1] + receipts[a_k], in milli-units.
func Projected(row *Row, tab *Table, stock []int64) {
	b := start(row)
	for k := range tab.Planned {
		a := tab.Opps[k].Usable
		if a > row.To {
			stock[k] = 0
			continue
		}
		b.advance(row, a-1, 0)
		stock[k] = b.p + row.Rec[a]
	}
}

// window is what netting sees of one window.
type window struct {
	a, end int32
	start  int64 // P[a − 1]
	need   int64 // milli-units, at least 0
	n1     int64
	n2     int64
	n3     int64
	last   int64 // balance at the end
	first  int64 // balance at the end of a
	spare  int64 // the largest floor[t] − balance[t], may be negative
}

// look runs over the days of a window with the balance that does not stop at 0.
func (n *Pass) look(a, end int32) window {
	r := n.row
	w := window{a: a, end: end, start: n.bal.p}
	all, rec := r.All[:end+1], r.Rec[:end+1]
	floor, pres := r.Floor[:end+1], r.Pres[:end+1]
	bal := n.bal.p
	n1, n2, n3 := int64(minInt), int64(minInt), int64(minInt)
	for t := a; t <= end; t++ {
		bal += rec[t] - all[t]
		n1 = max(n1, -bal)
		n2 = max(n2, pres[t]-bal)
		n3 = max(n3, floor[t]-bal)
		if t == a {
			w.first = bal
		}
	}
	w.last, w.spare = bal, n3
	w.need = max(n3, 0)
	if len(r.D1) > 0 && &r.D1[0] != &r.All[0] {
		n1, n2, n3 = n.lookTiers(a, end)
	}
	w.n1, w.n2, w.n3 = unitsUp(n1), unitsUp(n2), unitsUp(n3)
	return w
}

const minInt = -1 << 62

// lookTiers gives the needs per tier where children's orders count by theirs.
func (n *Pass) lookTiers(a, end int32) (n1, n2, n3 int64) {
	r := n.row
	b1, b2, b3 := n.bal.p, n.bal.p, n.bal.p
	n1, n2, n3 = minInt, minInt, minInt
	for t := a; t <= end; t++ {
		b1 += r.Rec[t] - r.D1[t]
		b2 += r.Rec[t] - r.D2[t]
		b3 += r.Rec[t] - r.D3[t]
		n1 = max(n1, -b1)
		n2 = max(n2, r.Pres[t]-b2)
		n3 = max(n3, r.Floor[t]-b3)
	}
	return n1, n2, n3
}

// under gives the first day of the window under its floor; for min-max under the larger of min and floor.
func (n *Pass) under(a, end int32) int32 {
	r := n.row
	bal := n.bal.p
	for t := a; t <= end; t++ {
		bal += r.Rec[t] - r.All[t]
		if bal < n.trigger(t) {
			return t
		}
	}
	return -1
}

// trigger is the level under which a day asks for an order.
func (n *Pass) trigger(t int32) int64 {
	if n.row.Policy == PolicyMinMax && n.row.inside(t) {
		return max(n.row.Min*1000, n.row.Floor[t])
	}
	return n.row.Floor[t]
}

// promised gives what promises alone need of a window, in units.
func (n *Pass) promised(w *window) int64 {
	r := n.row
	bal, most := w.start, int64(0)
	for t := w.a; t <= w.end; t++ {
		bal += r.Rec[t] - r.promise(int(t))
		most = max(most, -bal)
	}
	return unitsUp(most)
}

func (r *Row) promise(t int) int64 {
	if r.Prom == nil {
		return 0
	}
	if t < r.H {
		return r.Prom[t]
	}
	return r.Prom[r.H-14+(t-r.H)%14]
}
