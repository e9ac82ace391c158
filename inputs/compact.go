package inputs

// Compact returns a batch of the kept rows (n of them) of b. Positions stay those of the source. Slices of b
// are reused where that is safe: b must not be used afterwards.
func Compact(b *Batch, keep []bool, n int) *Batch {
	out := &Batch{
		Contract: b.Contract, Rows: n, Columns: make([]Vector, len(b.Columns)), Source: b.Source, First: b.First,
		At: make([]int64, 0, n),
	}
	for r := range b.Rows {
		if keep[r] {
			out.At = append(out.At, b.Position(r))
		}
	}
	for i := range b.Columns {
		out.Columns[i] = compactVector(&b.Columns[i], b.Contract.Columns[i].Type, keep, n)
	}
	return out
}

func compactVector(v *Vector, t Type, keep []bool, n int) Vector {
	out := Vector{Absent: v.Absent, Dict: v.Dict}
	if v.Absent {
		return out
	}
	to := 0
	if t.Lists() {
		out.Offsets = make([]uint32, 1, n+1)
	}
	for r, kept := range keep {
		if !kept {
			continue
		}
		if v.IsNull(r) {
			out.SetNull(to, n)
		}
		switch {
		case t.Texts():
			v.Codes[to] = v.Codes[r]
		case t.Lists():
			out.List = append(out.List, v.List[v.Offsets[r]:v.Offsets[r+1]]...)
			out.Offsets = append(out.Offsets, uint32(len(out.List)))
		default:
			v.Ints[to] = v.Ints[r]
		}
		to++
	}
	switch {
	case t.Texts():
		out.Codes = v.Codes[:to]
	case !t.Lists():
		out.Ints = v.Ints[:to]
	}
	return out
}
