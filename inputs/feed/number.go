package feed

import (
	"math"
	"math/bits"
	"strings"

	"echelon/inputs"
)

// maxScale is the most decimal places that a source number may have before its factor is applied.
const maxScale = 9

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}

// places is the number of decimal places in the contract's unit.
func places(t inputs.Type) int {
	if t == inputs.TypeMilli || t == inputs.TypeMilliList {
		return 3
	}
	return 0
}

// scaler turns source numbers v × 10^-scale into canonical integers: v × num ÷ den.
type scaler struct {
	def      *inputs.ColumnDef
	num, den uint64
	round    string
}

func newScaler(def *inputs.ColumnDef, cv *conversion, scale int) scaler {
	s := scaler{def: def, num: pow10(places(def.Type)), den: pow10(scale)}
	if cv != nil {
		s.num *= cv.num
		s.round = cv.Round
	}
	g := gcd(s.num, s.den)
	s.num, s.den = s.num/g, s.den/g
	if cv != nil {
		g = gcd(s.num, cv.den)
		s.num /= g
		s.den *= cv.den / g // den ≤ 10^9 × 2^31
	}
	return s
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// whole reports whether values stay as they are.
func (s *scaler) whole() bool { return s.num == 1 && s.den == 1 }

// apply returns the canonical integer of v, or why there is none.
func (s *scaler) apply(v int64) (int64, inputs.Reason, string) {
	if s.whole() {
		return v, "", ""
	}
	neg := v < 0
	u := uint64(v)
	if neg {
		u = -u
	}
	hi, lo := bits.Mul64(u, s.num)
	if hi >= s.den {
		return 0, inputs.OutOfRange, "the number is too large"
	}
	q, rest := bits.Div64(hi, lo, s.den)
	if rest != 0 {
		switch s.round {
		case "up":
			if !neg {
				q++
			}
		case "down":
			if neg {
				q++
			}
		case "nearest":
			if rest >= s.den-rest {
				q++
			}
		default:
			if places(s.def.Type) == 0 {
				return 0, inputs.WrongType, "must be a whole number in this unit; a mapping file can round it"
			}
			return 0, inputs.TooManyPlaces, "must have at most three decimal places in this unit; a mapping file can round it"
		}
	}
	if q > math.MaxInt64 {
		return 0, inputs.OutOfRange, "the number is too large"
	}
	if neg {
		return -int64(q), "", ""
	}
	return int64(q), "", ""
}

// parse reads the text of a number.
func (cv *conversion) parse(def *inputs.ColumnDef, s string) (int64, inputs.Reason, string) {
	if cv != nil && cv.comma {
		if strings.ContainsRune(s, '.') || strings.Count(s, ",") > 1 {
			return 0, inputs.WrongType, "the mapping says decimal: comma: no points, one comma"
		}
		s = strings.Replace(s, ",", ".", 1)
	}
	if cv == nil || (cv.num == 1 && cv.den == 1 && cv.Round == "") {
		return inputs.ParseDecimal(s, places(def.Type))
	}
	v, reason, hint := inputs.ParseDecimal(s, maxScale)
	if reason != "" {
		return 0, reason, hint
	}
	sc := newScaler(def, cv, maxScale)
	return sc.apply(v)
}

// exactDouble returns the thousandths (places 3) or units (places 0) of a double whose shortest decimal form
// has no more places: what a person would have written. 0.1 is 100 thousandths although no double is exactly
// a tenth; 0.1+0.2 is refused.
func exactDouble(v float64, places int) (int64, inputs.Reason, string) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, inputs.WrongType, "not a number: leave it null where the contract allows it"
	}
	unit := float64(pow10(places))
	t := math.Round(v * unit)
	if math.Abs(t) > 1<<53 {
		return 0, inputs.OutOfRange, "the number is too large"
	}
	if t/unit != v {
		if places == 0 {
			return 0, inputs.WrongType, "must be a whole number"
		}
		return 0, inputs.TooManyPlaces, "round it to three decimal places before it comes here"
	}
	return int64(t), "", ""
}

func exactFloat(v float32, places int) (int64, inputs.Reason, string) {
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return exactDouble(f, places)
	}
	unit := float64(pow10(places))
	t := math.Round(f * unit)
	if math.Abs(t) > 1<<24 || float32(t/unit) != v {
		return exactDouble(f, places)
	}
	return int64(t), "", ""
}
