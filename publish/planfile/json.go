package planfile

import (
	"strconv"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/planner"
)

// Day returns the civil day of row r. The column must not be null there.
func (c *Column) Day(r int) calendars.Day { return calendars.Day(c.Ints[r]) }

// AppendJSON appends row r as one JSON object: the columns in the layer's order, days as ISO dates,
// thousandths as decimals, the ledger as a list of {reason, change}, release_id last; nulls are left out.
func (b *Batch) AppendJSON(dst []byte, r int) []byte {
	dst = append(dst, '{')
	for i := range b.Cols {
		c := &b.Cols[i]
		if !c.has(r) {
			continue
		}
		dst = append(appendKey(dst, c.Def.Name), ':')
		dst = c.appendJSON(dst, r)
	}
	if r < len(b.Release) && b.Release[r] != "" {
		dst = append(appendKey(dst, releaseColumn), ':')
		dst = inputs.AppendJSONString(dst, b.Release[r])
	}
	return append(dst, '}')
}

// has reports whether row r of the column was read and is not null.
func (c *Column) has(r int) bool {
	switch {
	case r < len(c.Codes):
		return c.Codes[r] >= 0
	case r < len(c.Ints):
		return c.Ints[r] != planner.NullInt
	}
	return r+1 < len(c.Off)
}

func (c *Column) appendJSON(dst []byte, r int) []byte {
	switch c.Def.Type {
	case planner.ColDay:
		return append(c.Day(r).Time().AppendFormat(append(dst, '"'), "2006-01-02"), '"')
	case planner.ColInt:
		return strconv.AppendInt(dst, c.Ints[r], 10)
	case planner.ColMilli:
		return inputs.AppendMilli(dst, c.Ints[r])
	case planner.ColBool:
		return strconv.AppendBool(dst, c.Ints[r] != 0)
	case planner.ColMilliList:
		dst = append(dst, '[')
		for i, v := range c.List[c.Off[r]:c.Off[r+1]] {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = inputs.AppendMilli(dst, v)
		}
		return append(dst, ']')
	case planner.ColLedger:
		dst = append(dst, '[')
		for i := c.Off[r]; i < c.Off[r+1]; i++ {
			if i > c.Off[r] {
				dst = append(dst, ',')
			}
			dst = append(dst, `{"reason":"`...)
			dst = append(dst, planner.Reason(c.Reason[i]).String()...)
			dst = append(dst, `","change":`...)
			dst = append(strconv.AppendInt(dst, c.List[i], 10), '}')
		}
		return append(dst, ']')
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
	}
	return inputs.AppendJSONString(dst, c.Str(r))
}

func appendKey(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(append(append(dst, '"'), name...), '"')
}

// AppendText appends the value of row r as its JSON text; nothing when it is null.
func (c *Column) AppendText(dst []byte, r int) []byte {
	if !c.has(r) {
		return dst
	}
	return c.appendJSON(dst, r)
}
