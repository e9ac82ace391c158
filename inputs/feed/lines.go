package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxRecord is the most bytes of one record; maxRecordLines the most lines that a quoted record spans.
const (
	maxRecord      = 1 << 20
	maxRecordLines = 64
)

// lines reads a text file line by line in bounded memory. A line that was read can be put back.
type lines struct {
	r    *bufio.Reader
	buf  []byte
	back [][]byte // lines to be read again, first one first
}

func newLines(r io.Reader) *lines {
	l := &lines{r: bufio.NewReaderSize(r, 256<<10)}
	if mark, err := l.r.Peek(3); err == nil && bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		_, _ = l.r.Discard(3) // three bytes were seen
	}
	return l
}

var errLongLine = errors.New("line too long")

// next returns the next line without its end. It is valid until the call after. A line over the limit is
// skipped and gives errLongLine with its beginning.
func (l *lines) next() ([]byte, error) {
	if len(l.back) > 0 {
		line := l.back[0]
		l.back = l.back[1:]
		return line, nil
	}
	line, err := l.r.ReadSlice('\n')
	if err == nil {
		return trimEnd(line), nil
	}
	if errors.Is(err, io.EOF) {
		if len(line) == 0 {
			return nil, io.EOF
		}
		return trimEnd(line), nil
	}
	if !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	l.buf = append(l.buf[:0], line...)
	for {
		line, err = l.r.ReadSlice('\n')
		if len(l.buf) <= maxRecord {
			l.buf = append(l.buf, line...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case len(l.buf) > maxRecord:
			return l.buf[:200], errLongLine
		}
		return trimEnd(l.buf), nil
	}
}

func trimEnd(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
		if n > 1 && line[n-2] == '\r' {
			line = line[:n-2]
		}
	}
	return line
}
