package serve

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// job is a cycle that waits or runs.
type job struct {
	id       string
	why      string // schedule, trigger, floor, http, resumed
	asOf     time.Time
	dcs      []string
	deadline time.Time // zero: none
	order    Order
	wait     time.Duration
	tries    int
	done     func() // after its end, whatever it was; nil: nobody waits
}

// view is how the face shows a job.
func (j *job) view(state string) Cycle {
	c := Cycle{Cycle: j.id, State: state, Why: j.why, AsOf: j.asOf.UTC().Format(time.RFC3339Nano), DCs: j.dcs}
	if !j.deadline.IsZero() {
		c.Deadline = j.deadline.UTC().Format(time.RFC3339)
	}
	return c
}

var cycleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// newJob makes a job of an order; id and at are what it gets where it names none.
func newJob(o Order, why, id string, at time.Time, wait time.Duration) (*job, error) {
	j := &job{id: o.Cycle, why: why, asOf: at, order: o, wait: wait}
	var err error
	if o.AsOf != "" {
		if j.asOf, err = time.Parse(time.RFC3339, o.AsOf); err != nil {
			return nil, fmt.Errorf("%w: as_of %q: want an instant such as 2026-11-21T02:00:00-06:00", errOrder, o.AsOf)
		}
	}
	if o.Deadline != "" {
		if j.deadline, err = time.Parse(time.RFC3339, o.Deadline); err != nil {
			return nil, fmt.Errorf("%w: deadline %q: want an instant such as 2026-11-21T05:30:00-06:00", errOrder, o.Deadline)
		}
	}
	if o.Wait != "" {
		if j.wait, err = time.ParseDuration(o.Wait); err != nil || j.wait <= 0 {
			return nil, fmt.Errorf("%w: wait %q: want a duration such as 90s", errOrder, o.Wait)
		}
	}
	j.asOf = j.asOf.UTC().Truncate(time.Microsecond)
	if j.id == "" {
		j.id = id
	}
	if j.id == "" {
		j.id = j.asOf.Format("20060102T150405Z")
	}
	if !cycleName.MatchString(j.id) {
		return nil, fmt.Errorf("%w: cycle %q: want letters, digits, . _ -, at most 64", errOrder, j.id)
	}
	j.dcs = slices.Clone(o.DCs)
	slices.Sort(j.dcs)
	j.dcs = slices.Compact(j.dcs)
	for _, dc := range j.dcs {
		if !cycleName.MatchString(dc) {
			return nil, fmt.Errorf("%w: dc %q: want the id of a DC", errOrder, dc)
		}
	}
	return j, nil
}

// add puts a job at the end of the queue, unless one of its id waits or runs. Waves are never turned away: there
// are as many as the file says.
func (t *tenant) add(j *job) (Cycle, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running != nil && t.running.id == j.id {
		return t.running.view("running"), false, nil
	}
	for _, w := range t.waiting {
		if w.id == j.id {
			return w.view("waiting"), false, nil
		}
	}
	if t.stopping {
		return Cycle{}, false, fmt.Errorf("the service is stopping")
	}
	if len(t.waiting) >= t.cfg.Limits.Cycles && (j.why == "http" || j.why == "trigger" || j.why == "floor") {
		return Cycle{}, false, fmt.Errorf("%w: %d of at most %d", errBusy, len(t.waiting), t.cfg.Limits.Cycles)
	}
	t.waiting = append(t.waiting, j)
	select {
	case t.wake <- struct{}{}:
	default:
	}
	return j.view("waiting"), true, nil
}

// next takes the first job.
func (t *tenant) next() *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		return nil
	}
	t.running = t.waiting[0]
	t.waiting = slices.Delete(t.waiting, 0, 1)
	return t.running
}
