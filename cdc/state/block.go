package state

import "encoding/binary"

// A column lies in blocks of blockRows slots. A block belongs to the epoch in which it was made or copied; a cut
// ends the epoch, so a block of an older one is copied before it is written.
const (
	blockShift = 10
	blockRows  = 1 << blockShift
	blockMask  = blockRows - 1
)

// block is the values of one column in blockRows slots: width bytes each, little-endian, and a bit that says
// whether there is one.
type block struct {
	epoch uint32
	given [blockRows / 64]uint64
	data  []byte
}

// column is one column of a table. A block that is nil holds no value.
type column struct {
	width  int   // bytes of a value: 0 (only the bit), 1, 2, 4, 8
	base   int64 // smallest value: what is kept is the value less base
	blocks []*block
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

// get returns the value of a slot and whether there is one.
func (c *column) get(slot uint32) (int64, bool) {
	at := int(slot >> blockShift)
	if at >= len(c.blocks) || c.blocks[at] == nil {
		return 0, false
	}
	b, i := c.blocks[at], slot&blockMask
	if b.given[i>>6]&(1<<(i&63)) == 0 {
		return 0, false
	}
	return c.base + b.value(c.width, i), true
}

func (b *block) value(width int, i uint32) int64 {
	switch width {
	case 1:
		return int64(b.data[i])
	case 2:
		return int64(binary.LittleEndian.Uint16(b.data[2*i:]))
	case 4:
		return int64(binary.LittleEndian.Uint32(b.data[4*i:]))
	case 8:
		return int64(binary.LittleEndian.Uint64(b.data[8*i:]))
	}
	return 0
}

// has reports whether a slot has a value.
func (c *column) has(slot uint32) bool {
	at := int(slot >> blockShift)
	if at >= len(c.blocks) || c.blocks[at] == nil {
		return false
	}
	i := slot & blockMask
	return c.blocks[at].given[i>>6]&(1<<(i&63)) != 0
}

// own returns the block of a slot, ready to be written in the epoch.
func (c *column) own(slot, epoch uint32) *block {
	at := int(slot >> blockShift)
	for at >= len(c.blocks) {
		c.blocks = append(c.blocks, nil)
	}
	b := c.blocks[at]
	switch {
	case b == nil:
		b = &block{epoch: epoch}
		if c.width > 0 {
			b.data = make([]byte, blockRows*c.width)
		}
		c.blocks[at] = b
	case b.epoch != epoch:
		copied := &block{epoch: epoch, given: b.given}
		if c.width > 0 {
			copied.data = make([]byte, len(b.data))
			copy(copied.data, b.data)
		}
		b = copied
		c.blocks[at] = b
	}
	return b
}

// set writes a value.
func (c *column) set(slot uint32, v int64, epoch uint32) {
	b, i := c.own(slot, epoch), slot&blockMask
	b.given[i>>6] |= 1 << (i & 63)
	v -= c.base
	switch c.width {
	case 1:
		b.data[i] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b.data[2*i:], uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b.data[4*i:], uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(b.data[8*i:], uint64(v))
	}
}

// clear takes a value away; the bytes of an empty place are zero, so that equal tables have equal blocks.
func (c *column) clear(slot, epoch uint32) {
	if !c.has(slot) {
		return
	}
	c.set(slot, c.base, epoch)
	b, i := c.own(slot, epoch), slot&blockMask
	b.given[i>>6] &^= 1 << (i & 63)
}

// frozen is the column as it is, for a cut.
func (c *column) frozen() column {
	return column{width: c.width, base: c.base, blocks: append([]*block(nil), c.blocks...)}
}

// bytes is the memory of the column.
func (c *column) bytes() int64 {
	n := int64(8 * cap(c.blocks))
	for _, b := range c.blocks {
		if b != nil {
			n += int64(len(b.data)) + blockRows/8 + 32
		}
	}
	return n
}
