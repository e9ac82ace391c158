package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/publish"
	"echelon/publish/kafka"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// verifyFlags are the flags of `verify`.
type verifyFlags struct {
	where
	brokerFlags
	policy, format string
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use: "verify", Short: "Reads topics back and compares them with the plan files", Args: exactly(0),
		Long: "Reads the topics of a cycle back to their last stable offset and compares them with the plan files: counts, values,\n" +
			"order, doubles. Exit 1 when they differ.",
		Example: `  echelon verify
  echelon verify --cycle 20261121T080000Z --brokers kafka1:9092 --format json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := tableOrJSON(f.format); err != nil {
				return err
			}
			pol, err := policy.Load(f.policy)
			if err != nil {
				return policyError(err)
			}
			if err := f.settle(); err != nil {
				return err
			}
			to, err := f.brokerFlags.open(f.state, pol)
			if err != nil {
				return err
			}
			err = a.verify(cmd.Context(), &f.where, to, f.format)
			return errors.Join(err, to.Close())
		},
	}
	f.where.flags(cmd)
	f.brokerFlags.flags(cmd)
	cmd.Flags().StringVar(&f.policy, "policy", "", "policy file: names of topics")
	cmd.Flags().StringVar(&f.format, "format", "table", "table or json")
	return cmd
}

// errDiffers is a plan whose topics are not its plan files.
var errDiffers = errors.New("topics and plan files differ")

// verify compares the published DCs of a cycle with the topics.
func (a *app) verify(ctx context.Context, w *where, to *target, format string) error {
	dcs, err := w.published(ctx)
	if err != nil {
		return err
	}
	if _, err := to.TopicsPlan(ctx, publish.Need{Tenant: w.tenant}); err != nil {
		return err // not there (69), or not for us (77)
	}
	report, err := to.Verify(ctx, w.tenant, w.cycle, dcs)
	if err != nil {
		return err
	}
	if format == "json" {
		if err := jsonLine(a.out, report); err != nil {
			return err
		}
	} else if err := a.printReport(report); err != nil {
		return err
	}
	if !report.OK() {
		return outcome.New(outcome.CodeUnexpected, "verify", "cycle "+w.cycle,
			"do not delete anything: docs/operations.md says what each finding means", "%w: %s", errDiffers, counts(report.Counts))
	}
	return nil
}

func (a *app) printReport(r *kafka.Report) error {
	g := grid{head: []string{"topic", "lines"}, right: []bool{false, true}}
	for _, topic := range slices.Sorted(maps.Keys(r.Lines)) {
		g.add(topic, thousands(r.Lines[topic]))
	}
	if err := g.text(a.out); err != nil {
		return err
	}
	for _, f := range r.Findings {
		fmt.Fprintf(a.out, "%s: dc %s, %s partition %d offset %d: %s\n", f.Kind, f.DC, f.Topic, f.Partition, f.Offset, f.Line)
	}
	closed := "closed"
	if !r.Closed {
		closed = "not closed yet"
	}
	if r.OK() {
		fmt.Fprintf(a.out, "\ncycle %s (%s): %d DCs, every line once and as planned\n", r.Cycle, closed, r.DCs)
	}
	return nil
}

// published opens the plan files of the DCs that the state calls published.
func (w *where) published(ctx context.Context) ([]*planfile.DC, error) {
	if err := w.settle(); err != nil {
		return nil, err
	}
	st, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closing(st)
	rows, err := st.DCs(ctx, w.tenant, w.cycle)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, usagef("no cycle %s of tenant %s in %s", w.cycle, w.tenant, w.state)
	}
	var dcs []*planfile.DC
	for i := range rows {
		if rows[i].State != state.DCPublished || rows[i].Recovered {
			continue
		}
		dc, err := planfile.Open(planfile.Dir(w.state, w.tenant, w.cycle, rows[i].DC))
		if err != nil {
			return nil, err
		}
		dcs = append(dcs, dc)
	}
	return dcs, nil
}
