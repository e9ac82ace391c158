package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"echelon/inputs"
	"echelon/inputs/store"
)

// A network larger than memory is built part by part: the items are cut into ranges of whole item groups, the rows of
// each range are built as a snapshot of their own on disk, and the partitions of a DC are put together one DC after
// another.
//
//	tables ─divide by item─▶ part 0 … n−1 ─Snapshot each─▶ partial partitions (drafts) ─join per DC─▶ snapshot
//
// Rows of a partition are sorted by item group first, so its partial partitions stand one behind the other. Dictionaries
// that follow from contents (classes, lane sets, lot sets, provenance) are joined in the order of their contents, which
// keeps the order of rows inside a group. The result is the one of Snapshot, bit for bit. Memory is that of one part, then
// of one DC; the disk holds the rows and the snapshot a second time for as long as it takes.

// Divisible is a source whose rows can be divided by item.
type Divisible interface {
	inputs.Source
	Divide(ctx context.Context, dir string, parts int, of func(item string) int) (Parts, error)
}

// Parts is a divided source.
type Parts interface {
	Part(i int) inputs.Source
	Close() error
}

// Sink takes a snapshot as it is made: the network, then partitions in the order of its DCs. A store.Writer is one.
type Sink interface {
	Network(net *inputs.Network) error
	Add(dc string, p *inputs.Partition) error
}

// Stream builds the snapshot of a source in so many parts, with scratch files in dir, which is made and taken away; one part needs none.
// It returns the network; errors are those of Snapshot.
func Stream(ctx context.Context, src Divisible, opt Options, parts int, dir string, out Sink) (_ *inputs.Network, _ *Report, err error) {
	if err := opt.Validate(); err != nil {
		return nil, nil, err
	}
	if parts <= 1 {
		return whole(ctx, src, opt, out)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("build snapshot: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	of, err := itemRanges(ctx, src, parts)
	if err != nil {
		return nil, nil, err
	}
	divided, err := src.Divide(ctx, filepath.Join(dir, "rows"), parts, of)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, divided.Close()) }()
	j := &joint{report: newReport(&opt)}
	defer func() { err = errors.Join(err, j.close()) }()
	for i := range parts {
		if err := j.build(ctx, divided.Part(i), opt, filepath.Join(dir, fmt.Sprintf("part-%03d", i))); err != nil {
			return nil, nil, err
		}
	}
	unused := &builder{ctx: ctx, src: src, report: j.report}
	if err := unused.noteUnused(); err != nil {
		return nil, nil, err
	}
	j.dictionaries()
	if err := out.Network(j.net); err != nil {
		return nil, nil, err
	}
	for i, dc := range j.net.DCs {
		p, err := j.partition(ctx, i)
		if err != nil {
			return nil, nil, err
		}
		if err := out.Add(store.NameOf(j.net, dc), p); err != nil {
			return nil, nil, err
		}
	}
	return j.net, j.report, nil
}

// whole builds the snapshot in one part.
func whole(ctx context.Context, src inputs.Source, opt Options, out Sink) (*inputs.Network, *Report, error) {
	built, err := Snapshot(ctx, src, opt)
	if err != nil {
		return nil, nil, err
	}
	if err := out.Network(built.Network); err != nil {
		return nil, nil, err
	}
	for i, dc := range built.Network.DCs {
		if err := out.Add(store.NameOf(built.Network, dc), built.Partitions[i]); err != nil {
			return nil, nil, err
		}
	}
	return built.Network, built.Report, nil
}

