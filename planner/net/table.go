package net

// Opp is one chance to order. Order, Pick and Depart count from day 0 of the lane's source, Receive and
// Usable from day 0 of the row's node.
type Opp struct {
	Lane                                 int32 // index into the row's lanes
	Order, Pick, Depart, Receive, Usable int32
}

// Table is the opportunities of a row's lane class, in strictly ascending usable day. Opps[:Planned] are
// planned; what follows only ends windows.
type Table struct {
	Opps    []Opp
	Planned int
	// First is the lane that is first valid on order day 0, -1 none; Other lists the usable days of an order
	// placed today on each of the other lanes that can be ordered today.
	First int32
	Other []int32
}

// defaultWindow is the length in days of the only window of a row without cover days.
const defaultWindow = 7

// End gives the last day of opportunity k's window, before it is cut to the row's dates: the day before a
// later order can arrive; without a later one the cover days, else as many days as the window before.
func (t *Table) End(k int, cover int32) int32 {
	a := t.Opps[k].Usable
	switch {
	case k+1 < len(t.Opps):
		return t.Opps[k+1].Usable - 1
	case cover > 0:
		return a + cover - 1
	case k > 0:
		return a + (a - t.Opps[k-1].Usable) - 1
	}
	return a + defaultWindow - 1
}
