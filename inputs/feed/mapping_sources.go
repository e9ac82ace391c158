package feed

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"echelon/inputs"
)

// SourceMapping is a source whose change topics feed tables:
//
//	sources:
//	  wms: {format: debezium-avro, transactions: wms.transaction, heartbeat: __debezium-heartbeat.wms}
//	  oms: {format: debezium-json}
//	  lake: {format: json}
//
// Positions and transactions are compared within a source.
type SourceMapping struct {
	Format       string `yaml:"format"`       // debezium-json, debezium-avro, json or avro (our contract's columns)
	Transactions string `yaml:"transactions"` // topic of BEGIN and END, "" none
	Heartbeat    string `yaml:"heartbeat"`    // topic of heartbeats, "" none
}

// Debezium reports whether the source's records are Debezium's envelopes.
func (s SourceMapping) Debezium() bool {
	return s.Format == FormatDebeziumJSON || s.Format == FormatDebeziumAvro
}

// Formats of sources.
const (
	FormatDebeziumJSON = "debezium-json"
	FormatDebeziumAvro = "debezium-avro"
	FormatJSON         = "json"
	FormatAvro         = "avro"
)

// SourceHTTP is the source of rows that come by HTTP. It need not be declared and has no topic.
const SourceHTTP = "http"

// OriginMapping is a source table that feeds one of our tables:
//
//	tables:
//	  inventory:
//	    from:
//	      - {source: wms, table: public.stock, topic: wms.public.stock, rows: true,
//	         columns: {item: sku_no, node: {from: store_no, prefix: S}, on_hand: {from: cases, factor: 12}}}
//	      - {source: oms, table: public.reservations, topic: oms.public.reservations,
//	         columns: {item: sku_no, node: {from: store_no, prefix: S}, reserved: qty}}
//
// An origin gives the columns that it names, and without columns all of the table's. Every column but the key
// belongs to one origin. The one with rows decides whether a row is there (a single one need not say so).
type OriginMapping struct {
	Source  string                   `yaml:"source"`
	Table   string                   `yaml:"table"` // in the source: schema.table, database.table, or table alone
	Topic   string                   `yaml:"topic"`
	Rows    bool                     `yaml:"rows"`
	Columns map[string]ColumnMapping `yaml:"columns"`
}

// PositionColumn is the name under which a canonical record carries its position in the source.
const PositionColumn = "position"

// OpColumn is the name under which a canonical record carries its operation.
const OpColumn = opColumn

