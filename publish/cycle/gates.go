package cycle

import (
	"time"

	"echelon/inputs"
)

// verdict is what a gate says.
type verdict struct {
	Kind, Where, Hint string
	refuse            bool
}

// evaluate puts the counts of the input tables through the gates, in the order of the contracts. presence is
// false for snapshots made elsewhere, whose tables need not be listed.
// Freshness is judged against the as-of; 0: not.
func evaluate(gates []Gate, now map[string]Input, last map[string]int64, asOf int64, presence bool) []verdict {
	var tables []inputs.TableState
	for _, c := range inputs.Contracts() {
		if in, there := now[c.Table]; there {
			tables = append(tables, inputs.TableState{Table: c.Table, Last: last[c.Table], Age: in.age(asOf), Now: inputs.Counts{
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

// age is how many seconds before the as-of the last sign of life of a table was; 0 where nothing is known.
func (in Input) age(asOf int64) int64 {
	at, err := time.Parse(time.RFC3339, in.Freshness)
	if err != nil || asOf == 0 {
		return 0
	}
	return max(0, (asOf-at.UnixMicro())/1_000_000)
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
