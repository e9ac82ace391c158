package follow

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"echelon/inputs"
)

// Quarantine is the records that were not taken, one JSON object a line, in a folder of bounded size: the oldest
// file goes when there are too many. A record that is read again after a restart is not written again.
//
//	{"table":"inventory","reason":"out_of_range","column":"on_hand","value":"-4","hint":"…","source":"wms.stock-3","offset":1234}
type Quarantine struct {
	dir string

	mu    sync.Mutex
	file  *os.File
	buf   *bufio.Writer
	bytes int64
	names []string         // ascending
	high  map[string]int64 // source → highest offset that is written
	err   error            // the first one of writing; Flush tells it
}

// quarantined is one line.
type quarantined struct {
	Table  string `json:"table"`
	Reason string `json:"reason"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
	Hint   string `json:"hint,omitempty"`
	Source string `json:"source"`
	Offset int64  `json:"offset"`
}

const (
	quarantineFile  = 16 << 20 // bytes of one file
	quarantineFiles = 8
)

// OpenQuarantine takes up what is in a folder.
func OpenQuarantine(dir string) (*Quarantine, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, fmt.Errorf("quarantine: %w", err)
	}
	q := &Quarantine{dir: dir, names: names, high: map[string]int64{}}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("quarantine: %w", err)
		}
		whole := bytes.LastIndexByte(raw, '\n') + 1
		for line := range bytes.Lines(raw[:whole]) {
			var l quarantined
			if json.Unmarshal(line, &l) == nil {
				q.high[l.Source] = max(q.high[l.Source], l.Offset+1)
			}
		}
		if whole < len(raw) {
			if err := os.Truncate(name, int64(whole)); err != nil {
				return nil, fmt.Errorf("quarantine: %w", err)
			}
		}
	}
	return q, nil
}

// Add writes a record.
func (q *Quarantine) Add(f inputs.Fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if f.Position < q.high[f.Source] || q.err != nil {
		return
	}
	raw, err := json.Marshal(quarantined{f.Table, string(f.Reason), f.Column, f.Value, f.Hint, f.Source, f.Position})
	if err == nil {
		err = q.room(int64(len(raw)) + 1)
	}
	if err == nil {
		_, err = q.buf.Write(append(raw, '\n'))
	}
	if err != nil {
		q.err = fmt.Errorf("quarantine: %w", err)
		return
	}
	q.bytes += int64(len(raw)) + 1
	q.high[f.Source] = f.Position + 1
}

// room opens a file that has room for so many bytes.
func (q *Quarantine) room(n int64) error {
	if q.file != nil && q.bytes+n <= quarantineFile {
		return nil
	}
	next := 1
	if q.file == nil && len(q.names) > 0 {
		last := q.names[len(q.names)-1]
		info, err := os.Stat(last)
		if err != nil {
			return err
		}
		if info.Size()+n <= quarantineFile {
			return q.open(last, info.Size())
		}
	}
	if err := q.close(); err != nil {
		return err
	}
	if len(q.names) > 0 {
		if _, err := fmt.Sscanf(filepath.Base(q.names[len(q.names)-1]), "%d.jsonl", &next); err != nil {
			return err
		}
		next++
	}
	name := filepath.Join(q.dir, fmt.Sprintf("%08d.jsonl", next))
	q.names = append(q.names, name)
	for len(q.names) > quarantineFiles {
		if err := os.Remove(q.names[0]); err != nil {
			return err
		}
		q.names = slices.Delete(q.names, 0, 1)
	}
	return q.open(name, 0)
}

func (q *Quarantine) open(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	q.file, q.buf, q.bytes = f, bufio.NewWriter(f), size
	return nil
}

func (q *Quarantine) close() error {
	if q.file == nil {
		return nil
	}
	err := errors.Join(q.buf.Flush(), q.file.Sync(), q.file.Close())
	q.file, q.buf = nil, nil
	return err
}

// Flush makes what was added durable: before a checkpoint counts it.
func (q *Quarantine) Flush() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || q.file == nil {
		return q.err
	}
	if err := errors.Join(q.buf.Flush(), q.file.Sync()); err != nil {
		q.err = fmt.Errorf("quarantine: %w", err)
	}
	return q.err
}

// Close makes what was added durable and lets go of the file.
func (q *Quarantine) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return errors.Join(q.err, q.close())
}
