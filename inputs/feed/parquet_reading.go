package feed

import (
	"errors"
	"fmt"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"echelon/inputs"
)

var errType = errors.New("its type does not fit")

// newReading finds how a leaf is read for a column, or says why it is not.
func newReading(c *parquet.Column, def *inputs.ColumnDef, conv *conversion, list bool) (reading, error) {
	kind, logical := c.Type().Kind(), format.LogicalTypeValue(nil)
	if lt := c.Type().LogicalType(); lt != nil {
		logical = lt.Value
	}
	number := numeric(def.Type) || (list && def.Type == inputs.TypeWeekdays)
	switch kind {
	case parquet.Boolean:
		if def.Type == inputs.TypeBool {
			return reading{convert: readBools}, nil
		}
	case parquet.Float, parquet.Double:
		if number {
			return reading{convert: readFloats(kind, def, conv, list)}, nil
		}
	case parquet.Int32, parquet.Int64:
		return intReading(kind, logical, def, conv, list)
	case parquet.ByteArray, parquet.FixedLenByteArray:
		if d, ok := logical.(*format.DecimalType); ok {
			if number && d.Scale >= 0 && d.Scale <= maxScale {
				return reading{convert: readBigDecimals(newScaler(def, conv, int(d.Scale)), list)}, nil
			}
			break
		}
		if _, ok := logical.(*format.UUIDType); !ok && kind == parquet.ByteArray && !def.Type.Lists() && !list {
			return reading{convert: readStrings}, nil
		}
	default:
	}
	return reading{}, fmt.Errorf("%w: %s is %s in the file", errType, def.Name, c.Type().String())
}

// intReading reads physical integers: numbers, decimals, dates, times, instants, and numbers as ids.
func intReading(kind parquet.Kind, logical format.LogicalTypeValue, def *inputs.ColumnDef, conv *conversion, list bool) (reading, error) {
	unsigned, scale := false, 0
	number := numeric(def.Type) || (list && def.Type == inputs.TypeWeekdays)
	switch lt := logical.(type) {
	case *format.DateType:
		if def.Type == inputs.TypeDate {
			return reading{convert: readInts(kind, false, scaler{def: def, num: 1, den: 1}, list)}, nil
		}
		number = false
	case *format.TimestampType:
		return timestampReading(lt, def)
	case *format.TimeType:
		if def.Type == inputs.TypeTimeOfDay {
			s := scaler{def: def, num: 1, den: uint64(time.Minute / unitOf(lt.Unit))}
			return reading{convert: readInts(kind, false, s, list)}, nil
		}
		number = false
	case *format.IntType:
		unsigned = !lt.IsSigned
	case *format.DecimalType:
		scale = int(lt.Scale)
		if scale < 0 || scale > maxScale {
			return reading{}, fmt.Errorf("%w: a decimal of scale %d", errType, scale)
		}
	}
	switch {
	case number:
		return reading{convert: readInts(kind, unsigned, newScaler(def, conv, scale), list)}, nil
	case (def.Type == inputs.TypeID || def.Type == inputs.TypeText) && scale == 0 && !isTime(logical):
		return reading{convert: readIntWords(kind, unsigned)}, nil
	}
	return reading{}, fmt.Errorf("%w: %s is a plain number in the file", errType, def.Name)
}

func isTime(logical format.LogicalTypeValue) bool {
	switch logical.(type) {
	case *format.DateType, *format.TimeType, *format.TimestampType:
		return true
	}
	return false
}

func unitOf(u format.TimeUnit) time.Duration {
	if u.Value == nil {
		return time.Microsecond
	}
	return u.Value.Duration()
}

// timestampReading reads instants; a date may come as midnight, as data frames write it. Wall-clock times
// without a zone are no instants.
func timestampReading(lt *format.TimestampType, def *inputs.ColumnDef) (reading, error) {
	unit := unitOf(lt.Unit)
	switch {
	case def.Type == inputs.TypeDate:
		s := scaler{def: def, num: 1, den: uint64(24 * time.Hour / unit)}
		return reading{convert: readInts(parquet.Int64, false, s, false)}, nil
	case def.Type == inputs.TypeInstant && !lt.IsAdjustedToUTC:
		return reading{}, fmt.Errorf("%w: %s is a time without a zone in the file", errType, def.Name)
	case def.Type == inputs.TypeInstant && unit >= time.Microsecond:
		s := scaler{def: def, num: uint64(unit / time.Microsecond), den: 1}
		return reading{convert: readInts(parquet.Int64, false, s, false)}, nil
	case def.Type == inputs.TypeInstant:
		s := scaler{def: def, num: 1, den: uint64(time.Microsecond / unit)}
		return reading{convert: readInts(parquet.Int64, false, s, false)}, nil
	}
	return reading{}, fmt.Errorf("%w: %s is a timestamp in the file", errType, def.Name)
}

// wanted says in which Parquet types a column is written.
func wanted(def *inputs.ColumnDef) string {
	switch {
	case def.Type.Texts(), def.Type == inputs.TypeEnum:
		return "a string"
	case def.Type == inputs.TypeBool:
		return "a boolean"
	case def.Type == inputs.TypeDate:
		return "a date"
	case def.Type == inputs.TypeInstant:
		return "a timestamp adjusted to UTC, or a string with its offset"
	case def.Type == inputs.TypeTimeOfDay:
		return "a time, or a string HH:MM"
	case def.Type == inputs.TypeWeekdays:
		return "a list of integers, or a string such as 1;3;5"
	case def.Type.Lists():
		return "a list of decimals or integers"
	case places(def.Type) == 3:
		return "a decimal, an integer or a string"
	}
	return "an integer"
}
