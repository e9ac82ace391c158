package cycle

import (
	"encoding/json"
	"fmt"
	"time"
)

// States of a cycle's result.
const (
	Full           = "full"
	Degraded       = "degraded"
	CarriedForward = "carried-forward"
	Refused        = "refused"
	Failed         = "failed"
	Superseded     = "superseded"
	DryRun         = "dry-run"
)

// Result is what a run of a cycle came to: one JSON object, whatever happened.
type Result struct {
	State      string              `json:"state"`
	ExitCode   int                 `json:"exit_code"`
	Already    bool                `json:"already,omitempty"` // everything was done before this run
	Tenant     string              `json:"tenant"`
	Cycle      string              `json:"cycle"`
	AsOf       string              `json:"as_of"`
	Cut        Cut                 `json:"cut"`
	PolicyHash string              `json:"policy_hash"`
	Engine     string              `json:"engine_version"`
	PlanHash   string              `json:"plan_hash"`
	Coverage   Coverage            `json:"coverage"`
	Inputs     map[string]Input    `json:"inputs"`
	Feeds      []FeedPart          `json:"feeds,omitempty"` // partitions of change feeds, ascending
	DCs        []DCResult          `json:"dcs"`             // ascending by id
	Layers     map[string]LayerSum `json:"layers"`          // by name
	Exceptions map[string]int64    `json:"exceptions"`
	Churn      *Churn              `json:"churn"` // null: nothing to compare with
	Net        *NetChange          `json:"net_change,omitempty"`
	Made       *Made               `json:"snapshot,omitempty"` // of the service: how the snapshot was made
	Timings    map[string]int64    `json:"timings_ms"`
	PeakRSS    int64               `json:"peak_rss_bytes"`
	Faults     []Fault             `json:"faults"`
}

// Cut is what a cycle planned: inputs by digest, and the published cycles that counted.
type Cut struct {
	Inputs   map[string]string   `json:"inputs"`   // file → SHA-256
	Releases map[string][]string `json:"releases"` // DC → cycles
	Carry    map[string]string   `json:"carry"`    // DC → cycle
	Replaces string              `json:"replaces,omitempty"`
}

// Coverage says how many SKUs were planned, and why the others were not.
type Coverage struct {
	SKUs     int64            `json:"skus"`
	Planned  int64            `json:"planned"`
	Held     int64            `json:"held"`
	ByReason map[string]int64 `json:"by_reason"`
}

// Input is what became of the records of one table.
type Input struct {
	Read        int64  `json:"read"`
	Applied     int64  `json:"applied"`
	Superseded  int64  `json:"superseded"`
	Quarantined int64  `json:"quarantined"`
	Filtered    int64  `json:"filtered"`
	Freshness   string `json:"freshness,omitempty"` // instant of the newest file, or sign of life of its feeds
}

// DCResult is one DC.
type DCResult struct {
	DC         string           `json:"dc"`
	State      string           `json:"state"`
	Why        string           `json:"why,omitempty"`
	SKUs       int64            `json:"skus"`
	Lines      int64            `json:"lines"`                   // of the plan
	Base       string           `json:"base,omitempty"`          // net change: the cycle whose lines stand
	Written    int64            `json:"written_lines,omitempty"` // net change: the lines that it wrote and publishes
	Units      int64            `json:"units"`                   // released
	ShortUnits int64            `json:"short_units"`
	PlanHash   string           `json:"plan_hash,omitempty"`
	Files      string           `json:"files,omitempty"` // folder of the plan files, below the state folder
	Published  map[string]int64 `json:"published"`       // topic → lines; empty: not published
}

// LayerSum is one layer over all DCs.
type LayerSum struct {
	Lines int64 `json:"lines"`
	Units int64 `json:"units"`
}

// Churn compares with the cycle before.
type Churn struct {
	Against string `json:"against"`
	Changed int64  `json:"changed_lines"`
}

// Fault is something that a person should know.
type Fault struct {
	Kind  string `json:"kind"`
	Where string `json:"where"`
	Hint  string `json:"hint"`
}

// JSON gives the result as it is written: indented, one final newline.
func (r *Result) JSON() ([]byte, error) {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode result: %w", err)
	}
	return append(raw, '\n'), nil
}

// DecodeResult reads a result object back.
func DecodeResult(raw string) (*Result, error) {
	var r Result
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return nil, fmt.Errorf("decode result: %w", err)
	}
	return &r, nil
}

// instant gives microseconds UTC as text.
func instant(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339Nano) }
