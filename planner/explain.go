package planner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// Explanation is everything a planner asks about one SKU of a cycle. Days are civil days of the node unless
// said otherwise; quantities units, columns per day thousandths of a unit from Day0 on.
type Explanation struct {
	Item, Node, DC string
	Day0           calendars.Day
	Held           bool
	Orders         bool // it places orders: not held, not none, with an opportunity
	Lost           bool // unmet demand is lost; else backordered
	Policy         string
	Position       Position
	Settings       []Setting
	Receipts       []ExplainedReceipt
	Promises       []ExplainedPromise
	Demand         []int64    // all demand as netted: own, promises and children's orders
	Children       [4][]int64 // units of children's orders per tier; empty for a row without children
	Floor          []int64
	Opportunities  []ExplainedOpportunity
	Nettings       []Netting
	Sharings       []Sharing
	Projection     ExplainedProjection
	Exceptions     []string
	CarryBefore    int64
	CarryAfter     int64
}

// Position is the opening position in units.
type Position struct{ OnHand, Unusable, Reserved, Backorders, Available int64 }

// Setting is a parameter of the SKU, its value as text and the scope it came from.
type Setting struct{ Name, Value, Scope string }

// ExplainedReceipt is an open order or remembered release.
type ExplainedReceipt struct {
	Order, Lane             string
	Day                     calendars.Day // usable
	Due                     calendars.Day // at the dock
	Units                   int64
	Overdue, Lapsed, Forgot bool // Forgot: a release that no open order names yet
}

// ExplainedPromise is an open outbound order: demand of this node on its pick day.
type ExplainedPromise struct {
	Order, Destination string
	Pick               calendars.Day
	Units              int64
}

// ExplainedOpportunity is one chance to order with its final line.
type ExplainedOpportunity struct {
	Lane, Source, Method                 string
	Order, Pick, Depart, Receive, Usable calendars.Day // order, pick, depart: of the source
	WindowEnd                            calendars.Day
	Moved                                [5]string // what put each leg on its day: order, pick, depart, arrival, receive; "" nothing
	Pack                                 int64
	Need, Wanted, Quantity               int64
	Tiers                                [4]int64
	Steps                                []Step
	Promised, Release                    bool
	DaysOfSupply, Urgency                int64
	Shared                               bool         // its source had to share: Packs are as they were given
	Packs                                []PacksGiven // of Quantity, the first given first
}

// PacksGiven is packs of one order that were given together, and what for.
type PacksGiven struct {
	Packs int64
	Tier  int // 1 to 4, as the sharing saw them; 0: promised to a child DC's own open orders, before tier 1
	Round int // 0: when all was first shared; n: in the n-th round, from what was left
}

// Netting is one run over the SKU's opportunities.
type Netting struct {
	When    string // "first netting", "trial: round", "round", "netted again" …
	Windows []NettedWindow
}

// NettedWindow is one opportunity of a netting. A held one has only its quantity.
type NettedWindow struct {
	Opportunity int // index into Opportunities
	Held        bool
	Balance     int64 // P the day before it is usable, milli-units
	Need        int64
	N1, N2, N3  int64
	Asked       int64
	Wanted      int64
	Steps       []Step
}

// Sharing is a DC dividing what it has among its children's orders, one part of it.
type Sharing struct {
	DC        string
	Trial     bool
	From, To  calendars.Day // pick days of the DC
	Left      []int64       // milli-units left per day of the DC from its day 0, after it
	Shares    []Share
	RoundsRun int
}

// Share is one child's order in a sharing.
type Share struct {
	Node          string
	Pick          calendars.Day
	Wanted, Given int64
	Pack          int64
	Packs         []PacksGiven // what Given consists of
}

// ExplainedProjection is the SKU with its final orders, milli-units per day.
type ExplainedProjection struct{ Demand, Receipts, Planned, OnHand, Short, Floor []int64 }

// ErrUnknownSKU says that the snapshot has no such SKU.
var ErrUnknownSKU = errors.New("no such SKU in the snapshot; look for its item and node in the skus table, or in quarantine")

