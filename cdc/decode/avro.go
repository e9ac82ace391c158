package decode

import (
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/avro"
)

// avroKind is the kind of a node of a schema.
type avroKind uint8

const (
	avroNull avroKind = iota
	avroBool
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroFixed
	avroEnum
	avroArray
	avroMap
	avroUnion
	avroRecord
)

// avroNode is a node of a writer's schema, as the walk over the bytes needs it.
type avroNode struct {
	kind     avroKind
	fields   []avroField // of a record
	branches []*avroNode // of a union
	items    *avroNode   // of an array, the values of a map
	size     int         // of a fixed
	symbols  [][]byte    // of an enum
	enc      encoding    // what numbers and bytes stand for
}

type avroField struct {
	name string
	node *avroNode
}

// Limits of schemas.
const (
	maxAvroNodes   = 100_000
	maxAvroSymbols = 10_000
)

var errSchema = errors.New("the schema cannot be read")

// avroCompiler turns the library's tree into nodes. Named types are shared, so that a schema may name itself.
type avroCompiler struct {
	byName map[string]*avroNode
	nodes  int
}

func compileAvro(s *avro.Schema) (*avroNode, error) {
	c := &avroCompiler{byName: map[string]*avroNode{}}
	return c.node(s.Root().ExpandReferences(), 0)
}

func (c *avroCompiler) node(s *avro.SchemaNode, depth int) (*avroNode, error) {
	if c.nodes++; c.nodes > maxAvroNodes || depth > maxDepth {
		return nil, fmt.Errorf("%w: it is too large or nested too deep", errSchema)
	}
	n := &avroNode{}
	switch s.Type {
	case "null":
		n.kind = avroNull
	case "boolean":
		n.kind = avroBool
	case "int":
		n.kind = avroInt
	case "long":
		n.kind = avroLong
	case "float":
		n.kind = avroFloat
	case "double":
		n.kind = avroDouble
	case "bytes":
		n.kind = avroBytes
	case "string":
		n.kind = avroString
	case "fixed":
		n.kind, n.size = avroFixed, s.Size
		c.name(s, n)
	case "enum":
		n.kind = avroEnum
		if len(s.Symbols) > maxAvroSymbols {
			return nil, fmt.Errorf("%w: an enum of %d symbols", errSchema, len(s.Symbols))
		}
		for _, word := range s.Symbols {
			n.symbols = append(n.symbols, []byte(word))
		}
		c.name(s, n)
	case "array", "map":
		n.kind = avroArray
		inner := s.Items
		if s.Type == "map" {
			n.kind, inner = avroMap, s.Values
		}
		var err error
		if n.items, err = c.node(inner, depth+1); err != nil {
			return nil, err
		}
	case "union":
		n.kind = avroUnion
		for i := range s.Branches {
			b, err := c.node(&s.Branches[i], depth+1)
			if err != nil {
				return nil, err
			}
			n.branches = append(n.branches, b)
		}
	case "record", "error":
		n.kind = avroRecord
		c.name(s, n)
		for i := range s.Fields {
			f, err := c.node(&s.Fields[i].Type, depth+1)
			if err != nil {
				return nil, err
			}
			n.fields = append(n.fields, avroField{s.Fields[i].Name, f})
		}
	default:
		known := c.byName[s.Type]
		if known == nil {
			return nil, fmt.Errorf("%w: no type %q", errSchema, s.Type)
		}
		return known, nil
	}
	n.enc = avroEncoding(s)
	return n, nil
}

func (c *avroCompiler) name(s *avro.SchemaNode, n *avroNode) {
	full := s.Name
	if s.Namespace != "" && !strings.Contains(s.Name, ".") {
		full = s.Namespace + "." + s.Name
	}
	c.byName[full] = n
}

// avroEncoding reads what Connect and the logical type say.
func avroEncoding(s *avro.SchemaNode) encoding {
	if s.LogicalType == "decimal" {
		return encoding{kind: encDecimal, scale: s.Scale}
	}
	if name, _ := s.Props["connect.name"].(string); name != "" {
		scale := ""
		if p, ok := s.Props["connect.parameters"].(map[string]any); ok {
			scale, _ = p["scale"].(string)
		}
		if e, ok := named(name, scale); ok && (e.kind != encPlain || s.LogicalType == "") {
			return e
		}
	}
	switch s.LogicalType {
	case "date":
		return encoding{kind: encDays}
	case "timestamp-millis", "time-millis":
		return encoding{kind: encMillis}
	case "timestamp-micros", "time-micros":
		return encoding{kind: encMicros}
	case "timestamp-nanos":
		return encoding{kind: encNanos}
	case "local-timestamp-millis":
		return encoding{kind: encMillis, local: true}
	case "local-timestamp-micros":
		return encoding{kind: encMicros, local: true}
	case "local-timestamp-nanos":
		return encoding{kind: encNanos, local: true}
	}
	return encoding{}
}

// record gives the record that a node is, or that is a branch of it.
func (n *avroNode) record() *avroNode {
	if n.kind == avroUnion {
		for _, b := range n.branches {
			if b.kind == avroRecord {
				return b
			}
		}
	}
	if n.kind == avroRecord {
		return n
	}
	return nil
}

// field gives a field of a record by name.
func (n *avroNode) field(name string) *avroNode {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].name == name {
			return n.fields[i].node
		}
	}
	return nil
}
