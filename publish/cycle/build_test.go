package cycle

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBuiltInParts: a snapshot of inputs larger than memory is made part by part; nothing of the result shows it, and no
// scratch folder stays.
func TestBuiltInParts(t *testing.T) {
	in := tables(t, nil)
	want := must(t, config(in, t.TempDir(), nil, night))
	leastParts = 3
	defer func() { leastParts = 1 }()
	state := t.TempDir()
	got := must(t, config(in, state, nil, night))
	if got.PlanHash != want.PlanHash || got.PlanHash == "" {
		t.Errorf("plan %s, want %s", got.PlanHash, want.PlanHash)
	}
	if diff := cmp.Diff(want.Inputs, got.Inputs); diff != "" {
		t.Error(diff)
	}
	found, err := filepath.Glob(filepath.Join(state, "snapshots", "tenant=acme", "*"))
	if err != nil || len(found) != 1 {
		t.Error(found, err)
	}
}
