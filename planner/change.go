package planner

import (
	"context"
	"fmt"
	"sync"

	"echelon/inputs"
)

// Base is an earlier cycle from which a net change takes what it need not plan again. It was planned by the same
// engine with the same policy, horizon and wave.
type Base struct {
	Network *inputs.Network
	AsOf    int64
	Loader  Loader // the base's snapshot with the releases and the carry that counted then
	// Kept gives what the base's plan of a DC kept; nil: the DC has none and is planned in full.
	Kept func(ctx context.Context, dc string) (*Kept, error)
	// Lines gives a layer of the base's plan of a DC, merged with its own base, in the dense indexes of Network.
	// It is asked for vendor orders, carry and workload.
	Lines func(ctx context.Context, dc string, layer LayerID) (*Table, error)
	// Rows gives the rows that the base's plan of a DC was made of, those that Loader gives, where they are in memory:
	// rows that lie there as they lie in the cycle's are not read. nil, or a nil partition: all rows are.
	Rows func(ctx context.Context, dc string) (*inputs.Partition, error)
	// FullAbove is the share of a DC's rows, in thousandths, above which it is planned in full; 0: never.
	FullAbove int64
}

// Cause says why something was planned again; one for each (DC, item), the first that holds.
type Cause uint8

// Causes.
const (
	CauseFull     Cause = iota // the DC is planned in full: no base, or too much moved
	CauseSKU                   // rows of the item are new at the DC or gone from it
	CauseDate                  // a node's day 0 stepped on
	CauseLanes                 // lanes, calendars, cut-offs, lot sizes
	CauseReleased              // the base released lines of it
	CauseReleases              // remembered releases
	CauseCarry
	CauseRows     // any other column, open orders and forecasts among them
	CauseRequests // child DCs ask otherwise
	CauseAnswers  // parent DCs give otherwise
	CauseNeeded   // another DC needs its answer; its own plan is as it was
	NumCauses
)

var causeWords = [NumCauses]string{
	"full", "skus", "date", "lanes", "released", "releases", "carry", "rows", "requests", "answers", "needed",
}

// String gives the published name.
func (c Cause) String() string {
	if c < NumCauses {
		return causeWords[c]
	}
	return "unknown"
}

// Again is what of a DC a net change planned again.
type Again struct {
	Full   bool     // all of it: there is no base
	Items  []string // planned again, ascending; all their lines are in the chunks. Not when Full
	Orders []string // not planned again, but their vendor lines are: the sums of their orders moved
	Rows   int64    // of the items planned again
	Of     int64    // rows of the DC
	Read   int64    // rows whose facts were read, the others lie in memory as they lay
	// Carried counts the rows of items that stand but for their carry, which moved and put no row before another
	Carried  int64
	Replayed bool // what the items had added to the workload was planned once more from the base's rows
	Why      [NumCauses]int64
}

// change is a cycle's net change, or, without a base, the keeping of what the next one needs.
//
//	arrive    facts of a unit's partitions ─▶ diff: items whose facts are not the base's
//	ask       items that differ anywhere are asked at all units with parents
//	settle    requests that differ; need: what each unit gives again, may: what it may have to
//	give      need, and what parents answered otherwise
//	replay    the base again, only those items: what they had added to the workload
//	depart    base less what was planned again plus what is planned now
type change struct {
	*prints
	p     *planning
	base  *Base
	units []unitChange
	touch itemSet // items that differ at any connected unit
	from  indexes // base's dense indexes → this network's

	mu   sync.Mutex // guards what follows
	old  *run       // of the base, compiled when first needed
	was  *prints    // of the base, likewise
	late []departed
}

// unitChange is what a net change knows of one unit.
type unitChange struct {
	dcs     []dcChange
	arrived bool
	full    bool
	diff    itemSet // own facts differ
	shift   itemSet // only carry moved, and the plan but for carry lines is the base's (change_carry.go)
	need    itemSet // planned again whatever parents answer
	may     itemSet // may be planned again
	sent    map[int]itemSet
	// what child units ask and parent units answered, per item
	requests, answers itemPrints
}

