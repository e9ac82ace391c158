package decode

import (
	"strconv"

	"echelon/inputs"
	"echelon/inputs/feed"
)

// encoding says what the numbers and bytes of a field stand for, as the source's schema or the mapping tells.
type encoding struct {
	kind  encodingKind
	scale int  // of encDecimal
	local bool // a wall-clock time of no zone
}

type encodingKind uint8

const (
	encPlain encodingKind = iota // as the contract has it
	encDays
	encSeconds
	encMillis
	encMicros
	encNanos
	encDecimal  // two's complement, big-endian, × 10^-scale; base64 in JSON
	encVariable // a struct of scale and value
)

func (k encodingKind) temporal() bool { return k >= encDays && k <= encNanos }

// unschemed is the encoding of a column in records without a schema: what the mapping says, else what Debezium
// sends by default.
func unschemed(def *inputs.ColumnDef, cm feed.ColumnMapping, debezium bool) encoding {
	e := encoding{local: true}
	switch cm.Unit {
	case feed.UnitDays:
		e.kind = encDays
	case feed.UnitSeconds:
		e.kind = encSeconds
	case feed.UnitMillis:
		e.kind = encMillis
	case feed.UnitMicros:
		e.kind = encMicros
	case feed.UnitNanos:
		e.kind = encNanos
	}
	switch {
	case e.kind != encPlain:
	case cm.Scale != nil:
		e.kind, e.scale = encDecimal, *cm.Scale
	case !debezium || cm.Layout != "":
	case def.Type == inputs.TypeDate:
		e.kind = encDays
	case def.Type == inputs.TypeInstant, def.Type == inputs.TypeTimeOfDay:
		e.kind = encMicros
	}
	return e
}

// named is the encoding of a Connect schema's name.
func named(name string, scale string) (encoding, bool) {
	switch name {
	case "io.debezium.time.Date", "org.apache.kafka.connect.data.Date":
		return encoding{kind: encDays}, true
	case "io.debezium.time.Timestamp", "org.apache.kafka.connect.data.Timestamp":
		return encoding{kind: encMillis, local: true}, true
	case "io.debezium.time.MicroTimestamp":
		return encoding{kind: encMicros, local: true}, true
	case "io.debezium.time.NanoTimestamp":
		return encoding{kind: encNanos, local: true}, true
	case "io.debezium.time.Time", "org.apache.kafka.connect.data.Time":
		return encoding{kind: encMillis}, true
	case "io.debezium.time.MicroTime":
		return encoding{kind: encMicros}, true
	case "io.debezium.time.NanoTime":
		return encoding{kind: encNanos}, true
	case "org.apache.kafka.connect.data.Decimal":
		n, err := strconv.Atoi(scale)
		if err != nil || n < -38 || n > 1000 {
			return encoding{}, false
		}
		return encoding{kind: encDecimal, scale: n}, true
	case "io.debezium.data.VariableScaleDecimal":
		return encoding{kind: encVariable}, true
	}
	return encoding{}, true
}

// whole reports whether a type's values are whole numbers of the source.
func whole(t inputs.Type) bool {
	switch t {
	case inputs.TypeUnits, inputs.TypeMoney, inputs.TypeNumber, inputs.TypeDays, inputs.TypeVolume, inputs.TypeWeight:
		return true
	default:
		return false
	}
}

// temporal gives the canonical value of a number that counts days or parts of a second.
func (c *column) temporal(v int64, e encoding) (int64, *inputs.Fault) {
	bad := func(hint string) (int64, *inputs.Fault) {
		return 0, c.value.Fault(inputs.BadDate, strconv.FormatInt(v, 10), hint)
	}
	const dayMicros = 86_400_000_000
	var out int64
	if e.kind == encDays {
		switch {
		case c.def.Type == inputs.TypeDate:
			out = v
		case c.def.Type == inputs.TypeInstant && c.value.Zone() != nil && v > -1e6 && v < 1e7:
			out = wallClock(v*dayMicros, c.value.Zone())
		default:
			return bad("a date is no " + temporalWord(c.def.Type) + "; a mapping file can name a zone for instants")
		}
		return out, inputs.CheckInt(c.def, out)
	}
	micros, ok := toMicros(v, e.kind)
	if !ok {
		return bad("it is finer than a microsecond, or not a time that exists")
	}
	switch c.def.Type {
	case inputs.TypeInstant:
		out = micros
		if e.local && c.value.Zone() != nil && micros > -1<<56 && micros < 1<<56 {
			out = wallClock(micros, c.value.Zone())
		}
	case inputs.TypeTimeOfDay:
		if micros%60_000_000 != 0 {
			return bad("a time of day must be at a full minute")
		}
		out = micros / 60_000_000
	default: // a date
		if !e.local && c.value.Zone() != nil && micros > -1<<56 && micros < 1<<56 {
			micros = asWallClock(micros, c.value.Zone())
		} else if c.value.Zone() == nil && micros%dayMicros != 0 {
			return bad("a date must be at midnight; a mapping file can name the zone whose day it is")
		}
		out = floorDiv(micros, dayMicros)
	}
	return out, inputs.CheckInt(c.def, out)
}

func temporalWord(t inputs.Type) string {
	switch t {
	case inputs.TypeInstant:
		return "instant"
	case inputs.TypeTimeOfDay:
		return "time of day"
	default:
		return "date"
	}
}

func toMicros(v int64, k encodingKind) (int64, bool) {
	unit := int64(1)
	switch k {
	case encNanos:
		return v / 1000, v%1000 == 0
	case encMillis:
		unit = 1000
	case encSeconds:
		unit = 1_000_000
	default:
	}
	if v > (1<<62)/unit || v < -(1<<62)/unit {
		return 0, false
	}
	return v * unit, true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
