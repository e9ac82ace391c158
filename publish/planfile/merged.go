package planfile

import (
	"context"
	"iter"
	"slices"

	"echelon/planner"
)

// mergedRows is how many lines a batch of a merged layer has at most.
const mergedRows = 16384

// Merged gives the lines of a layer of the plan in order: of a net change, its own lines and those of its base whose
// groups it did not plan again. Of a full plan it is Batches.
func (d *DC) Merged(ctx context.Context, id planner.LayerID, columns ...string) iter.Seq2[*Batch, error] {
	if d.Manifest.Base == nil || Whole(id) || d.Manifest.Layer(id) == nil {
		return d.Batches(ctx, id, columns...)
	}
	if len(columns) > 0 && !slices.Contains(columns, "item") {
		columns = append(slices.Clone(columns), "item")
	}
	return func(yield func(*Batch, error) bool) {
		m := merger{layer: id, yield: yield}
		if err := m.run(ctx, d, columns); err != nil {
			yield(nil, err)
		}
	}
}

// merger joins two streams of lines that are in order of items.
type merger struct {
	layer planner.LayerID
	yield func(*Batch, error) bool
	out   *Batch
	words []map[string]int32 // per column: text → code in out
	first int64
	over  bool // nobody wants more
}

func (m *merger) run(ctx context.Context, d *DC, columns []string) error {
	groups, err := d.Groups(ctx)
	if err != nil {
		return err
	}
	base, err := d.Base()
	if err != nil {
		return err
	}
	again := make(map[string]bool, len(groups.Items))
	for _, item := range groups.Items {
		again[item] = true
	}
	if m.layer == planner.VendorOrders {
		for _, item := range groups.Orders {
			again[item] = true
		}
	}
	next, stop := iter.Pull2(d.Batches(ctx, m.layer, columns...))
	defer stop()
	own := stream{next: next}
	m.begin()
	for b, err := range base.Merged(ctx, m.layer, columns...) {
		if err != nil {
			return err
		}
		item := b.Col("item")
		for lo := 0; lo < b.Rows && !m.over; {
			id := item.Str(lo)
			hi := lo + 1
			for hi < b.Rows && item.Codes[hi] == item.Codes[lo] {
				hi++
			}
			if !again[id] {
				if err := own.before(m, id); err != nil {
					return err
				}
				m.append(b, lo, hi)
			}
			lo = hi
		}
		if m.over {
			return nil
		}
	}
	if err := own.before(m, ""); err != nil || m.over {
		return err
	}
	m.flush()
	return nil
}

// stream is the net change's own lines.
type stream struct {
	next func() (*Batch, error, bool)
	b    *Batch
	at   int
}

// before moves the lines of items before id into the merger; "" all.
func (s *stream) before(m *merger, id string) error {
	for !m.over {
		for s.b == nil || s.at == s.b.Rows {
			b, err, ok := s.next()
			if err != nil {
				return err
			}
			if !ok {
				s.b = &Batch{Rows: -1}
			} else {
				s.b = b
			}
			s.at = 0
			if !ok {
				break
			}
		}
		if s.b.Rows < 0 {
			s.at = -1
			return nil
		}
		item := s.b.Col("item")
		if id != "" && item.Str(s.at) >= id {
			return nil
		}
		hi := s.at + 1
		for hi < s.b.Rows && item.Codes[hi] == item.Codes[s.at] {
			hi++
		}
		m.append(s.b, s.at, hi)
		s.at = hi
	}
	return nil
}

func (m *merger) begin() {
	defs := planner.LayerOf(m.layer).Columns
	m.out = &Batch{Layer: m.layer, Cols: make([]Column, len(defs))}
	m.words = make([]map[string]int32, len(defs))
	for i := range defs {
		m.out.Cols[i].Def = &defs[i]
		m.words[i] = map[string]int32{}
	}
}

// append copies rows lo … hi − 1 of a batch.
func (m *merger) append(b *Batch, lo, hi int) {
	for i := range b.Cols {
		from, to := &b.Cols[i], &m.out.Cols[i]
		switch from.Def.Type {
		case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
			if len(from.Codes) == 0 {
				continue
			}
			for _, code := range from.Codes[lo:hi] {
				to.Codes = append(to.Codes, m.code(i, from, code))
			}
		case planner.ColDay, planner.ColInt, planner.ColMilli, planner.ColBool:
			if len(from.Ints) > 0 {
				to.Ints = append(to.Ints, from.Ints[lo:hi]...)
			}
		case planner.ColMilliList, planner.ColLedger:
			if len(from.Off) == 0 {
				continue
			}
			if len(to.Off) == 0 {
				to.Off = append(to.Off, 0)
			}
			first, last := from.Off[lo], from.Off[hi]
			shift := uint32(len(to.List)) - first
			to.List = append(to.List, from.List[first:last]...)
			if len(from.Reason) > 0 {
				to.Reason = append(to.Reason, from.Reason[first:last]...)
			}
			for _, off := range from.Off[lo+1 : hi+1] {
				to.Off = append(to.Off, off+shift)
			}
		}
	}
	if len(b.Release) > 0 {
		m.out.Release = append(m.out.Release, b.Release[lo:hi]...)
	}
	if m.out.Rows += hi - lo; m.out.Rows >= mergedRows {
		m.flush()
	}
}

// code gives the code in the output of a text of a column.
func (m *merger) code(column int, from *Column, code int32) int32 {
	if code < 0 {
		return -1
	}
	word := from.Dict[code]
	to, ok := m.words[column][word]
	if !ok {
		to = int32(len(m.out.Cols[column].Dict))
		m.words[column][word] = to
		m.out.Cols[column].Dict = append(m.out.Cols[column].Dict, word)
	}
	return to
}

// flush hands the gathered lines on.
func (m *merger) flush() {
	if m.out.Rows == 0 || m.over {
		return
	}
	m.out.First = m.first
	m.first += int64(m.out.Rows)
	m.over = !m.yield(m.out, nil)
	group := m.out.Group + 1
	m.begin()
	m.out.Group = group
}
