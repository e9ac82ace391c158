package inputs

import (
	"math"
	"sync"
)

// Ranges of the canonical units, inclusive.
const (
	MaxUnits   = 1_000_000_000         // whole units
	MaxMilli   = 1_000_000_000_000     // thousandths of a unit
	MaxMoney   = 1_000_000_000_000_000 // minor units
	MaxDays    = 3660                  // whole days: ten years
	MaxNumber  = 1_000_000_000         // rank, priority, rule and line numbers
	minDate    = -25567                // 1900-01-01: "since ever" in many extracts
	maxDate    = 2932896               // 9999-12-31: "without end" in many extracts
	maxPast    = 84005                 // 2199-12-31: events are nearer than validity ends
	minInstant = 0                     // 1970-01-01T00:00:00Z
	maxInstant = 84005 * 86400_000_000 // 2199-12-31T00:00:00Z
	maxMinutes = 24*60 - 1             // 23:59
	maxVolume  = math.MaxInt32 * 1000  // cm³
	maxWeight  = math.MaxInt32 * 1000  // g
)

var (
	contractsOnce sync.Once
	contractList  []*Contract
)

func contracts() []*Contract {
	contractsOnce.Do(func() {
		contractList = []*Contract{
			nodesContract(), itemsContract(), lanesContract(), calendarsContract(), calendarDaysContract(),
			skusContract(), sourcingContract(), inventoryContract(), lotsContract(), forecastsContract(),
			safetyStocksContract(), openOrdersContract(), vendorTermsContract(), capacitiesContract(),
			overridesContract(), carryContract(), releasesContract(), salesContract(), parametersContract(),
		}
		for _, c := range contractList {
			c.Version = 1
			c.byName = make(map[string]int, len(c.Columns))
			for i := range c.Columns {
				c.Columns[i].Since = 1
				c.Columns[i].Used = c.Columns[i].Used && c.Used
				c.byName[c.Columns[i].Name] = i
			}
		}
	})
	return contractList
}

// Contracts returns the contract of every table, in the order of the documentation. They are shared: read only.
func Contracts() []*Contract { return contracts() }

// TableNames lists the tables, in the order of the documentation.
func TableNames() []string {
	var names []string
	for _, c := range contracts() {
		names = append(names, c.Table)
	}
	return names
}

// ContractOf returns the contract of a table, nil when there is no such table.
func ContractOf(table string) *Contract {
	for _, c := range contracts() {
		if c.Table == table {
			return c
		}
	}
	return nil
}

// Keys returns the positions of the key columns.
func (c *Contract) Keys() []int {
	var keys []int
	for i := range c.Columns {
		if c.Columns[i].Key {
			keys = append(keys, i)
		}
	}
	return keys
}

// key makes a column part of its table's key.
func (c ColumnDef) key() ColumnDef { c.Key = true; return c }

// opt makes a column nullable and says what null means.
func (c ColumnDef) opt(null string) ColumnDef { c.Nullable, c.Null = true, null; return c }

// ref names the table whose key the id belongs to.
func (c ColumnDef) ref(table string) ColumnDef { c.Ref = table; return c }

// later marks a column that this engine version checks and does not plan with.
func (c ColumnDef) later() ColumnDef { c.Used = false; return c }

// from narrows the range from below.
func (c ColumnDef) from(low int64) ColumnDef { c.Min = low; return c }

// upTo narrows the range from above.
func (c ColumnDef) upTo(high int64) ColumnDef { c.Max = high; return c }

// in names the unit.
func (c ColumnDef) in(unit string) ColumnDef { c.Unit = unit; return c }

func column(name string, t Type, unit string, maximum int64, doc string) ColumnDef {
	return ColumnDef{Name: name, Type: t, Unit: unit, Max: maximum, Doc: doc, Used: true}
}

func id(name, doc string) ColumnDef       { return column(name, TypeID, "", 0, doc) }
func text(name, doc string) ColumnDef     { return column(name, TypeText, "", 0, doc) }
func zone(name, doc string) ColumnDef     { return column(name, TypeZone, "", 0, doc) }
func currency(name, doc string) ColumnDef { return column(name, TypeCurrency, "", 0, doc) }
func truth(name, doc string) ColumnDef    { return column(name, TypeBool, "", 1, doc) }
func units(name, doc string) ColumnDef    { return column(name, TypeUnits, "units", MaxUnits, doc) }
func milli(name, unit, doc string) ColumnDef {
	return column(name, TypeMilli, unit, MaxMilli, doc)
}

func money(name, doc string) ColumnDef  { return column(name, TypeMoney, "minor units", MaxMoney, doc) }
func number(name, doc string) ColumnDef { return column(name, TypeNumber, "", MaxNumber, doc) }
func days(name, doc string) ColumnDef   { return column(name, TypeDays, "days", MaxDays, doc) }
func volume(name, doc string) ColumnDef { return column(name, TypeVolume, "cm³", maxVolume, doc) }
func weight(name, doc string) ColumnDef { return column(name, TypeWeight, "g", maxWeight, doc) }
func instant(name, doc string) ColumnDef {
	return column(name, TypeInstant, "UTC", maxInstant, doc).from(minInstant)
}

func timeOfDay(name, doc string) ColumnDef {
	return column(name, TypeTimeOfDay, "wall clock", maxMinutes, doc)
}

func weekdays(name, doc string) ColumnDef {
	return column(name, TypeWeekdays, "1 Monday to 7 Sunday", 127, doc).from(1)
}

// date is a day on which something happens.
func date(name, doc string) ColumnDef { return column(name, TypeDate, "", maxPast, doc).from(0) }

// bound is the first or last day of a range, where extracts write 1900-01-01 and 9999-12-31 for "open".
func bound(name, doc string) ColumnDef {
	return column(name, TypeDate, "", maxDate, doc).from(minDate)
}

func enum(name, doc string, words ...string) ColumnDef {
	c := column(name, TypeEnum, "", int64(len(words)-1), doc)
	c.Enum = words
	return c
}
