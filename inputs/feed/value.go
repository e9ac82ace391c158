package feed

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"echelon/inputs"
)

// Value reads single values of one column as a mapping says: what the file feeds do by the column, for feeds
// that come record by record. Faults name the column and the value; nothing is changed silently. It is used by
// one goroutine.
type Value struct {
	col  column
	cm   ColumnMapping
	zone *time.Location // nil: none named
	byte []byte
	sc   scaler // of scale scAt
	scAt int
}

// NewValue makes the reader of a column.
func NewValue(def *inputs.ColumnDef, cm ColumnMapping) (*Value, error) {
	cv, err := newConversion(def, cm)
	if err != nil {
		return nil, err
	}
	if err := checkUnit(def, cm); err != nil {
		return nil, err
	}
	v := &Value{cm: cm, scAt: -1}
	v.col.def, v.col.dict = def, newDictionary()
	if cv.text || cv.layout != "" || cv.comma || cv.num != 1 || cv.den != 1 || cv.Round != "" {
		v.col.conv = cv
	}
	if cm.Zone != "" {
		if v.zone, err = time.LoadLocation(cm.Zone); err != nil || cm.Zone == "Local" {
			return nil, fmt.Errorf("zone %q is not an IANA time zone", inputs.Cut(cm.Zone))
		}
	}
	return v, nil
}

// Fork makes a reader of the same column for another goroutine.
func (v *Value) Fork() *Value {
	out := &Value{cm: v.cm, zone: v.zone, scAt: -1}
	out.col.def, out.col.dict = v.col.def, newDictionary()
	if v.col.conv != nil {
		cv := *v.col.conv
		out.col.conv = &cv
	}
	return out
}

// Def is the contract's description of the column.
func (v *Value) Def() *inputs.ColumnDef { return v.col.def }

// Mapping is how the column is made.
func (v *Value) Mapping() ColumnMapping { return v.cm }

// Zone is the time zone of wall-clock values; nil when the mapping names none.
func (v *Value) Zone() *time.Location { return v.zone }

// Words reports whether the mapping works on texts (values, prefix, trim): numbers go through their text then.
func (v *Value) Words() bool { return v.col.conv != nil && v.col.conv.text }

// Converts reports whether the mapping does anything to values.
func (v *Value) Converts() bool { return v.col.conv != nil }

// Int reads the text of a value that is kept as an integer. An empty text is null.
func (v *Value) Int(s string) (x int64, null bool, f *inputs.Fault) { return v.col.value(s) }

// Text reads a text. The result is s itself, or lies in memory that the next call takes again.
func (v *Value) Text(s []byte) (out []byte, null bool, f *inputs.Fault) {
	if v.Words() {
		w, given := view(s), len(s) > 0
		if cv := v.col.conv; cv.Trim || cv.Values != nil {
			w, given = cv.plain(w)
		}
		if !given {
			return nil, true, nil
		}
		v.byte = append(append(v.byte[:0], v.col.conv.Prefix...), w...)
		out = v.byte
	} else {
		if len(s) == 0 {
			return nil, true, nil
		}
		out = s
	}
	if f := inputs.CheckText(v.col.def, view(out)); f != nil {
		f.Value = inputs.Cut(string(s))
		return nil, false, f
	}
	return out, false, nil
}

// IntText reads a whole number as the text that it is written as.
func (v *Value) IntText(x int64) (out []byte, null bool, f *inputs.Fault) {
	cv := v.col.conv
	if cv != nil && (cv.Trim || cv.Values != nil) {
		var buf [20]byte
		return v.Text(strconv.AppendInt(buf[:0], x, 10))
	}
	v.byte = v.byte[:0]
	if cv != nil {
		v.byte = append(v.byte, cv.Prefix...)
	}
	v.byte = strconv.AppendInt(v.byte, x, 10)
	if f := inputs.CheckText(v.col.def, view(v.byte)); f != nil {
		f.Value = strconv.FormatInt(x, 10)
		return nil, false, f
	}
	return v.byte, false, nil
}

// plain applies the steps of word but the prefix.
func (cv *conversion) plain(s string) (string, bool) {
	prefix := cv.Prefix
	cv.Prefix = ""
	s, ok := cv.word(s)
	cv.Prefix = prefix
	return s, ok
}

// apply gives the canonical integer of x × 10^-scale, 0 ≤ scale ≤ 9, its range not checked.
func (v *Value) apply(x int64, scale int) (int64, *inputs.Fault) {
	if v.scAt != scale {
		v.sc, v.scAt = newScaler(v.col.def, v.col.conv, scale), scale
	}
	y, reason, hint := v.sc.apply(x)
	if reason != "" {
		return 0, v.col.fault(reason, decimalText(x, scale), hint)
	}
	return y, nil
}

// Scaled reads the number x × 10^-scale.
func (v *Value) Scaled(x int64, scale int) (int64, *inputs.Fault) {
	y, f := v.scaled(x, scale)
	if f != nil {
		return 0, f
	}
	return y, shown(inputs.CheckInt(v.col.def, y), x, scale)
}

// shown lets a fault repeat the number as it was read.
func shown(f *inputs.Fault, x int64, scale int) *inputs.Fault {
	if f != nil {
		f.Value = inputs.Cut(decimalText(x, max(scale, 0)))
	}
	return f
}

// ScaledElement reads the number x × 10^-scale as element n, from 0, of a list.
func (v *Value) ScaledElement(x int64, scale, n int) (int64, *inputs.Fault) {
	y, f := v.scaled(x, scale)
	if f != nil {
		return 0, f
	}
	return y, shown(inputs.CheckElement(v.col.def, y, n), x, scale)
}

func (v *Value) scaled(x int64, scale int) (int64, *inputs.Fault) {
	for whole, at := x, scale; scale > maxScale; scale-- {
		if x%10 != 0 {
			return 0, v.col.fault(inputs.TooManyPlaces, decimalText(whole, at), "it has more decimal places than the column takes")
		}
		x /= 10
	}
	for ; scale < 0; scale++ {
		if x > 1<<59 || x < -1<<59 {
			return 0, v.col.fault(inputs.OutOfRange, "", "the number is too large")
		}
		x *= 10
	}
	return v.apply(x, scale)
}

// Element reads the text of a number as element n, from 0, of a list.
func (v *Value) Element(s string, n int) (int64, *inputs.Fault) {
	x, reason, hint := v.col.conv.parse(v.col.def, s)
	if reason == inputs.WrongType {
		reason = inputs.BadList
	}
	if reason != "" {
		return 0, v.col.fault(reason, s, hint)
	}
	return x, inputs.CheckElement(v.col.def, x, n)
}

// Fault makes a fault of the column.
func (v *Value) Fault(reason inputs.Reason, value, hint string) *inputs.Fault {
	return v.col.fault(reason, value, hint)
}

// decimalText writes x × 10^-scale.
func decimalText(x int64, scale int) string {
	if scale == 0 {
		return strconv.FormatInt(x, 10)
	}
	return new(big.Rat).SetFrac(big.NewInt(x), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}
