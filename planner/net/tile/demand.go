package tile

// maxDaily is the most of a day's demand that the kernel counts, in thousandths; narrow demand never comes to it.
const maxDaily = 1<<17 - 1

// spare is the number of days behind the last window that are summed up for all rows at once: safety stock of some
// days looks at them.
const spare = 10

// Demand takes the demand of the tile, day after day 64 rows of thousandths; nil: there is none. cut holds what of
// day 0 is over already, in thousandths.
func (t *Tile) Demand(days []uint16, cut *[Rows]int32) {
	if days == nil {
		for d := range t.cum {
			t.cum[d] = column{}
		}
		return
	}
	h := t.tab.horizon
	t.begin(cut)
	t.cumulate(0, days[:h*Rows])
	for d := h; d < len(t.cum)-1; d += 7 {
		n := min(7, len(t.cum)-1-d)
		t.cumulate(d, days[(h-7)*Rows:(h-7+n)*Rows])
	}
	t.cum[0] = column{}
}

// WideDemand takes demand of 32 bits as Demand does; rows with a day beyond the narrow range are left.
func (t *Tile) WideDemand(days []uint32, cut *[Rows]int32) {
	h := t.tab.horizon
	t.begin(cut)
	var all [Rows]uint32
	for d := range len(t.cum) - 1 {
		from := d
		if d >= h {
			from = h - 7 + (d-h)%7
		}
		day, before, after := (*[Rows]uint32)(days[from*Rows:]), &t.cum[d], &t.cum[d+1]
		for l := range after {
			all[l] |= day[l]
			after[l] = before[l] + int32(day[l])
		}
	}
	t.cum[0] = column{}
	for l, v := range all {
		if v > maxDaily && t.Done>>l&1 != 0 {
			t.Leave(l, Wide)
		}
	}
}

// begin starts the sums under 0 by what is cut.
func (t *Tile) begin(cut *[Rows]int32) {
	for l := range cut {
		t.cum[0][l] = -cut[l]
	}
}

// cumulateScalar adds up the days behind cum[from].
func (t *Tile) cumulateScalar(from int, days []uint16) {
	for d := range len(days) / Rows {
		day, before, after := (*[Rows]uint16)(days[d*Rows:]), &t.cum[from+d], &t.cum[from+d+1]
		for l := range after {
			after[l] = before[l] + int32(day[l])
		}
	}
}

// sum gives a row's demand of the days before day d; past the horizon its last seven days repeat.
func (t *Tile) sum(lane int, d int32) int32 {
	if int(d) < len(t.cum) {
		return t.cum[d][lane]
	}
	return t.far(lane, d)
}

// far is sum behind the days that are summed up.
func (t *Tile) far(lane int, d int32) int32 {
	h := int32(t.tab.horizon)
	all, week := t.cum[h][lane], t.cum[h-7][lane]
	weeks, rest := (d-h)/7, (d-h)%7
	return all + weeks*(all-week) + t.cum[h-7+rest][lane] - week
}

// before gives the demand before window w.
func (t *Tile) before(w int) *column { return &t.cum[t.tab.start[w]] }
