package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"echelon/publish/outcome"
)

// States of a cycle.
const (
	CyclePlanning   = "planning"           // intent is written
	CyclePlanned    = "planned"            // every DC has plan files, or none on purpose
	CycleClosed     = "closed"             // published, closing record written
	CycleUnpub      = "closed-unpublished" // run without a publisher
	CycleRefused    = "refused"
	CycleSuperseded = "superseded"
)

// States of a DC in a cycle.
const (
	DCPlanning   = "planning"
	DCPlanned    = "planned"
	DCPublished  = "published"
	DCCarried    = "carried-forward"
	DCSuperseded = "superseded"
	DCAsked      = "asked" // outside the wave: only what counts for it is written down
)

// Intent is what a run wants to plan.
type Intent struct {
	Tenant     string
	Cycle      string
	AsOf       int64    // microseconds UTC
	Wave       []string // DCs, ascending; empty: all
	PolicyHash string
	Policy     string            // text
	Inputs     map[string]string // name → SHA-256
	Replaces   string
	Engine     string
	Compared   bool // the state was compared with the manifests
}

// Cycle is a remembered cycle.
type Cycle struct {
	Intent
	State    string
	PlanHash string
	Created  int64 // microseconds UTC
	Closed   int64 // 0: not yet
	Result   string
}

// DC is a DC of a remembered cycle.
type DC struct {
	Cycle       string
	DC          string
	AsOf        int64
	State       string
	GraceUntil  int64
	LastReceive int64 // latest receive day of its releases, days since 1970-01-01; 0: none
	Counted     []string
	CarryFrom   string
	PlanHash    string
	Lines       int64
	Why         string
	Topics      map[string]int64
	Published   int64 // microseconds UTC, 0: not yet
	Recovered   bool
}

// Find returns a cycle, nil when the state has none of that id.
func (s *Store) Find(ctx context.Context, tenant, cycle string) (*Cycle, error) {
	all, err := s.query(ctx, "WHERE tenant = ? AND cycle = ?", tenant, cycle)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Cycles returns the cycles of a tenant, ascending by (as-of, id).
func (s *Store) Cycles(ctx context.Context, tenant string) ([]Cycle, error) {
	return s.query(ctx, "WHERE tenant = ? ORDER BY as_of, cycle", tenant)
}

func (s *Store) query(ctx context.Context, where string, args ...any) ([]Cycle, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT tenant, cycle, as_of, dcs, policy_hash, policy, inputs, replaces,
		engine, compared, state, plan_hash, created, closed, result FROM cycles `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("state: read cycles: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it
	var out []Cycle
	for rows.Next() {
		var c Cycle
		var dcs, inputs string
		if err := rows.Scan(&c.Tenant, &c.Cycle, &c.AsOf, &dcs, &c.PolicyHash, &c.Policy, &inputs, &c.Replaces,
			&c.Engine, &c.Compared, &c.State, &c.PlanHash, &c.Created, &c.Closed, &c.Result); err != nil {
			return nil, fmt.Errorf("state: read cycles: %w", err)
		}
		if err := errors.Join(json.Unmarshal([]byte(dcs), &c.Wave), json.Unmarshal([]byte(inputs), &c.Inputs)); err != nil {
			return nil, fmt.Errorf("state: read cycle %s: %w", c.Cycle, err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Begin writes a cycle's intent, or takes the one that stands under its id after comparing: what differs is
// refused by name (64). Of a cycle known only from its manifests the new intent is taken: its published DCs
// are safe, for a plan with another hash is refused when it meets them. So it is of a refused one: nothing of it
// was planned, and corrected inputs may have its id.
func (s *Store) Begin(ctx context.Context, in Intent, now time.Time) (*Cycle, error) {
	have, err := s.Find(ctx, in.Tenant, in.Cycle)
	if err != nil {
		return nil, err
	}
	if have != nil && have.State != CycleRecovered && have.State != CycleRefused {
		return have, have.compare(&in)
	}
	dcs, err := json.Marshal(append([]string{}, in.Wave...))
	if err != nil {
		return nil, fmt.Errorf("state: begin cycle: %w", err)
	}
	inputs, err := json.Marshal(in.Inputs)
	if err != nil {
		return nil, fmt.Errorf("state: begin cycle: %w", err)
	}
	err = s.tx(ctx, "begin cycle", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO cycles (tenant, cycle, as_of, dcs, policy_hash, policy, inputs, replaces,
			engine, compared, state, created) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT (tenant, cycle) DO UPDATE SET as_of = excluded.as_of, dcs = excluded.dcs,
				policy_hash = excluded.policy_hash, policy = excluded.policy, inputs = excluded.inputs,
				replaces = excluded.replaces, engine = excluded.engine, compared = excluded.compared, state = excluded.state`,
			in.Tenant, in.Cycle, in.AsOf, string(dcs), in.PolicyHash, in.Policy, string(inputs), in.Replaces,
			in.Engine, in.Compared, CyclePlanning, now.UnixMicro())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Cycle{Intent: in, State: CyclePlanning, Created: now.UnixMicro()}, nil
}

