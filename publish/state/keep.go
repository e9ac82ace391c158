package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"echelon/publish/disk"
	"echelon/publish/planfile"
)

// keepCycles is how many cycles always stay.
const keepCycles = 3

// Expired returns the cycles of a tenant whose files may go, oldest first: older than keep before the newest
// as-of, not among the newest three, none of their DCs inside its grace at that as-of, and none of their
// plans the newest published one of its DC (the carry of the next cycle). Cycles that are not closed stay.
func (s *Store) Expired(ctx context.Context, tenant string, keep time.Duration, rules Rules) ([]string, error) {
	cycles, err := s.unpruned(ctx, tenant)
	if err != nil || len(cycles) <= keepCycles {
		return nil, err
	}
	rows, err := s.AllDCs(ctx, tenant)
	if err != nil {
		return nil, err
	}
	newest := cycles[len(cycles)-1].AsOf
	today := newest / (24 * int64(time.Hour/time.Microsecond))
	needed, last := make(map[string]bool), make(map[string]string)
	for _, d := range rows {
		if d.State != DCPublished {
			continue
		}
		last[d.DC] = d.Cycle
		if d.GraceUntil > newest || rules.FeedNone && d.LastReceive+putAwayMargin >= today {
			needed[d.Cycle] = true
		}
	}
	for _, cycle := range last {
		needed[cycle] = true
	}
	var out []string
	for _, c := range cycles[:len(cycles)-keepCycles] {
		open := c.State == CyclePlanning || c.State == CyclePlanned
		if !needed[c.Cycle] && !open && c.AsOf < newest-keep.Microseconds() {
			out = append(out, c.Cycle)
		}
	}
	return out, nil
}

func (s *Store) unpruned(ctx context.Context, tenant string) ([]Cycle, error) {
	return s.query(ctx, "WHERE tenant = ? AND pruned = 0 ORDER BY as_of, cycle", tenant)
}

// Prune removes the files of a cycle and of the snapshots that only it used; what the database says of the
// cycle stays. Files go first: a run that dies in between finds them missing and the cycle still listed.
func (s *Store) Prune(ctx context.Context, f disk.FS, tenant, cycle string) error {
	snaps, err := s.Snapshots(ctx, tenant)
	if err != nil {
		return err
	}
	errs := []error{f.RemoveAll(planfile.CycleDir(s.dir, tenant, cycle)), f.RemoveAll(QuarantineFile(s.dir, tenant, cycle))}
	for _, snap := range snaps {
		if snap.Cycle == cycle {
			errs = append(errs, f.RemoveAll(snap.Dir))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("prune cycle %s: %w", cycle, err)
	}
	return s.tx(ctx, "prune", func(tx *sql.Tx) error {
		for _, q := range []string{
			"UPDATE cycles SET pruned = 1 WHERE tenant = ? AND cycle = ?",
			"DELETE FROM snapshots WHERE tenant = ? AND cycle = ?",
			"DELETE FROM recovered_releases WHERE tenant = ? AND cycle = ?",
			"DELETE FROM recovered_carry WHERE tenant = ? AND cycle = ?",
		} {
			if _, err := tx.ExecContext(ctx, q, tenant, cycle); err != nil {
				return err
			}
		}
		return nil
	})
}

// QuarantineFile names the file of a cycle's quarantined rows.
func QuarantineFile(dir, tenant, cycle string) string {
	return filepath.Join(dir, "quarantine", "tenant="+tenant, "cycle="+cycle+".jsonl")
}

// Snapshot is a snapshot on disk.
type Snapshot struct {
	ID     string
	Cycle  string // the last cycle that used it
	Dir    string
	Report string // JSON: what building it said
}

// Snapshots returns the snapshots of a tenant, ascending by id.
func (s *Store) Snapshots(ctx context.Context, tenant string) ([]Snapshot, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT id, cycle, dir, report FROM snapshots WHERE tenant = ? ORDER BY id`, tenant)
	if err != nil {
		return nil, fmt.Errorf("state: read snapshots: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	var out []Snapshot
	for rows.Next() {
		var x Snapshot
		if err := rows.Scan(&x.ID, &x.Cycle, &x.Dir, &x.Report); err != nil {
			return nil, fmt.Errorf("state: read snapshots: %w", err)
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// PutSnapshot remembers a snapshot and the cycle that uses it.
func (s *Store) PutSnapshot(ctx context.Context, tenant string, x Snapshot, now time.Time) error {
	return s.tx(ctx, "snapshot", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO snapshots (tenant, id, cycle, dir, created, report) VALUES (?,?,?,?,?,?)
			ON CONFLICT (tenant, id) DO UPDATE SET cycle = excluded.cycle, dir = excluded.dir, report = excluded.report`,
			tenant, x.ID, x.Cycle, x.Dir, now.UnixMicro(), x.Report)
		return err
	})
}
