package main

// benchmarks lists what can be measured, in the order of the flow.
func benchmarks() []benchmark {
	return []benchmark{
		{"compile", "10,000 lanes × 91 days into opportunities, one core", compileLanes},
		{"build", "input tables in memory → snapshot", buildSnapshot},
		{"load", "snapshot on disk → columns in memory", loadSnapshot},
		{"plan", "loaded snapshot → final plan, sharing, rounds, ledger, projections and plan hash included", planNetwork},
		{"net-change", "a cycle over an earlier one, against the full cycle: 1 % of items or rows touched, nothing, after a night", netChange},
		{"warm", "a cycle of a process that follows its feeds, from applying what moved to plan files, against the full cycle, cold", warmCycles},
		{"peers", "netting alone, rules that all can express: Echelon, Go structs and maps, numpy, DuckDB", peers},
		{"write", "plan → plan files, planning not counted", writePlan},
		{"apply", "change topics → state: first load, then inventory updates against consuming and dropping them", applyUpdates},
		{"restart", "checkpoint, and the way from it to a state that has everything", restart},
		{"publish", "plan files → topics of the in-process broker, exactly once", publishPlan},
		{"scale", "snapshot on disk → plan files: a hundredth, a tenth and all of --skus", scale},
	}
}
