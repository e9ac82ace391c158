package planner

import (
	"context"

	"echelon/inputs"
)

// Cycle is one planning task: a snapshot, a policy and an instant.
type Cycle struct {
	Network *inputs.Network
	Policy  Policy
	AsOf    int64            // microseconds UTC; same civil day in every zone as Network.AsOf
	DCs     []inputs.NodeIdx // DCs that give (a wave); nil: all. Those below them are asked too
	Workers int              // goroutines that plan; 0: one per processor the caller may use
	Careful bool             // plan every row by the careful path (for tests; never changes a byte)
	Base    *Base            // plan again only what differs from an earlier cycle; nil: everything
	Keep    bool             // give what the next cycle's net change compares with (DCResult.Kept)
	Warm    bool             // with Keep: and what it may take from memory instead of planning or reading it (Kept, Standing)
	Kernel  Kernel           // how rows are netted (never changes a byte)
	Paths   *Paths           // counts which way rows were netted; nil: nobody asks
	// Unhashed leaves the plan hash out, which then means nothing: what planning costs without it. Not with Base or Keep.
	Unhashed bool

	// What of the network is in memory at once; neither changes a byte of the plan.
	InMemory    int   // units of linked DCs, 1: one after another; 0: three, and one more per eight workers
	MemoryBytes int64 // bytes of rows, as a Sizer tells, and of what was asked; a unit that alone takes more is refused. 0: no limit
}

// Loader gives the rows of a DC with releases and carry laid over them. It may be called again for the
// same DC (an ask and a give of one DC are two visits when it has parents), and by several goroutines for
// different DCs.
type Loader interface {
	Partition(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error)
}

// Sizer is a Loader that knows what a DC's rows take in memory before they are loaded.
type Sizer interface {
	PartitionBytes(dc inputs.NodeIdx) int64
}

// Releaser is a Loader that uses the memory of partitions again: Release is called once for each that it gave,
// when nobody reads it any more.
type Releaser interface {
	Release(p *inputs.Partition)
}

// Exchange keeps what DCs tell each other within a cycle: requests going up, given lines coming down.
// Blobs are written once per name and read many times; the state store keeps them as digested files.
type Exchange interface {
	Put(ctx context.Context, name string, blob []byte) error
	Get(ctx context.Context, name string) ([]byte, error)
}

// Sink takes the plan as it is made. Chunks of one DC come in order from one goroutine at a time; chunks
// of different DCs come from several goroutines at once. Done follows the last chunk of a DC. A chunk's tables are lent: they are
// used again once Chunk has returned.
type Sink interface {
	Chunk(ctx context.Context, c *Chunk) error
	Done(ctx context.Context, r *DCResult) error
}

// DCResult is what is known of a planned DC.
type DCResult struct {
	DC         inputs.NodeIdx
	SKUs       int64 // live rows
	Planned    int64
	Held       map[string]int64 // why → rows (no_position, no_lane, lane_closed, lane_cycle)
	Lines      [NumLayers]int64
	Units      [NumLayers]int64
	Released   int64 // units released today
	ShortUnits int64 // wanted − given of today's orders
	Exceptions [NumExceptions]int64
	PlanHash   [32]byte
	State      string // "" planned; "carried-forward" when the releases_unconfirmed gate stopped it
	Why        string
	Kept       *Kept     // with Cycle.Keep
	Again      *Again    // with Cycle.Base: what of the DC was planned again
	Standing   *Standing // with Cycle.Warm
	// Unmoved marks the layers of which a net change's chunks have all rows and that are the base's row by row
	Unmoved [NumLayers]bool
}

// Standing is the layers of a DC's plan that a net change reads of its base, as Base.Lines gives them.
type Standing struct{ Vendor, Carry, Workload *Table }

// Event is progress: typed facts for listeners (progress bars, logs, metrics).
type Event struct {
	Stage string // ask, give
	DC    inputs.NodeIdx
	SKUs  int64 // live rows done by this event
}

// Result is the whole plan's account: DCs ascending by id.
type Result struct {
	DCs      []DCResult
	PlanHash [32]byte // SHA-256 over the DCs' (id, plan hash), ascending by id
}
