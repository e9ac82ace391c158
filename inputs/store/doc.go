// Package store keeps a snapshot on disk: one folder per (tenant, cut), written DC by DC and loaded DC by DC.
//
//	<dir>/network.parquet     what all partitions share
//	<dir>/dc-<id>.parquet     one partition ("dc-_direct.parquet": rows that no DC serves)
//	<dir>/manifest.json       written last: versions, cut, rows, counts, the digest of every file
//
// A file is a Parquet table of chunks of columns, without a codec: loading is reading, one digest over the
// whole file and copying.
//
//	column  UTF-8    name of the column
//	first   INT64    number of the chunk's first element
//	count   INT64    elements of the chunk
//	width   INT32    bytes per element, little-endian
//	data    binary   count × width bytes, or width bytes when all elements are equal
//
// Texts are two columns: their bytes (".text") and where each ends (".end"). Empty columns are left out.
//
// Invariants:
//
//	I1 A folder of the final name is whole: it is written under another name, synced, and renamed.
//	I2 Nothing is decoded before the SHA-256 of its whole file was found equal to the manifest's, and the
//	   manifest's own to what it says of itself. Of a file that this process found right before, a keyed checksum of
//	   64 bits taken then stands for the SHA-256.
//	I3 Equal snapshots give equal bytes.
//	I4 Another tenant, layout, contract version or byte order is refused by name.
package store
