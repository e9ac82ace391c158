// Package policy reads a tenant's policy file: what is not a fact of the source (horizon, rules of sharing,
// gates, topics). The file is YAML; an unknown key is refused with the nearest known one, and every fault
// of the file is reported at once.
//
//	horizon_days: 28
//	lines: window
//	sharing: {rule: days, reserve: none}
//	gates: {inventory: {quarantined: {refuse: 0.05}}}
//	defaults: {cover_days: 7}
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/v2"

	"echelon/planner"
)

// File is a policy file, read and checked.
type File struct {
	Planner    planner.Policy
	Gates      []Gate            // in order of table, measure
	Partitions map[string]int    // layer → partitions of its topic; "" the default of all
	Topics     map[string]string // layer → topic name
	KeepDays   int               // plan files and snapshots; 0: the default
	Defaults   map[string]string // parameter → value: the cascade's last step but the contract's

	Partitioner map[string]string // layer → partitioner; "" the default of all
	text        []string          // canonical key=value lines, sorted
}

// Gate is one threshold of a table: shares are in thousandths.
type Gate struct {
	Table, Measure  string
	Degrade, Refuse int64 // thousandths; -1: never
}

// Default is the policy of a tenant without a file.
func Default() *File {
	return &File{
		Planner: planner.DefaultPolicy(), Partitions: map[string]int{}, Topics: map[string]string{},
		Defaults: map[string]string{}, Partitioner: map[string]string{},
	}
}

// Load reads the file at path; "" gives the defaults.
func Load(path string) (*File, error) {
	if path == "" {
		return Default(), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	f, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", path, err)
	}
	return f, nil
}

// Parse reads the text of a policy file.
func Parse(text []byte) (*File, error) {
	tree, err := yaml.Parser().Unmarshal(text)
	if err != nil {
		return nil, err
	}
	k := koanf.New(".")
	if err := k.Load(confmap(tree), nil); err != nil {
		return nil, err
	}
	f := Default()
	var faults []error
	keys := k.Keys()
	sort.Strings(keys)
	for _, key := range keys {
		value := strings.TrimSpace(fmt.Sprint(k.Get(key)))
		if err := f.set(key, value); err != nil {
			faults = append(faults, err)
			continue
		}
		f.text = append(f.text, key+"="+value)
	}
	if h := f.Planner.HorizonDays; h < 14 || h > 91 {
		faults = append(faults, fmt.Errorf("horizon_days %d: want 14 to 91", h))
	}
	return f, errors.Join(faults...)
}

type confmap map[string]any

// Read and ReadBytes make confmap a koanf provider.
func (c confmap) Read() (map[string]any, error) { return c, nil }

// ReadBytes is not how this provider is read.
func (c confmap) ReadBytes() ([]byte, error) { return nil, errors.New("a tree has no bytes") }

// Text is the canonical form: what was set, one key a line, sorted.
func (f *File) Text() string { return strings.Join(f.text, "\n") }

// Hash identifies the policy: the digest of what decides the plan. Keys that only say where a plan goes
// (topics, partitions, keep) are left out, so a topic can be renamed without another plan.
func (f *File) Hash() string {
	lines := slices.DeleteFunc(slices.Clone(f.text), func(l string) bool {
		return strings.HasPrefix(l, "topics.") || strings.HasPrefix(l, "partition") || strings.HasPrefix(l, "keep")
	})
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// FromText reads back what Text gave: the policy that a cycle was planned with.
func FromText(text string) (*File, error) {
	f := Default()
	var faults []error
	for _, line := range strings.Split(text, "\n") {
		if line == "" {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if err := f.set(key, value); err != nil {
			faults = append(faults, err)
			continue
		}
		f.text = append(f.text, line)
	}
	return f, errors.Join(faults...)
}
