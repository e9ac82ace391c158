package state

import "echelon/cdc"

// rank orders the changes of one origin: by position, and at one position a snapshot read before what was
// streamed. The zero rank is before all others. Minor is twice the position's, which stays under 2⁶³.
type rank struct{ major, minor uint64 }

func rankOf(ch *cdc.Change) rank {
	r := rank{ch.Position.Major, ch.Position.Minor << 1}
	if !ch.Initial {
		r.minor |= 1
	}
	return r
}

func (r rank) less(q rank) bool {
	return r.major < q.major || (r.major == q.major && r.minor < q.minor)
}

func (r rank) streamed() bool { return r.minor&1 == 1 }

func (r rank) position() cdc.Position { return cdc.Position{Major: r.major, Minor: r.minor >> 1} }

func later(r, q rank) rank {
	if r.less(q) {
		return q
	}
	return r
}