// compare refuses an intent that differs from the one that stands.
func (c *Cycle) compare(in *Intent) error {
	var what []string
	if c.AsOf != in.AsOf {
		what = append(what, fmt.Sprintf("as-of %s instead of %s", instant(in.AsOf), instant(c.AsOf)))
	}
	if !slices.Equal(c.Wave, in.Wave) {
		what = append(what, fmt.Sprintf("DCs %s instead of %s", wave(in.Wave), wave(c.Wave)))
	}
	if c.PolicyHash != in.PolicyHash {
		what = append(what, fmt.Sprintf("policy %.12s instead of %.12s", in.PolicyHash, c.PolicyHash))
	}
	if c.Replaces != in.Replaces {
		what = append(what, fmt.Sprintf("replaces %q instead of %q", in.Replaces, c.Replaces))
	}
	if d := differing(c.Inputs, in.Inputs); len(d) > 0 {
		what = append(what, "inputs "+strings.Join(d, ", "))
	}
	if len(what) == 0 {
		return nil
	}
	return outcome.New(outcome.CodeUsage, "cycle_differs", "cycle "+c.Cycle,
		"a cycle id is planned once: give the new run an id of its own, or the old arguments", "known with other facts: %s", strings.Join(what, "; "))
}

func instant(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339) }

func wave(dcs []string) string {
	if len(dcs) == 0 {
		return "all"
	}
	return strings.Join(dcs, ",")
}

// differing names the inputs that are not the same in both, ascending.
func differing(a, b map[string]string) []string {
	var out []string
	for name, digest := range a {
		switch other, ok := b[name]; {
		case !ok:
			out = append(out, name+" (missing)")
		case other != digest:
			out = append(out, name+" (changed)")
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			out = append(out, name+" (new)")
		}
	}
	slices.Sort(out)
	return out
}

// SetCycle changes a cycle's state and, where given, its plan hash.
func (s *Store) SetCycle(ctx context.Context, tenant, cycle, state, planHash string) error {
	return s.tx(ctx, "cycle "+state, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE cycles SET state = ?, plan_hash = CASE WHEN ? = '' THEN plan_hash ELSE ? END
			WHERE tenant = ? AND cycle = ?`, state, planHash, planHash, tenant, cycle)
		return err
	})
}

// CloseCycle ends a cycle with its result object.
func (s *Store) CloseCycle(ctx context.Context, tenant, cycle, state, result string, now time.Time) error {
	return s.tx(ctx, "close cycle", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE cycles SET state = ?, result = ?, closed = ? WHERE tenant = ? AND cycle = ?`,
			state, result, now.UnixMicro(), tenant, cycle)
		return err
	})
}

// SetCompared says that a cycle's counted releases were compared with the manifests.
func (s *Store) SetCompared(ctx context.Context, tenant, cycle string) error {
	return s.tx(ctx, "cycle compared", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE cycles SET compared = 1 WHERE tenant = ? AND cycle = ?`, tenant, cycle)
		return err
	})
}

// SetResult keeps the result object of a cycle that is not closed yet.
func (s *Store) SetResult(ctx context.Context, tenant, cycle, result string) error {
	return s.tx(ctx, "result", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE cycles SET result = ? WHERE tenant = ? AND cycle = ?`, result, tenant, cycle)
		return err
	})
}
