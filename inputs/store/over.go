package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"unsafe"

	"github.com/parquet-go/parquet-go"

	"echelon/inputs"
)

// A snapshot that follows from one written before holds what differs, and the files of that one under further names:
// hard links, so that it is whole whatever becomes of the other folder.
//
//	dc-X.parquet    as it was written first
//	over.bin        per DC a Parquet table of chunks that lie over it, one after another:
//	                on_hand        a chunk of the column with other values
//	                =inbound.row   all of a column that has another length
//	manifest.json   names both, each with its place and digest; layout 3
//
// The network is the same but for the as-of, which the manifest says.

// Whole is a snapshot in memory as it was written in full: what later ones lie over. Its columns are written to no more.
type Whole struct {
	Dir      string
	Manifest *Manifest
	Network  *inputs.Network
	Parts    []*inputs.Partition
	// what lay over it last, per DC: a partition that did not move since is not compared again
	last []laid
}

// laid is what lies over a DC's file for one partition.
type laid struct {
	part   *inputs.Partition
	raw    []byte // nil: nothing differs
	sha256 string
	memory int64 // more than the whole one takes once loaded
}

// Linked is the same snapshot by the links to its files in another folder.
func (w *Whole) Linked(dir string) *Whole {
	out := *w
	out.Dir = dir
	return &out
}

// Bytes is what its files take on disk: no snapshot over it takes more.
func (w *Whole) Bytes() int64 {
	total := w.Manifest.Network.Bytes + footerBytes
	for i := range w.Manifest.DCs {
		total += w.Manifest.DCs[i].Bytes
	}
	return total
}

// ErrWhole says that a snapshot must be written in full.
var ErrWhole = errors.New("the snapshot must be written in full")

// mostOver is the share of the whole files' bytes, one in so many, that files over them may take.
const mostOver = 3

// overName names the file with what lies over the DCs'.
const overName = "over.bin"

// mostLaid is the most bytes over a DC that are remembered.
const mostLaid = 4 << 20

// WriteOver writes a snapshot that holds what differs from a whole one. An error that is ErrWhole means that it must be
// written with Write: other dictionaries, too much of it differs, or the folders cannot share files.
func WriteOver(dir string, base *Whole, net *inputs.Network, parts []*inputs.Partition, cut map[string]string, counts []TableCounts) (*Manifest, error) {
	switch {
	case !sameNetwork(base.Network, net):
		return nil, fmt.Errorf("its network is another: %w", ErrWhole)
	case len(parts) != len(base.Parts) || base.Manifest.Layout != LayoutVersion:
		return nil, fmt.Errorf("the snapshot below is another: %w", ErrWhole)
	}
	w, err := Create(dir)
	if err != nil {
		return nil, err
	}
	m := &w.manifest
	*m = *base.Manifest
	m.AsOf, m.DCs, m.Rows = net.AsOf, nil, 0
	w.network = true
	if err = w.over(base, parts); err == nil {
		_, err = w.close(OverVersion, cut, counts)
	}
	if err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return m, nil
}

// over links the files of a whole snapshot and writes what lies over them.
func (w *Writer) over(base *Whole, parts []*inputs.Partition) error {
	if err := w.link(base, networkName); err != nil {
		return err
	}
	m := &w.manifest
	var whole int64
	var file []byte
	if base.last == nil {
		base.last = make([]laid, len(parts))
	}
	for i := range base.Manifest.DCs {
		e := base.Manifest.DCs[i]
		whole += e.Bytes
		if err := w.link(base, e.File); err != nil {
			return err
		}
		was, now := base.Parts[i], parts[i]
		if was != now {
			l := base.last[i]
			if l.part != now {
				var err error
				if l, err = layOver(was, now); err != nil {
					return err
				}
			}
			if l.raw != nil {
				e.Over = &OverEntry{At: int64(len(file)), FileEntry: FileEntry{File: overName, Bytes: int64(len(l.raw)), SHA256: l.sha256}}
				file = append(file, l.raw...)
			}
			e.Memory += l.memory
			e.Rows, e.Tiles = int64(now.Live), int64(now.Tiles())
			if base.last[i] = l; len(l.raw) > mostLaid {
				base.last[i] = laid{}
			}
		}
		m.DCs = append(m.DCs, e)
		m.Rows += e.Rows
	}
	if over := int64(len(file)); over > whole/mostOver {
		return fmt.Errorf("%d of %d bytes differ: %w", over, whole, ErrWhole)
	}
	if len(file) == 0 {
		return nil
	}
	path := filepath.Join(w.dir+partial, overName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	_, err = f.Write(file) // its parts have their digests
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write snapshot file %s: %w", path, err)
	}
	return nil
}

