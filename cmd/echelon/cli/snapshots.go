package cli

import (
	"context"
	"os"
	"path/filepath"

	"echelon/inputs/store"
	"echelon/publish/cycle"
	"echelon/publish/state"
)

// snapshotOf opens the snapshot that a cycle planned: the folder named, else the one of the state folder. Nil when it
// is there no more; one that is damaged is an error, for nobody plans another instead.
func snapshotOf(ctx context.Context, st *state.Store, c *state.Cycle, folder string) (*store.Snapshot, error) {
	if folder != "" && isSnapshot(folder) {
		return store.Open(folder, c.Tenant)
	}
	return cycle.SnapshotOf(ctx, st, c)
}

// open opens the state folder of a cycle that exists; it makes none.
func (w *where) open(ctx context.Context) (*state.Store, error) {
	if _, err := os.Stat(filepath.Join(w.state, state.DBName)); err != nil {
		return nil, usagef("%s is no state folder; --state names another", w.state)
	}
	return state.Open(ctx, w.state)
}
