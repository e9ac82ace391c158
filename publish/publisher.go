// Package publish is the way out of the engine: plan files first, then the layers' topics.
//
//	planner ──chunks──▶ planfile ──plan files──▶ Publisher ──▶ layer topics, manifest topic
//	                        │                        │
//	                      state (cycles, DCs)  ◀─────┘ what is out already
//
// The driver is publish/cycle; it knows a publisher only by the interface of this package.
package publish

import (
	"context"
	"time"

	"echelon/publish/planfile"
)

// Publisher puts plan files where consumers read them, each (cycle, DC) whole and once. Errors carry an
// exit code (package outcome): 69 not reachable at the start, 75 safe to run again, 77 not allowed, 78
// limits that do not fit, 80 fenced by another worker.
//
// PublishDC is called for several DCs at once; the other methods by one goroutine.
type Publisher interface {
	// Check proves before planning that the target answers, lets us write and has limits that fit.
	Check(ctx context.Context, need Need) error
	// Published returns the manifests of every DC that is out, as far back as the target keeps them, in
	// order of (as-of, cycle, DC).
	Published(ctx context.Context, tenant string) ([]Record, error)
	// Recover reads the released lines and the carry of a published DC back, for a state folder that
	// lacks its plan files.
	Recover(ctx context.Context, r Record) (*Recovered, error)
	// PublishDC publishes all layers of a DC and its manifest. A DC that is out already with the same plan
	// hash is a success (Outcome.Already); with another hash it is refused.
	PublishDC(ctx context.Context, dc *planfile.DC) (Outcome, error)
	// CloseCycle writes the closing record of a cycle. The same record again changes nothing.
	CloseCycle(ctx context.Context, c Closing) error
	// Close lets go of connections. The publisher is not used afterwards.
	Close() error
}

// Need is what a cycle will ask of the target.
type Need struct {
	Tenant   string
	Layers   []string         // names of the layers that will be written
	DCs      []string         // DCs of the cycle, ascending
	AllDCs   []string         // every DC of the network, ascending: what dc-range divides partitions by
	SKUsOfDC map[string]int64 // rows of each DC of the network
}

// Record is a published DC as its manifest record says.
type Record struct {
	planfile.Manifest
	PublishedAt time.Time        // time of the record
	Topics      map[string]int64 // topic → lines
}

// Outcome is what became of a DC.
type Outcome struct {
	Already bool             // it was out before
	Topics  map[string]int64 // topic → lines
	Parts   int              // transactions it took, 1 for most; 0 when Already
	At      time.Time        // when the manifest record was committed
}

// Recovered is what later cycles need of a published DC. Rows are in the order of the plan files.
type Recovered struct {
	Releases []planfile.Release
	Carry    []planfile.CarryLine
}

// Closing is the last record of a cycle: a consumer that acts on whole plans waits for it.
type Closing struct {
	Tenant   string      `json:"tenant"`
	Cycle    string      `json:"cycle"`
	AsOf     time.Time   `json:"as_of"`
	State    string      `json:"state"` // full, degraded, carried-forward, superseded
	PlanHash string      `json:"plan_hash"`
	Replaces string      `json:"replaces,omitempty"`
	DCs      []ClosingDC `json:"dcs"` // ascending by id
}

// ClosingDC is one DC in the closing record.
type ClosingDC struct {
	DC       string `json:"dc"`
	State    string `json:"state"` // full, degraded, carried-forward, superseded
	PlanHash string `json:"plan_hash,omitempty"`
	Lines    int64  `json:"lines"`
}
