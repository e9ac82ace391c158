package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"echelon/fixtures/generate"
	"echelon/planner"
	"echelon/publish/cycle"
)

// exampleTenant is the tenant of the example, exampleSKUs its size.
const (
	exampleTenant = "example"
	exampleSKUs   = 100_000
)

// example generates a network into the state folder, plans and publishes it, reads it back, and says what
// to look at next. given reports whether a flag was set.
func (a *app) example(ctx context.Context, f runFlags, given func(string) bool) error {
	if given("inputs") {
		return a.ended(f.result, f.tenant, f.cycle, usagef("--example makes its own inputs: leave --inputs out"))
	}
	if !given("tenant") {
		f.tenant = exampleTenant
	}
	f.inputs = filepath.Join(f.state, "example")
	if _, err := os.Stat(filepath.Join(f.inputs, "manifest.json")); err != nil {
		a.note("generating %s SKUs in %s", thousands(exampleSKUs), f.inputs)
		if err := a.generateExample(ctx, f.inputs); err != nil {
			return a.ended(f.result, f.tenant, f.cycle, err)
		}
	}
	result, err := a.run(ctx, f)
	if err != nil || f.dryRun || result.PlanHash == "" {
		return err
	}
	if !f.noPublish {
		a.note("\nreading the topics back:")
		if err := a.verifyExample(ctx, f, result); err != nil {
			return err
		}
	}
	return a.lookNext(ctx, f, result)
}

func (a *app) generateExample(ctx context.Context, dir string) error {
	net, err := generate.New(generate.Config{SKUs: exampleSKUs, DCs: 4, StoresPerDC: 50, Seed: 1})
	if err != nil {
		return err
	}
	_, err = a.write(ctx, net, dir, generate.Parquet)
	return err
}

// verifyExample compares the topics with the plan files, on a connection of its own.
func (a *app) verifyExample(ctx context.Context, f runFlags, r *cycle.Result) error {
	_, pol, err := f.config()
	if err != nil {
		return err
	}
	to, err := f.open(f.state, pol)
	if err != nil {
		return err
	}
	w := where{state: f.state, tenant: r.Tenant, cycle: r.Cycle}
	return errors.Join(a.verify(ctx, &w, to, "table"), to.Close())
}

// pick is an order line worth looking at.
type pick struct {
	item, node, source string
	quantity, wanted   int64
}

// lookNext names real lines of the plan: a shorted one and the largest release.
func (a *app) lookNext(ctx context.Context, f runFlags, r *cycle.Result) error {
	files, _, err := a.planned(ctx, f, r)
	if err != nil {
		return err
	}
	var large, shorted pick
	for _, dc := range files {
		if dc.Manifest.Layer(planner.StoreOrders) == nil {
			continue
		}
		for b, err := range dc.Merged(ctx, planner.StoreOrders) {
			if err != nil {
				return err
			}
			for row := range b.Rows {
				p := pick{
					item: b.Col("item").Str(row), node: b.Col("destination").Str(row), source: b.Col("source").Str(row),
					quantity: whole(b.Col("quantity"), row), wanted: whole(b.Col("wanted"), row),
				}
				if whole(b.Col("release"), row) == 0 {
					continue
				}
				if p.quantity > large.quantity {
					large = p
				}
				if p.wanted-p.quantity > shorted.wanted-shorted.quantity {
					shorted = p
				}
			}
		}
	}
	more := f.more(r)
	a.note("\nlook next:")
	if shorted.item != "" {
		a.note("  echelon explain --node %s --item %s%s", shorted.node, shorted.item, more)
		a.note("      wanted %s units today and got %s: who else wanted %s's stock", thousands(shorted.wanted), thousands(shorted.quantity), shorted.source)
	}
	if large.item != "" {
		a.note("  echelon explain --node %s --item %s%s", large.node, large.item, more)
		a.note("      the largest release to a store: why %s units", thousands(large.quantity))
		a.note("  echelon show store-orders --node %s --released --top 20 --by urgency%s", large.node, more)
	}
	a.note("  echelon show exceptions --kind stock_out --top 20 --by units%s", more)
	a.note("  echelon cycles %s%s", r.Cycle, stateFlag(f.state))
	a.note("  echelon verify%s", more)
	if f.brokers == "" && !f.noPublish {
		a.note("  echelon broker --port 9092%s       then: kcat -b 127.0.0.1:9092 -t %s.plan.store-orders.v1 -C -e | head", stateFlag(f.state), r.Tenant)
	}
	return nil
}
