package decode

import (
	"bytes"
	"strconv"

	"echelon/cdc"
)

// parsePosition reads n or n:m.
func parsePosition(s []byte) (cdc.Position, bool) {
	a, b, two := bytes.Cut(s, []byte(":"))
	major, err := strconv.ParseUint(view(a), 10, 64)
	if err != nil {
		return cdc.Position{}, false
	}
	p := cdc.Position{Major: major}
	if two {
		if p.Minor, err = strconv.ParseUint(view(b), 10, 63); err != nil {
			return cdc.Position{}, false
		}
	}
	return p, true
}

// lastNumber gives the last number of a text: ["44809400","44809488"] gives 44809488.
func lastNumber(s []byte) (uint64, bool) {
	end := len(s)
	for end > 0 && (s[end-1] < '0' || s[end-1] > '9') {
		end--
	}
	start := end
	for start > 0 && s[start-1] >= '0' && s[start-1] <= '9' {
		start--
	}
	v, err := strconv.ParseUint(view(s[start:end]), 10, 64)
	return v, err == nil
}

// Limits of a place in a MySQL log file: 39 bits for the byte, 24 for the row of the event there.
const (
	maxLogPlace = 1 << 39
	maxLogRow   = 1 << 24
)

// lastMinor stands behind all that one major position holds.
const lastMinor = 1<<63 - 1

// position gives the source's position of an event.
func (e *event) position() (cdc.Position, bool) {
	switch {
	case e.lsnGiven:
		return cdc.Position{Major: e.lsn}, true
	case len(e.file) > 0:
		n, ok := lastNumber(e.file)
		if !ok || e.pos >= maxLogPlace || e.row >= maxLogRow {
			return cdc.Position{}, false
		}
		return cdc.Position{Major: n, Minor: e.pos<<24 | e.row}, true
	case len(e.commitLSN) > 0:
		at, ok := serverPosition(e.commitLSN)
		at.Minor |= e.order << 1
		return at, ok && e.ordered()
	case len(e.commitSCN) > 0:
		n, err := strconv.ParseUint(view(e.commitSCN), 10, 64)
		return cdc.Position{Major: n, Minor: e.order << 1}, err == nil && e.ordered()
	case len(e.scn) > 0: // of a snapshot; what is streamed has its transaction's commit_scn
		n, err := strconv.ParseUint(view(e.scn), 10, 64)
		return cdc.Position{Major: n}, err == nil && e.op == 'r'
	case len(e.sequence) > 0:
		n, ok := lastNumber(e.sequence)
		return cdc.Position{Major: n}, ok
	}
	return cdc.Position{}, false
}

// Places in a transaction that fit beside the slot of SQL Server's position, doubled for key changes.
const (
	slotShift = 47
	maxOrder  = 1<<(slotShift-1) - 1
)

// ordered reports whether the record's place in its transaction is known, where one is needed: transactions are
// ordered by their commits, and changes inside one only by that place. What a snapshot reads has none.
func (e *event) ordered() bool {
	return e.order <= maxOrder && (e.order > 0 || e.op == 'r' || e.op == 0)
}

// serverPosition reads an LSN of SQL Server, three hexadecimal numbers of 32, 32 and 16 bits: file, block and slot.
func serverPosition(s []byte) (cdc.Position, bool) {
	file, rest, two := bytes.Cut(s, []byte(":"))
	block, slot, three := bytes.Cut(rest, []byte(":"))
	a, err := strconv.ParseUint(view(file), 16, 32)
	b, err2 := strconv.ParseUint(view(block), 16, 32)
	c, err3 := strconv.ParseUint(view(slot), 16, 16)
	return cdc.Position{Major: a<<32 | b, Minor: c << slotShift}, two && three && err == nil && err2 == nil && err3 == nil
}

// transaction takes the log position off PostgreSQL's transaction ids: it differs in every event.
func transaction(id []byte) (tx, lsn []byte) {
	for i, c := range id {
		switch {
		case c >= '0' && c <= '9':
		case c == ':' && i > 0 && digitsOnly(id[i+1:]):
			return id[:i], id[i+1:]
		default:
			return id, nil
		}
	}
	return id, nil
}

func digitsOnly(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}
