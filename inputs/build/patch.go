package build

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// ErrStructure says that what changed is more than values of SKUs that the snapshot has: build it anew.
var ErrStructure = errors.New("more than values changed: the snapshot must be built anew")

// SKU names an item at a node.
type SKU struct{ Item, Node string }

// Moved names the SKUs, and the open orders, whose rows of a table came, went or changed. Each table is named only here: nothing else
// changed.
type Moved struct {
	Inventory []SKU
	Forecasts []SKU
	Safety    []SKU       // safety_stocks
	Orders    []OrderLine // open_orders
}

// Patch gives the snapshot that Snapshot would build, out of the one built before, where only rows of inventory,
// forecasts, safety_stocks and open_orders changed. before and after hold all rows of those tables of the SKUs and order
// lines that moved, as they were and as they are, and no others. Columns that no SKU touches are shared with prev, which stays as it is.
//
// The options must be those of prev; the as-of may be later while the day is the same in every zone. Network,
// partitions and counts equal those of a full build; the report's faults are those of prev. An error that is
// ErrStructure means that the snapshot cannot follow from prev.
func Patch(ctx context.Context, prev *Built, before, after inputs.Source, moved Moved, opt Options) (*Built, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	p, err := newPatcher(ctx, prev, opt)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return p.inventory(moved.Inventory, before, after) },
		func() error { return p.safety(moved.Safety, before, after) },
		func() error { return p.forecasts(moved.Forecasts, before, after) },
		func() error { return p.orders(moved.Orders, before, after) },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &Built{Network: p.net, Partitions: p.parts, Report: p.report, orders: p.kept}, nil
}

// patcher copies what it writes: a partition, then its columns, when they are first touched.
type patcher struct {
	ctx     context.Context
	opt     Options
	prev    *Built
	net     *inputs.Network
	parts   []*inputs.Partition
	owned   []ownedColumns // per partition
	report  *Report
	zones   []zoneDay // per zone
	items   sortedIDs
	nodes   sortedIDs
	laneIDs sortedIDs
	kept    *ordersKept
	within  [][]int32 // per node: partitions that have rows of it
}

// ownedColumns says which columns of a partition are copies.
type ownedColumns struct {
	partition, onHand, reserved, unusable, backorders, flags, left, days bool
}

// sortedIDs finds ids in a sorted dictionary, remembering the one before.
type sortedIDs struct {
	ids  []string
	last string
	at   int32
}

func (s *sortedIDs) index(id string) int32 {
	if id == s.last && id != "" {
		return s.at
	}
	s.last, s.at = id, inputs.None
	if i, ok := slices.BinarySearch(s.ids, id); ok {
		s.at = int32(i)
	}
	return s.at
}

func newPatcher(ctx context.Context, prev *Built, opt Options) (*patcher, error) {
	if prev.Network.Tenant != opt.Tenant || prev.Network.Horizon != opt.Horizon {
		return nil, fmt.Errorf("another tenant or horizon: %w", ErrStructure)
	}
	net := *prev.Network
	net.AsOf = opt.AsOf
	p := &patcher{
		ctx: ctx, opt: opt, prev: prev, net: &net, parts: slices.Clone(prev.Partitions),
		owned: make([]ownedColumns, len(prev.Partitions)), items: sortedIDs{ids: net.Items.ID}, nodes: sortedIDs{ids: net.Nodes.ID},
		laneIDs: sortedIDs{ids: net.Lanes.ID}, kept: prev.orders,
		within: make([][]int32, len(net.Nodes.ID)),
	}
	report := *prev.Report
	report.Tables = slices.Clone(report.Tables)
	p.report = &report
	for _, name := range net.Zones {
		z, err := calendars.LoadZone(name)
		if err != nil {
			return nil, fmt.Errorf("zone %q: %w", name, err)
		}
		day := z.DayOf(opt.AsOf)
		if day != z.DayOf(prev.Network.AsOf) {
			return nil, fmt.Errorf("day 0 moved on in %s: %w", name, ErrStructure)
		}
		p.zones = append(p.zones, zoneDay{start: z.Start(day), end: z.Start(day + 1), minutes: uint16(z.MinutesOfDay(day))})
	}
	for i, part := range prev.Partitions {
		last := inputs.NodeIdx(inputs.None)
		for _, node := range part.Node {
			if node == inputs.None || node == last {
				continue
			}
			last = node
			if list := p.within[node]; len(list) == 0 || list[len(list)-1] != int32(i) {
				p.within[node] = append(list, int32(i))
			}
		}
	}
	return p, nil
}

// spotted is where a SKU lies.
type spotted struct {
	part, row int32 // row -1: the item and the node are no SKU of the snapshot
	sku       SKU
}

