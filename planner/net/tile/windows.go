package tile

import (
	"math/bits"

	"echelon/planner/net"
)

// fill makes the columns per window: first as if no row had open orders, safety days, a policy or a shelf life,
// then those of the rows that have.
func (t *Tile) fill() {
	m := t.tab.Planned
	lost := t.lost
	for l := range &t.least0 {
		t.least0[l] = -deep &^ -int32(lost&1)
		lost >>= 1
	}
	for w := range m + 1 {
		t.plainWindow(w)
	}
	t.tail()
	for rest := t.inbound & t.Done; rest != 0; rest &= rest - 1 {
		t.receipts(bits.TrailingZeros64(rest))
	}
	for rest := t.ahead & t.Done &^ t.inbound; rest != 0; rest &= rest - 1 {
		t.forward(bits.TrailingZeros64(rest))
	}
	for rest := t.stepped & t.Done; rest != 0; rest &= rest - 1 {
		t.steps(bits.TrailingZeros64(rest))
	}
	for rest := t.minMax & t.Done; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest)
		for w := 1; w <= m; w++ {
			a := t.tab.start[w]
			t.windows[w].ask[l] = t.goal[l] + t.sum(l, a+1) - t.before(w)[l]
			t.windows[w].ask[l] -= t.windows[w].here[l]
		}
	}
	for rest := t.covers & t.Done; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest)
		for w := 1; w <= m; w++ {
			if a := t.tab.start[w]; a+t.cover[l] > t.tab.start[w+1] {
				t.windows[w].ask[l] = t.needed(l, a, a+t.cover[l]-1)
			}
		}
	}
	for rest := t.lives & t.Done; rest != 0; rest &= rest - 1 {
		t.lasts(bits.TrailingZeros64(rest))
	}
	for rest := t.Dated & t.Done; rest != 0; rest &= rest - 1 {
		t.bounded(bits.TrailingZeros64(rest))
	}
}

// tail works out the last stretch of the horizon, after the last opportunity inside it.
func (t *Tile) tail() {
	m := t.tab.Planned
	low := &t.windows[m+1].low
	if int(t.tab.start[m]) >= t.tab.horizon {
		*low = column{}
		return
	}
	a, end := t.before(m), &t.cum[t.tab.horizon]
	for l := range low {
		low[l] = a[l] - end[l]
	}
}

func (t *Tile) plainWindowScalar(w int) {
	a, b, win := t.before(w), t.before(w+1), &t.windows[w]
	for l := range a {
		used := b[l] - a[l]
		win.used[l], win.flow[l], win.low[l] = used, -used, -used
		win.top[l], win.ask[l] = t.level[l]+used, t.level[l]+used
	}
	win.stop, win.room, win.here = t.least0, t.shelf, column{}
}

// floor gives a row's floor of a day with the demand up to its end. It never falls from day to day, so that the last
// day of a stretch without receipts tells its need.
func (t *Tile) floor(lane int, day int32) int32 {
	level := t.level[lane]
	if t.ahead>>lane&1 == 0 {
		return level + t.sum(lane, day+1)
	}
	at := min(day, int32(t.tab.horizon)-1)
	whole, part := t.safe[lane]/1000, int64(t.safe[lane]%1000)
	past := t.sum(lane, at+1)
	ahead := t.sum(lane, at+1+whole)
	if part > 0 {
		next := int64(t.sum(lane, at+2+whole) - ahead)
		ahead += int32((next*part + 999) / 1000)
	}
	floor := max(level, ahead-past)
	return floor + t.sum(lane, day+1)
}

// forward works out what a row with days of safety stock and nothing open needs.
func (t *Tile) forward(lane int) {
	l := lane % Rows
	h, level := int32(t.tab.horizon), t.level[l]
	whole, part := t.safe[l]/1000, t.safe[l]%1000
	far := h+whole+1 >= int32(len(t.cum))
	for w := 1; w <= t.tab.Planned; w++ {
		end := t.tab.start[w+1]
		if t.Dated>>l&1 != 0 {
			end = max(min(end, t.to[l]+1), t.tab.start[w])
		}
		at := min(end, h)
		var ahead, next int32
		if far {
			ahead, next = t.sum(l, at+whole), t.sum(l, at+whole+1)
		} else {
			ahead, next = t.cum[at+whole][l], t.cum[at+whole+1][l]
		}
		ahead += int32(uint32((next-ahead)*part+999) / 1000)
		need := max(level, ahead-t.cum[at][l]) + t.cum[end][l] - t.before(w)[l]
		t.windows[w].top[l], t.windows[w].ask[l] = need, need
	}
}

// steps works out what a row needs whose safety stock changes on certain days, and that has nothing open: between two
// changes the last day tells the need. Past the horizon the floor is that of its last day.
func (t *Tile) steps(lane int) {
	l := lane % Rows
	dated, h := t.safety[t.safeAt[l]:t.safeTo[l]], int32(t.tab.horizon)
	next, units := 0, t.units[l]
	for w := 1; w <= t.tab.Planned; w++ {
		a, end := t.tab.start[w], t.tab.start[w+1]-1
		base, top := t.before(w)[l], int32(-deep)
		for day := a; day <= end; {
			for next < len(dated) && dated[next].From <= day && dated[next].From < h {
				units = int32(dated[next].Units) * 1000
				next++
			}
			last := end
			if next < len(dated) && dated[next].From < h {
				last = min(last, dated[next].From-1)
			}
			top = max(top, max(units, t.pres[l])+t.sum(l, last+1)-base)
			day = last + 1
		}
		t.windows[w].top[l], t.windows[w].ask[l] = top, top
	}
}

// stretch is a row's way through some days: what it adds, how low it comes, what is left at the least, and the stock
// that it takes to stay over the floors.
type stretch struct {
	flow, low, stop, top, here int32
	later                      bool
}

