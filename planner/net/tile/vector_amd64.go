package tile

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

//go:generate go run ./kernelgen -out kernel_amd64.s -stubs kernel_amd64.go -pkg tile

// Vector reports whether the processor can run the kernel's vector form.
func Vector() bool { return cpu.X86.HasAVX2 }

// columns fills what a row's facts alone tell.
func (t *Tile) columns(f *Facts) {
	if t.Scalar || !cpu.X86.HasAVX2 {
		t.columnsScalar(f)
		return
	}
	setFactsAVX2((*int64)(unsafe.Pointer(f)), (*int32)(unsafe.Pointer(&t.basis)), (*int32)(unsafe.Pointer(&t.state)))
}

// cumulate adds up the days behind cum[from].
func (t *Tile) cumulate(from int, days []uint16) {
	if t.Scalar || !cpu.X86.HasAVX2 {
		t.cumulateScalar(from, days)
		return
	}
	n := len(days) / Rows
	_ = t.cum[from+n]
	cumulateAVX2(&t.cum[from][0], &days[0], n)
}

// plainWindow fills a window as if no row had anything beside demand, floor and capacity.
func (t *Tile) plainWindow(w int) {
	if t.Scalar || !cpu.X86.HasAVX2 {
		t.plainWindowScalar(w)
		return
	}
	plainWindowAVX2(&t.windows[w].flow[0], &t.before(w)[0], &t.before(w + 1)[0], &t.level[0], &t.least0[0], &t.shelf[0])
}

// step runs all rows up to opportunity k and nets it.
func (t *Tile) step(k int) {
	if t.Scalar || !cpu.X86.HasAVX2 {
		t.stepScalar(k)
		return
	}
	n := &t.Needs[k]
	netWindowAVX2((*int32)(unsafe.Pointer(&t.state)), (*int32)(unsafe.Pointer(&t.windows[k])),
		(*int32)(unsafe.Pointer(&t.windows[k+1])), (*int32)(unsafe.Pointer(n)), float64(t.tab.start[k+2]-t.tab.start[k+1]))
	t.look(k, n.Rows&t.Done, n.Odd&t.Done)
}
