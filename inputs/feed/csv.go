package feed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"unsafe"

	"echelon/inputs"
)

// csvDecoder reads CSV as RFC 4180 and encoding/csv do: a header, quotes around a field that holds the
// delimiter, a quote (doubled) or a line break. A record that cannot be read costs that record alone: a quote
// that is never closed does not swallow the rows after it.
type csvDecoder struct {
	sink   *sink
	lines  *lines
	close  func() error
	source string
	at     []int
	row    int64 // rows read so far
	delim  byte
	fields [][]byte
	spare  []byte // unquoted fields
	record []byte // lines of a record that spans several
}

func newCSV(s *sink, r io.Reader, o fileOpen) (*csvDecoder, error) {
	d := &csvDecoder{sink: s, lines: newLines(r), close: o.close, source: o.file.Name, delim: ','}
	if o.mapping != nil && o.mapping.Delimiter != "" {
		d.delim = o.mapping.Delimiter[0]
	}
	head, err := d.next()
	if err != nil {
		kind, hint := "unreadable", "the first line must be a header of column names"
		if errors.Is(err, io.EOF) {
			kind = "truncated"
		} else if !isRecordError(err) {
			return nil, err
		}
		return nil, &inputs.Refusal{Kind: kind, Where: o.file.path, Hint: hint}
	}
	names := make([]string, len(head))
	for i := range head {
		names[i] = string(head[i])
	}
	if d.at, err = s.header(names, o.file.path, o.mapping, o.unknown); err != nil {
		return nil, err
	}
	return d, nil
}

var (
	errOpenQuote  = errors.New("a quoted field does not end")
	errStrayQuote = errors.New("a quote inside a field that is not quoted, or text after the closing quote")
)

func isRecordError(err error) bool {
	return errors.Is(err, errOpenQuote) || errors.Is(err, errStrayQuote) || errors.Is(err, errLongLine)
}

// next returns the fields of the next record; they are valid until the call after.
func (d *csvDecoder) next() ([][]byte, error) {
	var line []byte
	var err error
	for len(line) == 0 {
		if line, err = d.lines.next(); err != nil {
			d.record = line
			return nil, err
		}
	}
	if bytes.IndexByte(line, '"') < 0 {
		d.record = line
		d.fields = d.fields[:0]
		for {
			i := bytes.IndexByte(line, d.delim)
			if i < 0 {
				d.fields = append(d.fields, line)
				return d.fields, nil
			}
			d.fields = append(d.fields, line[:i])
			line = line[i+1:]
		}
	}
	err = d.split(line)
	if !errors.Is(err, errOpenQuote) {
		d.record = line
		return d.fields, err
	}
	return d.span(line)
}

// span reads a record whose quoted field goes on after the line. When no sound record comes of it, the first
// line alone is broken and the others are read again.
func (d *csvDecoder) span(first []byte) ([][]byte, error) {
	record := append([]byte(nil), first...)
	length := len(record)
	var taken [][]byte
	var err error
	for len(taken) < maxRecordLines && len(record) < maxRecord {
		var line []byte
		if line, err = d.lines.next(); err != nil {
			break
		}
		line = append([]byte(nil), line...)
		taken = append(taken, line)
		record = append(append(record, '\n'), line...)
		if bytes.IndexByte(line, '"') < 0 {
			continue
		}
		if err = d.split(record); !errors.Is(err, errOpenQuote) {
			break
		}
	}
	if err == nil && len(taken) > 0 && d.split(record) == nil && (d.at == nil || len(d.fields) == len(d.at)) {
		d.record = record
		return d.fields, nil
	}
	if err != nil && !errors.Is(err, io.EOF) && !isRecordError(err) {
		return nil, err
	}
	d.lines.back = append(taken, d.lines.back...)
	d.record = record[:length]
	return nil, errOpenQuote
}

// split cuts a record with quotes into fields.
func (d *csvDecoder) split(line []byte) error {
	d.fields = d.fields[:0]
	if cap(d.spare) < len(line) {
		d.spare = make([]byte, 0, 2*len(line))
	}
	spare := d.spare[:0]
	for i := 0; ; {
		if i < len(line) && line[i] == '"' {
			start := len(spare)
			for i++; ; {
				j := bytes.IndexByte(line[i:], '"')
				if j < 0 {
					return errOpenQuote
				}
				spare = append(spare, line[i:i+j]...)
				i += j + 1
				if i < len(line) && line[i] == '"' {
					spare = append(spare, '"')
					i++
					continue
				}
				break
			}
			d.fields = append(d.fields, spare[start:len(spare):len(spare)])
			if i < len(line) && line[i] != d.delim {
				return errStrayQuote
			}
		} else {
			j := bytes.IndexByte(line[i:], d.delim)
			field := line[i:]
			if j >= 0 {
				field = line[i : i+j]
			}
			if bytes.IndexByte(field, '"') >= 0 {
				return errStrayQuote
			}
			d.fields = append(d.fields, field)
			i += len(field)
		}
		if i >= len(line) {
			return nil
		}
		if i++; i == len(line) { // the record ends with a delimiter: an empty field
			d.fields = append(d.fields, nil)
			return nil
		}
	}
}

// batch reads the next rows; io.EOF after the last.
func (d *csvDecoder) batch(ctx context.Context) (*inputs.Batch, []inputs.RowFault, error) {
	s := d.sink
	s.begin()
	first := d.row + 1
	for s.rows < s.cap {
		if s.rows&4095 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
		}
		fields, err := d.next()
		switch {
		case errors.Is(err, io.EOF):
			if s.rows == 0 {
				return nil, nil, io.EOF
			}
			b, faults := s.batch(d.source, first)
			return b, faults, nil
		case errors.Is(err, errLongLine):
			s.broken(inputs.TooLarge, string(d.record), "a record has at most 1 MiB")
		case isRecordError(err):
			s.broken(inputs.BadRecord, string(d.record), err.Error()+": double every quote inside a quoted field")
		case err != nil:
			return nil, nil, err
		case len(fields) != len(d.at):
			s.broken(inputs.BadRecord, string(d.record), "the record has "+itoa(len(fields))+" fields and the header "+itoa(len(d.at)))
		default:
			for i, field := range fields {
				switch c := d.at[i]; {
				case c >= 0:
					s.note(s.cols[c].addText(view(field)))
				case c == -2:
					s.op(view(field))
				}
			}
			s.endRow()
		}
		d.row++
	}
	b, faults := s.batch(d.source, first)
	return b, faults, nil
}

func (d *csvDecoder) Close() error { return d.close() }

// view is the bytes as a string without a copy: what keeps it clones it.
func view(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return unsafe.String(&b[0], len(b))
}

func itoa(n int) string { return strconv.Itoa(n) }
