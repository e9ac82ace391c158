package cycle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
	"echelon/publish/state"
)

// layersOn names the layers that have plan files under a policy.
func layersOn(p *planner.Policy) []string {
	var out []string
	for id := range planner.NumLayers {
		if l := planner.LayerOf(id); !p.LayersOff[id] && len(l.Columns) > 0 {
			out = append(out, l.Name)
		}
	}
	return out
}

// chooseWave checks the DCs asked for against the network.
func (r *run) chooseWave() error {
	if len(r.cfg.DCs) == 0 {
		for _, dc := range r.snap.net.DCs {
			r.wave = append(r.wave, planfile.DCName(r.snap.net, dc))
		}
		slices.Sort(r.wave)
		return nil
	}
	var unknown []string
	for _, name := range r.cfg.DCs {
		if _, ok := nodeOf(r.snap.net, name); !ok {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return outcome.New(outcome.CodeUsage, "unknown_dc", "--dc", "name DCs that have rows in the snapshot", "%s", strings.Join(unknown, ", "))
	}
	r.wave = r.cfg.DCs
	return nil
}

// account writes down, for each DC, which published cycles count: also for those outside the wave, for their
// rows are asked and what they were promised counts. A repeated cycle takes what was written, unless that
// was done while the topics could not be read and is not the whole.
func (r *run) account(ctx context.Context) error {
	history, err := r.store.Past(ctx, r.cfg.Tenant)
	if err != nil {
		return err
	}
	have, err := r.store.DCs(ctx, r.cfg.Tenant, r.intent.Cycle)
	if err != nil {
		return err
	}
	r.rows = make(map[string]*state.DC, len(r.wave))
	for i := range have {
		r.rows[have[i].DC] = &have[i]
	}
	r.history = history
	var fresh []state.DC
	compared := r.cfg.Publisher != nil && r.away == nil
	for _, idx := range r.snap.net.DCs {
		dc := planfile.DCName(r.snap.net, idx)
		a := history.Account(dc, &r.intent, r.rules())
		row, first := r.rows[dc], state.DCAsked
		if slices.Contains(r.wave, dc) {
			first = state.DCPlanning
		}
		if row != nil {
			settled := row.State == state.DCPublished || row.State == state.DCCarried || row.State == state.DCSuperseded
			same := slices.Equal(row.Counted, a.Counted) && row.CarryFrom == a.CarryFrom
			if settled || same || r.known.Compared || !compared {
				continue
			}
			if row.State == state.DCPlanned {
				r.fault("planned_again", "dc "+dc, "its plan was made while the topics could not be read, without releases that count")
			}
			if err := r.cfg.FS.RemoveAll(planfile.Dir(r.cfg.State, r.cfg.Tenant, r.intent.Cycle, dc)); err != nil {
				return fmt.Errorf("plan files of dc %s: %w", dc, err)
			}
		}
		fresh = append(fresh, state.DC{
			Cycle: r.intent.Cycle, DC: dc, AsOf: r.intent.AsOf, State: first,
			GraceUntil: a.GraceUntil, Counted: a.Counted, CarryFrom: a.CarryFrom,
		})
	}
	if err := r.store.PutDCs(ctx, r.cfg.Tenant, fresh); err != nil {
		return err
	}
	for i := range fresh {
		r.rows[fresh[i].DC] = &fresh[i]
	}
	if compared && !r.known.Compared {
		if err := r.store.SetCompared(ctx, r.cfg.Tenant, r.intent.Cycle); err != nil {
			return err
		}
	}
	r.past, err = newPast(ctx, r.store, r.cfg.Tenant, r.rows, history, r.snap.net, r.warmRead())
	return err
}

func (r *run) rules() state.Rules {
	return state.Rules{GraceHours: r.cfg.Policy.GraceHours, FeedNone: r.cfg.Policy.OrderFeedNone}
}

// settle ends what need not be planned: DCs that a later cycle superseded, DCs whose plan files stand.
func (r *run) settle(ctx context.Context) error {
	for _, dc := range r.wave {
		row := r.rows[dc]
		if row.State == state.DCPublished || row.State == state.DCCarried {
			continue
		}
		if by := r.history.Superseded(dc, r.intent.Cycle, r.intent.AsOf); by != "" {
			if err := r.end(ctx, dc, state.DCSuperseded, "cycle "+by+" was planned without its releases"); err != nil {
				return err
			}
			continue
		}
		files, err := planfile.Open(planfile.Dir(r.cfg.State, r.cfg.Tenant, r.intent.Cycle, dc))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			r.fault("plan_files_corrupt", "dc "+dc, "they are made again: "+err.Error())
		case !r.standsAlone(files):
			r.fault("planned_again", "dc "+dc, "its files are a net change of cycle "+files.Manifest.Base.Cycle+", which is not out: it is planned again")
		case files.Manifest.CutHash != r.cut:
			r.fault("plan_files_foreign", "dc "+dc, "they are of another cut and are made again")
		case files.Verify(ctx) != nil:
			r.fault("plan_files_corrupt", "dc "+dc, "a digest does not fit; they are made again")
		default:
			if row.State == state.DCPlanning {
				if err := r.planned(ctx, dc, files.Manifest); err != nil {
					return err
				}
			}
			continue
		}
		row.State = state.DCPlanning
	}
	return nil
}

