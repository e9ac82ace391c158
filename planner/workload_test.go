package planner

import "testing"

// TestWorkloadOfNothing: a worker that added nothing leaves the others' sums alone, whoever comes first.
func TestWorkloadOfNothing(t *testing.T) {
	var sum, nothing workload
	some := workload{sets: [][]loadCell{nil, {{units: 3, lines: 1}}}}
	for _, o := range []*workload{&nothing, &some, &nothing, &some} {
		sum.merge(o)
	}
	if len(sum.sets) != 2 || sum.sets[0] != nil || sum.sets[1][0] != (loadCell{units: 6, lines: 2}) {
		t.Errorf("sums %+v", sum.sets)
	}
}
