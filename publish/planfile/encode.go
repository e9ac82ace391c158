package planfile

import (
	"encoding/binary"
	"math"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"echelon/inputs"
	"echelon/planner"
)

// names gives the strings behind the indexes of a column type.
func names(n *inputs.Network, c *planner.LayerColumn) []string {
	switch c.Type {
	case planner.ColItem:
		return n.Items.ID
	case planner.ColNode:
		return n.Nodes.ID
	case planner.ColLane:
		return n.Lanes.ID
	case planner.ColEnum:
		return c.Words
	case planner.ColDay, planner.ColInt, planner.ColMilli, planner.ColBool, planner.ColText, planner.ColMilliList, planner.ColLedger:
	}
	return nil
}

// optionalInts encodes nullable numbers.
func (e *encoder) optionalInts(n *numbers) (page, error) {
	p := page{values: n.len(), encoding: format.DeltaBinaryPacked, bare: true}
	e.levels = e.levels[:0]
	p.stats.NullCount = int64(n.nulls)
	if n.lo <= n.hi {
		p.stats.MinValue = binary.LittleEndian.AppendUint64(nil, uint64(n.lo))
		p.stats.MaxValue = binary.LittleEndian.AppendUint64(nil, uint64(n.hi))
	}
	narrow, wide := n.narrow, n.wide
	if n.nulls > 0 && n.isWide {
		wide = present(wide, planner.NullInt, &e.i64, &e.level)
	} else if n.nulls > 0 {
		narrow = present(narrow, nullNarrow, &e.i32, &e.level)
	}
	if err := e.optional(n.len(), n.nulls); err != nil {
		return p, err
	}
	return p, e.pack(&p, narrow, wide, n.isWide)
}

// pack encodes differences, of wide numbers or of narrow ones; the levels are there already.
func (e *encoder) pack(p *page, narrow []int32, wide []int64, isWide bool) (err error) {
	if isWide {
		e.body, err = (&delta.BinaryPackedEncoding{}).EncodeInt64(e.body[:0], wide)
	} else {
		e.body, err = (&delta.BinaryPackedEncoding{}).EncodeInt32(e.body[:0], narrow)
	}
	p.levels, p.body = e.levels, e.body
	return err
}

// optionalDays encodes nullable dates.
func (e *encoder) optionalDays(values []int32) (page, error) {
	p := page{values: len(values), encoding: format.DeltaBinaryPacked, bare: true}
	e.levels = e.levels[:0]
	kept := values
	lo, hi := bounds(kept)
	if len(kept) > 0 && lo == planner.NullDay {
		kept = present(values, planner.NullDay, &e.i32, &e.level)
		lo, hi = bounds(kept)
	}
	nulls := len(values) - len(kept)
	p.stats.NullCount = int64(nulls)
	if len(kept) > 0 {
		p.stats.MinValue = binary.LittleEndian.AppendUint32(nil, uint32(lo))
		p.stats.MaxValue = binary.LittleEndian.AppendUint32(nil, uint32(hi))
	}
	if err := e.optional(len(values), nulls); err != nil {
		return p, err
	}
	return p, e.pack(&p, kept, nil, false)
}

