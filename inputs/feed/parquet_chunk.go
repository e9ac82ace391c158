package feed

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"echelon/inputs"
)

// maxEntries is the most entries of a page dictionary of numbers; a column with more goes on in plain.
const maxEntries = 1 << 15

// chunk writes one column of one row group: pages gather in memory, the dictionary goes before them.
type chunk struct {
	def    *inputs.ColumnDef // nil: the op column
	kind   parquet.Kind
	maxDef int
	maxRep int

	words   map[string]int32
	remap   []wordIndex // per code of the batch's dictionary
	ints    intIndex
	dict    []byte // entries, plain
	entries int
	plain   bool

	defs, reps []byte // levels of the page
	idx        []int32
	raw        []byte // plain values of the page
	nulls      int

	pages        bytes.Buffer
	values       int64
	uncompressed int64
	usedPlain    bool
	usedDict     bool
	scratch      []byte
	squeezed     []byte
}

type wordIndex struct {
	text string
	at   int32
}

func newChunk(def *inputs.ColumnDef) *chunk {
	c := &chunk{def: def, kind: physical(def)}
	c.maxDef, c.maxRep = levelsOf(def)
	c.reset()
	return c
}

// levelsOf gives the highest definition and repetition level of a column as files carry it.
func levelsOf(def *inputs.ColumnDef) (maxDef, maxRep int) {
	if def == nil {
		return 0, 0
	}
	if def.Nullable {
		maxDef++
	}
	if def.Type.Lists() || def.Type == inputs.TypeWeekdays {
		maxDef, maxRep = maxDef+1, 1
	}
	return maxDef, maxRep
}

func physical(def *inputs.ColumnDef) parquet.Kind {
	if def == nil {
		return parquet.ByteArray
	}
	switch def.Type {
	case inputs.TypeID, inputs.TypeText, inputs.TypeZone, inputs.TypeCurrency, inputs.TypeEnum, inputs.TypeTimeOfDay:
		return parquet.ByteArray
	case inputs.TypeBool:
		return parquet.Boolean
	case inputs.TypeDate, inputs.TypeWeekdays:
		return parquet.Int32
	default:
		return parquet.Int64
	}
}

// reset begins a row group.
func (c *chunk) reset() {
	c.words, c.remap = map[string]int32{}, c.remap[:0]
	c.ints.reset()
	c.dict, c.entries, c.plain = c.dict[:0], 0, c.kind == parquet.Boolean
	c.pages.Reset()
	c.values, c.uncompressed, c.usedPlain, c.usedDict = 0, 0, false, false
}

// add takes rows [lo, hi) of a vector as one page.
func (c *chunk) add(b *inputs.Batch, v *inputs.Vector, lo, hi int) error {
	c.defs, c.reps, c.idx, c.raw, c.nulls = c.defs[:0], c.reps[:0], c.idx[:0], c.raw[:0], 0
	for r := lo; r < hi; r++ {
		switch {
		case c.def == nil:
			c.word(opWord(b.Ops[r]))
		case v.IsNull(r):
			c.missing(0)
		case c.def.Type.Lists():
			c.list(v.List[v.Offsets[r]:v.Offsets[r+1]])
		case c.def.Type == inputs.TypeWeekdays:
			c.days(v.Ints[r])
		case c.def.Type.Texts():
			c.level(0)
			c.code(v, v.Codes[r])
		case c.kind == parquet.ByteArray:
			c.level(0)
			c.word(inputs.FormatInt(c.def, v.Ints[r]))
		default:
			c.level(0)
			c.number(v.Ints[r])
		}
	}
	return c.page(hi - lo)
}

func (c *chunk) level(rep byte) {
	if c.maxDef > 0 {
		c.defs = append(c.defs, byte(c.maxDef))
	}
	if c.maxRep > 0 {
		c.reps = append(c.reps, rep)
	}
}

// missing adds a null or, with a level over 0, an empty list.
func (c *chunk) missing(level int) {
	c.defs = append(c.defs, byte(level))
	if c.maxRep > 0 {
		c.reps = append(c.reps, 0)
	}
	c.nulls++
}

