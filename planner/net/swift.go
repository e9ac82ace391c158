package net

// Swift nets plain rows: nothing ordered today, no dates, no dated safety stock, not negative at the start, and no
// layers or pallets. It gives what Pass gives and nothing else; a row whose max is too low, or on which an open order
// may cure a need, is left to Pass.
type Swift struct {
	Orders []Quick // of the last row, those that need something, ascending
	Terms  []Terms // of the few orders whose ledger has more than need and pack
	Short  bool    // as Pass.Short

	in     []Receipt // of the row in work, ascending by day
	cum    []int64   // cum[t] = demand of the days before t
	floors []int64   // floor[t] + cum[t+1] where the floor changes by day
}

// Quick is one opportunity that needs something; its need is N3.
type Quick struct {
	Opp        int32
	Terms      int32 // index into Swift.Terms, -1 none
	Supply     int16 // days of supply
	Marks      Marks
	Wanted     int64
	N1, N2, N3 int64
}

// Terms are the ledger steps of an order beside need and pack, 0 where there is none, in order of application, and
// the numbers of its exceptions.
type Terms struct {
	Policy, Minimum, Dead, Shelf, Life, Season, Conflict int64
	Least, Room                                          int64 // as Result.Minimum and Result.Cap
}

// Plain reports whether lots are whole packs with a minimum and no more.
func Plain(lots []Lot) bool {
	for i := range lots {
		if lots[i].Tolerance != 0 {
			return false
		}
	}
	return len(lots) > 0
}

// Run nets a row over its table; own holds H days, in what is open, ascending by day, stock the lots
// of what is at hand. False: the row needs Pass, and Orders mean nothing.
func (s *Swift) Run(f *Facts, own []int64, in []Receipt, stock []LotStock, lots []Lot, tab *Table) bool {
	s.Orders, s.Terms, s.in = s.Orders[:0], s.Terms[:0], in
	h := f.H
	days := h
	whole := int(f.SafeDays / 1000)
	if f.SafeDays > 0 {
		if whole > farForward {
			return false
		}
		days = h + whole + 1
	}
	if tab.Planned > 0 {
		days = max(days, int(tab.End(tab.Planned-1, f.Cover))+1)
		if f.Policy == PolicyCover {
			days = max(days, int(tab.Opps[tab.Planned-1].Usable+f.Cover))
		}
	}
	if f.Life > 0 && tab.Planned > 0 {
		days = max(days, min(int(tab.Opps[tab.Planned-1].Receive+f.Life), h+farForward))
	}
	var trigger int64
	if f.Policy == PolicyMinMax {
		trigger = f.Min * 1000
	}
	s.fill(own, h, days)
	pres, safe := f.Present*1000, f.Safety*1000
	level := max(pres, safe)
	if f.SafeDays > 0 {
		s.forward(f, whole, days, level)
	}
	cum := s.cum[:days+1]
	p, p0, day, next, short := f.Avail, f.Avail, int32(0), 0, false
	for k := s.idle(f, max(level, trigger), tab); k < tab.Planned; k++ {
		a := tab.Opps[k].Usable
		if a > day {
			if next == len(in) {
				used := cum[a] - cum[day]
				p, p0, day = p-used, p0-used, a
				short = short || p < 0
				if f.Lost {
					p, p0 = max(p, 0), max(p0, 0)
				}
			} else {
				b := s.advance(running{p, p0, day, next, short}, f.Lost, a)
				p, p0, day, next, short = b.p, b.p0, b.day, b.next, b.short
			}
		}
		var end int32
		if k+1 < len(tab.Opps) {
			end = tab.Opps[k+1].Usable - 1
		} else {
			end = tab.End(k, f.Cover)
		}
		var here int64 // becomes usable on day a
		later := false // something becomes usable after it and inside the window
		for i := next; i < len(in) && in[i].Day <= end; i++ {
			if in[i].Day > a {
				later = true
				break
			}
			here += in[i].Units * 1000
		}
		now := p + here
		lowest := now - (cum[end+1] - cum[a])
		if later {
			lowest = s.lowest(p, next, a, end)
		}
		n3 := level - lowest
		if f.SafeDays > 0 {
			n3 = s.most(now, p, next, a, end, later)
		}
		if n3 <= 0 && (f.Policy != PolicyMinMax || lowest >= trigger) {
			continue
		}
		asked := max(n3, 0)
		switch f.Policy {
		case PolicyMinMax:
			asked = max(0, f.Max*1000-(now-(cum[a+1]-cum[a])))
			if n3 > unitsUp(asked)*1000 {
				return false
			}
		case PolicyCover:
			if through := a + f.Cover - 1; through > end {
				if f.SafeDays > 0 {
					asked = s.most(now, p, next, a, through, len(in) > 0)
				} else {
					asked = level - s.lowest(p, next, a, through)
				}
			}
		}
		q := Quick{Opp: int32(k), Terms: -1, N1: unitsUp(-lowest), N2: unitsUp(pres - lowest), N3: unitsUp(n3)}
		units := unitsUp(asked)
		if q.N3 > maxOrder || units > maxOrder || units == 0 {
			return false
		}
		q.Supply = SupplyDays(p0+here, cum[end+1]-cum[a], end-a+1)
		lot := &lots[tab.Opps[k].Lane]
		x := Terms{Policy: units - q.N3}
		calm := q.N1 == 0 && q.N2 == 0
		if calm && asked < lot.DeadBand*lot.Pack {
			x.Dead = -units
		} else {
			if calm && later && !f.Expedited {
				return false // an open order may cure it
			}
			least := lot.Pack
			if lot.MOQ > 0 {
				least = roundUp(lot.MOQ, lot.Pack)
				if units < least {
					x.Minimum, units = least-units, least
				}
			}
			q.Wanted = roundUp(units, lot.Pack)
			if f.Cap >= 0 && !s.shelf(f, p, next, a, lot.Pack, least, calm, &q, &x) {
				return false
			}
			if f.Life > 0 && q.Marks&MarkConflict == 0 {
				last := tab.Opps[k].Receive + f.Life - 1
				if int(last) >= days {
					return false
				}
				s.lasts(p, stock, a, last, here, lot.Pack, least, &q, &x)
			}
		}
		if x != (Terms{}) {
			q.Terms = int32(len(s.Terms))
			s.Terms = append(s.Terms, x)
		}
		s.Orders = append(s.Orders, q)
		p += q.Wanted * 1000
	}
	if day < int32(h) {
		short = s.advance(running{p, p0, day, next, short}, f.Lost, int32(h)).short
	}
	s.Short = short
	return true
}

