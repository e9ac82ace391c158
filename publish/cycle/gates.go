package cycle

import (
	"echelon/inputs"
)

// verdict is what a gate says.
type verdict struct {
	Kind, Where, Hint string
	refuse            bool
}

// evaluate puts the counts of the input tables through the gates, in the order of the contracts. presence is
// false for snapshots made elsewhere, whose tables need not be listed.
func evaluate(gates []Gate, now map[string]Input, last map[string]int64, presence bool) []verdict {
	var tables []inputs.TableState
	for _, c := range inputs.Contracts() {
		if in, there := now[c.Table]; there {
			tables = append(tables, inputs.TableState{Table: c.Table, Last: last[c.Table], Now: inputs.Counts{
				Read: in.Read, Applied: in.Applied, Superseded: in.Superseded, Quarantined: in.Quarantined, Filtered: in.Filtered,
			}})
		}
	}
	var out []verdict
	for _, v := range inputs.Judge(tables, thresholds(gates)) {
		if _, there := now[v.Where]; there || presence {
			out = append(out, verdict{v.Kind, v.Where, v.Hint, v.Refused})
		}
	}
	return out
}

// thresholds gives the gates in the form of the inputs' own.
func thresholds(gates []Gate) []inputs.Threshold {
	limit := func(share int64) inputs.Limit {
		switch {
		case share == DefaultLimit:
			return inputs.Limit{}
		case share < 0:
			return inputs.Never()
		}
		return inputs.At(share)
	}
	var out []inputs.Threshold
	for _, g := range gates {
		out = append(out, inputs.Threshold{Table: g.Table, Measure: inputs.Measure(g.Measure), Degrade: limit(g.Degrade), Refuse: limit(g.Refuse)})
	}
	return out
}
