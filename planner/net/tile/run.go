package tile

import (
	"math/bits"

	"echelon/planner/net"
)

// Order is one opportunity that needs something, as net.Quick is; its need is N3.
type Order struct {
	Lane       uint8
	Marks      net.Marks
	Supply     int16 // days of supply
	Opp        int32
	Terms      int32 // index into Tile.Terms, -1 none
	Wanted     int32
	N1, N2, N3 int32
}

// Run nets the rows that were set, opportunity by opportunity. Orders come by opportunity, then by row; those of rows
// that were left in between are among them.
func (t *Tile) Run() {
	t.windows()
	clear(t.Count[:])
	t.p, t.p0, t.least0 = t.avail, t.avail, column{}
	for k := range t.tab.Planned {
		t.step(k)
	}
	m := t.tab.Planned
	for l := range t.p {
		least := min(t.least0[l], t.p[l]+t.low[m+1][l])
		t.Short |= uint64(uint32(least)>>31) << l
	}
	t.Short &= t.Done
}

// step runs all rows up to opportunity k and nets it.
func (t *Tile) step(k int) {
	flow, low, stop := &t.flow[k], &t.low[k], &t.stop[k]
	top, lowest := &t.top[k+1], &t.low[k+1]
	p, p0, least0 := &t.p, &t.p0, &t.least0
	var act uint64
	for l := range p {
		was := p[l]
		least0[l] = min(least0[l], was+low[l])
		now := max(was+flow[l], stop[l])
		p[l], p0[l] = now, max(p0[l]+flow[l], stop[l])
		// a need, or a balance under the trigger: one of the differences is below zero
		need := (now - top[l]) | (now + lowest[l] - t.trigger[l])
		act |= uint64(uint32(need)>>31) << l
	}
	for act &= t.Done; act != 0; act &= act - 1 {
		t.order(bits.TrailingZeros64(act)%Rows, k)
	}
}

// order nets opportunity k of a row that needs something there.
func (t *Tile) order(l, k int) {
	w := k + 1
	bit := uint64(1) << l
	p := t.p[l]
	lowest := p + t.low[w][l]
	n3 := t.top[w][l] - p
	asked := max(t.ask[w][l]-p, 0)
	units := unitsUp(asked)
	if units == 0 || (t.minMax&bit != 0 && n3 > units*1000) {
		t.Leave(l, MaxTooLow)
		return
	}
	o := Order{Lane: uint8(l), Opp: int32(k), Terms: -1, N1: unitsUp(-lowest), N2: unitsUp(t.pres[l] - lowest), N3: unitsUp(n3)}
	calm := lowest >= t.pres[l]
	var x net.Terms
	special := units != o.N3
	if calm && asked < t.dead[l] {
		x.Dead, special = -int64(units), true
	} else {
		if calm && t.later[w]&bit != 0 && !t.expedited {
			t.Leave(l, Late)
			return
		}
		q := units
		if least := t.least[l]; q < least {
			if t.minimum&bit != 0 {
				x.Minimum, special = int64(least-q), true
			}
			q = least
		}
		pack := uint32(t.pack[l])
		o.Wanted = int32((uint32(q) + pack - 1) / pack * pack)
		if p+o.Wanted*1000 > t.room[w][l] {
			t.capped(l, k, calm, &o, &x)
			special = true
		}
	}
	stock := t.p0[l]
	if t.inbound&bit != 0 {
		stock += t.here[w][l]
	}
	if stock > 0 {
		o.Supply = net.SupplyDays(int64(stock), int64(t.from[w+1][l]-t.from[w][l]), t.tab.start[w+1]-t.tab.start[w])
	} else if t.from[w+1][l] == t.from[w][l] {
		o.Supply = net.SupplyDays(0, 0, 1)
	}
	if special {
		x.Policy = int64(units - o.N3)
		if x != (net.Terms{}) {
			o.Terms = int32(len(t.Terms))
			t.Terms = append(t.Terms, x)
		}
	}
	t.p[l] = p + o.Wanted*1000
	t.Count[l]++
	t.Orders = append(t.Orders, o)
}

// capped takes an order through shelf capacity and shelf life, as net.Pass does.
func (t *Tile) capped(l, k int, calm bool, o *Order, x *net.Terms) {
	w := k + 1
	p, pack, least := int64(t.p[l]), int64(t.pack[l]), int64(t.least[l])
	q := int64(o.Wanted)
	if t.shelf[l] != always {
		full := p
		if t.inbound>>l&1 != 0 {
			in := t.open(l)
			for len(in) > 0 && in[0].Day < t.tab.start[w] {
				in = in[1:]
			}
			full += int64(t.highest(l, in, t.tab.start[w]))
		}
		if room := unitsDown(int64(t.shelf[l]) - full); q > room {
			to := room / pack * pack
			if to < least {
				x.Least, x.Room = least, room
				if calm {
					o.Marks |= net.MarkConflict
					x.Shelf, x.Conflict, o.Wanted = to-q, -to, 0
					return
				}
				o.Marks |= net.MarkOverflow
				to = least
			}
			x.Shelf, q = to-q, to
		}
	}
	if t.lives>>l&1 != 0 {
		last := t.tab.receive[k] + t.life[l] - 1
		lasting := p
		if t.lots>>l&1 != 0 {
			lasting = net.LastingStock(p, t.stock[t.lotsAt[l]:t.lotEnd[l]], int64(t.from[w][l]), last)
		}
		room := unitsDown(int64(t.sellable(l, w)) - lasting)
		if to := room / pack * pack; q > to {
			if to < least {
				o.Marks = net.MarkConflict // what ran over the shelf is not ordered
				x.Least, x.Room = least, room
				x.Life, x.Conflict, o.Wanted = to-q, -to, 0
				return
			}
			x.Life, q = to-q, to
		}
	}
	o.Wanted = int32(q)
}

// unitsUp rounds milli-units up to whole units; what is not positive is 0.
func unitsUp(milli int32) int32 {
	return int32(uint32(max(milli, 0)+999) / 1000)
}

// unitsDown rounds milli-units down to whole units; what is not positive is 0.
func unitsDown(milli int64) int64 {
	return max(milli, 0) / 1000
}
