package cli

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"

	"echelon/inputs/store"
	"echelon/publish/state"
)

// snapshotOf opens the snapshot that a cycle planned: the folder named, else the one of the state folder
// whose as-of and inputs are the cycle's. Nil when it is there no more.
func snapshotOf(ctx context.Context, st *state.Store, c *state.Cycle, folder string) (*store.Snapshot, error) {
	if folder != "" && isSnapshot(folder) {
		return store.Open(folder, c.Tenant)
	}
	known, err := st.Snapshots(ctx, c.Tenant)
	if err != nil {
		return nil, err
	}
	for _, last := range []bool{true, false} { // the one that names the cycle first
		for i := range known {
			if (known[i].Cycle == c.Cycle) != last {
				continue
			}
			var file struct{ Manifest store.Manifest }
			dir := filepath.Join(st.Dir(), "snapshots", "tenant="+c.Tenant, known[i].ID) // wherever the state folder is now
			raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
			if err != nil || json.Unmarshal(raw, &file) != nil || file.Manifest.AsOf != c.AsOf || !maps.Equal(file.Manifest.Cut, c.Inputs) {
				continue // pruned or another's: Open checks the one that fits
			}
			return store.Open(dir, c.Tenant)
		}
	}
	return nil, nil
}

// open opens the state folder of a cycle that exists; it makes none.
func (w *where) open(ctx context.Context) (*state.Store, error) {
	if _, err := os.Stat(filepath.Join(w.state, state.DBName)); err != nil {
		return nil, usagef("%s is no state folder; --state names another", w.state)
	}
	return state.Open(ctx, w.state)
}
