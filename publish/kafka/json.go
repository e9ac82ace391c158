package kafka

import (
	"fmt"
	"slices"
	"strconv"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// jsonEncoder writes one object per line: tenant, cycle, dc, then the layer's columns in their order and
// release_id. A null column is left out.
//
// What repeats is made once: a word of a dictionary together with the name of its column, names, days, reasons. A row
// then is a few short copies and numbers, written into room that is there beforehand.
type jsonEncoder struct {
	head    []byte
	cols    []jsonColumn
	release []string
	reasons []fragment // `{"reason":"…","change":`
	days    dayTexts
	lists   []int // positions in cols of columns of lists
	fixed   int   // bytes that a row takes at most, beside lists and release id
}

// jsonColumn is a column of the bound batch; which of the slices is there follows from kind.
type jsonColumn struct {
	kind   jsonKind
	name   fragment // `,"name":`, of a list with its bracket
	ints   []int64
	codes  []int32
	words  []fragment // `,"name":"word"` by code
	off    []uint32
	list   []int64
	reason []uint8
}

type jsonKind uint8

const (
	jsonWord jsonKind = iota
	jsonInt
	jsonMilli
	jsonDay
	jsonBool
	jsonMillis
	jsonLedger
)

// Room that values take at most.
const (
	numberRoom = 24 // -9223372036854775.808 and a comma
	dayRoom    = 32
)

func newJSONEncoder(m *planfile.Manifest) *jsonEncoder {
	e := &jsonEncoder{head: fmt.Appendf(nil, `{"tenant":%s,"cycle":%s,"dc":%s`, quoted(m.Tenant), quoted(m.Cycle), quoted(m.DC))}
	for r := range planner.NumReasons {
		e.reasons = append(e.reasons, fragmentOf(nil, `{"reason":"`, r.String(), `","change":`))
	}
	return e
}

func quoted(s string) []byte { return inputs.AppendJSONString(nil, s) }

func (e *jsonEncoder) bind(b *planfile.Batch) {
	e.cols, e.lists, e.release, e.fixed = e.cols[:0], e.lists[:0], b.Release, len(e.head)+slack
	for i := range b.Cols {
		c := &b.Cols[i]
		to := jsonColumn{ints: c.Ints, codes: c.Codes, off: c.Off, list: c.List, reason: c.Reason}
		name := `,"` + c.Def.Name + `":`
		switch c.Def.Type {
		case planner.ColInt:
			to.kind = jsonInt
		case planner.ColMilli:
			to.kind = jsonMilli
		case planner.ColDay:
			to.kind = jsonDay
		case planner.ColBool:
			to.kind = jsonBool
		case planner.ColMilliList:
			to.kind, name = jsonMillis, name+"["
		case planner.ColLedger:
			to.kind, name = jsonLedger, name+"["
		case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColText, planner.ColEnum:
			to.kind = jsonWord
		}
		if b.Rows > max(len(c.Codes), len(c.Ints), len(c.Off)-1) { // was not read
			continue
		}
		to.name = fragmentOf(nil, name)
		longest := to.name.n + dayRoom
		if to.kind == jsonWord {
			to.words = wordsOf(name, c.Dict)
			for k := range to.words {
				longest = max(longest, to.words[k].n)
			}
		}
		e.fixed += longest
		if len(c.Off) > 0 {
			e.lists = append(e.lists, len(e.cols))
		}
		e.cols = append(e.cols, to)
	}
}

// wordsOf gives `,"name":"word"` for every word of a dictionary.
func wordsOf(name string, words []string) []fragment {
	size := 0
	for _, w := range words {
		size += len(name) + len(w) + 2 + 2*slack
	}
	text := make([]byte, 0, size)
	out := make([]fragment, len(words))
	var quote []byte
	for k, w := range words {
		quote = inputs.AppendJSONString(quote[:0], w)
		text = text[len(text):]
		out[k] = fragmentOf(text, name, string(quote))
		text = out[k].text
	}
	return out
}

// roomOf gives the bytes that a row takes at most.
func (e *jsonEncoder) roomOf(row int) int {
	n := e.fixed
	for _, i := range e.lists {
		c := &e.cols[i]
		lo, hi := c.off[row], c.off[row+1]
		n += int(hi-lo) * numberRoom
		if c.kind == jsonLedger {
			for _, r := range c.reason[lo:hi] {
				n += e.reasons[r].n
			}
		}
	}
	if e.release != nil {
		n += len(e.release[row]) + len(releasePrefix) + 2
	}
	return n
}

const releasePrefix = `,"release_id":"`

func (e *jsonEncoder) appendValue(dst []byte, row int) []byte {
	dst = slices.Grow(dst, e.roomOf(row))
	b, p := dst[:cap(dst)], len(dst)
	p += copy(b[p:], e.head)
	for i := range e.cols {
		c := &e.cols[i]
		switch c.kind {
		case jsonWord:
			if code := c.codes[row]; code >= 0 {
				p = c.words[code].put(b, p)
			}
		case jsonInt:
			if v := c.ints[row]; v != planner.NullInt {
				p = putInt(b, c.name.put(b, p), v)
			}
		case jsonMilli:
			if v := c.ints[row]; v != planner.NullInt {
				p = putMilli(b, c.name.put(b, p), v) - 1 // without its comma
			}
		case jsonDay:
			if v := c.ints[row]; v != planner.NullInt {
				p = e.days.of(v).put(b, c.name.put(b, p))
			}
		case jsonBool:
			if v := c.ints[row]; v != planner.NullInt {
				p = len(strconv.AppendBool(b[:c.name.put(b, p)], v != 0))
			}
		case jsonMillis:
			p = putMillis(b, c.name.put(b, p), c.list[c.off[row]:c.off[row+1]])
		case jsonLedger:
			p = c.name.put(b, p)
			for k := c.off[row]; k < c.off[row+1]; k++ {
				p = putInt(b, e.reasons[c.reason[k]].put(b, p), c.list[k])
				b[p], b[p+1] = '}', ','
				p += 2
			}
			p = closeList(b, p, c.off[row] < c.off[row+1])
		}
	}
	if e.release != nil && e.release[row] != "" {
		p += copy(b[p:], releasePrefix)
		p += copy(b[p:], e.release[row])
		b[p] = '"'
		p++
	}
	b[p] = '}'
	return b[:p+1]
}

// putMillis writes thousandths with commas between them and the closing bracket.
func putMillis(b []byte, p int, list []int64) int {
	for _, v := range list {
		p = putMilli(b, p, v)
	}
	return closeList(b, p, len(list) > 0)
}

// closeList puts the bracket in the place of the last comma.
func closeList(b []byte, p int, some bool) int {
	if some {
		p--
	}
	b[p] = ']'
	return p + 1
}

// dayTexts remembers the quoted dates around the first one asked for: a plan's days are few and near.
type dayTexts struct {
	first int64
	texts [512]fragment
	begun bool
	far   fragment // the last one outside
}

func (d *dayTexts) of(day int64) *fragment {
	if !d.begun {
		d.first, d.begun = day-128, true
	}
	to := &d.far
	if i := uint64(day - d.first); i < uint64(len(d.texts)) {
		if to = &d.texts[i]; to.n > 0 {
			return to
		}
	}
	*to = fragmentOf(nil, string(quotedDay(day)))
	return to
}

func quotedDay(day int64) []byte {
	return append(appendDay([]byte{'"'}, day), '"')
}
