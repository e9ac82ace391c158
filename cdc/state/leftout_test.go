package state

import (
	"errors"
	"io"
	"testing"

	"echelon/cdc"
	"echelon/inputs"
)

// TestLeftOut holds that a value which the source left out as unchanged stays what it was, and that of a row which is
// new here the record is quarantined: a row without it would not be the source's.
func TestLeftOut(t *testing.T) {
	f := newStock(t, Config{})
	send := func(offset int64, item string, cell int) {
		t.Helper()
		ch := f.change(step{major: uint64(offset), item: item, n: offset})
		ch.Cells[cell] = cdc.Cell{Kind: cdc.Unchanged}
		if err := f.s.Apply(cdc.Partition{Topic: "t"}, offset, ch); err != nil {
			t.Fatal(err)
		}
	}
	f.next[0] = 0
	if err := f.send(step{major: 1, item: "A", n: 7}); err != nil {
		t.Fatal(err)
	}
	send(2, "A", 2)
	if len(f.faults) != 0 || f.rows() != "A|N|7|||||" {
		t.Errorf("rows %q, faults %+v after an update of another column", f.rows(), f.faults)
	}
	send(3, "B", 2)
	if len(f.faults) != 1 || f.faults[0].Reason != inputs.MissingValue || f.faults[0].Column != "on_hand" || f.rows() != "A|N|7|||||" {
		t.Errorf("rows %q, faults %+v after a new row without its number", f.rows(), f.faults)
	}
}

// TestLeftOutList does the same for forecasts, where the list is the row.
func TestLeftOutList(t *testing.T) {
	c := inputs.ContractOf("forecasts")
	o := cdc.Origin{Name: "plan", Source: "plan", Contract: c, Rows: true, Columns: []int{c.Index("item"), c.Index("node"), c.Index("from"), c.Index("daily")}}
	var faults []inputs.Fault
	s := open(t, Config{Origins: []cdc.Origin{o}, Quarantine: func(x inputs.Fault) { faults = append(faults, x) }})
	list, same := cdc.Cell{Kind: cdc.List, List: []int64{1000, 2000}}, cdc.Cell{Kind: cdc.Unchanged}
	for i, x := range []struct {
		from   int64
		daily  cdc.Cell
		rows   int64 // days
		faults int
	}{
		{20000, list, 2, 0},
		{20000, same, 2, 0},
		{20003, same, 2, 1}, // the same item and node, another row
		{20003, list, 4, 1},
		{20003, same, 4, 1},
	} {
		cells := []cdc.Cell{{Kind: cdc.Text, Text: []byte("A")}, {Kind: cdc.Text, Text: []byte("N")}, {Kind: cdc.Int, Int: x.from}, x.daily}
		ch := &cdc.Change{Source: "plan", Position: cdc.Position{Major: uint64(i + 1)}, Cells: cells}
		if err := s.Apply(cdc.Partition{Topic: "t"}, int64(i), ch); err != nil {
			t.Fatal(err)
		}
		days := daysOf(t, s.Cut())
		if days != x.rows || len(faults) != x.faults {
			t.Errorf("record %d: %d days, faults %+v; want %d days and %d faults", i, days, faults, x.rows, x.faults)
		}
	}
	if len(faults) > 0 && (faults[0].Reason != inputs.MissingValue || faults[0].Column != "daily") {
		t.Errorf("fault %+v", faults[0])
	}
}

func daysOf(t *testing.T, c *Cut) (days int64) {
	t.Helper()
	r, err := c.Open(t.Context(), "forecasts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	for {
		b, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return days
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Rows {
			days += int64(max(1, len(b.Col("daily").Ints64(i))))
		}
	}
}
