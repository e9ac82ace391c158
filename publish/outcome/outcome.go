// Package outcome classifies what can go wrong in a cycle, once per boundary: each kind has the exit code
// that a scheduler acts on, a place and a hint for the operator.
package outcome

import (
	"context"
	"errors"
	"fmt"
)

// Exit codes of the scheduled job (sysexits where they fit).
const (
	CodeOK          = 0
	CodeUnexpected  = 1
	CodeDegraded    = 10 // only with --strict
	CodeCarried     = 11 // carried forward or superseded, only with --strict
	CodeUsage       = 64
	CodeRefused     = 65 // inputs refused by a gate
	CodeUnavailable = 69 // a dependency is away
	CodeAgain       = 75 // safe to run again
	CodeDenied      = 77
	CodeConfig      = 78
	CodeMissed      = 79 // window missed
	CodeFenced      = 80 // another worker owns the cycle
	CodeInterrupted = 130
	CodeTerminated  = 143
)

// Error is a classified failure.
type Error struct {
	Code  int
	Kind  string // stable word: "broker_away", "cycle_differs", "disk_full", …
	Where string // table, file, DC, address
	Hint  string // what to do
	Err   error  // cause, may be nil
}

// Error gives kind, place, cause and hint in one line.
func (e *Error) Error() string {
	s := e.Kind
	if e.Where != "" {
		s += " at " + e.Where
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New classifies a failure; format and args make the cause.
func New(code int, kind, where, hint, format string, args ...any) *Error {
	return &Error{Code: code, Kind: kind, Where: where, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// Terminated is the cancellation cause of a context that ends because the process was asked to (SIGTERM);
// a context cancelled with another cause counts as interrupted (SIGINT).
var Terminated = errors.New("terminated") //nolint:revive,staticcheck // a cause of cancellation, not an error that is returned

// Of classifies any error: an *Error in its chain as it says, a cancelled context as interrupted or
// terminated, everything else as unexpected. Nil stays nil.
func Of(ctx context.Context, err error) *Error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		e := &Error{Code: CodeInterrupted, Kind: "interrupted", Hint: "nothing is half done: run the same cycle again", Err: err}
		if errors.Is(context.Cause(ctx), Terminated) {
			e.Code, e.Kind = CodeTerminated, "terminated"
		}
		return e
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeUnexpected, Kind: "unexpected", Err: err}
}
