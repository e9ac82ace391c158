package planner

import (
	"cmp"
	"slices"

	"echelon/inputs"
)

// exception is one row of the layer before it is written.
type exception struct {
	kind                       ExceptionKind
	severity                   Severity
	lane                       inputs.LaneIdx
	day                        int32
	source                     inputs.NodeIdx
	order                      string
	first, due, needed, last   int32
	days, units, wanted, given int64
	tiers                      [4]int64
	minimum, cap, available    int64
}

// noException has no numbers.
var noException = exception{
	lane: inputs.None, source: inputs.None, day: NullDay,
	first: NullDay, due: NullDay, needed: NullDay, last: NullDay,
	days: NullInt, units: NullInt, wanted: NullInt, given: NullInt,
	tiers:   [4]int64{NullInt, NullInt, NullInt, NullInt},
	minimum: NullInt, cap: NullInt, available: NullInt,
}

// fault adds an exception of the SKU in work, its numbers to be filled in before the next one is added.
func (o *siteOut) fault(kind ExceptionKind, severity Severity) *exception {
	n := len(o.faults)
	if n < cap(o.faults) {
		o.faults = o.faults[:n+1]
	} else {
		o.faults = append(o.faults, exception{})
	}
	x := &o.faults[n]
	*x = noException
	x.kind, x.severity = kind, severity
	return x
}

// compare orders the exceptions of a SKU.
func (x *exception) compare(o *exception) int {
	if x.kind != o.kind {
		return int(x.kind) - int(o.kind)
	}
	return cmp.Or(cmp.Compare(x.day, o.day), cmp.Compare(x.lane, o.lane), cmp.Compare(x.order, o.order))
}

// writeFaults appends the SKU's exceptions by (kind, day, lane, order).
func (d *desk) writeFaults(out *siteOut, s *sku) {
	for i := 1; i < len(out.faults); i++ {
		if out.faults[i-1].compare(&out.faults[i]) > 0 { // few: they are added nearly in order
			slices.SortStableFunc(out.faults, func(a, b exception) int { return a.compare(&b) })
			break
		}
	}
	for i := range out.faults {
		out.result.Exceptions[out.faults[i].kind]++
		if !d.policy.LayersOff[Exceptions] {
			out.tables[Exceptions].appendException(int32(d.itemOf(s.item)), int32(s.node), &out.faults[i])
			out.result.Lines[Exceptions]++
		}
	}
}

func (t *Table) appendException(item, node int32, x *exception) {
	row := t.Rows
	if row == len(t.Cols[0].I32) {
		t.grow(1)
	}
	c := t.Cols[:24]
	c[0].I32[row], c[1].I32[row] = item, node
	c[2].U8[row], c[3].U8[row] = uint8(x.kind), uint8(x.severity)
	c[4].I32[row], c[5].I32[row] = int32(x.lane), inputs.None
	c[6].I32[row], c[7].I32[row] = x.day, int32(x.source)
	c[8].Str[row] = x.order
	c[9].I32[row], c[10].I32[row], c[11].I32[row], c[12].I32[row] = x.first, x.due, x.needed, x.last
	c[13].I64[row], c[14].I64[row], c[15].I64[row], c[16].I64[row] = x.days, x.units, x.wanted, x.given
	for i, v := range &x.tiers {
		c[17+i].I64[row] = v
	}
	c[21].I64[row], c[22].I64[row], c[23].I64[row] = x.minimum, x.cap, x.available
	t.Rows++
}
