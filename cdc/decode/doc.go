// Package decode turns records of change topics into changes of our tables.
//
//	record ──topic──▶ mark (transaction, heartbeat)  ──────────────────────────────▶ Change without a row
//	           │
//	           └────▶ envelope (Debezium JSON or Avro) or flat row (canonical) ──▶ one Change per origin
//	                  position, operation, transaction, spans of key and row
//	                                   │
//	                  columns of the mapping: field bytes ──feed.Value──▶ Cell in the contract's unit
//
// Where a column of the key must have a value, it is read from the record's key: the other columns of what a
// delete carries are not true. A record of several origins gives all their changes or none.
//
// Positions: PostgreSQL the log sequence number, and 1 behind it for the new row of a key change (its old row
// has 0); MySQL and MariaDB the number of the log file, and place and row within it; SQL Server the LSN of the
// transaction's commit and Oracle the SCN of it, and the record's place in the transaction; canonical records their
// position ("n" or "n:m"), else the record's offset plus one; the log behind HTTP its offset plus one. A tombstone
// has the position of the delete before it; without that delete it stands behind the record before it in its
// partition.
//
// Invariants that tests cite:
//
//	D1  a record gives its changes, or nothing (filtered), or one *inputs.Fault; any other error stops the feed and
//	    says nothing about the record
//	D2  the same record gives the same change in every encoding: JSON with and without schema, Avro
//	D3  no value is changed silently: what is not exact in the contract's unit is a fault
//	D4  whatever bytes come: no panic, and memory and time are bounded by the record's size
//	D5  an inventory update from Avro allocates nothing
package decode
