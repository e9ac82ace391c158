package inputs

import (
	"strings"
	"unicode/utf8"
)

// Limits of single values.
const (
	MaxIDBytes   = 64
	MaxTextRunes = 500
	MaxList      = 3660 // entries of a list column
)

// Texts reports whether a column's values are strings in a dictionary.
func (t Type) Texts() bool {
	return t == TypeID || t == TypeText || t == TypeZone || t == TypeCurrency
}

// Lists reports whether a column's values are lists.
func (t Type) Lists() bool { return t == TypeMilliList || t == TypeUnitsList }

func fault(def *ColumnDef, reason Reason, value, hint string) *Fault {
	return &Fault{Reason: reason, Column: def.Name, Value: Cut(value), Hint: hint}
}

// ParseInt reads the text of a cell of any type that is kept in Vector.Ints. The text is not empty: an empty
// cell is null. The error is a *Fault with reason, column, value and what to do.
func ParseInt(def *ColumnDef, s string) (int64, error) {
	v, f := parseInt(def, s)
	if f != nil {
		return 0, f
	}
	return v, nil
}

func parseInt(def *ColumnDef, s string) (int64, *Fault) {
	switch def.Type {
	case TypeMilli:
		v, reason, hint := ParseDecimal(s, 3)
		if reason != "" {
			return 0, fault(def, reason, s, hint)
		}
		return ranged(def, v, s)
	case TypeEnum:
		for i, word := range def.Enum {
			if s == word {
				return int64(i), nil
			}
		}
		return 0, fault(def, UnknownWord, s, "write one of "+strings.Join(def.Enum, ", "))
	case TypeBool:
		switch s {
		case "true":
			return 1, nil
		case "false":
			return 0, nil
		}
		return 0, fault(def, UnknownWord, s, "write true or false")
	case TypeDate:
		v, ok := parseDate(s)
		if !ok {
			return 0, fault(def, BadDate, s, "write a date that exists as YYYY-MM-DD")
		}
		return ranged(def, v, s)
	case TypeInstant:
		v, ok := parseInstant(s)
		if !ok {
			return 0, fault(def, BadDate, s, "write an instant with its offset, as 2026-11-21T02:00:00-06:00 or …Z")
		}
		return ranged(def, v, s)
	case TypeTimeOfDay:
		v, ok := parseTimeOfDay(s)
		if !ok {
			return 0, fault(def, BadDate, s, "write a time of day as HH:MM, 00:00 to 23:59")
		}
		return v, nil
	case TypeWeekdays:
		v, ok := parseWeekdays(s)
		if !ok {
			return 0, fault(def, BadList, s, "write weekdays as 1 (Monday) to 7 with ; between, each once")
		}
		return v, nil
	case TypeUnits, TypeMoney, TypeNumber, TypeDays, TypeVolume, TypeWeight:
		v, reason, hint := ParseDecimal(s, 0)
		if reason != "" {
			return 0, fault(def, reason, s, hint)
		}
		return ranged(def, v, s)
	default:
		panic("inputs: column " + def.Name + " has no integer form")
	}
}

// ranged checks a value against the column's range; s is what a fault shows.
func ranged(def *ColumnDef, v int64, s string) (int64, *Fault) {
	if v < def.Min || v > def.Max {
		return 0, fault(def, OutOfRange, s, "must be "+FormatInt(def, def.Min)+" to "+FormatInt(def, def.Max))
	}
	return v, nil
}

// CheckInt checks a typed value, already in canonical units, against the column's range.
func CheckInt(def *ColumnDef, v int64) *Fault {
	if v < def.Min || v > def.Max {
		_, f := ranged(def, v, FormatInt(def, v))
		return f
	}
	return nil
}

