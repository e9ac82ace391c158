package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"echelon/inputs"
)

// avroField keeps its members in the order that people write them in.
type avroField struct {
	Name    string           `json:"name"`
	Type    any              `json:"type"`
	Doc     string           `json:"doc,omitempty"`
	Default *json.RawMessage `json:"default,omitempty"`
}

type avroRecord struct {
	Type      string      `json:"type"`
	Name      string      `json:"name"`
	Namespace string      `json:"namespace"`
	Doc       string      `json:"doc"`
	Fields    []avroField `json:"fields"`
}

// Avro is the Avro schema of a table's rows. Nullable columns are unions with null, default null: a new one is
// a compatible change. Thousandths are decimals of scale 3 in bytes, words are strings, so that a new word is
// compatible too.
func Avro(c *inputs.Contract) ([]byte, error) {
	r := avroRecord{
		Type: "record", Name: avroName(c.Table), Namespace: fmt.Sprintf("echelon.inputs.v%d", c.Version), Doc: c.Doc,
	}
	null := json.RawMessage("null")
	for i := range c.Columns {
		def := &c.Columns[i]
		f := avroField{Name: def.Name, Type: avroType(def), Doc: columnDoc(def)}
		if def.Nullable {
			f.Type, f.Default = []any{"null", f.Type}, &null
		}
		r.Fields = append(r.Fields, f)
	}
	return pretty(r)
}

// avroName turns open_orders into OpenOrders.
func avroName(table string) string {
	var b strings.Builder
	for _, part := range strings.Split(table, "_") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

type avroLogical struct {
	Type      string `json:"type"`
	Logical   string `json:"logicalType,omitempty"`
	Precision int    `json:"precision,omitempty"`
	Scale     int    `json:"scale,omitempty"`
}

type avroArray struct {
	Type  string `json:"type"`
	Items any    `json:"items"`
}

func avroType(def *inputs.ColumnDef) any {
	decimal := avroLogical{Type: "bytes", Logical: "decimal", Precision: 18, Scale: 3}
	switch def.Type {
	case inputs.TypeID, inputs.TypeText, inputs.TypeZone, inputs.TypeCurrency, inputs.TypeEnum, inputs.TypeTimeOfDay:
		return "string"
	case inputs.TypeBool:
		return "boolean"
	case inputs.TypeMilli:
		return decimal
	case inputs.TypeDate:
		return avroLogical{Type: "int", Logical: "date"}
	case inputs.TypeInstant:
		return avroLogical{Type: "long", Logical: "timestamp-micros"}
	case inputs.TypeWeekdays:
		return avroArray{Type: "array", Items: "int"}
	case inputs.TypeMilliList:
		return avroArray{Type: "array", Items: decimal}
	case inputs.TypeUnitsList:
		return avroArray{Type: "array", Items: "long"}
	default:
		if def.Max <= math.MaxInt32 {
			return "int"
		}
		return "long"
	}
}

// columnDoc says in a sentence or two what a column is.
func columnDoc(def *inputs.ColumnDef) string {
	doc := def.Doc
	if def.Type == inputs.TypeEnum {
		doc += " One of " + strings.Join(def.Enum, ", ") + "."
	}
	if def.Unit != "" {
		doc += " Unit: " + def.Unit + "."
	}
	if def.Nullable {
		doc += " Null: " + def.Null + "."
	}
	return doc
}

func pretty(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("render schema: %w", err)
	}
	return []byte(b.String()), nil
}
