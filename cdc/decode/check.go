package decode

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/twmb/avro"

	"echelon/inputs"
	"echelon/inputs/schema"
)

// Check compares the registry's newest schemas with the mapping and the contracts, before the topics are read.
// What differs is an *inputs.Refusal that names every column; a registry that cannot be asked is a *RegistryError.
// Topics whose format is JSON have nothing to check, nor have canonical topics of no mapping without a schema: their
// records may be JSON.
func (f *Feeds) Check(ctx context.Context) error {
	names := f.Topics()
	var faults, where []string
	away := false
	for _, name := range names {
		t := f.topics[name]
		if away && t.format == "" {
			continue
		}
		found, err := f.checkTopic(ctx, t)
		if err != nil && t.format == "" { // its records may be JSON, and need no registry
			away = true
			continue
		}
		if err != nil {
			return err
		}
		if len(found) > 0 {
			faults, where = append(faults, found...), append(where, name)
		}
	}
	if len(faults) > 0 {
		return &inputs.Refusal{
			Kind: "schema_differs", Where: strings.Join(where, ", "),
			Hint: strings.Join(faults, "; ") + ": correct the mapping or the source's schema",
		}
	}
	return nil
}

func (f *Feeds) checkTopic(ctx context.Context, t *topic) ([]string, error) {
	needed := avroFormat(t.format)
	if t.mark != noMark || (!needed && t.format != "") || len(t.origins) == 0 {
		return nil, nil
	}
	if f.registry == nil {
		if needed {
			return nil, &RegistryError{Err: errors.New("none is configured, and topic " + t.name + " is Avro")}
		}
		return nil, nil
	}
	value, err := f.latest(ctx, t.name+"-value")
	if err != nil {
		return nil, err
	}
	if value == nil {
		if needed {
			return []string{"subject " + t.name + "-value is missing in the registry"}, nil
		}
		return nil, nil
	}
	root, err := compileAvro(value)
	if err != nil || root.kind != avroRecord {
		return []string{t.name + "-value: it is not the schema of a record"}, nil //nolint:nilerr // it is what differs
	}
	var faults []string
	if !t.origins[0].debezium {
		for _, o := range t.origins {
			found := o.differences(root, false, "")
			if len(found) == 0 {
				found = o.resolves(value)
			}
			faults = append(faults, found...)
		}
		return faults, nil
	}
	after := root.field("after")
	if after == nil || after.record() == nil || root.field("op") == nil || root.field("source") == nil {
		return []string{t.name + "-value: it is not Debezium's envelope (after, op, source)"}, nil
	}
	key, err := f.latest(ctx, t.name+"-key")
	if err != nil {
		return nil, err
	}
	var keyNode *avroNode
	if key != nil {
		if n, err := compileAvro(key); err == nil {
			keyNode = n.record()
		}
	}
	for _, o := range t.origins {
		faults = append(faults, o.differences(after.record(), true, "")...)
		if keyNode == nil {
			faults = append(faults, t.name+"-key: no schema of a record is there: the rows have no key")
			continue
		}
		faults = append(faults, o.differences(keyNode, false, "the key")...)
	}
	return faults, nil
}

// latest gives the newest schema of a subject, nil when there is none.
func (f *Feeds) latest(ctx context.Context, subject string) (*avro.Schema, error) {
	s, err := f.registry.Latest(ctx, subject)
	switch {
	case errors.Is(err, ErrUnknownSchema):
		return nil, nil //nolint:nilnil // no schema is an answer
	case err != nil:
		return nil, &RegistryError{Err: fmt.Errorf("subject %s: %w", subject, err)}
	}
	return s, nil
}

// differences compares a record with the columns that an origin takes from it. Of a key only the columns of the
// key that must have a value are taken, of a row beside a key only the others.
func (o *origin) differences(n *avroNode, beside bool, part string) []string {
	var faults []string
	for _, c := range o.cols {
		if c.from == "" || (part != "" && !c.key) || (beside && c.key) {
			continue
		}
		say := func(words string) {
			what := o.Contract.Table + "." + c.def.Name
			if c.from != c.def.Name {
				what += " (from " + c.from + ")"
			}
			faults = append(faults, what+": "+words)
		}
		in := "the schema"
		if part != "" {
			in = part
		}
		at := n.field(c.from)
		switch {
		case at == nil && (beside || part != "" || !c.def.Nullable):
			say("missing in " + in + nearest(n, c.from))
		case at == nil:
		default:
			given, null := at.given()
			if words := c.takes(given); words != "" {
				say(words)
			} else if null && !c.def.Nullable && !c.value.Words() {
				say("may be null in " + in + ", and must have a value")
			}
		}
	}
	return faults
}

// given strips a union with null.
func (n *avroNode) given() (given *avroNode, null bool) {
	if n.kind != avroUnion {
		return n, n.kind == avroNull
	}
	for _, b := range n.branches {
		if b.kind == avroNull {
			null = true
		} else {
			given = b
		}
	}
	if given == nil {
		given = n
	}
	return given, null
}

