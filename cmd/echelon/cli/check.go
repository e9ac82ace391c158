package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/inputs"
	"echelon/inputs/build"
	"echelon/inputs/feed"
	"echelon/inputs/store"
	"echelon/publish/outcome"
)

// checkFlags are the flags of `check`.
type checkFlags struct {
	inputs, mapping, policy, asOf string
	state, tenant, format         string
	faults                        int
	strict                        bool
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use: "check", Short: "Inputs against their contracts: counts and first faults; plans nothing", Args: exactly(0),
		Long: "Reads every table, checks each row against its contract and against the rows that it names, and puts the counts\n" +
			"through the gates of the policy. Exit 65: a cycle of these inputs would be refused.",
		Example: `  echelon check --inputs /data/tonight
  echelon check --inputs /data/tonight --mapping acme.yaml --policy policy.yaml --faults 100
  echelon check --inputs /data/tonight --format json | jq .tables.inventory`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.check(cmd.Context(), f) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.inputs, "inputs", "", "folder of input tables, or a snapshot")
	fs.StringVar(&f.mapping, "mapping", "", "mapping file (default: mapping.yaml of the folder, where there is one)")
	fs.StringVar(&f.policy, "policy", "", "policy file: horizon, defaults, gates")
	fs.StringVar(&f.asOf, "as-of", "", "as-of instant, RFC 3339 (default: the inputs', else now)")
	fs.StringVar(&f.state, "state", defaultState, "state folder, for the row counts of the last cycle")
	fs.StringVar(&f.tenant, "tenant", defaultTenant, "tenant")
	fs.IntVar(&f.faults, "faults", 20, "how many faults to show")
	fs.StringVar(&f.format, "format", "table", "table or json")
	fs.BoolVar(&f.strict, "strict", false, "exit 10 when a gate degrades")
	return cmd
}

const defaultTenant = "default"

// checked is what `check` found, as its JSON form has it.
type checked struct {
	State   string                   `json:"state"` // full, degraded, refused
	Inputs  string                   `json:"inputs"`
	AsOf    string                   `json:"as_of"`
	Tables  map[string]*checkedTable `json:"tables"`
	SKUs    checkedSKUs              `json:"skus"`
	Gates   []checkedGate            `json:"gates"`
	Notices []feed.Notice            `json:"notices"`
	Faults  []checkedFault           `json:"faults"` // the first ones

	order []string // tables as the contracts have them
}

// checkedTable is what became of the records of one table: read = applied + superseded + quarantined + filtered.
type checkedTable struct {
	Read        int64            `json:"read"`
	Applied     int64            `json:"applied"`
	Superseded  int64            `json:"superseded"`
	Quarantined int64            `json:"quarantined"`
	Filtered    int64            `json:"filtered"`
	Reasons     map[string]int64 `json:"reasons"`
}

// checkedSKUs says what would be planned, and what not.
type checkedSKUs struct {
	Rows       int64 `json:"rows"`
	NoPosition int64 `json:"no_position"`
	NoLane     int64 `json:"no_lane"`
	LaneCycle  int64 `json:"lane_cycle"`
	NoForecast int64 `json:"no_forecast"`
	DCs        int   `json:"dcs"`
}

// checkedGate is a gate that does not pass.
type checkedGate struct {
	Table string `json:"table"`
	Kind  string `json:"kind"`
	Hint  string `json:"hint"`
	State string `json:"state"` // degraded, refused
}

// checkedFault is one quarantined row.
type checkedFault struct {
	Table  string `json:"table"`
	Source string `json:"source"`
	Row    int64  `json:"row"`
	Column string `json:"column"`
	Value  string `json:"value"`
	Reason string `json:"reason"`
	Hint   string `json:"hint"`
}

// check reads the inputs as a cycle would and says what it found.
func (a *app) check(ctx context.Context, f checkFlags) error {
	if f.inputs == "" {
		return usagef("--inputs: name the folder of input tables")
	}
	if err := tableOrJSON(f.format); err != nil {
		return err
	}
	pol, err := policy.Load(f.policy)
	if err != nil {
		return policyError(err)
	}
	var c *checked
	if isSnapshot(f.inputs) {
		c, err = checkSnapshot(ctx, f)
	} else {
		c, err = checkFolder(ctx, f, pol)
	}
	if err != nil {
		return err
	}
	if err := c.gates(ctx, f, pol); err != nil {
		return err
	}
	switch c.State {
	case "refused":
		a.code = outcome.CodeRefused
	case "degraded":
		if f.strict {
			a.code = outcome.CodeDegraded
		}
	}
	if f.format == "json" {
		return jsonLine(a.out, c)
	}
	return a.printChecked(c, f.faults)
}

// policyError is a policy file that cannot be followed (78).
func policyError(err error) error {
	return outcome.New(outcome.CodeConfig, "policy", "--policy", "correct the file; docs/operations.md lists the keys", "%w", err)
}

