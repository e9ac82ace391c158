package inputs

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Reason says why a row is in quarantine. The list is append-only: dashboards count by it.
type Reason string

// Reasons of quarantine.
const (
	WrongType       Reason = "wrong_type"        // not a value of the column's type
	TooManyPlaces   Reason = "too_many_places"   // more than three decimal places: rounding would change it silently
	OutOfRange      Reason = "out_of_range"      // outside the column's range
	BadID           Reason = "bad_id"            // outside the id grammar
	BadText         Reason = "bad_text"          // control characters, terminal escapes, invalid UTF-8 or too long
	UnknownWord     Reason = "unknown_word"      // not one of the column's words
	UnknownZone     Reason = "unknown_zone"      // not an IANA time zone
	BadDate         Reason = "bad_date"          // no civil date, instant or time of day
	BadList         Reason = "bad_list"          // an element of a list is wrong, or the list is too long
	MissingValue    Reason = "missing_value"     // null where a value is needed
	ColumnsDisagree Reason = "columns_disagree"  // a rule across columns does not hold
	DuplicateKey    Reason = "duplicate_key"     // the key was there before with other values
	UnknownRef      Reason = "unknown_reference" // an id that its table does not have
	BadRecord       Reason = "bad_record"        // the record cannot be read: fields missing, quotes, broken JSON
	TooLarge        Reason = "too_large"         // a field or record over the limit
	BadOp           Reason = "bad_op"            // not an operation of an increment
	TooLate         Reason = "too_late"          // a change older than the replay window of its feed
)

// ReasonWords is a reason with its words for people.
type ReasonWords struct {
	Reason Reason
	Words  string
}

// Reasons lists every reason, in the order of the documentation.
func Reasons() []ReasonWords {
	return []ReasonWords{
		{WrongType, "not a value of the column's type"},
		{TooManyPlaces, "more than three decimal places: rounding would change it silently"},
		{OutOfRange, "outside the column's range"},
		{BadID, "outside the grammar of ids"},
		{BadText, "control characters, terminal escapes, invisible marks, invalid UTF-8, or too long"},
		{UnknownWord, "not one of the column's words"},
		{UnknownZone, "not an IANA time zone"},
		{BadDate, "no date, instant or time of day that exists"},
		{BadList, "an element of a list is wrong or null, or the list is too long"},
		{MissingValue, "null where a value is needed"},
		{ColumnsDisagree, "a rule across columns does not hold"},
		{DuplicateKey, "the key was there before with other values"},
		{UnknownRef, "an id that its table does not have"},
		{BadRecord, "the record cannot be read: fields missing, quotes, broken JSON"},
		{TooLarge, "a record over 1 MiB in a file, over 16 MiB in a change topic"},
		{BadOp, "not an operation of an increment"},
		{TooLate, "a change older than the replay window of its feed"},
	}
}

// Fault is what is wrong with one row: the quarantine record. Table, Source and Position say where; they are
// empty in the faults of single cells.
type Fault struct {
	Table    string
	Reason   Reason
	Column   string
	Value    string // as it was read, cut
	Hint     string // what to do
	Source   string
	Position int64 // 1-based data row of a file, offset of a topic
}

// Error gives the fault as one line.
func (f *Fault) Error() string {
	var b strings.Builder
	if f.Source != "" {
		fmt.Fprintf(&b, "%s row %d: ", f.Source, f.Position)
	}
	if f.Column != "" {
		fmt.Fprintf(&b, "column %s: ", f.Column)
	}
	if f.Value != "" {
		fmt.Fprintf(&b, "%q: ", f.Value)
	}
	b.WriteString(string(f.Reason))
	if f.Hint != "" {
		b.WriteString(": " + f.Hint)
	}
	return b.String()
}

// cutRunes is how much of a value a fault repeats.
const cutRunes = 60

// Cut shortens a value for a fault and makes it safe to print: control characters and invalid UTF-8 become
// the replacement character.
func Cut(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == cutRunes {
			b.WriteString("…")
			break
		}
		if !printable(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// printable refuses C0 and C1 controls, DEL, line and paragraph separators, and the marks that reorder or
// hide text: a name must look in a terminal like what it is.
func printable(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == utf8.RuneError:
		return false
	case r == 0x2028, r == 0x2029, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0xfeff:
		return false
	}
	return true
}

// Counts is what became of the records of one table: Read = Applied + Superseded + Quarantined + Filtered.
type Counts struct {
	Read        int64
	Applied     int64
	Superseded  int64 // a later or equal row for the same key took its place
	Quarantined int64
	Filtered    int64 // right, and not meant for this plan (deletes that were carried out, quantiles)
}

// Add adds the counts of another part of the table.
func (c *Counts) Add(o Counts) {
	c.Read += o.Read
	c.Applied += o.Applied
	c.Superseded += o.Superseded
	c.Quarantined += o.Quarantined
	c.Filtered += o.Filtered
}

// Balanced reports whether every record is accounted for.
func (c Counts) Balanced() bool {
	return c.Read == c.Applied+c.Superseded+c.Quarantined+c.Filtered
}
