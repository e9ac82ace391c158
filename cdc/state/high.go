package state

import "echelon/cdc"

// High returns the newest position that was read of a partition, over all its origins: what stands behind a
// checkpoint stands behind it. It is zero where nothing was read.
func (s *State) High(part cdc.Partition) cdc.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	var newest rank
	if p := s.parts[part]; p != nil {
		for _, r := range p.high {
			newest = later(newest, r)
		}
	}
	return newest.position()
}
