package kafka

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"echelon/planner"
)

// Topics is the part of a tenant's policy that names topics, counts partitions and chooses partitions.
type Topics struct {
	// Partitions of each layer topic. Default 12: enough for as many consumers, few enough that a DC's
	// transaction does not pay for markers in hundreds.
	Partitions int
	// CyclePartitions of the manifest topic. Default 1: records are few, and in one partition the closing
	// record stands behind everything it closes.
	CyclePartitions int
	// Replication of topics that are made. Default -1: the broker's default.
	Replication int16
	// MinInsync is min.insync.replicas of topics that are made. Default 0: the broker's default.
	MinInsync int
	// Retention of layer topics. Default 14 days: longer than any grace, so that a lost state folder can be
	// rebuilt. The manifest topic is compacted and keeps every cycle.
	Retention time.Duration
	// Partitioner is dc-range, dc, dc+node, item, or columns:a,b. Default dc-range.
	Partitioner string
	// Layers overrides by layer name; "cycles" may only change the name.
	Layers map[string]LayerTopic
}

// LayerTopic overrides the settings of one layer's topic; zero fields keep the general ones.
type LayerTopic struct {
	Name        string
	Partitions  int
	Partitioner string
}

// Partitioner names.
const (
	ByDCRange = "dc-range"
	ByDC      = "dc"
	ByDCNode  = "dc+node"
	ByItem    = "item"
	byColumns = "columns:"
)

const cyclesLayer = "cycles"

func (t Topics) withDefaults() Topics {
	setTo(&t.Partitions, 12)
	setTo(&t.CyclePartitions, 1)
	setTo(&t.Retention, 14*24*time.Hour)
	if t.Replication == 0 {
		t.Replication = -1
	}
	if t.Partitioner == "" {
		t.Partitioner = ByDCRange
	}
	return t
}

// faults lists what is wrong, layers in the order of their names.
func (t Topics) faults() (faults []error) {
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if t.Partitions < 1 || t.CyclePartitions < 1 {
		bad("topics: partition counts must be at least 1")
	}
	if t.MinInsync < 0 || t.Replication < -1 || t.Replication == 0 {
		bad("topics: replication must be -1 or positive, min insync not negative")
	}
	if t.Replication > 0 && t.MinInsync > int(t.Replication) {
		bad("topics: min insync %d exceeds replication %d: nothing could be written", t.MinInsync, t.Replication)
	}
	if t.Retention < time.Hour {
		bad("topics: retention %s is under an hour", t.Retention)
	}
	if err := checkPartitioner(t.Partitioner); err != nil {
		bad("topics: %w", err)
	}
	known := []string{cyclesLayer}
	for _, id := range publishedLayers() {
		known = append(known, planner.LayerOf(id).Name)
	}
	taken := make(map[string]string)
	for _, layer := range known {
		name := t.Name("<tenant>", layer)
		if other, ok := taken[name]; ok {
			bad("topics.%s and topics.%s are the same topic %s", other, layer, name)
		}
		taken[name] = layer
	}
	for _, name := range sortedKeys(t.Layers) {
		l := t.Layers[name]
		if !slices.Contains(known, name) {
			bad("topics.%s: no such layer; layers are %s", name, strings.Join(known, ", "))
			continue
		}
		if l.Partitioner != "" {
			if err := checkPartitioner(l.Partitioner); err != nil {
				bad("topics.%s: %w", name, err)
			}
		}
		if l.Partitions < 0 {
			bad("topics.%s: partitions must be positive", name)
		}
		if name == cyclesLayer && (l.Partitioner != "" || l.Partitions != 0) {
			bad("topics.cycles: only its name can be set here; its partitions are the setting of their own")
		}
	}
	return faults
}

func checkPartitioner(name string) error {
	switch name {
	case ByDCRange, ByDC, ByDCNode, ByItem:
		return nil
	}
	if cols, ok := strings.CutPrefix(name, byColumns); ok && cols != "" {
		return nil
	}
	return fmt.Errorf("partitioner %q: want dc-range, dc, dc+node, item or columns:a,b", name)
}

// publishedLayers are the layers that have rows, in layer order.
func publishedLayers() []planner.LayerID {
	var ids []planner.LayerID
	for id := planner.LayerID(0); id < planner.NumLayers; id++ {
		if id != planner.Cycles && len(planner.LayerOf(id).Columns) > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// Name gives the topic of a layer ("cycles": the manifest topic) of a tenant.
func (t Topics) Name(tenant, layer string) string {
	if o := t.Layers[layer]; o.Name != "" {
		return strings.ReplaceAll(o.Name, "<tenant>", tenant)
	}
	return tenant + ".plan." + layer + ".v1"
}

// Count gives the partitions that a layer's topic is made with.
func (t Topics) Count(layer string) int {
	if layer == cyclesLayer {
		return t.CyclePartitions
	}
	if o := t.Layers[layer]; o.Partitions != 0 {
		return o.Partitions
	}
	return t.Partitions
}

// partitionerOf gives the partitioner's name for a layer.
func (t Topics) partitionerOf(layer string) string {
	if o := t.Layers[layer]; o.Partitioner != "" {
		return o.Partitioner
	}
	return t.Partitioner
}

// configs gives the settings that a layer's topic is made with.
func (t Topics) configs(layer string) map[string]*string {
	conf := make(map[string]*string)
	set := func(key, value string) { conf[key] = &value }
	if layer == cyclesLayer {
		set("cleanup.policy", "compact")
	} else {
		set("cleanup.policy", "delete")
		set("retention.ms", strconv.FormatInt(t.Retention.Milliseconds(), 10))
	}
	if t.MinInsync > 0 {
		set("min.insync.replicas", strconv.Itoa(t.MinInsync))
	}
	return conf
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
