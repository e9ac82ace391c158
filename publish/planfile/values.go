package planfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"

	"echelon/planner"
)

// read decodes a chunk into the column; of a ledger the reasons.
func (col *Column) read(c *chunk, rows int) error {
	var err error
	switch col.Def.Type {
	case planner.ColDay:
		if err = c.optional(rows); err == nil {
			err = col.readDays(c)
		}
	case planner.ColInt, planner.ColMilli:
		if err = c.optional(rows); err == nil {
			err = col.readInts(c)
		}
	case planner.ColBool:
		err = col.readBools(c, rows)
	case planner.ColMilliList:
		if err = col.offsets(c, rows); err == nil {
			err = col.readNumbers(c)
		}
	case planner.ColLedger:
		if err = col.offsets(c, rows); err == nil {
			err = col.readReasons(c)
		}
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
		if err = c.optional(rows); err == nil {
			err = col.readCodes(c)
		}
	}
	return err
}

// optional takes the definition levels of a column of one value or null a row.
func (c *chunk) optional(rows int) (err error) {
	if c.entries != rows {
		return errShape
	}
	c.defined, err = c.split()
	return err
}

// spread copies values to dst, null where the level says so.
func spread[T int32 | int64, V int32 | int64](dst []V, c *chunk, values []T, null V) ([]V, error) {
	dst = slices.Grow(dst[:0], c.entries)[:c.entries]
	if c.defined.all {
		if len(values) != c.entries {
			return nil, errShape
		}
		for i, v := range values {
			dst[i] = V(v)
		}
		return dst, nil
	}
	defined, err := c.unpack(c.defined)
	if err != nil {
		return nil, err
	}
	next := 0
	for i, l := range defined {
		if l == 0 {
			dst[i] = null
			continue
		}
		if next == len(values) {
			return nil, errShape
		}
		dst[i] = V(values[next])
		next++
	}
	return dst, nil
}

// int64s decodes packed differences into dst.
func (c *chunk) int64s(dst []int64) ([]int64, error) {
	if c.encoding != format.DeltaBinaryPacked {
		return nil, errShape
	}
	return (&delta.BinaryPackedEncoding{}).DecodeInt64(slices.Grow(dst[:0], c.entries), c.body)
}

func (col *Column) readInts(c *chunk) (err error) {
	if c.defined.all {
		if col.Ints, err = c.int64s(col.old.ints); err == nil && len(col.Ints) != c.entries {
			err = errShape
		}
		return err
	}
	if c.numbers, err = c.int64s(c.numbers); err != nil {
		return err
	}
	col.Ints, err = spread(col.old.ints, c, c.numbers, planner.NullInt)
	return err
}

func (col *Column) readDays(c *chunk) (err error) {
	if c.encoding != format.DeltaBinaryPacked {
		return errShape
	}
	if c.codes, err = (&delta.BinaryPackedEncoding{}).DecodeInt32(slices.Grow(c.codes[:0], c.entries), c.body); err != nil {
		return err
	}
	col.Ints, err = spread(col.old.ints, c, c.codes, planner.NullInt)
	return err
}

func (col *Column) readBools(c *chunk, rows int) error {
	if c.encoding != format.Plain || c.entries != rows || len(c.body) < (rows+7)/8 {
		return errShape
	}
	col.Ints = slices.Grow(col.old.ints, rows)[:rows]
	for i := range col.Ints {
		col.Ints[i] = int64(c.body[i>>3] >> (i & 7) & 1)
	}
	return nil
}

// indexes decodes indexes into the dictionary, n of them; less than n only where levels leave out values.
func (c *chunk) indexes(dst []int32) ([]int32, error) {
	if c.encoding != format.RLEDictionary || len(c.body) == 0 || c.dict == nil {
		return nil, errShape
	}
	body := c.body[1:]
	dst, err := (&rle.Encoding{BitWidth: int(c.body[0])}).DecodeInt32(slices.Grow(dst[:0], c.entries+64), body)
	if err != nil {
		return nil, err
	}
	if len(dst) > c.entries { // packed by eights
		dst = dst[:c.entries]
	}
	for _, code := range dst {
		if uint32(code) >= uint32(c.dictN) {
			return nil, fmt.Errorf("code %d of a dictionary of %d words", code, c.dictN)
		}
	}
	return dst, nil
}

func (col *Column) readCodes(c *chunk) (err error) {
	if col.Dict, err = c.words(col.old.dict); err != nil {
		return err
	}
	if c.defined.all {
		if col.Codes, err = c.indexes(col.old.codes); err == nil && len(col.Codes) != c.entries {
			err = errShape
		}
		return err
	}
	if c.codes, err = c.indexes(c.codes); err != nil {
		return err
	}
	col.Codes, err = spread(col.old.codes, c, c.codes, -1)
	return err
}

// words gives the words of a dictionary, parts of one text.
func (c *chunk) words(dst []string) ([]string, error) {
	text := string(c.dict)
	for range c.dictN {
		if len(text) < 4 {
			return nil, errShape
		}
		n := int(uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24)
		if n < 0 || n > len(text)-4 {
			return nil, errShape
		}
		dst = append(dst, text[4:4+n])
		text = text[4+n:]
	}
	return dst, nil
}

