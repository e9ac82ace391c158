package tile

import (
	"math/bits"

	"echelon/planner/net"
)

// Needs is what the rows of a tile need at one opportunity. Only rows with a bit have numbers, in units; the need of
// an order is its N3.
type Needs struct {
	Wanted     column
	N1, N2, N3 column
	Supply     column // days of supply
	units      column // that the policy asks for: of the vector form
	Rows       uint64 // that need something, also rows that were left in the end
	Odd        uint64 // those of them with a note
	Asked      uint64 // others whose ledger has no more than Tile.Asked says
	firstNote  int32
}

// Asked gives the ledger of an asked row beside its need, in units: what its policy adds, what the least order adds to
// that, or what of it lies in the dead band.
func (t *Tile) Asked(n *Needs, lane int) (policy, minimum, dead int64) {
	l := lane % Rows
	units := n.units[l]
	policy = int64(units - n.N3[l])
	if n.Wanted[l] == 0 {
		return policy, 0, -int64(units)
	}
	return policy, int64(max(t.leastOrder[l]-units, 0)), 0
}

// Note is what few orders have: ledger steps beside need and pack, or exceptions.
type Note struct {
	net.Terms
	Marks net.Marks
	Some  bool // some step or exception: else the order is as any other
}

// Note gives the note of an odd row.
func (t *Tile) Note(n *Needs, lane int) *Note {
	return &t.Notes[int(n.firstNote)+bits.OnesCount64(n.Odd&(1<<lane-1))]
}

// Run nets the rows that were set, opportunity by opportunity.
func (t *Tile) Run() {
	for rest := t.Dated & t.Done; rest != 0; rest &= rest - 1 {
		t.cutToDates(bits.TrailingZeros64(rest))
	}
	t.fill()
	t.Count, t.seen = column{}, column{}
	t.p, t.p0 = t.avail, t.avail
	for k := range t.tab.Planned {
		t.step(k)
	}
	tail := &t.windows[t.tab.Planned+1]
	var short uint64
	for l := range &t.p {
		least := min(t.seen[l], t.p[l]+tail.low[l])
		short = short>>1 | uint64(uint32(least)>>31)<<63
	}
	t.Short = short & t.Done
}

func (t *Tile) stepScalar(k int) {
	before, win := &t.windows[k], &t.windows[k+1]
	p, p0, seen := &t.p, &t.p0, &t.seen
	var act uint64
	for l := range p {
		was := p[l]
		seen[l] = min(seen[l], was+before.low[l])
		now := max(was+before.flow[l], before.stop[l])
		p[l], p0[l] = now, max(p0[l]+before.flow[l], before.stop[l])
		// a need, or a balance under the trigger: one of the differences is below zero
		need := (now - win.top[l]) | (now + win.low[l] - t.trigger[l])
		act |= uint64(uint32(need)>>31) << l
	}
	t.Needs[k].Asked = 0 // all are looked at
	t.look(k, act&t.Done, act&t.Done)
}

// look nets the rows one by one that the columns alone do not tell.
func (t *Tile) look(k int, rows, odd uint64) {
	n := &t.Needs[k]
	n.Rows, n.Odd, n.firstNote = rows, 0, int32(len(t.Notes))
	for ; odd != 0; odd &= odd - 1 {
		t.order(bits.TrailingZeros64(odd)%Rows, k)
	}
}

