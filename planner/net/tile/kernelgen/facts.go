package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
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
