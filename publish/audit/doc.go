// Package audit compares what past cycles planned, and what they were planned from.
//
//	plan files of two cycles ──▶ Diff:    per layer and line added, gone, changed by how much; which inputs moved
//	snapshots of two cycles  ──▶ Changes: per table and column rows changed, old and new totals
//
// Both read DC by DC and hold the lines or rows of one DC at a time. Plans of net changes are compared merged.
//
// Invariants: A1 a plan compared with itself has no difference, and neither has a snapshot · A2 what differs is
// counted once, in order of DC, layer and line.
package audit
