package inputs

// Type is the canonical type of a column: it decides unit, text form in files, range and the Vector slice used.
type Type uint8

// Column types. Units in brackets are those of Vector.Ints.
const (
	TypeID        Type = iota // [A-Za-z0-9][A-Za-z0-9._-]{0,63}
	TypeText                  // free text, control characters refused
	TypeZone                  // IANA zone name
	TypeCurrency              // three capital letters
	TypeEnum                  // index into ColumnDef.Enum
	TypeBool                  // 0, 1
	TypeUnits                 // whole units, 0 to 1e9
	TypeMilli                 // thousandths of the natural unit; files carry decimals with up to three places
	TypeMoney                 // integer minor units of a currency
	TypeNumber                // whole number without a unit: rank, priority, rule number, line
	TypeDays                  // whole days
	TypeDate                  // calendars.Day
	TypeInstant               // microseconds since 1970-01-01 UTC
	TypeTimeOfDay             // minutes after midnight, wall clock
	TypeVolume                // cm³
	TypeWeight                // g
	TypeWeekdays              // bit mask, bit 0 Monday to bit 6 Sunday; files carry a list of 1 to 7
	TypeMilliList             // list of thousandths
	TypeUnitsList             // list of whole units
)

// ColumnDef describes one column: the single source of truth for validation, schemas, headers and docs.
type ColumnDef struct {
	Name     string
	Type     Type
	Unit     string   // for people: units, days, thousandths of a pack, …
	Min, Max int64    // allowed range in canonical units, inclusive
	Enum     []string // TypeEnum: the words, in canonical order
	Key      bool     // part of the table's key
	Nullable bool     // null allowed
	Null     string   // what null means ("cascade", "no minimum", "the lane's", …)
	Ref      string   // table whose key this id names; "" none
	Since    int      // contract version that brought it in
	Used     bool     // this engine version plans with it
	Doc      string
}

// Contract is the description of one input table.
type Contract struct {
	Table    string
	Version  int
	Required bool // missing or empty: the cycle is refused
	Used     bool // this engine version plans with it
	Columns  []ColumnDef
	Rules    []Rule // what must hold across the columns of one row
	Doc      string

	byName map[string]int
}

// Rule is a condition across the columns of one row. A row that breaks it is quarantined with the reason
// columns_disagree, the first of the columns, and the rule's words.
type Rule struct {
	Columns []string                      // the columns it looks at, the one to name first
	Words   string                        // what must hold, for people
	broken  func(v []*Vector, r int) bool // v is parallel to Columns
}

// Index returns the position of a column, or -1.
func (c *Contract) Index(name string) int {
	if c.byName != nil {
		if i, ok := c.byName[name]; ok {
			return i
		}
		return -1
	}
	for i := range c.Columns {
		if c.Columns[i].Name == name {
			return i
		}
	}
	return -1
}
