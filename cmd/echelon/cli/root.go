// Package cli is the command line: flags, configuration, clock, logger and wiring. Human text goes to
// stderr, results to stdout; the exit codes are those of docs/operations.md.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"echelon/publish/disk"
	"echelon/publish/outcome"
)

// app is what commands share: the streams and the settings file.
type app struct {
	out, err io.Writer
	config   string
	code     int          // exit code of a command that ended without an error
	at       func(string) // told of every stage boundary of a cycle; nil but in tests
	fs       disk.FS      // nil: the machine's; tests have smaller disks
}

// Main runs one command and returns its exit code. The first interrupt or SIGTERM cancels it cleanly, the
// second one ends the process at once.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return (&app{out: stdout, err: stderr}).main(ctx, args)
}

func (a *app) main(ctx context.Context, args []string) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go a.listen(signals, cancel)
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return a.code
	}
	return a.report(ctx, err)
}

// listen cancels the command at the first signal and ends the process at the second.
func (a *app) listen(signals <-chan os.Signal, cancel context.CancelCauseFunc) {
	for first := true; ; first = false {
		s, ok := <-signals
		switch {
		case !ok:
			return
		case !first && s == syscall.SIGTERM:
			os.Exit(outcome.CodeTerminated)
		case !first:
			os.Exit(outcome.CodeInterrupted)
		}
		fmt.Fprintln(a.err, "stopping: what is begun is left whole; once more to stop at once")
		if s == syscall.SIGTERM {
			cancel(outcome.Terminated)
		} else {
			cancel(nil)
		}
	}
}

// report prints an error and what to do about it, and gives its exit code.
func (a *app) report(ctx context.Context, err error) int {
	var use *usageError
	if errors.As(err, &use) || strings.HasPrefix(err.Error(), "unknown command") {
		fmt.Fprintf(a.err, "echelon: %v\n  what to do: echelon help\n", err)
		return outcome.CodeUsage
	}
	e := outcome.Of(ctx, refused(err))
	fmt.Fprintf(a.err, "echelon: %v\n", e)
	return e.Code
}

// note writes a line for people.
func (a *app) note(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }

// closing closes what was only read: there is nothing left to lose.
func closing(c io.Closer) { _ = c.Close() }

// usageError is a command line that cannot be followed (exit 64).
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// tableOrJSON refuses a --format that is neither.
func tableOrJSON(format string) error {
	if format != "table" && format != "json" {
		return usagef("--format %q: want table or json", format)
	}
	return nil
}

// root builds the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "echelon",
		Short:         "Plans replenishment for a multi-echelon network and publishes the plan once",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.settings(cmd)
		},
	}
	root.PersistentFlags().StringVar(&a.config, "config", "", "settings file (YAML); every flag can stand in it by its name")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(a.brokerCommand(), a.calendarCommand(), a.captureCommand(), a.changesCommand(), a.checkCommand(), a.contractCommand(), a.cyclesCommand(), a.diffCommand(), a.explainCommand(), a.replayCommand(), a.generateCommand(), a.runCommand(),
		a.serveCommand(), a.showCommand(), a.topicsCommand(), a.verifyCommand(), a.versionCommand())
	return root
}

// exactly is cobra's argument check with our exit code.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("%s takes %d arguments, not %d", cmd.CommandPath(), n, len(args))
		}
		return nil
	}
}

// upTo allows at most n arguments.
func upTo(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usagef("%s takes at most %d arguments, not %d", cmd.CommandPath(), n, len(args))
		}
		return nil
	}
}
