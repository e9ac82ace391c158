// Package feed reads and writes input tables as files.
//
// A folder holds one cut of the inputs:
//
//	inputs/
//	  skus.parquet            a table as one file: .parquet, .csv, .csv.gz or .jsonl
//	  forecasts.0001.parquet  or as parts, read in the order of their names
//	  forecasts.0002.parquet
//	  mapping.yaml            optional: other names, units and words (see Mapping)
//	  manifest.json           or _SUCCESS: written last, the folder is complete
//
//	bytes ──decoder──▶ batch + faults ──inputs.Sieve──▶ rows that keep the contract ──▶ inputs.Reader
//	                                        └──▶ quarantine (callback), counts, first faults (Report)
//
// A file with a column op (upsert, delete) is an increment: its rows replace rows of the same key in the files
// before it and in the folder that Options.Base names.
//
// Invariants that tests cite:
//
//	F1  A folder is taken whole or refused by name: no mark, temporary files, a listed file that is missing or
//	    has another size or digest, an unknown table, a file that ends too early.
//	F2  Every record is counted once: read = applied + superseded + quarantined + filtered.
//	F3  No value is changed silently: what is not exact in the contract's unit is quarantined.
//	F4  The same rows give the same batches in every format.
//	F5  Memory is bounded per record, whatever a file claims: records, lists and texts have limits.
package feed
