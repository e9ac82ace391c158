package narrow

import "golang.org/x/sys/cpu"

//go:generate go run ./narrowgen -out narrow_amd64.s -stubs narrow_amd64.go -pkg narrow

// Bits gives the bits that any number has, and those in which any differs from the first; at least one number.
func Bits(list []int64) (all, differ uint64) {
	first := list[0]
	if n := len(list) &^ 3; n > 0 && cpu.X86.HasAVX2 {
		all, differ = bitsAVX2(&list[0], n)
		list = list[n:]
	}
	return bitsOf(list, first, all, differ)
}

// Put writes width bytes of each number; to has Room bytes more than they take. Width says how many are enough.
func Put(to []byte, list []int64, width int) {
	if n := len(list) &^ 7; n > 0 && width < 8 && cpu.X86.HasAVX2 {
		_ = to[n*width-1]
		switch width {
		case 1:
			put1AVX2(&to[0], &list[0], n)
		case 2:
			put2AVX2(&to[0], &list[0], n)
		default:
			put4AVX2(&to[0], &list[0], n)
		}
		to, list = to[n*width:], list[n:]
	}
	put(to, list, width)
}
