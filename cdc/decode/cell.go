package decode

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"echelon/cdc"
	"echelon/inputs"
)

// unavailable is what Debezium sends for a large column that an update did not touch.
const unavailable = "__debezium_unavailable_value"

// scratch is memory that cells of one record point into.
type scratch struct {
	text []byte
	list []int64
	tmp  []byte
}

func (d *scratch) reset() { d.text, d.list = d.text[:0], d.list[:0] }

func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func intCell(v int64, f *inputs.Fault) (cdc.Cell, *inputs.Fault) {
	return cdc.Cell{Kind: cdc.Int, Int: v}, f
}

// integer reads a whole number of the source.
func (c *column) integer(d *scratch, v int64, e encoding) (cdc.Cell, *inputs.Fault) {
	if c.plain {
		if v < c.def.Min || v > c.def.Max {
			return cdc.Cell{}, inputs.CheckInt(c.def, v)
		}
		return cdc.Cell{Kind: cdc.Int, Int: v}, nil
	}
	t := c.def.Type
	temporal := t == inputs.TypeDate || t == inputs.TypeInstant || t == inputs.TypeTimeOfDay
	switch {
	case temporal && e.kind.temporal() && !c.value.Words():
		return intCell(c.temporal(v, e))
	case (whole(t) || t == inputs.TypeMilli) && !c.value.Words():
		return intCell(c.value.Scaled(v, 0))
	}
	start := len(d.text)
	d.text = strconv.AppendInt(d.text, v, 10)
	return c.written(d, d.text[start:])
}

// written reads a value that stands there as the text a cell of a file would have.
func (c *column) written(d *scratch, s []byte) (cdc.Cell, *inputs.Fault) {
	switch {
	case c.def.Type.Texts():
		out, null, f := c.value.Text(s)
		if null || f != nil {
			return cdc.Cell{}, f
		}
		return cdc.Cell{Kind: cdc.Text, Text: out}, nil
	case c.def.Type.Lists():
		return c.listText(d, s)
	}
	v, null, f := c.value.Int(view(s))
	if null || f != nil {
		return cdc.Cell{}, f
	}
	return cdc.Cell{Kind: cdc.Int, Int: v}, nil
}

// text reads a text of the source.
func (c *column) text(d *scratch, s []byte, e encoding) (cdc.Cell, *inputs.Fault) {
	if c.debezium && string(s) == unavailable {
		return cdc.Cell{Kind: cdc.Unchanged}, nil
	}
	if c.value.Words() || c.value.Mapping().Layout != "" {
		return c.written(d, s)
	}
	switch c.def.Type {
	case inputs.TypeDate:
		if c.value.Zone() != nil && len(s) > 10 {
			v, err := inputs.ParseInt(anyInstant(c.def.Name), view(s))
			if err != nil {
				return cdc.Cell{}, c.value.Fault(inputs.BadDate, string(s), "write an instant with its offset, or a date")
			}
			return intCell(c.temporal(v, encoding{kind: encMicros}))
		}
		if c.debezium && len(s) == 11 && s[10] == 'Z' {
			s = s[:10]
		}
	case inputs.TypeTimeOfDay:
		if c.debezium {
			s = fullMinute(s)
		}
	case inputs.TypeUnits, inputs.TypeMilli, inputs.TypeMoney, inputs.TypeNumber, inputs.TypeDays, inputs.TypeVolume, inputs.TypeWeight:
		if c.debezium && bytes.ContainsAny(s, "eE") {
			return c.exponent(d, s)
		}
	default:
	}
	return c.written(d, s)
}

// anyInstant describes an instant of any age.
func anyInstant(name string) *inputs.ColumnDef {
	return &inputs.ColumnDef{Name: name, Type: inputs.TypeInstant, Min: math.MinInt64, Max: math.MaxInt64}
}

// fullMinute takes the seconds and the mark of UTC off where they say nothing: 08:30:00Z is 08:30.
func fullMinute(s []byte) []byte {
	if len(s) < 8 || string(s[5:8]) != ":00" {
		return s
	}
	rest := strings.TrimSuffix(view(s[8:]), "Z")
	if strings.HasPrefix(rest, ".") {
		rest = strings.TrimLeft(rest[1:], "0")
	}
	if rest != "" {
		return s
	}
	return s[:5]
}

