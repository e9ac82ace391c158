package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

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
	MOVQ(noted, Mem{Base: needs, Disp: needsAsked})
	VZEROUPPER()
	RET()
}
