package planner

import (
	"echelon/planner/net"
	"echelon/planner/share"
)

// order is one opportunity of a SKU that needs, asks for or is given something; quantities in units. There are some
// four of them per row and all of them go through memory, so that an order has 32 bytes and what few have stands
// elsewhere in its book:
//
//	byte  0      2      4       5       6      8       12       16      20            32
//	      ┌──────┬──────┬───────┬───────┬──────┬───────┬────────┬───────┬─────────────┐
//	      │ opp  │ dos  │ marks │ state │ wide │ extra │ wanted │ given │ n₁  n₂  n₃  │
//	      └──────┴──────┴───────┴───────┴──────┴───────┴────────┴───────┴─────────────┘
type order struct {
	opp    int16 // of the SKU's table
	dos    int16 // days of supply
	marks  net.Marks
	state  orderState
	wide   bool  // its numbers stand in the book's wide ones, by its extra: wanted, given and n mean nothing
	extra  int32 // index into the book's extras, −1 none
	wanted int32
	given  int32
	n      [3]int32 // n₁, n₂, n₃; the need is n₃, n₀ is 0
}

type orderState uint8

const (
	orderOpen  orderState = iota // as wanted
	orderFixed                   // settled by the sharing of its source
	orderFree                    // answered by a parent: not promised
)

// extra is what few orders have: ledger steps that do not follow from need and pack, numbers of exceptions. It may
// belong to copies of an order too, and is never changed.
type extra struct {
	firstStep, steps int32
	minimum, cap     int64
	late             int32 // entry of the inbound side column
	needed           int32 // day
	wide             int32 // index into the book's wide numbers
}

// quantities are the numbers of an order.
type quantities struct {
	need, wanted, given int64
	n                   [3]int64
	n0                  int64
}

// narrow reports whether an order holds the numbers itself.
func (v *quantities) narrow() bool {
	return v.need == v.n[2] && v.n0 == 0 && uint64(v.wanted|v.given|v.n[0]|v.n[1]|v.n[2])>>31 == 0
}

// book is orders with what few of them have.
type book struct {
	orders []order
	extras []extra
	steps  []net.Step
	wide   []quantities
}

func (b *book) empty() {
	b.orders, b.extras, b.steps, b.wide = b.orders[:0], b.extras[:0], b.steps[:0], b.wide[:0]
}

// of gives the numbers of an order.
func (b *book) of(o *order) quantities {
	if o.wide {
		return b.wide[b.extras[o.extra].wide]
	}
	n3 := int64(o.n[2])
	return quantities{
		need: n3, wanted: int64(o.wanted), given: int64(o.given), n: [3]int64{int64(o.n[0]), int64(o.n[1]), n3},
	}
}

// put gives an order its numbers.
func (b *book) put(o *order, v *quantities) {
	if v.narrow() {
		o.wide, o.wanted, o.given = false, int32(v.wanted), int32(v.given)
		o.n = [3]int32{int32(v.n[0]), int32(v.n[1]), int32(v.n[2])}
		return
	}
	x := extra{late: -1}
	if o.extra >= 0 {
		x = b.extras[o.extra]
	}
	x.wide = int32(len(b.wide))
	b.wide = append(b.wide, *v)
	o.wide, o.extra = true, int32(len(b.extras))
	b.extras = append(b.extras, x)
}

// fix settles what an order is given.
func (b *book) fix(o *order, given int64) {
	o.state = orderFixed
	if !o.wide { // given is at most what it wants
		o.given = int32(given)
		return
	}
	v := b.of(o)
	v.given = given
	b.put(o, &v)
}

// wanted gives what an order asks for.
func (b *book) wanted(o *order) int64 {
	if o.wide {
		return b.wide[b.extras[o.extra].wide].wanted
	}
	return int64(o.wanted)
}

// units gives the units of an order as it stands.
func (b *book) units(o *order) int64 {
	if o.wide {
		return b.wideUnits(o)
	}
	if o.state == orderFixed {
		return int64(o.given)
	}
	return int64(o.wanted)
}

// wideUnits stays a call of its own, so that units itself is small enough to be none.
//
//go:noinline
func (b *book) wideUnits(o *order) int64 {
	v := b.of(o)
	if o.state == orderFixed {
		return v.given
	}
	return v.wanted
}

// short reports whether an order was given less than it wanted.
func (b *book) short(o *order) bool {
	if o.state != orderFixed {
		return false
	}
	if o.wide {
		v := b.of(o)
		return v.given < v.wanted
	}
	return o.given < o.wanted
}

// full reports whether an order was given all that it wanted.
func (b *book) full(o *order) bool {
	if o.wide {
		v := b.of(o)
		return v.given == v.wanted
	}
	return o.given == o.wanted
}

// some reports whether an order needs, asks for or was given anything.
func (b *book) some(o *order) bool {
	if o.wide {
		v := b.of(o)
		return v.need|v.wanted != 0 || b.noted(o)
	}
	return o.n[2]|o.wanted != 0 || o.extra >= 0
}

