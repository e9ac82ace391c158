package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/cmd/echelon/serve"
	"echelon/publish/cycle"
	"echelon/publish/outcome"
)

func (a *app) serveCommand() *cobra.Command {
	var file, listen, logs string
	cmd := &cobra.Command{
		Use: "serve", Short: "The warm service: follows change topics, runs cycles, answers HTTP", Args: exactly(0),
		Long: "Follows the change topics of the tenants in its file and takes rows by HTTP; runs cycles on schedule, on a record in a\n" +
			"trigger topic, when many SKUs fell under their floor, or when asked to. SIGTERM ends it: a cycle that runs is\n" +
			"ended or left whole, and the state is checkpointed.",
		Example: `  echelon serve --file serve.yaml
  curl -s localhost:8380/readyz
  curl -s -H "Authorization: Bearer $TOKEN" -X POST localhost:8380/v1/acme/cycles
  curl -s -H "Authorization: Bearer $TOKEN" -H 'Idempotency-Key: stock-17' --data-binary @stock.jsonl localhost:8380/v1/acme/inputs/inventory`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usagef("--file: name its file (docs/operations.md shows one)")
			}
			log, err := a.logger(logs)
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), file, listen, log)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&file, "file", "", "file of the service (YAML)")
	fs.StringVar(&listen, "listen", "", "host:port to answer on (default: the file's, else 127.0.0.1:8380)")
	fs.StringVar(&logs, "log-format", "text", "text or json")
	return cmd
}

// logger writes to stderr.
func (a *app) logger(format string) (*slog.Logger, error) {
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(a.err, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.err, nil)), nil
	}
	return nil, usagef("--log-format %q: want text or json", format)
}

func (a *app) serve(ctx context.Context, file, listen string, log *slog.Logger) error {
	cfg, err := serve.Load(file)
	if err != nil {
		return &outcome.Error{Code: outcome.CodeConfig, Kind: "service_file", Where: file, Hint: "correct the file", Err: err}
	}
	if listen != "" {
		cfg.Listen = listen
	}
	opt := serve.Options{Plan: servePlan, Log: log}
	if a.at != nil {
		opt.At = func(_, stage string) { a.at(stage) }
	}
	s, err := serve.New(ctx, cfg, opt)
	if err != nil {
		return err
	}
	a.note("serving %d tenants at http://%s", len(cfg.Tenants), s.Addr())
	if err := s.Run(ctx); err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	a.code = outcome.CodeInterrupted
	if errors.Is(context.Cause(ctx), outcome.Terminated) {
		a.code = outcome.CodeTerminated
	}
	return nil
}

// servePlan is what a tenant's policy file says.
func servePlan(file string) (serve.Plan, error) {
	pol, err := policy.Load(file)
	if err != nil {
		return serve.Plan{}, policyError(err)
	}
	c := cycle.Config{Engine: engineVersion}
	underPolicy(&c, pol)
	return serve.Plan{Cycle: c, Topics: topicsOf(pol)}, nil
}
