package state

import (
	"cmp"
	"slices"

	"echelon/inputs"
)

// keyspace numbers the keys of one table, or of all tables keyed by (item, node), by slots.
//
// A key is one word of 32 bits per key column: 0 null, else 1 + the text's number or 1 + the value less the
// column's minimum. Words lie in blocks like a column's; the index is open addressing over slots, 4 bytes a place.
// Memory a key: its words, 5.3 to 10.7 bytes of index, 4 bytes of order.
type keyspace struct {
	cols   []keyColumn
	words  []wordBlock
	index  []uint32 // slot + 1; 0: free
	used   int      // slots in the index
	next   uint32   // first slot never handed out
	free   []uint32 // given back
	order  []uint32 // slots sorted by key, at the last merge; shared with cuts, never written
	tail   []uint32 // slots handed out since
	dead   []uint32 // slots that may hold nothing: looked at by the next sweep
	listed []uint64 // a bit per slot: it is among the dead
	tables []*table
	key    []uint32 // of the change at hand
}

// mostKeyColumns is how many columns the key of a table has at most.
const mostKeyColumns = 8

type keyColumn struct {
	column int // of the contract
	dict   *dict
	low    int64
}

// wordBlock is the keys of blockRows slots.
type wordBlock struct {
	words []uint32
	epoch uint32
}

func newKeyspace(c *inputs.Contract, dictOf func(name string) *dict) *keyspace {
	k := &keyspace{index: make([]uint32, 64)}
	for _, i := range c.Keys() {
		col := keyColumn{column: i}
		if def := &c.Columns[i]; def.Type.Texts() {
			col.dict = dictOf(dictName(c, i))
		} else {
			col.low = def.Min
			if widthFor(def.Min, def.Max+1) > 4 {
				panic("state: values of key column " + c.Table + "." + def.Name + " do not fit a word")
			}
		}
		k.cols = append(k.cols, col)
	}
	if len(k.cols) > mostKeyColumns {
		panic("state: the key of " + c.Table + " has too many columns")
	}
	k.key = make([]uint32, len(k.cols))
	return k
}

// wordsOf returns the key of a slot.
func wordsOf(blocks []wordBlock, stride int, slot uint32) []uint32 {
	i := int(slot&blockMask) * stride
	return blocks[slot>>blockShift].words[i : i+stride]
}

func (k *keyspace) keyOf(slot uint32) []uint32 { return wordsOf(k.words, len(k.cols), slot) }

func hashKey(key []uint32) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for i := 0; i < len(key); i += 2 {
		w := uint64(key[i])
		if i+1 < len(key) {
			w |= uint64(key[i+1]) << 32
		}
		h = (h ^ w) * 0x9fb21c651e98df25
		h ^= h >> 32
	}
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// An index entry is a slot + 1 in its low bits and some bits of the key's hash above: keys are compared only where
// those agree. 0 is a free place.
const (
	slotBits = 28 // keys of a table at most: 268 million
	slotMask = 1<<slotBits - 1
)

func entryOf(hash uint64, slot uint32) uint32 { return uint32(hash>>32)&^slotMask | (slot + 1) }

// find returns the slot of a key.
func (k *keyspace) find(key []uint32) (slot uint32, there bool) {
	return k.findHashed(key, hashKey(key))
}

func (k *keyspace) findHashed(key []uint32, h uint64) (slot uint32, there bool) {
	mask := uint64(len(k.index) - 1)
	tag := uint32(h>>32) &^ slotMask
	for i := h & mask; ; i = (i + 1) & mask {
		n := k.index[i]
		if n == 0 {
			return 0, false
		}
		if n&^slotMask == tag && equalKeys(k.keyOf(n&slotMask-1), key) {
			return n&slotMask - 1, true
		}
	}
}

func equalKeys(a, b []uint32) bool {
	for i, w := range a {
		if w != b[i] {
			return false
		}
	}
	return true
}

