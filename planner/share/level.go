package share

import (
	"math"
	"math/bits"
)

// line is a claim's value as packs are given: (start + packs × step) × length ÷ demand.
type line struct{ start, step, length, demand int64 }

func (p *Pool) line(c *Claim) line {
	switch p.Rule {
	case Fill:
		return line{p.stock(c), c.Pack * 1000, 1, c.Floor + c.Demand}
	case Proportional:
		return line{c.Given + c.Open, c.Pack, 1, c.Want + c.Open}
	case Days, Priority:
	}
	return line{p.stock(c), c.Pack * 1000, int64(c.Length), c.Demand}
}

// below gives how many of so many packs have, before they are given, a value under level ÷ 2^shift.
func (l line) below(level int64, shift uint, packs int64) int64 {
	// start + j × step < level × demand ÷ (length × 2^shift)
	bound := mulDivCeil(level, l.demand, l.length<<shift)
	if bound <= l.start {
		return 0
	}
	span := uint64(bound-1) - uint64(l.start) // both fit: the difference of two int64 fits a uint64
	return int64(min(span/uint64(l.step)+1, uint64(packs)))
}

const (
	levelEnd  = 1 << 61
	fewPacks  = 8  // per claim: not worth a level
	mostShift = 40 // bits of a level behind the point
)

// raise gives all active claims the packs that come before a common level, the highest that leaves room for the
// largest pack, so that none would have been passed over. It returns the milli-units given; 0: nothing to gain.
func (p *Pool) raise(claims []Claim, parts []part, left int64) int64 {
	var largest, packs int64
	shift := uint(mostShift)
	lines := int64(0)
	p.owner = p.owner[:0]
	for _, i := range p.active {
		c := &claims[parts[i].claim]
		if p.constant(c) {
			continue
		}
		lines++
		packs = min(packs+parts[i].packs, math.MaxInt32)
		largest = max(largest, c.Pack*1000)
		shift = min(shift, p.line(c).room())
		if p.Rule != Proportional {
			p.owner = append(p.owner, c.Child)
		}
	}
	if packs <= fewPacks*lines || left <= largest || p.twoOfOneChild() {
		return 0
	}
	low, high := int64(-levelEnd), int64(levelEnd) // what is below low fits
	if p.upTo(claims, parts, low, shift, left-largest) < 0 {
		return 0
	}
	for high-low > 1 {
		mid := low + (high-low)/2
		if p.upTo(claims, parts, mid, shift, left-largest) >= 0 {
			low = mid
		} else {
			high = mid
		}
	}
	var given int64
	for _, i := range p.active {
		c := &claims[parts[i].claim]
		if p.constant(c) {
			continue
		}
		n := p.line(c).below(low, shift, parts[i].packs)
		p.give(c, n)
		parts[i].packs -= n
		given += n * c.Pack * 1000
	}
	return given
}

// upTo gives the milli-units of the packs below a level, −1 when they are more than may be given.
func (p *Pool) upTo(claims []Claim, parts []part, level int64, shift uint, most int64) int64 {
	var sum int64
	for _, i := range p.active {
		c := &claims[parts[i].claim]
		if p.constant(c) {
			continue
		}
		n := p.line(c).below(level, shift, parts[i].packs)
		hi, lo := bits.Mul64(uint64(n), uint64(c.Pack)*1000)
		if hi > 0 || lo > uint64(most-sum) {
			return -1
		}
		sum += int64(lo)
	}
	return sum
}

// twoOfOneChild reports whether a child has two active claims whose values move together.
func (p *Pool) twoOfOneChild() bool {
	for i, a := range p.owner {
		for _, b := range p.owner[:i] {
			if a == b {
				return true
			}
		}
	}
	return false
}

// room is how many bits behind the point the claim's values leave in a level.
func (l line) room() uint {
	const far = 1 << 50 // packs × step of one claim
	hi, lo := bits.Mul64(uint64(max(l.start, -l.start))+far, uint64(l.length))
	if hi >= uint64(l.demand) {
		return 0
	}
	value, _ := bits.Div64(hi, lo, uint64(l.demand))
	used := bits.Len64(value)
	return uint(max(0, min(60-used, mostShift)))
}

// mulDivCeil gives a × b ÷ c rounded up, b and c positive; cut to ±2⁶².
func mulDivCeil(a, b, c int64) int64 {
	const most = 1 << 62
	negative := a < 0
	u := uint64(a)
	if negative {
		u = -u
	}
	hi, lo := bits.Mul64(u, uint64(b))
	if hi >= uint64(c) {
		if negative {
			return -most
		}
		return most
	}
	q, rem := bits.Div64(hi, lo, uint64(c))
	if q > most {
		q, rem = most, 0
	}
	switch {
	case negative:
		return -int64(q)
	case rem > 0:
		q++
	}
	return int64(q)
}
