package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// frame is one request as it stands in the log.
type frame struct {
	First  int64 // offset of the first row
	Time   int64 // microseconds UTC
	Digest [sha256.Size]byte
	Table  string
	Key    string // idempotency key, "" none
	Rows   [][]byte
}

const (
	frameVersion = 1
	frameHead    = 12
	maxFrame     = 256 << 20 // bytes of a body; requests are limited far below
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// digest identifies a request by its table and rows.
func digest(table string, rows [][]byte) [sha256.Size]byte {
	h := sha256.New()
	put := func(b []byte) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	put([]byte(table))
	for _, row := range rows {
		put(row)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// append writes the frame with its head.
func (f *frame) append(dst []byte) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, frameHead)...)
	dst = append(dst, frameVersion)
	dst = binary.AppendUvarint(dst, uint64(f.First))
	dst = binary.AppendUvarint(dst, uint64(f.Time))
	dst = binary.AppendUvarint(dst, uint64(len(f.Rows)))
	dst = append(dst, f.Digest[:]...)
	text := func(s string) {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	text(f.Table)
	text(f.Key)
	for _, row := range f.Rows {
		dst = binary.AppendUvarint(dst, uint64(len(row)))
		dst = append(dst, row...)
	}
	body := dst[at+frameHead:]
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(body)))
	binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(body, castagnoli))
	binary.LittleEndian.PutUint32(dst[at+8:], crc32.Checksum(dst[at:at+8], castagnoli))
	return dst
}

var (
	errTorn = errors.New("the frame is cut short")
	errSum  = errors.New("the checksum does not fit")
)

// parseHead gives the length of the body that follows a head.
func parseHead(b []byte) (int64, error) {
	if len(b) < frameHead {
		return 0, errTorn
	}
	size := int64(binary.LittleEndian.Uint32(b))
	if crc32.Checksum(b[:8], castagnoli) != binary.LittleEndian.Uint32(b[8:]) || size > maxFrame {
		return 0, errSum
	}
	return size, nil
}

// parseFrame reads the frame at the start of b and says how long it is. Slices of the frame are b's. errTorn
// says that b ends before the frame does.
func parseFrame(b []byte) (f frame, n int, err error) {
	size, err := parseHead(b)
	if err != nil {
		return f, 0, err
	}
	if int64(len(b)) < frameHead+size {
		return f, 0, errTorn
	}
	n = frameHead + int(size)
	body := b[frameHead:n]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return f, n, errSum
	}
	return f, n, f.parse(body)
}

func (f *frame) parse(body []byte) error {
	r := reader{b: body}
	if v := r.byte(); v != frameVersion {
		return fmt.Errorf("frame version %d, this one reads %d", v, frameVersion)
	}
	f.First, f.Time = int64(r.number()), int64(r.number())
	rows := r.number()
	copy(f.Digest[:], r.take(sha256.Size))
	f.Table, f.Key = string(r.text()), string(r.text())
	if rows > uint64(len(body)) {
		return fmt.Errorf("a frame of %d bytes with %d rows", len(body), rows)
	}
	f.Rows = make([][]byte, 0, rows)
	for range rows {
		f.Rows = append(f.Rows, r.text())
	}
	if r.bad || len(r.b) > 0 {
		return errors.New("the fields do not fill the frame")
	}
	return nil
}

// reader takes fields off a body; bad stays set once one was not there.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() []byte { return r.take(r.number()) }
