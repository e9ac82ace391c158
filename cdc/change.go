package cdc

import (
	"cmp"

	"echelon/inputs"
)

// Op is what one record says.
type Op uint8

// Operations. The last five are marks: they carry no row.
const (
	Upsert    Op = iota // create, update, snapshot read
	Delete              // the key is gone; a tombstone after it says it again
	Truncate            // every row of the origin up to the position is gone
	Begin               // a transaction begins (Change.Tx)
	End                 // a transaction ended (Change.Tx, Change.Events)
	Heartbeat           // the source is alive at the position
	Snapshot            // an initial snapshot of the origin is complete
)

// Position is a place in the log of one source, compared word by word: for PostgreSQL the log sequence number and
// the number within it. The zero position is before all others. Positions of different sources never meet.
type Position struct{ Major, Minor uint64 }

// Compare orders positions.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Major, q.Major), cmp.Compare(p.Minor, q.Minor))
}

// Partition is one partition of a topic; of the log behind HTTP the topic is HTTPTopic.
type Partition struct {
	Topic string
	ID    int32
}

// HTTPTopic is the name under which the log behind HTTP counts.
const HTTPTopic = "_http"

// Origin is one source table that feeds one of our tables: an entry of the mapping. Where several feed one table,
// each column but the key belongs to exactly one of them.
type Origin struct {
	Name     string // unique in the mapping: source and table, "wms/public.stock"
	Source   string // positions, transactions and snapshots are compared within a source
	Topic    string
	Contract *inputs.Contract
	Columns  []int // contract columns it gives, ascending: the key, and those that it owns
	// Clock tells whether the instants of its streamed rows are the source's own: a row that is sent again names the
	// one that it named before.
	Clock bool
	// Rows tells whether the origin owns the rows: its delete takes the row away. The delete of another one sets the
	// columns it owns to null.
	Rows bool
}

// CellKind says what a cell holds.
type CellKind uint8

// Kinds of cells. Unchanged is a value that the source did not send (an unchanged large column, a column beside
// the key of a delete): what the row has stays.
const (
	Null CellKind = iota
	Int
	Text
	List
	Unchanged
)

// Cell is one value in the canonical unit of its column, already checked against the contract's type and range.
type Cell struct {
	Kind CellKind
	Int  int64
	Text []byte  // lent until the decoder's next record
	List []int64 // lent until the decoder's next record
}

// Change is what one record says of one row of ours. A record may say nothing (filtered) or, where the mapping
// gathers several rows into one, several things; all of them count as one record.
type Change struct {
	Origin   int // index into the mapping's origins; None for marks of a whole source
	Source   string
	Op       Op
	Initial  bool // read by an initial or incremental snapshot: an older position than any streamed change
	Position Position
	Tx       string // transaction, "" none
	Events   int64  // End: records of the transaction over all origins; 0 not known
	At       int64  // microseconds UTC at which the source made the change, 0 not known
	Cells    []Cell // parallel to Origin.Columns; of a delete only the key is looked at; lent
}

// None is the origin of a mark that belongs to a whole source.
const None = -1

// Record is one record as it was read.
type Record struct {
	Partition Partition
	Offset    int64
	Time      int64 // microseconds UTC, of the record
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Decoder turns records into changes. A record that cannot be one is a *inputs.Fault (quarantined, and counted); any
// other error stops the feed (a registry that is away, an unknown mapping). It is used by one goroutine.
type Decoder interface {
	// Decode calls emit for each change of the record, in order; what emit is given is lent. No call: filtered.
	Decode(r *Record, emit func(*Change) error) error
	// Fork makes another decoder of the same topics for another goroutine. It knows nothing of what this one read.
	Fork() Decoder
}
