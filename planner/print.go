package planner

import (
	"fmt"
	"math/bits"

	"echelon/inputs"
)

// Print is a fingerprint of facts, 128 bits. Prints of a set add up, so the order of its members does not matter.
type Print struct{ A, B uint64 }

// Add joins two prints.
func (p Print) Add(o Print) Print { return Print{p.A + o.A, p.B + o.B} }

// Odd multipliers without pattern (digits of the golden ratio and of the square roots of 2 and 3).
const (
	mixA = 0x9e3779b97f4a7c15
	endA = 0x6a09e667f3bcc909
	endB = 0xbb67ae8584caa73b
)

// word mixes one more word into a print. For a given word it is a permutation of prints: nothing is lost on the way.
func (p Print) word(w uint64) Print {
	hi, lo := bits.Mul64(p.A^w, mixA)
	return Print{p.B ^ hi, lo}
}

// with joins a print that is mixed already, each at a place of its own.
func (p Print) with(o Print, place int) Print {
	return Print{p.A ^ bits.RotateLeft64(o.A, place), p.B ^ bits.RotateLeft64(o.B, place)}
}

func (p Print) num(v int64) Print { return p.word(uint64(v)) }

// two mixes two 32-bit numbers.
func (p Print) two(a, b int32) Print { return p.word(uint64(uint32(a)) | uint64(uint32(b))<<32) }

// print mixes another print.
func (p Print) print(o Print) Print { return p.word(o.A).word(o.B) }

func (p Print) text(s string) Print {
	p = p.num(int64(len(s)))
	for len(s) > 0 {
		n := min(8, len(s))
		var w uint64
		for i := range n {
			w |= uint64(s[i]) << (8 * i)
		}
		p, s = p.word(w), s[n:]
	}
	return p
}

// end closes a print: what goes into a sum must not be a simple function of its last word.
func (p Print) end(salt uint64) Print {
	hi, lo := bits.Mul64(p.A^salt, endA)
	a := hi ^ lo
	hi, lo = bits.Mul64(p.B^a, endB)
	return Print{a + p.B, hi ^ lo}
}

// cause is a kind of fact of a (DC, item); what a net change says of why it planned again.
type cause uint8

const (
	ofRows cause = iota
	ofLanes
	ofReleases
	ofCarry
	ofDate
	numParts
)

// printCell is the facts of one DC and item: the fingerprint of all, a short one of each kind to say which of them
// moved, and the number of rows.
type printCell struct {
	sum  Print
	part [numParts]uint32
	rows uint32
}

func (c *printCell) add(kind cause, p Print) { c.closed(kind, p.end(uint64(kind))) }

// closed adds what is closed already.
func (c *printCell) closed(kind cause, p Print) {
	c.sum = c.sum.Add(p)
	c.part[kind] += uint32(p.A)
}

// prints is what rows share, as fingerprints: by text, never by dense index, so that an item, node or lane that
// is new changes nothing of the others.
type prints struct {
	*run
	seed  Print
	nodes []Print // id, kind, rank
	days  []Print // day 0 of the node, closed
	items []Print // id, volume, weight, cost, currency
	sets  []Print // lane set: lanes, their sources and opportunities
	lots  []Print // lot set
	units []Print // the DCs planned together, and which of them give
	near  []Print // a unit and those it asks and answers: who is gone asks no more
}

func newPrints(r *run) *prints {
	n := r.net
	x := &prints{run: r}
	x.seed = Print{1, 2}.text(fmt.Sprintf("%+v", *r.policy)).num(int64(r.horizon))
	x.nodes = make([]Print, len(n.Nodes.ID))
	for i, id := range n.Nodes.ID {
		x.nodes[i] = Print{3, 4}.text(id).num(int64(n.Nodes.Kind[i])).num(int64(n.Nodes.Rank[i])).end(21)
	}
	x.days = make([]Print, len(n.Nodes.ID))
	for i, day := range n.Nodes.Day0 {
		x.days[i] = x.nodes[i].num(int64(day)).end(uint64(ofDate))
	}
	x.items = make([]Print, len(n.Items.ID))
	for i, id := range n.Items.ID {
		x.items[i] = x.seed.text(id).num(n.Items.Volume[i]).num(n.Items.Weight[i]).num(n.Items.Cost[i]).text(n.Items.Currency[i]).end(22)
	}
	x.units = make([]Print, len(r.units))
	for u := range r.units {
		p := Print{5, 6}
		for _, at := range r.units[u].dcs {
			p = p.text(r.siteName(at)).num(int64(bit(r.gives[at])))
		}
		x.units[u] = p
	}
	x.near = make([]Print, len(r.units))
	for u := range r.units {
		p := x.units[u].num(int64(len(r.units[u].children)))
		for _, list := range [...][]int{r.units[u].children, r.units[u].parents} {
			for _, other := range list {
				p = p.print(x.units[other])
			}
		}
		x.near[u] = p.end(24)
	}
	x.sets = make([]Print, len(n.LaneSets))
	for i := range n.LaneSets {
		x.sets[i] = x.laneSet(&n.LaneSets[i]).end(25)
	}
	x.lots = make([]Print, len(n.LotSets))
	for i, set := range n.LotSets {
		p := Print{7, 8}
		for _, l := range set {
			p = p.two(l.Pack, l.MOQ).two(l.LayerPacks, l.PalletPacks).two(l.Tolerance, l.DeadBand)
		}
		x.lots[i] = p.end(23)
	}
	return x
}

func (r *run) siteName(at int) string {
	if dc := r.net.DCs[at]; dc != inputs.Direct {
		return r.net.Nodes.ID[dc]
	}
	return "_direct"
}

// laneSet is the lanes of a row as planning sees them: names, sources, and the opportunities as compiled.
func (x *prints) laneSet(set *inputs.LaneSet) Print {
	n := x.net
	p := Print{9, 10}
	for _, lane := range set.Lanes {
		source := n.Lanes.Source[lane]
		p = p.text(n.Lanes.ID[lane]).print(x.nodes[source])
		if u := x.unitOf[source]; u >= 0 {
			p = p.print(x.units[u])
		}
	}
	for _, l := range n.Classes[set.Class].Lanes {
		p = p.num(int64(l.SourceDay0)).num(int64(l.DestDay0))
	}
	c := &x.classes[set.Class]
	p = p.two(int32(c.Planned), c.First).two(int32(len(c.Opps)), int32(len(c.Other)))
	for _, day := range c.Other {
		p = p.num(int64(day))
	}
	for _, o := range c.Opps {
		p = p.two(o.Lane, o.Order).two(o.Pick, o.Depart).two(o.Receive, o.Usable)
	}
	return p
}
