package inputs

import "slices"

// Sieve takes the batches of one table as they were read and lets the rows through that keep the contract.
// It is the only place where rows disappear, and it counts every one:
//
//   - rows that break the contract, or a rule across columns: quarantined;
//   - a row whose key was there before, with the same values: superseded; with other values: quarantined,
//     the first one stays (a source that says two things at once is wrong, and nobody can know which is
//     right: they are counted, and the gates decide);
//   - rows of an increment: the last row of a key counts, those before it are superseded; a delete that was
//     the last one is filtered;
//   - rows of a key that this engine does not plan with (quantiles): filtered.
//
// Batches of one sieve share their dictionaries: a text has the same code in all of them.
type Sieve struct {
	Counts     Counts
	Quarantine func(Fault)      // called for every quarantined row, in the order of the rows; may be nil
	ByReason   map[Reason]int64 // quarantined rows
	Unused     []int64          // per column: values given for a column that this engine does not use yet
	contract   *Contract
	seen       *keySet   // key → digest of the first row
	latest     *keyIndex // increments: key → ordinal of its last row, shifted, and whether that deletes
	ordinal    uint64

	sums []uint64 // of the batch before, used again
	keep []bool
}

// RowFault is a fault of row Row of a batch.
type RowFault struct {
	Row   int
	Fault Fault
}

// NewSieve returns a sieve for a table.
func NewSieve(c *Contract) *Sieve {
	return &Sieve{contract: c, seen: newKeySet(c), ByReason: map[Reason]int64{}, Unused: make([]int64, len(c.Columns))}
}

// Learn notes the last row of every key of an increment. All increments of the table are learnt in order
// before the first Pass, which then sees the same batches again.
func (s *Sieve) Learn(b *Batch, faults []RowFault) {
	if s.latest == nil {
		s.latest = newKeyIndex(s.contract)
	}
	bad := s.faults(b, faults)
	for r := range b.Rows {
		s.ordinal++
		if bad != nil && bad[r] != nil {
			continue
		}
		val := s.ordinal << 1
		if b.deletes(r) {
			val |= 1
		}
		key, rest := s.latest.of(b, r)
		if at, there := s.latest.put(key, rest, val); there {
			*at = val
		}
	}
}

// Learnt ends the learning: ordinals start again.
func (s *Sieve) Learnt() { s.ordinal = 0 }

// faults merges what decoding found with what the contract's rules find: at most one fault per row, nil for none at all.
func (s *Sieve) faults(b *Batch, found []RowFault) (bad []*Fault) {
	note := func(r int, f *Fault) {
		if bad == nil {
			bad = make([]*Fault, b.Rows)
		}
		if bad[r] == nil {
			bad[r] = f
		}
	}
	for i := range found {
		note(found[i].Row, &found[i].Fault)
	}
	var skip func(r int) bool
	if bad != nil {
		skip = func(r int) bool { return bad[r] != nil }
	}
	CheckRows(b, skip, func(r int, f Fault) { note(r, &f) })
	return bad
}

// Pass counts the rows of a batch and returns those that are applied (the batch itself when all are).
// Increment batches, when increment is set, are those that were learnt, in the same order.
func (s *Sieve) Pass(b *Batch, found []RowFault, increment bool) *Batch {
	bad := s.faults(b, found)
	s.sums = digests(s.sums, b)
	s.keep = slices.Grow(s.keep[:0], b.Rows)[:b.Rows]
	sums, keep := s.sums, s.keep
	clear(keep)
	filter := s.filterColumns(b)
	s.Counts.Read += int64(b.Rows)
	kept := 0
	index := s.seen.index
	if s.latest != nil {
		index = s.latest
	}
	var keys [keyBlock]rowKey
	for r := range b.Rows {
		if r%keyBlock == 0 {
			to := min(r+keyBlock, b.Rows)
			index.block(b, r, to, bad, &keys)
			if s.latest != nil || s.seen.hard {
				index.touch(keys[:to-r])
			}
		}
		if increment {
			s.ordinal++
		}
		if bad != nil && bad[r] != nil {
			s.refuse(b, r, *bad[r])
			continue
		}
		fate := s.fate(b, r, keys[r%keyBlock], sums[r], increment)
		if fate == applied && filter != nil && someGiven(filter, r) {
			fate = filtered
		}
		switch fate {
		case applied:
			keep[r] = true
			kept++
			s.Counts.Applied++
		case superseded:
			s.Counts.Superseded++
		case filtered:
			s.Counts.Filtered++
		case doubled:
			s.refuse(b, r, Fault{
				Reason: DuplicateKey, Column: s.contract.Columns[s.contract.Keys()[0]].Name, Value: Cut(keyText(b, r)),
				Hint: "the same key was there before with other values; the first row is kept: send each key once",
			})
		}
	}
	s.countUnused(b, keep)
	if kept == b.Rows {
		b.Ops = nil // deletes are filtered: what is left are rows
		return b
	}
	return Compact(b, keep, kept)
}

type fate uint8

const (
	applied fate = iota
	superseded
	filtered
	doubled
)

func (s *Sieve) fate(b *Batch, r int, k rowKey, sum uint64, increment bool) fate {
	if s.latest != nil {
		slot := s.latest.find(k.key, k.rest)
		switch {
		case slot.rest == 0: // a base row that no increment names
			k.key, k.rest = s.seen.index.of(b, r)
		case !increment || slot.val>>1 != s.ordinal:
			return superseded
		case slot.val&1 == 1:
			return filtered
		default:
			return applied
		}
	}
	before, there := s.seen.put(k.key, k.rest, sum)
	switch {
	case !there:
		return applied
	case *before == sum:
		return superseded
	}
	return doubled
}

func (s *Sieve) refuse(b *Batch, r int, f Fault) {
	f.Table, f.Source, f.Position = s.contract.Table, b.Source, b.Position(r)
	s.Counts.Quarantined++
	s.ByReason[f.Reason]++
	if s.Quarantine != nil {
		s.Quarantine(f)
	}
}

// filterColumns returns the key columns that the engine does not plan with, where the batch has them.
func (s *Sieve) filterColumns(b *Batch) []*Vector {
	if !s.contract.Used {
		return nil
	}
	var cols []*Vector
	for _, i := range s.contract.Keys() {
		if !s.contract.Columns[i].Used && !b.Columns[i].Absent {
			cols = append(cols, &b.Columns[i])
		}
	}
	return cols
}

func someGiven(cols []*Vector, r int) bool {
	for _, v := range cols {
		if !v.IsNull(r) {
			return true
		}
	}
	return false
}

// countUnused counts the values of columns that are checked and not planned with, for the notice that names
// them: nothing that someone wrote down is silently ignored.
func (s *Sieve) countUnused(b *Batch, keep []bool) {
	for i := range b.Columns {
		def, v := &s.contract.Columns[i], &b.Columns[i]
		if def.Used || def.Key || v.Absent {
			continue
		}
		for r := range b.Rows {
			if keep[r] && !v.IsNull(r) {
				s.Unused[i]++
			}
		}
	}
}

// keyText writes the key of a row for a fault.
func keyText(b *Batch, r int) string {
	text := ""
	for n, i := range b.Contract.Keys() {
		if n > 0 {
			text += " / "
		}
		text += FormatCell(&b.Contract.Columns[i], &b.Columns[i], r)
	}
	return text
}
