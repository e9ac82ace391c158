package state

import (
	"encoding/binary"
	"unsafe"
)

// A column lies in blocks of blockRows slots. A block belongs to the epoch in which it was made or copied; a cut
// ends the epoch, so a block of an older one is copied before it is written.
const (
	blockShift = 10
	blockRows  = 1 << blockShift
	blockMask  = blockRows - 1
)

// block is the values of one column in blockRows slots, nil when there is none:
//
//	per 64 slots: 8 bytes of bits that say which have a value, then 64 values of the column's width, little-endian
type block struct {
	data  []byte
	epoch uint32
}

// column is one column of a table.
type column struct {
	width  int   // bytes of a value: 0 (only the bit), 1, 2, 4, 8
	base   int64 // smallest value: what is kept is the value less base
	blocks []block
}

// widthFor gives the bytes that values of a range need.
func widthFor(low, high int64) int {
	switch span := uint64(high - low); {
	case span < 1<<8:
		return 1
	case span < 1<<16:
		return 2
	case span < 1<<32:
		return 4
	}
	return 8
}

// group gives the bits and values of the 64 slots around a slot, nil when its block holds nothing.
func (c *column) group(slot uint32) []byte {
	at := int(slot >> blockShift)
	if at >= len(c.blocks) || c.blocks[at].data == nil {
		return nil
	}
	size := 8 + 64*c.width
	from := int(slot&blockMask) >> 6 * size
	return c.blocks[at].data[from : from+size]
}

func bitOf(group []byte, slot uint32) bool {
	return group != nil && group[slot>>3&7]&(1<<(slot&7)) != 0
}

// get returns the value of a slot and whether there is one.
func (c *column) get(slot uint32) (int64, bool) {
	g := c.group(slot)
	if !bitOf(g, slot) {
		return 0, false
	}
	return c.base + valueOf(g[8:], c.width, slot&63), true
}

func valueOf(values []byte, width int, i uint32) int64 {
	switch width {
	case 1:
		return int64(values[i])
	case 2:
		return int64(binary.LittleEndian.Uint16(values[2*i:]))
	case 4:
		return int64(binary.LittleEndian.Uint32(values[4*i:]))
	case 8:
		return int64(binary.LittleEndian.Uint64(values[8*i:]))
	}
	return 0
}

// has reports whether a slot has a value.
func (c *column) has(slot uint32) bool { return bitOf(c.group(slot), slot) }

// own gives the group of a slot, ready to be written in the epoch.
func (c *column) own(slot, epoch uint32) []byte {
	at := int(slot >> blockShift)
	for at >= len(c.blocks) {
		c.blocks = append(c.blocks, block{})
	}
	switch b := &c.blocks[at]; {
	case b.data == nil:
		*b = block{make([]byte, blockRows/64*(8+64*c.width)), epoch}
	case b.epoch != epoch:
		*b = block{append([]byte(nil), b.data...), epoch}
	}
	return c.group(slot)
}

// set writes a value.
func (c *column) set(slot uint32, v int64, epoch uint32) {
	g, i := c.own(slot, epoch), slot&63
	g[i>>3] |= 1 << (i & 7)
	v -= c.base
	switch g = g[8:]; c.width {
	case 1:
		g[i] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(g[2*i:], uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(g[4*i:], uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(g[8*i:], uint64(v))
	}
}

// swap writes a value and returns by how much it is more than the one before; none counts as 0.
func (c *column) swap(slot uint32, v int64, epoch uint32) int64 {
	if at := int(slot >> blockShift); at < len(c.blocks) && c.blocks[at].epoch == epoch && c.width == 4 { // most are these
		from := int(slot&blockMask) >> 6 * (8 + 64*4)
		g := c.blocks[at].data[from : from+8+64*4]
		if bitOf(g, slot) {
			word := g[8+4*(slot&63):]
			old := c.base + int64(binary.LittleEndian.Uint32(word))
			binary.LittleEndian.PutUint32(word, uint32(v-c.base))
			return v - old
		}
	}
	old, had := c.get(slot)
	if had && old == v {
		return 0
	}
	c.set(slot, v, epoch)
	return v - old
}

// clear takes a value away; the bytes of an empty place are zero.
func (c *column) clear(slot, epoch uint32) {
	if !c.has(slot) {
		return
	}
	c.set(slot, c.base, epoch)
	c.own(slot, epoch)[slot>>3&7] &^= 1 << (slot & 7)
}

// frozen is the column as it is, for a cut.
func (c *column) frozen() column {
	return column{width: c.width, base: c.base, blocks: append([]block(nil), c.blocks...)}
}

// sameBlock reports whether two columns share a block, or both have none there.
func sameBlock(x, y *column, i int) bool {
	return unsafe.SliceData(at(x.blocks, i).data) == unsafe.SliceData(at(y.blocks, i).data)
}

// bytes is the memory of the column.
func (c *column) bytes() int64 {
	n := int64(32 * cap(c.blocks))
	for i := range c.blocks {
		n += int64(cap(c.blocks[i].data))
	}
	return n
}
