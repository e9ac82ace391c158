package share

import "slices"

// ration gives one pack at a time to the claim that the rule puts first until none fits; it returns the
// milli-units given. Where many packs are still to go it first raises all claims to a common level, which gives
// the packs that would have come first.
func (p *Pool) ration(claims []Claim, parts []part, room int64) int64 {
	left := room
	p.active = p.active[:0]
	for i := range parts {
		p.active = append(p.active, int32(i))
	}
	steps := 0 // single packs since the last level
	tried := false
	for {
		before := len(p.active)
		p.active = slices.DeleteFunc(p.active, func(i int32) bool {
			return parts[i].packs == 0 || claims[parts[i].claim].Pack*1000 > left
		})
		if len(p.active) == 0 {
			return room - left
		}
		if len(p.active) < before || steps > 8*len(p.active) {
			tried = false
		}
		if !tried {
			tried, steps = true, 0
			if given := p.raise(claims, parts, left); given > 0 {
				left -= given
				continue
			}
		}
		best := p.first(claims, parts)
		c := &claims[parts[best].claim]
		packs := int64(1)
		if p.constant(c) { // its place does not change by what it is given
			packs = min(parts[best].packs, left/(c.Pack*1000))
		}
		p.give(c, packs)
		parts[best].packs -= packs
		left -= packs * c.Pack * 1000
		steps++
	}
}

// first gives the active part whose claim gets the next pack.
func (p *Pool) first(claims []Claim, parts []part) int32 {
	best := p.active[0]
	for _, i := range p.active[1:] {
		if p.before(&claims[parts[i].claim], &claims[parts[best].claim]) {
			best = i
		}
	}
	return best
}

// constant reports whether a claim's place among others stays whatever it is given.
func (p *Pool) constant(c *Claim) bool {
	switch p.Rule {
	case Priority:
		return true
	case Fill:
		return c.Floor+c.Demand <= 0
	case Proportional:
		return c.Want+c.Open <= 0
	case Days:
	}
	return c.Demand <= 0
}
