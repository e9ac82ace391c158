package share

import (
	"cmp"
	"slices"
)

// Pool is what a DC has of one item and the rules of its tenant. Its buffers are reused.
type Pool struct {
	Rem        []int64 // per day
	End        int32   // last day of the window, inside Rem
	Rule       Rule
	RanksFirst bool    // ranks before tiers
	Given      []int64 // per child: milli-units given so far on all orders of the window

	order  []part
	parts  []part  // as they come, claim by claim
	counts []int32 // per key: parts, then where its next one goes
	active []int32 // parts of the bucket that still take part
	owner  []int32 // per child: the active part it has, to see whether a child has two
}

// part is the packs of one claim in one tier.
type part struct {
	key   key
	claim int32
	packs int64
}

// key is the bucket of a part: promised first, then tier and rank, or rank and tier, then pick day.
type key struct{ a, b, c, day int32 }

func (p *Pool) key(tier int, rank, day int32) key {
	switch {
	case tier == 0:
		return key{0, rank, 0, day}
	case p.RanksFirst:
		return key{1, rank, int32(tier), day}
	}
	return key{1, int32(tier), rank, day}
}

func (k key) compare(o key) int {
	return cmp.Or(cmp.Compare(k.a, o.a), cmp.Compare(k.b, o.b), cmp.Compare(k.c, o.c), cmp.Compare(k.day, o.day))
}

// Share gives the claims what there is, and lowers Rem by it. Claims must pick inside the window.
func (p *Pool) Share(claims []Claim) {
	p.parts = p.parts[:0]
	for i := range claims {
		c := &claims[i]
		c.Given = c.From
		for tier, packs := range c.tierPacks() {
			if packs > 0 {
				p.parts = append(p.parts, part{p.key(tier, c.Rank, c.Day), int32(i), packs})
			}
		}
	}
	p.arrange()
	for lo := 0; lo < len(p.order); {
		hi := lo + 1
		for hi < len(p.order) && p.order[hi].key == p.order[lo].key {
			hi++
		}
		p.bucket(claims, p.order[lo:hi])
		lo = hi
	}
}

// bucket serves the parts of one tier, rank and pick day.
func (p *Pool) bucket(claims []Claim, parts []part) {
	day := parts[0].key.day
	room := p.room(day)
	if room <= 0 {
		return
	}
	var sum int64
	for i := range parts {
		sum += parts[i].packs * claims[parts[i].claim].Pack * 1000
	}
	given := sum
	if sum <= room {
		for i := range parts {
			c := &claims[parts[i].claim]
			p.give(c, parts[i].packs)
		}
	} else {
		given = p.ration(claims, parts, room)
	}
	for d := int(day); d < len(p.Rem); d++ {
		p.Rem[d] -= given
	}
}

// room is what a pick day may give: the least, over it and the later days, of what is there and not given.
func (p *Pool) room(day int32) int64 {
	return slices.Min(p.Rem[day : p.End+1])
}

func (p *Pool) give(c *Claim, packs int64) {
	c.Given += packs * c.Pack
	p.Given[c.Child] += packs * c.Pack * 1000
}
