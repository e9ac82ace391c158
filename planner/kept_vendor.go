package planner

import "slices"

// vendorSums is the digests of a DC's vendor lines by item, ascending. Like keptLoads it stays in memory: of lines that
// stand nothing need be hashed again.
type vendorSums struct {
	items []string
	sums  [][32]byte
}

// vendorSums gives the digests of merged vendor lines; written are those of them that are not as they were in the base.
func (x *change) vendorSums(t, written *Table, had *vendorSums) *vendorSums {
	if had == nil {
		written = t
	}
	digests, buf := appendDigests(nil, nil, x.net, written)
	out := &vendorSums{}
	next, was := 0, 0
	take := func(id string) (sum [32]byte) {
		digests = digests[len(appendText(buf[:0], id)):]
		copy(sum[:], digests)
		digests = digests[len(sum):]
		return sum
	}
	for lo := 0; lo < t.Rows; {
		item := t.Cols[colItem].I32[lo]
		hi := lo + 1
		for hi < t.Rows && t.Cols[colItem].I32[hi] == item {
			hi++
		}
		id := x.net.Items.ID[item]
		var sum [32]byte
		if next < written.Rows && written.Cols[colItem].I32[next] == item {
			sum, next = take(id), next+hi-lo
		} else {
			for had.items[was] != id {
				was++
			}
			sum = had.sums[was]
		}
		out.items, out.sums = append(out.items, id), append(out.sums, sum)
		lo = hi
	}
	return out
}

// write hashes the digests as those of a whole table.
func (v *vendorSums) write(h *dcHash) {
	to := h.of(VendorOrders)
	all := slices.Grow(h.buf[:0], 64*len(v.items))
	for i, id := range v.items {
		all = append(appendText(all, id), v.sums[i][:]...)
	}
	to.Write(all)
	h.buf = all
}
