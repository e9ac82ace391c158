package cycle

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"echelon/inputs"
	"echelon/publish/disk"
	"echelon/publish/state"
)

// quarantine writes the rows that break their contract to a file of the state folder, one JSON object a
// line, made when the first one comes.
type quarantine struct {
	fs   disk.FS
	name string

	mu   sync.Mutex
	file disk.File
	buf  *bufio.Writer
	rows int64
	err  error
}

func newQuarantine(f disk.FS, dir, tenant, cycle string) *quarantine {
	return &quarantine{fs: f, name: state.QuarantineFile(dir, tenant, cycle)}
}

// record is a quarantined row as it is written.
type record struct {
	Table    string `json:"table"`
	Reason   string `json:"reason"`
	Column   string `json:"column,omitempty"`
	Value    string `json:"value,omitempty"`
	Source   string `json:"source"`
	Position int64  `json:"position"`
	Hint     string `json:"hint"`
}

// add writes one row. The first error is kept for close.
func (q *quarantine) add(f inputs.Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return
	}
	if q.file == nil {
		if q.err = q.fs.MkdirAll(filepath.Dir(q.name)); q.err != nil {
			return
		}
		if q.file, q.err = q.fs.Create(q.name); q.err != nil {
			return
		}
		q.buf = bufio.NewWriter(q.file)
	}
	raw, err := json.Marshal(record{f.Table, string(f.Reason), f.Column, f.Value, f.Source, f.Position, f.Hint})
	if err == nil {
		_, err = q.buf.Write(append(raw, '\n'))
	}
	q.rows++
	q.err = err
}

// close finishes the file and returns where it is, "" when no row was quarantined.
func (q *quarantine) close() (string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.file == nil {
		return "", q.err
	}
	err := errors.Join(q.err, q.buf.Flush(), q.file.Close())
	q.file = nil
	if err != nil {
		return "", fmt.Errorf("quarantine %s: %w", q.name, err)
	}
	return q.name, nil
}
