package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/planner"
	"echelon/publish"
	"echelon/publish/kafka"
)

// topicsFlags are the flags of `topics`.
type topicsFlags struct {
	brokerFlags
	policy, tenant, state, format string
}

func (a *app) topicsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "topics", Short: "The topics a policy needs",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("topics %s: want plan or apply", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return usagef("want topics plan or topics apply") },
	}
	cmd.AddCommand(
		a.topicsVerb("plan", "Shows how the topics of a policy differ from the cluster's",
			"  echelon topics plan --tenant acme --policy policy.yaml --brokers kafka1:9092", (*app).topicsPlan),
		a.topicsVerb("apply", "Makes missing topics and settings; takes nothing away",
			"  echelon topics apply --tenant acme --policy policy.yaml --brokers kafka1:9092 --replication 3", (*app).topicsApply))
	return cmd
}

func (a *app) topicsVerb(name, short, example string, do func(*app, context.Context, *target, publish.Need, string) error) *cobra.Command {
	var f topicsFlags
	cmd := &cobra.Command{
		Use: name, Short: short, Example: example, Args: exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := tableOrJSON(f.format); err != nil {
				return err
			}
			pol, err := policy.Load(f.policy)
			if err != nil {
				return policyError(err)
			}
			if f.tenant, err = (&where{state: f.state, tenant: f.tenant}).tenantOf(); err != nil {
				return err
			}
			to, err := f.open(f.state, pol)
			if err != nil {
				return err
			}
			return errors.Join(do(a, cmd.Context(), to, needOf(f.tenant, pol), f.format), to.Close())
		},
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.policy, "policy", "", "policy file: names, partitions, layers")
	fs.StringVar(&f.tenant, "tenant", "", "tenant (default: the only one in the state folder, else "+defaultTenant+")")
	fs.StringVar(&f.state, "state", defaultState, "state folder of the embedded broker")
	fs.StringVar(&f.format, "format", "table", "table or json")
	return cmd
}

// needOf lists the layers that a policy publishes.
func needOf(tenant string, pol *policy.File) publish.Need {
	need := publish.Need{Tenant: tenant}
	for id := range planner.NumLayers {
		if l := planner.LayerOf(id); len(l.Columns) > 0 && !pol.Planner.LayersOff[id] {
			need.Layers = append(need.Layers, l.Name)
		}
	}
	return need
}

// topicsPlan shows what topicsApply would do.
func (a *app) topicsPlan(ctx context.Context, to *target, need publish.Need, format string) error {
	diffs, err := to.TopicsPlan(ctx, need)
	if err != nil {
		return err
	}
	return a.printTopics(to, diffs, format)
}

func (a *app) printTopics(to *target, diffs []kafka.TopicDiff, format string) error {
	if format == "json" {
		for i := range diffs {
			if err := jsonLine(a.out, topicJSON(&diffs[i])); err != nil {
				return err
			}
		}
		return nil
	}
	g := grid{head: []string{"topic", "partitions", "there", "to do", "to know"}, right: []bool{false, true, true}}
	changes := 0
	for _, d := range diffs {
		changes += len(d.Changes)
		g.add(d.Topic, fmt.Sprint(d.Partitions), fmt.Sprint(d.Have), strings.Join(d.Changes, "; "), strings.Join(append(d.Faults, d.Notes...), "; "))
	}
	if err := g.text(a.out); err != nil {
		return err
	}
	if changes == 0 {
		a.note("the topics at %s are as the policy wants them", to.where())
	} else {
		a.note("%d changes at %s: `echelon topics apply` makes them", changes, to.where())
	}
	return nil
}

// visibleWithin bounds the wait until the cluster shows the topics that it has made.
const visibleWithin = 30 * time.Second

// topicsApply makes the topics, waits until the cluster shows them, so that a run can follow at once, and says
// what is left.
func (a *app) topicsApply(ctx context.Context, to *target, need publish.Need, format string) error {
	if err := to.TopicsApply(ctx, need); err != nil {
		return err
	}
	for began := time.Now(); ; {
		if err := to.renew(); err != nil {
			return err
		}
		diffs, err := to.TopicsPlan(ctx, need)
		if err != nil {
			return err
		}
		missing := slices.ContainsFunc(diffs, func(d kafka.TopicDiff) bool { return d.Missing })
		if !missing || time.Since(began) > visibleWithin {
			return a.printTopics(to, diffs, format)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// topicJSON is a topic's difference for programs.
func topicJSON(d *kafka.TopicDiff) any {
	list := func(s []string) []string { return append([]string{}, s...) }
	return struct {
		Layer       string   `json:"layer"`
		Topic       string   `json:"topic"`
		Missing     bool     `json:"missing"`
		Partitions  int      `json:"partitions"`
		Have        int      `json:"have"`
		Replication int      `json:"replication"`
		Changes     []string `json:"changes"`
		Faults      []string `json:"faults"`
		Notes       []string `json:"notes"`
	}{d.Layer, d.Topic, d.Missing, d.Partitions, d.Have, d.Replication, list(d.Changes), list(d.Faults), list(d.Notes)}
}
