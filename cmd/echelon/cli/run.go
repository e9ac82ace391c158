package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/publish/cycle"
	"echelon/publish/disk"
	"echelon/publish/outcome"
)

// runFlags are the flags of `run`.
type runFlags struct {
	brokerFlags
	feedFlags
	inputs, mapping, tenant, asOf, cycle, dcs, policy, state string
	replaces, deadline, keep, result                         string
	workers                                                  int
	memory                                                   string
	noPublish, strict, dryRun, example, full                 bool
}

const (
	defaultKeep = "7d"
	stdoutName  = "-"
)

// laterRun are flags of `run` that later versions follow.
var laterRun = []string{"wave", "shard", "early", "next"}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use: "run", Short: "Plans one cycle and publishes it, once", Args: exactly(0),
		Long: "Plans one cycle: inputs, snapshot, gates, plan files, topics. What an earlier run of the same cycle has done is not\n" +
			"done again. Without --brokers the topics are those of the embedded broker, kept in the state folder.",
		Example: `  echelon run --example
  echelon run --inputs /data/tonight --tenant acme --brokers kafka1:9092,kafka2:9092 --result -
  echelon run --inputs /data/tonight --as-of 2026-11-21T02:00:00-06:00 --cycle 20261121-night --deadline 2026-11-21T05:30:00-06:00
  echelon run --inputs /data/tonight --dc D01,D02 --no-publish --result result.json
  echelon run --inputs kafka://kafka1:9092 --mapping mapping.yaml --tenant acme --brokers kafka1:9092`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := refuseLater(cmd, laterRun...); err != nil {
				return a.ended(f.result, f.tenant, f.cycle, err)
			}
			if f.example {
				return a.example(cmd.Context(), f, cmd.Flags().Changed)
			}
			_, err := a.run(cmd.Context(), f)
			return err
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.inputs, "inputs", "", "folder of input tables, a snapshot, or kafka://host:port,…: the change topics")
	fs.StringVar(&f.mapping, "mapping", "", "mapping file (default: mapping.yaml of the folder, where there is one)")
	fs.StringVar(&f.tenant, "tenant", defaultTenant, "tenant")
	fs.StringVar(&f.asOf, "as-of", "", "as-of instant, RFC 3339 (default: that of the cycle, else the inputs', else now)")
	fs.StringVar(&f.cycle, "cycle", "", "cycle id (default: the as-of in UTC, 20261121T080000Z)")
	fs.StringVar(&f.dcs, "dc", "", "only these DCs: A,B")
	fs.StringVar(&f.policy, "policy", "", "policy file (default: the defaults)")
	fs.StringVar(&f.state, "state", defaultState, "state folder")
	fs.BoolVar(&f.noPublish, "no-publish", false, "plan files only")
	fs.StringVar(&f.replaces, "replaces", "", "cycle whose releases do not count")
	fs.StringVar(&f.deadline, "deadline", "", "instant, RFC 3339: DCs not published by then are carried forward")
	fs.StringVar(&f.keep, "keep", "", "how long plan files and snapshots stay, such as 7d or 36h; 0: for good (default: the policy's, else "+defaultKeep+")")
	fs.IntVar(&f.workers, "workers", 0, "goroutines that plan (default: one per processor)")
	fs.StringVar(&f.memory, "memory", "", "bytes that the process may use, such as 12GiB: fewer DCs at a time, or a refusal (default: GOMEMLIMIT where it is set)")
	fs.StringVar(&f.result, "result", "", "file of the result object; - is stdout")
	fs.BoolVar(&f.strict, "strict", false, "exit 10 for degraded, 11 for carried-forward and superseded cycles")
	fs.BoolVar(&f.full, "full", false, "plan everything again, also what does not differ from the cycle before")
	fs.BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and write nothing")
	fs.BoolVar(&f.example, "example", false, "generate a small network, plan, publish and verify it")
	f.brokerFlags.flags(cmd)
	f.feedFlags.flags(fs)
	laterFlags(fs, laterRun...)
	return cmd
}

// run plans and publishes one cycle. The result object is written whatever happens; the error has its exit
// code.
func (a *app) run(ctx context.Context, f runFlags) (*cycle.Result, error) {
	cfg, pol, err := f.config()
	if err != nil {
		return nil, a.ended(f.result, f.tenant, f.cycle, err)
	}
	if err := cfg.Validate(); err != nil {
		return nil, a.ended(f.result, f.tenant, f.cycle, err)
	}
	if cfg.Memory > 0 {
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(cfg.Memory)) // the collector keeps to it too
	}
	p := newProgress(a.err)
	defer p.end()
	cfg.On, cfg.At, cfg.FS = p.cycle, a.at, a.fs
	closeFeed := func() error { return nil }
	if isFeed(f.inputs) {
		if closeFeed, err = f.feed(&cfg); err != nil {
			return nil, a.ended(f.result, f.tenant, f.cycle, err)
		}
	}
	var to *target
	if !f.noPublish && !f.dryRun {
		if to, err = f.open(f.state, pol); err != nil {
			return nil, a.ended(f.result, f.tenant, f.cycle, err)
		}
		cfg.Publisher = to
	}
	result, err := cycle.Run(ctx, cfg)
	if cerr := closeFeed(); cerr != nil && err == nil {
		err = fmt.Errorf("close the feeds: %w", cerr)
	}
	if to != nil {
		if cerr := to.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("close the broker: %w", cerr)
		}
	}
	p.end()
	if werr := a.writeResult(f.result, result); werr != nil && err == nil {
		err = werr
	}
	a.code = result.ExitCode
	if result.PlanHash != "" {
		if serr := a.summary(ctx, f, result, to); serr != nil && err == nil {
			err = serr
		}
	}
	return result, err
}

