package planner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"math/bits"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// The plan hash of a DC is SHA-256 over its layers in order, each as (layer number, digest). The digest of a
// layer is SHA-256 over its items in order, each as (item id, SHA-256 of the item's rows), so that items can be
// hashed apart; the workload has no items and is hashed as one. A layer without rows has the digest of
// nothing. Rows are hashed column by column, in the order of the layer: text as (length, bytes), ids by their text,
// days and numbers as varints, lists as (length, values). tenant, cycle, dc and release_id are not hashed.
type dcHash struct {
	layers [NumLayers]hash.Hash
	buf    []byte
}

func (h *dcHash) of(layer LayerID) hash.Hash {
	if h.layers[layer] == nil {
		h.layers[layer] = sha256.New()
	}
	return h.layers[layer]
}

// group takes over the digests of a group's items.
func (h *dcHash) group(out *siteOut) {
	for id := range out.digests {
		if len(out.digests[id]) > 0 {
			h.of(LayerID(id)).Write(out.digests[id])
		}
	}
}

// table hashes a whole table.
func (h *dcHash) table(n *inputs.Network, t *Table) {
	if t == nil {
		return
	}
	var digests []byte
	digests, h.buf = appendDigests(digests, h.buf, n, t)
	h.of(t.Layer).Write(digests)
}

func (h *dcHash) sum() (sum [32]byte) {
	all := sha256.New()
	for id := range NumLayers {
		if id == Cycles {
			continue
		}
		all.Write([]byte{byte(id)})
		var digest [32]byte
		all.Write(h.of(id).Sum(digest[:0]))
	}
	all.Sum(sum[:0])
	return sum
}

// Hash gives the plan hash of one DC from all its tables; tables of one layer come in canonical order.
func Hash(n *inputs.Network, tables []*Table) [32]byte {
	var h dcHash
	for _, t := range tables {
		if t != nil && t.Layer != Cycles {
			h.table(n, t)
		}
	}
	return h.sum()
}

// CycleHash gives the plan hash of a cycle: SHA-256 over (DC id, plan hash as hex), one per line, DCs ascending.
func CycleHash(n *inputs.Network, dcs []DCResult) (sum [32]byte) {
	all := sha256.New()
	for i := range dcs {
		name := "_direct"
		if dcs[i].DC != inputs.Direct {
			name = n.Nodes.ID[dcs[i].DC]
		}
		all.Write([]byte(name + " " + hex.EncodeToString(dcs[i].PlanHash[:]) + "\n"))
	}
	all.Sum(sum[:0])
	return sum
}

// digest works out the digests of the group's items, layer by layer. Vendor orders are hashed at the DC's
// end, when the sums of their orders are known.
func (d *desk) digest() {
	for i := range d.out {
		out := &d.out[i]
		for id := range out.tables {
			out.digests[id] = out.digests[id][:0]
			if LayerID(id) != VendorOrders && out.tables[id].Rows > 0 {
				out.digests[id], d.hashBuf = appendDigests(out.digests[id], d.hashBuf, d.net, &out.tables[id])
			}
		}
	}
}

