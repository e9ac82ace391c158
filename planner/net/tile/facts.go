package tile

import (
	"math/bits"

	"echelon/planner/net"
)

// Facts are the numbers of the rows of a tile as a partition holds them, 64 of each, in units unless said otherwise.
// What lies at rows that are not set means nothing. The assembly counts on the order of the fields up to Lost.
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
	t.columns(f)
	negative, wide := t.negative, t.wide
	for rest := t.covers; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest)
		t.cover[l] = int32(f.Cover[l])
		wide |= over(t.cover[l], maxAhead) << l
	}
	for rest := t.minMax; rest != 0; rest &= rest - 1 {
		l := bits.TrailingZeros64(rest)
		t.trigger[l], t.goal[l] = f.Min[l]*1000, f.Max[l]*1000
		wide |= over(f.Min[l], MaxUnits)<<l | over(f.Max[l], MaxUnits)<<l
	}
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

// columnsScalar fills the basis and, of the state, what a floor and the trigger are.
func (t *Tile) columnsScalar(f *Facts) {
	t.stocks(f)
	t.levels(f)
	t.days(f)
}

// stocks works out what is available and the rows that owe more than there is.
func (t *Tile) stocks(f *Facts) {
	onHand, unusable, reserved, backorders := f.OnHand, f.Unusable, f.Reserved, f.Backorders
	lost := f.Lost
	var negative, wide uint64
	for l := range &t.avail {
		owed := int64(backorders[l]) &^ -int64(lost&1)
		lost >>= 1
		a := int64(onHand[l]) - int64(unusable[l]) - int64(reserved[l]) - owed
		negative, wide = negative>>1|uint64(a)&(1<<63), wide>>1|uint64(MaxUnits-a)&(1<<63)
		t.avail[l] = int32(a) * 1000
	}
	t.negative, t.wide = negative, wide
}

// levels fills the columns of floors and caps.
func (t *Tile) levels(f *Facts) {
	safety, present, most := f.Safety, f.Present, f.Cap
	var wide uint64
	for l := range &t.level {
		level := max(safety[l], present[l])
		wide = wide>>1 | over(level, MaxUnits)<<63
		t.level[l], t.pres[l], t.units[l] = level*1000, present[l]*1000, safety[l]*1000
	}
	t.wide |= wide
	for l := range &t.shelf {
		room := int64(most[l])
		room |= room >> 63 & always // none: the largest number
		t.shelf[l] = int32(min(room&always*1000, always))
		t.trigger[l] = -deep
	}
}

// days fills the columns of days and the rows that have any.
func (t *Tile) days(f *Facts) {
	safe, life := f.SafeDays, f.Life
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
	t.ahead, t.lives = ahead, lives
	t.wide |= far | long
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
