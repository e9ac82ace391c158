package state

import (
	"context"
	"database/sql"
	"fmt"

	"echelon/inputs"
)

// CycleRecovered is the state of a cycle that is known only from its manifests.
const CycleRecovered = "recovered"

// Recovery is a published DC that the state lacked, as it was read back from the topics.
type Recovery struct {
	Tenant     string
	DC         DC // State published, Recovered
	PolicyHash string
	Replaces   string
	Engine     string
	Releases   []inputs.Release
	Carry      []inputs.CarryEntry
}

// Recover writes a published DC with its releases and carry, in one transaction.
func (s *Store) Recover(ctx context.Context, r Recovery) error {
	return s.tx(ctx, "recover dc", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO cycles (tenant, cycle, as_of, dcs, policy_hash, policy, inputs, replaces,
			engine, compared, state, created) VALUES (?,?,?,'[]',?,'','{}',?,?,1,?,?) ON CONFLICT DO NOTHING`,
			r.Tenant, r.DC.Cycle, r.DC.AsOf, r.PolicyHash, r.Replaces, r.Engine, CycleRecovered, r.DC.Published)
		if err != nil {
			return err
		}
		for i := range r.Releases {
			l := &r.Releases[i]
			r.DC.LastReceive = max(r.DC.LastReceive, int64(l.ReceiveDay))
		}
		if err := putDC(ctx, tx, r.Tenant, &r.DC); err != nil {
			return err
		}
		return insertRecovered(ctx, tx, &r)
	})
}

func insertRecovered(ctx context.Context, tx *sql.Tx, r *Recovery) error {
	key := []any{r.Tenant, r.DC.Cycle, r.DC.DC}
	for _, table := range []string{"recovered_releases", "recovered_carry"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE tenant = ? AND cycle = ? AND dc = ?", key...); err != nil {
			return err
		}
	}
	releases, err := tx.PrepareContext(ctx, `INSERT INTO recovered_releases VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`)
	if err != nil {
		return err
	}
	defer func() { _ = releases.Close() }() // ends with the transaction
	for n, l := range r.Releases {
		if _, err := releases.ExecContext(ctx, r.Tenant, r.DC.Cycle, r.DC.DC, n, l.ID, l.Item, l.Destination, l.Source, l.Lane,
			l.Quantity, l.OrderDay, l.PickDay, l.ReceiveDay, l.AsOf, l.GraceUntil); err != nil {
			return err
		}
	}
	carry, err := tx.PrepareContext(ctx, `INSERT INTO recovered_carry VALUES (?,?,?,?,?,?,?)`)
	if err != nil {
		return err
	}
	defer func() { _ = carry.Close() }() // ends with the transaction
	for n, c := range r.Carry {
		if _, err := carry.ExecContext(ctx, r.Tenant, r.DC.Cycle, r.DC.DC, n, c.Item, c.Node, c.Units); err != nil {
			return err
		}
	}
	return nil
}

// RecoveredReleases returns the releases of a recovered DC, in the order of its plan files.
func (s *Store) RecoveredReleases(ctx context.Context, tenant, cycle, dc string) ([]inputs.Release, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT release_id, item, destination, source, lane, quantity, order_day, pick_day,
		receive_day, as_of, grace_until FROM recovered_releases WHERE tenant = ? AND cycle = ? AND dc = ? ORDER BY n`, tenant, cycle, dc)
	if err != nil {
		return nil, fmt.Errorf("state: read recovered releases: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	var out []inputs.Release
	for rows.Next() {
		l := inputs.Release{Cycle: cycle}
		if err := rows.Scan(&l.ID, &l.Item, &l.Destination, &l.Source, &l.Lane, &l.Quantity, &l.OrderDay, &l.PickDay,
			&l.ReceiveDay, &l.AsOf, &l.GraceUntil); err != nil {
			return nil, fmt.Errorf("state: read recovered releases: %w", err)
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// RecoveredCarry returns the carry of a recovered DC, in the order of its plan file.
func (s *Store) RecoveredCarry(ctx context.Context, tenant, cycle, dc string) ([]inputs.CarryEntry, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT item, node, units FROM recovered_carry
		WHERE tenant = ? AND cycle = ? AND dc = ? ORDER BY n`, tenant, cycle, dc)
	if err != nil {
		return nil, fmt.Errorf("state: read recovered carry: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	var out []inputs.CarryEntry
	for rows.Next() {
		var c inputs.CarryEntry
		if err := rows.Scan(&c.Item, &c.Node, &c.Units); err != nil {
			return nil, fmt.Errorf("state: read recovered carry: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
