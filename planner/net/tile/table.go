package tile

import "echelon/planner/net"

// maxDays bounds the days that a kernel looks at, so that sums of narrow demand stay far from the end of an int32.
const maxDays = 600

// Table is the opportunities of a lane class in the form of the kernel. Window 0 is the days before the first
// opportunity, window k + 1 that of opportunity k: the days from one start up to the next.
//
//	window    0               1                …   Planned
//	days      [0, start[1])   [start[1], start[2]) …   [start[Planned], start[Planned+1])
type Table struct {
	Lane    int32 // the one lane of all opportunities
	Planned int
	start   []int32 // Planned + 2 days
	receive []int32 // per opportunity
	horizon int
}

// Compile gives the kernel's form of a table; Tables: it has none, and every row of the class needs the other path.
func Compile(tab *net.Table, horizon int) (Table, Reason) {
	m := tab.Planned
	if m == 0 {
		return Table{}, Unplanned
	}
	if len(tab.Opps) == m || int(tab.Opps[m].Usable) > maxDays || tab.Opps[0].Usable < 0 {
		return Table{}, Tables
	}
	t := Table{Lane: tab.Opps[0].Lane, Planned: m, horizon: horizon}
	t.start = append(t.start, 0)
	for k := range m {
		if tab.Opps[k].Lane != t.Lane || tab.Opps[k].Receive > maxDays {
			return Table{}, Tables
		}
		t.start = append(t.start, tab.Opps[k].Usable)
		t.receive = append(t.receive, tab.Opps[k].Receive)
	}
	t.start = append(t.start, tab.Opps[m].Usable)
	return t, Netted
}
