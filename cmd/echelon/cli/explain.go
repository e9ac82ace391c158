package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/inputs/store"
	"echelon/planner"
	"echelon/publish/cycle"
	"echelon/publish/outcome"
	"echelon/publish/state"
)

// explainFlags are the flags of `explain`.
type explainFlags struct {
	where
	node, item, format, inputs string
	workers                    int
}

var explainFormats = []string{"text", "json", "svg", "html"}

func (a *app) explainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use: "explain", Short: "Why this quantity: position, demand, opportunities, ledger, sharing, alternatives", Args: exactly(0),
		Long: "Plans one SKU of a past cycle again from its snapshot, with the releases and the carry that counted then, and says\n" +
			"everything that decided its orders. Works for every SKU of the snapshot, also for one without an order.",
		Example: `  echelon explain --node S000012 --item I0000036
  echelon explain --node D001 --item I0000036 --cycle 20261121T080000Z --format json | jq .opportunities
  echelon explain --node S000012 --item I0000036 --format html > why.html`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.explain(cmd.Context(), f) },
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.node, "node", "", "where")
	fs.StringVar(&f.item, "item", "", "what")
	fs.StringVar(&f.format, "format", "text", strings.Join(explainFormats, ", "))
	fs.StringVar(&f.inputs, "inputs", "", "snapshot that the cycle planned, where it was given one")
	fs.IntVar(&f.workers, "workers", 0, "goroutines (default: one per processor)")
	return cmd
}

// explained is an explanation with the cycle it belongs to.
type explained struct {
	*planner.Explanation
	cycle *state.Cycle
	rule  planner.ShareRule
	name  string // of the item, "" unknown
}

// explain writes why a SKU orders what it orders.
func (a *app) explain(ctx context.Context, f explainFlags) error {
	if f.node == "" || f.item == "" {
		return usagef("--node and --item: name the SKU")
	}
	if !slices.Contains(explainFormats, f.format) {
		return usagef("--format %q: want %s", f.format, strings.Join(explainFormats, ", "))
	}
	if err := f.settle(); err != nil {
		return err
	}
	st, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer closing(st)
	e, err := f.ask(ctx, st)
	if err != nil {
		return err
	}
	switch f.format {
	case "json":
		return jsonLine(a.out, e.json())
	case "svg":
		_, err = a.out.Write([]byte(e.svg()))
	case "html":
		_, err = a.out.Write([]byte(e.html()))
	default:
		_, err = a.out.Write([]byte(e.text()))
	}
	return err
}

// ask opens the cycle as it was planned and explains the SKU.
func (f *explainFlags) ask(ctx context.Context, st *state.Store) (*explained, error) {
	c, err := st.Find(ctx, f.tenant, f.cycle)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, usagef("no cycle %s of tenant %s in %s; `echelon cycles` lists them", f.cycle, f.tenant, f.state)
	}
	pol, err := policy.FromText(c.Policy)
	if err != nil {
		return nil, outcome.New(outcome.CodeConfig, "policy", "cycle "+c.Cycle, "use the engine version that planned it: "+c.Engine, "%w", err)
	}
	snap, err := snapshotOf(ctx, st, c, f.inputs)
	if err != nil {
		return nil, err
	}
	if snap == nil {
		return nil, outcome.New(outcome.CodeAgain, "snapshot_gone", "cycle "+c.Cycle,
			"name the snapshot it planned with --inputs, or plan the cycle again", "its snapshot is not in the state folder any more")
	}
	loader, wave, err := cycle.Reopen(ctx, st, c, snap, pol.Planner.OrderFeedNone)
	if err != nil {
		return nil, err
	}
	e, err := planner.Explain(ctx, planner.Cycle{
		Network: snap.Network, Policy: pol.Planner, AsOf: c.AsOf, DCs: wave, Workers: f.workers,
	}, loader, f.item, f.node)
	if errors.Is(err, planner.ErrUnknownSKU) {
		return nil, &usageError{err}
	}
	if err != nil {
		return nil, err
	}
	return &explained{Explanation: e, cycle: c, rule: pol.Planner.ShareRule, name: itemName(snap, f.item)}, nil
}

func itemName(snap *store.Snapshot, item string) string {
	if i, ok := slices.BinarySearch(snap.Network.Items.ID, item); ok {
		return snap.Network.Items.Name[i]
	}
	return ""
}