// bounds gives the smallest and the largest value.
func bounds(values []int32) (lo, hi int32) {
	lo, hi = math.MaxInt32, math.MinInt32
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// present copies the values that are not null to scratch and notes the level of each value.
func present[T int32 | int64](values []T, null T, scratch *[]T, levels *[]uint8) []T {
	kept, l := (*scratch)[:0], (*levels)[:0]
	for _, v := range values {
		if v == null {
			l = append(l, 0)
			continue
		}
		l = append(l, 1)
		kept = append(kept, v)
	}
	*scratch, *levels = kept, l
	return kept
}

// dictionary writes the dictionary of a column whose values e.codes has numbered.
func (e *encoder) dictionary(p *page, words []string) {
	e.dict = e.dict[:0]
	var lo, hi string
	for i, v := range e.codes.order {
		s := words[v]
		if i == 0 {
			lo, hi = s, s
		}
		lo, hi = min(lo, s), max(hi, s)
		e.dict = binary.LittleEndian.AppendUint32(e.dict, uint32(len(s)))
		e.dict = append(e.dict, s...)
	}
	p.encoding, p.dict, p.dictN = format.RLEDictionary, e.dict, len(e.codes.order)
	if p.dict == nil {
		p.dict = []byte{}
	}
	if p.dictN > 0 {
		p.stats.MinValue, p.stats.MaxValue = []byte(lo), []byte(hi)
	}
}

// optionalNames encodes a nullable column of indexes into words; negative is null.
func (e *encoder) optionalNames(values []int32, words []string) (page, error) {
	p := page{values: len(values)}
	e.i32, e.level, e.levels = e.i32[:0], e.level[:0], e.levels[:0]
	e.codes.reset(len(words))
	for _, v := range values {
		if v < 0 {
			e.level = append(e.level, 0)
			continue
		}
		e.level = append(e.level, 1)
		e.i32 = append(e.i32, e.codes.of(v))
	}
	nulls := len(values) - len(e.i32)
	p.stats.NullCount = int64(nulls)
	e.dictionary(&p, words)
	if err := e.optional(len(values), nulls); err != nil {
		return p, err
	}
	err := e.indexes(p.dictN)
	p.levels, p.body = e.levels, e.body
	return p, err
}

// enums encodes a column of words by their position; it has no nulls.
func (e *encoder) enums(values []uint8, words []string) (page, error) {
	p := page{values: len(values)}
	e.i32, e.levels = e.i32[:0], e.levels[:0]
	e.codes.reset(len(words))
	for _, v := range values {
		e.i32 = append(e.i32, e.codes.of(int32(v)))
	}
	e.dictionary(&p, words)
	e.addAllPresent(len(values))
	err := e.indexes(p.dictN)
	p.levels, p.body = e.levels, e.body
	return p, err
}

// texts encodes free text by a dictionary; "" is null.
func (e *encoder) texts(values []string) (page, error) {
	index := make(map[string]int32)
	var words []string
	at := make([]int32, len(values))
	for i, s := range values {
		if s == "" {
			at[i] = -1
			continue
		}
		c, ok := index[s]
		if !ok {
			c = int32(len(words))
			index[s] = c
			words = append(words, s)
		}
		at[i] = c
	}
	return e.optionalNames(at, words)
}

// uniques encodes text whose values hardly repeat but share beginnings; the empty string is null. ends are
// the ends of the values in text.
func (e *encoder) uniques(text []byte, ends []uint32) (page, error) {
	p := page{values: len(ends), encoding: format.DeltaByteArray}
	e.level, e.levels = e.level[:0], e.levels[:0]
	offsets := make([]uint32, 1, len(ends)+1)
	last := uint32(0)
	for _, end := range ends {
		if end == last {
			e.level = append(e.level, 0)
			continue
		}
		e.level = append(e.level, 1)
		offsets = append(offsets, end)
		last = end
	}
	nulls := len(ends) - (len(offsets) - 1)
	p.stats.NullCount = int64(nulls)
	if err := e.optional(len(ends), nulls); err != nil {
		return p, err
	}
	var err error
	e.body, err = (&delta.ByteArrayEncoding{}).EncodeByteArray(e.body[:0], text, offsets)
	p.levels, p.body = e.levels, e.body
	return p, err
}

// bools encodes a column without nulls, one bit a value.
func (e *encoder) bools(values []uint8) (page, error) {
	p := page{values: len(values), encoding: format.Plain}
	e.body = e.body[:0]
	var b byte
	var any, all byte = 0, 1
	for i, v := range values {
		b |= (v & 1) << (i & 7)
		any, all = any|v&1, all&v
		if i&7 == 7 {
			e.body, b = append(e.body, b), 0
		}
	}
	if len(values)&7 != 0 {
		e.body = append(e.body, b)
	}
	p.stats.MinValue, p.stats.MaxValue = []byte{all & 1}, []byte{any}
	p.body = e.body
	return p, nil
}

// lists writes the levels of a list column and returns how many level entries it has. The lists of a projection
// are all as long as the horizon: their levels are worked out once and kept.
func (e *encoder) lists(off []uint32) (int, error) {
	rows := len(off) - 1
	n := evenLists(off)
	if n > 0 && e.even.rows == rows && e.even.length == n {
		e.levels = append(e.levels[:0], e.even.levels...)
		return rows * n, nil
	}
	entries, err := e.listLevels(off)
	if err == nil && n > 0 {
		e.even.rows, e.even.length = rows, n
		e.even.levels = append(e.even.levels[:0], e.levels...)
	}
	return entries, err
}

// evenLists gives the length of lists that are all equally long, else 0.
func evenLists(off []uint32) int {
	if len(off) < 2 {
		return 0
	}
	n := off[1] - off[0]
	for r := 2; r < len(off); r++ {
		if off[r]-off[r-1] != n {
			return 0
		}
	}
	return int(n)
}

func (e *encoder) listLevels(off []uint32) (int, error) {
	e.level, e.levels = e.level[:0], e.levels[:0]
	empty := 0
	for r := 1; r < len(off); r++ {
		e.level = append(e.level, 0)
		if off[r] == off[r-1] {
			empty++
			continue
		}
		for n := off[r] - off[r-1]; n > 1; n-- {
			e.level = append(e.level, 1)
		}
	}
	n := len(e.level)
	if err := e.addLevels(e.level); err != nil {
		return 0, err
	}
	if empty == 0 {
		e.addAllPresent(n)
		return n, nil
	}
	e.level = e.level[:0]
	for r := 1; r < len(off); r++ {
		if off[r] == off[r-1] {
			e.level = append(e.level, 0)
		}
		for n := off[r] - off[r-1]; n > 0; n-- {
			e.level = append(e.level, 1)
		}
	}
	return n, e.addLevels(e.level)
}

// listInts encodes the numbers of a list column; the levels are there already. Runs and few distinct numbers
// get a dictionary.
func (e *encoder) listInts(n *numbers, entries int) (page, error) {
	var inRuns, few bool
	if n.isWide {
		inRuns = runs(&e.numbers, n.wide, &e.runs)
		few = !inRuns && code(&e.numbers, n.wide, &e.i32)
	} else {
		inRuns = runs(&e.numbers, n.narrow, &e.runs)
		few = !inRuns && code(&e.numbers, n.narrow, &e.i32)
	}
	switch {
	case inRuns:
		return e.listRuns(n.len(), entries)
	case few:
		return e.listCodes(n.len(), entries)
	}
	p := page{values: entries, encoding: format.DeltaBinaryPacked}
	p.stats.NullCount = int64(entries - n.len())
	return p, e.pack(&p, n.narrow, n.wide, n.isWide)
}

// listReasons encodes the reasons of a ledger column; the levels are there already.
func (e *encoder) listReasons(values []uint8, entries int) (page, error) {
	p := page{values: entries}
	words := make([]string, planner.NumReasons)
	for r := range words {
		words[r] = planner.Reason(r).String()
	}
	e.i32 = e.i32[:0]
	e.codes.reset(len(words))
	for _, v := range values {
		e.i32 = append(e.i32, e.codes.of(int32(v)))
	}
	e.dictionary(&p, words)
	p.stats = format.Statistics{NullCount: int64(entries - len(values))}
	err := e.indexes(p.dictN)
	p.levels, p.body = e.levels, e.body
	return p, err
}
