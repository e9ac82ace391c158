package outcome

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestOf(t *testing.T) {
	alive := context.Background()
	interrupted, cancel := context.WithCancel(alive)
	cancel()
	terminated, cancelWith := context.WithCancelCause(alive)
	cancelWith(Terminated)
	away := New(CodeUnavailable, "broker_away", "k1:9092", "start it", "refused")
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		code int
	}{
		"none":               {alive, nil, CodeOK},
		"classified":         {alive, fmt.Errorf("publish: %w", away), CodeUnavailable},
		"unknown":            {alive, errors.New("x"), CodeUnexpected},
		"interrupt":          {interrupted, fmt.Errorf("plan: %w", context.Canceled), CodeInterrupted},
		"terminate":          {terminated, context.Canceled, CodeTerminated},
		"fault of its own":   {interrupted, away, CodeUnavailable},
		"cancelled for else": {alive, context.Canceled, CodeUnexpected},
	} {
		got := Of(c.ctx, c.err)
		if c.err == nil {
			if got != nil {
				t.Errorf("%s: %v", name, got)
			}
			continue
		}
		if got.Code != c.code {
			t.Errorf("%s: %d, want %d", name, got.Code, c.code)
		}
	}
	if want := "broker_away at k1:9092: refused (start it)"; away.Error() != want {
		t.Errorf("%q, want %q", away.Error(), want)
	}
}
