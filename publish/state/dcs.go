package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

const dcColumns = `cycle, dc, as_of, state, grace_until, last_receive, counted, carry_from, plan_hash, lines, why,
	topics, published, recovered`

// DCs returns the DCs of a cycle, ascending by id.
func (s *Store) DCs(ctx context.Context, tenant, cycle string) ([]DC, error) {
	return s.dcs(ctx, "WHERE tenant = ? AND cycle = ? ORDER BY dc", tenant, cycle)
}

// History returns what every cycle did for a DC, ascending by (as-of, cycle).
func (s *Store) History(ctx context.Context, tenant, dc string) ([]DC, error) {
	return s.dcs(ctx, "WHERE tenant = ? AND dc = ? ORDER BY as_of, cycle", tenant, dc)
}

// AllDCs returns every DC row of a tenant, ascending by (as-of, cycle, DC).
func (s *Store) AllDCs(ctx context.Context, tenant string) ([]DC, error) {
	return s.dcs(ctx, "WHERE tenant = ? ORDER BY as_of, cycle, dc", tenant)
}

func (s *Store) dcs(ctx context.Context, where string, args ...any) ([]DC, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+dcColumns+" FROM dcs "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("state: read DCs: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	var out []DC
	for rows.Next() {
		var d DC
		var counted, topics string
		if err := rows.Scan(&d.Cycle, &d.DC, &d.AsOf, &d.State, &d.GraceUntil, &d.LastReceive, &counted, &d.CarryFrom,
			&d.PlanHash, &d.Lines, &d.Why, &topics, &d.Published, &d.Recovered); err != nil {
			return nil, fmt.Errorf("state: read DCs: %w", err)
		}
		if err := errors.Join(json.Unmarshal([]byte(counted), &d.Counted), json.Unmarshal([]byte(topics), &d.Topics)); err != nil {
			return nil, fmt.Errorf("state: read DC %s of cycle %s: %w", d.DC, d.Cycle, err)
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// PutDCs writes what the DCs of a cycle will count, before they are planned. Rows that stand are replaced
// unless they are published.
func (s *Store) PutDCs(ctx context.Context, tenant string, dcs []DC) error {
	return s.tx(ctx, "begin DCs", func(tx *sql.Tx) error {
		for i := range dcs {
			if err := putDC(ctx, tx, tenant, &dcs[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func putDC(ctx context.Context, tx *sql.Tx, tenant string, d *DC) error {
	counted, err := json.Marshal(append([]string{}, d.Counted...))
	if err != nil {
		return err
	}
	topics, err := json.Marshal(d.Topics)
	if err != nil {
		return err
	}
	if d.Topics == nil {
		topics = []byte("{}")
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO dcs (tenant, `+dcColumns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
		ON CONFLICT (tenant, cycle, dc) DO UPDATE SET as_of = excluded.as_of, state = excluded.state,
			grace_until = excluded.grace_until, last_receive = excluded.last_receive, counted = excluded.counted,
			carry_from = excluded.carry_from, plan_hash = excluded.plan_hash, lines = excluded.lines, why = excluded.why,
			topics = excluded.topics, published = excluded.published, recovered = excluded.recovered
		WHERE dcs.state <> 'published'`,
		tenant, d.Cycle, d.DC, d.AsOf, d.State, d.GraceUntil, d.LastReceive, string(counted), d.CarryFrom,
		d.PlanHash, d.Lines, d.Why, string(topics), d.Published, d.Recovered)
	return err
}

// Planned is what is known of a DC when its plan files are there.
type Planned struct {
	Tenant, Cycle, DC string
	AsOf              int64
	PlanHash          string
	Lines             int64
	LastReceive       int64
}

// MarkPlanned says that a DC's plan files are there. Plans of the same DC that earlier cycles left unpublished
// were made without being counted in this one: published late they would order twice, so they are
// superseded in the same transaction.
func (s *Store) MarkPlanned(ctx context.Context, p Planned) error {
	return s.tx(ctx, "dc planned", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE dcs SET state = ?, plan_hash = ?, lines = ?, last_receive = ?
			WHERE tenant = ? AND cycle = ? AND dc = ? AND state <> ?`,
			DCPlanned, p.PlanHash, p.Lines, p.LastReceive, p.Tenant, p.Cycle, p.DC, DCPublished)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE dcs SET state = ?, why = ? WHERE tenant = ? AND dc = ? AND cycle <> ?
			AND as_of <= ? AND state IN (?, ?)`,
			DCSuperseded, "cycle "+p.Cycle+" was planned without its releases", p.Tenant, p.DC, p.Cycle, p.AsOf, DCPlanned, DCPlanning)
		return err
	})
}

// MarkPublished says that a DC's manifest record is committed.
func (s *Store) MarkPublished(ctx context.Context, tenant, cycle, dc string, topics map[string]int64, at time.Time) error {
	raw, err := json.Marshal(topics)
	if err != nil {
		return fmt.Errorf("state: dc published: %w", err)
	}
	return s.tx(ctx, "dc published", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE dcs SET state = ?, topics = ?, published = ? WHERE tenant = ? AND cycle = ? AND dc = ?`,
			DCPublished, string(raw), at.UnixMicro(), tenant, cycle, dc)
		return err
	})
}

// MarkEnded says that a DC ends a cycle without being published: carried forward or superseded, and why.
func (s *Store) MarkEnded(ctx context.Context, tenant, cycle, dc, state, why string) error {
	return s.tx(ctx, "dc "+state, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE dcs SET state = ?, why = ? WHERE tenant = ? AND cycle = ? AND dc = ? AND state <> ?`,
			state, why, tenant, cycle, dc, DCPublished)
		return err
	})
}

// PutCounts keeps the applied rows of each input table for the next cycle's row gate.
func (s *Store) PutCounts(ctx context.Context, tenant, cycle string, counts map[string]int64) error {
	return s.tx(ctx, "input counts", func(tx *sql.Tx) error {
		for name, n := range counts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO input_counts (tenant, cycle, name, applied) VALUES (?,?,?,?)
				ON CONFLICT (tenant, cycle, name) DO UPDATE SET applied = excluded.applied`, tenant, cycle, name, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// LastCounts returns the applied rows of each input table in the last cycle before an as-of that was not
// refused; nil when there is none.
func (s *Store) LastCounts(ctx context.Context, tenant, cycle string, asOf int64) (map[string]int64, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name, applied FROM input_counts WHERE tenant = ? AND cycle = (
		SELECT c.cycle FROM cycles c WHERE c.tenant = ? AND c.cycle <> ? AND c.as_of <= ? AND c.state NOT IN (?, ?)
			AND EXISTS (SELECT 1 FROM input_counts i WHERE i.tenant = c.tenant AND i.cycle = c.cycle)
		ORDER BY c.as_of DESC, c.cycle DESC LIMIT 1)`, tenant, tenant, cycle, asOf, CycleRefused, CyclePlanning)
	if err != nil {
		return nil, fmt.Errorf("state: read input counts: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	var out map[string]int64
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, fmt.Errorf("state: read input counts: %w", err)
		}
		if out == nil {
			out = make(map[string]int64)
		}
		out[name] = n
	}
	return out, rows.Err()
}
