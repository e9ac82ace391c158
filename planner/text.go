package planner

import (
	"strconv"
	"strings"

	"echelon/inputs"
)

// Step is one entry of a ledger.
type Step struct {
	Reason Reason
	Change int64
}

// Ledger gives the whole ledger of an order line, implied steps filled in: the need comes first, from the
// line's column; what is missing to the quantity is the pack step, after the policy's step and the minimum.
func Ledger(t *Table, row int) []Step {
	c := &t.Cols[colLedger]
	lo, hi := c.Off[row], c.Off[row+1]
	return FillLedger(t.Cols[colNeed].I64[row], t.Cols[colQuantity].I64[row], c.Reason[lo:hi], c.List[lo:hi])
}

// FillLedger fills in the implied steps of a stored ledger: the line's need and quantity in units, the stored
// reasons and changes.
func FillLedger(need, quantity int64, reasons []uint8, changes []int64) []Step {
	var steps []Step
	sum := need
	if need != 0 {
		steps = append(steps, Step{ReasonNeed, need})
	}
	for _, change := range changes {
		sum += change
	}
	pack := quantity - sum
	for k, code := range reasons {
		reason := Reason(code)
		if pack != 0 && reason != ReasonOrderUpTo && reason != ReasonCoverDays && reason != ReasonMinOrder {
			steps = append(steps, Step{ReasonPack, pack})
			pack = 0
		}
		steps = append(steps, Step{reason, changes[k]})
	}
	if pack != 0 {
		steps = append(steps, Step{ReasonPack, pack})
	}
	return steps
}

// LedgerText writes a ledger as "need+7 pack+1 share-2".
func LedgerText(steps []Step) string {
	var b strings.Builder
	for i, s := range steps {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s.Reason.String())
		if s.Change >= 0 {
			b.WriteByte('+')
		}
		b.WriteString(strconv.FormatInt(s.Change, 10))
	}
	return b.String()
}

// RowText gives one row as text, one string per column of the layer: ids, ISO dates, true and false, the words
// of enums, thousandths with three places, lists joined by ";", the ledger with implied steps; null is empty.
func RowText(n *inputs.Network, t *Table, row int) []string {
	defs := layers[t.Layer].Columns
	out := make([]string, len(defs))
	for i := range defs {
		out[i] = cellText(n, t, i, row)
	}
	return out
}

func cellText(n *inputs.Network, t *Table, i, row int) string {
	c := &t.Cols[i]
	switch def := &layers[t.Layer].Columns[i]; def.Type {
	case ColItem:
		return n.Items.ID[c.I32[row]]
	case ColNode:
		return nameOf(n.Nodes.ID, c.I32[row])
	case ColLane:
		return nameOf(n.Lanes.ID, c.I32[row])
	case ColDay:
		if c.I32[row] == NullDay {
			return ""
		}
		return dayText(c.I32[row])
	case ColInt:
		if c.I64[row] == NullInt {
			return ""
		}
		return strconv.FormatInt(c.I64[row], 10)
	case ColMilli:
		return MilliText(c.I64[row])
	case ColBool:
		return strconv.FormatBool(c.U8[row] != 0)
	case ColEnum:
		return def.Words[c.U8[row]]
	case ColText:
		return c.Str[row]
	case ColMilliList:
		list := c.List[c.Off[row]:c.Off[row+1]]
		words := make([]string, len(list))
		for k, v := range list {
			words[k] = MilliText(v)
		}
		return strings.Join(words, ";")
	case ColLedger:
		return LedgerText(Ledger(t, row))
	}
	return ""
}

// MilliText writes thousandths with three places; null is empty.
func MilliText(v int64) string {
	if v == NullInt {
		return ""
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	frac := strconv.FormatInt(v%1000+1000, 10)
	return sign + strconv.FormatInt(v/1000, 10) + "." + frac[1:]
}

// ReleaseID is the id that a released line carries to the order system, unique over cycles, DCs and layers.
func ReleaseID(cycle, dc string, layer LayerID, item string, line int64) string {
	return cycle + "/" + dc + "/" + layers[layer].Name + "/" + item + "/" + strconv.FormatInt(line, 10)
}