func (c *chunk) list(list []int64) {
	if len(list) == 0 {
		c.missing(c.maxDef - 1)
		return
	}
	for i, v := range list {
		c.level(byte(min(i, 1)))
		c.number(v)
	}
}

func (c *chunk) days(mask int64) {
	rep := byte(0)
	for d := range 7 {
		if mask&(1<<d) != 0 {
			c.level(rep)
			c.number(int64(d + 1))
			rep = 1
		}
	}
	if rep == 0 {
		c.missing(c.maxDef - 1)
	}
}

// code adds a text by its code in the batch's dictionary.
func (c *chunk) code(v *inputs.Vector, code uint32) {
	for int(code) >= len(c.remap) {
		c.remap = append(c.remap, wordIndex{at: -1})
	}
	w := &c.remap[code]
	if text := v.Dict[code]; w.at < 0 || w.text != text {
		*w = wordIndex{text: text, at: c.wordAt(text)}
	}
	c.idx = append(c.idx, w.at)
}

func (c *chunk) word(s string) { c.idx = append(c.idx, c.wordAt(s)) }

func (c *chunk) wordAt(s string) int32 {
	at, ok := c.words[s]
	if !ok {
		at = int32(c.entries)
		c.words[s] = at
		c.dict = binary.LittleEndian.AppendUint32(c.dict, uint32(len(s)))
		c.dict = append(c.dict, s...)
		c.entries++
	}
	return at
}

func (c *chunk) number(v int64) {
	switch {
	case c.kind == parquet.Boolean:
		c.idx = append(c.idx, int32(v))
	case c.plain:
		c.raw = c.appendPlain(c.raw, v)
	default:
		at, fresh := c.ints.at(v)
		if fresh {
			c.dict = c.appendPlain(c.dict, v)
			c.entries++
		}
		c.idx = append(c.idx, at)
	}
}

func (c *chunk) appendPlain(dst []byte, v int64) []byte {
	if c.kind == parquet.Int32 {
		return binary.LittleEndian.AppendUint32(dst, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(v))
}

// page encodes what was gathered.
func (c *chunk) page(rows int) error {
	enc := format.RLEDictionary
	var body []byte
	var err error
	switch {
	case c.kind == parquet.Boolean:
		enc, body = format.Plain, packBits(c.scratch[:0], c.idx)
	case c.plain:
		enc, body = format.Plain, c.raw
	default:
		if body, err = parquet.RLEDictionary.EncodeInt32(c.scratch, c.idx); err != nil {
			return fmt.Errorf("encode page: %w", err)
		}
		if c.kind != parquet.ByteArray && c.entries > maxEntries {
			c.plain = true // from the next page on
		}
	}
	if !c.plain || enc == format.RLEDictionary {
		c.scratch = body
	}
	c.usedPlain, c.usedDict = c.usedPlain || enc == format.Plain, c.usedDict || enc == format.RLEDictionary
	n := len(c.idx) + c.nulls
	if enc == format.Plain && c.kind != parquet.Boolean {
		n = len(c.raw)/c.width() + c.nulls
	}
	reps, err := levelBytes(c.reps, c.maxRep)
	if err != nil {
		return err
	}
	defs, err := levelBytes(c.defs, c.maxDef)
	if err != nil {
		return err
	}
	squeezed, err := codec.Encode(c.squeezed, body)
	if err != nil {
		return fmt.Errorf("compress page: %w", err)
	}
	c.squeezed = squeezed
	sum := crc32.Update(crc32.Update(crc32.ChecksumIEEE(reps), crc32.IEEETable, defs), crc32.IEEETable, squeezed)
	head := format.PageHeader{
		Type:                 format.DataPageV2,
		UncompressedPageSize: int32(len(reps) + len(defs) + len(body)),
		CompressedPageSize:   int32(len(reps) + len(defs) + len(squeezed)),
		CRC:                  int32(sum),
		DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{
			NumValues: int32(n), NumNulls: int32(c.nulls), NumRows: int32(rows), Encoding: enc,
			DefinitionLevelsByteLength: int32(len(defs)), RepetitionLevelsByteLength: int32(len(reps)),
			IsCompressed: thrift.New(true),
		}),
	}
	c.values += int64(n)
	size, err := writeThrift(&c.pages, &head)
	if err != nil {
		return err
	}
	c.uncompressed += int64(size) + int64(head.UncompressedPageSize)
	c.pages.Write(reps)
	c.pages.Write(defs)
	c.pages.Write(squeezed)
	return nil
}

