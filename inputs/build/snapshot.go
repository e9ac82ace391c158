// Package build turns validated rows into a snapshot: a Network and one Partition per DC.
//
//	nodes items lanes calendars ─▶ dictionaries, calendars, lanes        (calendars.go, nodes.go, items.go, lanes.go)
//	skus ─▶ sorted (item, node) codes: the SKU numbers                    (skus.go)
//	sourcing + lanes ─▶ lane set per SKU ─▶ cycles, links, partition      (lanesets.go, cycles.go, links.go)
//	SKU numbers ─▶ slots: (DC, group, own, class, node, item) in tiles    (place.go)
//	parameters ─▶ rows and lots, with provenance                          (cascade.go, rows.go)
//	inventory, lots, safety, carry, orders, forecasts ─▶ slots            (stock.go, orders.go, demand.go)
//
// A SKU number is the rank of (item, node); a slot is the place of a row, counted over all partitions,
// dead rows included.
//
// Invariants:
//
//	I1 The result depends on the set of rows only, never on their order or on how they are cut into batches.
//	I2 Every row of every table is applied, filtered or quarantined, and counted once.
//	I3 Dictionaries, lane sets, classes, lot sets and provenance are in the order of their contents.
//	I4 A row's facts do not change when rows that have nothing to do with it come or go; only indexes move.
package build

import (
	"context"
	"errors"
	"fmt"
	"io"

	"echelon/calendars"
	"echelon/inputs"
)

// Options of a snapshot.
type Options struct {
	Tenant      string
	AsOf        int64             // microseconds UTC
	Horizon     int               // daily buckets, 14 to 91
	MissingZero bool              // a SKU without inventory row has stock 0; else it is held
	Defaults    map[string]string // the policy's defaults by parameter name, as the text of a file
	MaxFaults   int               // faults kept in the report; 0: 1000
	Quarantine  func(inputs.Fault)
}

// Validate reports all faults of the options at once.
func (o *Options) Validate() error {
	var errs []error
	if o.Horizon < 14 || o.Horizon > 91 {
		errs = append(errs, fmt.Errorf("horizon %d days: want 14 to 91", o.Horizon))
	}
	for name, text := range o.Defaults {
		def := inputs.ParameterDef(name)
		if def == nil {
			errs = append(errs, fmt.Errorf("defaults: no parameter %q", name))
			continue
		}
		if _, err := inputs.ParseInt(def, text); err != nil {
			errs = append(errs, fmt.Errorf("defaults.%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Built is a finished snapshot. Partitions are parallel to Network.DCs.
type Built struct {
	Network    *inputs.Network
	Partitions []*inputs.Partition
	Report     *Report
	orders     *ordersKept
}

// Snapshot builds the snapshot of a source. Faults of rows are in the report; an error means that the source
// could not be read, that options are wrong, or that the rows as a whole cannot be a snapshot.
func Snapshot(ctx context.Context, src inputs.Source, opt Options) (*Built, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, src: src, opt: opt, horizon: opt.Horizon}
	b.net = &inputs.Network{Tenant: opt.Tenant, AsOf: opt.AsOf, Horizon: opt.Horizon}
	b.report = newReport(&opt)
	if err := b.run(); err != nil {
		return nil, err
	}
	if err := b.noteUnused(); err != nil {
		return nil, err
	}
	return &Built{Network: b.net, Partitions: b.parts, Report: b.report, orders: b.orders}, nil
}

// run takes the steps from tables to partitions.
func (b *builder) run() error {
	steps := []func() error{
		b.readCalendars, b.readNodes, b.readItems, b.readLanes,
		b.readSKUs, b.readSourcing, b.readParameters,
		b.chooseLanes, b.breakCycles, b.link, b.place, b.fillRows,
		b.readInventory, b.readLots, b.readSafety, b.readCarry,
		b.readOrders, b.readReleases, b.readForecasts,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// builder holds what the steps hand to each other; each file adds the part it makes.
type builder struct {
	ctx     context.Context
	src     inputs.Source
	opt     Options
	horizon int
	net     *inputs.Network
	report  *Report

	networkFacts
	skuIndex
	sourcingRows
	cascade
	laneChoice
	placement
	graph graph

	orders *ordersKept
}

// batches hands the batches of a table to f, none when there is no such table. f keeps nothing of a batch but texts.
func batches(ctx context.Context, src inputs.Source, table string, f func(*inputs.Batch) error) error {
	if !src.Has(table) {
		return nil
	}
	r, err := src.Open(ctx, table)
	if err != nil {
		return fmt.Errorf("open table %s: %w", table, err)
	}
	defer func() { _ = r.Close() }()
	for {
		batch, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read table %s: %w", table, err)
		}
		if err := f(batch); err != nil {
			return err
		}
		batch.Release()
	}
}

// each hands the batches of a table to f and counts their rows as read.
func (b *builder) each(table string, f func(*inputs.Batch, *inputs.Counts) error) error {
	if !b.src.Has(table) {
		return nil
	}
	counts := b.report.counts(table)
	return batches(b.ctx, b.src, table, func(batch *inputs.Batch) error {
		counts.Read += int64(batch.Rows)
		before := counts.Quarantined + counts.Filtered + counts.Superseded
		if err := f(batch, counts); err != nil {
			return err
		}
		counts.Applied += int64(batch.Rows) - (counts.Quarantined + counts.Filtered + counts.Superseded - before)
		return nil
	})
}

// again hands the batches of a table to f a second time, without counting.
func (b *builder) again(table string, f func(*inputs.Batch) error) error {
	return batches(b.ctx, b.src, table, f)
}

// deleted reports whether row r of an increment takes its key away instead of giving it.
func deleted(batch *inputs.Batch, r int) bool {
	return batch.Ops != nil && batch.Ops[r] == inputs.Delete
}

// noteUnused names the tables with rows that this engine version does not plan with.
func (b *builder) noteUnused() error {
	for _, c := range inputs.Contracts() {
		if c.Used || !b.src.Has(c.Table) {
			continue
		}
		rows := false
		err := b.again(c.Table, func(batch *inputs.Batch) error {
			if batch.Rows > 0 {
				rows = true
				return io.EOF
			}
			return nil
		})
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if rows {
			b.report.Unused = append(b.report.Unused, c.Table)
		}
	}
	return nil
}

// dayOr gives a date column's day, or the bound when it is null.
func dayOr(v *inputs.Vector, r int, bound calendars.Day) calendars.Day {
	return calendars.Day(v.Int(r, int64(bound)))
}
