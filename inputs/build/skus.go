package build

import (
	"math"
	"slices"
	"sort"

	"echelon/inputs"
)

// null marks a parameter that a SKU's own columns leave to the cascade.
const null = math.MinInt32

// skuIndex is the SKUs of the snapshot by (item, node): the rank in that order is the SKU's number.
//
//	itemAt  per item + 1  first number of the item's SKUs
//	nodeOf  per number    node
//	stageAt per number    row of the staged parameter columns
type skuIndex struct {
	itemAt  []int32
	nodeOf  []int32
	stageAt []int32
	staged  [][]int32 // per parameter: per staged row its value or null; nil: absent everywhere
	last    int32     // number found last: successive rows are often neighbours
}

func key(item, node int32) uint64 { return uint64(item)<<32 | uint64(uint32(node)) }

func (b *builder) readSKUs() error {
	names := inputs.ParameterNames()
	b.staged = make([][]int32, len(names))
	var rows []keyed // by item and node, as narrow as they allow
	nodeBits := keyBits(len(b.nodeIDs.ids))
	items, nodes := b.itemIDs.refs(), b.nodeIDs.refs()
	kinds := b.net.Nodes.Kind
	type origin struct {
		batch *inputs.Batch
		first int
	}
	var origins []origin
	err := b.each("skus", func(t *inputs.Batch, n *inputs.Counts) error {
		origins = append(origins, origin{&inputs.Batch{Contract: t.Contract, Source: t.Source, First: t.First}, len(rows)})
		item, node := t.Col("item"), t.Col("node")
		base := len(rows)
		kept := make([]int32, 0, t.Rows)
		itemOf, nodeOf := items.resolve(item, t.Rows), nodes.resolve(node, t.Rows)
		rows = slices.Grow(rows, t.Rows)
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			i, at := itemOf[r], nodeOf[r]
			switch {
			case i < 0:
				b.report.unknown(t, r, "item")
			case at < 0:
				b.report.unknown(t, r, "node")
			case kinds[at] == inputs.Vendor:
				b.report.fault(t, r, "node", inputs.ColumnsDisagree, "a vendor's stock is not planned: take the row out")
			default:
				rows = append(rows, keyed{uint64(i)<<nodeBits | uint64(at), int32(base + len(kept))})
				kept = append(kept, int32(r))
			}
		}
		for p, name := range names {
			b.staged[p] = stageColumn(b.staged[p], t.Col(name), kept, base)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for p := range b.staged {
		if b.staged[p] != nil {
			b.staged[p] = padNull(b.staged[p], len(rows))
		}
	}
	sortKeyed(rows, nil, nodeBits+keyBits(len(b.itemIDs.ids)))
	b.itemAt = make([]int32, len(b.itemIDs.ids)+1)
	b.nodeOf = make([]int32, 0, len(rows))
	b.stageAt = make([]int32, 0, len(rows))
	for i, row := range rows {
		if i > 0 && rows[i-1].key == row.key {
			o := sort.Search(len(origins), func(k int) bool { return origins[k].first > int(row.at) }) - 1
			b.duplicateSKU(origins[o].batch, int32(row.key>>nodeBits), int32(row.key&(1<<nodeBits-1)))
			continue
		}
		b.itemAt[row.key>>nodeBits+1]++
		b.nodeOf = append(b.nodeOf, int32(row.key&(1<<nodeBits-1)))
		b.stageAt = append(b.stageAt, row.at)
	}
	for i := 1; i < len(b.itemAt); i++ {
		b.itemAt[i] += b.itemAt[i-1]
	}
	return nil
}

// duplicateSKU quarantines a second row of one key that validation let through.
func (b *builder) duplicateSKU(batch *inputs.Batch, item, node int32) {
	counts := b.report.counts("skus")
	counts.Applied--
	counts.Quarantined++
	f := inputs.Fault{
		Table: "skus", Reason: inputs.DuplicateKey, Column: "item", Source: batch.Source, Position: batch.First,
		Value: b.itemIDs.ids[item] + "/" + b.nodeIDs.ids[node], Hint: "the key stands in another row: keep one (the position is that of its batch)",
	}
	if len(b.report.Faults) < b.report.most {
		b.report.Faults = append(b.report.Faults, f)
	}
	if b.report.quarantine != nil {
		b.report.quarantine(f)
	}
}

// stageColumn appends the kept rows of a parameter column; base rows were staged before.
func stageColumn(col []int32, v *inputs.Vector, kept []int32, base int) []int32 {
	if v.Absent {
		return col
	}
	col = slices.Grow(padNull(col, base), len(kept))[:base+len(kept)]
	to := col[base:]
	if v.Null == nil {
		for i, r := range kept {
			to[i] = int32(v.Ints[r])
		}
		return col
	}
	for i, r := range kept {
		to[i] = null
		if v.Null[r>>6]&(1<<(uint(r)&63)) == 0 {
			to[i] = int32(v.Ints[r])
		}
	}
	return col
}

func padNull(col []int32, n int) []int32 {
	if col == nil {
		col = make([]int32, 0, n)
	}
	for len(col) < n {
		col = append(col, null)
	}
	return col
}

// skus returns the number of SKUs.
func (x *skuIndex) skus() int { return len(x.nodeOf) }

// find returns the number of the SKU of an item at a node, None when there is none.
func (x *skuIndex) find(item, node int32) int32 {
	lo, hi := x.itemAt[item], x.itemAt[item+1]
	if s := x.last; s >= lo && s < hi && x.nodeOf[s] <= node {
		if x.nodeOf[s] == node {
			return s
		}
		if lo = s + 1; lo < hi && x.nodeOf[lo] == node {
			x.last = lo
			return lo
		}
	}
	for lo < hi {
		mid := int32(uint32(lo+hi) >> 1)
		if x.nodeOf[mid] < node {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < x.itemAt[item+1] && x.nodeOf[lo] == node {
		x.last = lo
		return lo
	}
	return inputs.None
}

// eachSKU calls f for every SKU by number.
func (x *skuIndex) eachSKU(f func(s, item, node int32)) {
	for item := range len(x.itemAt) - 1 {
		for s := x.itemAt[item]; s < x.itemAt[item+1]; s++ {
			f(s, int32(item), x.nodeOf[s])
		}
	}
}
