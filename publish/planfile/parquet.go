package planfile

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"echelon/planner"
	"echelon/publish/disk"
)

const magic = "PAR1"

// parquetFile is one Parquet file being written, row group by row group.
type parquetFile struct {
	file   disk.File
	buf    *bufio.Writer
	sum    hash.Hash
	offset int64
	meta   format.FileMetaData
	leaves []leafPath
	groups []RowGroup
}

// leafPath is a leaf column of the schema.
type leafPath struct {
	path []string
	typ  format.Type
}

// writeBuffers are the buffers of files that are written: one file holds one while it is open.
var writeBuffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 256<<10) }}

func createParquet(f disk.FS, name string, layer planner.LayerID) (*parquetFile, error) {
	file, err := f.Create(name)
	if err != nil {
		return nil, fmt.Errorf("create plan file: %w", err)
	}
	return beginParquet(file, layer)
}

func beginParquet(file disk.File, layer planner.LayerID) (*parquetFile, error) {
	p := &parquetFile{file: file, sum: sha256.New()}
	p.buf = writeBuffers.Get().(*bufio.Writer)
	p.buf.Reset(io.MultiWriter(file, p.sum))
	p.meta = format.FileMetaData{Version: 2, Schema: schemaOf(layer), CreatedBy: "echelon"}
	p.leaves = leavesOf(p.meta.Schema)
	for range p.leaves {
		p.meta.ColumnOrders = append(p.meta.ColumnOrders, format.ColumnOrder{Value: new(format.TypeDefinedOrder)})
	}
	if err := p.write([]byte(magic)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return p, nil
}

// leavesOf walks the schema depth first.
func leavesOf(schema []format.SchemaElement) []leafPath {
	var leaves []leafPath
	next := 0
	var walk func(path []string)
	walk = func(path []string) {
		e := &schema[next]
		root := next == 0
		next++
		if !root {
			path = append(path[:len(path):len(path)], e.Name)
		}
		if !e.NumChildren.Valid {
			leaves = append(leaves, leafPath{path: path, typ: e.Type.V})
			return
		}
		for range e.NumChildren.V {
			walk(path)
		}
	}
	walk(nil)
	return leaves
}

func (p *parquetFile) write(raw []byte) error {
	n, err := p.buf.Write(raw)
	p.offset += int64(n)
	return err
}

// smallPage is the bytes below which a column is not compressed: trying costs more than it saves.
const smallPage = 1 << 10

// begin opens a row group.
func (p *parquetFile) begin(rows int) {
	p.meta.RowGroups = append(p.meta.RowGroups, format.RowGroup{
		NumRows: int64(rows), FileOffset: p.offset, Ordinal: int16(len(p.meta.RowGroups)),
	})
	p.meta.NumRows += int64(rows)
	p.groups = append(p.groups, RowGroup{Lines: int64(rows)})
}

// column appends the next leaf column to the open row group.
func (p *parquetFile) column(e *encoder, c page) error {
	g := &p.meta.RowGroups[len(p.meta.RowGroups)-1]
	l := p.leaves[len(g.Columns)]
	m := format.ColumnMetaData{
		Type: l.typ, PathInSchema: l.path, Codec: format.Zstd, NumValues: int64(c.values), Statistics: c.stats,
		Encoding: []format.Encoding{format.RLE, c.encoding},
	}
	most := c.body
	if len(c.dict) > len(most) {
		most = c.dict
	}
	if len(p.meta.RowGroups) == 1 && (c.bare || len(most) < smallPage || !e.shrinks(most)) {
		m.Codec = format.Uncompressed
	}
	if len(p.meta.RowGroups) > 1 { // readers expect one codec per column
		m.Codec = p.meta.RowGroups[0].Columns[len(g.Columns)].MetaData.Codec
	}
	start, raw := p.offset, int64(0)
	if c.dict != nil {
		m.Encoding = append(m.Encoding, format.Plain)
		m.DictionaryPageOffset = p.offset
		head := format.PageHeader{Type: format.DictionaryPage, DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{
			NumValues: int32(c.dictN), Encoding: format.Plain,
		})}
		n, err := p.page(e, m.Codec, &head, c.dict)
		if err != nil {
			return err
		}
		raw += n
	}
	m.DataPageOffset = p.offset
	head := format.PageHeader{Type: format.DataPage, DataPageHeader: thrift.New(format.DataPageHeader{
		NumValues: int32(c.values), Encoding: c.encoding,
		DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
	})}
	n, err := p.page(e, m.Codec, &head, c.levels, c.body)
	if err != nil {
		return err
	}
	raw += n
	m.TotalUncompressedSize, m.TotalCompressedSize = raw, p.offset-start
	g.Columns = append(g.Columns, format.ColumnChunk{MetaData: m})
	g.TotalByteSize += raw
	g.TotalCompressedSize += p.offset - start
	return nil
}

// page writes one page and returns its size before compression, header included.
func (p *parquetFile) page(e *encoder, codec format.CompressionCodec, head *format.PageHeader, parts ...[]byte) (int64, error) {
	header, stored, raw, err := e.compress(codec, head, parts...)
	if err != nil {
		return 0, err
	}
	if err := p.write(header); err != nil {
		return 0, err
	}
	return int64(len(header) + raw), p.write(stored)
}

// end closes the open row group, whose columns are all there.
func (p *parquetFile) end() {
	g := &p.meta.RowGroups[len(p.meta.RowGroups)-1]
	r := &p.groups[len(p.groups)-1]
	r.Bytes, r.RawBytes = g.TotalCompressedSize, g.TotalByteSize
}

// close writes the footer and syncs; it returns size and SHA-256 of the file.
func (p *parquetFile) close() (int64, string, error) {
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &p.meta)
	if err == nil {
		footer = binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
		err = p.write(append(footer, magic...))
	}
	if err == nil {
		err = p.buf.Flush()
	}
	p.leaveBuffer()
	if err == nil {
		err = p.file.Sync()
	}
	if err = errors.Join(err, p.file.Close()); err != nil {
		return 0, "", err
	}
	return p.offset, hex.EncodeToString(p.sum.Sum(nil)), nil
}

// abandon closes the file without finishing it.
func (p *parquetFile) abandon() {
	p.leaveBuffer()
	_ = p.file.Close()
}

// leaveBuffer leaves the buffer to other files; nothing is written any more.
func (p *parquetFile) leaveBuffer() {
	if p.buf != nil {
		p.buf.Reset(nil)
		writeBuffers.Put(p.buf)
		p.buf = nil
	}
}
