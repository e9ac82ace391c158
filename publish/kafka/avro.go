package kafka

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/twmb/avro"

	"echelon/planner"
	"echelon/publish/planfile"
)

// AvroSchema gives the value schema of a layer, derived from its columns: tenant, cycle and dc, then every
// column as a union with null (default null, so that columns can be added), release_id for order layers.
//
//	item, node, lane, text, enum   string
//	day                            int, logical type date
//	int                            long
//	milli                          bytes, logical type decimal(18,3)
//	milli list                     array of decimals
//	ledger                         array of records {reason, change}
//	bool                           boolean
func AvroSchema(layer *planner.Layer) (string, error) {
	type object = map[string]any
	decimal := object{"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 3}
	fields := []object{}
	for _, name := range []string{"tenant", "cycle", "dc"} {
		fields = append(fields, object{"name": name, "type": "string"})
	}
	add := func(name, doc string, t any) {
		f := object{"name": name, "type": []any{"null", t}, "default": nil}
		if doc != "" {
			f["doc"] = doc
		}
		fields = append(fields, f)
	}
	for i := range layer.Columns {
		c := &layer.Columns[i]
		switch c.Type {
		case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColText, planner.ColEnum:
			add(c.Name, c.Doc, "string")
		case planner.ColDay:
			add(c.Name, c.Doc, object{"type": "int", "logicalType": "date"})
		case planner.ColInt:
			add(c.Name, c.Doc, "long")
		case planner.ColMilli:
			add(c.Name, c.Doc, decimal)
		case planner.ColBool:
			add(c.Name, c.Doc, "boolean")
		case planner.ColMilliList:
			add(c.Name, c.Doc, object{"type": "array", "items": decimal})
		case planner.ColLedger:
			add(c.Name, c.Doc, object{"type": "array", "items": object{"type": "record", "name": "step", "fields": []object{
				{"name": "reason", "type": "string"}, {"name": "change", "type": "long"},
			}}})
		}
	}
	if planfile.IsOrders(layer.ID) {
		add("release_id", "hand it back with the open order", "string")
	}
	raw, err := json.Marshal(object{
		"type": "record", "name": strings.ReplaceAll(layer.Name, "-", "_"), "namespace": "echelon.plan.v1", "fields": fields,
	})
	if err != nil {
		return "", fmt.Errorf("schema of %s: %w", layer.Name, err)
	}
	if _, err := avro.Parse(string(raw)); err != nil {
		return "", fmt.Errorf("schema of %s: %w", layer.Name, err)
	}
	return string(raw), nil
}

// avroEncoder writes lines in the registry's wire format: a zero byte, the schema id, the Avro binary.
type avroEncoder struct {
	head  []byte
	cols  []avroColumn
	batch *planfile.Batch
}

type avroColumn struct {
	words [][]byte // encoded union branch and string by code
	col   *planfile.Column
}

func newAvroEncoder(m *planfile.Manifest, schemaID int) *avroEncoder {
	head := binary.BigEndian.AppendUint32([]byte{0}, uint32(schemaID))
	for _, s := range []string{m.Tenant, m.Cycle, m.DC} {
		head = appendAvroString(head, s)
	}
	return &avroEncoder{head: head}
}

func appendAvroString(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

// Branches of the unions.
const (
	avroNull  = 0 // zig-zag of 0
	avroValue = 2 // zig-zag of 1
)

func (e *avroEncoder) bind(b *planfile.Batch) {
	e.batch = b
	e.cols = e.cols[:0]
	for i := range b.Cols {
		c := avroColumn{col: &b.Cols[i]}
		if c.col.Codes != nil {
			c.words = make([][]byte, len(c.col.Dict))
			for k, word := range c.col.Dict {
				c.words[k] = appendAvroString([]byte{avroValue}, word)
			}
		}
		e.cols = append(e.cols, c)
	}
}

func (e *avroEncoder) appendValue(dst []byte, row int) []byte {
	dst = append(dst, e.head...)
	for i := range e.cols {
		c := e.cols[i].col
		if c.Null(row) {
			dst = append(dst, avroNull)
			continue
		}
		if words := e.cols[i].words; words != nil {
			dst = append(dst, words[c.Codes[row]]...)
			continue
		}
		dst = append(dst, avroValue)
		switch c.Def.Type {
		case planner.ColMilli:
			dst = appendAvroDecimal(dst, c.Ints[row])
		case planner.ColBool:
			dst = append(dst, byte(c.Ints[row]))
		case planner.ColMilliList, planner.ColLedger:
			dst = e.appendList(dst, c, row)
		default: // day, int
			dst = binary.AppendVarint(dst, c.Ints[row])
		}
	}
	if planfile.IsOrders(e.batch.Layer) {
		if e.batch.Release == nil || e.batch.Release[row] == "" {
			return append(dst, avroNull)
		}
		dst = appendAvroString(append(dst, avroValue), e.batch.Release[row])
	}
	return dst
}

// appendList writes one block of all entries and the closing empty one.
func (e *avroEncoder) appendList(dst []byte, c *planfile.Column, row int) []byte {
	from, to := c.Off[row], c.Off[row+1]
	if to > from {
		dst = binary.AppendVarint(dst, int64(to-from))
	}
	for k := from; k < to; k++ {
		if c.Def.Type == planner.ColMilliList {
			dst = appendAvroDecimal(dst, c.List[k])
			continue
		}
		dst = appendAvroString(dst, planner.Reason(c.Reason[k]).String())
		dst = binary.AppendVarint(dst, c.List[k])
	}
	return append(dst, 0)
}

// appendAvroDecimal writes an unscaled value as the shortest big-endian two's complement.
func appendAvroDecimal(dst []byte, v int64) []byte {
	n := 1
	for n < 8 && v>>(8*n-1) != 0 && v>>(8*n-1) != -1 {
		n++
	}
	dst = binary.AppendVarint(dst, int64(n))
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(8*i)))
	}
	return dst
}
