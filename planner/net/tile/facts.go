package tile

import (
	"math/bits"

	"echelon/planner/net"
)

// Facts are the numbers of the rows of a tile as a partition holds them, 64 of each, in units unless said otherwise.
// What lies at rows that are not set means nothing.
type Facts struct {
	OnHand, Unusable, Reserved, Backorders *[Rows]int32
	Safety, Present                        *[Rows]int32 // safety stock before the first day that Tile.Safety names
	SafeDays                               *[Rows]int32 // thousandths of a day
	Cap                                    *[Rows]int32 // below 0: none
	Min, Max                               *[Rows]int32
	Cover, Life                            *[Rows]int16 // days
	// rows whose demand is lost, of policy min-max and cover (the others are of policy net), and with dates
	Lost, MinMax, Covers, Dated uint64
	From, To                    [Rows]int32 // days, of rows with dates
}

// Set takes the facts of rows, a bit each, that Lot was called for. Those that the kernel does not know are left.
func (t *Tile) Set(f *Facts, rows uint64) {
	rows &^= t.Left
	t.lost, t.minMax, t.covers, t.Dated = f.Lost, f.MinMax&rows, f.Covers&rows, f.Dated&rows
	negative, wide := t.stocks(f), t.levels(f)
	wide |= t.days(f)
	for rest := t.minMax; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest)
		t.trigger[l], t.goal[l] = f.Min[l]*1000, f.Max[l]*1000
		wide |= over(f.Min[l], MaxUnits)<<l | over(f.Max[l], MaxUnits)<<l
	}
	var much uint64
	for l, a := range &t.avail {
		much = much>>1 | over(a, MaxUnits)<<63
		t.avail[l] = a * 1000
	}
	wide |= much
	t.Done = rows
	t.leaveAll(rows&negative, Negative)
	t.leaveAll(rows&wide&^negative, Wide)
	for rest := t.Dated & t.Done; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest)
		t.from[l], t.to[l] = f.From[l], f.To[l]
		if !t.counts(l, f) {
			t.Leave(l, Kind)
		}
	}
}

// over gives 1 for what is more than most, else 0. A loop over all rows shifts such bits in from above, so that row 0
// comes to lie in bit 0.
func over(v, most int32) uint64 { return uint64(int64(most)-int64(v)) >> 63 }

// leaveAll leaves rows.
func (t *Tile) leaveAll(rows uint64, why Reason) {
	for ; rows != 0; rows &= rows - 1 {
		t.Leave(bits.TrailingZeros64(rows), why)
	}
}

// stocks works out what is available, in units, cut to what is more than the kernel counts; it returns the rows that
// owe more than there is.
func (t *Tile) stocks(f *Facts) (negative uint64) {
	onHand, unusable, reserved, backorders := f.OnHand, f.Unusable, f.Reserved, f.Backorders
	lost := f.Lost
	for l := range &t.avail {
		owed := int64(backorders[l]) &^ -int64(lost&1)
		lost >>= 1
		a := int64(onHand[l]) - int64(unusable[l]) - int64(reserved[l]) - owed
		negative = negative>>1 | uint64(a)&(1<<63)
		t.avail[l] = int32(min(a, MaxUnits+1))
	}
	return negative
}

// levels fills the columns of floors and caps; it returns the rows with a floor that is too high.
func (t *Tile) levels(f *Facts) (wide uint64) {
	safety, present, most := f.Safety, f.Present, f.Cap
	for l := range &t.level {
		level := max(safety[l], present[l])
		wide = wide>>1 | over(level, MaxUnits)<<63
		t.level[l], t.pres[l], t.units[l] = level*1000, present[l]*1000, safety[l]*1000
	}
	for l := range &t.shelf {
		room := int64(most[l])
		room |= room >> 63 & always // none: the largest number
		t.shelf[l] = int32(min(room&always*1000, always))
		t.trigger[l] = -deep
	}
	return wide
}

// days fills the columns of days; it returns the rows that look too far ahead.
func (t *Tile) days(f *Facts) (wide uint64) {
	safe, cover, life := f.SafeDays, f.Cover, f.Life
	var ahead, lives, far, long uint64
	for l := range &t.safe {
		v := safe[l]
		t.safe[l] = v
		ahead, far = ahead>>1|over(v, 0)<<63, far>>1|over(v, maxAhead*1000-1)<<63
	}
	for l := range &t.life {
		v := int32(life[l])
		t.life[l] = v
		lives, long = lives>>1|over(v, 0)<<63, long>>1|over(v, maxAhead)<<63
	}
	t.ahead, t.lives, wide = ahead, lives, far|long
	for rest := t.covers; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest)
		t.cover[l] = int32(cover[l])
		wide |= over(int32(cover[l]), maxAhead) << l
	}
	return wide
}

// Lot takes the lot size of a row.
func (t *Tile) Lot(lane int, lot *Lot) {
	l := lane % Rows
	t.pack[l], t.least[l], t.leastOrder[l], t.dead[l], t.perPack[l] = lot.pack, lot.least, lot.leastOrder, lot.dead, lot.perPack
	if lot.why != Netted {
		t.Leave(l, lot.why)
	}
}

// counts reports whether the kernel knows what a row's dates do: its policy looks at no day beyond a window, the dates
// end in the horizon or behind the last window, and all demand that is looked at lies in the sums, or the last week is
// a whole one.
func (t *Tile) counts(l int, f *Facts) bool {
	h, to := int32(t.tab.horizon), f.To[l]
	switch {
	case f.From[l] > to, (t.minMax|t.covers)>>l&1 != 0, f.SafeDays[l] >= (spare-2)*1000, f.Life[l] > spare-2:
		return false
	case to < h:
		return true
	}
	return to >= t.tab.start[t.tab.Planned+1] && f.From[l] <= h-7 && (to == net.FarDay || to <= maxDays)
}