// appendDigests appends (item id, SHA-256 of its rows) per item of a table; buf is scratch.
func appendDigests(out, buf []byte, n *inputs.Network, t *Table) (digests, scratch []byte) {
	defs := layers[t.Layer].Columns
	at := -1
	for i := range defs {
		if defs[i].Type == ColItem {
			at = i
			break
		}
	}
	for lo := 0; lo < t.Rows; {
		hi := t.Rows
		if at >= 0 {
			hi = lo + 1
			for hi < t.Rows && t.Cols[at].I32[hi] == t.Cols[at].I32[lo] {
				hi++
			}
			out = appendText(out, n.Items.ID[t.Cols[at].I32[lo]])
		}
		buf = buf[:0]
		for i := range defs {
			if i != at {
				buf = appendColumn(buf, n, t, i, lo, hi)
			}
		}
		sum := sha256.Sum256(buf)
		out = append(out, sum[:]...)
		lo = hi
	}
	return out, buf
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// appendColumn appends rows lo … hi − 1 of column i.
func appendColumn(b []byte, n *inputs.Network, t *Table, i, lo, hi int) []byte {
	c := &t.Cols[i]
	switch layers[t.Layer].Columns[i].Type {
	case ColItem:
		for _, v := range c.I32[lo:hi] {
			b = appendText(b, n.Items.ID[v])
		}
	case ColNode:
		b = appendNames(b, n.Nodes.ID, c.I32[lo:hi])
	case ColLane:
		b = appendNames(b, n.Lanes.ID, c.I32[lo:hi])
	case ColDay:
		b = appendDays(b, c.I32[lo:hi])
	case ColInt, ColMilli:
		b = appendNumbers(b, c.I64[lo:hi])
	case ColBool, ColEnum:
		b = append(b, c.U8[lo:hi]...)
	case ColText:
		for _, v := range c.Str[lo:hi] {
			b = appendText(b, v)
		}
	case ColMilliList:
		for r := lo; r < hi; r++ {
			list := c.List[c.Off[r]:c.Off[r+1]]
			b = appendNumbers(binary.AppendUvarint(b, uint64(len(list))), list)
		}
	case ColLedger:
		for r := lo; r < hi; r++ {
			from, to := c.Off[r], c.Off[r+1]
			b = binary.AppendUvarint(b, uint64(to-from))
			for k := from; k < to; k++ {
				b = appendNumbers(append(b, c.Reason[k]), c.List[k:k+1])
			}
		}
	}
	return b
}

// nullMark stands for null where a varint would stand.
const (
	nullMark  = 0x7f
	maxVarint = 10
)

// appendDays appends days as varints, null as its mark.
func appendDays(b []byte, days []int32) []byte {
	n := len(b)
	b = slices.Grow(b, maxVarint*len(days))
	room := b[:cap(b)]
	for _, v := range days {
		u := uint64(v)<<1 ^ uint64(int64(v)>>63)
		switch {
		case v == NullDay:
			room[n] = nullMark
			n++
		case u < 1<<28:
			word, size := spread(u)
			binary.LittleEndian.PutUint32(room[n:], word)
			n += size
		default:
			n += putLong(room[n:], u)
		}
	}
	return b[:n]
}

// appendNumbers appends numbers as varints, null as its mark. Eight zeros at once: most days of a projection
// receive nothing and lack nothing.
func appendNumbers(b []byte, list []int64) []byte {
	n := len(b)
	b = slices.Grow(b, maxVarint*len(list))
	room := b[:cap(b)]
	for len(list) > 0 {
		part := list[:min(8, len(list))]
		list = list[len(part):]
		if len(part) == 8 && part[0]|part[1]|part[2]|part[3]|part[4]|part[5]|part[6]|part[7] == 0 {
			binary.LittleEndian.PutUint64(room[n:], 0)
			n += 8
			continue
		}
		for _, v := range part {
			u := uint64(v)<<1 ^ uint64(v>>63)
			if u >= 1<<28 {
				n += putLong(room[n:], u)
				continue
			}
			word, size := spread(u)
			binary.LittleEndian.PutUint32(room[n:], word)
			n += size
		}
	}
	return b[:n]
}

// spread gives the varint of a number below 2²⁸ in the low bytes of a word, and their number. The length decides
// no branch: lengths follow no pattern. The number whose varint is the mark of null takes two bytes.
func spread(u uint64) (word uint32, size int) {
	bytes := varintBytes[bits.Len32(uint32(u))&31]
	if u == nullMark {
		bytes = 2
	}
	x := uint32(u)
	x = x&0x7f | x<<1&0x7f00 | x<<2&0x7f0000 | x<<3&0x7f000000
	return x | continued[bytes&7], int(bytes)
}

var (
	varintBytes = [32]uint8{
		1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4,
	} // per number of bits
	continued = [8]uint32{2: 0x80, 3: 0x8080, 4: 0x808080} // per number of bytes
)

// putLong is binary.PutUvarint; null takes one byte.
func putLong(b []byte, u uint64) int {
	if u == math.MaxUint64 { // of NullInt
		b[0] = nullMark
		return 1
	}
	return binary.PutUvarint(b, u)
}

// appendNames appends ids by their text; one that repeats the row before as an empty mark.
func appendNames(b []byte, ids []string, list []int32) []byte {
	for k, v := range list {
		if k > 0 && v == list[k-1] {
			b = append(b, 0xff)
			continue
		}
		b = appendText(b, nameOf(ids, v))
	}
	return b
}

func nameOf(ids []string, i int32) string {
	if i < 0 {
		return ""
	}
	return ids[i]
}

func dayText(day int32) string { return calendars.Day(day).String() }
