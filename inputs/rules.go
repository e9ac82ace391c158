package inputs

func bothGiven(v []*Vector, r int) bool { return !v[0].IsNull(r) && !v[1].IsNull(r) }

func firstOver(v []*Vector, r int) bool {
	return !v[0].IsNull(r) && !v[1].IsNull(r) && v[0].Ints[r] > v[1].Ints[r]
}

// ordered demands first ≤ last where both are given.
func ordered(first, last string) Rule {
	return Rule{Columns: []string{first, last}, Words: first + " must not be after " + last, broken: firstOver}
}

// notOver demands part ≤ whole; a null counts as 0.
func notOver(part, whole string) Rule {
	return Rule{
		Columns: []string{part, whole}, Words: part + " must not be over " + whole,
		broken: func(v []*Vector, r int) bool { return v[0].Int(r, 0) > v[1].Int(r, 0) },
	}
}

// together demands that both columns are given or neither.
func together(one, other string) Rule {
	return Rule{
		Columns: []string{one, other}, Words: one + " and " + other + " go together: give both or neither",
		broken: func(v []*Vector, r int) bool { return v[0].IsNull(r) != v[1].IsNull(r) },
	}
}

// vectors resolves the rule's columns in a batch.
func (rule *Rule) vectors(b *Batch) []*Vector {
	v := make([]*Vector, len(rule.Columns))
	for i, name := range rule.Columns {
		v[i] = b.Col(name)
	}
	return v
}

// CheckRows calls broken for every row that breaks its contract across columns: a column that must have a
// value is null, or a rule does not hold. A row is named once, with its first fault; rows that skip reports
// are left out, and so are deletes, which need nothing but their key.
func CheckRows(b *Batch, skip func(r int) bool, broken func(r int, f Fault)) {
	c := b.Contract
	bad := make([]bool, b.Rows)
	for r := range bad {
		bad[r] = skip != nil && skip(r)
	}
	name := func(r int, f Fault) {
		bad[r] = true
		broken(r, f)
	}
	for i := range c.Columns {
		def, v := &c.Columns[i], &b.Columns[i]
		if def.Nullable || (!v.Absent && v.Null == nil) {
			continue
		}
		for r := range b.Rows {
			if !bad[r] && v.IsNull(r) && (def.Key || !b.deletes(r)) {
				name(r, Fault{Reason: MissingValue, Column: def.Name, Hint: "this column must have a value in every row"})
			}
		}
	}
	for i := range c.Rules {
		rule := &c.Rules[i]
		v := rule.vectors(b)
		for r := range b.Rows {
			if !bad[r] && !b.deletes(r) && rule.broken(v, r) {
				at := c.Index(rule.Columns[0])
				name(r, Fault{
					Reason: ColumnsDisagree, Column: rule.Columns[0],
					Value: Cut(FormatCell(&c.Columns[at], &b.Columns[at], r)), Hint: rule.Words,
				})
			}
		}
	}
}

func (b *Batch) deletes(r int) bool { return b.Ops != nil && b.Ops[r] == Delete }
