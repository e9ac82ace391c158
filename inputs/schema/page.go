package schema

import (
	"strings"

	"echelon/inputs"
)

// Page is docs/inputs.md: the conventions, every table, and what becomes of rows that break their contract.
func Page() string {
	var b strings.Builder
	b.WriteString(`# Input tables

*Made from the contracts in package inputs by its test (go test ./inputs/schema -update): do not edit.*

A folder holds each table as ` + "`<table>.parquet`, `.csv`, `.csv.gz` or `.jsonl`" + `, whole or in parts
(` + "`<table>.0001.csv`, `<table>.0002.csv`" + `), and ` + "`manifest.json` or `_SUCCESS`" + `, written last. Required tables: ` + requiredWords() + `.

## Conventions

- **Ids** are ` + "`[A-Za-z0-9][A-Za-z0-9._-]{0,63}`" + `. Texts are UTF-8 without control characters, up to 500 characters.
- **Numbers** are digits with a decimal point and at most three decimals where a column allows them. Exponents,
  thousands separators, blanks, a plus sign, NaN and infinities are refused; more than three decimals are refused
  and never rounded. A Parquet double counts as the shortest decimal that stands for it: 0.1 is a tenth.
- **Dates** are ` + "`YYYY-MM-DD`" + `; instants carry their offset (` + "`2026-11-21T02:00:00-06:00`" + `) and at most microseconds; times of
  day are ` + "`HH:MM`" + `. 1900-01-01 and 9999-12-31 may stand for open ends of ranges.
- **Null** is an empty CSV cell, a JSON null or a member left out, a Parquet null or an empty list. An absent column is
  null throughout; a column that must have a value must be there.
- **Lists** have ` + "`;`" + ` between their elements in CSV and are lists elsewhere. Weekdays are 1 (Monday) to 7.
- **Increments** are files with a column ` + "`op`" + ` (` + "`upsert`, `delete`" + `): the last row of a key counts.
- A **mapping file** (` + "`mapping.yaml`" + `, [mapping files](inputs-mapping.md)) renames tables and columns, sets constants, translates words, reads other date
  layouts and decimal commas, and converts units by exact factors such as ` + "`1/64`" + `.

`)
	for _, c := range inputs.Contracts() {
		b.WriteString(Markdown(c) + "\n")
	}
	b.WriteString(`## Rows that break their contract

They go to quarantine with table, reason, column, value, source and position; the rest go on. Every record is counted:
read = applied + superseded + quarantined + filtered.

- A key that comes again with the same values is superseded; with other values the first row stays and the later
  ones are quarantined: a source that says two things at once cannot be trusted with the second.
- A row of which several columns are wrong is counted once, under the first of them in the order above.
- Filtered rows are right and not meant for this plan: deletes that were carried out, forecasts of a quantile.

| reason | what was found |
|---|---|
`)
	for _, r := range inputs.Reasons() {
		b.WriteString("| `" + string(r.Reason) + "` | " + r.Words + " |\n")
	}
	return b.String()
}
