package serve

import (
	"context"
	"time"
)

// Clock is what tells the service the time.
type Clock interface {
	Now() time.Time
	// Until gives a channel that gets something when it is at; the context ends the wait.
	Until(ctx context.Context, at time.Time) <-chan time.Time
}

// wallClock is the machine's.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Until(ctx context.Context, at time.Time) <-chan time.Time {
	out := make(chan time.Time, 1)
	timer := time.NewTimer(time.Until(at))
	context.AfterFunc(ctx, func() { timer.Stop() })
	go func() {
		defer timer.Stop()
		select {
		case now := <-timer.C:
			out <- now
		case <-ctx.Done():
		}
	}()
	return out
}

// sleep waits for an instant; false: the context ended first.
func sleep(ctx context.Context, c Clock, at time.Time) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-c.Until(ctx, at):
		return true
	case <-ctx.Done():
		return false
	}
}
