package state

// chosen is some rows of a table.
type chosen struct{ keys map[[2]uint32]bool }

func (c *chosen) slots(t *frozenTable) []uint32 {
	var out []uint32
	if c == nil {
		return nil
	}
	for _, slot := range t.space.sorted() {
		key := t.space.key(slot)
		if c.keys[[2]uint32{key[0], key[1]}] {
			out = append(out, slot)
		}
	}
	return out
}
