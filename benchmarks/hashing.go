package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"echelon/inputs"
	"echelon/planner"
)

// hashing is a sink that hashes each chunk once more and adds up the processor time of that: what the plan hash costs
// within planning, where it is made by the worker that planned the group.
type hashing struct {
	net  *inputs.Network
	mu   sync.Mutex
	took time.Duration
	sums byte // what was hashed is used
}

// Chunk implements planner.Sink.
func (h *hashing) Chunk(_ context.Context, c *planner.Chunk) error {
	runtime.LockOSThread() // the clock is the thread's
	defer runtime.UnlockOSThread()
	h.mu.Lock()
	defer h.mu.Unlock()
	began, err := threadTime()
	if err != nil {
		return err
	}
	sum := planner.Hash(h.net, c.Tables[:])
	ended, err := threadTime()
	h.took += ended - began
	h.sums ^= sum[0]
	return err
}

// Done implements planner.Sink.
func (h *hashing) Done(context.Context, *planner.DCResult) error { return nil }

func threadTime() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano()), err
}

// hashSeconds gives the processor seconds of hashing a network's plan.
func hashSeconds(ctx context.Context, m *memory, s settings) (float64, error) {
	h := hashing{net: m.net}
	_, err := planner.Plan(ctx, m.cycle(s), m, planner.NewMemExchange(), &h, nil)
	return h.took.Seconds(), err
}