// Explain plans the item group of one SKU again, in all DCs that have to do with it, and notes everything that
// is asked about the SKU. The plan is that of Plan with the same cycle.
func Explain(ctx context.Context, c Cycle, l Loader, item, node string) (*Explanation, error) {
	r, err := newRun(&c)
	if err != nil {
		return nil, err
	}
	i, okItem := slices.BinarySearch(r.net.Items.ID, item)
	k, okNode := slices.BinarySearch(r.net.Nodes.ID, node)
	if !okItem || !okNode {
		return nil, fmt.Errorf("explain item %s at node %s: %w", item, node, ErrUnknownSKU)
	}
	t := &tracer{
		item: inputs.ItemIdx(i), node: inputs.NodeIdx(k), group: int32(i / inputs.TileRows), local: int8(i % inputs.TileRows),
	}
	r.tracer = t
	p := &planning{run: r, loader: l, exchange: NewMemExchange(), sink: nowhere{}, on: func(Event) {}}
	home, err := p.homeUnit(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("explain item %s at node %s: %w", item, node, err)
	}
	asked, gives := p.related(home)
	if err := p.sweep(ctx, asked, gives); err != nil {
		return nil, err
	}
	if t.out == nil {
		return nil, fmt.Errorf("explain item %s at node %s: its DC is not part of the wave; explain it in a cycle that gives for it", item, node)
	}
	return t.out, nil
}

// nowhere is a sink that drops everything.
type nowhere struct{}

func (nowhere) Chunk(context.Context, *Chunk) error   { return nil }
func (nowhere) Done(context.Context, *DCResult) error { return nil }

// homeUnit finds the unit whose partition has the SKU. Its node's home DC and the sources of lanes into it
// are looked at first.
func (p *planning) homeUnit(ctx context.Context, t *tracer) (int, error) {
	likely := func(at int) bool {
		dc := p.net.DCs[at]
		if dc == t.node || dc == p.net.Nodes.HomeDC[t.node] {
			return true
		}
		for lane, dest := range p.net.Lanes.Destination {
			if dest == t.node && p.net.Lanes.Source[lane] == dc {
				return true
			}
		}
		return false
	}
	var order []int
	for _, first := range []bool{true, false} {
		for at := range p.net.DCs {
			if likely(at) == first {
				order = append(order, at)
			}
		}
	}
	for _, at := range order {
		part, err := p.loader.Partition(ctx, p.net.DCs[at])
		if err != nil {
			return 0, fmt.Errorf("load %s: %w", p.dcName(p.net.DCs[at]), err)
		}
		if rowOf(part, t) >= 0 {
			for u := range p.units {
				if slices.Contains(p.units[u].dcs, at) {
					return u, nil
				}
			}
		}
	}
	return 0, ErrUnknownSKU
}

// rowOf finds the SKU's row in a partition, -1 when it has none.
func rowOf(part *inputs.Partition, t *tracer) int {
	at, ok := slices.BinarySearch(part.Groups, t.group)
	if !ok {
		return -1
	}
	for row := int(part.GroupTile[at]) * inputs.TileRows; row < int(part.GroupTile[at+1])*inputs.TileRows; row++ {
		if part.Item[row] == t.item && part.Node[row] == t.node {
			return row
		}
	}
	return -1
}

// related says which units must be asked and which must give for one unit's plan: those that it orders from,
// directly or not, give; all below those are asked.
func (p *planning) related(home int) (asked, gives []bool) {
	inWave, giving := p.wave()
	gives, asked = make([]bool, len(p.units)), make([]bool, len(p.units))
	gives[home] = true
	for u := range p.units { // children first: parents follow
		for _, parent := range p.units[u].parents {
			gives[parent] = gives[parent] || gives[u]
		}
	}
	for u := len(p.units) - 1; u >= 0; u-- {
		asked[u] = asked[u] || gives[u]
		for _, child := range p.units[u].children {
			asked[child] = asked[child] || asked[u]
		}
	}
	for u := range p.units {
		asked[u] = asked[u] && inWave[u]
		gives[u] = gives[u] && giving[u]
	}
	return asked, gives
}
