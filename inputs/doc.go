// Package inputs holds what comes in: the contract of every input table as data, the reading and checking of
// single cells and rows, and the immutable snapshot in columns that the planner reads.
//
//	text, typed pages ──▶ Batch ──Sieve──▶ rows that keep their Contract ──build──▶ Network + Partitions
//	                                └──▶ Fault (quarantine) and Counts
//
// A Contract lists the columns of a table with type, unit, range, meaning of null and key. Everything else is
// made from it: validation, headers, Avro and JSON Schema, the documentation page.
//
// Values of a Batch are canonical integers from the first reading on:
//
//	column type            in a file                      in a Vector
//	id, text, zone         text                           Codes into Dict
//	units, days, number    12                             Ints, the number itself
//	thousandths            2.5                            Ints, 2500
//	date                   2026-11-21                     Ints, days since 1970-01-01
//	instant                2026-11-21T02:00:00-06:00      Ints, microseconds UTC
//	time of day            09:30                          Ints, minutes after midnight
//	weekdays               1;3;5                          Ints, bit mask, bit 0 Monday
//	word                   min-max                        Ints, place in ColumnDef.Enum
//	list                   1;2.5;0                        Offsets, List
//
// Invariants that tests cite:
//
//	I1  FormatInt and ParseInt are inverse on every column's range.
//	I2  Nothing is rounded: what is not exact in the canonical unit is a Fault.
//	I3  Read = applied + superseded + quarantined + filtered, per table.
//	I4  Two different keys are never taken for one.
//	I5  A Fault is safe to print, whatever was in the cell.
//
// The package knows no files, no Kafka, no Arrow, no clock: sub-packages do files (feed, store), the rendering of
// contracts (schema) and the making of snapshots (build).
package inputs