// layOver makes what lies over the file of a partition for another one.
func layOver(was, now *inputs.Partition) (laid, error) {
	a, b := headOf(was), headOf(now)
	old, t := partitionTable(was, &a), partitionTable(now, &b)
	packApart(old, t)
	l := laid{part: now, memory: t.size() - old.size()}
	if !differs(old, t) {
		return l, nil
	}
	var buf bytes.Buffer
	if err := writeOver(&buf, old, t); err != nil {
		return laid{}, fmt.Errorf("write snapshot file %s: %w", overName, err)
	}
	l.raw = buf.Bytes()
	l.sha256 = digest(l.raw)
	return l, nil
}

func (w *Writer) link(base *Whole, name string) error {
	if err := os.Link(filepath.Join(base.Dir, name), filepath.Join(w.dir+partial, name)); err != nil {
		return fmt.Errorf("%w: %w", ErrWhole, err)
	}
	return nil
}

// create writes a file and returns its entry.
func (w *Writer) create(name string, write func(io.Writer) error) (FileEntry, error) {
	path := filepath.Join(w.dir+partial, name)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return FileEntry{}, fmt.Errorf("write snapshot: %w", err)
	}
	d := &digester{hash: sha256.New()}
	buffered := bufio.NewWriterSize(f, 1<<20)
	err = write(io.MultiWriter(buffered, d))
	if err = errors.Join(err, buffered.Flush(), f.Sync(), f.Close()); err != nil {
		return FileEntry{}, fmt.Errorf("write snapshot file %s: %w", path, err)
	}
	return FileEntry{File: name, Bytes: d.bytes, SHA256: hex.EncodeToString(d.hash.Sum(nil))}, nil
}

// sameNetwork reports whether two networks share all memory but for the as-of.
func sameNetwork(a, b *inputs.Network) bool {
	x, y := *a, *b
	x.AsOf = y.AsOf
	return sameMemory(reflect.ValueOf(x), reflect.ValueOf(y))
}

