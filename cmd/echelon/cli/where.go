package cli

import (
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/publish/planfile"
)

// where says which cycle of which tenant in which state folder.
type where struct{ state, tenant, cycle string }

func (w *where) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&w.state, "state", defaultState, "state folder")
	fs.StringVar(&w.tenant, "tenant", "", "tenant (default: the only one in the state folder)")
	fs.StringVar(&w.cycle, "cycle", "", "cycle (default: the latest)")
}

const defaultState = "echelon-data"

// settle fills in the only tenant and the latest cycle with plan files.
func (w *where) settle() error {
	if w.tenant == "" {
		found, err := folders(w.state+"/plans", "tenant=")
		if err != nil || len(found) == 0 {
			return usagef("%s holds no plan; --state names another folder", w.state)
		}
		if len(found) > 1 {
			return usagef("%s holds several tenants (%s): say --tenant", w.state, strings.Join(found, ", "))
		}
		w.tenant = found[0]
	}
	if w.cycle == "" {
		found, err := folders(w.state+"/plans/tenant="+w.tenant, "cycle=")
		if err != nil || len(found) == 0 {
			return usagef("%s holds no plan of tenant %s", w.state, w.tenant)
		}
		w.cycle = latest(w.state, w.tenant, found)
	}
	return nil
}

// latest is the cycle with the latest as-of, of equal ones the last by name: ids may be anything.
func latest(state, tenant string, cycles []string) string {
	var last string
	var at time.Time
	for _, c := range cycles {
		dcs, err := folders(planfile.CycleDir(state, tenant, c), "dc=")
		if err != nil || len(dcs) == 0 {
			continue
		}
		d, err := planfile.Open(planfile.Dir(state, tenant, c, dcs[0]))
		if err == nil && (last == "" || !d.Manifest.AsOf.Before(at)) {
			last, at = c, d.Manifest.AsOf
		}
	}
	if last == "" {
		return cycles[len(cycles)-1]
	}
	return last
}

// plans opens the plan files of the cycle: of one DC, or of all, ascending by DC.
func (w *where) plans(dc string) ([]*planfile.DC, error) {
	if err := w.settle(); err != nil {
		return nil, err
	}
	dir := planfile.CycleDir(w.state, w.tenant, w.cycle)
	found, err := folders(dir, "dc=")
	if err != nil || len(found) == 0 {
		return nil, usagef("no plan files of cycle %s in %s", w.cycle, w.state)
	}
	if dc != "" {
		if !slices.Contains(found, dc) {
			return nil, usagef("cycle %s has no DC %s; it has %s", w.cycle, dc, strings.Join(found, ", "))
		}
		found = []string{dc}
	}
	var dcs []*planfile.DC
	for _, name := range found {
		d, err := planfile.Open(planfile.Dir(w.state, w.tenant, w.cycle, name))
		if err != nil {
			return nil, err
		}
		dcs = append(dcs, d)
	}
	return dcs, nil
}

// folders lists the names behind a prefix in a folder, ascending.
func folders(dir, prefix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutPrefix(e.Name(), prefix); ok && e.IsDir() {
			names = append(names, name)
		}
	}
	return names, nil
}
