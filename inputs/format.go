package inputs

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

// FormatInt gives the text that files carry for a value of a type kept in Vector.Ints (or an element of a
// list). ParseInt reads it back.
func FormatInt(def *ColumnDef, v int64) string {
	switch def.Type {
	case TypeMilli, TypeMilliList:
		return FormatMilli(v)
	case TypeEnum:
		if v < 0 || v >= int64(len(def.Enum)) {
			return itoa(v)
		}
		return def.Enum[v]
	case TypeBool:
		return strconv.FormatBool(v != 0)
	case TypeDate:
		return formatDate(v)
	case TypeInstant:
		return formatInstant(v)
	case TypeTimeOfDay:
		return pad2(v/60) + ":" + pad2(v%60)
	case TypeWeekdays:
		s := ""
		for i := range 7 {
			if v&(1<<i) != 0 {
				if s != "" {
					s += ";"
				}
				s += itoa(int64(i + 1))
			}
		}
		return s
	default:
		return itoa(v)
	}
}

func pad2(v int64) string {
	if v < 10 {
		return "0" + itoa(v)
	}
	return itoa(v)
}

// FormatMilli writes thousandths as a decimal without trailing zeros: 2500 is "2.5".
func FormatMilli(v int64) string { return string(AppendMilli(nil, v)) }

// AppendMilli appends what FormatMilli gives.
func AppendMilli(dst []byte, v int64) []byte {
	u := uint64(v)
	if v < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = strconv.AppendUint(dst, u/1000, 10)
	rest := u % 1000
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+rest/100))
	if rest%100 != 0 {
		dst = append(dst, byte('0'+rest/10%10))
		if rest%10 != 0 {
			dst = append(dst, byte('0'+rest%10))
		}
	}
	return dst
}

// AppendJSONString appends a text as a JSON string. Bytes that are no UTF-8 become U+FFFD.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := true // most texts are ids and words: no letter needs a look of its own
	for i := range len(s) {
		c := s[i]
		plain = plain && c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\'
	}
	if plain {
		return append(append(dst, s...), '"')
	}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			const hex = "0123456789abcdef"
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// FormatCell gives the text that files carry for a cell, "" for null. Lists have ; between their elements.
func FormatCell(def *ColumnDef, v *Vector, r int) string {
	switch {
	case v.IsNull(r):
		return ""
	case def.Type.Texts():
		return v.Str(r)
	case def.Type.Lists():
		var b strings.Builder
		for i, e := range v.Ints64(r) {
			if i > 0 {
				b.WriteByte(';')
			}
			b.WriteString(FormatInt(def, e))
		}
		return b.String()
	}
	return FormatInt(def, v.Ints[r])
}

// Text gives the text that files carry for a cell, "" for null. An unknown column is a bug and panics.
func (b *Batch) Text(r int, column string) string {
	v := b.Col(column)
	return FormatCell(&b.Contract.Columns[b.Contract.Index(column)], v, r)
}
