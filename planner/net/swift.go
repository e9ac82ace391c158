package net

// Swift nets plain rows: nothing open, no lots, no dates, no dated safety stock, not negative at the start, and no
// layers or pallets. It gives what Pass gives and nothing else; a row on which a cap bites, a dead band holds or a
// max is too low is left to Pass.
type Swift struct {
	Orders []Quick // of the last row, those that need something, ascending
	Short  bool    // as Pass.Short

	cum    []int64 // cum[t] = demand of the days before t
	floors []int64 // floor[t] + cum[t+1] where the floor changes by day
}

// Quick is one opportunity that needs something.
type Quick struct {
	Opp          int32
	Supply       int16 // days of supply
	Need, Wanted int64
	N1, N2, N3   int64
	Policy       int64 // what the policy asks for more (or less) than the need
	Minimum      int64 // what the minimum order adds
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

// Run nets a row over its table; own holds H days. False: the row needs Pass, and Orders mean nothing.
func (s *Swift) Run(f *Facts, own []int64, lots []Lot, tab *Table) bool {
	s.Orders = s.Orders[:0]
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
	p, p0 := f.Avail, f.Avail
	day := int32(0)
	short := false
	for k := range tab.Planned {
		a := tab.Opps[k].Usable
		if a > day {
			used := cum[a] - cum[day]
			p -= used
			p0 -= used
			if p < 0 {
				short = true
			}
			if f.Lost {
				p, p0 = max(p, 0), max(p0, 0)
			}
			day = a
		}
		var end int32
		if k+1 < len(tab.Opps) {
			end = tab.Opps[k+1].Usable - 1
		} else {
			end = tab.End(k, f.Cover)
		}
		demand := cum[end+1] - cum[a]
		last := p - demand
		n3 := level - last
		if f.SafeDays > 0 {
			n3 = s.highest(a, end) - cum[a] - p
		}
		asked := max(n3, 0)
		switch f.Policy {
		case PolicyMinMax:
			if n3 <= 0 && last >= trigger {
				continue
			}
			asked = max(0, f.Max*1000-(p-(cum[a+1]-cum[a])))
			if n3 > unitsUp(asked)*1000 {
				return false
			}
		case PolicyCover:
			if n3 <= 0 {
				continue
			}
			if through := a + f.Cover - 1; through > end {
				if f.SafeDays > 0 {
					asked = s.highest(a, through) - cum[a] - p
				} else {
					asked = level - (p - (cum[through+1] - cum[a]))
				}
			}
		default:
			if n3 <= 0 {
				continue
			}
		}
		q := Quick{Opp: int32(k), N3: unitsUp(n3)}
		q.N1, q.N2 = unitsUp(-last), unitsUp(pres-last)
		lot := &lots[tab.Opps[k].Lane]
		if q.N1 == 0 && q.N2 == 0 && asked < lot.DeadBand*lot.Pack {
			return false
		}
		units := unitsUp(asked)
		if q.N3 > maxOrder || units > maxOrder || units == 0 {
			return false
		}
		q.Need, q.Policy = q.N3, units-q.N3
		if lot.MOQ > 0 {
			if least := roundUp(lot.MOQ, lot.Pack); units < least {
				q.Minimum, units = least-units, least
			}
		}
		q.Wanted = roundUp(units, lot.Pack)
		if f.Cap >= 0 && q.Wanted*1000 > f.Cap*1000-p {
			return false
		}
		if f.Life > 0 {
			through := min(int(tab.Opps[k].Receive+f.Life), days)
			if through <= int(a) || q.Wanted*1000 > cum[through]-cum[a]-max(p, 0) {
				return false
			}
		}
		q.Supply = SupplyDays(p0, demand, end-a+1)
		s.Orders = append(s.Orders, q)
		p += q.Wanted * 1000
	}
	if day < int32(h) && p < cum[h]-cum[day] {
		short = true
	}
	s.Short = short
	return true
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
