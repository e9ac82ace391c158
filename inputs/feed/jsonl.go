package feed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"echelon/inputs"
)

// jsonDecoder reads JSON Lines: one flat object per line, column name to string, number, boolean, null or list
// of numbers. A number may be written as a string. Nesting is bounded, whatever a record claims.
type jsonDecoder struct {
	sink    *sink
	lines   *lines
	open    fileOpen
	row     int64
	byName  map[string]int // contract column, -2 for op
	scratch []byte
	seen    []int64 // per column, then op: the row that set it last
}

func newJSONL(s *sink, r io.Reader, o fileOpen) (*jsonDecoder, error) {
	d := &jsonDecoder{sink: s, lines: newLines(r), open: o, byName: map[string]int{}, seen: make([]int64, len(s.cols)+1)}
	for i := range s.cols {
		if s.cols[i].source != "" {
			d.byName[s.cols[i].source] = i
		}
	}
	// the first record says whether the file is an increment
	for {
		line, err := d.lines.next()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		if errors.Is(err, errLongLine) {
			d.lines.back = append(d.lines.back, bytes.Repeat([]byte(" "), maxRecord+1))
			break
		}
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		line = append([]byte(nil), line...)
		d.lines.back = append(d.lines.back, line)
		p := jsonParser{data: line}
		_ = p.object(func(name string) error { // the record is read again, and refused then
			if name == s.opSource() {
				s.hasOp = true
			}
			return p.skip(0)
		})
		break
	}
	if _, taken := d.byName[s.opSource()]; !taken {
		d.byName[s.opSource()] = -2
	}
	return d, nil
}

func (d *jsonDecoder) batch(ctx context.Context) (*inputs.Batch, []inputs.RowFault, error) {
	s := d.sink
	s.begin()
	first := d.row + 1
	for s.rows < s.cap {
		if s.rows&4095 == 0 {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
		}
		line, err := d.lines.next()
		if errors.Is(err, io.EOF) {
			if s.rows == 0 {
				return nil, nil, io.EOF
			}
			break
		}
		if errors.Is(err, errLongLine) || len(line) > maxRecord {
			s.broken(inputs.TooLarge, string(line[:min(len(line), 200)]), "a record has at most 1 MiB")
			d.row++
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		d.row++
		if err := d.record(line); err != nil {
			s.broken(inputs.BadRecord, string(line[:min(len(line), 400)]), err.Error())
			continue
		}
		s.endRow()
	}
	b, faults := s.batch(d.open.file.Name, first)
	return b, faults, nil
}

func (d *jsonDecoder) Close() error { return d.open.close() }

// record adds the values of one line to the sink's row.
func (d *jsonDecoder) record(line []byte) error {
	p := &jsonParser{data: line, text: d.scratch}
	err := p.object(func(name string) error {
		c, ok := d.byName[name]
		if !ok {
			if !d.open.mapping.ignores(name) {
				d.open.unknown(strings.Clone(name))
			}
			return p.skip(0)
		}
		at := c
		if c == -2 {
			at = len(d.sink.cols)
		}
		if d.seen[at] == d.row {
			return errors.New("column " + inputs.Cut(name) + " is there twice")
		}
		d.seen[at] = d.row
		text, null, err := p.value()
		if err != nil {
			return err
		}
		switch {
		case c == -2 && !d.sink.hasOp:
			d.sink.note(&inputs.Fault{
				Reason: inputs.BadOp, Column: opColumn, Value: inputs.Cut(text),
				Hint: "the first record of an increment must have an op, or the file is a whole table",
			})
		case c == -2:
			d.sink.op(text)
		case null:
			d.sink.cols[c].addNull()
		default:
			d.sink.note(d.sink.cols[c].addText(text))
		}
		return nil
	})
	d.scratch = p.text
	return err
}
