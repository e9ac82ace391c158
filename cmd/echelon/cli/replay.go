package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/planner"
	"echelon/publish/cycle"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// replayFlags are the flags of `replay`.
type replayFlags struct {
	where
	brokerFlags
	inputs, format string
	workers        int
	publish        bool
}

func (a *app) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use: "replay", Short: "Plans a past cycle again from its cut and compares hashes", Args: exactly(0),
		Long: "Plans a past cycle again, in full, from its snapshot with the releases and the carry that counted then, and compares\n" +
			"the plan hash of every DC with the one that the state remembers. Exit 1 when one differs. Nothing is written; with\n" +
			"--publish, what of the cycle is planned and not out yet is then published from its plan files.",
		Example: `  echelon replay --cycle 20261121T080000Z
  echelon replay --cycle 20261121T080000Z --publish --brokers kafka1:9092`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := tableOrJSON(f.format); err != nil {
				return err
			}
			return a.replay(cmd.Context(), &f)
		},
	}
	f.where.flags(cmd)
	f.brokerFlags.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.inputs, "inputs", "", "snapshot that the cycle planned, where it was given one")
	fs.StringVar(&f.format, "format", "table", "table or json")
	fs.IntVar(&f.workers, "workers", 0, "goroutines that plan (default: one per processor)")
	fs.BoolVar(&f.publish, "publish", false, "publish from the plan files what is not out yet")
	return cmd
}

// replayed is a DC planned again.
type replayed struct {
	DC    string `json:"dc"`
	Was   string `json:"plan_hash"` // as the state remembers it
	Now   string `json:"replayed"`
	Equal bool   `json:"equal"`
}

var errReplay = errors.New("planned again the cycle is another")

func (a *app) replay(ctx context.Context, f *replayFlags) error {
	if err := f.settle(); err != nil {
		return err
	}
	st, err := f.where.open(ctx)
	if err != nil {
		return err
	}
	dcs, c, err := f.again(ctx, st)
	closing(st)
	if err != nil {
		return err
	}
	equal := true
	g := grid{head: []string{"dc", "plan", "planned again", ""}}
	for _, d := range dcs {
		word := "equal"
		if !d.Equal {
			word, equal = "differs", false
		}
		g.add(d.DC, fmt.Sprintf("%.16s", d.Was), fmt.Sprintf("%.16s", d.Now), word)
	}
	if f.format == "json" {
		err = jsonLine(a.out, struct {
			Cycle string     `json:"cycle"`
			Equal bool       `json:"equal"`
			DCs   []replayed `json:"dcs"`
		}{c.Cycle, equal, dcs})
	} else {
		err = g.text(a.out)
	}
	if err != nil {
		return err
	}
	if !equal {
		return outcome.New(outcome.CodeUnexpected, "replay", "cycle "+c.Cycle,
			"the engine version that planned it was "+c.Engine+", this one is "+engineVersion, "%w", errReplay)
	}
	if !f.publish {
		return nil
	}
	return a.publishLeft(ctx, f, c)
}

// again plans the DCs of a cycle that have a plan.
func (f *replayFlags) again(ctx context.Context, st *state.Store) ([]replayed, *state.Cycle, error) {
	c, snap, pol, err := f.planned(ctx, st, f.inputs)
	if err != nil {
		return nil, nil, err
	}
	rows, err := st.DCs(ctx, c.Tenant, c.Cycle)
	if err != nil {
		return nil, nil, err
	}
	loader, _, err := cycle.Reopen(ctx, st, c, snap, pol.Planner.OrderFeedNone)
	if err != nil {
		return nil, nil, err
	}
	was := map[string]string{}
	for i := range rows {
		if rows[i].PlanHash != "" {
			was[rows[i].DC] = rows[i].PlanHash
		}
	}
	task := planner.Cycle{Network: snap.Network, Policy: pol.Planner, AsOf: c.AsOf, Workers: f.workers}
	for _, dc := range snap.Network.DCs {
		if was[planfile.DCName(snap.Network, dc)] != "" {
			task.DCs = append(task.DCs, dc)
		}
	}
	if len(task.DCs) == 0 {
		return nil, nil, usagef("cycle %s has no plan to compare with: its DCs ended otherwise", c.Cycle)
	}
	r, err := planner.Plan(ctx, task, loader, planner.NewMemExchange(), drop{}, nil)
	if err != nil {
		return nil, nil, err
	}
	var out []replayed
	for i := range r.DCs {
		name, now := planfile.DCName(snap.Network, r.DCs[i].DC), hex.EncodeToString(r.DCs[i].PlanHash[:])
		out = append(out, replayed{DC: name, Was: was[name], Now: now, Equal: was[name] == now})
	}
	return out, c, nil
}

// drop is a planner.Sink of which only the hashes are wanted.
type drop struct{}

func (drop) Chunk(context.Context, *planner.Chunk) error   { return nil }
func (drop) Done(context.Context, *planner.DCResult) error { return nil }

// publishLeft runs the cycle once more as it stands: its plan files are published, what is out stays.
func (a *app) publishLeft(ctx context.Context, f *replayFlags, c *state.Cycle) error {
	pol, err := policy.FromText(c.Policy)
	if err != nil {
		return err
	}
	to, err := f.brokerFlags.open(f.state, pol)
	if err != nil {
		return err
	}
	cfg := cycle.Config{
		Inputs: "the cut of cycle " + c.Cycle, State: f.state, Tenant: c.Tenant, Cycle: c.Cycle, AsOf: c.AsOf, DCs: c.Wave,
		Policy: pol.Planner, PolicyText: c.Policy, PolicyHash: c.PolicyHash, Defaults: pol.Defaults, Gates: cycleGates(pol),
		Unconfirmed: true, Publisher: to, Replaces: c.Replaces, Workers: f.workers, Engine: c.Engine,
		Feed: func(context.Context) (*cycle.Feed, error) {
			return nil, outcome.New(outcome.CodeAgain, "snapshot_gone", "cycle "+c.Cycle,
				"run the cycle again with its inputs", "its snapshot is not in the state folder any more")
		},
	}
	p := newProgress(a.err)
	cfg.On = p.cycle
	result, err := cycle.Run(ctx, cfg)
	p.end()
	err = errors.Join(err, to.Close())
	if err != nil {
		return err
	}
	for _, d := range result.DCs {
		a.note("dc %s: %s, %d topics", d.DC, d.State, len(d.Published))
	}
	return nil
}
