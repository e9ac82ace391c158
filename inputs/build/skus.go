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
	var batches [][]keyed // by item and node, as narrow as they allow
	count := 0
	pieces := make([][]stagedPiece, len(names))
	nodeBits := keyBits(len(b.nodeIDs.ids))
	items, nodes := b.itemIDs.refs(), b.nodeIDs.refs()
	kinds := b.net.Nodes.Kind
	type origin struct {
		batch *inputs.Batch
		first int
	}
	var origins []origin
	err := b.each("skus", func(t *inputs.Batch, n *inputs.Counts) error {
		origins = append(origins, origin{&inputs.Batch{Contract: t.Contract, Source: t.Source, First: t.First}, count})
		item, node := t.Col("item"), t.Col("node")
		base := count
		kept := make([]int32, 0, t.Rows)
		itemOf, nodeOf := items.resolve(item, t.Rows), nodes.resolve(node, t.Rows)
		rows := make([]keyed, 0, t.Rows)
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
		batches, count = append(batches, rows), count+len(rows)
		for p, name := range names {
			if v := t.Col(name); !v.Absent {
				pieces[p] = append(pieces[p], stagedPiece{base, stage(v, kept)})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	rows := slices.Concat(batches...)
	batches = nil
	for p := range pieces {
		b.staged[p] = joinStaged(pieces[p], count)
		pieces[p] = nil
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

// stagedPiece is the values of a parameter column in one batch.
type stagedPiece struct {
	first  int // staged row
	values []int32
}

// stage gives the values of the kept rows, null where there is none.
func stage(v *inputs.Vector, kept []int32) []int32 {
	to := make([]int32, len(kept))
	if v.Null == nil {
		for i, r := range kept {
			to[i] = int32(v.Ints[r])
		}
		return to
	}
	for i, r := range kept {
		to[i] = null
		if v.Null[r>>6]&(1<<(uint(r)&63)) == 0 {
			to[i] = int32(v.Ints[r])
		}
	}
	return to
}

// joinStaged puts the pieces of a column together, of n rows, null in batches that did not have it; nil for none.
func joinStaged(pieces []stagedPiece, n int) []int32 {
	if len(pieces) == 0 {
		return nil
	}
	col := make([]int32, 0, n)
	for _, p := range pieces {
		col = append(padNull(col, p.first), p.values...)
	}
	return padNull(col, n)
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
