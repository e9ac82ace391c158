package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"echelon/publish/audit"
	"echelon/publish/outcome"
)

// changesFlags are the flags of `changes`.
type changesFlags struct {
	where
	against, format string
}

func (a *app) changesCommand() *cobra.Command {
	var f changesFlags
	cmd := &cobra.Command{
		Use: "changes", Short: "What changed in the inputs of a cycle, per table and column", Args: exactly(0),
		Long: "Compares the snapshot of a cycle with that of the cycle before it (or of --against): rows changed per table and column,\n" +
			"old and new totals. Values are those that planning reads: after the cascade, forecasts as thousandths over the horizon.\n" +
			"Rows of items, nodes, lanes, sourcing, calendars and calendar days are named; sourcing is the lanes that SKUs use.",
		Example: `  echelon changes --cycle 20261121T080000Z
  echelon changes --cycle 20261121T080000Z --against 20261120T080000Z --format json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := tableOrJSON(f.format); err != nil {
				return err
			}
			return a.changes(cmd.Context(), &f)
		},
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.against, "against", "", "cycle to compare with (default: the one before)")
	fs.StringVar(&f.format, "format", "table", "table or json")
	return cmd
}

func (a *app) changes(ctx context.Context, f *changesFlags) error {
	if err := f.settle(); err != nil {
		return err
	}
	st, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer closing(st)
	c, now, _, err := f.planned(ctx, st, "")
	if err != nil {
		return err
	}
	earlier, err := f.before(ctx, st, c)
	if f.against != "" {
		earlier, err = f.find(ctx, st, f.against)
	}
	if err != nil {
		return err
	}
	if earlier == nil {
		return usagef("no cycle before %s to compare with; --against names one", c.Cycle)
	}
	was, err := snapshotOf(ctx, st, earlier, "")
	if err != nil {
		return err
	}
	if was == nil {
		return outcome.New(outcome.CodeAgain, "snapshot_gone", "cycle "+earlier.Cycle,
			"name another cycle with --against", "its snapshot is not in the state folder any more")
	}
	moves, err := audit.Changes(ctx, was, now)
	if err != nil {
		return err
	}
	moves.From, moves.To = earlier.Cycle, c.Cycle
	if f.format == "json" {
		return jsonLine(a.out, moves)
	}
	fmt.Fprintf(a.out, "from cycle %s to %s\n\n", moves.From, moves.To)
	g := grid{head: []string{"table", "new", "gone", "changed"}, right: []bool{false, true, true, true}}
	for _, t := range moves.Tables {
		g.add(t.Table, thousands(t.Added), thousands(t.Gone), thousands(t.Rows))
	}
	cols := grid{head: []string{"table", "column", "rows changed", "was", "now", "by"}, right: []bool{false, false, true, true, true, true}}
	for _, x := range moves.Columns {
		cols.add(x.Table, x.Column, thousands(x.Rows), thousands(x.Was), thousands(x.Now), thousands(x.Now-x.Was))
	}
	if len(g.rows) == 0 && len(cols.rows) == 0 {
		fmt.Fprintln(a.out, "nothing changed")
		return nil
	}
	if err := g.text(a.out); err != nil {
		return err
	}
	for _, t := range moves.Tables {
		for _, name := range t.Names {
			fmt.Fprintf(a.out, "  %s: %s\n", t.Table, name)
		}
		if t.More > 0 {
			fmt.Fprintf(a.out, "  %s: and %s more\n", t.Table, thousands(t.More))
		}
	}
	fmt.Fprintln(a.out)
	return cols.text(a.out)
}