// decimal digits that an exponent may move the point by.
const maxExponent = 60

// exponent reads a number with an exponent, exactly.
func (c *column) exponent(d *scratch, s []byte) (cdc.Cell, *inputs.Fault) {
	out, ok := expand(d.tmp[:0], s)
	if !ok {
		return cdc.Cell{}, c.value.Fault(inputs.WrongType, string(s), "it is no number that this column takes")
	}
	d.tmp = out
	cell, f := c.written(d, out)
	if f != nil {
		f.Value = inputs.Cut(string(s))
	}
	return cell, f
}

// expand writes -1.25E-3 as -0.00125.
func expand(dst, s []byte) ([]byte, bool) {
	at := bytes.IndexAny(s, "eE")
	if at <= 0 {
		return dst, false
	}
	exp, err := strconv.Atoi(strings.TrimPrefix(string(s[at+1:]), "+"))
	if err != nil || exp < -maxExponent || exp > maxExponent || at > 400 {
		return dst, false
	}
	digits := s[:at]
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	whole, frac, _ := bytes.Cut(digits, []byte("."))
	if len(whole) == 0 {
		return dst, false
	}
	for _, b := range [][]byte{whole, frac} {
		for _, x := range b {
			if x < '0' || x > '9' {
				return dst, false
			}
		}
	}
	all := append(append([]byte(nil), whole...), frac...)
	point := len(whole) + exp
	for point <= 0 {
		all = append([]byte{'0'}, all...)
		point++
	}
	for point > len(all) {
		all = append(all, '0')
	}
	dst = append(dst, all[:point]...)
	if point < len(all) {
		dst = append(append(dst, '.'), all[point:]...)
	}
	return dst, true
}

// number reads a number as it is written in JSON.
func (c *column) number(d *scratch, token []byte, e encoding) (cdc.Cell, *inputs.Fault) {
	if v, ok := shortInt(token); ok {
		return c.integer(d, v, e)
	}
	if !c.def.Type.Texts() && bytes.ContainsAny(token, "eE") {
		return c.exponent(d, token)
	}
	if e.kind.temporal() && !c.value.Words() && c.value.Mapping().Layout == "" {
		return cdc.Cell{}, c.value.Fault(inputs.BadDate, string(token), "it is not a whole number, or too large")
	}
	return c.written(d, token)
}

// shortInt reads a whole number of up to 18 digits, or one that an int64 holds.
func shortInt(s []byte) (int64, bool) {
	digits, neg := s, false
	if len(s) > 0 && s[0] == '-' {
		digits, neg = s[1:], true
	}
	if len(digits) == 0 {
		return 0, false
	}
	if len(digits) > 18 {
		v, err := strconv.ParseInt(view(s), 10, 64)
		return v, err == nil
	}
	v := int64(0)
	for _, b := range digits {
		if b < '0' || b > '9' {
			return 0, false
		}
		v = v*10 + int64(b-'0')
	}
	if neg {
		v = -v
	}
	return v, true
}

// float reads a double as the shortest decimal that stands for it.
func (c *column) float(d *scratch, v float64, bits int) (cdc.Cell, *inputs.Fault) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return cdc.Cell{}, c.value.Fault(inputs.WrongType, strconv.FormatFloat(v, 'g', -1, 64), "not a number: leave it null where the contract allows it")
	}
	if x := int64(v); float64(x) == v && x > -1<<53 && x < 1<<53 {
		return c.integer(d, x, encoding{})
	}
	d.tmp = strconv.AppendFloat(d.tmp[:0], v, 'f', -1, bits)
	if c.def.Type.Texts() {
		start := len(d.text)
		d.text = append(d.text, d.tmp...)
		return c.written(d, d.text[start:])
	}
	return c.written(d, d.tmp)
}

