package state

import (
	"echelon/cdc"
	"echelon/inputs"
)

// Fate is what became of a record. Of a record that says several things the first of these that occurred counts.
type Fate uint8

// Fates.
const (
	Applied     Fate = iota
	Quarantined      // a fault was found in it
	Superseded       // something as new or newer was there
	Filtered         // right, and nothing to keep: marks, quantiles
)

// partition is what is known of one topic partition.
type partition struct {
	next   int64 // offset to read next
	last   Fate  // fate of the record before it
	counts inputs.Counts
	high   []rank // per origin, the highest rank read here
}

// seen reports whether an offset was dealt with before: a record of an earlier read. The offset before next
// may be named again by further changes of its record.
func (p *partition) seen(offset int64) bool { return offset < p.next-1 }

// settle counts the fate of a record, or of one more change of the record counted last.
func (p *partition) settle(offset int64, fate Fate) {
	if offset == p.next-1 && p.counts.Read > 0 {
		if fate < p.last {
			*p.slot(p.last)--
			*p.slot(fate)++
			p.last = fate
		}
		return
	}
	p.next, p.last = offset+1, fate
	p.counts.Read++
	*p.slot(fate)++
}

func (p *partition) slot(f Fate) *int64 {
	switch f {
	case Applied:
		return &p.counts.Applied
	case Quarantined:
		return &p.counts.Quarantined
	case Superseded:
		return &p.counts.Superseded
	default:
		return &p.counts.Filtered
	}
}

// partition returns what is known of a partition.
func (s *State) partition(part cdc.Partition) *partition {
	if part == s.lastPart && s.lastKnown != nil {
		return s.lastKnown
	}
	p := s.parts[part]
	if p == nil {
		p = &partition{high: make([]rank, len(s.cfg.Origins))}
		s.parts[part] = p
	}
	s.lastPart, s.lastKnown = part, p
	return p
}
