// Command kernelgen writes the vector form of the tile kernel: kernel_amd64.s and its stubs. go generate in package
// tile runs it; the same generator gives the same bytes.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
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
	needsNoted = needsRows + 16
)

// Pointers of tile.Facts, of 8 bytes each, and its rows whose demand is lost.
const (
	factsOnHand = iota * 8
	factsUnusable
	factsReserved
	factsBackorders
	factsSafety
	factsPresent
	factsSafeDays
	factsCap
	factsMin
	factsMax
	factsCover
	factsLife
	factsLost
)

// Columns and masks of tile.basis.
const (
	basisAvail = iota * column
	basisLevel
	basisUnits
	basisShelf
	basisSafe
	basisLife
	basisNegative
	basisWide  = basisNegative + 8
	basisAhead = basisNegative + 16
	basisLives = basisNegative + 24
)

// Limits of package tile.
const (
	maxUnits = 200_000
	maxAhead = 400
	deep     = 1 << 30
	always   = 1<<31 - 1
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

// setFacts is tile.columns: eight rows at a time.
func setFacts() {
	lanes := GLOBL("laneBits", RODATA|NOPTR)
	for l := range 8 {
		DATA(4*l, U32(1<<l))
	}
	limit := GLOBL("maxUnits64", RODATA|NOPTR)
	DATA(0, U64(maxUnits))
	most, farSafe, farLife := word("maxUnits", maxUnits), word("maxSafeDays", maxAhead*1000-1), word("maxAhead", maxAhead)
	mostRoom, noRoom, trigger := word("maxRoom", always/1000), word("always", always), word("minusDeep", 1<<32-deep)
	by := word("milli", 1000)

	TEXT("setFactsAVX2", NOSPLIT, "func(facts *int64, basis, state *int32)")
	Pragma("noescape")
	Doc("setFactsAVX2 fills the basis and the columns trigger and pres of the state from the facts of 64 rows.")
	facts, basis, state := Load(Param("facts"), GP64()), Load(Param("basis"), GP64()), Load(Param("state"), GP64())
	lost, from := GP64(), GP64()
	MOVQ(Mem{Base: facts, Disp: factsLost}, lost)
	negative, wide, ahead, lives := GP64(), GP64(), GP64(), GP64()
	for _, m := range []GPVirtual{negative, wide, ahead, lives} {
		XORQ(m, m)
	}
	g, half := GP64(), GP64()
	XORQ(g, g)
	XORQ(half, half)
	zero, milli := YMM(), YMM()
	VPXOR(zero, zero, zero)
	VPBROADCASTD(by, milli)
	at := func(base Register, disp int) Mem { return Mem{Base: base, Disp: disp, Index: g, Scale: 1} }
	// of gives a column of the facts; the next tile's lie behind them
	of := func(name, disp int) Mem {
		MOVQ(Mem{Base: facts, Disp: name}, from)
		if disp == 0 {
			PREFETCHT0(at(from, column))
		}
		return at(from, disp)
	}
	bits := func(into GPVirtual, v VecVirtual) {
		m := GP32()
		VMOVMSKPS(v, m)
		SHRQ(Imm(8), into)
		SHLQ(Imm(56), m.As64())
		ORQ(m.As64(), into)
	}
	more := func(than Mem, v VecVirtual) VecVirtual { // all ones where v is more
		t := YMM()
		VPBROADCASTD(than, t)
		VPCMPGTD(t, v, t)
		return t
	}

	Label("facts")
	// what is owed counts where demand is not lost
	mine, owed := YMM(), YMM()
	MOVQ(lost, mine.AsX())
	VPBROADCASTD(mine.AsX(), mine)
	VPAND(lanes, mine, mine)
	VPCMPEQD(lanes, mine, mine)
	VPANDN(of(factsBackorders, 0), mine, owed)
	SHRQ(Imm(8), lost)

	// what is available, in 64 bits
	var avail, much [2]VecVirtual
	for h := range avail {
		t, part := YMM(), XMM()
		avail[h], much[h] = YMM(), YMM()
		VPMOVSXDQ(of(factsOnHand, 16*h), avail[h])
		VPMOVSXDQ(of(factsUnusable, 16*h), t)
		VPSUBQ(t, avail[h], avail[h])
		VPMOVSXDQ(of(factsReserved, 16*h), t)
		VPSUBQ(t, avail[h], avail[h])
		VEXTRACTI128(Imm(uint64(h)), owed, part)
		VPMOVSXDQ(part, t)
		VPSUBQ(t, avail[h], avail[h])
		VPBROADCASTQ(limit, much[h])
		VPCMPGTQ(much[h], avail[h], much[h])
	}
	pick := func(order uint64, v [2]VecVirtual) VecVirtual { // one half of each number
		t := YMM()
		VSHUFPS(Imm(order), v[1], v[0], t)
		VPERMQ(Imm(0xd8), t, t)
		return t
	}
	bits(negative, pick(0xdd, avail))
	low := pick(0x88, avail)
	VPMULLD(milli, low, low)
	VMOVDQU(low, at(basis, basisAvail))
	odd := pick(0x88, much)

	// floors and caps
	safety, present, level := YMM(), YMM(), YMM()
	VMOVDQU(of(factsSafety, 0), safety)
	VMOVDQU(of(factsPresent, 0), present)
	VPMAXSD(safety, present, level)
	VPOR(more(most, level), odd, odd)
	for _, c := range []struct {
		units VecVirtual
		to    Mem
	}{{level, at(basis, basisLevel)}, {safety, at(basis, basisUnits)}, {present, at(state, statePres)}} {
		VPMULLD(milli, c.units, c.units)
		VMOVDQU(c.units, c.to)
	}
	room, shelf, none := YMM(), YMM(), YMM()
	VMOVDQU(of(factsCap, 0), room)
	VPMULLD(milli, room, shelf)
	VPSRAD(Imm(31), room, none)
	VPOR(more(mostRoom, room), none, none)
	VPANDN(shelf, none, shelf)
	VPBROADCASTD(noRoom, room)
	VPAND(room, none, none)
	VPOR(none, shelf, shelf)
	VMOVDQU(shelf, at(basis, basisShelf))
	under := YMM()
	VPBROADCASTD(trigger, under)
	VMOVDQU(under, at(state, stateTrigger))

	// days
	days := YMM()
	VMOVDQU(of(factsSafeDays, 0), days)
	VMOVDQU(days, at(basis, basisSafe))
	VPOR(more(farSafe, days), odd, odd)
	VPCMPGTD(zero, days, days)
	bits(ahead, days)
	life := YMM()
	MOVQ(Mem{Base: facts, Disp: factsLife}, from)
	PREFETCHT0(Mem{Base: from, Index: half, Scale: 1, Disp: column / 2})
	VPMOVSXWD(Mem{Base: from, Index: half, Scale: 1}, life)
	VMOVDQU(life, at(basis, basisLife))
	VPOR(more(farLife, life), odd, odd)
	VPCMPGTD(zero, life, life)
	bits(lives, life)
	bits(wide, odd)

	ADDQ(Imm(group/2), half)
	ADDQ(Imm(group), g)
	CMPQ(g, U32(column))
	JNE(LabelRef("facts"))
	MOVQ(negative, Mem{Base: basis, Disp: basisNegative})
	MOVQ(wide, Mem{Base: basis, Disp: basisWide})
	MOVQ(ahead, Mem{Base: basis, Disp: basisAhead})
	MOVQ(lives, Mem{Base: basis, Disp: basisLives})
	VZEROUPPER()
	RET()
}

// cumulate adds the days' demand up: 64 rows in eight registers, day by day.
func cumulate() {
	TEXT("cumulateAVX2", NOSPLIT, "func(cum *int32, days *uint16, n int)")
	Pragma("noescape")
	Doc("cumulateAVX2 adds days 0 … n−1 of 64 rows of demand to the column at cum and writes each sum behind the one before.")
	cum, days, n := Load(Param("cum"), GP64()), Load(Param("days"), GP64()), Load(Param("n"), GP64())
	var sum [8]VecVirtual
	for g := range sum {
		sum[g] = YMM()
		VMOVDQU(Mem{Base: cum, Disp: g * group}, sum[g])
	}
	step := GP64()
	MOVQ(n, step)
	SHLQ(Imm(7), step) // bytes of the tile's demand: the next tile's begins behind it
	Label("day")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	PREFETCHT0(Mem{Base: days, Index: step, Scale: 1})
	PREFETCHT0(Mem{Base: days, Index: step, Scale: 1, Disp: 64})
	ADDQ(Imm(column/2), cum)
	ADDQ(Imm(column/2), cum)
	for g := range sum {
		day := YMM()
		VPMOVZXWD(Mem{Base: days, Disp: g * group / 2}, day)
		VPADDD(day, sum[g], sum[g])
		VMOVDQU(sum[g], Mem{Base: cum, Disp: g * group})
	}
	SUBQ(I8(-128), days)
	DECQ(n)
	JMP(LabelRef("day"))
	Label("done")
	VZEROUPPER()
	RET()
}

// plainWindow is tile.plainWindow.
func plainWindow() {
	TEXT("plainWindowAVX2", NOSPLIT, "func(win, a, b, level, stop, shelf *int32)")
	Pragma("noescape")
	Doc("plainWindowAVX2 fills the window at win: a and b are the demand before it and before the next.")
	win, a, b := Load(Param("win"), GP64()), Load(Param("a"), GP64()), Load(Param("b"), GP64())
	level, stop, shelf := Load(Param("level"), GP64()), Load(Param("stop"), GP64()), Load(Param("shelf"), GP64())
	zero := YMM()
	VPXOR(zero, zero, zero)
	for g := 0; g < column; g += group {
		used, minus, top, keep, room := YMM(), YMM(), YMM(), YMM(), YMM()
		VMOVDQU(Mem{Base: b, Disp: g}, used)
		VPSUBD(Mem{Base: a, Disp: g}, used, used)
		VMOVDQU(used, Mem{Base: win, Disp: windowUsed + g})
		VPSUBD(used, zero, minus)
		VMOVDQU(minus, Mem{Base: win, Disp: windowFlow + g})
		VMOVDQU(minus, Mem{Base: win, Disp: windowLow + g})
		VPADDD(Mem{Base: level, Disp: g}, used, top)
		VMOVDQU(top, Mem{Base: win, Disp: windowTop + g})
		VMOVDQU(top, Mem{Base: win, Disp: windowAsk + g})
		VMOVDQU(Mem{Base: stop, Disp: g}, keep)
		VMOVDQU(keep, Mem{Base: win, Disp: windowStop + g})
		VMOVDQU(Mem{Base: shelf, Disp: g}, room)
		VMOVDQU(room, Mem{Base: win, Disp: windowRoom + g})
		VMOVDQU(zero, Mem{Base: win, Disp: windowHere + g})
	}
	VZEROUPPER()
	RET()
}

// constants of netWindow.
type constants struct {
	zero, magic, round VecVirtual
}

// unitsUp turns thousandths into whole units, upwards; what is not positive is 0. The multiplication is exact for
// every number of 32 bits.
func (c *constants) unitsUp(v VecVirtual) {
	odd := YMM()
	VPMAXSD(c.zero, v, v)
	VPADDD(c.round, v, v)
	VPSRLQ(Imm(32), v, odd)
	VPMULUDQ(c.magic, v, v)
	VPMULUDQ(c.magic, odd, odd)
	VPSRLQ(Imm(38), v, v)
	VPSRLQ(Imm(38), odd, odd)
	VPSLLQ(Imm(32), odd, odd)
	VPOR(odd, v, v)
}

// netWindow is tile.step without the rows that need a closer look.
func netWindow() {
	magic, round := word("magic1000", 274877907), word("round1000", 999)
	thousand := word("thousand", 1000)
	most := GLOBL("mostSupply", RODATA|NOPTR)
	DATA(0, F64(999))

	TEXT("netWindowAVX2", NOSPLIT, "func(state, before, win, needs *int32, days float64)")
	Pragma("noescape")
	Doc("netWindowAVX2 runs 64 rows through the window at before and nets them at the start of the one at win, of so many",
		"days. Odd rows, those that need a closer look, are left without an order.")
	state, before, win, needs := Load(Param("state"), GP64()), Load(Param("before"), GP64()), Load(Param("win"), GP64()), Load(Param("needs"), GP64())
	length := YMM()
	daysArg, err := Param("days").Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSD(daysArg.Addr, length)
	var c constants
	c.zero, c.magic, c.round = YMM(), YMM(), YMM()
	VPXOR(c.zero, c.zero, c.zero)
	VPBROADCASTD(magic, c.magic)
	VPBROADCASTD(round, c.round)
	rows, odds, noted := GP64(), GP64(), GP64()
	XORQ(rows, rows)
	XORQ(odds, odds)
	XORQ(noted, noted)
	g := GP64()
	XORQ(g, g)
	at := func(base Register, disp int) Mem { return Mem{Base: base, Disp: disp, Index: g, Scale: 1} }

	Label("rows")
	SHRQ(Imm(8), rows)
	SHRQ(Imm(8), odds)
	SHRQ(Imm(8), noted)

	// the days before
	was, p0, t := YMM(), YMM(), YMM()
	VMOVDQU(at(state, stateP), was)
	VPADDD(at(before, windowLow), was, t)
	VPMINSD(at(state, stateSeen), t, t)
	VMOVDQU(t, at(state, stateSeen))
	flow, stop := YMM(), YMM()
	VMOVDQU(at(before, windowFlow), flow)
	VMOVDQU(at(before, windowStop), stop)
	VPADDD(at(state, stateP0), flow, p0)
	VPMAXSD(stop, p0, p0)
	VMOVDQU(p0, at(state, stateP0))
	now := YMM()
	VPADDD(flow, was, now)
	VPMAXSD(stop, now, now)

	// who needs something
	lowest, act := YMM(), YMM()
	VPADDD(at(win, windowLow), now, lowest)
	VPSUBD(at(win, windowTop), now, act)
	VPSUBD(at(state, stateTrigger), lowest, t)
	VPOR(t, act, act)
	VPSRAD(Imm(31), act, act)
	mask := GP32()
	VMOVMSKPS(act, mask)
	TESTL(mask, mask)
	JZ(LabelRef("none"))
	bits := mask.As64()
	SHLQ(Imm(56), bits)
	ORQ(bits, rows)

	// how much
	asked, units := YMM(), YMM()
	VMOVDQU(at(win, windowAsk), asked)
	VPSUBD(now, asked, asked)
	VPMAXSD(c.zero, asked, asked)
	VMOVDQA(asked, units)
	c.unitsUp(units)
	n3 := YMM()
	VMOVDQU(at(win, windowTop), n3)
	VPSUBD(now, n3, n3)
	VMOVDQU(units, at(needs, needsUnits))
	odd, by := YMM(), YMM()
	VPBROADCASTD(thousand, by)
	VPMULLD(by, units, odd)
	VPCMPGTD(odd, n3, odd) // what is asked for does not cover the need
	c.unitsUp(n3)
	VMOVDQU(n3, at(needs, needsN3))
	VPCMPEQD(c.zero, units, t)
	VPOR(t, odd, odd)
	dead := YMM() // asked for under the dead band, and the presentation minimum holds
	VMOVDQU(at(state, stateDead), dead)
	VPCMPGTD(asked, dead, dead)
	VMOVDQU(at(state, statePres), t)
	VPCMPGTD(lowest, t, t)
	VPANDN(dead, t, dead)

	// whole packs: the quotient of the reciprocal is off by one at the most
	pack, packs, rest := YMM(), YMM(), YMM()
	VMOVDQU(at(state, statePack), pack)
	VPMAXSD(at(state, stateLeast), units, units)
	VPADDD(pack, units, units)
	VPCMPEQD(t, t, t)
	VPADDD(t, units, units) // units + pack − 1
	VCVTDQ2PS(units, packs)
	VMULPS(at(state, statePerPack), packs, packs)
	VCVTTPS2DQ(packs, packs)
	wanted := YMM()
	VPMULLD(pack, packs, wanted)
	VPSUBD(wanted, units, rest)
	VPCMPGTD(rest, c.zero, t) // one pack too many
	VPAND(pack, t, t)
	VPSUBD(t, wanted, wanted)
	VPCMPGTD(rest, pack, t) // one too few, unless pack > rest
	VPANDN(pack, t, t)
	VPADDD(t, wanted, wanted)
	VPANDN(wanted, dead, wanted)
	VMOVDQU(wanted, at(needs, needsWanted))

	// the balance with it
	milli := YMM()
	VPMULLD(by, wanted, milli)
	VPADDD(now, milli, t)
	VPCMPGTD(at(win, windowRoom), t, t)
	VPOR(t, odd, odd)
	VPAND(act, odd, odd)
	VMOVMSKPS(odd, mask)
	SHLQ(Imm(56), bits)
	ORQ(bits, odds)
	VPANDN(act, odd, act) // ordered as it is
	VMOVDQU(at(needs, needsUnits), t)
	VPCMPEQD(at(needs, needsN3), t, t)
	VPANDN(act, t, t) // and for other units than the need
	more := YMM()
	VMOVDQU(at(state, stateLeastOrder), more)
	VPCMPGTD(at(needs, needsUnits), more, more)
	VPOR(dead, more, more)
	VPAND(act, more, more) // or for fewer than the least order, or for too few
	VPOR(more, t, t)
	VMOVMSKPS(t, mask)
	SHLQ(Imm(56), bits)
	ORQ(bits, noted)
	VMOVDQU(at(state, stateCount), t)
	VPSUBD(act, t, t)
	VMOVDQU(t, at(state, stateCount))
	VPAND(act, milli, milli)
	VPADDD(milli, now, now)

	// needs per tier
	VPSUBD(lowest, c.zero, t)
	c.unitsUp(t)
	VMOVDQU(t, at(needs, needsN1))
	VMOVDQU(at(state, statePres), t)
	VPSUBD(lowest, t, t)
	c.unitsUp(t)
	VMOVDQU(t, at(needs, needsN2))

	// days of supply: products and quotients are exact in 53 bits, no demand gives no number and so the most
	stock, limit := YMM(), YMM()
	VPADDD(at(win, windowHere), p0, stock)
	VPMAXSD(c.zero, stock, stock)
	VBROADCASTSD(most, limit)
	for half := range 2 {
		part, num, den, days := XMM(), YMM(), YMM(), XMM()
		VEXTRACTI128(Imm(uint64(half)), stock, part)
		VCVTDQ2PD(part, num)
		VMULPD(length, num, num)
		VCVTDQ2PD(at(win, windowUsed+16*half), den)
		VDIVPD(den, num, num)
		VMINPD(limit, num, num)
		VCVTTPD2DQY(num, days)
		VMOVDQU(days, at(needs, needsSupply+16*half))
	}

	Label("none")
	VMOVDQU(now, at(state, stateP))
	ADDQ(Imm(group), g)
	CMPQ(g, U32(column))
	JNE(LabelRef("rows"))
	MOVQ(rows, Mem{Base: needs, Disp: needsRows})
	MOVQ(odds, Mem{Base: needs, Disp: needsOdd})
	MOVQ(noted, Mem{Base: needs, Disp: needsNoted})
	VZEROUPPER()
	RET()
}