// planned notes that a DC's plan files are there.
func (r *run) planned(ctx context.Context, dc string, m *planfile.Manifest) error {
	err := r.store.MarkPlanned(ctx, state.Planned{
		Tenant: r.cfg.Tenant, Cycle: r.intent.Cycle, DC: dc, AsOf: r.intent.AsOf,
		PlanHash: m.PlanHash, Lines: m.Lines(), LastReceive: m.LastReceive,
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[dc].State, r.rows[dc].PlanHash = state.DCPlanned, m.PlanHash
	return nil
}

// end notes that a DC ends the cycle without being published.
func (r *run) end(ctx context.Context, dc, how, why string) error {
	if err := r.store.MarkEnded(ctx, r.cfg.Tenant, r.intent.Cycle, dc, how, why); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows[dc].State, r.rows[dc].Why = how, why
	return nil
}

// confirm carries the DCs forward of whose releases more than half ended their grace unnamed: an order
// system that does not answer must not be given the same orders again.
func (r *run) confirm(ctx context.Context) error {
	if r.cfg.Policy.OrderFeedNone || r.cfg.Unconfirmed {
		return nil
	}
	l := r.loader()
	for _, dc := range r.wave {
		row := r.rows[dc]
		if row.State != state.DCPlanning || !r.graceEnds(row) {
			continue
		}
		idx, _ := nodeOf(r.snap.net, dc)
		base, _, grace, err := l.load(ctx, idx)
		if err != nil {
			return err
		}
		r.snap.release(base)
		v, closed := inputs.JudgeReleases(dc, grace, thresholds(r.cfg.Gates))
		switch {
		case closed && v.Refused:
			r.fault(v.Kind, "dc "+dc, v.Hint)
			if err := r.end(ctx, dc, state.DCCarried, v.Kind+": "+v.Hint); err != nil {
				return err
			}
		case closed:
			r.fault(v.Kind, "dc "+dc, v.Hint)
			r.doubts[dc] = v.Kind + ": " + v.Hint
		}
	}
	return nil
}

// graceEnds reports whether a release of the DC may end its grace in this cycle.
func (r *run) graceEnds(row *state.DC) bool {
	if len(r.snap.net.Releases) > 0 {
		return true
	}
	for _, cycle := range row.Counted {
		if r.past.history[row.DC][cycle].GraceUntil <= r.intent.AsOf {
			return true
		}
	}
	return false
}

func (r *run) loader() *loader {
	return &loader{
		snap: r.snap, past: r.past, asOf: r.intent.AsOf, none: r.cfg.Policy.OrderFeedNone,
		lent: map[*inputs.Partition]*inputs.Partition{}, laid: map[string]*inputs.Partition{}, from: r.laidBefore(),
	}
}

// giving lists the DCs of a component that are planned in this run, in the network's indexes.
func (r *run) giving(component []inputs.NodeIdx) (dcs []inputs.NodeIdx, open int) {
	r.mu.Lock() // DCs of another run are being published already
	defer r.mu.Unlock()
	for _, dc := range component {
		name := planfile.DCName(r.snap.net, dc)
		row := r.rows[name]
		if row == nil || row.State == state.DCAsked || row.State == state.DCCarried || row.State == state.DCSuperseded && row.PlanHash == "" {
			continue
		}
		dcs = append(dcs, dc)
		if row.State == state.DCPlanning {
			open++
		}
	}
	return dcs, open
}
