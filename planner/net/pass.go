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
	quick := modes == nil && row.quick()
	for k := range n.Results {
		res := &n.Results[k]
		res.Need, res.Asked, res.Wanted, res.Steps = 0, 0, 0, nil
		res.N0, res.N1, res.N2, res.N3 = 0, 0, 0, 0
		res.Marks, res.Held, res.Start = 0, false, 0
		opp := &tab.Opps[k]
		if quick && n.idle(k, &arriving) {
			continue
		}
		mode := Net
		if modes != nil {
			mode = modes[k]
		}
		if opp.Usable > row.To { // plans nothing, and holds nothing
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
			n.net(k, res)
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

// quick reports whether a row's stock only falls between its own orders and never below 0, or may: then a window
// that needs nothing is seen from its end alone, or from its highest floor.
func (r *Row) quick() bool {
	return r.steady && !r.tiered && !r.Promises && len(r.Receipts) == 0 && r.Avail >= 0 && r.Policy != PolicyNone
}

// idle runs up to the day before opportunity k of a quick row and reports whether its window asks for nothing.
func (n *Pass) idle(k int, arriving *int64) bool {
	r, tab := n.row, n.tab
	a := tab.Opps[k].Usable
	if a > r.To {
		return true
	}
	if a > n.bal.day {
		p := n.bal.p + *arriving - (r.cum[a] - r.cum[n.bal.day])
		*arriving = 0
		if p < 0 {
			n.bal.short = true
			if r.Lost {
				p = 0
			}
		}
		n.bal.p, n.bal.day = p, a
	}
	var end int32
	if k+1 < len(tab.Opps) {
		end = tab.Opps[k+1].Usable - 1
	} else {
		end = tab.End(k, r.Cover)
	}
	end = min(end, r.To)
	floor := r.levelFloor
	if r.Policy == PolicyMinMax {
		floor = max(floor, r.Min*1000)
	}
	before := n.bal.p + r.cum[a]
	if floor > before-r.cum[end+1] {
		return false
	}
	if !r.flat {
		floors, cum := r.floor[a:end+1], r.cum[a+1:end+2]
		for t := range floors {
			if floors[t]+cum[t] > before {
				return false
			}
		}
	}
	return true
}

func start(row *Row) balance {
	return balance{p: row.Avail, owed: min(0, row.Avail)}
}

// advance runs the days up to last; what arrives is usable on the first of them. Without a receipt after the
// first day stock only falls, so that the end says all.
func (b *balance) advance(row *Row, last int32, arriving int64) {
	if b.day > last {
		return
	}
	p := b.p + arriving
	if (!row.Lost || (b.owed == 0 && b.p >= 0)) && !row.receives(b.day, last) {
		p += row.Rec[b.day] - (row.cum[last+1] - row.cum[b.day])
		if p < 0 {
			b.short = true
			if row.Lost {
				p = 0
			}
		}
		b.p, b.day = p, last+1
		return
	}
	all, rec := row.All[:last+1], row.Rec[:last+1]
	if !row.Lost {
		least := p
		for t := b.day; t <= last; t++ {
			p += rec[t] - all[t]
			least = min(least, p)
		}
		b.short = b.short || least < 0
	} else {
		owed, in := b.owed, arriving
		for t := b.day; t <= last; t++ {
			owed = min(0, owed+rec[t]+in)
			in = 0
			p += rec[t] - all[t]
			if p < owed {
				p, b.short = owed, true
			}
		}
		b.short = b.short || b.owed < 0
		b.owed = owed
	}
	b.p, b.day = p, last+1
}

// receives reports whether something becomes usable after day a and up to the end.
func (r *Row) receives(a, end int32) bool { return len(r.Receipts) > 0 && r.receiptIn(a, end) >= 0 }

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
		if row.Lost && b.p == 0 && len(row.Receipts) == 0 {
			stock[k] = 0 // nothing is left and nothing comes
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
	falls  bool  // the balance only falls in the window and the floor is level: its end says all
}

// look runs over the days of a window with the balance that does not stop at 0.
func (n *Pass) look(a, end int32) window {
	r := n.row
	w := window{a: a, end: end, start: n.bal.p}
	n1, n2, n3 := int64(minInt), int64(minInt), int64(minInt)
	if r.steady && !r.receives(a, end) {
		before := n.bal.p + r.Rec[a] + r.cum[a] // the balance of day t is before − cum[t+1]
		w.first = n.bal.p + r.Rec[a] - r.All[a]
		w.last = before - r.cum[end+1]
		n1, n2 = -w.last, r.levelPres-w.last
		if r.flat {
			w.falls = true
			n3 = r.levelFloor - w.last
		} else {
			floor, cum := r.floor[a:end+1], r.cum[a+1:end+2]
			for t := range floor {
				n3 = max(n3, floor[t]+cum[t])
			}
			n3 -= before
		}
	} else {
		bal := n.bal.p
		for t := a; t <= end; t++ {
			bal += r.Rec[t] - r.All[t]
			n1 = max(n1, -bal)
			n2 = max(n2, r.PresentOn(t)-bal)
			n3 = max(n3, r.FloorOn(t)-bal)
			if t == a {
				w.first = bal
			}
		}
		w.last = bal
	}
	w.spare = n3
	w.need = max(n3, 0)
	if r.tiered {
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
		n2 = max(n2, r.PresentOn(t)-b2)
		n3 = max(n3, r.FloorOn(t)-b3)
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
		return max(n.row.Min*1000, n.row.FloorOn(t))
	}
	return n.row.FloorOn(t)
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
