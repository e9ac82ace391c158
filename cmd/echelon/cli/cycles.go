package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/publish/cycle"
	"echelon/publish/state"
)

func (a *app) cyclesCommand() *cobra.Command {
	var w where
	var format string
	cmd := &cobra.Command{
		Use: "cycles [CYCLE]", Short: "Cycles of the state folder; one of them, stage by stage", Args: upTo(1),
		Example: `  echelon cycles
  echelon cycles 20261121T080000Z
  echelon cycles 20261121T080000Z --format json | jq .dcs`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := tableOrJSON(format); err != nil {
				return err
			}
			if len(args) == 1 {
				w.cycle = args[0]
				return a.oneCycle(cmd.Context(), &w, format)
			}
			return a.cycles(cmd.Context(), &w, format)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&w.state, "state", defaultState, "state folder")
	fs.StringVar(&w.tenant, "tenant", "", "tenant (default: the only one in the state folder)")
	fs.StringVar(&format, "format", "table", "table or json")
	return cmd
}

// tenantOf is the tenant named, else the only one that has plans, else the default.
func (w *where) tenantOf() (string, error) {
	if w.tenant != "" {
		return w.tenant, nil
	}
	found, err := folders(w.state+"/plans", "tenant=")
	switch {
	case err != nil || len(found) == 0:
		return defaultTenant, nil //nolint:nilerr // a state folder without plans may still know cycles
	case len(found) > 1:
		return "", usagef("%s holds several tenants (%s): say --tenant", w.state, strings.Join(found, ", "))
	}
	return found[0], nil
}

// known opens the state folder and settles the tenant.
func (w *where) known(ctx context.Context) (*state.Store, error) {
	st, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	if w.tenant, err = w.tenantOf(); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return st, nil
}

// cycles lists the cycles of a tenant, the latest first.
func (a *app) cycles(ctx context.Context, w *where, format string) error {
	st, err := w.known(ctx)
	if err != nil {
		return err
	}
	defer closing(st)
	all, err := st.Cycles(ctx, w.tenant)
	if err != nil {
		return err
	}
	slices.Reverse(all)
	g := grid{
		head:  []string{"cycle", "as-of", "state", "window", "dcs", "published", "skus", "units", "took", "plan"},
		right: []bool{false, false, false, false, true, true, true, true, true},
	}
	for i := range all {
		c := &all[i]
		rows, err := st.DCs(ctx, w.tenant, c.Cycle)
		if err != nil {
			return err
		}
		if format == "json" {
			if err := jsonLine(a.out, cycleJSON(c, rows)); err != nil {
				return err
			}
			continue
		}
		out := 0
		for j := range rows {
			if rows[j].State == state.DCPublished {
				out++
			}
		}
		skus, units, took := "", "", ""
		if r := resultOf(c); r != nil {
			var n int64
			for _, d := range r.DCs {
				n += d.Units
			}
			skus, units = thousands(r.Coverage.SKUs), thousands(n)
			if ms, ok := r.Timings["total"]; ok {
				took = (time.Duration(ms) * time.Millisecond).String()
			}
		}
		g.add(c.Cycle, instantText(c.AsOf), stateWord(c), window(c), fmt.Sprint(len(rows)), fmt.Sprint(out), skus, units, took, fmt.Sprintf("%.12s", c.PlanHash))
	}
	if format == "json" {
		return nil
	}
	if len(all) == 0 {
		a.note("no cycle of tenant %s in %s", w.tenant, w.state)
		return nil
	}
	return g.text(a.out)
}

// stateWord is the state of a cycle, with the result's own word where it is over.
func stateWord(c *state.Cycle) string {
	if r := resultOf(c); r != nil && r.State != "" && r.State != c.State {
		return c.State + ", " + r.State
	}
	return c.State
}

// window is when the cycle was worked on.
func window(c *state.Cycle) string {
	from := time.UnixMicro(c.Created).UTC().Format("15:04:05")
	if c.Closed == 0 {
		return from + "–"
	}
	return from + "–" + time.UnixMicro(c.Closed).UTC().Format("15:04:05")
}

func resultOf(c *state.Cycle) *cycle.Result {
	if c.Result == "" {
		return nil
	}
	r, err := cycle.DecodeResult(c.Result)
	if err != nil {
		return nil
	}
	return r
}

