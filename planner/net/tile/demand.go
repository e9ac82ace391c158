package tile

// Demand takes the demand of the tile, day after day 64 rows of thousandths; nil: there is none. cut holds what of
// day 0 is over already, in thousandths.
func (t *Tile) Demand(days []uint16, cut *[Rows]int32) {
	if days == nil {
		for d := range t.cum {
			t.cum[d] = column{}
		}
		return
	}
	for l := range cut {
		t.cum[0][l] = -cut[l]
	}
	t.cumulate(days)
	t.cum[0] = column{}
}

func (t *Tile) cumulateScalar(days []uint16) {
	for d := range len(t.cum) - 1 {
		day, before, after := (*[Rows]uint16)(days[d*Rows:]), &t.cum[d], &t.cum[d+1]
		for l := range after {
			after[l] = before[l] + int32(day[l])
		}
	}
}

// sum gives a row's demand of the days before day d; past the horizon its last seven days repeat.
func (t *Tile) sum(lane int, d int32) int32 {
	h := int32(len(t.cum)) - 1
	if d <= h {
		return t.cum[d][lane]
	}
	all, week := t.cum[h][lane], t.cum[h-7][lane]
	weeks, rest := (d-h)/7, (d-h)%7
	return all + weeks*(all-week) + t.cum[h-7+rest][lane] - week
}

// sums fills a column with the demand of the days before day d.
func (t *Tile) sums(out *column, d int32) {
	h := int32(len(t.cum)) - 1
	if d <= h {
		*out = t.cum[d]
		return
	}
	weeks, rest := (d-h)/7, (d-h)%7
	all, week, part := &t.cum[h], &t.cum[h-7], &t.cum[h-7+rest]
	for l := range out {
		out[l] = all[l] + weeks*(all[l]-week[l]) + part[l] - week[l]
	}
}