// isSnapshot reports whether a folder is a snapshot and not a folder of tables.
func isSnapshot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "network.parquet"))
	return err == nil
}

// checkFolder reads a folder of tables through feed and builder.
func checkFolder(ctx context.Context, f checkFlags, pol *policy.File) (*checked, error) {
	c := &checked{Inputs: f.inputs, State: "full", Tables: map[string]*checkedTable{}, Gates: []checkedGate{}, Notices: []feed.Notice{}, Faults: []checkedFault{}}
	note := func(fault inputs.Fault) {
		t := c.table(fault.Table)
		t.Reasons[string(fault.Reason)]++
		if t.shown(fault.Reason) <= int64(f.faults) {
			c.Faults = append(c.Faults, checkedFault{
				Table: fault.Table, Source: filepath.Base(fault.Source), Row: fault.Position, Column: fault.Column,
				Value: fault.Value, Reason: string(fault.Reason), Hint: fault.Hint,
			})
		}
	}
	folder, err := feed.Open(ctx, f.inputs, feed.Options{Mapping: f.mapping, Quarantine: note})
	if err != nil {
		return nil, err
	}
	asOf, ok := folder.AsOf()
	if f.asOf != "" {
		if asOf, err = instantOf("as-of", f.asOf); err != nil {
			return nil, &usageError{err}
		}
	} else if !ok {
		asOf = time.Now().UnixMicro()
	}
	c.AsOf = instantText(asOf)
	built, err := build.Snapshot(ctx, folder, build.Options{
		Tenant: f.tenant, AsOf: asOf, Horizon: pol.Planner.HorizonDays, MissingZero: pol.Planner.MissingZero,
		Defaults: pol.Defaults, MaxFaults: 1, Quarantine: note,
	})
	if err != nil {
		return nil, err
	}
	if err := folder.CheckUnused(ctx); err != nil {
		return nil, err
	}
	rep := folder.Report()
	for _, t := range rep.Tables {
		c.count(t.Table, t.Counts, built.Report.Counts(t.Table))
	}
	c.Notices = append(c.Notices, rep.Notices...)
	for _, p := range built.Partitions {
		c.SKUs.add(p)
	}
	c.SKUs.DCs = len(built.Partitions)
	c.sortFaults(f.faults)
	return c, nil
}

// table gives the entry of a table, making it when it is the first fault's.
func (c *checked) table(name string) *checkedTable {
	t := c.Tables[name]
	if t == nil {
		t = &checkedTable{Reasons: map[string]int64{}}
		c.Tables[name] = t
	}
	return t
}

func (t *checkedTable) shown(r inputs.Reason) int64 { return t.Reasons[string(r)] }

// count joins what the feed and the builder counted: the builder got the rows that the feed let through.
func (c *checked) count(name string, fed, built inputs.Counts) {
	t := c.table(name)
	t.Read, t.Applied = fed.Read, fed.Applied
	t.Superseded, t.Quarantined, t.Filtered = fed.Superseded, fed.Quarantined, fed.Filtered
	if inputs.ContractOf(name).Used {
		t.Applied = built.Applied
		t.Superseded += built.Superseded
		t.Quarantined += built.Quarantined
		t.Filtered += built.Filtered
	}
	c.order = append(c.order, name)
}

// sortFaults orders the faults by table, then so that each reason of a table is seen before the second row
// of any, and keeps the first n.
func (c *checked) sortFaults(n int) {
	rank := map[string]int{}
	for i, name := range c.order {
		rank[name] = i
	}
	turn := map[string]int{}
	turns := make([]int, len(c.Faults))
	at := make([]int, len(c.Faults))
	for i := range c.Faults {
		f := &c.Faults[i]
		turns[i] = turn[f.Table+f.Reason+f.Column]
		turn[f.Table+f.Reason+f.Column]++
		at[i] = i
	}
	slices.SortStableFunc(at, func(x, y int) int {
		return cmp.Or(cmp.Compare(turns[x], turns[y]), cmp.Compare(rank[c.Faults[x].Table], rank[c.Faults[y].Table]))
	})
	at = at[:min(n, len(at))]
	slices.SortStableFunc(at, func(x, y int) int { return cmp.Compare(rank[c.Faults[x].Table], rank[c.Faults[y].Table]) })
	kept := make([]checkedFault, len(at))
	for i, j := range at {
		kept[i] = c.Faults[j]
	}
	c.Faults = kept
}

func (s *checkedSKUs) add(p *inputs.Partition) {
	s.Rows += int64(p.Live)
	for row, flags := range p.Flags {
		if p.Item[row] == inputs.None {
			continue
		}
		switch {
		case flags&inputs.FlagHeld != 0:
			s.NoPosition++
		case flags&inputs.FlagNoLane != 0:
			s.NoLane++
		case flags&inputs.FlagLaneCycle != 0:
			s.LaneCycle++
		}
		if flags&inputs.FlagNoForecast != 0 {
			s.NoForecast++
		}
	}
}

