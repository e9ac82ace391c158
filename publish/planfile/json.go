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
func (b *Batch) AppendJSON(dst []byte, r int) []byte { return b.appendJSON(dst, r, false) }

// AppendWhole is AppendJSON with the steps of the ledger filled in that follow from need and quantity.
func (b *Batch) AppendWhole(dst []byte, r int) []byte { return b.appendJSON(dst, r, true) }

func (b *Batch) appendJSON(dst []byte, r int, whole bool) []byte {
	dst = append(dst, '{')
	for i := range b.Cols {
		c := &b.Cols[i]
		if !c.has(r) {
			continue
		}
		dst = append(appendKey(dst, c.Def.Name), ':')
		if whole && c.Def.Type == planner.ColLedger {
			dst = appendSteps(dst, b.Ledger(c, r))
			continue
		}
		dst = c.appendJSON(dst, r)
	}
	if r < len(b.Release) && b.Release[r] != "" {
		dst = append(appendKey(dst, releaseColumn), ':')
		dst = inputs.AppendJSONString(dst, b.Release[r])
	}
	return append(dst, '}')
}

// Ledger gives the ledger of row r, a column of the batch, with the steps filled in that follow from need and quantity.
func (b *Batch) Ledger(c *Column, r int) []planner.Step {
	at := func(name string) int64 {
		if of := b.Col(name); of != nil && r < len(of.Ints) && of.Ints[r] != planner.NullInt {
			return of.Ints[r]
		}
		return 0
	}
	lo, hi := c.Off[r], c.Off[r+1]
	return planner.FillLedger(at("need"), at("quantity"), c.Reason[lo:hi], c.List[lo:hi])
}

func appendSteps(dst []byte, steps []planner.Step) []byte {
	dst = append(dst, '[')
	for i, s := range steps {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, `{"reason":"`...), s.Reason.String()...)
		dst = append(strconv.AppendInt(append(dst, `","change":`...), s.Change, 10), '}')
	}
	return append(dst, ']')
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
		var stored []planner.Step
		for i := c.Off[r]; i < c.Off[r+1]; i++ {
			stored = append(stored, planner.Step{Reason: planner.Reason(c.Reason[i]), Change: c.List[i]})
		}
		return appendSteps(dst, stored)
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
