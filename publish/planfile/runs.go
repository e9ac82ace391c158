package planfile

import (
	"encoding/binary"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"
)

// A list column is written as runs of equal numbers, each a length and its number's code in a dictionary, when at most
// one number in valuesPerRun begins a run: what is short or received on the days of a projection. Runs take less room
// than differences and need no codec. With more of them (what is planned, floors) a codec makes less of differences.
const valuesPerRun = 8

// run is equal numbers that follow each other.
type run struct {
	code   int32
	length uint32
}

// runs finds the runs of a column; false: there are too many, or too many distinct numbers.
func runs[T int32 | int64](d *numberCodes, values []T, out *[]run) bool {
	d.reset()
	all := (*out)[:0]
	defer func() { *out = all }()
	if len(values) == 0 {
		return false
	}
	limit := len(values) / valuesPerRun
	last, begin := values[0], 0
	for i, v := range values {
		if v == last {
			continue
		}
		if len(all) >= limit || len(d.order) > maxNumbers {
			return false
		}
		all = append(all, run{d.code(int64(last)), uint32(i - begin)})
		last, begin = v, i
	}
	all = append(all, run{d.code(int64(last)), uint32(len(values) - begin)})
	return len(d.order) <= maxNumbers
}

// listRuns encodes the numbers of a list column by the runs in e.runs and the dictionary in e.numbers.
func (e *encoder) listRuns(values, entries int) (page, error) {
	p := e.numberPage(values, entries)
	p.bare = true
	width := max(1, bits.Len(uint(max(p.dictN-1, 0))))
	size := (width + 7) / 8
	e.body = append(e.body[:0], byte(width))
	for _, r := range e.runs {
		e.body = binary.AppendUvarint(e.body, uint64(r.length)<<1)
		e.body = binary.LittleEndian.AppendUint32(e.body, uint32(r.code))
		e.body = e.body[:len(e.body)-4+size]
	}
	p.levels, p.body = e.levels, e.body
	return p, nil
}

// numberPage begins the page of a column whose numbers the dictionary in e.numbers has.
func (e *encoder) numberPage(values, entries int) page {
	e.dict = e.dict[:0]
	for _, v := range e.numbers.order {
		e.dict = binary.LittleEndian.AppendUint64(e.dict, uint64(v))
	}
	p := page{values: entries, encoding: format.RLEDictionary, dict: e.dict, dictN: len(e.numbers.order)}
	p.stats.NullCount = int64(entries - values)
	return p
}

// fill writes the numbers of runs to dst; false: body holds something else beside runs.
func fill(dst []int64, body []byte, numbers []int64) bool {
	if len(body) == 0 || body[0] == 0 || body[0] > 32 {
		return false
	}
	size := (int(body[0]) + 7) / 8
	body = body[1:]
	for len(dst) > 0 {
		head, n := binary.Uvarint(body)
		length := head >> 1
		if n <= 0 || head&1 != 0 || length > uint64(len(dst)) || len(body) < n+size {
			return false
		}
		code := uint32(0)
		for k := range size {
			code |= uint32(body[n+k]) << (8 * k)
		}
		if uint64(code) >= uint64(len(numbers)) {
			return false
		}
		v := numbers[code]
		for i := range dst[:length] {
			dst[i] = v
		}
		dst, body = dst[length:], body[n+size:]
	}
	return true
}