// noted reports whether an order has marks, or steps that do not follow from need and pack.
func (b *book) noted(o *order) bool {
	return o.extra >= 0 && (!o.wide || o.marks != 0 || b.extras[o.extra].steps > 0)
}

// firstTier is the tier of the first unit of an order, or of its need. Needs grow with their floors, so those that
// are 0 come first: no branch on what follows no pattern.
func (v *quantities) firstTier() int64 {
	return int64(1 + bit(v.n[0] == 0) + bit(v.n[1] == 0) + bit(v.n[2] == 0))
}

// split gives units of an order per tier.
func (v *quantities) split(units, pack int64) (t1, t2, t3, t4 int64) {
	return share.SplitInto(units, pack, v.n[0], v.n[1], v.n[2])
}

// tiersOf gives the tier of an order's first unit and how its units fall into tiers.
func (b *book) tiersOf(o *order, units, pack int64) (first, t1, t2, t3, t4 int64) {
	if o.wide {
		v := b.of(o)
		t1, t2, t3, t4 = v.split(units, pack)
		return v.firstTier(), t1, t2, t3, t4
	}
	n1, n2, n3 := int64(o.n[0]), int64(o.n[1]), int64(o.n[2])
	switch last := units - pack; { // mostly the last pack begins in the first one's tier
	case n1 > max(last, 0):
		return 1, units, 0, 0, 0
	case n1 == 0 && n2 > max(last, 0):
		return 2, 0, units, 0, 0
	case n1|n2 == 0 && n3 > max(last, 0):
		return 3, 0, 0, units, 0
	case n1|n2|n3 == 0:
		return 4, 0, 0, 0, units
	}
	t1, t2, t3, t4 = share.SplitInto(units, pack, n1, n2, n3)
	return int64(1 + bit(n1 == 0) + bit(n2 == 0) + bit(n3 == 0)), t1, t2, t3, t4
}

func bit(v bool) uint8 {
	if v {
		return 1
	}
	return 0
}

// grow lengthens the orders to n; what is new has no value yet.
func (b *book) grow(n int) {
	if n <= cap(b.orders) {
		b.orders = b.orders[:n]
		return
	}
	grown := make([]order, n, n+n/4)
	copy(grown, b.orders)
	b.orders = grown
}

// appendOrders writes a SKU's orders that are something, with their ledgers.
func (b *book) appendOrders(to []byte, first, count int32) []byte {
	n := 0
	for k := first; k < first+count; k++ {
		if b.some(&b.orders[k]) {
			n++
		}
	}
	to = appendInt(to, int64(n))
	for k := first; k < first+count; k++ {
		o := &b.orders[k]
		if !b.some(o) {
			continue
		}
		v := b.of(o)
		for _, v := range [...]int64{
			int64(o.opp), v.need, v.wanted, v.given, v.n[0], v.n[1], v.n[2], v.n0, int64(o.dos), int64(o.marks), int64(o.state),
		} {
			to = appendInt(to, v)
		}
		noted := b.noted(o)
		to = appendBool(to, noted)
		if !noted {
			continue
		}
		x := &b.extras[o.extra]
		to = appendInt(appendInt(to, x.minimum), x.cap)
		to = appendInt(appendInt(to, int64(x.late)), int64(x.needed))
		to = appendInt(to, int64(x.steps))
		for _, st := range b.steps[x.firstStep : x.firstStep+x.steps] {
			to = appendInt(append(to, st.Reason), st.Change)
		}
	}
	return to
}

// read reads orders that were written, behind those of the book.
func (b *book) read(w *wire) {
	for range w.count() {
		opp := w.int()
		v := quantities{need: w.int(), wanted: w.int(), given: w.int(), n: [3]int64{w.int(), w.int(), w.int()}, n0: w.int()}
		o := order{opp: int16(opp), extra: -1}
		w.bad = w.bad || int64(o.opp) != opp
		o.dos, o.marks, o.state = int16(w.int()), net.Marks(w.int()), orderState(w.int())
		if w.int() != 0 {
			x := extra{firstStep: int32(len(b.steps)), minimum: w.int(), cap: w.int()}
			x.late, x.needed = int32(w.int()), int32(w.int())
			for range w.count() {
				if len(w.buf) == 0 {
					w.bad = true
					break
				}
				reason := w.buf[0]
				w.buf = w.buf[1:]
				b.steps = append(b.steps, net.Step{Reason: reason, Change: w.int()})
				x.steps++
			}
			o.extra = int32(len(b.extras))
			b.extras = append(b.extras, x)
		}
		b.put(&o, &v)
		b.orders = append(b.orders, o)
	}
}

// adopt appends all of another book.
func (b *book) adopt(other *book) {
	extras, steps, wide := int32(len(b.extras)), int32(len(b.steps)), int32(len(b.wide))
	for _, o := range other.orders {
		if o.extra >= 0 {
			o.extra += extras
		}
		b.orders = append(b.orders, o)
	}
	for _, x := range other.extras {
		x.firstStep += steps
		x.wide += wide
		b.extras = append(b.extras, x)
	}
	b.steps = append(b.steps, other.steps...)
	b.wide = append(b.wide, other.wide...)
}
