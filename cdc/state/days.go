package state

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// dayRow names a forecast row of one SKU: its contract key but item and node.
type dayRow struct {
	from   int32 // day of a row of one day, first day of a list
	list   bool
	given  bool // issued_at is given
	issued int64
}

// dayCell is one day of one SKU, and the row that decides it.
type dayCell struct {
	day   int32
	value int64 // thousandths
	row   dayRow
}

// The days of a SKU are runs of successive days of one row (of rows of one day with one issued_at), each
//
//	head    1 byte   bits 0-1 width of a value: 1, 2, 4, 8 bytes · bit 2 list · bit 3 issued_at given
//	first   4 bytes  first day of the run
//	days    2 bytes
//	before  2 bytes  lists: days of the row before the run, decided by other rows
//	issued  8 bytes  when given
//	values  days × width
const (
	headWidth  = 3
	headList   = 4
	headIssued = 8
)

// dayBlockRows is the slots whose days lie in one heap.
const (
	dayBlockShift = 6
	dayBlockRows  = 1 << dayBlockShift
)

// dayBlock is the days of successive slots. What is written anew and has become longer goes to the end of the
// heap; when half of the heap is garbage it is packed.
type dayBlock struct {
	epoch   uint32
	garbage uint32
	at      [dayBlockRows]uint32
	size    [dayBlockRows]uint32
	heap    []byte
}

// bytesOf returns the runs of a slot.
func bytesOf(blocks []*dayBlock, slot uint32) []byte {
	at := int(slot >> dayBlockShift)
	if at >= len(blocks) || blocks[at] == nil {
		return nil
	}
	b, i := blocks[at], slot&(dayBlockRows-1)
	return b.heap[b.at[i] : b.at[i]+b.size[i]]
}

// store writes the runs of a slot.
func (t *dayTable) store(slot uint32, runs []byte, epoch uint32) {
	at, i := int(slot>>dayBlockShift), slot&(dayBlockRows-1)
	for at >= len(t.blocks) {
		t.blocks = append(t.blocks, nil)
	}
	b := t.blocks[at]
	switch {
	case b == nil:
		b = &dayBlock{epoch: epoch}
		t.blocks[at] = b
	case b.epoch != epoch:
		copied := *b
		copied.epoch, copied.heap = epoch, slices.Clone(b.heap)
		b = &copied
		t.blocks[at] = b
	}
	n := uint32(len(runs))
	if n <= b.size[i] {
		b.garbage += b.size[i] - n
		copy(b.heap[b.at[i]:], runs)
		b.size[i] = n
	} else {
		b.garbage += b.size[i]
		b.at[i], b.size[i] = uint32(len(b.heap)), n
		b.heap = append(b.heap, runs...)
	}
	if int(b.garbage) > len(b.heap)/2 && b.garbage > 256 {
		b.pack()
	}
}

func (b *dayBlock) pack() {
	heap := make([]byte, 0, len(b.heap)-int(b.garbage))
	for i := range b.at {
		from := b.at[i]
		b.at[i] = uint32(len(heap))
		heap = append(heap, b.heap[from:from+b.size[i]]...)
	}
	b.heap, b.garbage = heap, 0
}

// run is one run of days, decoded but for its values.
type run struct {
	first  int32
	days   int
	row    dayRow // of rows of one day: of the first
	width  int
	values []byte
}

// nextRun splits the first run off.
func nextRun(data []byte) (r run, rest []byte) {
	head := data[0]
	r.first, r.days = int32(binary.LittleEndian.Uint32(data[1:])), int(binary.LittleEndian.Uint16(data[5:]))
	data = data[7:]
	r.row.from, r.row.list, r.row.given = r.first, head&headList != 0, head&headIssued != 0
	if r.row.list {
		r.row.from -= int32(binary.LittleEndian.Uint16(data))
		data = data[2:]
	}
	if r.row.given {
		r.row.issued = int64(binary.LittleEndian.Uint64(data))
		data = data[8:]
	}
	r.width = 1 << (head & headWidth)
	n := r.days * r.width
	r.values = data[:n]
	return r, data[n:]
}

