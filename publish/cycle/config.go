// Package cycle runs one cycle from inputs to published plan: the driver of everything with a disk, a clock
// or a network around the planner.
//
//	inputs ─▶ intent ─▶ snapshot ─▶ gates ─▶ compare ─▶ account ─▶ plan ═▶ plan files ═▶ publish ─▶ close
//	(files)   (state)   (disk)              (topics)   (releases,   (DCs flow on one by one)
//	                                                    carry)
//
// Each arrow is a boundary at which a process may die; Config.At is told of each. What a run finds done it
// does not do again.
//
// Invariants:
//
//	I1  nothing is planned before the cycle's intent is written, nothing published before its plan files are
//	    whole
//	I2  a DC of a cycle is planned once; a later run of the cycle publishes from the files
//	I3  a published cycle inside its grace counts, wherever it was published from; when that cannot be made
//	    sure, nothing is published
//	I4  a result object comes out of every run
package cycle

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"echelon/planner"
	"echelon/publish"
	"echelon/publish/disk"
	"echelon/publish/outcome"
)

// Config is one run of a cycle.
type Config struct {
	Inputs  string // folder of input tables, or a snapshot
	Mapping string // mapping file of the tables, "": the folder's own
	// Feed gives a cut of change feeds instead of the folder; Inputs is its name for people. It is not asked when the
	// cycle's snapshot stands.
	Feed   func(ctx context.Context) (*Feed, error)
	Warm   *Warm  // snapshots that earlier cycles of this process left in memory, of cuts of the same feeds; nil: none
	State  string // state folder
	Tenant string
	Cycle  string   // "": the as-of in UTC
	AsOf   int64    // microseconds UTC; 0: the cycle's as it stands, else the inputs', else now
	DCs    []string // the wave; empty: all

	Policy      planner.Policy
	PolicyText  string
	PolicyHash  string
	Defaults    map[string]string // parameter → value: the last step of the cascade but the contract's
	Gates       []Gate
	Unconfirmed bool // plan a DC although the gate releases_unconfirmed would carry it forward

	Publisher  publish.Publisher // nil: plan files only
	Publishers int               // DCs published at once; 0: 2
	Full       bool              // plan everything: no net change
	Net        Net
	Replaces   string        // cycle whose releases do not count
	Deadline   time.Time     // DCs not published by then are carried forward; zero: none
	Keep       time.Duration // how long plan files and snapshots stay; 0: for good
	Workers    int
	Memory     int64 // bytes that the process may use; 0: the limit of the Go runtime (GOMEMLIMIT) where one is set
	Strict     bool  // exit 10 and 11 for degraded and carried-forward cycles
	DryRun     bool

	Engine string
	FS     disk.FS            // nil: the machine's
	Now    func() time.Time   // nil: time.Now
	On     func(Event)        // nil: nobody listens; called by several goroutines
	At     func(stage string) // called at every stage boundary, by several goroutines; nil in production
}

// DefaultLimit is the share of a Gate that the policy does not set: the measure's default holds.
const DefaultLimit = -2

// Gate is one threshold of a table, shares in thousandths, freshness in seconds; -1: never, DefaultLimit: as without
// the gate.
type Gate struct {
	Table, Measure  string
	Degrade, Refuse int64
}

// Event is progress for listeners: a typed fact.
type Event struct {
	Stage string        // open, snapshot, compare, plan, publish, close
	DC    string        // "": the whole cycle
	Done  int64         // of Total
	Total int64         // 0: not known
	Unit  string        // skus, dcs, bytes
	Rate  float64       // Done per second of the stage, 0: not known
	Left  time.Duration // at that rate, 0: not known
	Text  string        // what a person should know, "" mostly
}

var (
	tenantName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)
	idName     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// withDefaults fills what was left out.
func (c Config) withDefaults() Config {
	if c.FS == nil {
		c.FS = disk.OS{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.On == nil {
		c.On = func(Event) {}
	}
	if c.At == nil {
		c.At = func(string) {}
	}
	if c.Net.Depth == 0 {
		c.Net.Depth = 48
	}
	if c.Net.FullAbove == 0 {
		c.Net.FullAbove = 600
	}
	if c.Publishers <= 0 {
		c.Publishers = 2
	}
	c.DCs = slices.Clone(c.DCs)
	slices.Sort(c.DCs)
	c.DCs = slices.Compact(c.DCs)
	return c
}

// Validate reports all faults of the arguments at once (64).
func (c *Config) Validate() error {
	var errs []error
	add := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(c.Inputs != "", "--inputs: name the folder of input tables")
	add(c.State != "", "--state: name the state folder")
	add(tenantName.MatchString(c.Tenant), "--tenant %q: want a-z, then 1 to 30 of a-z 0-9 -", c.Tenant)
	add(c.Cycle == "" || idName.MatchString(c.Cycle), "--cycle %q: want letters, digits, . _ -, at most 64", c.Cycle)
	add(c.Replaces == "" || idName.MatchString(c.Replaces), "--replaces %q: want a cycle id", c.Replaces)
	add(c.Replaces == "" || c.Replaces != c.Cycle, "--replaces %s: a cycle cannot replace itself", c.Replaces)
	add(c.Policy.HorizonDays >= 14 && c.Policy.HorizonDays <= 91, "horizon_days %d: want 14 to 91", c.Policy.HorizonDays)
	add(c.Memory >= 0, "memory %d: want a number of bytes", c.Memory)
	add(c.Keep >= 0, "--keep %v: want a duration", c.Keep)
	if err := errors.Join(errs...); err != nil {
		return &outcome.Error{Code: outcome.CodeUsage, Kind: "usage", Where: "arguments", Hint: "see echelon run --help", Err: err}
	}
	return nil
}

// errDeadline is the cause of a planning context that ends at the deadline.
var errDeadline = errors.New("deadline")

// stopped reports whether a context ended because of the deadline.
func stopped(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errDeadline) }
