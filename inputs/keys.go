package inputs

import (
	"encoding/binary"
	"math/bits"
)

// keyIndex remembers the keys of a table's rows, exactly: no two different keys are ever taken for one.
//
// The first two text columns of the key are packed into 64 bits by their dictionary codes; whatever else the
// key has is interned as a whole (forecast issues, days, line numbers: few distinct ones). Open addressing,
// 24 bytes a slot.
type keyIndex struct {
	text  []int // key columns packed into the slot's key
	rest  []int // the other key columns
	slots []keySlot
	used  int

	tuples map[string]uint32
	tuple  []byte // the tuple before: successive rows often share it
	last   uint32
	buf    []byte

	touched uint32 // keeps the reads of block alive
}

type keySlot struct {
	key  uint64
	val  uint64
	rest uint32 // 0: the slot is free
}

func newKeyIndex(c *Contract) *keyIndex {
	k := &keyIndex{slots: make([]keySlot, 1024), tuples: map[string]uint32{}}
	for _, i := range c.Keys() {
		if c.Columns[i].Type.Texts() && len(k.text) < 2 {
			k.text = append(k.text, i)
		} else {
			k.rest = append(k.rest, i)
		}
	}
	return k
}

// of returns the exact form of the key of row r. Text codes must mean the same in every batch.
func (k *keyIndex) of(b *Batch, r int) (key uint64, rest uint32) {
	for _, i := range k.text {
		key <<= 32
		if v := &b.Columns[i]; !v.IsNull(r) {
			key |= uint64(v.Codes[r]) + 1
		}
	}
	if len(k.rest) == 0 {
		return key, 1
	}
	k.buf = k.buf[:0]
	for _, i := range k.rest {
		v := &b.Columns[i]
		if v.IsNull(r) {
			k.buf = append(k.buf, 0)
			continue
		}
		k.buf = append(k.buf, 1)
		if b.Contract.Columns[i].Type.Texts() {
			k.buf = binary.LittleEndian.AppendUint32(k.buf, v.Codes[r])
		} else {
			k.buf = binary.LittleEndian.AppendUint64(k.buf, uint64(v.Ints[r]))
		}
	}
	if k.last != 0 && string(k.buf) == string(k.tuple) {
		return key, k.last
	}
	code, ok := k.tuples[string(k.buf)]
	if !ok {
		code = uint32(len(k.tuples) + 1)
		k.tuples[string(k.buf)] = code
	}
	k.tuple, k.last = append(k.tuple[:0], k.buf...), code
	return key, code
}

// keyBlock is how many keys are worked out ahead of their use: few enough that their slots stay in the cache.
const keyBlock = 256

// rowKey is the exact key of a row.
type rowKey struct {
	key  uint64
	rest uint32
}

// block works out the keys of the wanted rows of [lo, hi) and touches their slots, one after another and
// without waiting: what costs time in a large index is the memory, and so many reads are on their way at once.
func (k *keyIndex) block(b *Batch, lo, hi int, wanted func(r int) bool, keys *[keyBlock]rowKey) {
	for r := lo; r < hi; r++ {
		if wanted(r) {
			key, rest := k.of(b, r)
			keys[r-lo] = rowKey{key, rest}
		}
	}
	mask, sum := uint64(len(k.slots)-1), uint32(0)
	for i := range keys[:hi-lo] {
		sum += k.slots[mix(keys[i].key, uint64(keys[i].rest))&mask].rest
	}
	k.touched = sum
}

// find returns the slot of a key, or the free slot where it belongs.
func (k *keyIndex) find(key uint64, rest uint32) *keySlot {
	mask := uint64(len(k.slots) - 1)
	for i := mix(key, uint64(rest)) & mask; ; i = (i + 1) & mask {
		s := &k.slots[i]
		if s.rest == 0 || (s.key == key && s.rest == rest) {
			return s
		}
	}
}

// put returns the value kept under a key and whether there was one; a new key is kept with val.
func (k *keyIndex) put(key uint64, rest uint32, val uint64) (*uint64, bool) {
	s := k.find(key, rest)
	if s.rest != 0 {
		return &s.val, true
	}
	if k.used*4 >= len(k.slots)*3 {
		k.grow()
		s = k.find(key, rest)
	}
	k.used++
	*s = keySlot{key: key, val: val, rest: rest}
	return &s.val, false
}

func (k *keyIndex) grow() {
	old := k.slots
	k.slots = make([]keySlot, 2*len(old))
	for i := range old {
		if old[i].rest != 0 {
			*k.find(old[i].key, old[i].rest) = old[i]
		}
	}
}

// mix adds a word to a hash. For one hash no two words give the same result.
func mix(h, word uint64) uint64 {
	h = (bits.RotateLeft64(h, 23) ^ word) * 0x9fb21c651e98df25
	h = (h ^ h>>29) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// digests returns a digest of every row over the columns that are not part of the key: rows of one key with
// equal digests say the same.
func digests(b *Batch) []uint64 {
	d := make([]uint64, b.Rows)
	for i := range b.Columns {
		def, v := &b.Contract.Columns[i], &b.Columns[i]
		if def.Key || v.Absent {
			continue
		}
		column := uint64(i)<<32 + 1
		for r := range d {
			if v.IsNull(r) {
				continue
			}
			switch {
			case def.Type.Texts():
				d[r] = mix(d[r]+column, uint64(v.Codes[r]))
			case def.Type.Lists():
				h := d[r] + column
				for _, e := range v.List[v.Offsets[r]:v.Offsets[r+1]] {
					h = h*0x9e3779b97f4a7c15 + uint64(e)
				}
				d[r] = mix(h, uint64(v.Offsets[r+1]-v.Offsets[r]))
			default:
				d[r] = mix(d[r]+column, uint64(v.Ints[r]))
			}
		}
	}
	return d
}
