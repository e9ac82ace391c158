// Command narrowgen writes the vector form of package narrow: narrow_amd64.s and its stubs. go generate in that
// package runs it; the same generator gives the same bytes.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

func main() {
	ConstraintExpr("amd64")
	bits()
	put(1)
	put(2)
	put(4)
	Generate()
}

// bits ORs four numbers at a time, and what they differ by from the first one.
func bits() {
	TEXT("bitsAVX2", NOSPLIT, "func(list *int64, n int) (all, differ uint64)")
	Pragma("noescape")
	Doc("bitsAVX2 gives the bits that any of n numbers has, and those in which any differs from the first; n is a multiple of 4.")
	list, n := Load(Param("list"), GP64()), Load(Param("n"), GP64())
	first, all, differ := YMM(), YMM(), YMM()
	VPBROADCASTQ(Mem{Base: list}, first)
	VPXOR(all, all, all)
	VPXOR(differ, differ, differ)
	Label("next")
	v, t := YMM(), YMM()
	VMOVDQU(Mem{Base: list}, v)
	VPOR(v, all, all)
	VPXOR(first, v, t)
	VPOR(t, differ, differ)
	ADDQ(Imm(32), list)
	SUBQ(Imm(4), n)
	JNZ(LabelRef("next"))
	for i, sum := range []string{"all", "differ"} {
		from := all
		if i == 1 {
			from = differ
		}
		half, low := XMM(), from.AsX()
		VEXTRACTI128(Imm(1), from, half)
		VPOR(half, low, low)
		VPSHUFD(Imm(0x4e), low, half)
		VPOR(half, low, low)
		out := GP64()
		VMOVQ(low, out)
		Store(out, Return(sum))
	}
	VZEROUPPER()
	RET()
}

// put narrows eight numbers at a time.
func put(width int) {
	name := map[int]string{1: "put1AVX2", 2: "put2AVX2", 4: "put4AVX2"}[width]
	TEXT(name, NOSPLIT, "func(to *byte, list *int64, n int)")
	Pragma("noescape")
	Doc(name + " writes the low bytes of n numbers, one after the other; n is a multiple of 8.")
	to, list, n := Load(Param("to"), GP64()), Load(Param("list"), GP64()), Load(Param("n"), GP64())
	Label("next")
	v, w := YMM(), YMM()
	VMOVDQU(Mem{Base: list}, v)
	VMOVDQU(Mem{Base: list, Disp: 32}, w)
	VSHUFPS(Imm(0x88), w, v, v) // low halves: 0 1 4 5, 2 3 6 7
	VPERMQ(Imm(0xd8), v, v)
	if width == 4 {
		VMOVDQU(v, Mem{Base: to})
	} else {
		half := XMM()
		VEXTRACTI128(Imm(1), v, half)
		VPACKUSDW(half, v.AsX(), half)
		if width == 2 {
			VMOVDQU(half, Mem{Base: to})
		} else {
			VPACKUSWB(half, half, half)
			VMOVQ(half, Mem{Base: to})
		}
	}
	ADDQ(Imm(64), list)
	ADDQ(Imm(uint64(8*width)), to)
	SUBQ(Imm(8), n)
	JNZ(LabelRef("next"))
	VZEROUPPER()
	RET()
}