// shelf takes an order through shelf capacity, as Pass.caps does; false: it cannot tell.
func (s *Swift) shelf(f *Facts, p int64, next int, a int32, pack, least int64, calm bool, q *Quick, x *Terms) bool {
	full := p
	if next < len(s.in) {
		if int(s.in[len(s.in)-1].Day) >= len(s.cum) {
			return false
		}
		full = s.fullest(p, next, a)
	}
	room := unitsDown(f.Cap*1000 - full)
	if q.Wanted <= room {
		return true
	}
	to := room / pack * pack
	if to < least {
		x.Least, x.Room = least, room
		if calm {
			q.Marks |= MarkConflict
			x.Shelf, x.Conflict, q.Wanted = to-q.Wanted, -to, 0
			return true
		}
		q.Marks |= MarkOverflow
		to = least
	}
	x.Shelf, q.Wanted = to-q.Wanted, to
	return true
}

// lasts takes an order through shelf life, as Pass.caps does; last is the last day it may be sold, here what becomes
// usable with it.
func (s *Swift) lasts(p int64, stock []LotStock, a, last int32, here, pack, least int64, q *Quick, x *Terms) {
	var demand int64
	if last >= a {
		demand = s.cum[last+1] - s.cum[a]
	}
	room := unitsDown(demand - LastingStock(p, stock, s.cum[a], last) - here)
	to := room / pack * pack
	if q.Wanted <= to {
		return
	}
	if to < least {
		q.Marks = MarkConflict // what ran over the shelf is not ordered
		x.Least, x.Room = least, room
		x.Life, x.Conflict, q.Wanted = to-q.Wanted, -to, 0
		return
	}
	x.Life, q.Wanted = to-q.Wanted, to
}