func (r *run) value(i int) int64 {
	switch r.width {
	case 1:
		return int64(r.values[i])
	case 2:
		return int64(binary.LittleEndian.Uint16(r.values[2*i:]))
	case 4:
		return int64(binary.LittleEndian.Uint32(r.values[4*i:]))
	}
	return int64(binary.LittleEndian.Uint64(r.values[8*i:]))
}

// decodeDays appends the days of a slot, ascending.
func decodeDays(to []dayCell, data []byte) []dayCell {
	for len(data) > 0 {
		var r run
		r, data = nextRun(data)
		for i := range r.days {
			c := dayCell{day: r.first + int32(i), value: r.value(i), row: r.row}
			if !c.row.list {
				c.row.from = c.day
			}
			to = append(to, c)
		}
	}
	return to
}

// follows reports whether a day goes on with the run of the one before it.
func (c *dayCell) follows(p *dayCell) bool {
	return c.day == p.day+1 && c.row.list == p.row.list && c.row.given == p.row.given && c.row.issued == p.row.issued &&
		(!c.row.list || c.row.from == p.row.from)
}

// encodeDays appends the runs of days, which ascend.
func encodeDays(to []byte, cells []dayCell) []byte {
	for lo := 0; lo < len(cells); {
		hi, most := lo+1, cells[lo].value
		for hi < len(cells) && cells[hi].follows(&cells[hi-1]) {
			most = max(most, cells[hi].value)
			hi++
		}
		c := &cells[lo]
		code := byte(0)
		for code < 3 && uint64(most)>>(8<<code) != 0 {
			code++
		}
		head := code
		if c.row.list {
			head |= headList
		}
		if c.row.given {
			head |= headIssued
		}
		to = append(to, head)
		to = binary.LittleEndian.AppendUint32(to, uint32(c.day))
		to = binary.LittleEndian.AppendUint16(to, uint16(hi-lo))
		if c.row.list {
			to = binary.LittleEndian.AppendUint16(to, uint16(c.day-c.row.from))
		}
		if c.row.given {
			to = binary.LittleEndian.AppendUint64(to, uint64(c.row.issued))
		}
		for i := lo; i < hi; i++ {
			v := uint64(cells[i].value)
			switch code {
			case 0:
				to = append(to, byte(v))
			case 1:
				to = binary.LittleEndian.AppendUint16(to, uint16(v))
			case 2:
				to = binary.LittleEndian.AppendUint32(to, uint32(v))
			default:
				to = binary.LittleEndian.AppendUint64(to, v)
			}
		}
		lo = hi
	}
	return to
}

// measure counts the rows that the days make, and adds their demand up.
func measure(data []byte) (rows, demand int64) {
	for len(data) > 0 {
		var r run
		r, data = nextRun(data)
		if r.row.list {
			rows++
		} else {
			rows += int64(r.days)
		}
		for i := range r.days {
			demand += r.value(i)
		}
	}
	return rows, demand
}

// appendRun makes a run of what a checkpoint holds of it; an error when its parts do not fit together.
func appendRun(to []byte, r *run) ([]byte, error) {
	if r.days <= 0 || len(r.values)%r.days != 0 || r.days > 1<<16-1 {
		return to, fmt.Errorf("a run of %d days has %d bytes", r.days, len(r.values))
	}
	var head byte
	switch len(r.values) / r.days {
	case 1:
	case 2:
		head = 1
	case 4:
		head = 2
	case 8:
		head = 3
	default:
		return to, fmt.Errorf("a run of %d days has %d bytes", r.days, len(r.values))
	}
	if r.row.list {
		head |= headList
	}
	if r.row.given {
		head |= headIssued
	}
	to = append(to, head)
	to = binary.LittleEndian.AppendUint32(to, uint32(r.first))
	to = binary.LittleEndian.AppendUint16(to, uint16(r.days))
	if r.row.list {
		before := r.first - r.row.from
		if before < 0 || before > 1<<16-1 {
			return to, fmt.Errorf("a run begins on day %d, its row on day %d", r.first, r.row.from)
		}
		to = binary.LittleEndian.AppendUint16(to, uint16(before))
	}
	if r.row.given {
		to = binary.LittleEndian.AppendUint64(to, uint64(r.row.issued))
	}
	return append(to, r.values...), nil
}
