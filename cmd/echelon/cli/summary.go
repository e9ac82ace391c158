package cli

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"echelon/inputs"
	"echelon/publish/cycle"
	"echelon/publish/planfile"
)

// summary is the dozen lines that `run` ends with.
func (a *app) summary(ctx context.Context, f runFlags, r *cycle.Result, to *target) error {
	files, net, err := a.planned(ctx, f, r)
	if err != nil {
		return err
	}
	worst, err := worstShortages(ctx, files, net, 3)
	if err != nil {
		return err
	}
	already := ""
	if r.Already {
		already = " · done before, nothing was done again"
	}
	a.note("\ncycle %s of %s · %s · plan %.12s%s", r.Cycle, r.Tenant, r.State, r.PlanHash, already)
	took := ""
	if ms, ok := r.Timings["total"]; ok {
		took = " in " + (time.Duration(ms) * time.Millisecond).String()
	}
	a.note("  planned     %s of %s SKUs in %d DCs%s", thousands(r.Coverage.Planned), thousands(r.Coverage.SKUs), len(r.DCs), took)
	if r.Coverage.Held > 0 {
		a.note("  held        %s SKUs: %s", thousands(r.Coverage.Held), counts(r.Coverage.ByReason))
	}
	var units, short int64
	for _, d := range r.DCs {
		units, short = units+d.Units, short+d.ShortUnits
	}
	var lines []string
	for _, layer := range []string{"store-orders", "dc-orders", "vendor-orders"} {
		if l := r.Layers[layer]; l.Lines > 0 {
			lines = append(lines, fmt.Sprintf("%s %s", layer, thousands(l.Lines)))
		}
	}
	a.note("  ordered     %s units today; lines %s", thousands(units), strings.Join(lines, " · "))
	if short > 0 {
		a.note("  short       %s units of today's orders were wanted and not given", thousands(short))
	}
	if len(r.Exceptions) > 0 {
		a.note("  exceptions  %s", counts(r.Exceptions))
	}
	a.quarantined(f, r)
	a.published(r, to)
	for _, d := range r.DCs {
		if d.Why != "" {
			a.note("  %-11s %s: %s", d.State, d.DC, d.Why)
		}
	}
	more := f.more(r)
	if len(worst) > 0 {
		a.note("  worst shortages by value:")
		for i := range worst {
			s := &worst[i]
			a.note("    %s at %s: %s", s.item, s.node, s.text())
			a.note("      echelon explain --node %s --item %s%s", s.node, s.item, more)
		}
	}
	a.note("  look next   echelon show exceptions --top 20%s · echelon cycles %s%s", more, r.Cycle, stateFlag(f.state))
	return nil
}

// planned opens the plan files of a result, and the snapshot's network when it is there.
func (a *app) planned(ctx context.Context, f runFlags, r *cycle.Result) (files []*planfile.DC, net *inputs.Network, err error) {
	for _, d := range r.DCs {
		if d.Files == "" {
			continue
		}
		dc, err := planfile.Open(planfile.Dir(f.state, r.Tenant, r.Cycle, d.DC))
		if err != nil {
			continue // of a cycle done long ago and no longer kept: the result says enough
		}
		files = append(files, dc)
	}
	w := where{state: f.state}
	st, err := w.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer closing(st)
	c, err := st.Find(ctx, r.Tenant, r.Cycle)
	if err != nil || c == nil {
		return files, nil, err
	}
	snap, err := snapshotOf(ctx, st, c, f.inputs)
	if err != nil || snap == nil {
		return files, nil, nil // without the snapshot only the values are missing
	}
	return files, snap.Network, nil
}

// quarantined says which rows were left out.
func (a *app) quarantined(f runFlags, r *cycle.Result) {
	bad := map[string]int64{}
	for table, in := range r.Inputs {
		if in.Quarantined > 0 {
			bad[table] = in.Quarantined
		}
	}
	if len(bad) > 0 {
		a.note("  quarantine  %s rows: %s/quarantine/tenant=%s/cycle=%s.jsonl", counts(bad), f.state, r.Tenant, r.Cycle)
	}
}

// published says what is out, and where.
func (a *app) published(r *cycle.Result, to *target) {
	var lines int64
	dcs := 0
	for _, d := range r.DCs {
		if len(d.Published) > 0 {
			dcs++
		}
		for _, n := range d.Published {
			lines += n
		}
	}
	switch {
	case dcs > 0 && to != nil:
		a.note("  published   %s lines of %d DCs to %s", thousands(lines), dcs, to.where())
	case dcs > 0:
		a.note("  published   %s lines of %d DCs, earlier", thousands(lines), dcs)
	default:
		a.note("  published   nothing; the plan files stay")
	}
}

// more is what commands about this plan need beside their own flags.
func (f *runFlags) more(r *cycle.Result) string {
	flags := stateFlag(f.state)
	plans := filepath.Join(f.state, "plans")
	if tenants, err := folders(plans, "tenant="); err == nil && len(tenants) > 1 {
		flags += " --tenant " + r.Tenant
	}
	cycles, err := folders(filepath.Join(plans, "tenant="+r.Tenant), "cycle=")
	if err == nil && len(cycles) > 0 && cycles[len(cycles)-1] != r.Cycle {
		flags += " --cycle " + r.Cycle
	}
	return flags
}

func stateFlag(dir string) string {
	if dir == defaultState {
		return ""
	}
	return " --state " + dir
}

// counts writes numbers by name, the largest first.
func counts(by map[string]int64) string {
	names := slices.Sorted(maps.Keys(by))
	slices.SortStableFunc(names, func(x, y string) int {
		switch {
		case by[x] > by[y]:
			return -1
		case by[x] < by[y]:
			return 1
		}
		return 0
	})
	words := make([]string, 0, len(names))
	for _, n := range names {
		if by[n] > 0 {
			words = append(words, n+" "+thousands(by[n]))
		}
	}
	return strings.Join(words, ", ")
}
