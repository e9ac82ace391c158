package planner

import (
	"math"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"echelon/planner/net"
)

func TestOrdersComeBackFromTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num := func(name string) int64 { return int64(rapid.IntRange(-9, 1<<40).Draw(t, name)) }
		var was book
		for k := range rapid.IntRange(0, 5).Draw(t, "orders") {
			o := order{opp: int16(k), extra: -1}
			if rapid.Bool().Draw(t, "extra") {
				o.extra = int32(len(was.extras))
				was.extras = append(was.extras, extra{firstStep: int32(len(was.steps)), steps: 1, minimum: num("minimum"), late: -1})
				was.steps = append(was.steps, net.Step{Reason: uint8(k), Change: num("change")})
			}
			v := quantities{need: 1 + max(0, num("need")), wanted: num("wanted"), given: num("given"), n: [3]int64{num("n1"), num("n2"), num("n3")}}
			if rapid.Bool().Draw(t, "narrow") {
				v = quantities{need: 7, wanted: 8, given: 6, n: [3]int64{0, 5, 7}}
			}
			was.put(&o, &v)
			if was.of(&o) != v {
				t.Fatalf("order %d holds %+v, want %+v", k, was.of(&o), v)
			}
			was.orders = append(was.orders, o)
		}
		w := wire{buf: was.appendOrders(nil, 0, int32(len(was.orders)))}
		var is book
		is.read(&w)
		if w.err() != nil || len(is.orders) != len(was.orders) || len(is.steps) != len(was.steps) {
			t.Fatalf("%v: %d orders, %d steps", w.err(), len(is.orders), len(is.steps))
		}
		for k := range is.orders {
			o, want := &is.orders[k], &was.orders[k]
			if is.of(o) != was.of(want) || o.opp != want.opp || (o.extra < 0) != (want.extra < 0) {
				t.Fatalf("order %d: %+v, want %+v", k, is.of(o), was.of(want))
			}
			if o.extra < 0 {
				continue
			}
			x, y := is.extras[o.extra], was.extras[want.extra]
			if x.minimum != y.minimum || x.cap != y.cap || x.late != y.late || x.steps != y.steps ||
				!slices.Equal(is.steps[x.firstStep:x.firstStep+x.steps], was.steps[y.firstStep:y.firstStep+y.steps]) {
				t.Fatalf("extra %d: %+v, want %+v", k, x, y)
			}
		}
	})
}

// At each limit of the narrow numbers an order comes back as it was put, also as it is given less, and in another book.
func TestOrdersOfAnySize(t *testing.T) {
	if size := unsafe.Sizeof(order{}); size != 32 {
		t.Errorf("an order has %d bytes", size)
	}
	const most = math.MaxInt32
	for _, v := range []quantities{
		{need: most, wanted: most, n: [3]int64{most, most, most}},
		{need: most + 1, wanted: most, n: [3]int64{0, 0, most + 1}},
		{need: 5, wanted: most + 1, n: [3]int64{0, 0, 5}},
		{need: 5, wanted: 1_000_000_000_000, n: [3]int64{1, 2, 5}},
		{need: 9, wanted: 10, n: [3]int64{1, 2, 5}},
		{need: 5, wanted: 10, n: [3]int64{1, 2, 5}, n0: 1},
	} {
		var b book
		o := order{extra: -1}
		b.put(&o, &v)
		copied := o
		b.fix(&o, v.wanted-1)
		if b.of(&copied) != v || b.units(&copied) != v.wanted || b.short(&copied) || !b.short(&o) || b.full(&o) {
			t.Errorf("%+v became %+v and %+v", v, b.of(&copied), b.of(&o))
		}
		b.orders = append(b.orders, o)
		other := book{wide: []quantities{{}}, extras: []extra{{}}}
		other.adopt(&b)
		v.given = v.wanted - 1
		if at := &other.orders[0]; other.of(at) != v || other.units(at) != v.given || other.wanted(at) != v.wanted {
			t.Errorf("%+v became %+v in another book", v, other.of(at))
		}
	}
}

// FuzzRequest reads anything as a request without a panic, and takes only what fits the network.
func FuzzRequest(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 0})
	f.Add(appendInts(nil, []int64{1, 2, 3}))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var q request
		q.read(&wire{buf: data}, &run{horizon: 14, policy: &Policy{}})
		w := wire{buf: data}
		new(book).read(&w)
	})
}
