package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"echelon/publish/outcome"
)

// Lock is a tenant's claim on the state folder. It ends with the process, however that ends.
type Lock struct{ file *os.File }

// Lock claims the state folder for a cycle of a tenant. While another process holds it the claim is refused:
// 80 when that process runs the same cycle, 75 when another one. A shared lock file on a network drive that
// has no locks is an error.
func (s *Store) Lock(tenant, cycle string) (*Lock, error) {
	name := filepath.Join(s.dir, tenant+".lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock state: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		raw, _ := io.ReadAll(io.LimitReader(f, 256)) // only for the message
		holder := strings.TrimSpace(string(raw))
		_ = f.Close()
		if holder == cycle {
			return nil, outcome.New(outcome.CodeFenced, "cycle_owned", name, "let that process finish; it does the same work",
				"another process runs cycle %s", cycle)
		}
		return nil, outcome.New(outcome.CodeAgain, "state_locked", name, "run again when it has finished",
			"another process runs cycle %s", holder)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock state %s: %w", name, err), f.Close())
	}
	if err := f.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("lock state: %w", err), f.Close())
	}
	if _, err := f.WriteAt([]byte(cycle+"\n"), 0); err != nil {
		return nil, errors.Join(fmt.Errorf("lock state: %w", err), f.Close())
	}
	return &Lock{file: f}, nil
}

// Unlock ends the claim.
func (l *Lock) Unlock() error { return l.file.Close() }
