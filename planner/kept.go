package planner

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"echelon/inputs"
)

// Kept is what the plan of one DC keeps for the next cycle, per item: the fingerprints of all that the plan of the
// item was made of, what it counts, and the digests of its lines. A net change compares it with what a new snapshot
// says; the plan hash and the counts of the merged plan follow from it without reading lines.
type Kept struct {
	Items []string // ascending
	cells []keptCell
	tail  []byte   // per item: counts, digests
	at    []uint32 // one more than items
	// only in memory; nil: not known
	loads  *keptLoads
	vendor *vendorSums
	over   *keptOver // of a net change: what is not as its base kept it
}

// keptCell is the fingerprints of an item: facts of the DC's own rows, and of the whole unit's requests from child
// units and answers from parent units.
type keptCell struct {
	facts    printCell
	requests Print
	answers  Print
	released bool
}

// sums is a DCResult, or an item's part of one, as numbers that add up.
type sums [numSums]int64

const (
	sumSKUs = iota
	sumPlanned
	sumHeld
	sumLines    = sumHeld + 4
	sumUnits    = sumLines + int(NumLayers)
	sumReleased = sumUnits + int(NumLayers)
	sumShort    = sumReleased + 1
	sumKinds    = sumShort + 1
	numSums     = sumKinds + int(NumExceptions)
)

// heldKinds are the reasons for which a row is held.
var heldKinds = [4]ExceptionKind{ExNoPosition, ExNoLane, ExLaneClosed, ExLaneCycle}

func (s *sums) of(r *DCResult) {
	s[sumSKUs], s[sumPlanned], s[sumReleased], s[sumShort] = r.SKUs, r.Planned, r.Released, r.ShortUnits
	for i, kind := range heldKinds {
		s[sumHeld+i] = r.Held[kind.String()]
	}
	copy(s[sumLines:], r.Lines[:])
	copy(s[sumUnits:], r.Units[:])
	copy(s[sumKinds:], r.Exceptions[:])
}

func (s *sums) result(r *DCResult) {
	r.SKUs, r.Planned, r.Released, r.ShortUnits = s[sumSKUs], s[sumPlanned], s[sumReleased], s[sumShort]
	r.Held = map[string]int64{}
	for i, kind := range heldKinds {
		if n := s[sumHeld+i]; n != 0 {
			r.Held[kind.String()] = n
		}
	}
	copy(r.Lines[:], s[sumLines:])
	copy(r.Units[:], s[sumUnits:])
	copy(r.Exceptions[:], s[sumKinds:])
}

func (s *sums) add(o *sums, sign int64) {
	for i, v := range o {
		s[i] += sign * v
	}
}

// keptItem is one item's record before it is packed.
type keptItem struct {
	item    inputs.ItemIdx
	sums    sums
	layers  uint16 // with digest
	digests []byte // 32 bytes per layer, ascending
	loads   []byte // its orders in the workload, packed
}

