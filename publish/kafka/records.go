package kafka

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"echelon/publish"
	"echelon/publish/planfile"
)

// Kinds of records of the manifest topic.
const (
	kindDC         = "dc"
	kindSuperseded = "superseded"
	kindPart       = "part"
	kindClosing    = "closing"
	kindRanges     = "ranges"
	kindGroups     = "groups"
)

// dcRecord is the value of tenant/cycle/dc: the plan file's manifest and what was written from it.
type dcRecord struct {
	Record string `json:"record"` // dc, superseded
	planfile.Manifest
	SchemaVersion int        `json:"schema_version"`
	Parts         int        `json:"parts"`
	Routes        []route    `json:"routes,omitempty"` // by layer
	Spans         []span     `json:"spans,omitempty"`  // by part, layer and partition
	Sums          []layerSum `json:"sums,omitempty"`   // by layer
	By            string     `json:"by,omitempty"`     // superseded: the later cycle
}

// route is how the lines of a layer became records: with it and the plan file they can be made again.
type route struct {
	Layer       string `json:"layer"`
	Topic       string `json:"topic"`
	Partitions  int32  `json:"partitions"`
	Partitioner string `json:"partitioner"`
	Own         *Range `json:"own,omitempty"`       // dc-range: the partitions this DC owned
	SchemaID    int    `json:"schema_id,omitempty"` // Avro: id in the registry; 0: JSON
}

// partRecord is the value of tenant/cycle/dc/part-n.
type partRecord struct {
	Record   string  `json:"record"`
	Tenant   string  `json:"tenant"`
	Cycle    string  `json:"cycle"`
	DC       string  `json:"dc"`
	PlanHash string  `json:"plan_hash"`
	Base     string  `json:"base,omitempty"` // net change: the cycle whose lines stand
	Part     int     `json:"part"`           // from 1
	Pieces   []piece `json:"pieces"`
	Spans    []span  `json:"spans"`
}

// piece is row groups [From, To) of a layer's file.
type piece struct {
	Layer string `json:"layer"`
	From  int    `json:"from"`
	To    int    `json:"to"`
}

// span is where the lines of a layer lie in one partition: every one of them in [First, Last].
type span struct {
	Layer     string `json:"layer"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	Lines     int64  `json:"lines"`
	Sum       hexSum `json:"sum"`
}

// layerSum is count and checksum of a layer's lines.
type layerSum struct {
	Layer string `json:"layer"`
	Lines int64  `json:"lines"`
	Sum   hexSum `json:"sum"`
}

// hexSum is the sum (modulo 2⁶⁴) of the xxhash64 of the lines' values: the same whatever the partitions and
// parts they went out in, another when one is lost, doubled or changed.
type hexSum uint64

// MarshalText implements encoding.TextMarshaler: 16 hex digits, exact for every reader of JSON.
func (s hexSum) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *hexSum) UnmarshalText(raw []byte) error {
	v, err := strconv.ParseUint(string(raw), 16, 64)
	if err != nil {
		return fmt.Errorf("checksum %q: %w", raw, err)
	}
	*s = hexSum(v)
	return nil
}

// closingRecord is the value of tenant/cycle.
type closingRecord struct {
	Record string `json:"record"`
	publish.Closing
	Layers []layerSum `json:"layers"` // over the DCs published
}

// rangesRecord is the value of tenant/ranges: for each number of partitions, what each DC owns.
type rangesRecord struct {
	Record string     `json:"record"`
	Tenant string     `json:"tenant"`
	Of     []division `json:"of"` // ascending by Partitions
}

type division struct {
	Partitions int     `json:"partitions"`
	DCs        []Range `json:"dcs"`
}

func dcKey(tenant, cycle, dc string) string { return tenant + "/" + cycle + "/" + dc }

func partKey(tenant, cycle, dc string, part int) string {
	return fmt.Sprintf("%s/%s/%s/part-%06d", tenant, cycle, dc, part)
}

func closingKey(tenant, cycle string) string { return tenant + "/" + cycle }

func rangesKey(tenant string) string { return tenant + "/#ranges" }

// storedDC, storedPart and storedClosing are records with the time that the broker or client gave them.
type (
	storedDC struct {
		dcRecord
		at time.Time
	}
	storedPart    struct{ partRecord }
	storedClosing struct{ closingRecord }
)

// decodeRecord reads a value of the manifest topic by its kind: *storedDC, *storedPart, *storedGroups, *storedClosing,
// *rangesRecord, or nil for kinds of later versions.
func decodeRecord(raw []byte, at time.Time) (any, error) {
	var head struct {
		Record string `json:"record"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("manifest record: %w", err)
	}
	var into any
	switch head.Record {
	case kindDC, kindSuperseded:
		d := &storedDC{at: at}
		if err := json.Unmarshal(raw, &d.dcRecord); err != nil {
			return nil, fmt.Errorf("manifest record: %w", err)
		}
		// The cut points of the file are of no use to readers and most of the record.
		for i := range d.Layers {
			d.Layers[i].Groups = nil
		}
		return d, nil
	case kindPart:
		p := &storedPart{}
		into = &p.partRecord
		return p, decodeInto(raw, into)
	case kindGroups:
		var g groupsRecord
		if err := decodeInto(raw, &g); err != nil {
			return nil, err
		}
		s := &storedGroups{Tenant: g.Tenant, Cycle: g.Cycle, DC: g.DC, PlanHash: g.PlanHash}
		s.add(&planfile.Groups{Items: g.Items, Orders: g.Orders})
		return s, nil
	case kindClosing:
		c := &storedClosing{}
		return c, decodeInto(raw, &c.closingRecord)
	case kindRanges:
		r := &rangesRecord{}
		return r, decodeInto(raw, r)
	}
	return nil, nil
}

func decodeInto(raw []byte, into any) error {
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("manifest record: %w", err)
	}
	return nil
}

// topicsOf sums the lines of spans by topic.
func topicsOf(spans []span) map[string]int64 {
	topics := make(map[string]int64)
	for i := range spans {
		topics[spans[i].Topic] += spans[i].Lines
	}
	return topics
}

// sumsOf sums lines and checksums by layer, layers in the order in which they first occur.
func sumsOf(spans []span) []layerSum {
	var sums []layerSum
	at := make(map[string]int)
	for i := range spans {
		s := &spans[i]
		k, ok := at[s.Layer]
		if !ok {
			k = len(sums)
			at[s.Layer] = k
			sums = append(sums, layerSum{Layer: s.Layer})
		}
		sums[k].Lines += s.Lines
		sums[k].Sum += s.Sum
	}
	return sums
}
