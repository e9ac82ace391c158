package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// segment is one file of the log.
type segment struct {
	name   string
	file   *os.File
	first  int64 // offset of its first row
	end    int64 // offset after its last row
	bytes  int64
	newest int64 // time of its last frame, microseconds UTC
	frames []place
	keys   []string // keys of l.keys that are in it
}

// place is where a frame begins.
type place struct {
	offset int64 // of its first row
	at     int64 // byte
}

// openSegment reads the frames of a segment and cuts a torn tail off the last one.
func openSegment(name string, first int64, last bool, learn func(*frame)) (*segment, error) {
	file, err := os.OpenFile(name, os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	s := &segment{name: name, file: file, first: first, end: first}
	whole, err := s.scan(learn)
	if err != nil && last && s.tornAt(whole, err) {
		err = s.cut(whole)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("at byte %d: %w", whole, err), file.Close())
	}
	s.bytes = whole
	return s, nil
}

// scan reads all frames and says up to which byte they are whole.
func (s *segment) scan(learn func(*frame)) (whole int64, err error) {
	r := bufio.NewReaderSize(s.file, 1<<20)
	var buf []byte
	for {
		var head [frameHead]byte
		if n, err := io.ReadFull(r, head[:]); err != nil {
			if n == 0 && errors.Is(err, io.EOF) {
				return whole, nil
			}
			return whole, errTorn
		}
		size, err := parseHead(head[:])
		if err != nil {
			return whole, err
		}
		buf = append(buf[:0], head[:]...)
		buf = slices.Grow(buf, int(size))[:frameHead+size]
		if _, err := io.ReadFull(r, buf[frameHead:]); err != nil {
			return whole, errTorn
		}
		f, n, err := parseFrame(buf)
		if err != nil {
			return whole, err
		}
		if f.First != s.end {
			return whole, fmt.Errorf("a frame of offset %d where %d is due", f.First, s.end)
		}
		learn(&f)
		s.note(&f, whole)
		whole += int64(n)
	}
}

// note adds a frame to the index.
func (s *segment) note(f *frame, at int64) {
	s.frames = append(s.frames, place{f.First, at})
	s.end = f.First + int64(len(f.Rows))
	s.newest = f.Time
	if f.Key != "" {
		s.keys = append(s.keys, f.Table+"\x00"+f.Key)
	}
}

// tornAt reports whether what stands from a byte on is the rest of one write that did not finish: the frame is
// cut short, or pages of it never reached the disk and read as zeros (rows are JSON: there are none in a
// frame), and no whole frame follows. A frame that was answered for and went bad looks otherwise.
func (s *segment) tornAt(at int64, found error) bool {
	info, err := s.file.Stat()
	if err != nil {
		return false
	}
	rest := make([]byte, min(info.Size()-at, maxFrame+frameHead))
	if _, err := s.file.ReadAt(rest, at); err != nil {
		return false
	}
	if !errors.Is(found, errTorn) && !bytes.Contains(rest, make([]byte, zeroRun)) {
		return false
	}
	for i := 1; i+frameHead < len(rest); i++ {
		if _, _, err := parseFrame(rest[i:]); err == nil {
			return false
		}
	}
	return true
}

// zeroRun is more zeros than checksums, digests and numbers of a frame have in a row.
const zeroRun = 64

func (s *segment) cut(at int64) error {
	if err := s.file.Truncate(at); err != nil {
		return err
	}
	return s.file.Sync()
}

// read gives the frame that holds an offset and the byte where the next one begins.
func (s *segment) read(offset int64) (frame, error) {
	i := sort.Search(len(s.frames), func(i int) bool { return s.frames[i].offset > offset }) - 1
	at, end := s.frames[i].at, s.bytes
	if i+1 < len(s.frames) {
		end = s.frames[i+1].at
	}
	raw := make([]byte, end-at)
	if _, err := s.file.ReadAt(raw, at); err != nil {
		return frame{}, fmt.Errorf("read %s: %w", s.name, err)
	}
	f, _, err := parseFrame(raw)
	if err != nil {
		return frame{}, fmt.Errorf("read %s at byte %d: %w", s.name, at, err)
	}
	return f, nil
}

// begin makes a new segment at the end of the log.
func (l *Log) begin() error {
	name := filepath.Join(l.o.Dir, fmt.Sprintf("%020d.log", l.written))
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("begin a segment of the input log: %w", err)
	}
	if err := syncDir(l.o.Dir); err != nil {
		return errors.Join(fmt.Errorf("begin a segment of the input log: %w", err), file.Close())
	}
	l.segments = append(l.segments, &segment{name: name, file: file, first: l.written, end: l.written})
	return nil
}
