package feed

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"echelon/inputs"
)

// NewCSVWriter returns a writer of CSV with a header; lists have ; between their elements, null is empty.
func NewCSVWriter(w io.Writer, opt WriteOptions) TableWriter {
	return &textWriter{w: bufio.NewWriterSize(w, 256<<10), opt: opt}
}

// NewJSONLWriter returns a writer of JSON Lines: one object per row, nulls left out, lists as lists, numbers
// as numbers.
func NewJSONLWriter(w io.Writer, opt WriteOptions) TableWriter {
	return &textWriter{w: bufio.NewWriterSize(w, 256<<10), opt: opt, json: true}
}

type textWriter struct {
	w    *bufio.Writer
	opt  WriteOptions
	json bool
	cols []int
	line []byte
}

func (t *textWriter) Write(b *inputs.Batch) error {
	if t.cols == nil {
		cols, err := chosen(b, t.opt)
		if err != nil {
			return err
		}
		t.cols = cols
		if !t.json {
			t.header(b.Contract)
		}
	}
	if err := covered(b, t.cols); err != nil {
		return err
	}
	for r := range b.Rows {
		t.line = t.line[:0]
		if t.json {
			t.object(b, r)
		} else {
			t.record(b, r)
		}
		t.line = append(t.line, '\n')
		if _, err := t.w.Write(t.line); err != nil {
			return fmt.Errorf("write %s: %w", b.Contract.Table, err)
		}
	}
	return nil
}

func (t *textWriter) Close() error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("complete text file: %w", err)
	}
	return nil
}

func (t *textWriter) header(c *inputs.Contract) {
	for n, i := range t.cols {
		if n > 0 {
			t.line = append(t.line, ',')
		}
		if i < 0 {
			t.line = append(t.line, opColumn...)
			continue
		}
		t.line = append(t.line, c.Columns[i].Name...)
	}
	t.line = append(t.line, '\n')
	_, _ = t.w.Write(t.line) // bufio keeps the error for the next write
}

func (t *textWriter) record(b *inputs.Batch, r int) {
	for n, i := range t.cols {
		if n > 0 {
			t.line = append(t.line, ',')
		}
		if i < 0 {
			t.line = append(t.line, opWord(opsOf(b, r, r+1)[0])...)
			continue
		}
		def, v := &b.Contract.Columns[i], &b.Columns[i]
		switch {
		case v.IsNull(r):
		case def.Type.Texts():
			t.line = appendField(t.line, v.Str(r))
		default:
			t.line = appendValue(t.line, def, v, r, ';')
		}
	}
}

func appendField(dst []byte, s string) []byte {
	if !strings.ContainsAny(s, "\",\r\n") && s != "" {
		return append(dst, s...)
	}
	return append(append(append(dst, '"'), strings.ReplaceAll(s, `"`, `""`)...), '"')
}

// appendValue appends a value that is no text, list elements with sep between them.
func appendValue(dst []byte, def *inputs.ColumnDef, v *inputs.Vector, r int, sep byte) []byte {
	switch def.Type {
	case inputs.TypeMilliList, inputs.TypeUnitsList:
		for n, e := range v.List[v.Offsets[r]:v.Offsets[r+1]] {
			if n > 0 {
				dst = append(dst, sep)
			}
			dst = appendNumber(dst, def.Type, e)
		}
		return dst
	case inputs.TypeEnum, inputs.TypeBool, inputs.TypeDate, inputs.TypeInstant, inputs.TypeTimeOfDay, inputs.TypeWeekdays:
		return append(dst, inputs.FormatInt(def, v.Ints[r])...)
	default:
		return appendNumber(dst, def.Type, v.Ints[r])
	}
}

func appendNumber(dst []byte, t inputs.Type, v int64) []byte {
	if places(t) == 3 {
		return inputs.AppendMilli(dst, v)
	}
	return strconv.AppendInt(dst, v, 10)
}

func (t *textWriter) object(b *inputs.Batch, r int) {
	t.line = append(t.line, '{')
	first := true
	name := func(s string) {
		if !first {
			t.line = append(t.line, ',')
		}
		first = false
		t.line = append(append(append(t.line, '"'), s...), '"', ':')
	}
	for _, i := range t.cols {
		if i < 0 {
			name(opColumn)
			t.line = inputs.AppendJSONString(t.line, opWord(opsOf(b, r, r+1)[0]))
			continue
		}
		def, v := &b.Contract.Columns[i], &b.Columns[i]
		if v.IsNull(r) {
			continue
		}
		name(def.Name)
		switch {
		case def.Type.Texts():
			t.line = inputs.AppendJSONString(t.line, v.Str(r))
		case def.Type.Lists():
			t.line = append(appendValue(append(t.line, '['), def, v, r, ','), ']')
		case def.Type == inputs.TypeWeekdays:
			t.line = append(t.line, '[')
			t.line = append(t.line, strings.ReplaceAll(inputs.FormatInt(def, v.Ints[r]), ";", ",")...)
			t.line = append(t.line, ']')
		case numeric(def.Type), def.Type == inputs.TypeBool:
			t.line = appendValue(t.line, def, v, r, ',')
		default:
			t.line = append(appendValue(append(t.line, '"'), def, v, r, ','), '"')
		}
	}
	t.line = append(t.line, '}')
}
