package feed

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"echelon/inputs"
)

// A segment is some rows of a batch on disk, column by column, each number as wide as the widest of its column:
//
//	rows, source, faults (JSON), positions, ops, then per column
//	  absent | nulls, codes | nulls, numbers | nulls, list lengths, list numbers
//
// Codes are those of the table's dictionaries, which stay in memory.

// What the first byte of a column says.
const (
	columnAbsent = iota
	columnNulls  // some rows are null: a bit for each follows
	columnFull   // none is
)

// segmentWriter appends segments to a file.
type segmentWriter struct {
	file *os.File
	w    *bufio.Writer
	buf  []byte

	scratch []int64 // values of a column
}

func (s *segmentWriter) number(v uint64) { s.buf = binary.AppendUvarint(s.buf, v) }

// numbers appends values, each as wide as the widest.
func (s *segmentWriter) numbers(list []int64) {
	var low, high int64
	for _, v := range list {
		low, high = min(low, v), max(high, v)
	}
	switch {
	case low >= math.MinInt8 && high <= math.MaxInt8:
		to := s.room(1, len(list))
		for i, v := range list {
			to[i] = byte(v)
		}
	case low >= math.MinInt16 && high <= math.MaxInt16:
		to := s.room(2, 2*len(list))
		for i, v := range list {
			binary.LittleEndian.PutUint16(to[2*i:], uint16(v))
		}
	case low >= math.MinInt32 && high <= math.MaxInt32:
		to := s.room(4, 4*len(list))
		for i, v := range list {
			binary.LittleEndian.PutUint32(to[4*i:], uint32(v))
		}
	default:
		to := s.room(8, 8*len(list))
		for i, v := range list {
			binary.LittleEndian.PutUint64(to[8*i:], uint64(v))
		}
	}
}

// room appends a byte and room for so many more, which is returned.
func (s *segmentWriter) room(head byte, size int) []byte {
	s.buf = append(s.buf, head)
	at := len(s.buf)
	s.buf = slices.Grow(s.buf, size)[:at+size]
	return s.buf[at:]
}

// gathered gives room for n values.
func (s *segmentWriter) gathered(n int) []int64 {
	s.scratch = slices.Grow(s.scratch[:0], n)[:n]
	return s.scratch
}

// write appends the given rows of a batch, in their order. faults are those of the batch, by row.
func (s *segmentWriter) write(b *inputs.Batch, rows []int32, source int, faults map[int32]inputs.Fault) error {
	s.buf = s.buf[:0]
	s.number(uint64(len(rows)))
	s.number(uint64(source))
	var bad []inputs.RowFault
	if len(faults) > 0 {
		for i, r := range rows {
			if f, ok := faults[r]; ok {
				bad = append(bad, inputs.RowFault{Row: i, Fault: f})
			}
		}
	}
	text, err := json.Marshal(bad)
	if err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	s.number(uint64(len(text)))
	s.buf = append(s.buf, text...)
	at := s.gathered(len(rows))
	for i, r := range rows {
		at[i] = b.Position(int(r))
	}
	s.numbers(at)
	s.number(uint64(len(b.Ops)))
	if b.Ops != nil {
		for _, r := range rows {
			s.buf = append(s.buf, byte(b.Ops[r]))
		}
	}
	for i := range b.Columns {
		s.column(&b.Columns[i], b.Contract.Columns[i].Type, rows)
	}
	if err := binary.Write(s.w, binary.LittleEndian, uint32(len(s.buf))); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	if _, err := s.w.Write(s.buf); err != nil {
		return fmt.Errorf("spill: %w", err)
	}
	return nil
}

func (s *segmentWriter) column(v *inputs.Vector, t inputs.Type, rows []int32) {
	if v.Absent {
		s.buf = append(s.buf, columnAbsent)
		return
	}
	if v.Null == nil {
		s.buf = append(s.buf, columnFull)
	} else {
		nulls := s.room(columnNulls, (len(rows)+7)/8)
		clear(nulls)
		for i, r := range rows {
			if v.IsNull(int(r)) {
				nulls[i/8] |= 1 << (i % 8)
			}
		}
	}
	list := s.gathered(len(rows))
	switch {
	case t.Texts():
		for i, r := range rows {
			list[i] = int64(v.Codes[r])
		}
	case t.Lists():
		for i, r := range rows {
			list[i] = int64(v.Offsets[r+1] - v.Offsets[r])
		}
		s.numbers(list)
		list = s.scratch[:0]
		for _, r := range rows {
			list = append(list, v.List[v.Offsets[r]:v.Offsets[r+1]]...)
		}
		s.scratch = list
		s.number(uint64(len(list)))
	default:
		for i, r := range rows {
			list[i] = v.Ints[r]
		}
	}
	s.numbers(list)
}

