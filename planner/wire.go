package planner

import (
	"encoding/binary"
	"errors"
)

// wire reads what append… wrote: varints one after another. The first fault sticks.
type wire struct {
	buf []byte
	bad bool
}

var errWire = errors.New("blob is cut short or not of this version; plan the cycle again with an empty exchange")

func (w *wire) int() int64 {
	if len(w.buf) > 0 && w.buf[0] < 0x80 { // most
		v := w.buf[0]
		w.buf = w.buf[1:]
		return int64(v>>1) ^ -int64(v&1)
	}
	v, n := binary.Varint(w.buf)
	if n <= 0 {
		w.bad, w.buf = true, nil
		return 0
	}
	w.buf = w.buf[n:]
	return v
}

// count reads a length; each counted thing takes at least one byte.
func (w *wire) count() int {
	n := w.int()
	if n < 0 || n > int64(len(w.buf)) {
		w.bad, w.buf = true, nil
		return 0
	}
	return int(n)
}

func (w *wire) ints(out []int64) []int64 {
	n := w.count()
	out = out[:0]
	for range n {
		out = append(out, w.int())
	}
	return out
}

func (w *wire) err() error {
	if w.bad || len(w.buf) > 0 {
		return errWire
	}
	return nil
}

func appendInt(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }

func appendInts(b []byte, list []int64) []byte {
	b = appendInt(b, int64(len(list)))
	for _, v := range list {
		b = appendInt(b, v)
	}
	return b
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 2) // the varint of 1
	}
	return append(b, 0)
}