// idle gives the first opportunity whose window may ask for something: up to there the balance without anything
// that is open stays at the level or over it, and over the floors.
func (s *Swift) idle(f *Facts, level int64, tab *Table) int {
	cum, opps := s.cum, tab.Opps
	spare := f.Avail - level
	k, t := 0, int32(0)
	for k < tab.Planned && k+1 < len(opps) {
		next := opps[k+1].Usable
		if cum[next] > spare {
			break
		}
		if f.SafeDays > 0 {
			for t = max(t, opps[k].Usable); t < next; t++ {
				if s.floors[t] > f.Avail {
					return k
				}
			}
		}
		k++
	}
	return k
}

// running is where a row stands: the balance with and without orders at the end of the day before day.
type running struct {
	p, p0 int64
	day   int32
	next  int // first receipt of day or later
	short bool
}

// advance runs up to the day before day a. Between receipts stock only falls, so that the end of each stretch says
// all of it.
func (s *Swift) advance(b running, lost bool, a int32) running {
	cum := s.cum
	for {
		to := a
		open := b.next < len(s.in) && s.in[b.next].Day < a
		if open {
			to = s.in[b.next].Day
		}
		if to > b.day {
			used := cum[to] - cum[b.day]
			b.p -= used
			b.p0 -= used
			if b.p < 0 {
				b.short = true
			}
			if lost {
				b.p, b.p0 = max(b.p, 0), max(b.p0, 0)
			}
			b.day = to
		}
		if !open {
			return b
		}
		in := s.in[b.next].Units * 1000
		b.p += in
		b.p0 += in
		b.next++
	}
}

// lowest gives the lowest balance at the end of days a to end, without a stop at 0.
func (s *Swift) lowest(p int64, next int, a, end int32) int64 {
	before := p + s.cum[a]
	low := int64(-minInt)
	for i := next; i < len(s.in) && s.in[i].Day <= end; i++ {
		if d := s.in[i].Day; d > a {
			low = min(low, before-s.cum[d])
		}
		before += s.in[i].Units * 1000
	}
	return min(low, before-s.cum[end+1])
}

// fullest gives the highest start-of-day stock from day a on, as Pass.highest does.
func (s *Swift) fullest(p int64, next int, a int32) int64 {
	before := p + s.cum[a]
	most := p
	for _, r := range s.in[next:] {
		before += r.Units * 1000
		most = max(most, before-s.cum[r.Day])
	}
	return most
}

// most gives the largest need of days a to end where the floor changes by day; now is the stock of day a,
// later tells whether receipts may follow.
func (s *Swift) most(now, p int64, next int, a, end int32, later bool) int64 {
	if !later {
		return s.highest(a, end) - s.cum[a] - now
	}
	before := p + s.cum[a]
	most, from := int64(minInt), a
	for i := next; i < len(s.in) && s.in[i].Day <= end; i++ {
		if d := s.in[i].Day; d > from {
			most = max(most, s.highest(from, d-1)-before)
			from = d
		}
		before += s.in[i].Units * 1000
	}
	return max(most, s.highest(from, end)-before)
}

// highest gives the highest floor, with the demand up to its day, of days a to end.
func (s *Swift) highest(a, end int32) int64 {
	most := s.floors[a]
	for _, v := range s.floors[a+1 : end+1] {
		most = max(most, v)
	}
	return most
}

// fill sums the demand of the days before each day; past the horizon its last seven days repeat.
func (s *Swift) fill(own []int64, h, days int) {
	s.cum = sized(s.cum, days+1)
	cum := s.cum[:days+1]
	own = own[:h]
	var sum int64
	cum[0] = 0
	for t, v := range own {
		sum += v
		cum[t+1] = sum
	}
	for t := h; t < days; t++ {
		sum += own[h-7+(t-h)%7]
		cum[t+1] = sum
	}
}

// forward works out floors of forward demand, each with the demand up to its day.
func (s *Swift) forward(f *Facts, whole, days int, level int64) {
	s.floors = sized(s.floors, days)
	cum, floors := s.cum, s.floors
	part := f.SafeDays % 1000
	floor := level
	for t := range f.H {
		ahead := cum[t+1+whole] - cum[t+1]
		if part > 0 {
			ahead += partUp(cum[t+2+whole]-cum[t+1+whole], part)
		}
		floor = max(level, ahead)
		floors[t] = floor + cum[t+1]
	}
	for t := f.H; t < days; t++ {
		floors[t] = floor + cum[t+1]
	}
}
