package net

// Bounds of what is counted (see the package's doc).
const (
	maxDailyDependent = 1_000_000_000_000
	maxOrder          = 1_000_000_000_000
	farForward        = 400 // days of forward demand that the columns are made for
	maxSum            = 4_000_000_000_000_000_000
	// FarDay stands for an open end of the dates, FarPast for an open start.
	FarDay  = 1 << 29
	FarPast = -(1 << 29)
)

// Policies, equal to those of the inputs.
const (
	PolicyNet = iota
	PolicyMinMax
	PolicyCover
	PolicyNone
)

// Receipt is an open order or remembered release that counts.
type Receipt struct {
	Day   int32 // usable
	Lane  int32 // index into the row's lanes, -1: none of them
	Entry int32 // the caller's number of it
	Today bool  // ordered on its source's day 0
	Units int64
}

// LotStock is stock with a last usable day.
type LotStock struct {
	Expires int32
	Units   int64
}

// DatedUnits is safety stock from a day on.
type DatedUnits struct {
	From  int32
	Units int64
}

// Lot is the lot size on one lane, in units unless said otherwise.
type Lot struct {
	Pack, MOQ               int64
	LayerPacks, PalletPacks int64
	Tolerance               int64 // thousandths of the quantity before the steps
	DeadBand                int64 // thousandths of a pack
}

// Row is one SKU ready for netting. The caller fills Facts, the day columns of the horizon (Own, and where
// there are children Prom and Dep) and calls Prepare; a Row is reused for many SKUs.
type Row struct {
	Facts

	Own    []int64    // H days, whole days, not cut to dates; day 0 is what is left of it
	Lent   bool       // the memory behind Own may be used: All then shares it where they are equal
	Prom   []int64    // H days; nil: no promises
	Dep    [4][]int64 // units, H days per tier; nil: no children
	DepEnd [4][]int64 // last fourteen days of the horizon of the children's first netting, per tier

	// what Prepare works out, days 0 … T−1
	All  []int64
	D1   []int64
	D2   []int64
	D3   []int64
	Rec  []int64
	T    int
	cum  []int64 // cum[t] = All[0] + … + All[t−1]
	flat bool    // floors are the same on every day: level; else floor, pres and safe
	// the presentation minimum is the same on every day of the columns: levelPres
	steady bool
	// of a flat row
	levelFloor, levelPres, levelSafe int64
	floor, pres, safe                []int64

	Receipts []Receipt // ascending by day
	Lots     []LotStock
	Dated    []DatedUnits
	LaneLots []Lot // per lane of the row

	ignored    int64 // own demand of the horizon outside the dates
	ignoredDay int32
	tiered     bool      // D1 … D3 differ from All
	tail       [14]int64 // per day from H on: promises and dependent demand
	tailed     bool
	week       [7]int64 // per day from H on: own demand, not cut
	store      rowStore
}

// Facts are the numbers of a row.
type Facts struct {
	H         int
	Lost      bool
	Promises  bool // a DC's row: what promises alone need is worked out
	Expedited bool // order a need although an open order would cure it
	Policy    uint8
	Avail     int64 // milli-units, may be negative
	Safety    int64 // units
	SafeDays  int64 // thousandths of a day of forward demand
	Present   int64 // units
	Cap       int64 // shelf capacity in units, -1 none
	Min, Max  int64 // units
	Cover     int32 // days
	Life      int32 // days, 0 none
	From, To  int32 // dates, FarPast and FarDay when open
}

type rowStore struct {
	all, d1, d2, d3, rec, zeros, floor, pres, safe, cum []int64
}

func sized(s []int64, n int) []int64 {
	if cap(s) < n {
		return make([]int64, n, n+n/2)
	}
	return s[:n]
}

// inside reports whether a day lies in the row's dates.
func (r *Row) inside(t int32) bool { return t >= r.From && t <= r.To }

// Prepare fills the day columns up to what the table's windows look at. It must be called after any change
// of Facts, Own, Prom, Dep or Receipts.
// The columns reach to least days at the least.
func (r *Row) Prepare(tab *Table, least int) {
	t := max(r.H, least)
	if k := tab.Planned - 1; k >= 0 { // later windows end later
		end := tab.End(k, r.Cover)
		if r.Policy == PolicyCover {
			end = max(end, tab.Opps[k].Usable+r.Cover-1)
		}
		t = max(t, int(min(end, r.To, FarDay))+1)
	}
	if r.SafeDays > 0 { // forward demand of the horizon's days then lies in the columns
		t = max(t, min(r.H+int(r.SafeDays/1000)+1, r.H+farForward))
	}
	r.T = t
	r.fillDemand()
	r.fillReceipts()
	r.fillFloors()
}

func (r *Row) fillDemand() {
	h, t := r.H, r.T
	copy(r.week[:], r.Own[h-7:h])
	r.ignored, r.ignoredDay = 0, 0
	bounded := r.From > 0 || int(r.To) < t-1
	if r.Lent && !bounded && r.Prom == nil && r.Dep[0] == nil && cap(r.Own) >= t {
		r.All = r.Own[:t]
	} else {
		r.store.all = sized(r.store.all, t)
		r.All = r.store.all
		copy(r.All, r.Own[:h])
	}
	if bounded {
		r.cutToDates()
	} else {
		for d := h; d < t; d++ {
			r.All[d] = r.week[(d-h)%7]
		}
	}
	if r.tailed {
		clear(r.tail[:])
		r.tailed = false
	}
	if r.Prom != nil {
		for d, v := range r.Prom[:h] {
			r.All[d] += v
		}
		copy(r.tail[:], r.Prom[h-14:h])
		r.tailed = true
		for d := h; d < t; d++ {
			r.All[d] += r.tail[(d-h)%14]
		}
	}
	r.D1, r.D2, r.D3, r.tiered = r.All, r.All, r.All, r.Dep[0] != nil
	if r.tiered {
		r.fillDependent()
	}
	r.fillCum()
}

