package planfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// errShape is a file whose pages are not those that a Writer makes.
var errShape = errors.New("its pages are not those of a plan file")

// unpacker reads column chunks as a Writer makes them: a dictionary page or none, then one data page. It owns its room:
// a chunk is valid until the next one.
type unpacker struct {
	zstd *zstd.Decoder
	file []byte // the chunk as it lies in the file
	dict []byte
	body []byte
	done chunk
}

// chunk is a column chunk without its codec.
type chunk struct {
	entries  int // values, nulls and empty lists
	encoding format.Encoding
	dict     []byte // PLAIN words or numbers; nil: none
	dictN    int
	levels   levels // of a list: of repetition
	defined  levels
	body     []byte

	bytes   []byte // scratch
	codes   []int32
	numbers []int64
	offsets []uint32
	lists   lists
	reasons []uint8
}

// padding is what decoders may read behind the end of packed values.
const padding = 64

// chunk reads the chunk that meta describes.
func (u *unpacker) chunk(f io.ReaderAt, meta *format.ColumnMetaData) (*chunk, error) {
	at := meta.DataPageOffset
	if meta.DictionaryPageOffset > 0 {
		at = meta.DictionaryPageOffset
	}
	size := meta.TotalCompressedSize // with the headers
	end := at + size
	if at < 0 || size < 0 || size > 1<<31 {
		return nil, errShape
	}
	u.file = room(u.file, int(size)+padding)
	n, err := f.ReadAt(u.file[:end-at], at)
	if err != nil && (!errors.Is(err, io.EOF) || n == 0) {
		return nil, err
	}
	raw := u.file[:n]
	c := &u.done
	c.dict, c.dictN = nil, 0
	if meta.DictionaryPageOffset > 0 {
		var head format.PageHeader
		if raw, c.dict, err = u.page(raw, meta.Codec, &head, &u.dict); err != nil {
			return nil, err
		}
		if head.Type != format.DictionaryPage || !head.DictionaryPageHeader.Valid || head.DictionaryPageHeader.V.NumValues < 0 {
			return nil, errShape
		}
		c.dictN = int(head.DictionaryPageHeader.V.NumValues)
	}
	var head format.PageHeader
	if _, c.body, err = u.page(raw, meta.Codec, &head, &u.body); err != nil {
		return nil, err
	}
	if head.Type != format.DataPage || !head.DataPageHeader.Valid || int64(head.DataPageHeader.V.NumValues) != meta.NumValues {
		return nil, errShape
	}
	c.entries, c.encoding = int(meta.NumValues), head.DataPageHeader.V.Encoding
	c.levels, c.defined = levels{}, levels{}
	return c, nil
}

// page splits a page off raw and takes its codec away, in the room of to where there is one.
func (u *unpacker) page(raw []byte, codec format.CompressionCodec, head *format.PageHeader, to *[]byte) (rest, data []byte, err error) {
	in := bytes.NewReader(raw)
	if err := thrift.NewDecoder(new(thrift.CompactProtocol).NewReader(in)).Decode(head); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errShape, err)
	}
	raw = raw[len(raw)-in.Len():]
	stored, size := int(head.CompressedPageSize), int(head.UncompressedPageSize)
	if stored < 0 || stored > len(raw) || size < 0 {
		return nil, nil, errShape
	}
	data, rest = raw[:stored], raw[stored:]
	switch codec {
	case format.Uncompressed:
	case format.Zstd:
		if u.zstd == nil {
			if u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true)); err != nil {
				return nil, nil, fmt.Errorf("zstd: %w", err)
			}
		}
		*to = room(*to, size+padding)
		if data, err = u.zstd.DecodeAll(data, (*to)[:0]); err != nil {
			return nil, nil, err
		}
	default:
		return nil, nil, errShape
	}
	if len(data) != size {
		return nil, nil, errShape
	}
	return rest, data, nil
}

// room gives n bytes, in buf where they fit.
func room(buf []byte, n int) []byte {
	if cap(buf) < n {
		return make([]byte, n+n/4)
	}
	return buf[:n]
}

// levels are the levels 0 and 1 of a column's entries.
type levels struct {
	packed []byte
	all    bool // every one is 1
}

// split takes a stream of levels off the body.
func (c *chunk) split() (levels, error) {
	if len(c.body) < 4 {
		return levels{}, errShape
	}
	n := int(binary.LittleEndian.Uint32(c.body))
	if n < 0 || n > len(c.body)-4 {
		return levels{}, errShape
	}
	l := levels{packed: c.body[4 : 4+n]}
	c.body = c.body[4+n:]
	run, k := binary.Uvarint(l.packed)
	l.all = k > 0 && k+1 == n && run&1 == 0 && run>>1 == uint64(c.entries) && l.packed[k] == 1
	return l, nil
}

// unpack gives each entry's level; it holds until the next call.
func (c *chunk) unpack(l levels) ([]byte, error) {
	var err error
	if c.bytes, err = (&rle.Encoding{BitWidth: 1}).DecodeLevels(c.bytes, l.packed); err != nil {
		return nil, err
	}
	if len(c.bytes) < c.entries {
		return nil, errShape
	}
	return c.bytes[:c.entries], nil
}