// config is the cycle that the flags ask for, all faults of them at once.
func (f *runFlags) config() (cycle.Config, *policy.File, error) {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c := cycle.Config{
		Inputs: f.inputs, Mapping: f.mapping, State: f.state, Tenant: f.tenant, Cycle: f.cycle, Replaces: f.replaces,
		Workers: f.workers, Strict: f.strict, DryRun: f.dryRun, Full: f.full, Engine: engineVersion,
	}
	if isFeed(f.inputs) && f.dryRun {
		bad("--dry-run: reading change topics writes checkpoints; leave it out, or name a folder")
	}
	if !isFeed(f.inputs) && (f.atLeast != "" || f.restored != "") {
		bad("--at-least and --accept-restore are for change topics: --inputs kafka://host:port")
	}
	if f.workers < 0 {
		bad("--workers %d: must not be negative", f.workers)
	}
	var err error
	if f.memory != "" {
		if c.Memory, err = bytesOf("memory", f.memory); err != nil {
			errs = append(errs, err)
		}
	}
	if f.asOf != "" {
		if c.AsOf, err = instantOf("as-of", f.asOf); err != nil {
			errs = append(errs, err)
		}
	}
	if f.deadline != "" {
		at, err := instantOf("deadline", f.deadline)
		if err != nil {
			errs = append(errs, err)
		}
		c.Deadline = time.UnixMicro(at)
	}
	for _, dc := range strings.Split(f.dcs, ",") {
		if dc = strings.TrimSpace(dc); dc != "" {
			c.DCs = append(c.DCs, dc)
		}
	}
	if f.keep != "" {
		if c.Keep, err = keepFor(f.keep); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return c, nil, &usageError{err}
	}
	pol, err := policy.Load(f.policy)
	if err != nil {
		return c, nil, policyError(err)
	}
	keep := c.Keep
	underPolicy(&c, pol)
	if f.keep != "" {
		c.Keep = keep
	}
	return c, pol, nil
}

// underPolicy sets what a policy says of a cycle.
func underPolicy(c *cycle.Config, pol *policy.File) {
	c.Policy, c.PolicyText, c.PolicyHash, c.Defaults = pol.Planner, pol.Text(), pol.Hash(), pol.Defaults
	for _, g := range cycleGates(pol) {
		if g.Measure == "unconfirmed" {
			c.Unconfirmed = g.Refuse < 0
			continue
		}
		c.Gates = append(c.Gates, g)
	}
	c.Keep, _ = keepFor(defaultKeep)
	if pol.KeepDays > 0 {
		c.Keep = time.Duration(pol.KeepDays) * 24 * time.Hour
	}
}

// keepFor reads a time such as 7d or 36h.
func keepFor(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("--keep %q: want days or hours, such as 7d or 36h", text)
	}
	return d, nil
}

// bytesOf reads a number of bytes: 12GiB, 800MiB, 4GB, 1000000.
func bytesOf(flag, text string) (int64, error) {
	number, unit := text, int64(1)
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}} {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = strings.TrimSpace(n), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > (1<<62)/unit {
		return 0, fmt.Errorf("--%s %q: want a whole number of bytes, such as 12GiB or 800MiB", flag, text)
	}
	return n * unit, nil
}

// ended writes the result of a run that ended before its cycle began, and hands the error on.
func (a *app) ended(file, tenant, id string, err error) error {
	e := outcome.Of(context.Background(), refused(err))
	var use *usageError
	if errors.As(err, &use) {
		e = &outcome.Error{Code: outcome.CodeUsage, Kind: "usage", Where: "arguments", Hint: "echelon run --help", Err: err}
	}
	r := cycle.Failure(tenant, id, engineVersion, e)
	return errors.Join(err, a.writeResult(file, r))
}

// writeResult writes the result object to a file, whole or not at all, or to stdout.
func (a *app) writeResult(file string, r *cycle.Result) error {
	if file == "" {
		return nil
	}
	raw, err := r.JSON()
	if err != nil {
		return err
	}
	if file == stdoutName {
		_, err = a.out.Write(raw)
		return err
	}
	if err := disk.WriteFile(disk.OS{}, file, raw); err != nil {
		return errors.Join(fmt.Errorf("result: %w", err), os.Remove(file+".tmp"))
	}
	return nil
}