func sameMemory(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Slice:
		return a.Len() == b.Len() && (a.Len() == 0 || a.UnsafePointer() == b.UnsafePointer())
	case reflect.Map, reflect.Pointer:
		return a.UnsafePointer() == b.UnsafePointer()
	case reflect.Struct:
		for i := range a.NumField() {
			if !sameMemory(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	default:
		return a.Equal(b)
	}
}

// packApart packs the texts of two tables that are not the same list; those that are stay empty columns in both.
func packApart(a, b *table) {
	for i, x := range a.texts {
		y := b.texts[i]
		if len(*x.list) == len(*y.list) && unsafe.SliceData(*x.list) == unsafe.SliceData(*y.list) {
			continue
		}
		x.pack()
		y.pack()
	}
}

// differs reports whether a column of a table has other bytes than that of another.
func differs(was, now *table) bool {
	for i := range now.columns {
		if a, b := was.columns[i].bytes(), now.columns[i].bytes(); len(a) != len(b) ||
			unsafe.SliceData(a) != unsafe.SliceData(b) && !bytes.Equal(a, b) {
			return true
		}
	}
	return false
}

// wholeMark begins the name of a column of which a file has everything.
const wholeMark = "="

// writeOver writes the chunks of a table that differ from another's.
func writeOver(w io.Writer, was, now *table) error {
	out := parquet.NewGenericWriter[chunk](w, parquet.CreatedBy("echelon", "snapshot", "1"), parquet.DataPageStatistics(false),
		parquet.PageBufferSize(2*chunkBytes))
	pending := 0
	put := func(name string, first, width int, part []byte) error {
		row := chunk{Column: name, First: int64(first), Count: int64(len(part) / width), Width: int32(width), Data: part}
		if len(part) > 0 && constant(part, width) {
			row.Data = part[:width]
		}
		if _, err := out.Write([]chunk{row}); err != nil {
			return err
		}
		if pending += len(row.Data); pending >= rowGroupBytes {
			pending = 0
			return out.Flush()
		}
		return nil
	}
	for i := range now.columns {
		c := &now.columns[i]
		a, b := was.columns[i].bytes(), c.bytes()
		whole, name, step := len(a) != len(b), c.name, chunkBytes/c.width
		if !whole && unsafe.SliceData(a) == unsafe.SliceData(b) {
			continue
		}
		if whole {
			name = wholeMark + name
		}
		if whole && len(b) == 0 {
			if err := put(name, 0, c.width, nil); err != nil {
				return err
			}
		}
		for first := 0; first*c.width < len(b); first += step {
			lo, hi := first*c.width, min(len(b), (first+step)*c.width)
			if !whole && bytes.Equal(a[lo:hi], b[lo:hi]) {
				continue
			}
			if err := put(name, first, c.width, b[lo:hi]); err != nil {
				return err
			}
		}
	}
	return out.Close()
}

// readOver lays the chunks of a file whose digest was checked over a table's columns.
func readOver(data []byte, t *table) error {
	f, heads, err := openChunks(data)
	if err != nil {
		return err
	}
	byName, next := map[string]*column{}, map[string]int64{}
	counts := map[string]int64{} // of columns that are there as a whole
	for i := range t.columns {
		byName[t.columns[i].name] = &t.columns[i]
	}
	for i := range heads {
		h := &heads[i]
		name, whole := strings.CutPrefix(h.Column, wholeMark)
		c := byName[name]
		if c == nil {
			return fmt.Errorf("column %q is not of this layout", h.Column)
		}
		if int(h.Width) != c.width || h.Count < 0 || h.Count > chunkBytes || h.First < next[name] || whole && h.First != next[name] {
			return fmt.Errorf("column %q: %w", h.Column, errShape)
		}
		next[name] = h.First + h.Count
		if whole {
			counts[name] += h.Count
		}
	}
	columns := map[string]space{}
	for i := range heads {
		name, whole := strings.CutPrefix(heads[i].Column, wholeMark)
		if _, ok := columns[name]; ok {
			continue
		}
		c := byName[name]
		if whole {
			c.empty()
			columns[name] = c.alloc(int(counts[name]))
			continue
		}
		columns[name] = space{bytes: c.bytes()}
	}
	at := 0
	err = eachChunkData(data, f, func(value []byte) error {
		if at >= len(heads) {
			return errShape
		}
		h := &heads[at]
		at++
		name, _ := strings.CutPrefix(h.Column, wholeMark)
		if int64(len(columns[name].bytes)) < (h.First+h.Count)*int64(h.Width) {
			return fmt.Errorf("column %q: %w", h.Column, errShape)
		}
		if h.Count == 0 {
			return nil
		}
		return place(columns[name], h, value)
	})
	if err != nil {
		return err
	}
	if at != len(heads) {
		return errShape
	}
	return nil
}

// Held gives a snapshot that was just written, whose network is in memory.
func Held(dir string, m *Manifest, net *inputs.Network) *Snapshot {
	return newSnapshot(dir, m, net)
}
