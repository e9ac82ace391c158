package net

import "testing"

// everyOther is a table with an opportunity every other day, usable two days after its order.
func everyOther(h int) *Table {
	t := &Table{}
	for o := 0; o < h+2; o += 2 {
		t.Opps = append(t.Opps, Opp{Order: int32(o), Pick: int32(o), Depart: int32(o), Receive: int32(o + 1), Usable: int32(o + 2)})
	}
	t.Planned = len(t.Opps) - 1
	return t
}

func plainRow(h int) *Row {
	r := &Row{Facts: Facts{H: h, Lost: true, Avail: 7000, Safety: 3, Present: 2, Cap: -1, From: FarPast, To: FarDay}}
	r.Own = make([]int64, h)
	for t := range r.Own {
		r.Own[t] = int64(700 + 137*(t%7))
	}
	r.LaneLots = []Lot{{Pack: 6}}
	return r
}

func BenchmarkPlainRow(b *testing.B) {
	tab, row := everyOther(28), plainRow(28)
	var pass Pass
	b.ReportAllocs()
	for b.Loop() {
		row.Prepare(tab, 0)
		pass.Run(row, tab, nil, nil)
	}
}