// cutToDates ignores own demand outside the dates, and counts what of it lies in the horizon.
func (r *Row) cutToDates() {
	for d := range r.H {
		if !r.inside(int32(d)) && r.All[d] != 0 {
			r.ignored += r.All[d]
			r.ignoredDay = int32(d)
			r.All[d] = 0
		}
	}
	for d := r.H; d < r.T; d++ {
		r.All[d] = r.ownBeyond(d)
	}
}

func (r *Row) ownBeyond(d int) int64 {
	if !r.inside(int32(min(d, FarDay))) {
		return 0
	}
	return r.week[(d-r.H)%7]
}

// fillDependent adds the children's orders: D1 … D3 hold the tiers up to theirs, All all four.
func (r *Row) fillDependent() {
	h, t := r.H, r.T
	s := &r.store
	s.d1, s.d2, s.d3 = sized(s.d1, t), sized(s.d2, t), sized(s.d3, t)
	r.D1, r.D2, r.D3 = s.d1, s.d2, s.d3
	var dep, end [4][]int64
	for i := range dep {
		dep[i], end[i] = r.Dep[i][:h], r.DepEnd[i][:14]
	}
	all, d1, d2, d3 := r.All[:t], r.D1[:t], r.D2[:t], r.D3[:t]
	for d := range h {
		d1[d] = all[d] + thousand(dep[0][d])
		d2[d] = d1[d] + thousand(dep[1][d])
		d3[d] = d2[d] + thousand(dep[2][d])
		all[d] = d3[d] + thousand(dep[3][d])
	}
	for d, at := h, 0; d < t; d++ {
		d1[d] = all[d] + thousand(end[0][at])
		d2[d] = d1[d] + thousand(end[1][at])
		d3[d] = d2[d] + thousand(end[2][at])
		all[d] = d3[d] + thousand(end[3][at])
		if at++; at == 14 {
			at = 0
		}
	}
	r.tailed = true
	for i := range r.tail {
		for j := range r.DepEnd {
			r.tail[i] += thousand(r.DepEnd[j][i])
		}
	}
}

// thousand turns children's orders of a day into milli-units.
func thousand(units int64) int64 { return min(units, maxDailyDependent) * 1000 }

func (r *Row) fillReceipts() {
	if len(r.Receipts) == 0 {
		r.store.zeros = sized(r.store.zeros, r.T) // never written to
		r.Rec = r.store.zeros
		return
	}
	r.store.rec = sized(r.store.rec, r.T)
	r.Rec = r.store.rec
	clear(r.Rec)
	for i := range r.Receipts {
		if d := int(r.Receipts[i].Day); d < r.T {
			r.Rec[d] += r.Receipts[i].Units * 1000
		}
	}
}

// On gives all demand of a day, also past the columns.
func (r *Row) On(d int) int64 {
	if d < r.T {
		return r.All[d]
	}
	return r.ownBeyond(d) + r.tail[(d-r.H)%14]
}

// Sum gives all demand of days a to b, also past the columns; 0 when b < a. Saturates at 4 × 10¹⁸.
func (r *Row) Sum(a, b int) int64 {
	if b < a {
		return 0
	}
	var sum int64
	if a < r.T {
		last := min(b, r.T-1)
		sum = r.cum[last+1] - r.cum[a]
		a = last + 1
	}
	if b >= a {
		sum = satAdd(sum, r.beyond(a, b))
	}
	return sum
}

func (r *Row) fillCum() {
	r.store.cum = sized(r.store.cum, r.T+1)
	r.cum = r.store.cum
	var sum int64
	cum := r.cum[:len(r.All)+1]
	cum[0] = 0
	for d, v := range r.All {
		sum = min(sum+v, maxSum)
		cum[d+1] = sum
	}
}

// beyond sums days a to b, both past the columns: whole weeks and fortnights at once.
func (r *Row) beyond(a, b int) int64 {
	sum := int64(0)
	from, to := max(a, int(r.From)), min(b, int(r.To))
	if to >= from {
		sum = cycleSum(r.week[:], from-r.H, to-r.H)
	}
	return satAdd(sum, cycleSum(r.tail[:], a-r.H, b-r.H))
}

// cycleSum sums positions a to b of a column that repeats without end.
func cycleSum(cycle []int64, a, b int) int64 {
	n := len(cycle)
	var whole, sum int64
	for _, v := range cycle {
		whole += v
	}
	days := b - a + 1
	turns := int64(days / n)
	if whole > 0 && turns > maxSum/whole {
		return maxSum
	}
	sum = whole * turns
	for i := a; i < a+days%n; i++ {
		sum = satAdd(sum, cycle[i%n])
	}
	return sum
}

func satAdd(a, b int64) int64 {
	if s := a + b; s <= maxSum {
		return s
	}
	return maxSum
}

// Base gives own demand inside the dates and promises of a day: what a DC owes beside its children's orders.
func (r *Row) Base(d int) int64 {
	var base int64
	if d >= r.H {
		base = r.ownBeyond(d)
	} else if r.inside(int32(d)) {
		base = r.Own[d]
	}
	return base + r.promise(d)
}

// Ignored gives the own demand of the horizon outside the dates, in milli-units, and its last day.
func (r *Row) Ignored() (milli int64, lastDay int32) { return r.ignored, r.ignoredDay }
