package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"echelon/cdc"
	"echelon/cdc/state"
	"echelon/cmd/echelon/feeds"
	"echelon/publish/cycle"
	"echelon/publish/outcome"
	publishstate "echelon/publish/state"
)

// resume asks for the cycles that an earlier process began and did not end. Waves come by themselves while their
// window is open.
func (t *tenant) resume(ctx context.Context) {
	known, err := t.svc.store.Cycles(ctx, t.name)
	if err != nil {
		t.log.Error("cycles that were begun are not taken up", "error", err)
		return
	}
	young := t.svc.opt.Clock.Now().Add(-resumeFor)
	for i := range known {
		c := &known[i]
		begun := c.State == publishstate.CyclePlanning || c.State == publishstate.CyclePlanned
		if !begun || time.UnixMicro(c.AsOf).Before(young) || t.wave(c.Cycle) {
			continue
		}
		j := &job{id: c.Cycle, why: "resumed", asOf: time.UnixMicro(c.AsOf).UTC(), dcs: c.Wave, wait: t.cfg.Wait}
		if _, _, err := t.add(j); err != nil {
			t.log.Warn("a cycle that was begun is not taken up", "cycle", c.Cycle, "error", err)
		}
	}
}

// resumeFor is how old a cycle may be that is taken up again.
const resumeFor = 6 * time.Hour

// wave reports whether a cycle is one of a wave.
func (t *tenant) wave(id string) bool {
	return slices.ContainsFunc(t.cfg.Schedule, func(w Wave) bool { return strings.HasSuffix(id, "-"+w.Name) })
}

// work runs the cycles of the queue one after another; asking ends the waiting, working the cycle.
func (t *tenant) work(asking, working context.Context) {
	for {
		j := t.next()
		if j == nil {
			select {
			case <-t.wake:
				continue
			case <-asking.Done():
				return
			}
		}
		select {
		case t.svc.slots <- struct{}{}:
		case <-asking.Done():
			t.over(j, nil, nil)
			return
		}
		result, err := t.plan1(working, j)
		<-t.svc.slots
		retry := t.over(j, result, err)
		if retry && asking.Err() == nil {
			go t.later(asking, j)
		}
		if asking.Err() != nil {
			return
		}
	}
}

const (
	maxTries   = 5
	retryAfter = 30 * time.Second
)

// later asks for a cycle again after a while: what was away may be back, and what is done is not done again.
func (t *tenant) later(ctx context.Context, j *job) {
	if !sleep(ctx, t.svc.opt.Clock, t.svc.opt.Clock.Now().Add(retryAfter)) {
		return
	}
	if _, _, err := t.add(j); err != nil {
		t.log.Warn("a cycle is not tried again", "cycle", j.id, "error", err)
	}
}

// over notes the end of a cycle, and says whether to try it again.
func (t *tenant) over(j *job, result *cycle.Result, err error) (retry bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = nil
	if result == nil {
		return false
	}
	j.tries++
	code := result.ExitCode
	retry = (code == outcome.CodeAgain || code == outcome.CodeUnavailable) && j.tries < maxTries &&
		(j.deadline.IsZero() || t.svc.opt.Clock.Now().Add(retryAfter).Before(j.deadline))
	log := t.log.With("cycle", j.id, "why", j.why, "state", result.State, "code", code, "plan", result.PlanHash)
	if err != nil {
		log.Error("cycle ended", "error", err, "again", retry)
	} else {
		log.Info("cycle ended", "milliseconds", result.Timings["total"])
	}
	c := j.view(result.State)
	c.PlanHash = result.PlanHash
	if raw, jerr := json.Marshal(result); jerr == nil {
		c.Result = raw
	}
	if _, known := t.ended[j.id]; !known {
		t.endedIDs = append(t.endedIDs, j.id)
	}
	t.ended[j.id] = c
	if len(t.endedIDs) > keptEnded {
		delete(t.ended, t.endedIDs[0])
		t.endedIDs = slices.Delete(t.endedIDs, 0, 1)
	}
	if j.done != nil && !retry {
		j.done()
	}
	return retry
}

// plan1 runs one cycle.
func (t *tenant) plan1(ctx context.Context, j *job) (*cycle.Result, error) {
	cfg := t.plan.Cycle
	cfg.Inputs, cfg.State, cfg.Tenant, cfg.Cycle = "the change feeds", t.svc.cfg.State, t.name, j.id
	cfg.AsOf, cfg.DCs, cfg.Deadline = j.asOf.UnixMicro(), j.dcs, j.deadline
	cfg.Workers, cfg.Now = t.cfg.Limits.Workers, t.svc.opt.Clock.Now
	if t.cfg.Limits.Keep > 0 {
		cfg.Keep = t.cfg.Limits.Keep
	}
	if t.publisher != nil {
		cfg.Publisher = t.publisher
	}
	cfg.Warm = &t.warm
	cfg.At = func(stage string) { t.svc.opt.At(t.name, stage) }
	var cut *state.Cut
	cfg.Feed = func(ctx context.Context) (*cycle.Feed, error) {
		offsets, err := atLeast(j.order.AtLeast)
		if err != nil {
			return nil, outcome.New(outcome.CodeUsage, "usage", "at_least", "write topic/partition", "%w", err)
		}
		c, err := t.feeds.Cut(ctx, feeds.Want{AtLeast: offsets, Lenient: true, Wait: t.waitFor(j)})
		if err != nil {
			return nil, err
		}
		cut = c.Cut
		return t.feeds.Feed(c), nil
	}
	result, err := cycle.Run(ctx, cfg)
	t.svc.metrics.cycle(t.name, j.why, result)
	if cut != nil && finished(result.State) && t.cfg.Floor.SKUs > 0 {
		t.planned(ctx, cut)
	}
	return result, err
}

// waitFor is how long a cut may take: never longer than to the deadline.
func (t *tenant) waitFor(j *job) time.Duration {
	wait := j.wait
	if wait <= 0 {
		wait = t.cfg.Wait
	}
	if !j.deadline.IsZero() {
		wait = min(wait, max(time.Second, j.deadline.Sub(t.svc.opt.Clock.Now())))
	}
	return wait
}

// atLeast reads "topic/partition" names; none: nil.
func atLeast(in map[string]int64) (map[cdc.Partition]int64, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := map[cdc.Partition]int64{}
	for name, offset := range in {
		at := strings.LastIndexByte(name, '/')
		if at <= 0 {
			return nil, fmt.Errorf("%q: want topic/partition", name)
		}
		id, err := strconv.ParseInt(name[at+1:], 10, 32)
		if err != nil || id < 0 || offset < 0 {
			return nil, errors.Join(fmt.Errorf("%q: want topic/partition", name), err)
		}
		out[cdc.Partition{Topic: name[:at], ID: int32(id)}] = offset
	}
	return out, nil
}
