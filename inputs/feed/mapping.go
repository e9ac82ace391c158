package feed

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"echelon/inputs"
)

// Mapping says how a retailer's own extracts become tables:
//
//	version: 1
//	tables:
//	  forecasts:
//	    files: [fc_east_*.csv, fc_west.parquet]     # default: forecasts.*
//	    delimiter: ";"                              # of CSV files, default ,
//	    ignore: [comment]                           # source columns that are not needed
//	    columns:
//	      item: sku_no                              # the source's column
//	      node: {from: store_no, prefix: S}         # 17 → S17
//	      day: {from: date, layout: DD.MM.YYYY}
//	      demand: {from: ounces, factor: 1/64, decimal: comma, round: up}
//	  nodes:
//	    columns:
//	      kind: {from: type, values: {W: dc, F: store}, trim: true}
//	      zone: {constant: America/Chicago}
//
// A column that is not named keeps its name. Factors are exact; a result that is not exact in the contract's
// unit is quarantined unless round says up, down or nearest.
//
// Change topics stand in the same file: see SourceMapping and OriginMapping.
type Mapping struct {
	Version int                      `yaml:"version"`
	Sources map[string]SourceMapping `yaml:"sources"`
	Tables  map[string]TableMapping  `yaml:"tables"`
}

// TableMapping is the part of a mapping for one table.
type TableMapping struct {
	Files     []string                 `yaml:"files"`
	Delimiter string                   `yaml:"delimiter"`
	Ignore    []string                 `yaml:"ignore"`
	Columns   map[string]ColumnMapping `yaml:"columns"`
	From      []OriginMapping          `yaml:"from"` // change topics
}

// ColumnMapping is how one column is made. A plain word is From.
type ColumnMapping struct {
	From     string            `yaml:"from"`
	Constant *string           `yaml:"constant"` // in every row, as text
	Trim     bool              `yaml:"trim"`     // take blanks off
	Values   map[string]string `yaml:"values"`   // text to text; to "": null
	Prefix   string            `yaml:"prefix"`
	Layout   string            `yaml:"layout"` // of dates and instants: YYYY MM DD hh mm ss
	Zone     string            `yaml:"zone"`   // of instants whose layout has no offset
	Decimal  string            `yaml:"decimal"`
	Factor   string            `yaml:"factor"` // whole number or fraction: 12, 1/64
	Round    string            `yaml:"round"`
	Unit     string            `yaml:"unit"`  // of change topics without a schema: what a number of a date or instant counts
	Scale    *int              `yaml:"scale"` // of change topics without a schema: decimal places of a decimal sent as bytes
}

// UnmarshalYAML reads a plain word as From, and refuses keys that are not there.
func (c *ColumnMapping) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		return node.Decode(&c.From)
	}
	known := map[string]bool{
		"from": true, "constant": true, "trim": true, "values": true, "prefix": true, "layout": true, "zone": true,
		"decimal": true, "factor": true, "round": true, "unit": true, "scale": true,
	}
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			if k := node.Content[i]; !known[k.Value] {
				return fmt.Errorf("line %d: unknown key %q", k.Line, inputs.Cut(k.Value))
			}
		}
	}
	type plain ColumnMapping
	return node.Decode((*plain)(c))
}

const maxMapping = 4 << 20

// ReadMapping reads and checks a mapping file. A wrong one is an *inputs.Refusal that names every fault.
func ReadMapping(name string) (*Mapping, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, &inputs.Refusal{Kind: "bad_mapping", Where: name, Hint: "name a mapping file that can be read", Err: err}
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxMapping+1))
	if err != nil {
		return nil, fmt.Errorf("read mapping %s: %w", name, err)
	}
	if len(data) > maxMapping {
		return nil, &inputs.Refusal{Kind: "bad_mapping", Where: name, Hint: "it has more than 4 MiB"}
	}
	return ParseMapping(name, data)
}

// ParseMapping reads and checks the text of a mapping file; name stands in refusals.
func ParseMapping(name string, data []byte) (*Mapping, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	m := &Mapping{}
	if err := dec.Decode(m); err != nil {
		return nil, &inputs.Refusal{Kind: "bad_mapping", Where: name, Hint: "see the documentation of mapping files", Err: err}
	}
	if err := m.checkAs(name); err != nil {
		return nil, err
	}
	return m, nil
}

// Check checks a mapping that was made in memory. A wrong one is an *inputs.Refusal that names every fault.
func (m *Mapping) Check() error { return m.checkAs("mapping") }

func (m *Mapping) checkAs(name string) error {
	if faults := m.check(); len(faults) > 0 {
		return &inputs.Refusal{Kind: "bad_mapping", Where: name, Hint: strings.Join(faults, "; ")}
	}
	return nil
}

