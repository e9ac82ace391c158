package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"echelon/inputs"
)

// Versions of what is on disk. A reader takes exactly these.
const (
	LayoutVersion   = 1
	OverVersion     = 3 // the layout of a snapshot with what lies over the files of an earlier one; 2 was another
	ContractVersion = 1
)

const (
	manifestName = "manifest.json"
	networkName  = "network.parquet"
	byteOrder    = "little"
)

// Manifest is what a snapshot folder says of itself.
type Manifest struct {
	Layout    int               `json:"layout"`
	Contract  int               `json:"contract"`
	ByteOrder string            `json:"byte_order"`
	Tenant    string            `json:"tenant"`
	AsOf      int64             `json:"as_of"` // microseconds UTC
	Horizon   int               `json:"horizon"`
	Cut       map[string]string `json:"cut"`    // input (file, topic partition) → digest or offset
	Counts    []TableCounts     `json:"counts"` // per input table
	Rows      int64             `json:"rows"`   // live rows
	Network   FileEntry         `json:"network"`
	DCs       []DCEntry         `json:"dcs"` // in the order of Network.DCs
}

// TableCounts is what became of the rows of one input table.
type TableCounts struct {
	Table       string `json:"table"`
	Read        int64  `json:"read"`
	Applied     int64  `json:"applied"`
	Superseded  int64  `json:"superseded"`
	Quarantined int64  `json:"quarantined"`
	Filtered    int64  `json:"filtered"`
}

// CountsOf makes the manifest's form of counts.
func CountsOf(table string, c inputs.Counts) TableCounts {
	return TableCounts{table, c.Read, c.Applied, c.Superseded, c.Quarantined, c.Filtered}
}

// FileEntry is a file of the folder and its SHA-256.
type FileEntry struct {
	File   string `json:"file"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// DCEntry is the file of one partition.
type DCEntry struct {
	DC string `json:"dc"` // "_direct" for rows that no DC serves
	FileEntry
	Rows   int64 `json:"rows"`             // live rows
	Tiles  int64 `json:"tiles"`            // of 64 rows
	Memory int64 `json:"memory,omitempty"` // bytes of the columns once loaded
	// Over is where the chunks are that lie over those of File; nil: none do.
	Over *OverEntry `json:"over,omitempty"`
}

// OverEntry is a part of a file and its SHA-256.
type OverEntry struct {
	At int64 `json:"at,omitempty"`
	FileEntry
}

// Digest is the digest of the whole snapshot: equal for equal contents.
func (m *Manifest) Digest() (string, error) {
	bare := *m
	bare.Cut, bare.Counts = nil, nil
	text, err := json.Marshal(&bare)
	if err != nil {
		return "", err
	}
	return digest(text), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// sealed is the file: the manifest and its digest.
type sealed struct {
	SHA256   string    `json:"sha256"`
	Manifest *Manifest `json:"manifest"`
}

func (m *Manifest) encode() ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(&sealed{SHA256: digest(text), Manifest: m}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(out, '\n'), nil
}

// decodeManifest takes a manifest only when it is byte for byte what encode writes.
func decodeManifest(data []byte) (*Manifest, error) {
	var s sealed
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, refuse("manifest_damaged", manifestName, err)
	}
	if s.Manifest == nil {
		return nil, refuse("manifest_damaged", manifestName, fmt.Errorf("no manifest in it"))
	}
	again, err := s.Manifest.encode()
	if err != nil {
		return nil, refuse("manifest_damaged", manifestName, err)
	}
	if !bytes.Equal(again, data) {
		return nil, refuse("manifest_damaged", manifestName, fmt.Errorf("its digest does not fit"))
	}
	return s.Manifest, nil
}

// check refuses what this reader does not take.
func (m *Manifest) check(tenant string) error {
	switch {
	case m.Layout != LayoutVersion && m.Layout != OverVersion:
		return refuse("layout_version", manifestName, fmt.Errorf("layout %d, this engine reads %d and %d", m.Layout, LayoutVersion, OverVersion))
	case m.Contract != ContractVersion:
		return refuse("contract_version", manifestName, fmt.Errorf("contract %d, this engine reads %d", m.Contract, ContractVersion))
	case m.ByteOrder != byteOrder || !littleEndian():
		return refuse("byte_order", manifestName, fmt.Errorf("%s-endian snapshots are read on little-endian machines", m.ByteOrder))
	case tenant != "" && m.Tenant != tenant:
		return refuse("other_tenant", manifestName, fmt.Errorf("the snapshot is of tenant %q, not %q", m.Tenant, tenant))
	}
	return nil
}

// refuse makes a refusal whose hint is the same for all damage.
func refuse(kind, where string, err error) error {
	return &inputs.Refusal{Kind: kind, Where: where, Hint: "build the snapshot again from its inputs", Err: err}
}
