package ingest

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"echelon/inputs"
)

// Options say where a log lives and how much of it is kept. Dir is needed.
type Options struct {
	Dir string
	// First is the offset that the state has read up to: a log whose folder was lost goes on there.
	First int64
	// SegmentBytes is where a new segment begins; 0: 64 MiB.
	SegmentBytes int64
	// KeepFor is how long rows and idempotency keys stay at least, also when everybody has read them; 0: 7 days.
	KeepFor time.Duration
	Now     func() time.Time // nil: time.Now
	// Sync makes a file durable; nil: fsync. Tests make it fail.
	Sync func(*os.File) error
}

// Log is an open log. Append, Read and the others may be called by several goroutines.
type Log struct {
	o    Options
	id   string
	lock *os.File

	mu       sync.Mutex
	segments []*segment // ascending
	keys     map[string]receipt
	written  int64 // offset after the last row written
	synced   int64 // offset after the last row that is durable: what Read gives
	failed   error // the disk failed: nothing is taken any more until the log is opened anew
	through  int64
	more     chan struct{} // closed when synced moves

	syncing sync.Mutex // held while the newest segment is synced
}

// receipt is what a key was answered with.
type receipt struct {
	first  int64
	rows   int
	digest [32]byte
}

const (
	defaultSegment = 64 << 20
	defaultKeep    = 7 * 24 * time.Hour
)

// Open takes the log of a folder, making it when there is none, and cuts a torn tail. Another process that has
// it, and damage, are an *inputs.Refusal.
func Open(o Options) (*Log, error) {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = defaultSegment
	}
	if o.KeepFor <= 0 {
		o.KeepFor = defaultKeep
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sync == nil {
		o.Sync = (*os.File).Sync
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open input log: %w", err)
	}
	l := &Log{o: o, keys: make(map[string]receipt), more: make(chan struct{})}
	var err error
	if l.lock, err = os.OpenFile(filepath.Join(o.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, fmt.Errorf("open input log: %w", err)
	}
	if err := unix.Flock(int(l.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = l.lock.Close()
		return nil, &inputs.Refusal{Kind: "log_in_use", Where: o.Dir, Hint: "another process takes inputs for this tenant: stop it first", Err: err}
	}
	if err := l.open(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Log) open() error {
	if err := l.name(); err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(l.o.Dir, "*.log"))
	if err != nil {
		return fmt.Errorf("open input log: %w", err)
	}
	for i, name := range names { // Glob gives them ascending
		first, err := strconv.ParseInt(strings.TrimSuffix(filepath.Base(name), ".log"), 10, 64)
		if err != nil || first < l.written {
			return l.damaged(name, fmt.Errorf("the segment before it ends at offset %d", l.written))
		}
		// A gap is left where a folder was lost in part and the state had read on; who needs rows of it is
		// refused by Read.
		s, err := openSegment(name, first, i == len(names)-1, l.learn)
		if err != nil {
			return l.damaged(name, err)
		}
		l.segments, l.written = append(l.segments, s), s.end
	}
	if len(l.segments) == 0 || l.written < l.o.First {
		l.written = max(l.written, l.o.First)
		if err := l.begin(); err != nil {
			return err
		}
	}
	l.synced = l.written
	return l.openThrough()
}

// damaged refuses a log whose inside is not as it was written.
func (l *Log) damaged(name string, err error) error {
	return &inputs.Refusal{
		Kind: "log_damaged", Where: name, Err: err,
		Hint: "restore the folder from a copy; without one move it away: rows that were not read or written through yet must be sent again",
	}
}

// learn remembers the key of a frame.
func (l *Log) learn(f *frame) {
	if f.Key != "" {
		l.keys[f.Table+"\x00"+f.Key] = receipt{f.First, len(f.Rows), f.Digest}
	}
}

// name reads or makes the log's id.
func (l *Log) name() error {
	file := filepath.Join(l.o.Dir, "id")
	raw, err := os.ReadFile(file)
	if err == nil && len(raw) == 32 {
		l.id = string(raw)
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open input log: %w", err)
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return fmt.Errorf("open input log: %w", err)
	}
	l.id = hex.EncodeToString(id[:])
	return l.replace(file, []byte(l.id))
}

// replace writes a small file whole or not at all.
func (l *Log) replace(name string, raw []byte) error {
	f, err := os.Create(name + ".tmp")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	_, err = f.Write(raw)
	if err == nil {
		err = l.o.Sync(f)
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err == nil {
		err = syncDir(filepath.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ID names the log; records that are written through carry it.
func (l *Log) ID() string { return l.id }

// End is the offset after the last durable row.
func (l *Log) End() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.synced
}

// More gives a channel that is closed when there are more rows than End said.
func (l *Log) More() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.more
}

// Close lets go of the files. What was answered for is durable already.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = errors.New("the log is closed")
	}
	var errs []error
	for _, s := range l.segments {
		errs = append(errs, s.file.Close())
	}
	l.segments = nil
	return errors.Join(append(errs, l.lock.Close())...)
}