type dcChange struct {
	facts *dcPrints
	kept  *Kept
	gone  []string    // items of the base that the network no longer has
	carry []carryMove // rows with carry, where both cycles' rows are in memory
}

// itemPrints is a sparse column of fingerprints.
type itemPrints map[int32]*[inputs.TileRows]Print

func (p itemPrints) add(group int32, item int8, x Print) {
	if p[group] == nil {
		p[group] = new([inputs.TileRows]Print)
	}
	p[group][item] = p[group][item].Add(x)
}

func (p itemPrints) of(item inputs.ItemIdx) Print {
	if b := p[int32(item/inputs.TileRows)]; b != nil {
		return b[item%inputs.TileRows]
	}
	return Print{}
}

func newChange(p *planning) (*change, error) {
	c := p.cycle
	if c.Base == nil && !c.Keep {
		return nil, nil
	}
	p.keeps, p.loads = true, c.Keep && c.Warm
	x := &change{prints: newPrints(p.run), p: p, base: c.Base, units: make([]unitChange, len(p.units))}
	for u := range x.units {
		x.units[u] = unitChange{
			dcs: make([]dcChange, len(p.units[u].dcs)), full: c.Base == nil,
			requests: itemPrints{}, answers: itemPrints{}, sent: map[int]itemSet{},
		}
	}
	if c.Base != nil {
		if c.Base.Network.Horizon != c.Network.Horizon {
			return nil, fmt.Errorf("plan: the base has a horizon of %d days, the cycle %d; plan in full", c.Base.Network.Horizon, c.Network.Horizon)
		}
		x.from = newIndexes(c.Base.Network, c.Network)
	}
	return x, nil
}

// lone reports whether a unit neither asks nor answers another.
func (x *change) lone(u int) bool {
	return len(x.p.units[u].parents) == 0 && len(x.p.units[u].children) == 0
}

// arrive reads the facts of a unit's partitions the first time they are loaded, and says what of a lone unit is
// planned.
func (p *planning) arrive(ctx context.Context, s *shop, parts []*inputs.Partition) error {
	x := p.change
	if x == nil {
		return nil
	}
	if err := x.facts(ctx, s.unit, parts); err != nil {
		return err
	}
	if x.base != nil && x.lone(s.unit) {
		s.only = x.units[s.unit].diff
	}
	return nil
}

// open says what a visit plans, now that the visits before it are over.
func (p *planning) open(ctx context.Context, s *shop) error {
	x := p.change
	switch {
	case p.replay != nil:
		p.replay.open(s)
		return nil
	case x == nil || x.base != nil && x.lone(s.unit):
		return nil
	case x.base == nil && s.give:
		return x.exchanged(ctx, s.unit)
	case x.base == nil:
		return nil
	case !s.give:
		s.only = x.touch
		return nil
	}
	if err := x.answersDiffer(ctx, s.unit); err != nil {
		return err
	}
	s.only = x.units[s.unit].need
	return nil
}

// facts reads a unit's facts and compares them with the base's.
func (x *change) facts(ctx context.Context, u int, parts []*inputs.Partition) error {
	c := &x.units[u]
	if c.arrived {
		return nil
	}
	c.arrived = true
	for i, at := range x.p.units[u].dcs {
		if err := x.factsOf(ctx, u, i, at, parts[i]); err != nil {
			return fmt.Errorf("base of %s: %w", x.siteName(at), err)
		}
	}
	if x.base == nil {
		return nil
	}
	items := len(x.net.Items.ID)
	c.diff, c.shift, c.need, c.may = newItemSet(items), newItemSet(items), newItemSet(items), newItemSet(items)
	for i := range c.dcs {
		if !c.full {
			x.compare(&c.dcs[i], c)
		}
	}
	c.shift.less(c.diff)
	if x.lone(u) {
		x.settleCarry(c)
	}
	x.weigh(c)
	return nil
}