// ParseDecimal reads an optional minus sign, digits, and where places > 0 up to that many decimals after a
// point; the result is in units of 10^-places; a reason that is not empty says why it is refused, with what to
// do. Trailing zeros of a whole number ("3.000") are exact and fine.
func ParseDecimal(s string, places int) (int64, Reason, string) {
	i, neg := 0, false
	if i < len(s) && s[i] == '-' {
		neg, i = true, 1
	}
	start, v, seen, dec := i, int64(0), -1, 0
	for ; i < len(s); i++ {
		ch := s[i]
		switch {
		case ch >= '0' && ch <= '9':
			if seen >= 0 {
				dec++
				if dec > places {
					if ch != '0' {
						if places == 0 {
							return 0, WrongType, "must be a whole number"
						}
						return 0, TooManyPlaces, "round it to three decimal places before it comes here"
					}
					continue
				}
			}
			if v > (1<<62)/10 {
				return 0, OutOfRange, "the number is too large"
			}
			v = v*10 + int64(ch-'0')
		case ch == '.' && seen < 0 && i > start:
			seen = i
		default:
			return 0, WrongType, decimalHint(s, places)
		}
	}
	if i == start || seen == len(s)-1 {
		return 0, WrongType, decimalHint(s, places)
	}
	for dec = min(dec, places); dec < places; dec++ {
		if v > (1<<62)/10 {
			return 0, OutOfRange, "the number is too large"
		}
		v *= 10
	}
	if neg {
		v = -v
	}
	return v, "", ""
}

// decimalHint says what to do about a number that cannot be read.
func decimalHint(s string, places int) string {
	switch {
	case strings.TrimSpace(s) != s:
		return "take the blanks off"
	case strings.ContainsRune(s, ','):
		return "write a decimal point and no thousands separators; a mapping file can declare decimal: comma"
	case strings.ContainsAny(s, "eE") && strings.ContainsAny(s, "0123456789"):
		return "write the number without an exponent"
	case strings.HasPrefix(s, "+"):
		return "take the plus sign off"
	case places == 0:
		return "write a whole number in digits"
	default:
		return "write a number in digits with at most three decimals"
	}
}

// ParseList appends the elements of a list cell to dst: elements with ; between. The error is a *Fault.
func ParseList(def *ColumnDef, s string, dst []int64) ([]int64, error) {
	out, f := parseList(def, s, dst)
	if f != nil {
		return dst, f
	}
	return out, nil
}

func parseList(def *ColumnDef, s string, dst []int64) ([]int64, *Fault) {
	places, n := 0, 0
	if def.Type == TypeMilliList {
		places = 3
	}
	for {
		part, rest, more := strings.Cut(s, ";")
		v, reason, hint := ParseDecimal(part, places)
		if reason != "" {
			return dst, fault(def, listReason(reason), part, "element "+itoa(int64(n+1))+" of the list: "+hint)
		}
		if f := CheckElement(def, v, n); f != nil {
			return dst, f
		}
		dst = append(dst, v)
		if n++; n > MaxList {
			return dst, fault(def, BadList, "", "a list has at most "+itoa(MaxList)+" entries")
		}
		if !more {
			return dst, nil
		}
		s = rest
	}
}

func listReason(r Reason) Reason {
	if r == WrongType {
		return BadList
	}
	return r
}

// CheckElement checks element n (from 0) of a list against the column's range.
func CheckElement(def *ColumnDef, v int64, n int) *Fault {
	if v < def.Min || v > def.Max {
		return fault(def, OutOfRange, FormatInt(def, v),
			"element "+itoa(int64(n+1))+" of the list must be "+FormatInt(def, def.Min)+" to "+FormatInt(def, def.Max))
	}
	return nil
}

// CheckText checks the text of a column that is kept in a dictionary; nil when it is right. Readers check each
// distinct text once.
func CheckText(def *ColumnDef, s string) *Fault {
	switch def.Type {
	case TypeID:
		if !validID(s) {
			return fault(def, BadID, s, "an id starts with a letter or digit and has up to 64 letters, digits, points, dashes and underscores")
		}
	case TypeZone:
		if !knownZone(s) {
			return fault(def, UnknownZone, s, "write an IANA time zone such as America/Chicago")
		}
	case TypeCurrency:
		if len(s) != 3 || !capital(s[0]) || !capital(s[1]) || !capital(s[2]) {
			return fault(def, WrongType, s, "write a currency as three capital letters")
		}
	case TypeText:
		if !utf8.ValidString(s) {
			return fault(def, BadText, s, "the text must be UTF-8")
		}
		for _, r := range s {
			if !printable(r) {
				return fault(def, BadText, s, "take control characters, terminal escapes and invisible marks out")
			}
		}
		if utf8.RuneCountInString(s) > MaxTextRunes {
			return fault(def, BadText, s, "a text has at most "+itoa(MaxTextRunes)+" characters")
		}
	default:
		panic("inputs: column " + def.Name + " has no text form")
	}
	return nil
}

func capital(c byte) bool { return c >= 'A' && c <= 'Z' }

func validID(s string) bool {
	if s == "" || len(s) > MaxIDBytes || s[0] == '.' || s[0] == '_' || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