// order nets opportunity k of a row that needs something there.
func (t *Tile) order(l, k int) {
	w := k + 1
	bit := uint64(1) << l
	n := &t.Needs[k]
	p := t.p[l]
	lowest := p + t.windows[w].low[l]
	n3 := t.windows[w].top[l] - p
	asked := max(t.windows[w].ask[l]-p, 0)
	units := unitsUp(asked)
	need := unitsUp(n3)
	var x Note
	odd := units != need
	if odd || units == 0 {
		odd = true
		x.Policy = int64(units - need)
		if units == 0 || n3 > units*1000 {
			t.leave(n, l, MaxTooLow)
			return
		}
	}
	calm := lowest >= t.pres[l]
	wanted := int32(0)
	if calm && asked < t.dead[l] {
		x.Dead, odd = -int64(units), true
	} else {
		if calm && t.later[w]&bit != 0 {
			t.leave(n, l, Late)
			return
		}
		q := max(units, t.least[l])
		if units < t.leastOrder[l] {
			x.Minimum, odd = int64(q-units), true
		}
		pack := uint32(t.pack[l])
		wanted = int32((uint32(q) + pack - 1) / pack * pack)
		if p+wanted*1000 > t.windows[w].room[l] {
			odd = true
			wanted = t.capped(l, k, wanted, calm, &x)
		}
	}
	n.Wanted[l], n.N1[l], n.N2[l], n.N3[l] = wanted, unitsUp(-lowest), unitsUp(t.pres[l]-lowest), need
	days := t.tab.start[w+1] - t.tab.start[w]
	if t.Dated&bit != 0 {
		days = min(days, t.to[l]+1-t.tab.start[w])
	}
	n.Supply[l] = supply(t.p0[l]+t.windows[w].here[l], t.windows[w].used[l], days)
	if odd {
		x.Some = x != (Note{})
		n.Odd |= bit
		t.Notes = append(t.Notes, x)
	}
	t.p[l] = p + wanted*1000
	t.Count[l]++
}

// leave leaves a row to another path in the middle of its netting.
func (t *Tile) leave(n *Needs, lane int, why Reason) {
	n.Odd |= 1 << lane
	t.Notes = append(t.Notes, Note{})
	t.Leave(lane, why)
}

// supply gives stock ÷ mean daily demand, rounded down, 0 to 999; no demand: 999. Equal to net.SupplyDays.
func supply(stock, demand, days int32) int32 {
	const most = 999
	switch {
	case demand == 0:
		return most
	case stock <= 0:
		return 0
	}
	return int32(min(uint64(stock)*uint64(days)/uint64(demand), most))
}

// capped takes an order through shelf capacity and shelf life, as net.Pass does.
func (t *Tile) capped(l, k int, wanted int32, calm bool, x *Note) int32 {
	w := k + 1
	p, pack, least := int64(t.p[l]), int64(t.pack[l]), int64(t.least[l])
	q := int64(wanted)
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
					x.Marks |= net.MarkConflict
					x.Shelf, x.Conflict = to-q, -to
					return 0
				}
				x.Marks |= net.MarkOverflow
				to = least
			}
			x.Shelf, q = to-q, to
		}
	}
	if t.lives>>l&1 != 0 {
		last := t.tab.receive[k] + t.life[l] - 1
		lasting := p
		if t.lots>>l&1 != 0 {
			lasting = net.LastingStock(p, t.stock[t.lotsAt[l]:t.lotEnd[l]], int64(t.before(w)[l]), last)
		}
		room := unitsDown(int64(t.sellable(l, w)) - lasting)
		if to := room / pack * pack; q > to {
			if to < least {
				x.Marks = net.MarkConflict // what ran over the shelf is not ordered
				x.Least, x.Room = least, room
				x.Life, x.Conflict = to-q, -to
				return 0
			}
			x.Life, q = to-q, to
		}
	}
	if t.Dated>>l&1 != 0 && t.to[l] != net.FarDay {
		lasting := p
		if t.lots>>l&1 != 0 {
			lasting = net.LastingStock(p, t.stock[t.lotsAt[l]:t.lotEnd[l]], int64(t.before(w)[l]), t.to[l])
		}
		room := unitsDown(int64(t.season(l, w)) - lasting)
		if to := room / pack * pack; q > to {
			if to < least {
				x.Marks = net.MarkConflict
				x.Least, x.Room = least, room
				x.Season, x.Conflict = to-q, -to
				return 0
			}
			x.Season, q = to-q, to
		}
	}
	return int32(q)
}

// unitsUp rounds milli-units up to whole units; what is not positive is 0.
func unitsUp(milli int32) int32 {
	return int32(uint32(max(milli, 0)+999) / 1000)
}

// unitsDown rounds milli-units down to whole units; what is not positive is 0.
func unitsDown(milli int64) int64 {
	return max(milli, 0) / 1000
}
