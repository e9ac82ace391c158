package decode

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// walker reads Avro's bytes. After the first mistake it stands at the end, and everything it gives is empty.
type walker struct {
	b   []byte
	at  int
	bad bool
}

func (w *walker) fail() {
	w.bad, w.at = true, len(w.b)
}

// long reads a zig-zag number.
func (w *walker) long() int64 {
	if w.at < len(w.b) && w.b[w.at] < 0x80 {
		u := w.b[w.at]
		w.at++
		return int64(u>>1) ^ -int64(u&1)
	}
	return w.longer()
}

func (w *walker) longer() int64 {
	u, n := binary.Uvarint(w.b[w.at:])
	if n <= 0 {
		w.fail()
		return 0
	}
	w.at += n
	return int64(u>>1) ^ -int64(u&1)
}

// number reads an int or a long.
func (w *walker) number(n *avroNode) int64 {
	v := w.long()
	if n.kind == avroInt && v != int64(int32(v)) {
		w.fail()
		return 0
	}
	return v
}

// take reads n bytes.
func (w *walker) take(n int) []byte {
	if n < 0 || n > len(w.b)-w.at {
		w.fail()
		return nil
	}
	b := w.b[w.at : w.at+n : w.at+n]
	w.at += n
	return b
}

// bytes reads bytes or a string.
func (w *walker) bytes() []byte {
	if at := w.at; at < len(w.b) && w.b[at]&0x81 == 0 { // shorter than 64
		if end := at + 1 + int(w.b[at]>>1); end <= len(w.b) {
			w.at = end
			return w.b[at+1 : end : end]
		}
	}
	n := w.long()
	if n < 0 || n > int64(len(w.b)-w.at) {
		w.fail()
		return nil
	}
	return w.take(int(n))
}

