package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// earlier is a planned cycle that a net change lies over: its rows, what it kept, and of its lines those that a net
// change reads back.
type earlier struct {
	*memory
	mu       sync.Mutex
	kept     map[string]*planner.Kept
	lines    map[string]*[planner.NumLayers]*planner.Table
	releases map[inputs.NodeIdx][]inputs.Release
	again    planner.Again // of all DCs
	hash     [32]byte
}

// Chunk implements planner.Sink.
func (e *earlier) Chunk(_ context.Context, c *planner.Chunk) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := planfile.DCName(e.net, c.DC)
	if e.lines[name] == nil {
		e.lines[name] = &[planner.NumLayers]*planner.Table{}
	}
	copied := copyChunk(c)
	for id, t := range copied.Tables {
		if t == nil {
			continue
		}
		e.released(c.DC, t)
		if id := planner.LayerID(id); id == planner.VendorOrders || id == planner.Workload || id == planner.Carry {
			if have := e.lines[name][id]; have == nil {
				e.lines[name][id] = t
			} else {
				appendRows(have, t)
			}
		}
	}
	return nil
}

// appendRows appends a table of the carry, the only layer of the three that comes in pieces.
func appendRows(to, t *planner.Table) {
	for i := range to.Cols {
		to.Cols[i].I32 = append(to.Cols[i].I32, t.Cols[i].I32...)
		to.Cols[i].I64 = append(to.Cols[i].I64, t.Cols[i].I64...)
	}
	to.Rows += t.Rows
}

// released keeps the released lines of a table of orders.
func (e *earlier) released(dc inputs.NodeIdx, t *planner.Table) {
	if !planfile.IsOrders(t.Layer) {
		return
	}
	col := func(name string) *planner.Col {
		return &t.Cols[slices.IndexFunc(planner.LayerOf(t.Layer).Columns, func(c planner.LayerColumn) bool { return c.Name == name })]
	}
	n := e.net
	release, item, source, dest, lane := col("release"), col("item"), col("source"), col("destination"), col("lane")
	order, pick, receive, quantity, line := col("order_day"), col("pick_day"), col("receive_day"), col("quantity"), col("line")
	for r := range t.Rows {
		if release.U8[r] == 0 {
			continue
		}
		e.releases[dc] = append(e.releases[dc], inputs.Release{
			ID:   fmt.Sprintf("%d/%s/%d", dc, n.Items.ID[item.I32[r]], line.I64[r]) + planner.LayerOf(t.Layer).Name,
			Item: n.Items.ID[item.I32[r]], Source: n.Nodes.ID[source.I32[r]], Destination: n.Nodes.ID[dest.I32[r]], Lane: n.Lanes.ID[lane.I32[r]],
			Quantity: quantity.I64[r], OrderDay: calendars.Day(order.I32[r]), PickDay: calendars.Day(pick.I32[r]), ReceiveDay: calendars.Day(receive.I32[r]),
			AsOf: e.cfg.AsOf, GraceUntil: e.cfg.AsOf + 36*3600*1_000_000,
		})
	}
}

// Done implements planner.Sink.
func (e *earlier) Done(_ context.Context, r *planner.DCResult) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept[planfile.DCName(e.net, r.DC)] = r.Kept
	if r.Again != nil {
		e.again.Rows += r.Again.Rows
		e.again.Of += r.Again.Of
	}
	return nil
}

// base gives the cycle as what a net change lies over.
func (e *earlier) base() *planner.Base {
	return &planner.Base{
		Network: e.net, AsOf: e.cfg.AsOf, Loader: e.memory,
		Rows: func(_ context.Context, dc string) (*inputs.Partition, error) {
			for _, idx := range e.net.DCs {
				if planfile.DCName(e.net, idx) == dc {
					return e.parts[idx], nil
				}
			}
			return nil, nil
		},
		Kept: func(_ context.Context, dc string) (*planner.Kept, error) { return e.kept[dc], nil },
		Lines: func(_ context.Context, dc string, id planner.LayerID) (*planner.Table, error) {
			if e.lines[dc] != nil && e.lines[dc][id] != nil {
				return e.lines[dc][id], nil
			}
			return &planner.Table{Layer: id, Cols: make([]planner.Col, len(planner.LayerOf(id).Columns))}, nil
		},
	}
}

