package planner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

// DCs A to E are nodes 0 to 4: B and C order from A, D and E from each other and from C.
func TestUnitsChildrenBeforeParents(t *testing.T) {
	n := &inputs.Network{
		DCs:     []inputs.NodeIdx{0, 1, 2, 3, 4, inputs.Direct},
		Parents: [][]inputs.NodeIdx{nil, {0}, {0}, {2, 4}, {3}, nil},
		Units:   [][]inputs.NodeIdx{{3, 4}, {1}, {2}, {0}, {inputs.Direct}},
	}
	units := arrangeUnits(n)
	at := map[int]int{} // DC → unit
	for u := range units {
		for _, dc := range units[u].dcs {
			at[dc] = u
		}
	}
	if len(units) != 5 || at[3] != at[4] {
		t.Fatalf("units %+v", units)
	}
	for _, c := range []struct{ child, parent int }{{3, 2}, {2, 0}, {1, 0}} {
		if at[c.child] >= at[c.parent] {
			t.Errorf("DC %d is asked after its parent %d", c.child, c.parent)
		}
	}
	if diff := cmp.Diff([]int{at[1], at[2]}, units[at[0]].children); diff != "" && at[1] < at[2] {
		t.Errorf("children of A: %s", diff)
	}
	if got := units[at[3]].parents; len(got) != 1 || got[0] != at[2] {
		t.Errorf("parents of the linked ones: %v", got)
	}
}

// Two DCs that order from each other without being named as linked are planned together all the same.
func TestUnitsOfACircle(t *testing.T) {
	n := &inputs.Network{DCs: []inputs.NodeIdx{0, 1, 2}, Parents: [][]inputs.NodeIdx{{1}, {0}, {1}}, Units: [][]inputs.NodeIdx{{2}, {0}, {1}}}
	units := arrangeUnits(n)
	if len(units) != 2 || len(units[1].dcs) != 2 || units[0].dcs[0] != 2 {
		t.Errorf("units %+v", units)
	}
}
