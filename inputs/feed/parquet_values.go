package feed

import (
	"fmt"
	"math"
	"math/big"
	"sort"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"

	"echelon/inputs"
)

// values are the values of a page in canonical form, nulls left out. One of ints, codes and words is filled.
type values struct {
	ints  []int64
	codes []uint32
	words []string
	bad   []badValue // ascending by at

	dict  parquet.Dictionary // the dictionary that was converted last, and what came out
	entry *values
	fated []int32 // per dictionary entry: its place in entry.bad, -1 for a sound one; nil when all are sound
}

// badValue is a value that is null (no fault) or wrong.
type badValue struct {
	at    int
	fault *inputs.Fault
}

func (v *values) len() int { return max(len(v.ints), len(v.codes), len(v.words)) }

// badIn returns those of [lo, hi).
func (v *values) badIn(lo, hi int) []badValue {
	if len(v.bad) == 0 {
		return nil
	}
	i := sort.Search(len(v.bad), func(i int) bool { return v.bad[i].at >= lo })
	j := i
	for j < len(v.bad) && v.bad[j].at < hi {
		j++
	}
	return v.bad[i:j]
}

// reading turns the physical values of a leaf into canonical ones.
type reading struct {
	convert func(data encoding.Values, n int, col *column, out *values) error
}

// load converts the values of a page. A page of dictionary indexes costs a look-up per value.
func (r *reading) load(p parquet.Page, col *column, out *values) error {
	n := int(p.NumValues() - p.NumNulls())
	out.ints, out.codes, out.words, out.bad = out.ints[:0], out.codes[:0], out.words[:0], out.bad[:0]
	dict := p.Dictionary()
	if dict == nil {
		return r.convert(p.Data(), n, col, out)
	}
	if out.dict != dict {
		entry := &values{}
		if err := r.convert(dict.Page().Data(), dict.Len(), col, entry); err != nil {
			return err
		}
		out.dict, out.entry, out.fated = dict, entry, nil
		if len(entry.bad) > 0 {
			out.fated = make([]int32, dict.Len())
			for i := range out.fated {
				out.fated[i] = -1
			}
			for i := range entry.bad {
				out.fated[entry.bad[i].at] = int32(i)
			}
		}
	}
	data := p.Data()
	indexes := data.Int32()
	if len(indexes) > n {
		indexes = indexes[:n]
	}
	size := uint32(out.entry.len())
	for _, i := range indexes {
		if uint32(i) >= size {
			return fmt.Errorf("%w: an index outside its dictionary", errUnreadable)
		}
	}
	switch {
	case len(out.entry.codes) > 0:
		for _, i := range indexes {
			out.codes = append(out.codes, out.entry.codes[i])
		}
	case len(out.entry.words) > 0:
		for _, i := range indexes {
			out.words = append(out.words, out.entry.words[i])
		}
	default:
		for _, i := range indexes {
			out.ints = append(out.ints, out.entry.ints[i])
		}
	}
	if out.fated != nil {
		for at, i := range indexes {
			if fate := out.fated[i]; fate >= 0 {
				out.bad = append(out.bad, badValue{at: at, fault: out.entry.bad[fate].fault})
			}
		}
	}
	return nil
}

// addInt checks and adds a canonical integer.
func (v *values) addInt(col *column, list bool, x int64) {
	def := col.def
	if (x < def.Min || x > def.Max) && def.Type != inputs.TypeWeekdays {
		f := inputs.CheckInt(def, x)
		if list {
			f.Hint = "every element of the list " + f.Hint
		}
		v.bad = append(v.bad, badValue{at: len(v.ints), fault: f})
	}
	v.ints = append(v.ints, x)
}

func (v *values) addBad(col *column, reason inputs.Reason, value, hint string) {
	v.bad = append(v.bad, badValue{at: len(v.ints), fault: col.fault(reason, value, hint)})
	v.ints = append(v.ints, 0)
}

// addString adds the value that a text stands for.
func (v *values) addString(col *column, s string) {
	if col == nil {
		v.words = append(v.words, string(append([]byte(nil), s...)))
		return
	}
	var bad bool
	var f *inputs.Fault
	var at int
	if col.def.Type.Texts() {
		code, null, fault := col.code(s)
		at, bad, f = len(v.codes), null || fault != nil, fault
		v.codes = append(v.codes, code)
	} else {
		x, null, fault := col.value(s)
		at, bad, f = len(v.ints), null || fault != nil, fault
		v.ints = append(v.ints, x)
	}
	if bad {
		v.bad = append(v.bad, badValue{at: at, fault: f})
	}
}

func readBools(data encoding.Values, n int, _ *column, out *values) error {
	bits := data.Boolean()
	if len(bits)*8 < n {
		return errUnreadable
	}
	for i := range n {
		out.ints = append(out.ints, int64(bits[i>>3]>>(i&7)&1))
	}
	return nil
}

