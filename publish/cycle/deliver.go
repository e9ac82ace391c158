package cycle

import (
	"context"
	"sync"

	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// delivery is the queue between planning and publishing. DCs leave it in the order in which they came.
type delivery struct {
	run    *run
	mu     sync.Mutex
	wake   *sync.Cond
	queue  []string
	closed bool // nothing comes any more
	halted bool // nothing new begins
	out    int  // DCs published by this run
}

func newDelivery(r *run) *delivery {
	d := &delivery{run: r}
	d.wake = sync.NewCond(&d.mu)
	return d
}

// add queues a DC whose plan files are there.
func (d *delivery) add(dc string) {
	d.mu.Lock()
	d.queue = append(d.queue, dc)
	d.mu.Unlock()
	d.wake.Signal()
}

// close says that nothing comes any more.
func (d *delivery) close() {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.wake.Broadcast()
}

// stop lets nothing new begin.
func (d *delivery) stop() {
	d.mu.Lock()
	d.halted = true
	d.mu.Unlock()
	d.wake.Broadcast()
}

// next waits for a DC; false when there will be none.
func (d *delivery) next() (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for {
		switch {
		case d.halted:
			return "", false
		case len(d.queue) > 0:
			dc := d.queue[0]
			d.queue = d.queue[1:]
			return dc, true
		case d.closed:
			return "", false
		}
		d.wake.Wait()
	}
}

// work publishes until the queue is closed and empty, or the first error.
func (d *delivery) work(ctx context.Context) error {
	r := d.run
	for {
		dc, ok := d.next()
		if !ok {
			return nil
		}
		if r.cfg.Publisher == nil || r.away != nil {
			continue
		}
		if !r.cfg.Deadline.IsZero() && !r.cfg.Now().Before(r.cfg.Deadline) {
			r.late()
			continue
		}
		if err := d.publish(ctx, dc); err != nil {
			d.stop()
			return err
		}
	}
}

// publish publishes one DC and notes it.
func (d *delivery) publish(ctx context.Context, dc string) error {
	r := d.run
	if by := r.laterRecord(dc); by != "" {
		return r.end(ctx, dc, state.DCSuperseded, "cycle "+by+" was planned without its releases")
	}
	files, err := r.cfg.Warm.open(planfile.Dir(r.cfg.State, r.cfg.Tenant, r.intent.Cycle, dc))
	if err != nil {
		return err
	}
	r.cfg.At("before-publish")
	out, err := r.cfg.Publisher.PublishDC(ctx, files)
	if err != nil {
		return err
	}
	r.cfg.At("after-publish")
	at := out.At
	if at.IsZero() {
		at = r.cfg.Now()
	}
	if err := r.store.MarkPublished(ctx, r.cfg.Tenant, r.intent.Cycle, dc, out.Topics, at); err != nil {
		return err
	}
	r.mu.Lock()
	row := r.rows[dc]
	row.State, row.Topics, row.Published = state.DCPublished, out.Topics, at.UnixMicro()
	r.mu.Unlock()
	r.cfg.At("after-published")
	d.mu.Lock()
	d.out++
	done := d.out
	d.mu.Unlock()
	text := ""
	if out.Already {
		text = "dc " + dc + " was published before with the same plan"
	}
	r.cfg.On(Event{Stage: "publish", DC: dc, Done: int64(done), Total: int64(len(r.wave)), Unit: "dcs", Text: text})
	return nil
}

// laterRecord names a published cycle that was planned for a DC after this one, without its releases.
func (r *run) laterRecord(dc string) string {
	for i := range r.records {
		rec := &r.records[i]
		if rec.DC != dc || rec.Cycle == r.intent.Cycle || rec.AsOf.UnixMicro() <= r.intent.AsOf {
			continue
		}
		counted := false
		for _, c := range rec.Counted {
			counted = counted || c == r.intent.Cycle
		}
		if !counted {
			return rec.Cycle
		}
	}
	return ""
}

// awayError is what a run ends with whose plan files wait for the broker.
func (r *run) awayError() error {
	if r.away == nil {
		return nil
	}
	return &outcome.Error{
		Code: outcome.CodeUnavailable, Kind: r.away.Kind, Where: r.away.Where, Err: r.away.Err,
		Hint: "the plan files are there: run the same cycle again when it answers, and they are published as they are",
	}
}
