// Command kernelgen writes the vector form of the tile kernel: kernel_amd64.s and its stubs. go generate in package
// tile runs it; the same generator gives the same bytes.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// Bytes of a column, and of the rows of it that one register holds.
const (
	column = 256
	group  = 32
)

// Columns of tile.state, tile.window and tile.Needs.
const (
	stateP = iota * column
	stateP0
	stateSeen
	stateCount
	stateTrigger
	statePres
	statePack
	stateLeast
	stateLeastOrder
	stateDead
	statePerPack
)

const (
	windowFlow = iota * column
	windowLow
	windowStop
	windowTop
	windowAsk
	windowRoom
	windowHere
	windowUsed
)

const (
	needsWanted = iota * column
	needsN1
	needsN2
	needsN3
	needsSupply
	needsUnits
	needsRows
	needsOdd   = needsRows + 8
	needsAsked = needsRows + 16
)

func main() {
	ConstraintExpr("amd64")
	setFacts()
	cumulate()
	plainWindow()
	netWindow()
	Generate()
}

// word makes a constant of 32 bits for all rows of a register.
func word(name string, v uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	DATA(0, U32(v))
	return m
}
