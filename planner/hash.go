package planner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// The plan hash of a DC is SHA-256 over its layers in order, each as (layer number, digest). The digest of a
// layer is SHA-256 over its items in order, each as (item id, SHA-256 of the item's rows), so that items can be
// hashed apart; the workload has no items and is hashed as one. A layer without rows has the digest of
// nothing. How the rows of an item are laid out for hashing is said in hash_rows.go: by their values alone, so
// neither dictionaries nor workers show. tenant, cycle, dc and release_id are not hashed.
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

// digest works out the digests of the rows that the tables have since it was called last, those of one item. Vendor
// orders are hashed at the DC's end, when the sums of their orders are known.
func (d *desk) digest() {
	for i := range d.out {
		out := &d.out[i]
		for id := range out.tables {
			t := &out.tables[id]
			if LayerID(id) == VendorOrders || t.Rows == out.hashed[id] {
				continue
			}
			out.digests[id], d.hashBuf = appendDigest(out.digests[id], d.hashBuf, d.net, t, itemColumn(LayerID(id)), out.hashed[id], t.Rows)
			out.hashed[id] = t.Rows
		}
	}
}

// itemColumn gives the column of a layer that names the item, −1 none.
func itemColumn(layer LayerID) int {
	return slices.IndexFunc(layers[layer].Columns, func(c LayerColumn) bool { return c.Type == ColItem })
}

// appendDigests appends (item id, SHA-256 of its rows) per item of a table; buf is scratch.
func appendDigests(out, buf []byte, n *inputs.Network, t *Table) (digests, scratch []byte) {
	at := itemColumn(t.Layer)
	for lo := 0; lo < t.Rows; {
		hi := t.Rows
		if at >= 0 {
			hi = lo + 1
			for hi < t.Rows && t.Cols[at].I32[hi] == t.Cols[at].I32[lo] {
				hi++
			}
		}
		out, buf = appendDigest(out, buf, n, t, at, lo, hi)
		lo = hi
	}
	return out, buf
}

// appendDigest appends (item id, SHA-256) of the rows lo to hi, which are of one item.
func appendDigest(out, buf []byte, n *inputs.Network, t *Table, at, lo, hi int) (digests, scratch []byte) {
	if at >= 0 {
		out = appendText(out, n.Items.ID[t.Cols[at].I32[lo]])
	}
	buf = binary.AppendUvarint(buf[:0], uint64(hi-lo))
	for i := range layers[t.Layer].Columns {
		if i != at {
			buf = appendColumn(buf, n, t, i, lo, hi)
		}
	}
	sum := sha256.Sum256(buf)
	return append(out, sum[:]...), buf
}

func dayText(day int32) string { return calendars.Day(day).String() }
