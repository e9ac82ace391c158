package share

import (
	"cmp"
	"math/bits"
)

// before reports whether x gets the next pack rather than y.
func (p *Pool) before(x, y *Claim) bool {
	return cmp.Or(
		p.compare(x, y),
		cmp.Compare(y.Carry, x.Carry),
		cmp.Compare(x.Node, y.Node),
		cmp.Compare(x.Usable, y.Usable),
	) < 0
}

// compare orders two claims by the rule alone.
func (p *Pool) compare(x, y *Claim) int {
	switch p.Rule {
	case Fill:
		return ratios(p.stock(x), x.Floor+x.Demand, p.stock(y), y.Floor+y.Demand, 1, 1)
	case Proportional:
		return ratios(x.Given+x.Open, x.Want+x.Open, y.Given+y.Open, y.Want+y.Open, 1, 1)
	case Priority:
		return cmp.Compare(x.NodeRank, y.NodeRank)
	case Days:
	}
	return ratios(p.stock(x), x.Demand, p.stock(y), y.Demand, int64(x.Length), int64(y.Length))
}

// stock is what a claim's child has when the order arrives, with what it was given so far.
func (p *Pool) stock(c *Claim) int64 { return c.Stock + p.Given[c.Child] }

// ratios compares a × la ÷ da with b × lb ÷ db in 128 bits, la and lb lengths in days. A denominator that is
// not positive comes last.
func ratios(a, da, b, db, la, lb int64) int {
	switch {
	case da <= 0 || db <= 0:
		return cmp.Compare(boolInt(da <= 0), boolInt(db <= 0))
	case a < 0 && b >= 0:
		return -1
	case a >= 0 && b < 0:
		return 1
	}
	return cross(a, la, db).compare(cross(b, lb, da))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// wide is a signed product of up to 192 bits; sign is 1 or -1.
type wide struct {
	sign       int
	hi, mi, lo uint64
}

// cross multiplies three factors, of which only the first may be negative.
func cross(a, b, c int64) wide {
	w := wide{sign: 1}
	u := uint64(a)
	if a < 0 {
		w.sign, u = -1, -u
	}
	h, l := bits.Mul64(u, uint64(c))
	h1, l1 := bits.Mul64(l, uint64(b))
	h2, l2 := bits.Mul64(h, uint64(b))
	mi, carry := bits.Add64(h1, l2, 0)
	w.hi, w.mi, w.lo = h2+carry, mi, l1
	return w
}

func (w wide) compare(o wide) int {
	c := cmp.Or(cmp.Compare(w.hi, o.hi), cmp.Compare(w.mi, o.mi), cmp.Compare(w.lo, o.lo))
	if w.sign != o.sign {
		if w.hi|w.mi|w.lo|o.hi|o.mi|o.lo == 0 {
			return 0
		}
		return cmp.Compare(w.sign, o.sign)
	}
	return c * w.sign
}
