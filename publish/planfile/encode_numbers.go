package planfile

// A list column gets a dictionary of at most so many distinct numbers: in runs maxNumbers; where their codes are packed
// in bits maxPacked, and at most one in valuesPerNumber values. Beyond, differences of neighbours are smaller.
const (
	maxNumbers      = 32768
	maxPacked       = 4096
	valuesPerNumber = 16
)

// numberCodes numbers the distinct numbers of a column by first occurrence, in a table of open addresses.
type numberCodes struct {
	slots [2 * maxNumbers]struct {
		round uint32
		code  int32
	}
	round uint32  // slots of other rounds are free
	order []int64 // numbers by code
}

// reset forgets all numbers.
func (d *numberCodes) reset() {
	if d.round++; d.round == 0 {
		clear(d.slots[:])
		d.round = 1
	}
	d.order = d.order[:0]
}

// code writes the code of each value to codes; false: there are too many distinct ones for a dictionary.
func code[T int32 | int64](d *numberCodes, values []T, codes *[]int32) bool {
	d.reset()
	limit := min(maxPacked, len(values)/valuesPerNumber)
	if limit == 0 {
		return false
	}
	if cap(*codes) < len(values) {
		*codes = make([]int32, len(values))
	}
	out := (*codes)[:len(values)]
	*codes = out
	last, code := values[0], d.code(int64(values[0]))
	for i, v := range values {
		if v != last {
			last, code = v, d.code(int64(v))
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
		if slot.round != d.round {
			slot.round, slot.code = d.round, int32(len(d.order))
			d.order = append(d.order, v)
			return slot.code
		}
		if d.order[slot.code] == v {
			return slot.code
		}
	}
}

// listCodes encodes the numbers of a list column by the dictionary in e.numbers, their codes being in e.i32.
func (e *encoder) listCodes(values, entries int) (page, error) {
	p := e.numberPage(values, entries)
	err := e.indexes(p.dictN)
	p.levels, p.body = e.levels, e.body
	return p, err
}
