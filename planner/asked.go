package planner

import (
	"slices"
	"unsafe"
)

// askedGroups keeps what groups of units with parents came to when they asked, so that their give goes on from there
// and does not net them again. What does not fit is netted again, as if nothing had been kept.
type askedGroups map[askedKey]*askedGroup

type askedKey struct {
	unit  int
	group int32
}

// askedGroup is a desk's state after asking, in memory that is exactly as large.
type askedGroup struct {
	items  uint64 // that were netted, a bit each
	skus   []sku
	book   book
	own    []int32
	dep    []int64 // of the cells with dependent demand, one after the other: days, then the end
	any    []bool
	now    []int64
	reach  []int32
	window []int32
	dueTo  []bool
	trials []keptRun
	at     [][2]int32
	bytes  int64
}

// keepAsked keeps what a desk came to, if its unit gives later and there is room.
func (p *planning) keepAsked(d *desk) {
	if d.give || d.only != nil || d.tracer != nil || len(d.requests) > 0 || !d.givesLater() {
		return
	}
	g := &askedGroup{items: d.asked}
	cells := 0
	for i := range d.dep {
		if d.dep[i].any {
			cells++
		}
	}
	h := d.horizon
	g.bytes = bytesOf(d.skus) + bytesOf(d.orders) + bytesOf(d.extras) + bytesOf(d.steps) + bytesOf(d.wide) + bytesOf(d.trials) +
		bytesOf(d.own)*3 + bytesOf(d.now) + bytesOf(d.dueTo)*2 + bytesOf(d.trialOf) + int64(cells*4*(h+14)*8)
	if !p.budget.keep(g.bytes) {
		return
	}
	g.skus = slices.Clone(d.skus)
	g.book = book{slices.Clone(d.orders), slices.Clone(d.extras), slices.Clone(d.steps), slices.Clone(d.wide)}
	g.own, g.reach, g.window = slices.Clone(d.own), slices.Clone(d.reach), slices.Clone(d.window)
	g.now, g.dueTo = slices.Clone(d.now), slices.Clone(d.dueTo)
	g.trials, g.at = slices.Clone(d.trials), slices.Clone(d.trialOf)
	g.any, g.dep = make([]bool, len(d.dep)), make([]int64, 0, cells*4*(h+14))
	for i := range d.dep {
		if c := &d.dep[i]; c.any {
			g.any[i] = true
			for t := range c.days {
				g.dep = append(append(g.dep, c.days[t]...), c.end[t]...)
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[askedKey{d.unit, d.work.group}] = g
}

// takeAsked gives what a group came to when it asked, once; nil: it was not kept.
func (p *planning) takeAsked(d *desk) *askedGroup {
	if !d.give || d.only != nil || d.tracer != nil {
		return nil
	}
	key := askedKey{d.unit, d.work.group}
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.asked[key]
	if g != nil {
		delete(p.asked, key)
		p.budget.drop(g.bytes)
	}
	return g
}

// goOn puts a desk where it was when its group had asked.
func (d *desk) goOn(g *askedGroup) {
	d.asked = g.items
	d.paths.on += int64(len(g.skus))
	d.skus = append(d.skus, g.skus...)
	d.adopt(&g.book)
	copy(d.own, g.own)
	copy(d.now, g.now)
	copy(d.reach, g.reach)
	copy(d.window, g.window)
	copy(d.dueTo, g.dueTo)
	d.trials = append(d.trials, g.trials...)
	copy(d.trialOf, g.at)
	from := g.dep
	for i, any := range g.any {
		if !any {
			continue
		}
		c := &d.dep[i]
		c.any = true
		for t := range c.days {
			from = from[copy(c.days[t], from):]
			from = from[copy(c.end[t], from):]
		}
	}
}

// givesLater reports whether the unit of a visit that asks gives in this cycle.
func (d *desk) givesLater() bool {
	return slices.ContainsFunc(d.sites, func(s site) bool { return s.gives })
}

func bytesOf[T any](list []T) int64 {
	var one T
	return int64(len(list)) * int64(unsafe.Sizeof(one))
}
