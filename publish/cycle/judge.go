package cycle

// Verdict is what a gate says of a table that does not pass it.
type Verdict struct {
	Table, Kind, Hint string
	Refuse            bool // else it degrades
}

// Judge puts counts through the gates as Run does, for callers that plan nothing: now is what was read, last
// the rows applied in the cycle before (empty: none). ready is set for snapshots made elsewhere, whose
// tables need not be listed.
func Judge(gates []Gate, now map[string]Input, last map[string]int64, ready bool) []Verdict {
	var out []Verdict
	for _, v := range evaluate(gates, now, last, 0, !ready) {
		out = append(out, Verdict{Table: v.Where, Kind: v.Kind, Hint: v.Hint, Refuse: v.refuse})
	}
	return out
}
