package ingest

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// Request is the rows of one table that are taken together or not at all.
type Request struct {
	Table string
	Key   string   // idempotency key, "" none
	Rows  [][]byte // one JSON object each, as Split gives them
}

// Receipt is what a request is answered with.
type Receipt struct {
	First    int64 // offset of the first row
	Rows     int
	Repeated bool // the key was known: nothing was written
}

// ErrOtherRows says that an idempotency key came again with other rows.
var ErrOtherRows = errors.New("the key was used before with other rows")

// Append takes a request and returns once it is durable. A full disk, and every other failure of it, closes
// the log for appending: what is on the disk then is only known after the log is opened anew.
func (l *Log) Append(req Request) (Receipt, error) {
	f := frame{Table: req.Table, Key: req.Key, Rows: req.Rows, Digest: digest(req.Table, req.Rows)}
	l.mu.Lock()
	got, known := l.keys[req.Table+"\x00"+req.Key]
	if known && req.Key != "" {
		l.mu.Unlock()
		if got.digest != f.Digest {
			return Receipt{}, ErrOtherRows
		}
		// The first one may still be on its way to the disk.
		return Receipt{got.first, got.rows, true}, l.sync(got.first + int64(got.rows))
	}
	err := l.write(&f)
	l.mu.Unlock()
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{First: f.First, Rows: len(f.Rows)}, l.sync(f.First + int64(len(f.Rows)))
}

// write puts a frame at the end of the newest segment; l.mu is held.
func (l *Log) write(f *frame) error {
	if l.failed != nil {
		return l.failed
	}
	f.First, f.Time = l.written, l.o.Now().UnixMicro()
	raw := f.append(nil)
	if len(raw) > maxFrame {
		return fmt.Errorf("input log: a request of %d bytes, at most %d", len(raw), maxFrame)
	}
	s := l.segments[len(l.segments)-1]
	if s.bytes > 0 && s.bytes+int64(len(raw)) > l.o.SegmentBytes {
		// Appends that wait for the old segment's sync must not be told of the new one's.
		if err := l.o.Sync(s.file); err != nil {
			return l.fail(err)
		}
		l.reached(l.written)
		if err := l.begin(); err != nil {
			return l.fail(err)
		}
		s = l.segments[len(l.segments)-1]
	}
	if _, err := s.file.WriteAt(raw, s.bytes); err != nil {
		// A frame that is not whole must not stand before the next one; when it cannot be cut, opening does.
		return l.fail(errors.Join(err, s.file.Truncate(s.bytes)))
	}
	s.note(f, s.bytes)
	s.bytes += int64(len(raw))
	l.written = s.end
	l.learn(f)
	return nil
}

// fail closes the log for appending; l.mu is held.
func (l *Log) fail(err error) error {
	l.failed = fmt.Errorf("input log %s: %w", l.o.Dir, err)
	return l.failed
}

// reached notes that rows are durable; l.mu is held.
func (l *Log) reached(offset int64) {
	if offset > l.synced {
		l.synced = offset
		close(l.more)
		l.more = make(chan struct{})
	}
}

// sync returns once the rows before an offset are durable. Requests that come together share one sync.
func (l *Log) sync(offset int64) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	if l.synced >= offset || l.failed != nil {
		err := l.failed
		if l.synced >= offset {
			err = nil
		}
		l.mu.Unlock()
		return err
	}
	file, written := l.segments[len(l.segments)-1].file, l.written
	l.mu.Unlock()
	err := l.o.Sync(file)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		return l.fail(err)
	}
	l.reached(written)
	return nil
}

// Trim removes segments whose rows are all before an offset that a checkpoint has and that is written through,
// and that are older than Options.KeepFor; the newest segment always stays.
func (l *Log) Trim(before int64) error {
	l.syncing.Lock() // the newest segment must not be one that is being synced
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.o.Now().Add(-l.o.KeepFor).UnixMicro()
	n := 0
	for n+1 < len(l.segments) && l.segments[n].end <= before && l.segments[n].newest < old {
		n++
	}
	for _, s := range l.segments[:n] {
		for _, key := range s.keys {
			delete(l.keys, key)
		}
		if err := errors.Join(s.file.Close(), os.Remove(s.name)); err != nil {
			return fmt.Errorf("trim input log: %w", err)
		}
	}
	l.segments = slices.Delete(l.segments, 0, n)
	return nil
}