func (c *chunk) width() int {
	if c.kind == parquet.Int32 {
		return 4
	}
	return 8
}

var codec = &zstd.Codec{Level: zstd.SpeedFastest}

func levelBytes(levels []byte, highest int) ([]byte, error) {
	if highest == 0 {
		return nil, nil
	}
	e := rle.Encoding{BitWidth: 1}
	if highest > 1 {
		e.BitWidth = 2
	}
	out, err := e.EncodeLevels(nil, levels)
	if err != nil {
		return nil, fmt.Errorf("encode levels: %w", err)
	}
	return out, nil
}

func packBits(dst []byte, bits []int32) []byte {
	for i, b := range bits {
		if i&7 == 0 {
			dst = append(dst, 0)
		}
		dst[len(dst)-1] |= byte(b) << (i & 7)
	}
	return dst
}

func writeThrift(w *bytes.Buffer, v any) (int, error) {
	before := w.Len()
	if err := thrift.NewEncoder(new(thrift.CompactProtocol).NewWriter(w)).Encode(v); err != nil {
		return 0, fmt.Errorf("encode parquet header: %w", err)
	}
	return w.Len() - before, nil
}

// dictionaryPage encodes the dictionary; nil when no page uses it.
func (c *chunk) dictionaryPage() ([]byte, error) {
	if !c.usedDict {
		return nil, nil
	}
	squeezed, err := codec.Encode(nil, c.dict)
	if err != nil {
		return nil, fmt.Errorf("compress dictionary: %w", err)
	}
	head := format.PageHeader{
		Type: format.DictionaryPage, UncompressedPageSize: int32(len(c.dict)), CompressedPageSize: int32(len(squeezed)),
		CRC:                  int32(crc32.ChecksumIEEE(squeezed)),
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(c.entries), Encoding: format.Plain}),
	}
	var out bytes.Buffer
	size, err := writeThrift(&out, &head)
	if err != nil {
		return nil, err
	}
	out.Write(squeezed)
	c.uncompressed += int64(size + len(c.dict))
	return out.Bytes(), nil
}

// intIndex gives numbers their places in a dictionary, in the order in which they come.
type intIndex struct {
	slots []intSlot
	n     int32
}

type intSlot struct {
	v  int64
	at int32 // place + 1; 0: the slot is free
}

func (x *intIndex) reset() {
	if x.slots == nil || x.n > 0 {
		x.slots = make([]intSlot, 1<<10)
	}
	x.n = 0
}

func (x *intIndex) at(v int64) (int32, bool) {
	mask := uint64(len(x.slots) - 1)
	for i := uint64(v) * 0x9e3779b97f4a7c15 >> 20 & mask; ; i = (i + 1) & mask {
		s := &x.slots[i]
		switch {
		case s.at == 0:
			x.n++
			*s = intSlot{v: v, at: x.n}
			if int(x.n)*2 > len(x.slots) {
				x.grow()
			}
			return x.n - 1, true
		case s.v == v:
			return s.at - 1, false
		}
	}
}

func (x *intIndex) grow() {
	old := x.slots
	x.slots = make([]intSlot, 4*len(old))
	mask := uint64(len(x.slots) - 1)
	for _, s := range old {
		if s.at == 0 {
			continue
		}
		i := uint64(s.v) * 0x9e3779b97f4a7c15 >> 20 & mask
		for x.slots[i].at != 0 {
			i = (i + 1) & mask
		}
		x.slots[i] = s
	}
}
