//go:build !amd64

package narrow

// Bits gives the bits that any number has, and those in which any differs from the first; at least one number.
func Bits(list []int64) (all, differ uint64) { return bitsOf(list, list[0], 0, 0) }

// Put writes width bytes of each number; to has Room bytes more than they take. Width says how many are enough.
func Put(to []byte, list []int64, width int) { put(to, list, width) }
