package kafka

import (
	"strconv"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// SchemaVersion is the version of the layers' value schemas, in every record's headers.
const SchemaVersion = 1

// encoder writes the lines of one (layer, DC) as record values. The same line gives the same bytes.
type encoder interface {
	bind(b *planfile.Batch)
	appendValue(dst []byte, row int) []byte
}

// appendPlain writes a value of a key column as text: ids and words as they are, days as ISO dates, numbers
// in their unit; null is nothing. Lists have no text form and are left out.
func appendPlain(dst []byte, c *planfile.Column, row int) []byte {
	if c.Null(row) {
		return dst
	}
	switch c.Def.Type {
	case planner.ColDay:
		return appendDay(dst, c.Ints[row])
	case planner.ColInt:
		return strconv.AppendInt(dst, c.Ints[row], 10)
	case planner.ColMilli:
		return inputs.AppendMilli(dst, c.Ints[row])
	case planner.ColBool:
		return strconv.AppendBool(dst, c.Ints[row] != 0)
	case planner.ColMilliList, planner.ColLedger:
		return dst
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
	}
	return append(dst, c.Str(row)...)
}

// appendDay writes an ISO date.
func appendDay(dst []byte, day int64) []byte {
	return calendars.Day(day).Time().AppendFormat(dst, "2006-01-02")
}
