package planfile

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// page is the values of one leaf column in one row group, encoded but not yet compressed: each column
// chunk of a plan file is at most a dictionary page and one data page.
type page struct {
	values   int             // including nulls and empty lists
	encoding format.Encoding // of body
	dict     []byte          // PLAIN dictionary, nil: none
	dictN    int
	levels   []byte // repetition and definition levels, each with its length
	body     []byte
	stats    format.Statistics
	bare     bool // not worth a codec, whatever it holds
}

// encoder turns columns into pages. It owns its scratch: one goroutine at a time, pages valid until the
// next column.
type encoder struct {
	zstd   *zstd.Encoder
	levels []byte
	packed []byte // one level stream
	level  []uint8
	body   []byte
	dict   []byte
	i32    []int32
	i64    []int64
	text   []byte
	ends   []uint32
	codes  dictionaryCodes
	// numbers of the list column in work
	numbers numberCodes
	runs    []run
	even    struct { // levels of lists that are all equally long
		rows, length int
		levels       []byte
	}
	raw    []byte // page before compression
	zipped []byte
}

func newEncoder() (*encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false)) // a page has a checksum, a file a digest
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &encoder{zstd: z}, nil
}

// addLevels appends one stream of levels 0 and 1: its length, then runs.
func (e *encoder) addLevels(levels []uint8) error {
	var err error
	e.packed, err = (&rle.Encoding{BitWidth: 1}).EncodeLevels(e.packed[:0], levels)
	if err != nil {
		return fmt.Errorf("levels: %w", err)
	}
	e.levels = binary.LittleEndian.AppendUint32(e.levels, uint32(len(e.packed)))
	e.levels = append(e.levels, e.packed...)
	return nil
}

// addAllPresent appends the definition levels of n values of which none is null.
func (e *encoder) addAllPresent(n int) {
	e.packed = append(binary.AppendUvarint(e.packed[:0], uint64(n)<<1), 1)
	e.levels = binary.LittleEndian.AppendUint32(e.levels, uint32(len(e.packed)))
	e.levels = append(e.levels, e.packed...)
}

// optional appends the definition levels of n values, nulls of them not there; e.level says which.
func (e *encoder) optional(n, nulls int) error {
	if nulls == 0 {
		e.addAllPresent(n)
		return nil
	}
	return e.addLevels(e.level)
}

// indexes encodes e.i32 as indexes into a dictionary of n entries.
func (e *encoder) indexes(n int) error {
	width := max(1, bits.Len(uint(max(n-1, 0))))
	var err error
	e.packed, err = (&rle.Encoding{BitWidth: width}).EncodeInt32(e.packed[:0], e.i32)
	if err != nil {
		return fmt.Errorf("dictionary indexes: %w", err)
	}
	e.body = append(append(e.body[:0], byte(width)), e.packed...)
	return nil
}

// Of a column's first page, when it is large, a piece is compressed first; the codec of a column that would not shrink
// by a third is none: packed numbers rarely do, and what they would save costs more than all the rest of writing them.
const sampleBytes = 4096

// shrinks reports whether compression pays for a column: as a piece from the middle of its page does.
func (e *encoder) shrinks(body []byte) bool {
	if len(body) > 2*sampleBytes {
		from := (len(body) - sampleBytes) / 2
		body = body[from : from+sampleBytes]
	}
	e.zipped = e.zstd.EncodeAll(body, e.zipped[:0])
	return 3*len(e.zipped) < 2*len(body)
}

// compress gives the stored form of a page with its header.
func (e *encoder) compress(codec format.CompressionCodec, head *format.PageHeader, parts ...[]byte) (header, stored []byte, raw int, err error) {
	e.raw = e.raw[:0]
	for _, p := range parts {
		e.raw = append(e.raw, p...)
	}
	stored = e.raw
	if codec == format.Zstd {
		e.zipped = e.zstd.EncodeAll(e.raw, e.zipped[:0])
		stored = e.zipped
	}
	head.UncompressedPageSize = int32(len(e.raw))
	head.CompressedPageSize = int32(len(stored))
	head.CRC = int32(crc32.ChecksumIEEE(stored))
	header, err = thrift.Marshal(new(thrift.CompactProtocol), head)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("page header: %w", err)
	}
	return header, stored, len(e.raw), nil
}

// dictionaryCodes numbers the distinct values of a column by first occurrence, without hashing: values are
// small numbers themselves (indexes into a dictionary of the network).
type dictionaryCodes struct {
	stamp []uint32 // stamp[v] == round: v has the code code[v]
	code  []int32
	round uint32
	order []int32 // values by code
}

func (d *dictionaryCodes) reset(values int) {
	if len(d.stamp) < values {
		d.stamp = make([]uint32, values)
		d.code = make([]int32, values)
		d.round = 0
	}
	d.round++
	d.order = d.order[:0]
}

func (d *dictionaryCodes) of(v int32) int32 {
	if d.stamp[v] == d.round {
		return d.code[v]
	}
	c := int32(len(d.order))
	d.stamp[v], d.code[v] = d.round, c
	d.order = append(d.order, v)
	return c
}
