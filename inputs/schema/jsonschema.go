package schema

import (
	"bytes"
	"encoding/json"
	"fmt"

	"echelon/inputs"
)

// property is what JSON Schema says of one column.
type property struct {
	Type        any       `json:"type,omitempty"`
	Description string    `json:"description"`
	Pattern     string    `json:"pattern,omitempty"`
	Format      string    `json:"format,omitempty"`
	Enum        []any     `json:"enum,omitempty"`
	Minimum     any       `json:"minimum,omitempty"`
	Maximum     any       `json:"maximum,omitempty"`
	MultipleOf  any       `json:"multipleOf,omitempty"`
	MaxLength   int       `json:"maxLength,omitempty"`
	MaxItems    int       `json:"maxItems,omitempty"`
	MinItems    int       `json:"minItems,omitempty"`
	UniqueItems bool      `json:"uniqueItems,omitempty"`
	Items       *property `json:"items,omitempty"`
}

// ordered is a JSON object whose members keep their order.
type ordered []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// JSONSchema is the JSON Schema (draft 2020-12) of one row as a JSON object: one line of JSON Lines.
func JSONSchema(c *inputs.Contract) ([]byte, error) {
	var props ordered
	required := []string{}
	for i := range c.Columns {
		def := &c.Columns[i]
		p := propertyOf(def)
		if def.Nullable {
			p.Type = []any{p.Type, "null"}
			if p.Enum != nil {
				p.Enum = append(p.Enum, nil)
			}
		} else {
			required = append(required, def.Name)
		}
		props = append(props, member{def.Name, p})
	}
	return pretty(ordered{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", fmt.Sprintf("urn:echelon:inputs:v%d:%s", c.Version, c.Table)},
		{"title", c.Table},
		{"description", c.Doc},
		{"type", "object"},
		{"properties", props},
		{"required", required},
	})
}

func propertyOf(def *inputs.ColumnDef) property {
	p := property{Type: "string", Description: columnDoc(def)}
	switch def.Type {
	case inputs.TypeID:
		p.Pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
	case inputs.TypeText:
		p.MaxLength = inputs.MaxTextRunes
	case inputs.TypeZone:
		p.Pattern = "^[A-Za-z][A-Za-z0-9_+/-]*$"
	case inputs.TypeCurrency:
		p.Pattern = "^[A-Z]{3}$"
	case inputs.TypeEnum:
		for _, w := range def.Enum {
			p.Enum = append(p.Enum, w)
		}
	case inputs.TypeBool:
		p.Type = "boolean"
	case inputs.TypeDate:
		p.Format = "date"
	case inputs.TypeInstant:
		p.Format = "date-time"
	case inputs.TypeTimeOfDay:
		p.Pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
	case inputs.TypeWeekdays:
		return property{
			Type: "array", Description: p.Description, MinItems: 1, MaxItems: 7, UniqueItems: true,
			Items: &property{Type: "integer", Description: "1 Monday to 7 Sunday.", Minimum: 1, Maximum: 7},
		}
	case inputs.TypeMilliList, inputs.TypeUnitsList:
		item := number(def, "One day.")
		return property{Type: "array", Description: p.Description, MinItems: 1, MaxItems: inputs.MaxList, Items: &item}
	default:
		return number(def, p.Description)
	}
	return p
}

// number is the schema of a number with the column's range in the unit that files carry.
func number(def *inputs.ColumnDef, doc string) property {
	low, high := json.RawMessage(inputs.FormatInt(def, def.Min)), json.RawMessage(inputs.FormatInt(def, def.Max))
	p := property{Type: "integer", Description: doc, Minimum: low, Maximum: high}
	if def.Type == inputs.TypeMilli || def.Type == inputs.TypeMilliList {
		p.Type, p.MultipleOf = "number", json.RawMessage("0.001")
	}
	return p
}
