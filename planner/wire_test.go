package planner

import (
	"testing"

	"pgregory.net/rapid"

	"echelon/planner/net"
)

func TestOrdersComeBackFromTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		num := func(name string) int64 { return int64(rapid.IntRange(-9, 1<<40).Draw(t, name)) }
		d := &desk{}
		s := &sku{}
		for k := range rapid.IntRange(0, 5).Draw(t, "orders") {
			o := order{opp: int32(k), need: 1 + max(0, num("need")), wanted: num("wanted"), given: num("given"), n: [3]int64{num("n1"), num("n2"), num("n3")}, extra: -1}
			if rapid.Bool().Draw(t, "extra") {
				o.extra = int32(len(d.extras))
				d.extras = append(d.extras, extra{firstStep: int32(len(d.steps)), steps: 1, minimum: num("minimum"), late: -1})
				d.steps = append(d.steps, net.Step{Reason: uint8(k), Change: num("change")})
			}
			d.orders = append(d.orders, o)
		}
		s.count = int32(len(d.orders))
		w := wire{buf: d.appendOrders(nil, s)}
		orders, extras, steps := readOrders(&w, nil, nil, nil)
		if w.err() != nil || len(orders) != len(d.orders) || len(extras) != len(d.extras) || len(steps) != len(d.steps) {
			t.Fatalf("%v: %d orders, %d extras, %d steps", w.err(), len(orders), len(extras), len(steps))
		}
		for k := range orders {
			if orders[k] != d.orders[k] {
				t.Fatalf("order %d: %+v, want %+v", k, orders[k], d.orders[k])
			}
		}
		for k := range steps {
			if steps[k] != d.steps[k] || extras[k] != d.extras[k] {
				t.Fatalf("extra %d differs", k)
			}
		}
	})
}

// FuzzRequest reads anything as a request without a panic, and takes only what fits the network.
func FuzzRequest(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 0})
	f.Add(appendInts(nil, []int64{1, 2, 3}))
	f.Fuzz(func(_ *testing.T, data []byte) {
		var q request
		q.read(&wire{buf: data}, &run{horizon: 14, policy: &Policy{}})
		w := wire{buf: data}
		readOrders(&w, nil, nil, nil)
	})
}