func (m *Mapping) checkSources() []string {
	var faults []string
	topics := map[string]string{}
	claim := func(topic, by string) {
		if other, taken := topics[topic]; taken && topic != "" {
			faults = append(faults, fmt.Sprintf("topic %s is named by %s and by %s", inputs.Cut(topic), other, by))
		}
		topics[topic] = by
	}
	for _, name := range sortedNames(m.Sources) {
		s := m.Sources[name]
		where := "sources." + inputs.Cut(name)
		if name == "" || name == SourceHTTP || strings.ContainsAny(name, "/ \t\n") {
			faults = append(faults, where+": a source's name is a word without / and is not "+SourceHTTP)
		}
		switch s.Format {
		case FormatDebeziumJSON, FormatDebeziumAvro, FormatJSON, FormatAvro:
		default:
			faults = append(faults, where+": format must be debezium-json, debezium-avro, json or avro")
		}
		claim(s.Transactions, where+".transactions")
		claim(s.Heartbeat, where+".heartbeat")
	}
	for _, table := range sortedNames(m.Tables) {
		for _, o := range m.Tables[table].From {
			if by, taken := topics[o.Topic]; taken && o.Topic != "" {
				faults = append(faults, fmt.Sprintf("topic %s is named by %s and by %s", inputs.Cut(o.Topic), by, table))
			}
		}
	}
	return faults
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// checkOrigins checks what feeds one table.
func (m *Mapping) checkOrigins(c *inputs.Contract, from []OriginMapping) []string {
	if len(from) == 0 {
		return nil
	}
	var faults []string
	owner := make([]string, len(c.Columns))
	rows := 0
	seen := map[string]bool{}
	for i := range from {
		o := &from[i]
		where := fmt.Sprintf("%s.from[%d]", c.Table, i)
		say := func(words string) { faults = append(faults, where+": "+words) }
		src, known := m.Sources[o.Source]
		switch {
		case o.Source == SourceHTTP:
			if o.Topic != "" {
				say("rows that come by HTTP have no topic")
			}
		case !known:
			say("no source " + inputs.Cut(o.Source) + ": declare it under sources")
		case o.Topic == "":
			say("topic is missing")
		case src.Debezium() && o.Table == "":
			say("table is missing: the source's table as schema.table")
		case src.Debezium() && len(o.Columns) == 0:
			say("columns are missing: name what each of ours comes from")
		}
		if id := o.Source + "/" + o.Table + "/" + o.Topic; seen[id] {
			say("the same table of the same source feeds this table twice")
		} else {
			seen[id] = true
		}
		if o.Rows {
			rows++
		}
		faults = append(faults, m.checkOriginColumns(c, o, where, src.Debezium(), o.Rows || len(from) == 1, owner)...)
	}
	if rows > 1 || (rows == 0 && len(from) > 1) {
		faults = append(faults, c.Table+": exactly one entry of from has rows: true: the one that says which rows there are")
	}
	for i := range c.Columns {
		if owner[i] == "" && !c.Columns[i].Nullable && !c.Columns[i].Key {
			faults = append(faults, c.Table+"."+c.Columns[i].Name+": no entry of from gives it, and it must have a value")
		}
	}
	return faults
}

func (m *Mapping) checkOriginColumns(c *inputs.Contract, o *OriginMapping, where string, debezium, rows bool, owner []string) []string {
	var faults []string
	owns := false
	for i := range c.Columns {
		def := &c.Columns[i]
		cm, named := o.Columns[def.Name]
		if !named && len(o.Columns) > 0 {
			if def.Key && !def.Nullable {
				faults = append(faults, where+": column "+def.Name+" is missing: it is part of the key")
			}
			continue
		}
		if err := checkColumn(def, cm); err != nil {
			faults = append(faults, where+"."+def.Name+": "+err.Error())
		}
		if def.Key {
			continue
		}
		owns = true
		if owner[i] != "" {
			faults = append(faults, where+"."+def.Name+": "+owner[i]+" gives it already: each column belongs to one origin")
		}
		owner[i] = where
	}
	for _, name := range sortedNames(o.Columns) {
		special := name == opColumn || name == PositionColumn
		if c.Index(name) < 0 && (!special || debezium) {
			faults = append(faults, where+": no column "+inputs.Cut(name))
		}
	}
	onlyKeys := !slices.ContainsFunc(c.Columns, func(d inputs.ColumnDef) bool { return !d.Key })
	if !owns && !onlyKeys && !rows {
		faults = append(faults, where+": it gives nothing but the key")
	}
	return faults
}

func checkColumn(def *inputs.ColumnDef, cm ColumnMapping) error {
	if _, err := NewValue(def, cm); err != nil {
		return err
	}
	return nil
}

// Units of numbers that stand for dates, instants and times of day.
const (
	UnitDays    = "days"
	UnitSeconds = "seconds"
	UnitMillis  = "millis"
	UnitMicros  = "micros"
	UnitNanos   = "nanos"
)

func checkUnit(def *inputs.ColumnDef, cm ColumnMapping) error {
	switch cm.Unit {
	case "":
	case UnitDays, UnitSeconds, UnitMillis, UnitMicros, UnitNanos:
		if def.Type != inputs.TypeDate && def.Type != inputs.TypeInstant && def.Type != inputs.TypeTimeOfDay {
			return fmt.Errorf("unit is for dates, instants and times of day")
		}
		if cm.Unit == UnitDays && def.Type != inputs.TypeDate {
			return fmt.Errorf("days are for dates")
		}
	default:
		return fmt.Errorf("unit must be days, seconds, millis, micros or nanos")
	}
	if cm.Scale != nil && (*cm.Scale < 0 || *cm.Scale > 38) {
		return fmt.Errorf("scale must be 0 to 38")
	}
	return nil
}
