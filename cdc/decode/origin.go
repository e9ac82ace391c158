package decode

import (
	"strings"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/feed"
)

// origin is a cdc.Origin with what decoding needs.
type origin struct {
	cdc.Origin
	index    int
	format   string // "": canonical, JSON or Avro
	debezium bool
	table    string // of the source: what its records must name; "" is not checked
	above    string // its schema or database; "" is not checked
	name     string // without them
	cols     []*column
	blank    []cdc.Cell // nulls and constants, parallel to Columns
	required []*column  // must have a value in an upsert
	keyed    []*column  // must have a value always
	op       columnName // of canonical records
	position columnName
}

type columnName struct {
	name   string
	values map[string]string
}

// column is one column that an origin gives.
type column struct {
	def      *inputs.ColumnDef
	value    *feed.Value
	from     string // in the source; "" constant
	cell     int    // index into the origin's Columns
	at       int    // index into the origin's cols
	contract int    // index into the contract's columns
	enc      encoding
	debezium bool
	plain    bool // an integer of the source is the contract's integer, if its range allows it
	key      bool // part of the key that must have a value: read from the record's key
	maybeKey bool // part of the key that may be null: read from both
}

// newOrigin makes an origin of its mapping, which was checked.
func newOrigin(c *inputs.Contract, m *feed.OriginMapping, src feed.SourceMapping, single bool) (*origin, error) {
	o := &origin{
		Origin:   cdc.Origin{Source: m.Source, Topic: m.Topic, Contract: c, Rows: m.Rows || single, Clock: src.Debezium()},
		format:   src.Format,
		debezium: src.Debezium(),
		table:    m.Table,
		op:       columnName{name: feed.OpColumn},
		position: columnName{name: feed.PositionColumn},
	}
	if m.Source == feed.SourceHTTP {
		o.Topic, o.format = cdc.HTTPTopic, feed.FormatJSON
	}
	o.above, o.name = cutLast(m.Table)
	name := m.Table
	if name == "" {
		name = c.Table
	}
	o.Name = m.Source + "/" + name
	for _, special := range []*columnName{&o.op, &o.position} {
		if cm, ok := m.Columns[special.name]; ok {
			if cm.From != "" {
				special.name = cm.From
			}
			special.values = cm.Values
		}
	}
	for i := range c.Columns {
		def := &c.Columns[i]
		cm, named := m.Columns[def.Name]
		if !named && len(m.Columns) > 0 {
			continue
		}
		if err := o.addColumn(def, i, cm); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *origin) addColumn(def *inputs.ColumnDef, at int, cm feed.ColumnMapping) error {
	v, err := feed.NewValue(def, cm)
	if err != nil {
		return err
	}
	col := &column{
		def: def, value: v, from: cm.From, cell: len(o.Columns), contract: at, at: len(o.cols), debezium: o.debezium,
		key: def.Key && !def.Nullable, maybeKey: def.Key && def.Nullable,
	}
	if col.from == "" && cm.Constant == nil {
		col.from = def.Name
	}
	col.enc = unschemed(def, cm, o.debezium)
	col.plain = !v.Converts() && whole(def.Type)
	o.Columns = append(o.Columns, at)
	o.blank = append(o.blank, cdc.Cell{})
	if cm.Constant != nil {
		cell, f := col.constant(*cm.Constant)
		if f != nil {
			return f
		}
		o.blank[col.cell] = cell
	}
	o.cols = append(o.cols, col)
	if !def.Nullable {
		o.required = append(o.required, col)
	}
	if col.key {
		o.keyed = append(o.keyed, col)
	}
	return nil
}

// own gives the origin with columns of its own.
func (o *origin) own() *origin {
	out := *o
	of := make(map[*column]*column, len(o.cols))
	list := func(cols []*column) []*column {
		mine := make([]*column, len(cols))
		for i, c := range cols {
			if of[c] == nil {
				copied := *c
				copied.value = c.value.Fork()
				of[c] = &copied
			}
			mine[i] = of[c]
		}
		return mine
	}
	out.cols, out.required, out.keyed = list(o.cols), list(o.required), list(o.keyed)
	return &out
}

// constant makes the cell of a constant, in memory of its own.
func (c *column) constant(s string) (cdc.Cell, *inputs.Fault) {
	var d scratch
	cell, f := c.text(&d, []byte(s), encoding{})
	cell.Text = append([]byte(nil), cell.Text...)
	cell.List = append([]int64(nil), cell.List...)
	return cell, f
}

// is reports whether a record's source table is the origin's.
func (o *origin) is(database, schema, table []byte) bool {
	if o.table == "" {
		return true
	}
	if string(table) != o.name {
		return false
	}
	if len(schema) == 0 {
		schema = database
	}
	return o.above == "" || string(schema) == o.above
}

func cutLast(s string) (above, name string) {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return s[:i], s[i+1:]
	}
	return "", s
}