func (w *walker) float() float64 {
	if b := w.take(4); b != nil {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return 0
}

func (w *walker) double() float64 {
	if b := w.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// branch reads which branch of a union follows.
func (w *walker) branch(n *avroNode) *avroNode {
	i := w.long()
	if i < 0 || i >= int64(len(n.branches)) {
		w.fail()
		return nullNode
	}
	return n.branches[i]
}

var wordTrue = []byte("true")

var nullNode = &avroNode{kind: avroNull}

// block reads the count of a block of an array or map; 0 ends it. bytes is the size of the block, -1 when it is
// not said.
func (w *walker) block() (count, bytes int) {
	c := w.long()
	bytes = -1
	if c < 0 {
		size := w.long()
		if c == math.MinInt64 || size < 0 || size > int64(len(w.b)-w.at) {
			w.fail()
			return 0, 0
		}
		c, bytes = -c, int(size)
	}
	if c > int64(len(w.b)-w.at) { // elements without bytes are nothing that we read
		w.fail()
		return 0, 0
	}
	return int(c), bytes
}

// skip reads over a value.
func (w *walker) skip(n *avroNode, depth int) {
	switch n.kind {
	case avroNull:
	case avroBool:
		w.take(1)
	case avroInt, avroLong:
		w.number(n)
	case avroEnum:
		if i := w.long(); i < 0 || i >= int64(len(n.symbols)) {
			w.fail()
		}
	case avroFloat:
		w.take(4)
	case avroDouble:
		w.take(8)
	case avroBytes, avroString:
		w.bytes()
	case avroFixed:
		w.take(n.size)
	case avroUnion:
		if depth > maxDepth {
			w.fail()
			return
		}
		w.skip(w.branch(n), depth+1)
	case avroRecord:
		if depth > maxDepth {
			w.fail()
			return
		}
		for i := range n.fields {
			w.skip(n.fields[i].node, depth+1)
		}
	case avroArray, avroMap:
		if depth > maxDepth {
			w.fail()
			return
		}
		w.skipBlocks(n, depth)
	}
}

func (w *walker) skipBlocks(n *avroNode, depth int) {
	for {
		count, bytes := w.block()
		if count == 0 {
			return
		}
		if bytes >= 0 {
			w.take(bytes)
			continue
		}
		for ; count > 0 && !w.bad; count-- {
			if n.kind == avroMap {
				w.bytes()
			}
			w.skip(n.items, depth+1)
		}
	}
}

// word reads a text, a symbol, or a truth as its word; nil for null and everything else.
func (w *walker) word(n *avroNode) []byte {
	if n.kind == avroString {
		return w.bytes()
	}
	for depth := 0; n.kind == avroUnion && depth < maxDepth; depth++ {
		n = w.branch(n)
	}
	switch n.kind {
	case avroString, avroBytes:
		return w.bytes()
	case avroEnum:
		if i := w.long(); i >= 0 && i < int64(len(n.symbols)) {
			return n.symbols[i]
		}
		w.fail()
		return nil
	case avroBool:
		if b := w.take(1); b != nil && b[0] == 1 {
			return wordTrue
		}
		return nil
	default:
	}
	w.skip(n, 0)
	return nil
}

// whole reads a whole number; given is false for null and everything else.
func (w *walker) whole(n *avroNode) (v int64, given bool) {
	for depth := 0; n.kind == avroUnion && depth < maxDepth; depth++ {
		n = w.branch(n)
	}
	if n.kind == avroLong || n.kind == avroInt {
		v = w.number(n)
		return v, !w.bad
	}
	w.skip(n, 0)
	return 0, false
}

// simple is a value that is only read over.
type simple struct {
	kind avroKind // avroInt, avroLong, avroString, avroFixed; anything else by its node
	null int8     // the branch that is null, of a union of two; -1: no union
	size int      // of avroFixed
	node *avroNode
}

// simpleOf makes the quickest way over a value.
func simpleOf(n *avroNode) simple {
	s := simple{node: n, null: -1}
	if inner, null, ok := n.optional(); ok {
		s.null, n = null, inner
	}
	switch n.kind {
	case avroInt, avroLong:
		s.kind = n.kind
	case avroString, avroBytes:
		s.kind = avroString
	case avroFixed:
		s.kind, s.size = avroFixed, n.size
	case avroBool:
		s.kind, s.size = avroFixed, 1
	case avroFloat:
		s.kind, s.size = avroFixed, 4
	case avroDouble:
		s.kind, s.size = avroFixed, 8
	default:
		return simple{kind: avroRecord, null: -1, node: s.node}
	}
	return s
}

// optional tells the value and the null branch of a union of null and one type.
func (n *avroNode) optional() (inner *avroNode, null int8, ok bool) {
	if n.kind != avroUnion || len(n.branches) != 2 {
		return nil, -1, false
	}
	for i, b := range n.branches {
		if b.kind == avroNull {
			return n.branches[1-i], int8(i), true
		}
	}
	return nil, -1, false
}

// over reads over a run of values.
func (w *walker) over(run []simple) {
	b, at := w.b, w.at
	for i := range run {
		s := &run[i]
		if s.null >= 0 && s.kind != avroRecord {
			if at >= len(b) {
				w.fail()
				return
			}
			c := int8(b[at])
			if c == s.null<<1 {
				at++
				continue
			}
			if c != (1-s.null)<<1 { // written in more bytes than it needs, or wrong
				w.at = at
				w.skip(s.node, 1)
				at = w.at
				continue
			}
			at++
		}
		switch s.kind {
		case avroFixed:
			if at += s.size; at > len(b) {
				w.fail()
				return
			}
			continue
		case avroRecord:
			w.at = at
			w.skip(s.node, 1)
			at = w.at
			continue
		default:
		}
		var v int64
		if at < len(b) && b[at] < 0x80 {
			v = int64(b[at]>>1) ^ -int64(b[at]&1)
			at++
		} else if s.kind == avroLong && at+8 <= len(b) && binary.LittleEndian.Uint64(b[at:])&0x8080808080808080 != 0x8080808080808080 {
			at += bits.TrailingZeros64(^binary.LittleEndian.Uint64(b[at:])&0x8080808080808080)>>3 + 1
			continue
		} else {
			w.at = at
			v = w.longer()
			at = w.at
		}
		switch {
		case s.kind == avroLong:
		case s.kind == avroInt:
			if v != int64(int32(v)) {
				w.fail()
				return
			}
		case v < 0 || v > int64(len(b)-at):
			w.fail()
			return
		default:
			at += int(v)
		}
	}
	w.at = at
}
