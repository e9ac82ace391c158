package cycle

import (
	"strings"
	"testing"

	"echelon/publish/outcome"
)

// A DC that does not fit into memory is a clear refusal that says how much is missing; with room the same cycle goes
// through, and no memory limit changes its plan.
func TestMemoryLimit(t *testing.T) {
	in, state := tables(t, nil), t.TempDir()
	want := must(t, config(in, t.TempDir(), nil, night)).PlanHash
	c := config(in, state, newShelf(), night)
	c.Memory = 1 << 20
	r := fails(t, c, outcome.CodeConfig, "memory_limit")
	hint := r.Faults[len(r.Faults)-1].Hint
	if !strings.Contains(hint, "its rows take") || !strings.Contains(hint, "and 1048576 may be used") || !strings.Contains(hint, "give it --memory ") {
		t.Errorf("%s", hint)
	}
	c.Memory = 4 << 30
	if got := must(t, c).PlanHash; got != want {
		t.Errorf("plan %s, without a limit %s", got, want)
	}
	c.Memory = -1
	fails(t, c, outcome.CodeUsage, "usage")
}