// weigh plans a unit in full of which too much differs.
func (x *change) weigh(c *unitChange) {
	var rows, all int64
	for i := range c.dcs {
		if c.full {
			break
		}
		c.dcs[i].facts.each(func(item inputs.ItemIdx, cell *printCell) {
			all += int64(cell.rows)
			if c.diff.has(item) {
				rows += int64(cell.rows)
			}
		})
	}
	if limit := x.base.FullAbove; limit > 0 && rows*1000 > all*limit {
		c.full = true
	}
	if c.full {
		c.diff.fill()
		c.shift.less(c.diff)
		for i := range c.dcs {
			c.dcs[i].gone = nil
		}
	}
}

// factsOf reads the facts of one DC: of all its rows, or, where the base's rows are in memory too, of those that
// differ.
func (x *change) factsOf(ctx context.Context, u, i, at int, part *inputs.Partition) error {
	c := &x.units[u]
	d := &c.dcs[i]
	if x.base != nil && x.gives[at] {
		var err error
		if d.kept, err = x.base.Kept(ctx, x.siteName(at)); err != nil {
			return err
		}
		if d.kept != nil && x.base.Rows != nil {
			was, err := x.base.Rows(ctx, x.siteName(at))
			if err != nil {
				return err
			}
			if was != nil {
				if d.facts, err = x.nearPrints(part, was, u, d.kept); err != nil {
					return err
				}
				if d.facts != nil {
					d.carry = carries(part, was)
				}
			}
		}
	}
	c.full = c.full || d.kept == nil
	if d.facts == nil {
		d.facts = x.printPartition(part, u, x.p.workers())
	}
	return nil
}

// compare marks the items of a DC whose facts differ from the base's. What the base released is planned again whatever
// the facts say: lines that stay must not be releases.
func (x *change) compare(d *dcChange, c *unitChange) {
	ids := x.net.Items.ID
	item := 0
	seen := newItemSet(len(ids))
	for k, id := range d.kept.Items {
		for item < len(ids) && ids[item] < id {
			item++
		}
		if item == len(ids) || ids[item] != id {
			d.gone = append(d.gone, id)
			continue
		}
		now, was := d.facts.of(inputs.ItemIdx(item)), &d.kept.cells[k]
		if now == nil && was.facts.rows == 0 && !was.released {
			continue
		}
		switch {
		case now == nil || was.released:
			c.diff.add(inputs.ItemIdx(item))
		case now.sum == was.facts.sum:
		case d.facts.carryAlone(inputs.ItemIdx(item)):
			c.shift.add(inputs.ItemIdx(item))
		default:
			c.diff.add(inputs.ItemIdx(item))
		}
		seen.add(inputs.ItemIdx(item))
	}
	d.facts.each(func(item inputs.ItemIdx, _ *printCell) {
		if !seen.has(item) {
			c.diff.add(item)
		}
	})
}

// carryAlone reports whether nothing but the carry of an item moved, as far as that is known.
func (d *dcPrints) carryAlone(item inputs.ItemIdx) bool {
	return d.near && d.moved[searchGroup(d.groups, int32(item/inputs.TileRows))]>>(item%inputs.TileRows)&1 == 0
}

// of gives the facts of an item, nil when the DC has no row of it.
func (d *dcPrints) of(item inputs.ItemIdx) *printCell {
	at := searchGroup(d.groups, int32(item/inputs.TileRows))
	if item == inputs.None || at < 0 {
		return nil
	}
	if c := &d.blocks[at][item%inputs.TileRows]; c.rows > 0 {
		return c
	}
	return nil
}

// each calls f with the items that have rows, ascending.
func (d *dcPrints) each(f func(item inputs.ItemIdx, cell *printCell)) {
	for at, g := range d.groups {
		for k := range d.blocks[at] {
			if c := &d.blocks[at][k]; c.rows > 0 {
				f(inputs.ItemIdx(int(g)*inputs.TileRows+k), c)
			}
		}
	}
}
