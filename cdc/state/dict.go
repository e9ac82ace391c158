package state

import (
	"encoding/binary"
	"sort"
	"sync"

	"echelon/inputs"
)

// dict is texts by number. A number stays with its text while a row or a key uses it; numbers that a checkpoint
// finds unused go to new texts. Cuts share the texts: they are copied before a number gets another one.
type dict struct {
	texts  []string
	at     map[string]uint32
	named  []uint32 // per number the epoch in which it was asked for last
	free   []uint32 // numbers without use
	epoch  uint32   // of the texts: the epoch in which they were copied
	reuses uint64   // numbers that got another text so far
	sorted *ranking // of the texts as they were at some cut
	recent []recentText
	last   recentText // asked for last: rows of one document come one after another
}

// recentText is a text of up to 16 bytes that was asked for lately, at one of the two places that its bytes lead to.
type recentText struct {
	low, high uint64 // its bytes, zeros behind
	size      uint32 // and 1; 0: none
	number    uint32
}

// Places for recent texts: two to four times as many as there are texts, in these bounds.
const (
	leastRecent = 1 << 8
	mostRecent  = 1 << 16
)

// bytesIn gives a text of up to 16 bytes as two words.
func bytesIn(text []byte) (low, high uint64) {
	switch n := len(text); {
	case n >= 8:
		return binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[n-8:])
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(text)), uint64(binary.LittleEndian.Uint32(text[n-4:]))
	case n > 0:
		return uint64(text[0]) | uint64(text[n/2])<<8 | uint64(text[n-1])<<16, 0
	}
	return 0, 0
}

// number gives the number of a text.
func (d *dict) number(text []byte, epoch uint32) uint32 {
	if len(text) > 16 {
		return d.intern(text, epoch)
	}
	low, high := bytesIn(text)
	if r := &d.last; r.low == low && r.high == high && r.size == uint32(len(text))+1 {
		d.named[r.number] = epoch
		return r.number
	}
	if len(d.recent) == 0 || len(d.recent) < min(mostRecent, 2*len(d.texts)) {
		size := leastRecent
		for size < min(mostRecent, 4*len(d.texts)) {
			size *= 2
		}
		d.recent = make([]recentText, size)
	}
	h := (low ^ uint64(len(text))<<56) * 0x9fb21c651e98df25
	h = (h ^ h>>32 ^ high) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	at := h & uint64(len(d.recent)-1) &^ 1
	pair := d.recent[at : at+2 : at+2]
	for i := range pair {
		if r := &pair[i]; r.low == low && r.high == high && r.size == uint32(len(text))+1 {
			d.named[r.number] = epoch
			d.last = *r
			return r.number
		}
	}
	n := d.intern(text, epoch)
	pair[1] = pair[0]
	pair[0] = recentText{low, high, uint32(len(text)) + 1, n}
	d.last = pair[0]
	return n
}

// ranking is the places of texts in sorted order, worked out when first asked for. Cuts between which no text came
// share one.
type ranking struct {
	texts  []string
	reuses uint64
	once   sync.Once
	places []uint32
}

// ranking is that of the texts as they are.
func (d *dict) ranking() *ranking {
	if r := d.sorted; r == nil || len(r.texts) != len(d.texts) || r.reuses != d.reuses {
		d.sorted = &ranking{texts: d.texts[:len(d.texts):len(d.texts)], reuses: d.reuses}
	}
	return d.sorted
}

func (r *ranking) ranks() []uint32 {
	r.once.Do(func() { r.places = ranksOf(r.texts) })
	return r.places
}

func newDict() *dict { return &dict{at: map[string]uint32{}} }

func (d *dict) intern(text []byte, epoch uint32) uint32 {
	if n, ok := d.at[string(text)]; ok {
		d.named[n] = epoch
		return n
	}
	s := string(text)
	var n uint32
	if last := len(d.free) - 1; last >= 0 {
		if d.epoch != epoch {
			d.texts, d.epoch = append([]string(nil), d.texts...), epoch
		}
		n, d.free = d.free[last], d.free[:last]
		d.texts[n], d.named[n] = s, epoch
		d.reuses++
	} else {
		n = uint32(len(d.texts))
		d.texts, d.named = append(d.texts, s), append(d.named, epoch)
	}
	d.at[s] = n
	return n
}

// release frees the numbers that a cut does not use (0 in used) and that nobody asked for since its epoch began.
func (d *dict) release(used []uint32, epoch uint32) {
	clear(d.recent)
	d.last = recentText{}
	for n, u := range used {
		if u != 0 || d.named[n] >= epoch {
			continue
		}
		if at, ok := d.at[d.texts[n]]; ok && at == uint32(n) {
			delete(d.at, d.texts[n])
			d.free = append(d.free, uint32(n))
		}
	}
}

// ranksOf gives the place of each text in sorted order.
func ranksOf(texts []string) []uint32 {
	order := make([]uint32, len(texts))
	for i := range order {
		order[i] = uint32(i)
	}
	sort.Slice(order, func(i, j int) bool { return texts[order[i]] < texts[order[j]] })
	ranks := make([]uint32, len(texts))
	for place, n := range order {
		ranks[n] = uint32(place)
	}
	return ranks
}

// dictName names the dictionary of a text column: ids of one kind share one.
func dictName(c *inputs.Contract, i int) string {
	def := &c.Columns[i]
	if def.Ref != "" {
		return def.Ref
	}
	if def.Key && def.Type == inputs.TypeID {
		switch c.Table {
		case "calendar_days":
			return "calendars"
		case "nodes", "items", "lanes", "calendars":
			return c.Table
		}
	}
	return c.Table + "." + def.Name
}

func (d *dict) bytes() int64 {
	n := int64(16*cap(d.texts)+4*(cap(d.named)+cap(d.free))) + int64(len(d.at))*48 + int64(len(d.recent))*24
	for _, t := range d.texts {
		n += int64(len(t))
	}
	return n
}
