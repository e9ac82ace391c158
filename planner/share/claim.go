package share

// Rule says who gets the next pack.
type Rule uint8

// Rules, equal to the policy's.
const (
	Days Rule = iota
	Fill
	Proportional
	Priority
)

// Claim is one order on the DC that is still to be served from From units up to Want.
type Claim struct {
	Child    int32 // index into the children's stock given so far
	Node     int32
	NodeRank int32
	Rank     int32
	Usable   int32
	Day      int32 // pick day
	Carry    int64
	Pack     int64
	From     int64 // units given before
	Want     int64 // units wanted in all, From plus whole packs
	N        [4]int64
	Given    int64 // units given in all; Share starts it at From
	Stock    int64 // P⁰[a_k − 1] + receipts[a_k], milli-units
	Demand   int64 // of the window, milli-units
	Length   int32 // days of the window
	Floor    int64 // highest floor of the window, milli-units
	Open     int64 // units of open orders of the lane ordered today, for an order placed today
}

// packs gives how many of the claim's packs begin below n units.
func (c *Claim) packs(n int64) int64 {
	if n <= c.From {
		return 0
	}
	return min((n-c.From+c.Pack-1)/c.Pack, (c.Want-c.From)/c.Pack)
}

// tierPacks gives the packs per tier, promised ones at 0, the rest at 4.
func (c *Claim) tierPacks() (tiers [5]int64) {
	var before int64
	for i, n := range c.N {
		upTo := max(before, c.packs(n))
		tiers[i] = upTo - before
		before = upTo
	}
	tiers[4] = (c.Want-c.From)/c.Pack - before
	return tiers
}

// GivenPacks gives the packs that Share gave, per tier, promised ones at 0: of one order those of a lower tier come
// first.
func (c *Claim) GivenPacks() (tiers [5]int64) {
	left := (c.Given - c.From) / c.Pack
	for tier, packs := range c.tierPacks() {
		tiers[tier] = min(packs, left)
		left -= tiers[tier]
	}
	return tiers
}

// Split gives a quantity's units per tier, 1 to 4, by the needs n₁, n₂, n₃: a whole pack belongs to the tier of
// its first unit.
func Split(q, pack int64, n [3]int64) (tiers [4]int64) {
	tiers[0], tiers[1], tiers[2], tiers[3] = SplitInto(q, pack, n[0], n[1], n[2])
	return tiers
}

// SplitInto is Split in single numbers, which stay in registers.
func SplitInto(q, pack, n1, n2, n3 int64) (t1, t2, t3, t4 int64) {
	a := max(0, upTo(q, pack, n1))
	b := a
	if n2 != n1 {
		b = max(a, upTo(q, pack, n2))
	}
	c := b
	if n3 != n2 {
		c = max(b, upTo(q, pack, n3))
	}
	return a, b - a, c - b, q - c
}

// upTo gives the units of whole packs that begin below n units.
func upTo(q, pack, n int64) int64 {
	if n >= q {
		return q
	}
	return min(q, wholePacks(n, pack))
}

// wholePacks rounds units up to whole packs.
func wholePacks(n, pack int64) int64 {
	if up := n + pack - 1; up>>31 == 0 { // a short division is several times faster
		return int64(uint32(up) / uint32(pack) * uint32(pack))
	}
	return (n + pack - 1) / pack * pack
}