// checkSnapshot reads a snapshot through: every digest, every partition.
func checkSnapshot(ctx context.Context, f checkFlags) (*checked, error) {
	snap, err := store.Open(f.inputs, "")
	if err != nil {
		return nil, err
	}
	c := &checked{
		Inputs: f.inputs, State: "full", AsOf: instantText(snap.Manifest.AsOf), Tables: map[string]*checkedTable{},
		Gates: []checkedGate{}, Notices: []feed.Notice{}, Faults: []checkedFault{},
	}
	for _, t := range snap.Manifest.Counts {
		c.Tables[t.Table] = &checkedTable{
			Read: t.Read, Applied: t.Applied, Superseded: t.Superseded, Quarantined: t.Quarantined, Filtered: t.Filtered, Reasons: map[string]int64{},
		}
		c.order = append(c.order, t.Table)
	}
	for _, dc := range snap.Network.DCs {
		p, err := snap.Partition(ctx, dc)
		if err != nil {
			return nil, err
		}
		c.SKUs.add(p)
		c.SKUs.DCs++
	}
	return c, nil
}

// printChecked writes the tables for people.
func (a *app) printChecked(c *checked, faults int) error {
	g := grid{
		head:  []string{"table", "read", "applied", "superseded", "quarantined", "filtered", "why quarantined"},
		right: []bool{false, true, true, true, true, true},
	}
	var bad int64
	for _, name := range c.order {
		t := c.Tables[name]
		bad += t.Quarantined
		g.add(name, thousands(t.Read), thousands(t.Applied), thousands(t.Superseded), thousands(t.Quarantined), thousands(t.Filtered), reasons(t.Reasons))
	}
	if err := g.text(a.out); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nas-of %s · %s SKUs in %d DCs", c.AsOf, thousands(c.SKUs.Rows), c.SKUs.DCs)
	for _, x := range []struct {
		n    int64
		what string
	}{{c.SKUs.NoPosition, "held without an inventory row"}, {c.SKUs.NoLane, "without a lane"}, {c.SKUs.LaneCycle, "on a lane cycle"}, {c.SKUs.NoForecast, "without a forecast"}} {
		if x.n > 0 {
			fmt.Fprintf(a.out, " · %s %s", thousands(x.n), x.what)
		}
	}
	fmt.Fprintln(a.out)
	if len(c.Faults) > 0 {
		fmt.Fprintf(a.out, "\nfirst faults (%d of %s):\n", len(c.Faults), thousands(bad))
		for _, f := range c.Faults {
			fmt.Fprintf(a.out, "  %s\n", f.text())
		}
	}
	if len(c.Notices) > 0 {
		fmt.Fprintln(a.out, "\nto know:")
		for _, n := range c.Notices {
			fmt.Fprintf(a.out, "  %s: %s: %s\n", n.Kind, n.Where, n.Hint)
		}
	}
	fmt.Fprintln(a.out)
	for _, v := range c.Gates {
		fmt.Fprintf(a.out, "gate %s: %s: %s (%s)\n", v.State, v.Table, v.Kind, v.Hint)
	}
	switch c.State {
	case "refused":
		fmt.Fprintln(a.out, "refused: a cycle of these inputs would not be planned (65)")
	default:
		fmt.Fprintf(a.out, "%s: a cycle of these inputs would be planned\n", c.State)
	}
	return nil
}

// text is a fault in one line: where, what, why, what to do.
func (f *checkedFault) text() string {
	x := inputs.Fault{Table: f.Table, Reason: inputs.Reason(f.Reason), Column: f.Column, Value: f.Value, Hint: f.Hint, Source: f.Source, Position: f.Row}
	return x.Error()
}

// reasons writes counts by reason, the most frequent first.
func reasons(by map[string]int64) string {
	type one struct {
		reason string
		n      int64
	}
	var all []one
	for r, n := range by {
		all = append(all, one{r, n})
	}
	slices.SortFunc(all, func(x, y one) int { return cmp.Or(cmp.Compare(y.n, x.n), strings.Compare(x.reason, y.reason)) })
	var words []string
	for _, x := range all {
		words = append(words, fmt.Sprintf("%s %s", x.reason, thousands(x.n)))
	}
	return strings.Join(words, ", ")
}

func instantText(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }

// refused turns a refusal of inputs into its exit code.
func refused(err error) error {
	var r *inputs.Refusal
	if !errors.As(err, &r) {
		return err
	}
	return &outcome.Error{Code: outcome.CodeRefused, Kind: r.Kind, Where: r.Where, Hint: r.Hint, Err: r.Err}
}
