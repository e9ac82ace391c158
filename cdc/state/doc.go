// Package state holds the input tables as the change feeds say they are, in columns, and hands out immutable cuts
// of them.
//
//	Change ─▶ partition  next offset, fate of every record, newest rank          (partition.go)
//	       ─▶ window     ranks of the rows changed lately, of deleted ones too   (window.go, dayslog.go)
//	       ─▶ keyspace   key words ─▶ slot, by open addressing                   (keyspace.go)
//	       ─▶ table      per column blocks of 1,024 slots, as narrow as the contract allows, null bits (table.go, block.go)
//	       ─▶ days       forecasts: per (item, node) the days known, 1, 2, 4 or 8 bytes each (days.go, forecasts.go)
//	Cut    ◀─ the blocks as they are; a block that a cut holds is copied before it is written again (cut.go)
//	       ─▶ checkpoint folder: Parquet per table, manifest with digests written last (checkpoint.go)
//
// Tables whose key is exactly (item, node) share one keyspace: their rows, and the forecast days, lie at the same
// slot. A slot is handed out when a key is first named and given back, by Checkpoint, when no table has a row or
// a waiting column there and no rank of it is remembered.
//
// A rank is the source's position and whether the change was streamed: at one position a snapshot read is the
// older one. Ranks are remembered per (origin, key) in a window of bounded size; what is pushed out raises the
// origin's floor. A key without a remembered rank was last changed at or before the floor.
//
// Of forecast rows the one with the highest rank that names a day decides the day; it has a value as long as that
// row was not deleted, and not changed to name other days, since. Days of other rows do not come back.
//
// Invariants:
//
//	S1 each partition: read = applied + superseded + quarantined + filtered, one fate per offset
//	S2 equal sets of records give equal tables, whatever their order and number, while they arrive inside the window
//	S3 a cut never changes; its rows are sorted by key and keep their contract
//	S4 opened from a checkpoint and fed from its offsets, state and counts are those that never stopped
package state
