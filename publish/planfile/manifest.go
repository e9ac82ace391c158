package planfile

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"echelon/planner"
)

// FormatVersion is the version of the folder's layout, NetFormatVersion that of a net change's; a reader refuses others.
const (
	FormatVersion    = 1
	NetFormatVersion = 2
)

// ManifestName is the file that makes a folder of plan files complete; it is written last.
const ManifestName = "manifest.json"

// States of a DC in a manifest.
const (
	StateFull           = "full"
	StateDegraded       = "degraded"
	StateCarriedForward = "carried-forward"
)

// Manifest is what one DC's plan files say of themselves, and, as it stands, the value of the DC's record
// in the manifest topic. Everything a later cycle or another machine must know of a published DC is here.
type Manifest struct {
	Format     int       `json:"format"`
	Engine     string    `json:"engine_version"`
	Tenant     string    `json:"tenant"`
	Cycle      string    `json:"cycle"`
	DC         string    `json:"dc"`
	AsOf       time.Time `json:"as_of"`
	GraceUntil time.Time `json:"grace_until"` // releases count until here unless an open order names them
	PolicyHash string    `json:"policy_hash"`
	CutHash    string    `json:"cut_hash"`           // digest of the cut: inputs, releases and carry that counted
	Counted    []string  `json:"counted,omitempty"`  // earlier cycles of this DC whose releases counted, ascending
	Replaces   string    `json:"replaces,omitempty"` // the cycle whose releases no longer count

	State      string           `json:"state"`
	Why        string           `json:"why,omitempty"`
	PlanHash   string           `json:"plan_hash"` // hex SHA-256
	SKUs       int64            `json:"skus"`
	Planned    int64            `json:"planned"`
	Held       map[string]int64 `json:"held,omitempty"`
	Released   int64            `json:"released_units"`
	ShortUnits int64            `json:"short_units"`
	// LastReceive is the latest receive day of the released lines, days since 1970-01-01; 0: none is released.
	LastReceive int64 `json:"last_receive_day,omitempty"`
	// ReleasedLines counts the released lines of the folder's order layers; nil: an earlier engine did not say.
	ReleasedLines *int64           `json:"released_lines,omitempty"`
	Exceptions    map[string]int64 `json:"exceptions,omitempty"`

	// Of a net change: the cycle whose lines stand where nothing was planned again, and what was. Layers and files
	// below are what was written; lines of the whole plan stand in LayerFile.Plan.
	Base   *Base       `json:"base,omitempty"`
	Again  *AgainFacts `json:"again,omitempty"`
	Groups *PlainFile  `json:"groups,omitempty"` // the (DC, item) groups that were planned again
	Kept   *PlainFile  `json:"kept,omitempty"`   // what the next net change compares with

	Layers []LayerFile `json:"layers"` // in layer order; a layer switched off by the policy is not listed
}

// LayerFile describes the Parquet file of a layer: one of the folder, or a part of the pack of a small net change.
type LayerFile struct {
	Layer  string     `json:"layer"`
	File   string     `json:"file"`
	At     int64      `json:"at,omitempty"` // where the part begins
	SHA256 string     `json:"sha256"`       // hex, over all its bytes
	Bytes  int64      `json:"bytes"`
	Lines  int64      `json:"lines"`
	Units  int64      `json:"units"`          // sum of quantity (orders) or units (workload, carry); 0 elsewhere
	Plan   *PlanSum   `json:"plan,omitempty"` // of a net change: the layer with the base's lines
	Groups []RowGroup `json:"row_groups"`
}

// PlanSum is lines and units of a layer of the merged plan.
type PlanSum struct {
	Lines int64 `json:"lines"`
	Units int64 `json:"units"`
}

// RowGroup is one Parquet row group: the smallest piece that is read, and the cut points at which the
// publishing of a large DC is divided into parts.
type RowGroup struct {
	Lines    int64 `json:"lines"`
	Bytes    int64 `json:"bytes"`     // in the file, compressed
	RawBytes int64 `json:"raw_bytes"` // before compression: a measure of what its records will weigh
}

// Layer returns the file of a layer, or nil when the manifest has none.
func (m *Manifest) Layer(id planner.LayerID) *LayerFile {
	name := planner.LayerOf(id).Name
	for i := range m.Layers {
		if m.Layers[i].Layer == name {
			return &m.Layers[i]
		}
	}
	return nil
}

// Lines returns the lines of all layers.
func (m *Manifest) Lines() int64 {
	var n int64
	for i := range m.Layers {
		n += m.Layers[i].Lines
	}
	return n
}

// ReleasesNothing reports whether no line of the folder is known to be released. The manifest has no digest of its own, so
// two of its numbers must say it: what one damaged byte makes of a manifest never forgets a release.
func (m *Manifest) ReleasesNothing() bool {
	return m.Released == 0 && m.ReleasedLines != nil && *m.ReleasedLines == 0
}

// Hash returns the plan hash as bytes.
func (m *Manifest) Hash() (h [32]byte, err error) {
	raw, err := hex.DecodeString(m.PlanHash)
	if err != nil || len(raw) != len(h) {
		return h, fmt.Errorf("plan_hash %q: want 64 hex digits", m.PlanHash)
	}
	copy(h[:], raw)
	return h, nil
}

// Encode gives the manifest as it is stored: indented JSON with a final newline, the same bytes for the
// same manifest.
func (m *Manifest) Encode() ([]byte, error) {
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode manifest of dc %s: %w", m.DC, err)
	}
	return append(raw, '\n'), nil
}

// DecodeManifest reads a stored manifest and refuses one of another format.
func DecodeManifest(raw []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	if m.Format != FormatVersion && m.Format != NetFormatVersion {
		return nil, fmt.Errorf("manifest: format %d, this engine reads %d and %d", m.Format, FormatVersion, NetFormatVersion)
	}
	if _, err := m.Hash(); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return &m, nil
}
