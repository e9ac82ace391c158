package planner

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// keptOver is what a net change keeps otherwise than its base. On disk the record of a net change holds no more than
// that; a record in full and those that lie over it are read together (ReadKepts).
//
//	version 3 | gone: count, ids | changed and new: count, items as in a record in full
type keptOver struct {
	changed []int32  // numbers in Kept.Items, ascending
	gone    []string // the base's items that the record no longer has, ascending
}

func (o *keptOver) add(item int) { o.changed = append(o.changed, int32(item)) }

// keptOverVersion is the first byte of a record that lies over another.
const keptOverVersion = 3

// AppendOver packs what is not as the base kept it; ok: it is worth it, else the record is packed in full.
func (k *Kept) AppendOver(b []byte) (packed []byte, ok bool) {
	if k.over == nil || 2*(len(k.over.changed)+len(k.over.gone)) > len(k.Items) {
		return k.Append(b), false
	}
	b = append(b, keptOverVersion)
	b = binary.AppendUvarint(b, uint64(len(k.over.gone)))
	for _, id := range k.over.gone {
		b = appendText(b, id)
	}
	b = binary.AppendUvarint(b, uint64(len(k.over.changed)))
	for _, i := range k.over.changed {
		b = k.appendItem(b, int(i), k.Items[i])
	}
	return b, true
}

// KeptOver reports whether a packed record lies over that of the base.
func KeptOver(b []byte) bool { return len(b) > 0 && b[0] == keptOverVersion }

// ReadKepts unpacks a record: of a net change, its own and those of its bases, newest first, down to one in full.
func ReadKepts(packed [][]byte) (*Kept, error) {
	if len(packed) == 0 {
		return nil, errKept
	}
	last := len(packed) - 1
	whole, err := ReadKept(packed[last])
	if err != nil || last == 0 {
		return whole, err
	}
	list := make([]*Kept, len(packed))
	list[last] = whole
	for i := range last {
		if list[i], err = readOver(packed[i]); err != nil {
			return nil, err
		}
	}
	return layKepts(list), nil
}

// readOver unpacks what AppendOver packed.
func readOver(b []byte) (*Kept, error) {
	if !KeptOver(b) {
		return nil, errKept
	}
	r := keptReader{b: b[1:]}
	var gone []string
	for range r.uint() {
		id := string(r.take(int(r.uint())))
		if r.bad || len(gone) > 0 && id <= gone[len(gone)-1] {
			return nil, errKept
		}
		gone = append(gone, id)
	}
	k, err := r.items()
	if err != nil {
		return nil, err
	}
	if r.bad || len(r.b) > 0 {
		return nil, errKept
	}
	k.over = &keptOver{gone: gone}
	return k, nil
}

// layKepts lays records over each other, newest first: of each item the newest that says something of it counts.
func layKepts(list []*Kept) *Kept {
	type place struct {
		id       string
		at, item int32 // which record, and where in it; item -1: gone
	}
	var all []place
	for at, k := range list {
		for i, id := range k.Items {
			all = append(all, place{id, int32(at), int32(i)})
		}
		if k.over != nil {
			for _, id := range k.over.gone {
				all = append(all, place{id, int32(at), -1})
			}
		}
	}
	slices.SortFunc(all, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.at, b.at), cmp.Compare(a.item, b.item))
	})
	out := &Kept{}
	for i, p := range all {
		if i > 0 && all[i-1].id == p.id || p.item < 0 {
			continue
		}
		k := list[p.at]
		out.push(p.id, k.cells[p.item], k.tailOf(int(p.item)))
	}
	return out
}