// appendTail packs counts and digests: a word of which counts are not 0, those, the layers, their digests.
func (k *keptItem) appendTail(b []byte) []byte {
	var some uint64
	for i, v := range k.sums {
		if v != 0 {
			some |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, some)
	for i, v := range k.sums {
		if some>>i&1 != 0 {
			b = appendInt(b, v)
		}
	}
	b = binary.LittleEndian.AppendUint16(b, k.layers)
	return append(b, k.digests...)
}

// readTail unpacks what appendTail packed; false: it is not whole.
func readTail(b []byte, s *sums) (layers uint16, digests []byte, ok bool) {
	*s = sums{}
	some, n := binary.Uvarint(b)
	if n <= 0 || some>>numSums != 0 {
		return 0, nil, false
	}
	b = b[n:]
	for some != 0 {
		v, n := binary.Varint(b)
		if n <= 0 {
			return 0, nil, false
		}
		s[bits.TrailingZeros64(some)] = v
		some &= some - 1
		b = b[n:]
	}
	if len(b) < 2 {
		return 0, nil, false
	}
	layers = binary.LittleEndian.Uint16(b)
	return layers, b[2:], len(b) == 2+32*bits.OnesCount16(layers)
}

// push appends an item, which must come after those that are there.
func (k *Kept) push(id string, cell keptCell, tail []byte) {
	k.tail = append(k.tail, tail...)
	k.end(id, cell)
}

// pushItem appends an item whose counts and digests are not packed yet.
func (k *Kept) pushItem(id string, cell keptCell, item *keptItem) {
	k.tail = item.appendTail(k.tail)
	k.end(id, cell)
}

func (k *Kept) end(id string, cell keptCell) {
	if len(k.at) == 0 {
		k.at = append(k.at, 0)
	}
	k.Items = append(k.Items, id)
	k.cells = append(k.cells, cell)
	k.at = append(k.at, uint32(len(k.tail)))
}

// room makes room for what a base kept and for items planned now.
func (k *Kept) room(base *Kept, now []keptItem) {
	items, tail, loads := len(base.Items)+len(now), len(base.tail), 0
	for i := range now {
		tail += len(now[i].digests) + tailCounts
		loads += len(now[i].loads)
	}
	k.Items, k.cells = make([]string, 0, items), make([]keptCell, 0, items)
	k.at, k.tail = make([]uint32, 0, items+1), make([]byte, 0, tail)
	if k.loads != nil {
		k.loads.data, k.loads.at = make([]byte, 0, len(base.loads.data)+loads), make([]uint32, 0, items+1)
	}
}

// tailCounts is what the counts of an item mostly take.
const tailCounts = 48

func (k *Kept) tailOf(i int) []byte { return k.tail[k.at[i]:k.at[i+1]] }

// find gives the number of an item, -1 when it is not there.
func (k *Kept) find(id string) int {
	if i, ok := slices.BinarySearch(k.Items, id); ok {
		return i
	}
	return -1
}

// Rows counts the rows of all items.
func (k *Kept) Rows() int64 {
	var n int64
	for i := range k.cells {
		n += int64(k.cells[i].facts.rows)
	}
	return n
}

// keptVersion is the first byte of a packed Kept; another version is not read.
const keptVersion = 2

var errKept = errors.New("kept fingerprints are cut short or of another version")

// Append packs the record; ReadKept unpacks it.
func (k *Kept) Append(b []byte) []byte {
	b = append(b, keptVersion)
	b = binary.AppendUvarint(b, uint64(len(k.Items)))
	for i, id := range k.Items {
		b = k.appendItem(b, i, id)
	}
	return b
}

func (k *Kept) appendItem(b []byte, i int, id string) []byte {
	c := &k.cells[i]
	b = appendText(b, id)
	for _, p := range [...]Print{c.facts.sum, c.requests, c.answers} {
		b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, p.A), p.B)
	}
	for _, part := range c.facts.part {
		b = binary.LittleEndian.AppendUint32(b, part)
	}
	b = append(binary.AppendUvarint(b, uint64(c.facts.rows)), bit(c.released))
	tail := k.tailOf(i)
	return append(binary.AppendUvarint(b, uint64(len(tail))), tail...)
}

// ReadKept unpacks what Append packed.
func ReadKept(b []byte) (*Kept, error) {
	r := keptReader{b: b}
	if len(b) == 0 || b[0] != keptVersion {
		return nil, errKept
	}
	r.b = b[1:]
	k, err := r.items()
	if err != nil {
		return nil, err
	}
	if r.bad || len(r.b) > 0 {
		return nil, errKept
	}
	return k, nil
}

// items reads a list of items with what is kept of them.
func (r *keptReader) items() (*Kept, error) {
	k := &Kept{}
	for range r.uint() {
		id := string(r.take(int(r.uint())))
		var c keptCell
		for _, p := range [...]*Print{&c.facts.sum, &c.requests, &c.answers} {
			p.A, p.B = r.word(), r.word()
		}
		for i := range c.facts.part {
			c.facts.part[i] = binary.LittleEndian.Uint32(r.take(4))
		}
		c.facts.rows = uint32(r.number())
		c.released = r.take(1)[0] != 0
		tail := r.take(int(r.uint()))
		var s sums
		if _, _, ok := readTail(tail, &s); !ok || r.bad || len(k.Items) > 0 && id <= k.Items[len(k.Items)-1] {
			return nil, fmt.Errorf("item %q: %w", id, errKept)
		}
		k.push(id, c, tail)
	}
	return k, nil
}

type keptReader struct {
	b    []byte
	none [16]byte
	bad  bool
}

// uint reads a count of what follows, each at least a byte.
func (r *keptReader) uint() uint64 {
	v := r.number()
	if v > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return v
}

func (r *keptReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *keptReader) word() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// take gives the next bytes; of what is cut short, nothing but zeros.
func (r *keptReader) take(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		if n > len(r.none) {
			return nil
		}
		return r.none[:n]
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}
