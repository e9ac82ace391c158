// Package kafka publishes plan files to Kafka, each (cycle, DC) whole and exactly once, and reads them back.
//
//	plan files ──rows──▶ encoder ──records──▶ one transaction ──▶ <tenant>.plan.<layer>.v1
//	                                               └── manifest ──▶ <tenant>.plan.cycles.v1 (compacted)
//
// The protocol per (cycle, DC):
//
//	1 fence     a fresh producer with the transactional id of (environment, tenant, DC): a zombie's open
//	            transaction is aborted, its later requests are refused
//	2 settle    note the high watermark of the manifest topic, wait until the last stable offset reaches it:
//	            an open transaction of another DC hides a committed manifest behind it
//	3 look      same plan hash there: done already; another hash: refused; a later cycle of the DC planned
//	            without this one's releases: superseded
//	4 write     one transaction: every line, each promise awaited, and the manifest record
//	5 commit    any error: abort, drop the client, start over at 1 from the file, three times, then exit 75
//
// A DC that does not fit one transaction goes out in parts cut by row groups, each with its own record in
// the manifest topic, the DC's record last; a restart leaves out the row groups that are there.
//
// Records of the manifest topic (JSON, key → value):
//
//	tenant/cycle/dc         dc          planfile.Manifest, checksums and offsets of its lines
//	tenant/cycle/dc         superseded  the cycle of this DC will never be published
//	tenant/cycle/dc/part-n  part        row groups that a part's transaction carries
//	tenant/cycle            closing     publish.Closing with lines and checksums by layer
//	tenant/#ranges          ranges      partitions that each DC owns (partitioner dc-range)
//
// Invariants:
//
//	I1  a line is visible (read_committed) only together with the record that names its row group
//	I2  a plan hash of (cycle, DC) is committed at most once, whatever fails and whoever else writes
//	I3  a producer that was fenced commits nothing
//	I4  the same plan file gives the same keys, values and partitions in the same order
//	I5  reading back ends at the last stable offset that was noted at its start
package kafka