// lists remembers the levels of the last list column and the ends that followed: the lists of a projection have the
// same lengths in all its columns.
type lists struct {
	repeated, defined []byte
	rows              int
	ends              []uint32
}

// offsets derives the ends of a list column's rows from its levels.
func (col *Column) offsets(c *chunk, rows int) (err error) {
	if c.levels, err = c.split(); err != nil {
		return err
	}
	if c.defined, err = c.split(); err != nil {
		return err
	}
	l := &c.lists
	if len(l.ends) == 0 || l.rows != rows || !bytes.Equal(l.repeated, c.levels.packed) || !bytes.Equal(l.defined, c.defined.packed) {
		if err := l.derive(c, rows); err != nil {
			return err
		}
	}
	col.Off = append(col.old.off, l.ends...)
	return nil
}

func (l *lists) derive(c *chunk, rows int) error {
	l.rows = -1
	l.ends = append(l.ends[:0], 0)
	repeated, err := c.unpack(c.levels)
	if err != nil {
		return err
	}
	for i, again := range repeated {
		if again == 0 && i > 0 {
			l.ends = append(l.ends, uint32(i))
		}
	}
	if len(repeated) > 0 {
		l.ends = append(l.ends, uint32(len(repeated)))
	}
	if len(l.ends) != rows+1 {
		return errShape
	}
	if !c.defined.all { // an empty list has an entry without a value
		defined, err := c.unpack(c.defined)
		if err != nil {
			return err
		}
		missing, at := uint32(0), 0
		for r := 1; r <= rows; r++ {
			for ; at < int(l.ends[r]); at++ {
				missing += uint32(1 - defined[at])
			}
			l.ends[r] -= missing
		}
	}
	l.rows = rows
	l.repeated, l.defined = append(l.repeated[:0], c.levels.packed...), append(l.defined[:0], c.defined.packed...)
	return nil
}

// readList decodes the numbers of a ledger, whose levels are those of its reasons.
func (col *Column) readList(c *chunk) (err error) {
	if _, err = c.split(); err == nil {
		_, err = c.split()
	}
	if err != nil {
		return err
	}
	return col.readNumbers(c)
}

// readNumbers decodes the numbers of a list column.
func (col *Column) readNumbers(c *chunk) (err error) {
	n := int(col.Off[len(col.Off)-1])
	if c.encoding == format.DeltaBinaryPacked {
		if col.List, err = c.int64s(col.old.list); err == nil && len(col.List) != n {
			err = errShape
		}
		return err
	}
	if len(c.dict) != 8*c.dictN {
		return errShape
	}
	c.numbers = c.numbers[:0]
	for k := range c.dictN {
		c.numbers = append(c.numbers, int64(binary.LittleEndian.Uint64(c.dict[8*k:])))
	}
	col.List = slices.Grow(col.old.list, n)[:n]
	if c.encoding == format.RLEDictionary && fill(col.List, c.body, c.numbers) {
		return nil
	}
	if c.codes, err = c.indexes(c.codes); err != nil {
		return err
	}
	if len(c.codes) < n {
		return errShape
	}
	for i, code := range c.codes[:n] {
		col.List[i] = c.numbers[code]
	}
	return nil
}

func (col *Column) readReasons(c *chunk) error {
	words, err := c.words(nil)
	if err != nil {
		return err
	}
	c.reasons = c.reasons[:0]
	for _, word := range words {
		code := planner.Reason(0)
		for code < planner.NumReasons && code.String() != word {
			code++
		}
		if code == planner.NumReasons {
			return fmt.Errorf("reason %q is not known to this engine", word)
		}
		c.reasons = append(c.reasons, uint8(code))
	}
	n := int(col.Off[len(col.Off)-1])
	if c.codes, err = c.indexes(c.codes); err != nil {
		return err
	}
	if len(c.codes) < n {
		return errShape
	}
	col.Reason = slices.Grow(col.old.reason, n)
	for _, code := range c.codes[:n] {
		col.Reason = append(col.Reason, c.reasons[code])
	}
	return nil
}

// readReleases decodes release ids, parts of one text.
func (b *Batch) readReleases(c *chunk) error {
	if c.encoding != format.DeltaByteArray {
		return errShape
	}
	if err := c.optional(b.Rows); err != nil {
		return err
	}
	raw, offsets, err := (&delta.ByteArrayEncoding{}).DecodeByteArray(nil, c.body, c.offsets[:0])
	if err != nil {
		return err
	}
	c.offsets = offsets
	defined, err := c.unpack(c.defined)
	if err != nil {
		return err
	}
	text, next := string(raw), 0
	b.Release = slices.Grow(b.releases[:0], b.Rows)
	defer func() { b.releases = b.Release }()
	for _, l := range defined {
		if l == 0 {
			b.Release = append(b.Release, "")
			continue
		}
		if next+1 >= len(offsets) {
			return errShape
		}
		b.Release = append(b.Release, text[offsets[next]:offsets[next+1]])
		next++
	}
	return nil
}
