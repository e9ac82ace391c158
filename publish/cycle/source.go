package cycle

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/inputs/feed"
	"echelon/inputs/store"
	"echelon/publish/outcome"
)

// source is the inputs of a run: a folder of tables, a snapshot that someone else made, or a cut of change feeds.
type source struct {
	folder  *feed.Folder
	ready   *store.Snapshot
	feed    *Feed             // of a cycle whose snapshot stands: without rows
	digests map[string]string // the cut: file → SHA-256
	bytes   int64
	asOf    int64 // what the inputs say, 0: nothing
}

// openSource takes the inputs up and computes their digests. quarantine is called for every row that breaks
// its contract.
func openSource(ctx context.Context, c *Config, quarantine func(inputs.Fault)) (*source, error) {
	if _, err := os.Stat(filepath.Join(c.Inputs, "network.parquet")); err == nil {
		return openReady(c)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open inputs: %w", err)
	}
	folder, err := feed.Open(ctx, c.Inputs, feed.Options{Mapping: c.Mapping, Quarantine: quarantine})
	if err != nil {
		return nil, err
	}
	s := &source{folder: folder, digests: make(map[string]string)}
	for _, f := range folder.Files() {
		s.digests[f.Name] = f.SHA256
		s.bytes += f.Bytes
	}
	if at, ok := folder.AsOf(); ok {
		s.asOf = at
	}
	return s, nil
}

func openReady(c *Config) (*source, error) {
	snap, err := store.Open(c.Inputs, c.Tenant)
	if err != nil {
		return nil, err
	}
	digest, err := snap.Manifest.Digest()
	if err != nil {
		return nil, fmt.Errorf("open snapshot: %w", err)
	}
	return &source{ready: snap, digests: map[string]string{"snapshot": digest}, asOf: snap.Manifest.AsOf}, nil
}

// rows is what the snapshot is built of.
func (s *source) rows() inputs.Source {
	if s.feed != nil {
		return s.feed.Source
	}
	return s.folder
}

// fits refuses a ready snapshot whose days are not those of the as-of, or whose horizon is not the policy's.
func (s *source) fits(asOf int64, horizon int) error {
	n := s.ready.Network
	if n.Horizon != horizon {
		return outcome.New(outcome.CodeUsage, "horizon_differs", "policy", "set horizon_days to the snapshot's, or build another snapshot",
			"the snapshot has %d days, the policy wants %d", n.Horizon, horizon)
	}
	for _, name := range n.Zones {
		zone, err := calendars.LoadZone(name)
		if err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
		if have, want := zone.DayOf(n.AsOf), zone.DayOf(asOf); have != want {
			return outcome.New(outcome.CodeUsage, "as_of_differs", "--as-of", "a snapshot is of a day: give an instant of that day, or build another snapshot",
				"the snapshot was cut on %s in %s, the as-of is on %s", have, name, want)
		}
	}
	return nil
}