func (c *column) truth(d *scratch, v bool) (cdc.Cell, *inputs.Fault) {
	if c.def.Type == inputs.TypeBool && !c.value.Words() {
		if v {
			return cdc.Cell{Kind: cdc.Int, Int: 1}, nil
		}
		return cdc.Cell{Kind: cdc.Int}, nil
	}
	word := "false"
	if v {
		word = "true"
	}
	start := len(d.text)
	d.text = append(d.text, word...)
	return c.written(d, d.text[start:])
}

// decimal reads two's complement bytes × 10^-scale.
func (c *column) decimal(d *scratch, b []byte, scale int) (cdc.Cell, *inputs.Fault) {
	if c.debezium && string(b) == unavailable {
		return cdc.Cell{Kind: cdc.Unchanged}, nil
	}
	v, scale, f := c.unscaled(b, scale)
	switch {
	case f != nil:
		return cdc.Cell{}, f
	case (whole(c.def.Type) || c.def.Type == inputs.TypeMilli) && !c.value.Words():
		return intCell(c.value.Scaled(v, scale))
	case scale == 0:
		return c.integer(d, v, encoding{})
	}
	start := len(d.text)
	d.text = appendScaled(d.text, v, scale)
	return c.written(d, d.text[start:])
}

// unscaled reads two's complement bytes; zeros at the end of a number that 64 bits do not hold are taken off.
func (c *column) unscaled(b []byte, scale int) (int64, int, *inputs.Fault) {
	if len(b) == 0 || len(b) > 256 || scale < -38 || scale > 1000 {
		return 0, 0, c.value.Fault(inputs.WrongType, "", "it is no decimal")
	}
	if len(b) <= 8 {
		v := int64(int8(b[0]))
		for _, x := range b[1:] {
			v = v<<8 | int64(x)
		}
		return v, scale, nil
	}
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	shown := n.String()
	if len(shown) > 40 {
		shown = shown[:40]
	}
	ten, rest := big.NewInt(10), new(big.Int)
	for !n.IsInt64() && scale > 0 {
		if n.QuoRem(n, ten, rest); rest.Sign() != 0 {
			return 0, 0, c.value.Fault(inputs.TooManyPlaces, shown+"E-"+strconv.Itoa(scale), "it has more digits than the column takes")
		}
		scale--
	}
	if !n.IsInt64() {
		return 0, 0, c.value.Fault(inputs.OutOfRange, shown, "the number is too large")
	}
	return n.Int64(), scale, nil
}

// appendScaled writes v × 10^-scale.
func appendScaled(dst []byte, v int64, scale int) []byte {
	if scale <= 0 {
		dst = strconv.AppendInt(dst, v, 10)
		for ; scale < 0 && v != 0; scale++ {
			dst = append(dst, '0')
		}
		return dst
	}
	text := strconv.FormatUint(uint64(max(v, -v)), 10)
	if v < 0 {
		dst = append(dst, '-')
	}
	for len(text) <= scale {
		text = strings.Repeat("0", scale+1-len(text)) + text
	}
	dst = append(dst, text[:len(text)-scale]...)
	return append(append(dst, '.'), text[len(text)-scale:]...)
}

// base64Decimal reads a decimal as Debezium writes it in JSON.
func (c *column) base64Decimal(d *scratch, s []byte, scale int) (cdc.Cell, *inputs.Fault) {
	if c.debezium && string(s) == unavailable {
		return cdc.Cell{Kind: cdc.Unchanged}, nil
	}
	b, err := base64.StdEncoding.AppendDecode(d.tmp[:0], s)
	if err != nil {
		return cdc.Cell{}, c.value.Fault(inputs.WrongType, string(s), "the schema says decimal: base64 is needed")
	}
	d.tmp = b
	return c.decimal(d, b, scale)
}

// wallClock gives the instant at which clocks of a zone show the given time.
func wallClock(micros int64, zone *time.Location) int64 {
	t := time.UnixMicro(micros).UTC()
	y, m, day := t.Date()
	return time.Date(y, m, day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UnixMicro()
}

// asWallClock gives the time that clocks of a zone show at an instant.
func asWallClock(micros int64, zone *time.Location) int64 {
	_, offset := time.UnixMicro(micros).In(zone).Zone()
	return micros + int64(offset)*1_000_000
}
