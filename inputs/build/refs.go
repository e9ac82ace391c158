package build

import (
	"slices"
	"sort"

	"echelon/inputs"
)

// dictionary is the ids of one kind, sorted by their bytes, and the way back.
type dictionary struct {
	ids []string
	at  map[string]int32
}

// newDictionary sorts ids, which are distinct.
func newDictionary(ids []string) dictionary {
	d := dictionary{ids: append([]string(nil), ids...), at: make(map[string]int32, len(ids))}
	sort.Strings(d.ids)
	for i, id := range d.ids {
		d.at[id] = int32(i)
	}
	return d
}

// index returns the place of an id, None when there is none.
func (d *dictionary) index(id string) int32 {
	if i, ok := d.at[id]; ok {
		return i
	}
	return inputs.None
}

// absent is what reading an id gives for null; None for one that the dictionary lacks.
const absent = -2

// reference reads an id column as indexes of a dictionary. What a code meant is remembered with its text,
// so that batches with dictionaries of their own cost one comparison per row.
type reference struct {
	dict *dictionary
	memo []resolved

	round uint32
	at    []met   // by code, beside memo
	out   []int32 // of a batch
}

// met is where a code's text stands, checked in a round.
type met struct {
	at    int32
	round uint32
}

type resolved struct {
	text string
	at   int32
	set  bool
}

func (d *dictionary) refs() *reference { return &reference{dict: d} }

// index resolves row r of v: its index, None for an unknown id, absent for null.
func (f *reference) index(v *inputs.Vector, r int) int32 {
	if v.IsNull(r) {
		return absent
	}
	code := int(v.Codes[r])
	if code >= len(f.memo) {
		f.memo = append(f.memo, make([]resolved, max(len(v.Dict), code+1)-len(f.memo))...)
	}
	m := &f.memo[code]
	if text := v.Dict[code]; !m.set || m.text != text {
		*m = resolved{text: text, at: f.dict.index(text), set: true}
	}
	return m.at
}

// resolve is index for all rows of a batch; what it returns is valid until the next one. A text is looked at once for a
// batch.
func (f *reference) resolve(v *inputs.Vector, rows int) []int32 {
	f.out = slices.Grow(f.out[:0], rows)[:rows]
	if v.Absent || v.Null != nil {
		for r := range f.out {
			f.out[r] = f.index(v, r)
		}
		return f.out
	}
	if n := len(v.Dict) - len(f.at); n > 0 {
		f.at = append(f.at, make([]met, n)...)
	}
	f.round++
	for r, code := range v.Codes[:rows] {
		m := &f.at[code]
		if m.round != f.round {
			*m = met{f.index(v, r), f.round}
		}
		f.out[r] = m.at
	}
	return f.out
}

// optional resolves a nullable reference; ok is false for an unknown id, null gives None.
func (f *reference) optional(v *inputs.Vector, r int) (at int32, ok bool) {
	at = f.index(v, r)
	if at == absent {
		return inputs.None, true
	}
	return at, at != inputs.None
}