// walk runs a row with open orders over days a to end; in is what becomes usable on day a or later. It returns how
// many of them it passed.
func (t *Tile) walk(lane int, in []net.Receipt, a, end int32) (s stretch, passed int) {
	base := t.sum(lane, a)
	got, day, before := int32(0), a, base
	s.low, s.stop, s.top = always, -deep, -deep
	for {
		to := end
		open := passed < len(in) && in[passed].Day <= end
		if open {
			to = in[passed].Day - 1
		}
		if to >= day {
			now := t.sum(lane, to+1)
			s.flow = got - (now - base)
			s.low = min(s.low, s.flow)
			s.stop = max(s.stop-(now-before), 0)
			s.top = max(s.top, t.floor(lane, to)-base-got)
			day, before = to+1, now
		}
		if !open {
			return s, passed
		}
		milli := int32(in[passed].Units) * 1000
		if in[passed].Day > a {
			s.later = true
		} else {
			s.here += milli
		}
		got += milli
		s.stop += milli
		passed++
	}
}

// receipts works the open orders of a row into its windows.
func (t *Tile) receipts(lane int) {
	in, m := t.open(lane), t.tab.Planned
	bit := uint64(1) << lane
	lost := t.lost&bit != 0
	next := 0
	for w := range m + 1 {
		a, end := t.tab.start[w], t.tab.start[w+1]-1
		if t.shelf[lane] != always && w > 0 {
			t.windows[w].room[lane] = t.shelf[lane] - t.highest(lane, in[next:], a)
		}
		if end < a {
			continue
		}
		if w == m && int(a) < t.tab.horizon {
			s, _ := t.walk(lane, in[next:], a, int32(t.tab.horizon)-1)
			t.windows[m+1].low[lane] = s.low
		}
		if t.ahead&bit == 0 && (next == len(in) || in[next].Day > end) {
			continue
		}
		s, passed := t.walk(lane, in[next:], a, end)
		next += passed
		t.windows[w].flow[lane], t.windows[w].low[lane], t.windows[w].top[lane], t.windows[w].ask[lane] = s.flow, s.low, s.top, s.top
		t.windows[w].here[lane] = s.here
		if lost {
			t.windows[w].stop[lane] = s.stop
		}
		if s.later && !t.expedited {
			t.later[w] |= bit
			t.windows[w].room[lane] = -deep // so that it is looked at
		}
	}
}

// cutToDates takes the demand outside a row's dates out of its sums, and notes whether there is any in the horizon.
func (t *Tile) cutToDates(lane int) {
	l, h := lane%Rows, t.tab.horizon
	from, to := t.from[l], t.to[l]
	all := t.cum[h][l]
	before := t.cum[0][l]
	var sum int32
	for d := 1; d < len(t.cum); d++ {
		now := t.cum[d][l]
		if day := int32(d - 1); day >= from && day <= to {
			sum += now - before
		}
		t.cum[d][l], before = sum, now
	}
	if t.cum[h][l] != all {
		t.Ignored |= 1 << l
	}
}

// season gives the demand from the start of window w to the last day of a row's dates.
func (t *Tile) season(lane, w int) int32 { return t.sum(lane, t.to[lane]+1) - t.before(w)[lane] }

// bounded takes back what windows outside a row's dates ask for: nothing is planned after the last day, and no floor
// holds before the first. No more is ordered than is sold up to the last day. A window that it cuts is looked at: days
// of supply count up to there.
func (t *Tile) bounded(lane int) {
	l := lane % Rows
	for w := 1; w <= t.tab.Planned; w++ {
		a, end := t.tab.start[w], t.tab.start[w+1]-1
		win := &t.windows[w]
		switch {
		case a > t.to[l]:
			win.top[l], win.ask[l] = -deep, -deep
		case end < t.from[l]:
			win.top[l], win.ask[l] = 0, 0
		case end > t.to[l]:
			win.room[l] = -deep
		case t.to[l] != net.FarDay:
			win.room[l] = min(win.room[l], t.season(l, w))
		}
	}
}

// needed gives the stock that it takes to stay over the floors on days a to end.
func (t *Tile) needed(lane int, a, end int32) int32 {
	if t.inbound>>lane&1 == 0 {
		return t.floor(lane, end) - t.sum(lane, a)
	}
	in := t.open(lane)
	for len(in) > 0 && in[0].Day < a {
		in = in[1:]
	}
	s, _ := t.walk(lane, in, a, end)
	return s.top
}

// highest gives how far start-of-day stock comes over what there is before day a, through what is open from then on.
func (t *Tile) highest(lane int, in []net.Receipt, a int32) int32 {
	if len(in) == 0 {
		return 0
	}
	base := t.sum(lane, a)
	got, most := int32(0), int32(0)
	for i := range in {
		got += int32(in[i].Units) * 1000
		most = max(most, got-(t.sum(lane, in[i].Day)-base))
	}
	return most
}

// lasts bounds the stock after an order by what a shelf life lets be sold. Stock that does not last as long is counted
// as if it did: whether the bound truly bites, capped says.
func (t *Tile) lasts(lane int) {
	for w := 1; w <= t.tab.Planned; w++ {
		t.windows[w].room[lane] = min(t.windows[w].room[lane], t.sellable(lane, w))
	}
}

// sellable gives the demand that an order of window w may serve, less what becomes usable with it.
func (t *Tile) sellable(lane, w int) int32 {
	a, end := t.tab.start[w], t.tab.receive[w-1]+t.life[lane]
	var sell int32
	if end > a {
		sell = t.sum(lane, end) - t.before(w)[lane]
	}
	return sell - t.windows[w].here[lane]
}
