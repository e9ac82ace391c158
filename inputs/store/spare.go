package store

import (
	"sync"

	"echelon/inputs"
)

// mostSpare is how many partitions' memory is kept for the next ones.
const mostSpare = 8

// spare is memory of partitions that nobody reads any more. A partition's columns are a third of what loading it
// costs when their memory is new: every page of it comes zeroed from the system.
type spare struct {
	mu    sync.Mutex
	parts []*inputs.Partition
}

// take gives a partition whose columns are empty and may have room.
func (s *spare) take() *inputs.Partition {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.parts)
	if n == 0 {
		return &inputs.Partition{}
	}
	p := s.parts[n-1]
	s.parts = s.parts[:n-1]
	return p
}

// Release gives the memory of a partition that Partition returned to partitions loaded later. Nobody may read it any
// more; its texts may be kept.
func (s *Snapshot) Release(p *inputs.Partition) {
	fresh := *p // another pointer than the one that readers may remember
	var head []int64
	t := partitionTable(&fresh, &head)
	for i := range t.columns {
		t.columns[i].empty()
	}
	for _, x := range t.texts {
		*x.list = nil
	}
	s.spare.mu.Lock()
	defer s.spare.mu.Unlock()
	if len(s.spare.parts) < mostSpare {
		s.spare.parts = append(s.spare.parts, &fresh)
	}
}

// PartitionBytes is what the rows of a DC take in memory, and its file while they are loaded. 0: no such DC.
func (s *Snapshot) PartitionBytes(dc inputs.NodeIdx) int64 {
	for i, have := range s.Network.DCs {
		if have == dc {
			return s.Manifest.DCs[i].memory()
		}
	}
	return 0
}

// memory is the entry's bytes in memory and its file; where the manifest does not say it, the most it can be.
func (e *DCEntry) memory() int64 {
	columns := e.Memory
	if columns == 0 {
		const rowBytes = 92 // of the row columns
		columns = e.Tiles*inputs.TileRows*rowBytes + e.Bytes
	}
	return columns + e.Bytes
}
