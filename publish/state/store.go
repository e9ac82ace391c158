// Package state remembers cycles: what was to be planned, what was planned, what is out.
//
//	<state>/echelon.db        SQLite (WAL): cycles, their DCs, counts of inputs, snapshots
//	<state>/<tenant>.lock     held while a process runs a cycle of the tenant
//	<state>/plans/…           plan files (package planfile)
//	<state>/snapshots/…       snapshots
//
// A cycle's state goes planning → planned → closed, a DC's planning → planned → published, or ends in
// carried-forward or superseded.
//
// Invariants:
//
//	I1  what a cycle is to plan (as-of, DCs, policy, inputs, cycles that count) is written before it plans
//	    and never changes afterwards; a run that wants it otherwise is refused
//	I2  a DC is `published` here only after its manifest record was committed
//	I3  each change is one transaction, synced to disk before it returns
package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the database driver

	"echelon/publish/outcome"
)

//go:embed migrations/*.sql
var migrations embed.FS

// DBName is the database's file in the state folder.
const DBName = "echelon.db"

// Store is an open state folder.
type Store struct {
	dir string
	db  *sql.DB
	// fault, when set, is asked before and after every transaction commits: tests stop there.
	fault func(op string) error
}

// Open opens the state folder, making it first where it is missing. A database that is not whole is refused
// by name.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, outcome.New(outcome.CodeConfig, "state_unusable", dir, "name a folder that can be written with --state", "%w", err)
	}
	name := filepath.Join(dir, DBName)
	db, err := sql.Open("sqlite", "file:"+name+
		"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", name, err)
	}
	db.SetMaxOpenConns(4)
	s := &Store{dir: dir, db: db}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// prepare checks the database and brings its tables up to date.
func (s *Store) prepare(ctx context.Context) error {
	corrupt := func(err error) error {
		if ctx.Err() != nil {
			return fmt.Errorf("open state: %w", err)
		}
		if IsFull(err) {
			return outcome.New(outcome.CodeAgain, "disk_full", filepath.Join(s.dir, DBName), "make room and run it again", "%w", err)
		}
		return outcome.New(outcome.CodeAgain, "state_corrupt", filepath.Join(s.dir, DBName),
			"move the file away: what was published is read back from the topics", "%w", err)
	}
	var verdict string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return corrupt(err)
	}
	if verdict != "ok" {
		return corrupt(errors.New(verdict))
	}
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("state migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, s.db, sub)
	if err != nil {
		return fmt.Errorf("state migrations: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return corrupt(err)
	}
	return nil
}

// Dir returns the state folder.
func (s *Store) Dir() string { return s.dir }

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// tx runs f in one transaction, synced when it returns. A context that ends meanwhile rolls it back behind our back: the
// error says so, whichever statement met it.
func (s *Store) tx(ctx context.Context, op string, f func(tx *sql.Tx) error) error {
	err := s.transaction(ctx, op, f)
	if ended := ctx.Err(); err != nil && ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("%w (%w)", err, ended)
	}
	return err
}

func (s *Store) transaction(ctx context.Context, op string, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("state: %s: %w", op, err)
	}
	err = f(tx)
	if err == nil {
		err = s.faultAt("before " + op)
	}
	if err != nil {
		_ = tx.Rollback() // err says why
		return fmt.Errorf("state: %s: %w", op, err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("state: %s: %w", op, err)
	}
	if err := s.faultAt("after " + op); err != nil {
		return fmt.Errorf("state: %s: %w", op, err)
	}
	return nil
}

func (s *Store) faultAt(op string) error {
	if s.fault == nil {
		return nil
	}
	return s.fault(op)
}

// SetFault installs a function that is asked before and after every transaction's commit; its error fails
// the operation. For tests.
func (s *Store) SetFault(f func(op string) error) { s.fault = f }