// find gives the place of a SKU; an unknown id cannot be patched, for its rows are in quarantine.
func (p *patcher) find(s SKU) (spotted, error) {
	item, node := p.items.index(s.Item), p.nodes.index(s.Node)
	if item < 0 || node < 0 {
		return spotted{}, fmt.Errorf("item %q or node %q is not in the snapshot: %w", s.Item, s.Node, ErrStructure)
	}
	part, row := p.at(item, node)
	return spotted{part, row, s}, nil
}

// findAll gives the places of the SKUs that moved, and of each its rank among them.
func (p *patcher) findAll(skus []SKU) (places []spotted, at map[SKU]int, err error) {
	at = make(map[SKU]int, len(skus))
	for _, s := range skus {
		if _, there := at[s]; there {
			continue
		}
		x, err := p.find(s)
		if err != nil {
			return nil, nil, err
		}
		at[s] = len(places)
		places = append(places, x)
	}
	return places, at, p.ctx.Err()
}

// rows hands the rows of the SKUs that moved to what open returns for their batch, with the rank of their SKU, and
// counts them: those of sign 1 as read, those of sign -1 as not read any more. Rows of no SKU are filtered.
func (p *patcher) rows(table string, src inputs.Source, places []spotted, at map[SKU]int, sign int64, open func(t *inputs.Batch) func(r, rank int) bool) error {
	if len(places) == 0 || !src.Has(table) {
		return nil
	}
	counts := p.report.counts(table)
	return batches(p.ctx, src, table, func(t *inputs.Batch) error {
		item, node := t.Col("item"), t.Col("node")
		row := open(t)
		for r := range t.Rows {
			s := SKU{item.Str(r), node.Str(r)}
			rank, ok := at[s]
			if !ok {
				return fmt.Errorf("patch %s: item %q at node %q was not named as moved", table, s.Item, s.Node)
			}
			counts.Read += sign
			if places[rank].row < 0 || !row(r, rank) {
				counts.Filtered += sign
			} else {
				counts.Applied += sign
			}
		}
		return nil
	})
}

// part gives a partition to write to.
func (p *patcher) part(i int32) (*inputs.Partition, *ownedColumns) {
	if o := &p.owned[i]; !o.partition {
		o.partition = true
		part := *p.parts[i]
		p.parts[i] = &part
	}
	return p.parts[i], &p.owned[i]
}

// put writes a value into a column, which is copied before it differs from that of prev.
func put[T comparable](col *[]T, owned *bool, row int32, v T) {
	if (*col)[row] == v {
		return
	}
	if !*owned {
		*owned, *col = true, slices.Clone(*col)
	}
	(*col)[row] = v
}

// position is one inventory row.
type position struct {
	there                                bool
	onHand, reserved, unusable, backward int32
	counted                              int64
	dated                                bool
}

func (p *patcher) inventory(skus []SKU, before, after inputs.Source) error {
	places, at, err := p.findAll(skus)
	if err != nil {
		return err
	}
	found := make([]position, len(places))
	err = errors.Join(
		p.rows("inventory", before, places, at, -1, func(*inputs.Batch) func(int, int) bool {
			return func(int, int) bool { return true }
		}),
		p.rows("inventory", after, places, at, 1, func(t *inputs.Batch) func(int, int) bool {
			onHand, reserved, unusable := t.Col("on_hand"), t.Col("reserved"), t.Col("unusable")
			backorders, counted := t.Col("backorders"), t.Col("counted_at")
			return func(r, rank int) bool {
				found[rank] = position{
					there: true, onHand: int32(onHand.Int(r, 0)), reserved: int32(reserved.Int(r, 0)), unusable: int32(unusable.Int(r, 0)),
					backward: int32(backorders.Int(r, 0)), counted: counted.Int(r, 0), dated: !counted.IsNull(r),
				}
				return true
			}
		}),
	)
	if err != nil {
		return err
	}
	for i := range places {
		if places[i].row >= 0 {
			p.position(&places[i], &found[i])
		}
	}
	return nil
}

func (p *patcher) position(at *spotted, x *position) {
	part, own := p.part(at.part)
	row := at.row
	put(&part.OnHand, &own.onHand, row, x.onHand)
	put(&part.Reserved, &own.reserved, row, x.reserved)
	put(&part.Unusable, &own.unusable, row, x.unusable)
	put(&part.Backorders, &own.backorders, row, x.backward)
	flags := part.Flags[row] &^ inputs.FlagHeld
	if !x.there && !p.opt.MissingZero {
		flags |= inputs.FlagHeld
	}
	put(&part.Flags, &own.flags, row, flags)
	left := part.Day0Of[row]
	if x.dated {
		left = p.zones[p.net.Nodes.Zone[part.Node[row]]].left(x.counted)
	}
	put(&part.Day0Left, &own.left, row, left)
}