// itemRanges cuts the items, sorted by id, into parts of whole groups and tells the part of an item.
func itemRanges(ctx context.Context, src inputs.Source, parts int) (func(string) int, error) {
	b := &builder{ctx: ctx, src: src, net: &inputs.Network{}, report: newReport(&Options{})}
	var ids []string
	err := b.each("items", func(t *inputs.Batch, _ *inputs.Counts) error {
		item := t.Col("item")
		for r := range t.Rows {
			if !deleted(t, r) {
				ids = append(ids, item.Str(r))
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	groups := (len(ids) + inputs.TileRows - 1) / inputs.TileRows
	return func(item string) int {
		at, _ := slices.BinarySearch(ids, item) // an unknown item goes with its neighbours, so that files in order stay so
		return min(at, max(len(ids)-1, 0)) / inputs.TileRows * parts / max(groups, 1)
	}, nil
}

// joint is the parts on their way to one snapshot.
type joint struct {
	net    *inputs.Network
	report *Report
	parts  []*partial
}

// partial is one part: its network, its partitions on disk, and what of it the whole needs.
type partial struct {
	net   *inputs.Network
	draft *store.Draft
	graph graph

	class, set, lot, prov []int32 // its numbers → those of the whole
}

// build makes the snapshot of one part. Tables that stand whole in every part are counted in the first.
func (j *joint) build(ctx context.Context, src inputs.Source, opt Options, path string) error {
	first := len(j.parts) == 0
	b := &builder{ctx: ctx, src: src, opt: opt, horizon: opt.Horizon, report: newReport(&opt)}
	if !first {
		b.report.quarantine = func(f inputs.Fault) {
			if divided(f.Table) && opt.Quarantine != nil {
				opt.Quarantine(f)
			}
		}
	}
	b.net = &inputs.Network{Tenant: opt.Tenant, AsOf: opt.AsOf, Horizon: opt.Horizon}
	if err := b.run(); err != nil {
		return err
	}
	for i := range b.report.Tables {
		t := &b.report.Tables[i]
		switch {
		case first || divided(t.Table):
			j.report.Tables[i].Add(t.Counts)
		case t.Table == "sourcing": // a row counts in the part of its item, in the others it names no SKU
			j.report.Tables[i].Applied += t.Applied
			j.report.Tables[i].Filtered -= t.Applied
		}
	}
	for _, f := range b.report.Faults {
		if (first || divided(f.Table)) && len(j.report.Faults) < j.report.most {
			j.report.Faults = append(j.report.Faults, f)
		}
	}
	if first {
		j.net = b.net
	}
	j.net.Named = append(j.net.Named, b.net.Named...)
	draft, err := store.NewDraft(path)
	if err != nil {
		return err
	}
	j.parts = append(j.parts, &partial{net: b.net, draft: draft, graph: b.graph})
	for _, p := range b.parts {
		if err := draft.Add(p); err != nil {
			return err
		}
	}
	return nil
}

func (j *joint) close() (err error) {
	for _, p := range j.parts {
		err = errors.Join(err, p.draft.Close())
	}
	return err
}

// divided reports whether a table's rows are divided among parts.
func divided(table string) bool {
	switch table {
	case "skus", "inventory", "lots", "forecasts", "safety_stocks", "carry", "open_orders":
		return true
	}
	return false
}

// dictionaries joins what follows from contents, and the graph between DCs.
func (j *joint) dictionaries() {
	net := *j.net // what stands whole in every part: items, nodes, lanes, calendars, releases
	net.DCs, net.Units, net.Parents, net.Classes, net.LaneSets, net.LotSets, net.Provenance = nil, nil, nil, nil, nil, nil, nil
	slices.Sort(net.Named)
	net.Named = slices.Compact(net.Named)

	classes := union(j.parts, func(p *partial) []inputs.Class { return p.net.Classes }, compareClasses,
		func(p *partial, to []int32) { p.class = to })
	net.Classes = classes
	for _, p := range j.parts {
		for i := range p.net.LaneSets {
			s := &p.net.LaneSets[i]
			s.Class = inputs.ClassIdx(renumber(p.class, int32(s.Class)))
		}
	}
	net.LaneSets = union(j.parts, func(p *partial) []inputs.LaneSet { return p.net.LaneSets },
		func(x, y inputs.LaneSet) int {
			return cmp.Or(cmp.Compare(x.Class, y.Class), slices.Compare(x.Lanes, y.Lanes))
		}, func(p *partial, to []int32) { p.set = to })
	net.LotSets = union(j.parts, func(p *partial) [][]inputs.Lot { return p.net.LotSets }, compareLots,
		func(p *partial, to []int32) { p.lot = to })
	net.Provenance = union(j.parts, func(p *partial) []string { return p.net.Provenance }, cmp.Compare[string],
		func(p *partial, to []int32) { p.prov = to })

	nodes := len(net.Nodes.ID)
	used, direct := make([]bool, nodes), false
	up, parents := make([][]int32, nodes), make([][]int32, nodes)
	for _, p := range j.parts {
		direct = direct || p.graph.direct
		for n := range nodes {
			used[n] = used[n] || p.graph.used[n]
			up[n], parents[n] = append(up[n], p.graph.up[n]...), append(parents[n], p.graph.parents[n]...)
		}
	}
	b := &builder{net: &net}
	b.partitions(used, direct, up, parents)
	j.net = &net
}

// union gives the different things of all parts in order, and tells each part where its own stand.
func union[T any](parts []*partial, of func(*partial) []T, compare func(x, y T) int, tell func(*partial, []int32)) []T {
	var all []T
	for _, p := range parts {
		all = append(all, of(p)...)
	}
	slices.SortFunc(all, compare)
	all = slices.CompactFunc(all, func(x, y T) bool { return compare(x, y) == 0 })
	for _, p := range parts {
		own := of(p)
		to := make([]int32, len(own))
		for i := range own {
			at, _ := slices.BinarySearchFunc(all, own[i], compare)
			to[i] = int32(at)
		}
		tell(p, to)
	}
	return all
}

func renumber(to []int32, i int32) int32 {
	if i < 0 {
		return i
	}
	return to[i]
}

func compareClasses(x, y inputs.Class) int {
	return slices.CompareFunc(x.Lanes, y.Lanes, func(a, c inputs.ClassLane) int {
		fa, fc := a.Fields(), c.Fields()
		return slices.Compare(fa[:], fc[:])
	})
}

func compareLots(x, y []inputs.Lot) int {
	return slices.CompareFunc(x, y, func(a, c inputs.Lot) int {
		fa, fc := lotFields(&a), lotFields(&c)
		return slices.Compare(fa[:], fc[:])
	})
}

// partition puts the partition of DC i of the whole together.
func (j *joint) partition(ctx context.Context, i int) (*inputs.Partition, error) {
	dc := j.net.DCs[i]
	out := &inputs.Partition{DC: dc, Horizon: j.net.Horizon}
	var froms []*inputs.Partition
	rows := 0
	for _, p := range j.parts {
		at := slices.Index(p.net.DCs, dc)
		if at < 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		from, err := p.draft.Partition(at)
		if err != nil {
			return nil, err
		}
		p.renumber(from)
		froms = append(froms, from)
		rows += from.Rows()
	}
	out.Alloc(rows)
	at := 0
	for _, from := range froms {
		appendPartition(out, from, at)
		at += from.Rows()
	}
	slices.Sort(out.Named)
	out.Named = slices.Compact(out.Named)
	if n := len(out.Named); n == 0 {
		out.Named = nil
	}
	return out, nil
}

// renumber gives a partial partition the numbers of the whole.
func (p *partial) renumber(x *inputs.Partition) {
	for t := range x.TileClass {
		x.TileClass[t] = inputs.ClassIdx(renumber(p.class, int32(x.TileClass[t])))
	}
	for r := range x.Item {
		if x.Item[r] == inputs.None {
			continue
		}
		x.LaneSet[r] = inputs.LaneSetIdx(renumber(p.set, int32(x.LaneSet[r])))
		x.LotSet[r] = inputs.LotSetIdx(renumber(p.lot, int32(x.LotSet[r])))
		x.Prov[r] = renumber(p.prov, x.Prov[r])
	}
}
