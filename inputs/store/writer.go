package store

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"echelon/inputs"
)

// partial is the end of the name of a folder being written.
const partial = ".partial"

// Writer writes a snapshot DC by DC. Partitions come in the order of Network.DCs; the network may come at
// any time, so that a generator can learn its classes while it goes.
type Writer struct {
	dir      string
	manifest Manifest
	network  bool
}

// Create begins a snapshot that will be the folder dir, which must not exist. What an earlier attempt left
// half written is taken away.
func Create(dir string) (*Writer, error) {
	if !littleEndian() {
		return nil, errors.New("snapshots are written on little-endian machines")
	}
	if _, err := os.Stat(dir); err == nil {
		return nil, fmt.Errorf("create snapshot %s: the folder exists", dir)
	}
	if err := os.RemoveAll(dir + partial); err != nil {
		return nil, fmt.Errorf("create snapshot %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir+partial, 0o755); err != nil {
		return nil, fmt.Errorf("create snapshot %s: %w", dir, err)
	}
	return &Writer{dir: dir}, nil
}

// Network writes what all partitions share.
func (w *Writer) Network(net *inputs.Network) error {
	entry, err := w.file(networkName, networkTable(flatten(net)))
	if err != nil {
		return err
	}
	m := &w.manifest
	m.Network, m.Tenant, m.AsOf, m.Horizon = entry, net.Tenant, net.AsOf, net.Horizon
	w.network = true
	return nil
}

// FileOf names the file of a DC; "_direct" for the rows that no DC serves.
func FileOf(dc string) string { return "dc-" + dc + ".parquet" }

// NameOf gives the name of a partition's DC.
func NameOf(net *inputs.Network, dc inputs.NodeIdx) string {
	if dc == inputs.Direct {
		return "_direct"
	}
	return net.Nodes.ID[dc]
}

// Add writes the partition of the DC of that name.
func (w *Writer) Add(dc string, p *inputs.Partition) error {
	head := headOf(p)
	t := partitionTable(p, &head)
	entry, err := w.file(FileOf(dc), t)
	if err != nil {
		return err
	}
	m := &w.manifest
	m.DCs = append(m.DCs, DCEntry{DC: dc, FileEntry: entry, Rows: int64(p.Live), Tiles: int64(p.Tiles()), Memory: t.size()})
	m.Rows += int64(p.Live)
	return nil
}

func headOf(p *inputs.Partition) []int64 {
	return []int64{int64(p.DC), int64(p.Horizon), int64(p.Live)}
}

// Close writes the manifest, with the cut and the counts given, and gives the folder its name. The manifest
// as written is returned.
func (w *Writer) Close(cut map[string]string, counts []TableCounts) (*Manifest, error) {
	if !w.network {
		return nil, errors.New("close snapshot: its network was not written")
	}
	return w.close(LayoutVersion, cut, counts)
}

func (w *Writer) close(layout int, cut map[string]string, counts []TableCounts) (*Manifest, error) {
	m := &w.manifest
	m.Layout, m.Contract, m.ByteOrder, m.Cut, m.Counts = layout, ContractVersion, byteOrder, cut, counts
	text, err := m.encode()
	if err != nil {
		return nil, fmt.Errorf("close snapshot: %w", err)
	}
	name := filepath.Join(w.dir+partial, manifestName)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, fmt.Errorf("close snapshot: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("close snapshot: write %s: %w", name, err)
	}
	err = errors.Join(syncDir(w.dir+partial), os.Rename(w.dir+partial, w.dir), syncDir(filepath.Dir(w.dir)))
	if err != nil {
		return nil, fmt.Errorf("close snapshot: %w", err)
	}
	return m, nil
}

// Abort takes away what was written.
func (w *Writer) Abort() error { return os.RemoveAll(w.dir + partial) }

// file writes a table and returns its entry.
func (w *Writer) file(name string, t *table) (FileEntry, error) {
	return w.create(name, func(out io.Writer) error { return writeTable(out, t) })
}

type digester struct {
	hash  hash.Hash
	bytes int64
}

func (d *digester) Write(p []byte) (int, error) {
	d.bytes += int64(len(p))
	return d.hash.Write(p)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Write writes a whole snapshot.
func Write(dir string, net *inputs.Network, parts []*inputs.Partition, cut map[string]string, counts []TableCounts) (*Manifest, error) {
	w, err := Create(dir)
	if err != nil {
		return nil, err
	}
	if err := w.Network(net); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	for i, p := range parts {
		if err := w.Add(NameOf(net, net.DCs[i]), p); err != nil {
			return nil, errors.Join(err, w.Abort())
		}
	}
	m, err := w.Close(cut, counts)
	if err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return m, nil
}

// Bytes that a file has beside its columns' contents: footer, and heads of chunks.
const (
	footerBytes = 8 << 10
	headBytes   = 256
)

// EstimateBytes is an upper bound of what a snapshot will take on disk: its partitions and its network.
func EstimateBytes(net *inputs.Network, parts []*inputs.Partition) int64 {
	total := bound(networkTable(flatten(net)))
	for _, p := range parts {
		head := headOf(p)
		total += bound(partitionTable(p, &head))
	}
	return total + footerBytes // the manifest
}

func bound(t *table) int64 {
	t.pack()
	total := int64(footerBytes)
	for i := range t.columns {
		n := int64(len(t.columns[i].bytes()))
		total += n + (n/chunkBytes+2)*headBytes
	}
	return total
}

// EstimateRows is what a snapshot of so many SKUs takes on disk before any of it was made: tiles nine tenths
// full, two bytes a day.
func EstimateRows(skus int64, horizon int) int64 {
	const rowBytes = 83 + 24 // row columns; orders, lots and carry
	return skus * (rowBytes + 2*int64(horizon)) * 10 / 9
}
