// Package follow reads the change topics of all origins from the state's own offsets (never a group's), holds
// the records of a source transaction together, applies them, and makes cuts.
//
//	brokers ─fetch─▶ partition ─decode─▶ queue ─settle─▶ state ─▶ Cut
//	HTTP log ───────▶   (no transaction: straight to the state)
//
// A record of a source with a transaction topic waits in its partition's queue until its transaction is whole:
// END was read, and as many records as it says. A round applies the longest heads of all queues that take every
// transaction in whole or leave it out whole; whatever stands behind an open transaction in its partition waits
// with it. So the state is at a transaction's boundary after every round, and a cut can be made after any.
//
//	tx topic   BEGIN 7 · END 7 (2) · BEGIN 8 · BEGIN 9 · END 9 (1)
//	stock-0    7 · 8 · 9 ·                    8 is open: 8 and 9 wait here
//	stock-1    7 · – ·                        7 is whole and was applied
//
// What never comes holds nothing up for ever. A transaction of which records are missing, or its END although its
// source went on to another one, is taken as it is after a grace, once all was read that was there; offsets without
// records (compaction leaves them, at the end of a partition too) count as read; and what a transaction needs that
// others wait for is fetched even when as much waits as may (bound.go).
//
// Invariants:
//
//	F1 a record is applied at most once and in the order of its partition; offsets are the state's
//	F2 after every round each transaction is in the state whole or not at all
//	F3 what cannot be read any more is refused by name: topics that are missing or forbidden, offsets that the
//	   brokers no longer have, or do not have yet; nothing is jumped over
//	F4 what holds a feed up has a name: Status.Stalls
//	F5 the number of records held back is bounded: at the bound fetching stops, and the stall says so
package follow