// planOn plans rows, in full or over a base.
func planOn(ctx context.Context, m *memory, s settings, base *planner.Base) (*earlier, error) {
	e := &earlier{
		memory: m, kept: map[string]*planner.Kept{}, lines: map[string]*[planner.NumLayers]*planner.Table{},
		releases: map[inputs.NodeIdx][]inputs.Release{},
	}
	c := m.cycle(s)
	c.Base, c.Keep, c.Warm = base, true, true
	r, err := planner.Plan(ctx, c, m, planner.NewMemExchange(), e, nil)
	if err != nil {
		return nil, err
	}
	e.hash = r.PlanHash
	return e, nil
}

// after gives the rows of the next cycle: what the one before released remembered, and some rows' stock changed.
func (e *earlier) after(touched func(item inputs.ItemIdx, node inputs.NodeIdx) bool) *memory {
	next := *e.memory
	next.parts = map[inputs.NodeIdx]*inputs.Partition{}
	for dc, p := range e.parts {
		changed := *p
		changed.OnHand = slices.Clone(p.OnHand)
		for r, item := range p.Item {
			if item != inputs.None && touched(item, p.Node[r]) {
				changed.OnHand[r]++
			}
		}
		next.parts[dc], _ = inputs.Overlay(&changed, e.net, e.releases[dc], nil, e.cfg.AsOf, inputs.OverlayOptions{})
	}
	return &next
}

var errNetChange = errors.New("the merged plan is not the full plan")

// netChange times a cycle that plans again what differs against the full cycle, both from rows in memory, with what
// the next cycle compares with; nothing is carried. The base is the second cycle of a night, which released next to nothing: 1 % of the
// items touched at every node, then 1 % of the rows wherever they are; last the first cycle after the night's, whose
// releases touch their own rows.
func netChange(ctx context.Context, s settings, report func(result)) error {
	m, err := inMemory(ctx, s)
	if err != nil {
		return err
	}
	none := func(inputs.ItemIdx, inputs.NodeIdx) bool { return false }
	night, err := planOn(ctx, m, s, nil)
	if err != nil {
		return err
	}
	second, err := planOn(ctx, night.after(none), s, nil)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		base *earlier
		next *memory
	}{
		{"1 % of the items", second, second.after(func(item inputs.ItemIdx, _ inputs.NodeIdx) bool { return item%100 == 7 })},
		{"1 % of the rows, scattered", second, second.after(func(item inputs.ItemIdx, node inputs.NodeIdx) bool {
			return (uint32(item)*2654435761^uint32(node)*40503)>>8%100 == 7
		})},
		{"nothing", second, second.after(none)},
		{"after the night's releases", night, night.after(none)},
	} {
		var full, net *earlier
		whole, err := timed(ctx, s, func() error {
			full, err = planOn(ctx, c.next, s, nil)
			return err
		})
		if err != nil {
			return err
		}
		part, err := timed(ctx, s, func() error {
			net, err = planOn(ctx, c.next, s, c.base.base())
			return err
		})
		if err != nil {
			return err
		}
		if full.hash != net.hash {
			return fmt.Errorf("%w: %s", errNetChange, c.name)
		}
		report(result{
			SKUs: m.skus, Seconds: part.wall, CPUSeconds: part.cpu, NsPerSKUCore: perSKUCore(part.wall, m.skus, s),
			Ratio: part.cpu / whole.cpu, RatioTo: "the full cycle, processor time",
			Extra: map[string]float64{"full_cpu_seconds": whole.cpu, "rows_again": float64(net.again.Rows), "rows": float64(net.again.Of)},
			Text:  c.name + " touched, plan hash " + hex.EncodeToString(net.hash[:8]),
		})
	}
	return nil
}
