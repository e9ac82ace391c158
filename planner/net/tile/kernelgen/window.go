package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

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
