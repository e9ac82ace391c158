package planfile

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/format"
)

// A list column gets a dictionary when it has at most so many distinct numbers, and at most one in so many values:
// beyond, differences of neighbours are smaller.
const (
	maxNumbers      = 4096
	valuesPerNumber = 16
)

// numberCodes numbers the distinct numbers of a column by first occurrence, in a table of open addresses.
type numberCodes struct {
	slots [4 * maxNumbers]int32 // code + 1; 0: free
	order []int64               // numbers by code
}

// number writes the code of each value to codes; false: there are too many distinct ones for a dictionary.
func (d *numberCodes) number(values []int64, codes *[]int32) bool {
	clear(d.slots[:])
	d.order = d.order[:0]
	limit := min(maxNumbers, len(values)/valuesPerNumber)
	if limit == 0 {
		return false
	}
	if cap(*codes) < len(values) {
		*codes = make([]int32, len(values))
	}
	out := (*codes)[:len(values)]
	*codes = out
	last, code := values[0], d.code(values[0])
	for i, v := range values {
		if v != last {
			last, code = v, d.code(v)
			if len(d.order) > limit {
				return false
			}
		}
		out[i] = code
	}
	return true
}

func (d *numberCodes) code(v int64) int32 {
	const mask = uint64(len(d.slots) - 1)
	for at := uint64(v) * 0x9e3779b97f4a7c15 >> 40; ; at++ {
		slot := &d.slots[at&mask]
		if *slot == 0 {
			d.order = append(d.order, v)
			*slot = int32(len(d.order))
			return *slot - 1
		}
		if d.order[*slot-1] == v {
			return *slot - 1
		}
	}
}

// listCodes encodes the numbers of a list column by the dictionary in e.numbers, their codes being in e.i32.
func (e *encoder) listCodes(values []int64, entries int) (page, error) {
	e.dict = e.dict[:0]
	for _, v := range e.numbers.order {
		e.dict = binary.LittleEndian.AppendUint64(e.dict, uint64(v))
	}
	p := page{values: entries, encoding: format.RLEDictionary, dict: e.dict, dictN: len(e.numbers.order)}
	p.stats.NullCount = int64(entries - len(values))
	err := e.indexes(p.dictN)
	p.levels, p.body = e.levels, e.body
	return p, err
}
