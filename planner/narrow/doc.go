// Package narrow lays numbers out in the fewest bytes of 1, 2, 4 or 8 that hold all of them: what of a plan is hashed.
//
//	Bits   one pass over the numbers: which bits any of them has, and in which any differs from the first
//	Put    width bytes of each number, little-endian, one after the other
//
// Two forms give the same bytes: plain Go, and AVX2 as assembly that narrowgen writes and go generate reproduces byte
// for byte; golang.org/x/sys/cpu chooses at start.
package narrow