// takes says why values of a type cannot become values of the column; "": they can.
func (c *column) takes(n *avroNode) string {
	enc := c.schemed(n.enc)
	is := n.words()
	words := c.value.Words() || c.value.Mapping().Layout != ""
	switch t := c.def.Type; {
	case t.Lists() || t == inputs.TypeWeekdays:
		if n.kind == avroString {
			return ""
		}
		if n.kind != avroArray {
			return "is " + is + ", a list of numbers is needed"
		}
		item, _ := n.items.given()
		if item.number() || item.kind == avroString || (item.kind == avroRecord && item.field("scale") != nil) {
			return ""
		}
		return "is a list of " + item.words() + ", a list of numbers is needed"
	case n.kind == avroRecord:
		if n.field("scale") != nil && n.field("value") != nil && c.numeric() {
			return ""
		}
		return "is a record, " + c.needs()
	case n.kind == avroArray, n.kind == avroMap, n.kind == avroNull, n.kind == avroUnion:
		return "is " + is + ", " + c.needs()
	case (n.kind == avroBytes || n.kind == avroFixed) && enc.kind != encDecimal:
		return "is " + is + ", " + c.needs()
	case words, n.kind == avroString, n.kind == avroEnum, t.Texts() && n.kind != avroFloat && n.kind != avroDouble:
		return ""
	case c.temporalColumn():
		if (n.kind == avroInt || n.kind == avroLong) && enc.kind.temporal() {
			return ""
		}
		return "is " + is + ", " + c.needs() + " (a mapping file can name its unit)"
	case t == inputs.TypeBool:
		if n.kind == avroBool {
			return ""
		}
	case c.numeric() && n.number():
		return ""
	}
	return "is " + is + ", " + c.needs()
}

func (c *column) temporalColumn() bool {
	return c.def.Type == inputs.TypeDate || c.def.Type == inputs.TypeInstant || c.def.Type == inputs.TypeTimeOfDay
}

func (c *column) numeric() bool { return whole(c.def.Type) || c.def.Type == inputs.TypeMilli }

// needs says what a column needs.
func (c *column) needs() string {
	switch {
	case c.numeric():
		return "a number is needed"
	case c.temporalColumn():
		if c.def.Type == inputs.TypeInstant {
			return "an instant is needed"
		}
		return "a " + temporalWord(c.def.Type) + " is needed"
	case c.def.Type == inputs.TypeBool:
		return "true or false is needed"
	default:
		return "a text is needed"
	}
}

func (n *avroNode) number() bool {
	switch n.kind {
	case avroInt, avroLong, avroFloat, avroDouble:
		return true
	case avroBytes, avroFixed:
		return n.enc.kind == encDecimal
	default:
		return false
	}
}

// words names a type for people.
func (n *avroNode) words() string {
	if n.enc.kind == encDecimal {
		return "a decimal"
	}
	return [...]string{
		"null", "a boolean", "a whole number", "a whole number", "a float", "a double", "bytes", "a string", "fixed bytes", "an enum", "an array",
		"a map", "a union of several types", "a record",
	}[n.kind]
}

// nearest hints at a field whose name differs only a little: in case, or by what stands around it.
func nearest(n *avroNode, name string) string {
	var near []string
	for i := range n.fields {
		have := n.fields[i].name
		a, b := strings.ToLower(have), strings.ToLower(name)
		if a == b || strings.Contains(a, b) || strings.Contains(b, a) {
			near = append(near, have)
		}
	}
	if len(near) == 0 || len(near) > 3 {
		return ""
	}
	sort.Strings(near)
	return " (it has " + strings.Join(near, ", ") + ")"
}

// resolves lets the library resolve a writer's schema against our contract's, where no mapping stands between.
func (o *origin) resolves(writer *avro.Schema) []string {
	if o.Source != SourceCanonical {
		return nil
	}
	text, err := schema.Avro(o.Contract)
	if err != nil {
		return []string{o.Contract.Table + ": " + err.Error()}
	}
	reader, err := avro.Parse(string(text))
	if err != nil {
		return []string{o.Contract.Table + ": " + err.Error()}
	}
	root := reader.Root() // a record's own name is the producer's affair
	root.Name, root.Namespace = writer.Root().Name, writer.Root().Namespace
	if reader, err = root.Schema(); err == nil {
		_, err = avro.Resolve(writer, reader)
	}
	if err == nil {
		return nil
	}
	var c *avro.CompatibilityError
	if errors.As(err, &c) {
		return []string{fmt.Sprintf("%s: %s: written as %s, read as %s: %s", o.Contract.Table, c.Path, c.WriterType, c.ReaderType, c.Detail)}
	}
	return []string{o.Contract.Table + ": " + inputs.Cut(err.Error())}
}
