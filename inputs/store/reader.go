package store

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"echelon/inputs"
)

// Snapshot is a snapshot on disk, opened: its network in memory, its partitions where they are.
type Snapshot struct {
	Network  *inputs.Network
	Manifest *Manifest
	dir      string
	buffers  sync.Pool // *[]byte: files while they are read, kept for the next ones
	spare    spare

	mu   sync.Mutex
	seen map[spot]uint64 // checksum of its bytes once their SHA-256 was right; of this process alone
	seed maphash.Seed
}

// spot is where a file, or a part of one, begins.
type spot struct {
	file string
	at   int64
}

func newSnapshot(dir string, m *Manifest, net *inputs.Network) *Snapshot {
	return &Snapshot{Network: net, Manifest: m, dir: dir, seen: map[spot]uint64{}, seed: maphash.MakeSeed()}
}

// Open checks a snapshot's manifest and loads its network. A tenant that is not "" must be the snapshot's.
// What is wrong with the snapshot itself comes as an *inputs.Refusal.
func Open(dir, tenant string) (*Snapshot, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, refuse("half_written", dir, errors.New("no "+manifestName+" in it"))
	}
	if err != nil {
		return nil, fmt.Errorf("open snapshot: %w", err)
	}
	m, err := decodeManifest(text)
	if err != nil {
		return nil, err
	}
	if err := m.check(tenant); err != nil {
		return nil, err
	}
	s := newSnapshot(dir, m, nil)
	data, err := s.read(&m.Network)
	if err != nil {
		return nil, err
	}
	f := &flat{net: &inputs.Network{}}
	if err := readTable(*data, nil, networkTable(f)); err != nil {
		return nil, refuse("damaged", m.Network.File, err)
	}
	if err := f.assemble(); err != nil {
		return nil, refuse("damaged", m.Network.File, err)
	}
	s.Network = f.net
	if m.Layout == OverVersion {
		s.Network.AsOf = m.AsOf
	}
	if s.Network.Tenant != m.Tenant || len(s.Network.DCs) != len(m.DCs) {
		return nil, refuse("damaged", manifestName, errors.New("manifest and network do not belong together"))
	}
	return s, nil
}

// Partition loads the rows of a DC. Memory in use is at most the partition and its file; it may be given back with
// Release.
func (s *Snapshot) Partition(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i, have := range s.Network.DCs {
		if have == dc {
			return s.load(&s.Manifest.DCs[i], dc)
		}
	}
	return nil, fmt.Errorf("snapshot %s has no partition of node %d", s.dir, dc)
}

func (s *Snapshot) load(e *DCEntry, dc inputs.NodeIdx) (*inputs.Partition, error) {
	if e.DC != NameOf(s.Network, dc) {
		return nil, refuse("damaged", manifestName, fmt.Errorf("file %s is of DC %s", e.File, e.DC))
	}
	data, err := s.read(&e.FileEntry)
	if err != nil {
		return nil, err
	}
	defer s.buffers.Put(data)
	var over []byte
	if e.Over != nil {
		more, err := s.part(&e.Over.FileEntry, e.Over.At, s.Manifest.end(e.Over.File))
		if err != nil {
			return nil, err
		}
		defer s.buffers.Put(more)
		over = *more
	}
	p := s.spare.take()
	var head []int64
	if err := readTable(*data, over, partitionTable(p, &head)); err != nil {
		return nil, refuse("damaged", e.File, err)
	}
	if len(head) != 3 || head[0] != int64(dc) || int64(s.Network.Horizon) != head[1] || head[2] != e.Rows {
		return nil, refuse("damaged", e.File, errors.New("the file is of another DC or snapshot"))
	}
	p.DC, p.Horizon, p.Live = dc, int(head[1]), int(head[2])
	if why := sound(p); why != "" {
		return nil, refuse("damaged", e.File, errors.New(why))
	}
	return p, nil
}

// read reads a whole file and checks its size and digest.
func (s *Snapshot) read(e *FileEntry) (*[]byte, error) { return s.part(e, 0, e.Bytes) }

// end is where the last part of a file of parts ends, so how long it is.
func (m *Manifest) end(file string) int64 {
	var end int64
	for i := range m.DCs {
		if o := m.DCs[i].Over; o != nil && o.File == file {
			end = max(end, o.At+o.Bytes)
		}
	}
	return end
}

// part reads a part of a file of a size and checks both sizes and the digest.
func (s *Snapshot) part(e *FileEntry, at, size int64) (*[]byte, error) {
	if filepath.Base(e.File) != e.File {
		return nil, refuse("damaged", manifestName, fmt.Errorf("%q is no file name", e.File))
	}
	f, err := os.Open(filepath.Join(s.dir, e.File))
	if errors.Is(err, os.ErrNotExist) {
		return nil, refuse("file_missing", e.File, errors.New("the manifest names it"))
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	if info.Size() != size || at < 0 || e.Bytes < 0 || at > size-e.Bytes {
		return nil, refuse("truncated", e.File, fmt.Errorf("%d bytes, the manifest says %d", info.Size(), size))
	}
	buffer, _ := s.buffers.Get().(*[]byte)
	if buffer == nil || int64(cap(*buffer)) < e.Bytes {
		buffer = new([]byte)
		*buffer = make([]byte, e.Bytes)
	}
	data := (*buffer)[:e.Bytes]
	*buffer = data
	if _, err := io.ReadFull(io.NewSectionReader(f, at, e.Bytes), data); err != nil {
		return nil, fmt.Errorf("read snapshot file %s: %w", e.File, err)
	}
	if !s.right(e, at, data) {
		return nil, refuse("digest_mismatch", e.File, errors.New("its bytes are not those that were written"))
	}
	return buffer, nil
}

// right checks a file's digest. One that was right before is compared with the checksum it had then, which takes
// a seventh of the time: most DCs are loaded twice in a cycle.
func (s *Snapshot) right(e *FileEntry, at int64, data []byte) bool {
	sum := maphash.Bytes(s.seed, data)
	s.mu.Lock()
	was, known := s.seen[spot{e.File, at}]
	s.mu.Unlock()
	if known && was == sum {
		return true
	}
	if digest(data) != e.SHA256 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[spot{e.File, at}] = sum
	return true
}
