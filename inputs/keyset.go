package inputs

// keySet remembers the keys of a table's rows with a value each, exactly, as keyIndex does. Most tables name no key twice
// and give the rows of one key pair one after another; then a bit per pair and a list of the rows are enough, an eighth of
// what an index takes in time and half of it in memory:
//
//	pairs  first text of the key ─▶ a bit for each second text that it was met with
//	rows   key, value: in the order in which they came
//
// The first row whose pair was met before, and not just before, turns the list into an index.
type keySet struct {
	index *keyIndex
	hard  bool // the index is in use, the rest is empty

	pairs [][]uint64
	words int // of all pairs
	rows  [][]keyRow
	n     int
	pair  uint64 // of the last row
	start int    // its first row
	high  uint32 // the largest rest of its rows
}

type keyRow struct {
	key  uint64
	val  uint64
	rest uint32
}

const (
	keyRowBits = 13 // rows of a piece of the list
	keyRun     = 64 // rows of one pair that are compared one by one
	keySpare   = 1 << 17
)

func newKeySet(c *Contract) *keySet { return &keySet{index: newKeyIndex(c)} }

// put returns the value kept under a key and whether there was one; a new key is kept with val.
func (k *keySet) put(key uint64, rest uint32, val uint64) (*uint64, bool) {
	if k.hard {
		return k.index.put(key, rest, val)
	}
	switch {
	case key == k.pair && k.n > 0:
		if rest <= k.high {
			if k.n-k.start > keyRun {
				k.harden()
				return k.index.put(key, rest, val)
			}
			for i := k.start; i < k.n; i++ {
				if row := k.row(i); row.rest == rest {
					return &row.val, true
				}
			}
		}
		k.high = max(k.high, rest)
	case !k.meet(uint32(key>>32), uint32(key)):
		k.harden()
		return k.index.put(key, rest, val)
	default:
		k.pair, k.start, k.high = key, k.n, rest
	}
	return k.add(keyRow{key: key, val: val, rest: rest}), false
}

// meet notes a pair; false when it was noted before, or when pairs take more room than an index would.
func (k *keySet) meet(first, second uint32) bool {
	if int(first) >= len(k.pairs) {
		if int(first) > keySpare+8*k.n {
			return false
		}
		k.pairs = append(k.pairs, make([][]uint64, int(first)+1-len(k.pairs))...)
	}
	at, bit := int(second>>6), uint64(1)<<(second&63)
	bits := k.pairs[first]
	if at >= len(bits) {
		more := at + 2 - len(bits)
		if k.words += more; k.words > keySpare+2*k.n {
			return false
		}
		bits = append(bits, make([]uint64, more)...)
		k.pairs[first] = bits
	}
	if bits[at]&bit != 0 {
		return false
	}
	bits[at] |= bit
	return true
}

func (k *keySet) row(i int) *keyRow { return &k.rows[i>>keyRowBits][i&(1<<keyRowBits-1)] }

func (k *keySet) add(row keyRow) *uint64 {
	if k.n>>keyRowBits == len(k.rows) {
		k.rows = append(k.rows, make([]keyRow, 1<<keyRowBits))
	}
	to := k.row(k.n)
	*to = row
	k.n++
	return &to.val
}

// harden moves the rows into the index.
func (k *keySet) harden() {
	k.index.reserve(k.n)
	for i := range k.n {
		row := k.row(i)
		k.index.put(row.key, row.rest, row.val)
		if (i+1)&(1<<keyRowBits-1) == 0 {
			k.rows[i>>keyRowBits] = nil
		}
	}
	*k = keySet{index: k.index, hard: true}
}