// cycleJSON is a cycle for programs: what it was to plan, its DCs, and its result when it is over.
func cycleJSON(c *state.Cycle, rows []state.DC) any {
	type dc struct {
		DC        string           `json:"dc"`
		State     string           `json:"state"`
		Why       string           `json:"why,omitempty"`
		PlanHash  string           `json:"plan_hash"`
		Lines     int64            `json:"lines"`
		Counted   []string         `json:"counted"`
		CarryFrom string           `json:"carry_from"`
		Grace     string           `json:"grace_until"`
		Published map[string]int64 `json:"published"`
	}
	out := struct {
		Cycle      string            `json:"cycle"`
		Tenant     string            `json:"tenant"`
		AsOf       string            `json:"as_of"`
		State      string            `json:"state"`
		PlanHash   string            `json:"plan_hash"`
		PolicyHash string            `json:"policy_hash"`
		Inputs     map[string]string `json:"inputs"`
		Replaces   string            `json:"replaces,omitempty"`
		DCs        []dc              `json:"dcs"`
		Result     *cycle.Result     `json:"result"`
	}{
		Cycle: c.Cycle, Tenant: c.Tenant, AsOf: instantText(c.AsOf), State: c.State, PlanHash: c.PlanHash, PolicyHash: c.PolicyHash,
		Inputs: c.Inputs, Replaces: c.Replaces, DCs: []dc{}, Result: resultOf(c),
	}
	for i := range rows {
		d := &rows[i]
		out.DCs = append(out.DCs, dc{d.DC, d.State, d.Why, d.PlanHash, d.Lines, append([]string{}, d.Counted...), d.CarryFrom, instantText(d.GraceUntil), d.Topics})
	}
	return out
}

// oneCycle shows a cycle: what it was to plan, its stages, its DCs, its faults.
func (a *app) oneCycle(ctx context.Context, w *where, format string) error {
	st, err := w.known(ctx)
	if err != nil {
		return err
	}
	defer closing(st)
	c, err := st.Find(ctx, w.tenant, w.cycle)
	if err != nil {
		return err
	}
	if c == nil {
		return usagef("no cycle %s of tenant %s in %s; `echelon cycles` lists them", w.cycle, w.tenant, w.state)
	}
	rows, err := st.DCs(ctx, w.tenant, c.Cycle)
	if err != nil {
		return err
	}
	if format == "json" {
		return jsonLine(a.out, cycleJSON(c, rows))
	}
	fmt.Fprintf(a.out, "cycle   %s of %s\nas-of   %s\nstate   %s\nplan    %s\npolicy  %s\nengine  %s\nwindow  %s\n",
		c.Cycle, c.Tenant, instantText(c.AsOf), stateWord(c), c.PlanHash, c.PolicyHash, c.Engine, window(c))
	if c.Replaces != "" {
		fmt.Fprintf(a.out, "replaces %s\n", c.Replaces)
	}
	r := resultOf(c)
	if r != nil {
		a.stages(r)
	}
	fmt.Fprintln(a.out)
	g := grid{head: []string{"dc", "state", "lines", "releases of", "carry of", "grace until", "topics", "plan", "why"}, right: []bool{false, false, true}}
	for i := range rows {
		d := &rows[i]
		g.add(d.DC, d.State, thousands(d.Lines), strings.Join(d.Counted, ", "), d.CarryFrom, instantText(d.GraceUntil), fmt.Sprint(len(d.Topics)), fmt.Sprintf("%.12s", d.PlanHash), d.Why)
	}
	if err := g.text(a.out); err != nil {
		return err
	}
	if r != nil && len(r.Faults) > 0 {
		fmt.Fprintln(a.out, "\nto know:")
		for _, f := range r.Faults[:min(len(r.Faults), 20)] {
			fmt.Fprintf(a.out, "  %s: %s: %s\n", f.Kind, f.Where, f.Hint)
		}
	}
	return nil
}

// stages writes the timings, inputs and layers of a result.
func (a *app) stages(r *cycle.Result) {
	fmt.Fprintln(a.out)
	order := []string{"open", "snapshot", "compare", "account", "plan", "publish", "close"}
	names := slices.Sorted(maps.Keys(r.Timings))
	slices.SortStableFunc(names, func(x, y string) int { return stageRank(order, x) - stageRank(order, y) })
	for _, n := range names {
		fmt.Fprintf(a.out, "  %-9s %s\n", n, time.Duration(r.Timings[n])*time.Millisecond)
	}
	fmt.Fprintf(a.out, "  memory    %s at most\n", size(r.PeakRSS))
	if line := netLine(r.Net); line != "" {
		fmt.Fprintf(a.out, "  %s\n", line)
	}
	for _, layer := range slices.Sorted(maps.Keys(r.Layers)) {
		l := r.Layers[layer]
		fmt.Fprintf(a.out, "  %-14s %s lines, %s units\n", layer, thousands(l.Lines), thousands(l.Units))
	}
}

func stageRank(order []string, name string) int {
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}
