// Package schema renders the contracts of the input tables for people and for other programs: text, Markdown,
// Avro schema, JSON Schema. The contracts in package inputs are the only source; nothing here adds a fact.
package schema

import (
	"fmt"
	"strings"

	"echelon/inputs"
)

// Formats lists the renderings, in the order of the documentation.
func Formats() []string { return []string{"text", "markdown", "avro", "json-schema"} }

// Render gives the contract of a table in one of Formats.
func Render(c *inputs.Contract, format string) ([]byte, error) {
	switch format {
	case "text":
		return []byte(Text(c)), nil
	case "markdown":
		return []byte(Markdown(c)), nil
	case "avro":
		return Avro(c)
	case "json-schema":
		return JSONSchema(c)
	}
	return nil, fmt.Errorf("unknown format %q: use one of %s", format, strings.Join(Formats(), ", "))
}

// typeWords says what a file carries.
func typeWords(def *inputs.ColumnDef) string {
	switch def.Type {
	case inputs.TypeID:
		return "id"
	case inputs.TypeText:
		return "text"
	case inputs.TypeZone:
		return "IANA zone"
	case inputs.TypeCurrency:
		return "currency, three capitals"
	case inputs.TypeEnum:
		return strings.Join(def.Enum, " / ")
	case inputs.TypeBool:
		return "true / false"
	case inputs.TypeMilli:
		return "decimal, up to 3 places"
	case inputs.TypeDate:
		return "date"
	case inputs.TypeInstant:
		return "instant with offset"
	case inputs.TypeTimeOfDay:
		return "HH:MM"
	case inputs.TypeWeekdays:
		return "list of weekdays"
	case inputs.TypeMilliList:
		return "list of decimals, up to 3 places"
	case inputs.TypeUnitsList:
		return "list of whole numbers"
	default:
		return "whole number"
	}
}

// rangeWords gives the range of a number or date, "" where the type says it all.
func rangeWords(def *inputs.ColumnDef) string {
	switch def.Type {
	case inputs.TypeID, inputs.TypeText, inputs.TypeZone, inputs.TypeCurrency, inputs.TypeEnum, inputs.TypeBool,
		inputs.TypeTimeOfDay, inputs.TypeWeekdays:
		return ""
	default:
		return inputs.FormatInt(def, def.Min) + " to " + inputs.FormatInt(def, def.Max)
	}
}

// nullWords says what null means, "required" where it is refused.
func nullWords(def *inputs.ColumnDef) string {
	if !def.Nullable {
		return "required"
	}
	return def.Null
}

// notes gathers what else is to be said about a column.
func notes(def *inputs.ColumnDef, used bool) []string {
	var out []string
	if def.Key {
		out = append(out, "key")
	}
	if def.Ref != "" {
		out = append(out, "names a row of "+def.Ref)
	}
	if used && !def.Used {
		out = append(out, "checked, not planned with yet")
	}
	return out
}

// Text is the contract for a terminal: a line of facts per column.
func Text(c *inputs.Contract) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (contract version %d)%s\n%s\n\n", c.Table, c.Version, tableNotes(c), c.Doc)
	rows := [][]string{{"column", "type", "unit", "range", "null means", "notes"}}
	for i := range c.Columns {
		def := &c.Columns[i]
		rows = append(rows, []string{
			def.Name, typeWords(def), def.Unit, rangeWords(def), nullWords(def), strings.Join(notes(def, c.Used), ", "),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += cell + strings.Repeat(" ", widths[i]-len([]rune(cell))+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	for _, words := range ruleWords(c) {
		b.WriteString("rule: " + words + "\n")
	}
	return b.String()
}

func tableNotes(c *inputs.Contract) string {
	s := ""
	if c.Required {
		s += ", required"
	}
	if !c.Used {
		s += ", checked and not planned with yet"
	}
	return s
}

func ruleWords(c *inputs.Contract) []string {
	var out []string
	for i := range c.Rules {
		out = append(out, c.Rules[i].Words)
	}
	return out
}

// Markdown is the section of one table in the documentation.
func Markdown(c *inputs.Contract) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## `%s`\n\n%s Contract version %d%s.\n\n", c.Table, c.Doc, c.Version, tableNotes(c))
	b.WriteString("| column | what | type | unit | range | null means |\n|---|---|---|---|---|---|\n")
	for i := range c.Columns {
		def := &c.Columns[i]
		name := "`" + def.Name + "`"
		if def.Key {
			name = "**" + name + "**"
		}
		doc := def.Doc
		if def.Ref != "" {
			doc += " Names a row of `" + def.Ref + "`."
		}
		if c.Used && !def.Used {
			doc += " *Checked, not planned with yet.*"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", name, doc, typeWords(def), def.Unit, rangeWords(def), nullWords(def))
	}
	if words := ruleWords(c); len(words) > 0 {
		b.WriteString("\nAcross columns:\n\n")
		for _, w := range words {
			b.WriteString("- " + w + "\n")
		}
	}
	return b.String()
}

// requiredWords lists the tables without which nothing is planned.
func requiredWords() string {
	var names []string
	for _, c := range inputs.Contracts() {
		if c.Required {
			names = append(names, "`"+c.Table+"`")
		}
	}
	return strings.Join(names, ", ")
}
