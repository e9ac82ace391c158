package planner

import (
	"encoding/binary"
	"slices"

	"echelon/inputs"
	"echelon/planner/narrow"
)

// What is hashed of an item's rows: their number as a varint, then column by column, in the order of the layer.
// A column of n rows is
//
//	days, numbers   form, values: form 0: all n are equal, one value of 8 bytes; form 1, 2, 4, 8: n values of so many
//	                bytes, the fewest that hold all of them as unsigned numbers
//	ids             form, texts: form 0: all n are equal, one text; form 1: n times (length + 1 as a varint, bytes),
//	                or 0 for the text of the row before
//	text            n texts
//	bool, enum      n bytes
//	lists           their n lengths as a column of numbers; then, list by list, the values as one
//	ledgers         their n lengths as a column of numbers; then all reasons as bytes, all changes as a column of
//	                numbers
//
// A text is (length as a varint, bytes), null the empty one. Numbers are little-endian; null is the smallest number
// of its type and takes all its bytes. Any two tables that differ are laid out differently: each part says how far
// it reaches.

// Forms of a column, but those that are a number of bytes.
const (
	formEqual = 0
	formTexts = 1
)

// appendColumn appends rows lo … hi − 1 of column i.
func appendColumn(b []byte, n *inputs.Network, t *Table, i, lo, hi int) []byte {
	c := &t.Cols[i]
	switch layers[t.Layer].Columns[i].Type {
	case ColItem:
		b = appendNames(b, n.Items.ID, c.I32[lo:hi])
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
		b = appendLengths(b, c.Off[lo:hi+1])
		for r := lo; r < hi; r++ {
			b = appendNumbers(b, c.List[c.Off[r]:c.Off[r+1]])
		}
	case ColLedger:
		b = appendLengths(b, c.Off[lo:hi+1])
		from, to := c.Off[lo], c.Off[hi]
		b = append(b, c.Reason[from:to]...)
		b = appendNumbers(b, c.List[from:to])
	}
	return b
}

func appendText(b []byte, s string) []byte {
	if len(s) < 0x80 {
		b = append(b, byte(len(s)))
	} else {
		b = binary.AppendUvarint(b, uint64(len(s)))
	}
	return append(b, s...)
}

// appendNames appends ids by their text.
func appendNames(b []byte, ids []string, list []int32) []byte {
	equal := true
	for _, v := range list {
		equal = equal && v == list[0]
	}
	if equal && len(list) > 0 {
		return appendText(append(b, formEqual), nameOf(ids, list[0]))
	}
	b = append(b, formTexts)
	for k, v := range list {
		if k > 0 && v == list[k-1] {
			b = append(b, 0)
			continue
		}
		name := nameOf(ids, v)
		b = append(binary.AppendUvarint(b, uint64(len(name))+1), name...)
	}
	return b
}

func nameOf(ids []string, i int32) string {
	if i < 0 {
		return ""
	}
	return ids[i]
}

// appendLengths appends the lengths of lists as a column of numbers; off are their ends, and the first's start.
func appendLengths(b []byte, off []uint32) []byte {
	if len(off) < 2 {
		return append(b, formEqual)
	}
	first := off[1] - off[0]
	var all, differ uint32
	for k := 1; k < len(off); k++ {
		n := off[k] - off[k-1]
		all, differ = all|n, differ|(n^first)
	}
	if differ == 0 {
		return binary.LittleEndian.AppendUint64(append(b, formEqual), uint64(first))
	}
	w := narrow.Width(uint64(all))
	b = append(b, byte(w))
	for k := 1; k < len(off); k++ {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], uint64(off[k]-off[k-1]))
		b = append(b, word[:w]...)
	}
	return b
}

// appendDays appends a column of days.
func appendDays(b []byte, list []int32) []byte {
	if len(list) == 0 {
		return append(b, formEqual)
	}
	first := uint32(list[0])
	var all, differ uint32
	for _, v := range list {
		all, differ = all|uint32(v), differ|(uint32(v)^first)
	}
	if differ == 0 {
		return binary.LittleEndian.AppendUint64(append(b, formEqual), uint64(int64(list[0])))
	}
	w := narrow.Width(uint64(all))
	b = append(b, byte(w))
	n := len(b)
	b = slices.Grow(b, w*len(list)+8)
	room := b[n : n+w*len(list)+8]
	at := 0
	for ; len(list) >= 4 && w == 2; list = list[4:] { // days of this century
		v := list[:4]
		binary.LittleEndian.PutUint64(room[at:], uint64(v[0])|uint64(v[1])<<16|uint64(v[2])<<32|uint64(v[3])<<48)
		at += 8
	}
	for _, v := range list {
		binary.LittleEndian.PutUint32(room[at:], uint32(v))
		at += w
	}
	return b[:n+at]
}

// appendNumbers appends a column of numbers.
func appendNumbers(b []byte, list []int64) []byte {
	if len(list) == 0 {
		return append(b, formEqual)
	}
	all, differ := narrow.Bits(list)
	if differ == 0 {
		return binary.LittleEndian.AppendUint64(append(b, formEqual), uint64(list[0]))
	}
	w := narrow.Width(all)
	b = append(b, byte(w))
	n := len(b)
	b = slices.Grow(b, w*len(list)+narrow.Room)
	narrow.Put(b[n:n+w*len(list)+narrow.Room], list, w)
	return b[:n+w*len(list)]
}
