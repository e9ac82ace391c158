package planner

import (
	"fmt"
	"strings"

	"echelon/inputs"
)

// ExceptionText says a row of the exceptions layer in words.
func ExceptionText(n *inputs.Network, t *Table, row int) string {
	defs := layers[Exceptions].Columns
	cell := func(name string) string {
		for i := range defs {
			if defs[i].Name == name {
				return cellText(n, t, i, row)
			}
		}
		return ""
	}
	what := cell("item") + " at " + cell("node")
	from := ""
	if s := cell("source"); s != "" {
		from = " from " + s
	}
	switch ExceptionKind(t.Cols[2].U8[row]) {
	case ExStockOut:
		return fmt.Sprintf("%s runs out on %s, before the first order can arrive: short on %s days, %s units", what, cell("first_day"), cell("days"), cell("units"))
	case ExShort:
		return fmt.Sprintf("%s gets %s of %s units usable on %s%s: %s", what, cell("given"), cell("wanted"), cell("day"), from, missing(cell))
	case ExNoPosition:
		return what + " has no inventory row: held, nothing is planned from stock 0"
	case ExNoLane:
		return what + " has no lane that carries it: only projected"
	case ExLaneClosed:
		return what + " has lanes, and none of them can be ordered inside the horizon: only projected"
	case ExLaneCycle:
		return what + " has a lane that would close a circle of suppliers: it is not used"
	case ExSizeConflict:
		return fmt.Sprintf("%s needs %s units usable on %s%s, the least order is %s and the caps leave %s: nothing is ordered", what, cell("units"), cell("day"), from, cell("minimum"), cell("cap"))
	case ExShelfOverflow:
		return fmt.Sprintf("%s gets its least order of %s units on %s%s although the shelf has room for %s", what, cell("minimum"), cell("day"), from, cell("cap"))
	case ExMaxTooLow:
		return fmt.Sprintf("%s needs %s units on %s and its max of %s does not keep the floor: raise it", what, cell("units"), cell("day"), cell("cap"))
	case ExOverdueOrder:
		return fmt.Sprintf("%s: %s with %s units was due on %s and counts as if due today", what, cell("order"), cell("units"), cell("due_day"))
	case ExLateReceipt:
		return fmt.Sprintf("%s needs stock on %s; %s with %s units is due on %s and would cure it: expedite it, nothing is ordered", what, cell("needed_day"), cell("order"), cell("units"), cell("due_day"))
	case ExReleaseUnconfirmed:
		return fmt.Sprintf("%s: release %s of %s units, due %s, was never confirmed and counts no more", what, cell("order"), cell("units"), cell("due_day"))
	case ExNoForecast:
		return what + " has no forecast: its demand is 0"
	case ExForecastShort:
		return fmt.Sprintf("%s has a forecast up to %s: the last seven days are repeated", what, cell("last_day"))
	case ExHorizonShort:
		return fmt.Sprintf("%s gets its first order on %s: the horizon is too short for it", what, cell("first_day"))
	case ExDemandIgnored:
		return fmt.Sprintf("%s has a forecast of %s units outside its dates, up to %s: ignored", what, cell("units"), cell("last_day"))
	case ExNegativePosition:
		return fmt.Sprintf("%s opens with %s units available", what, cell("available"))
	case NumExceptions:
	}
	return what + ": " + cell("kind")
}

// missing says what a shorted line lacks, by what it would have prevented.
func missing(cell func(string) string) string {
	var parts []string
	for i, word := range [...]string{"against running out", "for the shelf's minimum", "of safety stock", "of cover"} {
		if v := cell(fmt.Sprintf("tier%d", i+1)); v != "" && v != "0" {
			parts = append(parts, v+" "+word)
		}
	}
	if parts == nil {
		return "nothing is missing"
	}
	return strings.Join(parts, ", ") + " are missing"
}
