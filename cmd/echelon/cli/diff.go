package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"echelon/publish/audit"
	"echelon/publish/state"
)

// diffFlags are the flags of `diff`.
type diffFlags struct {
	where
	dc, format string
	top        int
}

func (a *app) diffCommand() *cobra.Command {
	var f diffFlags
	cmd := &cobra.Command{
		Use: "diff FROM TO", Short: "Two cycles: what changed, by how much, and which inputs moved", Args: exactly(2),
		Long: "Compares the plans of two cycles line by line: added, gone, changed by how much, per layer, and of each (DC, item) that\n" +
			"differs what of its facts moved: skus, date, lanes, releases, carry, rows (stock, forecasts, orders, settings), requests,\n" +
			"answers. --format json writes one line per difference, and the account last.",
		Example: `  echelon diff 20261120T080000Z 20261121T080000Z
  echelon diff 20261120T080000Z 20261121T080000Z --dc D01 --format json | jq 'select(.layer == "store-orders")'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := tableOrJSON(f.format); err != nil {
				return err
			}
			return a.diff(cmd.Context(), &f, args[0], args[1])
		},
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.dc, "dc", "", "only this DC's part of the plans")
	fs.StringVar(&f.format, "format", "table", "table or json")
	fs.IntVar(&f.top, "top", 30, "at most this many lines in the table")
	return cmd
}

func (a *app) diff(ctx context.Context, f *diffFlags, from, to string) error {
	f.cycle = to
	if err := f.settle(); err != nil {
		return err
	}
	st, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer closing(st)
	var cycles [2]*state.Cycle
	for i, id := range [2]string{from, to} {
		if cycles[i], err = f.find(ctx, st, id); err != nil {
			return err
		}
	}
	w := f.where
	w.cycle = from
	one, err := w.plans(f.dc)
	if err != nil {
		return err
	}
	two, err := f.plans(f.dc)
	if err != nil {
		return err
	}
	g := grid{head: []string{"", "dc", "layer", "what", "was", "now", "units", "moved"}, right: []bool{false, false, false, false, false, false, true}}
	more := 0
	report, err := audit.Diff(ctx, one, two, func(l *audit.Line) {
		if f.format == "json" {
			err = jsonLine(a.out, l)
			return
		}
		if len(g.rows) >= f.top {
			more++
			return
		}
		g.add(l.Kind, l.DC, l.Layer, joined(l.Key, false), joined(l.Was, true), joined(l.Now, true), thousands(l.Units), l.Moved)
	})
	if err != nil {
		return err
	}
	report.From, report.To = from, to
	report.Inputs = differingInputs(cycles[0].Inputs, cycles[1].Inputs)
	if f.format == "json" {
		return jsonLine(a.out, report)
	}
	if err := g.text(a.out); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(a.out, "… and %s more; --top shows more, --format json all\n", thousands(int64(more)))
	}
	fmt.Fprintln(a.out)
	sums := grid{head: []string{"layer", "added", "gone", "changed", "same", "units"}, right: []bool{false, true, true, true, true, true}}
	for _, name := range slices.Sorted(maps.Keys(report.Layers)) {
		l := report.Layers[name]
		sums.add(name, thousands(l.Added), thousands(l.Gone), thousands(l.Changed), thousands(l.Same), thousands(l.Units))
	}
	if err := sums.text(a.out); err != nil {
		return err
	}
	for _, cause := range slices.Sorted(maps.Keys(report.Moved)) {
		fmt.Fprintf(a.out, "%s items of a DC with other %s\n", thousands(report.Moved[cause]), cause)
	}
	if len(report.Inputs) > 0 {
		fmt.Fprintf(a.out, "inputs that differ: %s (echelon changes --cycle %s --against %s)\n", strings.Join(report.Inputs, ", "), to, from)
	}
	return nil
}

// joined writes cells as name=value, or the values alone.
func joined(cells map[string]string, named bool) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(cells)) {
		switch v := cells[name]; {
		case v == "" || named && (name == "ledger" || len(v) > 24):
		case named:
			out = append(out, name+"="+v)
		default:
			out = append(out, v)
		}
	}
	return strings.Join(out, " ")
}

// differingInputs names what is not the same in two cuts.
func differingInputs(a, b map[string]string) []string {
	out := []string{}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if b[name] != a[name] {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[name]; !ok {
			out = append(out, name)
		}
	}
	return out
}
