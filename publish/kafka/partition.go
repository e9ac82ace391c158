package kafka

import (
	"fmt"
	"slices"
	"strings"

	"echelon/publish/planfile"
)

// murmur2 is the hash of Kafka's own clients over a key.
func murmur2(b []byte) uint32 {
	const (
		seed  uint32 = 0x9747b28c
		m     uint32 = 0x5bd1e995
		shift        = 24
	)
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		k *= m
		k ^= k >> shift
		k *= m
		h = h*m ^ k
	}
	for i := len(b) - 1; i >= 0; i-- {
		h ^= uint32(b[i]) << (8 * i)
	}
	if len(b) > 0 {
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

// partitionOf is the partition that Kafka's own clients choose for a key among n.
func partitionOf(key []byte, n int32) int32 { return int32(murmur2(key)&0x7fffffff) % n }

// Range is the partitions [First, First+Count) that a DC owns.
type Range struct {
	DC    string `json:"dc"`
	First int32  `json:"first"`
	Count int32  `json:"count"`
}

// divide gives each DC (ascending) a run of n partitions in proportion to its SKUs, at least one each; the
// parts that do not come out even go to the largest remainders, ties to the first. With fewer partitions
// than DCs there is nothing to divide: nil.
func divide(n int, dcs []string, skus map[string]int64) []Range {
	if len(dcs) == 0 || n < len(dcs) {
		return nil
	}
	var total int64
	for _, dc := range dcs {
		total += max(skus[dc], 1)
	}
	spare := int64(n - len(dcs))
	ranges := make([]Range, len(dcs))
	rest := make([]int64, len(dcs))
	order := make([]int, len(dcs))
	left := spare
	for i, dc := range dcs {
		share := spare * max(skus[dc], 1)
		ranges[i] = Range{DC: dc, Count: int32(1 + share/total)}
		rest[i] = share % total
		left -= share / total
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case rest[a] > rest[b]:
			return -1
		case rest[a] < rest[b]:
			return 1
		}
		return 0
	})
	for _, i := range order[:left] {
		ranges[i].Count++
	}
	var first int32
	for i := range ranges {
		ranges[i].First = first
		first += ranges[i].Count
	}
	return ranges
}

// router chooses key and partition of each line of one (layer, DC).
type router struct {
	dc      string
	n       int32
	own     Range // dc-range: partitions of this DC; Count 0: murmur2 over the key
	columns []string
	withDC  bool // the DC stands before the columns in the key

	cols []*planfile.Column
	keys [][]byte // one column with a dictionary: by code + 1
	part []int32
	one  *planfile.Column
	buf  []byte
}

// ownRange gives the partitions of a DC among n under the division, nil when there is no division. A DC
// that came later than it has one partition, the same for ever.
func ownRange(dc string, n int32, ranges []Range) *Range {
	if ranges == nil {
		return nil
	}
	i := slices.IndexFunc(ranges, func(g Range) bool { return g.DC == dc })
	if i >= 0 && ranges[i].First+ranges[i].Count <= n {
		return &ranges[i]
	}
	return &Range{DC: dc, First: partitionOf([]byte(dc), n), Count: 1}
}

// newRouter makes the router of a layer's topic for the lines of a DC.
func newRouter(dc string, by route) (*router, error) {
	r := &router{dc: dc, n: by.Partitions}
	place := []string{"destination", "node"} // whichever the layer has
	switch by.Partitioner {
	case ByDCRange:
		r.withDC = true
		if by.Own != nil {
			r.own, r.columns = *by.Own, place
		}
	case ByDC:
		r.withDC = true
	case ByDCNode:
		r.withDC, r.columns = true, place
	case ByItem:
		r.columns = []string{"item"}
	default:
		names, ok := strings.CutPrefix(by.Partitioner, byColumns)
		if !ok {
			return nil, fmt.Errorf("partitioner %q is not known", by.Partitioner)
		}
		for _, name := range strings.Split(names, ",") {
			if name == "dc" {
				r.withDC = true
				continue
			}
			r.columns = append(r.columns, name)
		}
	}
	return r, nil
}

// bind prepares for the lines of a batch. A column that the layer lacks is left out of the key; without
// any the key is the DC.
func (r *router) bind(b *planfile.Batch) {
	r.cols = r.cols[:0]
	for _, name := range r.columns {
		if c := b.Col(name); c != nil {
			r.cols = append(r.cols, c)
		}
	}
	r.one = nil
	if len(r.cols) == 1 && r.cols[0].Codes != nil {
		r.one = r.cols[0]
	}
	if r.one == nil && len(r.cols) > 0 {
		return
	}
	// By dictionary code, null first; a key of the DC alone is the case of a dictionary without words.
	var words []string
	if r.one != nil {
		words = r.one.Dict
	}
	r.keys, r.part = make([][]byte, len(words)+1), make([]int32, len(words)+1)
	for i := range r.keys {
		word := ""
		if i > 0 {
			word = words[i-1]
		}
		key := []byte(r.prefix() + word)
		if r.one == nil {
			key = []byte(r.dc)
		}
		r.keys[i], r.part[i] = key, r.choose(key, []byte(word))
	}
}

// prefix is what stands before the columns in the key.
func (r *router) prefix() string {
	if r.withDC {
		return r.dc + "/"
	}
	return ""
}

// choose gives the partition of a key whose columns are word.
func (r *router) choose(key, word []byte) int32 {
	if r.own.Count > 0 {
		return r.own.First + partitionOf(word, r.own.Count)
	}
	return partitionOf(key, r.n)
}

// route gives key and partition of a row of the bound batch. The key stays valid until the next bind when
// it comes from a dictionary; else only until the next call.
func (r *router) route(row int) (key []byte, partition int32, stable bool) {
	if r.one != nil {
		i := r.one.Codes[row] + 1
		return r.keys[i], r.part[i], true
	}
	if len(r.cols) == 0 {
		return r.keys[0], r.part[0], true
	}
	r.buf = append(r.buf[:0], r.prefix()...)
	at := len(r.buf)
	for i, c := range r.cols {
		if i > 0 {
			r.buf = append(r.buf, '/')
		}
		r.buf = appendPlain(r.buf, c, row)
	}
	return r.buf, r.choose(r.buf, r.buf[at:]), false
}
