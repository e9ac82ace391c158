// Package planfile writes and reads plan files: a DC's plan as one Parquet file per layer.
//
//	<state>/plans/tenant=T/cycle=C/dc=D/
//	    store-orders.parquet … workload.parquet     one per layer that is on, zstd, also when it has no line
//	    manifest.json                               last: digests, counts, row groups, plan hash
//
// The folder of a net change has, instead of what stands, the name of its base in the manifest; a small one keeps its
// layers, the same Parquet files, one after another in net.bin, for a file costs as much as some thousand lines:
//
//	net.bin                                     groups planned again, what was kept, layers: place, length and
//	                                            digest of each in the manifest
//
// The folder is outbox, audit record and replay source. tenant, cycle and dc are not columns of the files:
// they stand in the path, where DuckDB, Polars and pandas find them (Hive partitioning).
//
//	layer column    Parquet
//	item, node, lane, text, enum   string, dictionary (null where the layer says so)
//	day             date
//	int             int64
//	milli list      list of decimal(18,3); a dictionary where few numbers come again, runs of them
//	bool            boolean
//	ledger          list of struct {reason string, change int64}; steps that follow from need, minimum and
//	                pack of the line are left out, as the planner gives them
//	release_id      string, order layers only, after the layer's own columns; null: not released
//
// Invariants:
//
//	I1  a folder of that name is whole: it appears by one rename of a temporary folder whose files and
//	    directory entries are synced
//	I2  nothing of a file is decoded before its SHA-256 equals the manifest's
//	I3  the same chunks give the same bytes
package planfile