func readInts(kind parquet.Kind, unsigned bool, s scaler, list bool) func(encoding.Values, int, *column, *values) error {
	return func(data encoding.Values, n int, col *column, out *values) error {
		if kind == parquet.Int64 && s.whole() && !unsigned {
			return copyInts(data.Int64(), n, col, list, out)
		}
		var narrow []int32
		var wide []int64
		if kind == parquet.Int32 {
			narrow = data.Int32()
		} else {
			wide = data.Int64()
		}
		if len(narrow)+len(wide) < n {
			return errUnreadable
		}
		for i := range n {
			var v int64
			switch {
			case kind == parquet.Int64:
				v = wide[i]
			case unsigned:
				v = int64(uint32(narrow[i]))
			default:
				v = int64(narrow[i])
			}
			if unsigned && v < 0 {
				out.addBad(col, inputs.OutOfRange, strconv.FormatUint(uint64(v), 10), "the number is too large")
				continue
			}
			x, reason, hint := s.apply(v)
			if reason != "" {
				if !numeric(col.def.Type) && col.def.Type != inputs.TypeWeekdays {
					reason, hint = inputs.BadDate, "it must be exact in the contract's unit: a date at midnight, a time at a full minute"
				}
				out.addBad(col, reason, strconv.FormatInt(v, 10), hint)
				continue
			}
			out.addInt(col, list, x)
		}
		return nil
	}
}

// copyInts is readInts for values that are in the contract's unit already.
func copyInts(v []int64, n int, col *column, list bool, out *values) error {
	if len(v) < n {
		return errUnreadable
	}
	lo, hi := col.def.Min, col.def.Max
	if col.def.Type == inputs.TypeWeekdays {
		lo, hi = math.MinInt64, math.MaxInt64
	}
	for _, x := range v[:n] {
		if x < lo || x > hi {
			for _, x := range v[:n] {
				out.addInt(col, list, x)
			}
			return nil
		}
	}
	out.ints = append(out.ints, v[:n]...)
	return nil
}

func readIntWords(kind parquet.Kind, unsigned bool) func(encoding.Values, int, *column, *values) error {
	return func(data encoding.Values, n int, col *column, out *values) error {
		var buf [24]byte
		for i := range n {
			b := buf[:0]
			switch {
			case kind == parquet.Int32 && unsigned:
				b = strconv.AppendUint(b, uint64(uint32(data.Int32()[i])), 10)
			case kind == parquet.Int32:
				b = strconv.AppendInt(b, int64(data.Int32()[i]), 10)
			case unsigned:
				b = strconv.AppendUint(b, uint64(data.Int64()[i]), 10)
			default:
				b = strconv.AppendInt(b, data.Int64()[i], 10)
			}
			out.addString(col, view(b))
		}
		return nil
	}
}

func readFloats(kind parquet.Kind, def *inputs.ColumnDef, conv *conversion, list bool) func(encoding.Values, int, *column, *values) error {
	factor := conv != nil && (conv.num != 1 || conv.den != 1 || conv.Round != "")
	digits := places(def.Type)
	if factor {
		digits = 6 // what comes before the factor may be finer than what comes after it
	}
	s := newScaler(def, conv, digits)
	return func(data encoding.Values, n int, col *column, out *values) error {
		for i := range n {
			var v int64
			var reason inputs.Reason
			var hint string
			var shown float64
			if kind == parquet.Float {
				f := data.Float()[i]
				shown = float64(f)
				v, reason, hint = exactFloat(f, digits)
			} else {
				shown = data.Double()[i]
				v, reason, hint = exactDouble(shown, digits)
			}
			if reason == "" && factor {
				v, reason, hint = s.apply(v)
			}
			if reason != "" {
				out.addBad(col, reason, strconv.FormatFloat(shown, 'g', -1, 64), hint)
				continue
			}
			out.addInt(col, list, v)
		}
		return nil
	}
}

// readBigDecimals reads decimals as big-endian two's complement bytes.
func readBigDecimals(s scaler, list bool) func(encoding.Values, int, *column, *values) error {
	return func(data encoding.Values, n int, col *column, out *values) error {
		at := byteValues(data)
		for i := range n {
			b := at(i)
			v, ok := bigEndian(b)
			if !ok {
				out.addBad(col, inputs.OutOfRange, new(big.Int).SetBytes(b).String(), "the number is too large")
				continue
			}
			x, reason, hint := s.apply(v)
			if reason != "" {
				out.addBad(col, reason, strconv.FormatInt(v, 10)+" ÷ "+strconv.FormatUint(s.den, 10), hint)
				continue
			}
			out.addInt(col, list, x)
		}
		return nil
	}
}

// bigEndian reads two's complement bytes; false when the number has more than 64 bits.
func bigEndian(b []byte) (int64, bool) {
	if len(b) == 0 {
		return 0, false
	}
	v := int64(int8(b[0]))
	for _, x := range b[1:] {
		if v > math.MaxInt64>>8 || v < math.MinInt64>>8 {
			return 0, false
		}
		v = v<<8 | int64(x)
	}
	return v, true
}

// byteValues gives access to the values of a column of bytes.
func byteValues(data encoding.Values) func(i int) []byte {
	if data.Kind() == encoding.FixedLenByteArray {
		b, size := data.FixedLenByteArray()
		return func(i int) []byte { return b[i*size : (i+1)*size] }
	}
	b, offsets := data.ByteArray()
	return func(i int) []byte { return b[offsets[i]:offsets[i+1]] }
}

func readStrings(data encoding.Values, n int, col *column, out *values) error {
	b, offsets := data.ByteArray()
	if len(offsets) < n+1 {
		return errUnreadable
	}
	for i := range n {
		out.addString(col, view(b[offsets[i]:offsets[i+1]]))
	}
	return nil
}
