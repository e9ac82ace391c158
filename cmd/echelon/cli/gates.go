package cli

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"echelon/cmd/echelon/policy"
	"echelon/publish/cycle"
	"echelon/publish/state"
)

// gates puts the counts through the gates of the policy, against the last cycle where the state folder
// knows one.
func (c *checked) gates(ctx context.Context, f checkFlags, pol *policy.File) error {
	last := map[string]int64{}
	if _, err := os.Stat(filepath.Join(f.state, state.DBName)); err == nil {
		st, err := state.Open(ctx, f.state)
		if err != nil {
			return err
		}
		defer closing(st)
		if last, err = st.LastCounts(ctx, f.tenant, "", math.MaxInt64); err != nil {
			return fmt.Errorf("counts of the last cycle: %w", err)
		}
	}
	now := map[string]cycle.Input{}
	for name, t := range c.Tables {
		now[name] = cycle.Input{Read: t.Read, Applied: t.Applied, Superseded: t.Superseded, Quarantined: t.Quarantined, Filtered: t.Filtered}
	}
	for _, v := range cycle.Judge(cycleGates(pol), now, last, isSnapshot(f.inputs)) {
		g := checkedGate{Table: v.Table, Kind: v.Kind, Hint: v.Hint, State: cycle.Degraded}
		if v.Refuse {
			g.State = cycle.Refused
		}
		if c.State != cycle.Refused {
			c.State = g.State
		}
		c.Gates = append(c.Gates, g)
	}
	return nil
}

// cycleGates gives the policy's gates as the driver takes them.
func cycleGates(pol *policy.File) []cycle.Gate {
	var gates []cycle.Gate
	for _, g := range pol.Gates {
		gates = append(gates, cycle.Gate{Table: g.Table, Measure: g.Measure, Degrade: g.Degrade, Refuse: g.Refuse})
	}
	return gates
}