func (m *Mapping) table(name string) *TableMapping {
	if m == nil {
		return nil
	}
	if t, ok := m.Tables[name]; ok {
		return &t
	}
	return nil
}

func (m *Mapping) check() []string {
	var faults []string
	if m.Version != 1 {
		faults = append(faults, "version must be 1")
	}
	faults = append(faults, m.checkSources()...)
	for table, tm := range m.Tables {
		c := inputs.ContractOf(table)
		if c == nil {
			faults = append(faults, "no table "+inputs.Cut(table)+": tables are "+tableWords())
			continue
		}
		if len(tm.Delimiter) > 1 || tm.Delimiter == `"` || tm.Delimiter == "\n" {
			faults = append(faults, table+": delimiter must be one character")
		}
		for name, cm := range tm.Columns {
			i := c.Index(name)
			if i < 0 && name != opColumn {
				faults = append(faults, table+": no column "+inputs.Cut(name))
				continue
			}
			if i < 0 {
				continue
			}
			if cm.Unit != "" || cm.Scale != nil {
				faults = append(faults, table+"."+name+": unit and scale are for columns under from")
			}
			if _, err := newConversion(&c.Columns[i], cm); err != nil {
				faults = append(faults, table+"."+name+": "+err.Error())
			}
		}
		faults = append(faults, m.checkOrigins(c, tm.From)...)
	}
	sort.Strings(faults)
	return faults
}

// conversion is a ColumnMapping made ready.
type conversion struct {
	ColumnMapping
	layout   string // of package time
	location *time.Location
	comma    bool
	num, den uint64
	text     bool // From and Constant alone leave texts as they are
}

func newConversion(def *inputs.ColumnDef, cm ColumnMapping) (*conversion, error) {
	cv := &conversion{ColumnMapping: cm, num: 1, den: 1}
	cv.text = cm.Trim || cm.Values != nil || cm.Prefix != ""
	isTime := def.Type == inputs.TypeDate || def.Type == inputs.TypeInstant
	if cm.Constant != nil && cm.From != "" {
		return nil, fmt.Errorf("constant and from exclude each other")
	}
	if cm.Layout != "" {
		if !isTime {
			return nil, fmt.Errorf("layout is for dates and instants")
		}
		cv.layout = goLayout(cm.Layout)
		zone := cm.Zone
		if zone == "" {
			zone = "UTC"
		}
		loc, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" {
			return nil, fmt.Errorf("zone %q is not an IANA time zone", inputs.Cut(zone))
		}
		cv.location = loc
	}
	switch cm.Decimal {
	case "", "point":
	case "comma":
		cv.comma = true
	default:
		return nil, fmt.Errorf("decimal must be point or comma")
	}
	switch cm.Round {
	case "", "up", "down", "nearest":
	default:
		return nil, fmt.Errorf("round must be up, down or nearest")
	}
	if cm.Factor != "" {
		if !numeric(def.Type) {
			return nil, fmt.Errorf("factor is for numbers")
		}
		var err error
		if cv.num, cv.den, err = parseFactor(cm.Factor); err != nil {
			return nil, err
		}
	}
	if cm.Constant != nil && *cm.Constant != "" {
		c := column{def: def, conv: cv, dict: newDictionary()}
		if f := c.addText(*cm.Constant); f != nil {
			return nil, f
		}
	}
	return cv, nil
}

func parseFactor(s string) (num, den uint64, err error) {
	a, b, fraction := strings.Cut(s, "/")
	if !fraction {
		b = "1"
	}
	num, err1 := strconv.ParseUint(strings.TrimSpace(a), 10, 31)
	den, err2 := strconv.ParseUint(strings.TrimSpace(b), 10, 31)
	if err1 != nil || err2 != nil || num == 0 || den == 0 {
		return 0, 0, fmt.Errorf("factor %q: write a whole number or a fraction such as 1/64", inputs.Cut(s))
	}
	return num, den, nil
}

func goLayout(s string) string {
	return strings.NewReplacer("YYYY", "2006", "YY", "06", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05", "±hh:mm", "-07:00").Replace(s)
}

// numeric reports whether values are numbers to which a factor can be applied.
func numeric(t inputs.Type) bool {
	switch t {
	case inputs.TypeUnits, inputs.TypeMilli, inputs.TypeMoney, inputs.TypeNumber, inputs.TypeDays, inputs.TypeVolume,
		inputs.TypeWeight, inputs.TypeMilliList, inputs.TypeUnitsList:
		return true
	default:
		return false
	}
}
