// Package cdc turns change topics into the tables behind the next snapshot. This package itself holds the words
// its rooms share; the work is in the sub-packages:
//
//	topic-partition ──record──▶ decode ──Change──▶ state ──Cut (an inputs.Source)──▶ build.Snapshot
//	HTTP log ───────────────▶   (a Decoder per      │
//	                             goroutine)         └── checkpoint: Parquet + offsets + positions
//	follow: reads partitions from the checkpoint's offsets, holds transactions together, makes cuts
//	ingest: the durable log behind POST /v1/{tenant}/inputs/{table}
//
// Invariants:
//
//	I1  every record of every partition is counted once: applied + superseded + quarantined + filtered = read
//	I2  a row's columns hold what the newest change of their origin said, by the source's own position, whatever
//	    the order and number of arrivals
//	I3  a cut holds transactions whole and nothing behind its offsets
//	I4  equal records give equal tables, bit for bit, and equal to files with the same rows
package cdc
