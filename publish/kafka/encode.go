package kafka

import (
	"fmt"
	"strconv"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// SchemaVersion is the version of the layers' value schemas, in every record's headers.
const SchemaVersion = 1

// encoder writes the lines of one (layer, DC) as record values. The same line gives the same bytes.
type encoder interface {
	bind(b *planfile.Batch)
	appendValue(dst []byte, row int) []byte
}

// appendPlain writes a value of a key column as text: ids and words as they are, days as ISO dates, numbers
// in their unit; null is nothing. Lists have no text form and are left out.
func appendPlain(dst []byte, c *planfile.Column, row int) []byte {
	if c.Null(row) {
		return dst
	}
	switch c.Def.Type {
	case planner.ColDay:
		return appendDay(dst, c.Ints[row])
	case planner.ColInt:
		return strconv.AppendInt(dst, c.Ints[row], 10)
	case planner.ColMilli:
		return inputs.AppendMilli(dst, c.Ints[row])
	case planner.ColBool:
		return strconv.AppendBool(dst, c.Ints[row] != 0)
	case planner.ColMilliList, planner.ColLedger:
		return dst
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
	}
	return append(dst, c.Str(row)...)
}

// appendDay writes an ISO date.
func appendDay(dst []byte, day int64) []byte {
	return calendars.Day(day).Time().AppendFormat(dst, "2006-01-02")
}

// jsonEncoder writes one object per line: tenant, cycle, dc, then the layer's columns in their order and
// release_id. A null column is left out.
type jsonEncoder struct {
	head  []byte
	cols  []jsonColumn
	batch *planfile.Batch
	days  dayTexts
}

type jsonColumn struct {
	name  []byte   // ,"name":
	words [][]byte // quoted dictionary words by code
	col   *planfile.Column
}

func newJSONEncoder(m *planfile.Manifest) *jsonEncoder {
	return &jsonEncoder{head: fmt.Appendf(nil, `{"tenant":%s,"cycle":%s,"dc":%s`, quoted(m.Tenant), quoted(m.Cycle), quoted(m.DC))}
}

func quoted(s string) []byte { return inputs.AppendJSONString(nil, s) }

func (e *jsonEncoder) bind(b *planfile.Batch) {
	e.batch = b
	e.cols = e.cols[:0]
	for i := range b.Cols {
		c := &b.Cols[i]
		jc := jsonColumn{name: fmt.Appendf(nil, `,%q:`, c.Def.Name), col: c}
		if c.Codes != nil {
			jc.words = make([][]byte, len(c.Dict))
			for k, word := range c.Dict {
				jc.words[k] = quoted(word)
			}
		}
		e.cols = append(e.cols, jc)
	}
}

func (e *jsonEncoder) appendValue(dst []byte, row int) []byte {
	dst = append(dst, e.head...)
	for i := range e.cols {
		jc := &e.cols[i]
		c := jc.col
		if jc.words != nil {
			if code := c.Codes[row]; code >= 0 {
				dst = append(append(dst, jc.name...), jc.words[code]...)
			}
			continue
		}
		if c.Null(row) {
			continue
		}
		dst = append(dst, jc.name...)
		switch c.Def.Type {
		case planner.ColDay:
			dst = append(dst, e.days.text(c.Ints[row])...)
		case planner.ColMilli:
			dst = inputs.AppendMilli(dst, c.Ints[row])
		case planner.ColBool:
			dst = strconv.AppendBool(dst, c.Ints[row] != 0)
		case planner.ColMilliList:
			dst = append(dst, '[')
			for k := c.Off[row]; k < c.Off[row+1]; k++ {
				if k > c.Off[row] {
					dst = append(dst, ',')
				}
				dst = inputs.AppendMilli(dst, c.List[k])
			}
			dst = append(dst, ']')
		case planner.ColLedger:
			dst = append(dst, '[')
			for k := c.Off[row]; k < c.Off[row+1]; k++ {
				if k > c.Off[row] {
					dst = append(dst, ',')
				}
				dst = append(append(dst, `{"reason":"`...), planner.Reason(c.Reason[k]).String()...)
				dst = append(strconv.AppendInt(append(dst, `","change":`...), c.List[k], 10), '}')
			}
			dst = append(dst, ']')
		default:
			dst = strconv.AppendInt(dst, c.Ints[row], 10)
		}
	}
	if e.batch.Release != nil && e.batch.Release[row] != "" {
		dst = append(dst, `,"release_id":"`...)
		dst = append(append(dst, e.batch.Release[row]...), '"')
	}
	return append(dst, '}')
}

// dayTexts remembers the quoted dates around the first one asked for: a plan's days are few and near.
type dayTexts struct {
	first int64
	texts [512][]byte
	begun bool
}

func (d *dayTexts) text(day int64) []byte {
	if !d.begun {
		d.first, d.begun = day-128, true
	}
	i := day - d.first
	if i < 0 || i >= int64(len(d.texts)) {
		return quotedDay(day)
	}
	if d.texts[i] == nil {
		d.texts[i] = quotedDay(day)
	}
	return d.texts[i]
}

func quotedDay(day int64) []byte {
	return append(appendDay([]byte{'"'}, day), '"')
}