// put returns the slot of a key, a new one when it has none.
func (k *keyspace) put(key []uint32, epoch uint32) uint32 {
	if slot, there := k.find(key); there {
		return slot
	}
	if k.used*4 >= len(k.index)*3 {
		k.grow()
	}
	var slot uint32
	if n := len(k.free); n > 0 {
		slot, k.free = k.free[n-1], k.free[:n-1]
	} else {
		slot = k.next
		if k.next++; k.next > slotMask {
			panic("state: a table has more than 268 million keys")
		}
	}
	copy(k.own(slot, epoch), key)
	k.enter(slot)
	k.used++
	k.tail = append(k.tail, slot)
	return slot
}

// own returns the words of a slot, ready to be written.
func (k *keyspace) own(slot, epoch uint32) []uint32 {
	at, stride := int(slot>>blockShift), len(k.cols)
	for at >= len(k.words) {
		k.words = append(k.words, wordBlock{})
	}
	switch b := &k.words[at]; {
	case b.words == nil:
		*b = wordBlock{make([]uint32, blockRows*stride), epoch}
	case b.epoch != epoch:
		*b = wordBlock{slices.Clone(b.words), epoch}
	}
	return k.keyOf(slot)
}

func (k *keyspace) enter(slot uint32) {
	h, mask := hashKey(k.keyOf(slot)), uint64(len(k.index)-1)
	i := h & mask
	for k.index[i] != 0 {
		i = (i + 1) & mask
	}
	k.index[i] = entryOf(h, slot)
}

func (k *keyspace) grow() {
	old := k.index
	k.index = make([]uint32, 2*len(old))
	for _, n := range old {
		if n != 0 {
			k.enter(n&slotMask - 1)
		}
	}
}

// leave takes a slot out of the index: the places behind it move up.
func (k *keyspace) leave(slot uint32) {
	mask := uint64(len(k.index) - 1)
	i := hashKey(k.keyOf(slot)) & mask
	for k.index[i]&slotMask != slot+1 {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		n := k.index[j]
		if n == 0 {
			break
		}
		home := hashKey(k.keyOf(n&slotMask-1)) & mask
		if (j-home)&mask >= (j-i)&mask {
			k.index[i] = n
			i = j
		}
	}
	k.index[i] = 0
	k.used--
}

// merged gives all slots sorted by key: the order of the last merge and the slots handed out since.
func merged(order, tail []uint32, less func(x, y uint32) int) []uint32 {
	if len(tail) == 0 {
		return order
	}
	late := slices.Clone(tail)
	slices.SortFunc(late, less)
	if len(order) == 0 || less(order[len(order)-1], late[0]) < 0 {
		return append(slices.Clip(order), late...)
	}
	out := make([]uint32, 0, len(order)+len(late))
	for len(order) > 0 && len(late) > 0 {
		if less(order[0], late[0]) < 0 {
			out, order = append(out, order[0]), order[1:]
		} else {
			out, late = append(out, late[0]), late[1:]
		}
	}
	return append(append(out, order...), late...)
}

// keyOrder compares slots by key: texts by their bytes, null first.
type keyOrder struct {
	words []wordBlock
	ranks [][]uint32 // per key column; nil: by the word
}

func (o *keyOrder) compare(x, y uint32) int {
	a, b := wordsOf(o.words, len(o.ranks), x), wordsOf(o.words, len(o.ranks), y)
	for i, p := range a {
		q, ranks := b[i], o.ranks[i]
		if p == q {
			continue
		}
		if ranks == nil || p == 0 || q == 0 {
			return cmp.Compare(p, q)
		}
		return cmp.Compare(ranks[p-1], ranks[q-1])
	}
	return 0
}

// doubt lists a slot for the next sweep.
func (k *keyspace) doubt(slot uint32) {
	for int(slot>>6) >= len(k.listed) {
		k.listed = append(k.listed, 0)
	}
	if bit := uint64(1) << (slot & 63); k.listed[slot>>6]&bit == 0 {
		k.listed[slot>>6] |= bit
		k.dead = append(k.dead, slot)
	}
}

// bytes is the memory of the index, the keys and their order.
func (k *keyspace) bytes() int64 {
	n := int64(4*(cap(k.index)+cap(k.order)+cap(k.tail)+cap(k.free)+cap(k.dead)) + 32*cap(k.words) + 8*cap(k.listed))
	return n + int64(len(k.words)*blockRows*4*len(k.cols))
}