// segmentReader reads the segments of a file back.
type segmentReader struct {
	r        *bufio.Reader
	contract *inputs.Contract
	dicts    dictionaries
	sources  []string
	buf      []byte
}

var errSegment = errors.New("spill: a segment is cut short")

// next returns the next segment as a batch with its faults; io.EOF after the last.
func (s *segmentReader) next() (b *inputs.Batch, faults []inputs.RowFault, err error) {
	var size uint32
	if err := binary.Read(s.r, binary.LittleEndian, &size); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, io.EOF
		}
		return nil, nil, fmt.Errorf("spill: %w", err)
	}
	if cap(s.buf) < int(size) {
		s.buf = make([]byte, size)
	}
	s.buf = s.buf[:size]
	if _, err := io.ReadFull(s.r, s.buf); err != nil {
		return nil, nil, errSegment
	}
	in := cut{s.buf, true}
	rows := int(in.number())
	source := int(in.number())
	text := in.bytes(int(in.number()))
	if !in.ok || source >= len(s.sources) {
		return nil, nil, errSegment
	}
	if err := json.Unmarshal(text, &faults); err != nil {
		return nil, nil, fmt.Errorf("spill: %w", err)
	}
	b = &inputs.Batch{Contract: s.contract, Rows: rows, Columns: make([]inputs.Vector, len(s.contract.Columns)), Source: s.sources[source]}
	b.At = in.numbers(rows)
	if in.number() > 0 {
		for _, o := range in.bytes(rows) {
			b.Ops = append(b.Ops, inputs.Op(o))
		}
	}
	for i := range b.Columns {
		s.column(&in, &b.Columns[i], i, rows)
	}
	if !in.ok {
		return nil, nil, errSegment
	}
	return b, faults, nil
}

func (s *segmentReader) column(in *cut, v *inputs.Vector, i, rows int) {
	there := in.bytes(1)
	if len(there) == 0 || there[0] == columnAbsent {
		v.Absent = true
		return
	}
	if there[0] == columnNulls {
		for at, bits := range in.bytes((rows + 7) / 8) {
			for k := range 8 {
				if bits>>k&1 != 0 {
					v.SetNull(8*at+k, rows)
				}
			}
		}
	}
	switch t := s.contract.Columns[i].Type; {
	case t.Texts():
		v.Dict = s.dicts[i].texts[:len(s.dicts[i].texts):len(s.dicts[i].texts)]
		codes := in.numbers(rows)
		v.Codes = make([]uint32, len(codes))
		for k, c := range codes {
			v.Codes[k] = uint32(c)
		}
	case t.Lists():
		lengths := in.numbers(rows)
		v.Offsets = make([]uint32, 1, rows+1)
		for _, n := range lengths {
			v.Offsets = append(v.Offsets, v.Offsets[len(v.Offsets)-1]+uint32(n))
		}
		v.List = in.numbers(int(in.number()))
	default:
		v.Ints = in.numbers(rows)
	}
}

// cut reads from the front of a buffer; ok ends when it is too short.
type cut struct {
	b  []byte
	ok bool
}

func (c *cut) number() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.ok = false
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cut) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.ok = false
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cut) numbers(n int) []int64 {
	head := c.bytes(1)
	if len(head) == 0 {
		return nil
	}
	width := int(head[0])
	raw := c.bytes(n * width)
	if raw == nil && n > 0 {
		return nil
	}
	dst := make([]int64, n)
	switch width {
	case 1:
		for i := range dst {
			dst[i] = int64(int8(raw[i]))
		}
	case 2:
		for i := range dst {
			dst[i] = int64(int16(binary.LittleEndian.Uint16(raw[2*i:])))
		}
	case 4:
		for i := range dst {
			dst[i] = int64(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	default:
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
	}
	return dst
}
