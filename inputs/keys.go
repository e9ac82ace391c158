package inputs

import (
	"encoding/binary"
	"math/bits"
	"slices"
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
	before []byte // the tuple before: successive rows often share it
	last   uint32
	buf    []byte

	touched uint32 // keeps the reads of touch alive
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
	key = k.texts(b, r)
	if len(k.rest) == 0 {
		return key, 1
	}
	return key, k.tuple(b, r)
}

// texts packs the texts of the key of row r.
func (k *keyIndex) texts(b *Batch, r int) (key uint64) {
	for _, i := range k.text {
		key <<= 32
		if v := &b.Columns[i]; !v.IsNull(r) {
			key |= uint64(v.Codes[r]) + 1
		}
	}
	return key
}

// tuple numbers what else the key of row r has.
func (k *keyIndex) tuple(b *Batch, r int) uint32 {
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
	if k.last != 0 && string(k.buf) == string(k.before) {
		return k.last
	}
	code, ok := k.tuples[string(k.buf)]
	if !ok {
		code = uint32(len(k.tuples) + 1)
		k.tuples[string(k.buf)] = code
	}
	k.before, k.last = append(k.before[:0], k.buf...), code
	return code
}

// keyBlock is how many keys are worked out ahead of their use: few enough that their slots stay in the cache.
const keyBlock = 256

// rowKey is the exact key of a row.
type rowKey struct {
	key  uint64
	rest uint32
}

// block works out the keys of the rows of [lo, hi) that have no fault.
func (k *keyIndex) block(b *Batch, lo, hi int, bad []*Fault, keys *[keyBlock]rowKey) {
	same := k.sameRest(b)
	before := -1
	for r := lo; r < hi; r++ {
		if bad != nil && bad[r] != nil {
			continue
		}
		key := k.texts(b, r)
		rest := uint32(1)
		switch {
		case len(k.rest) == 0:
		case before >= 0 && same(r, before):
			rest = keys[before-lo].rest
		default:
			rest = k.tuple(b, r)
		}
		keys[r-lo] = rowKey{key, rest}
		before = r
	}
}

// sameRest tells whether two rows of a batch agree in what their keys have beside the packed texts.
func (k *keyIndex) sameRest(b *Batch) func(r, before int) bool {
	var given []int
	for _, i := range k.rest {
		if !b.Columns[i].Absent {
			given = append(given, i)
		}
	}
	return func(r, before int) bool {
		for _, i := range given {
			v := &b.Columns[i]
			if v.Null != nil && v.IsNull(r) != v.IsNull(before) {
				return false
			}
			if b.Contract.Columns[i].Type.Texts() {
				if v.Codes[r] != v.Codes[before] {
					return false
				}
			} else if v.Ints[r] != v.Ints[before] {
				return false
			}
		}
		return true
	}
}

// touch reads the slots of keys one after another and without waiting: what costs time in a large index is the memory,
// and so many reads are on their way at once.
func (k *keyIndex) touch(keys []rowKey) {
	mask, sum := uint64(len(k.slots)-1), uint32(0)
	for i := range keys {
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

// reserve makes room for n keys.
func (k *keyIndex) reserve(n int) {
	size := len(k.slots)
	for n*4 >= size*3 {
		size *= 2
	}
	k.resize(size)
}

func (k *keyIndex) grow() { k.resize(2 * len(k.slots)) }

func (k *keyIndex) resize(size int) {
	old := k.slots
	k.slots = make([]keySlot, size)
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

// digests returns, in the room of d, a digest of every row over the columns that are not part of the key: rows of one key
// with equal digests say the same.
func digests(d []uint64, b *Batch) []uint64 {
	d = slices.Grow(d[:0], b.Rows)[:b.Rows]
	clear(d)
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
