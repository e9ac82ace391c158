package inputs

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBuilderGivesBackItsText(t *testing.T) {
	t.Parallel()
	rows := []map[string]string{
		{"item": "I1", "node": "S1", "day": "2026-11-21", "demand": "0.03"},
		{"item": "I2", "node": "S1", "from": "2026-11-21", "daily": "1;2.5;0.001", "issued_at": "2026-11-20T04:00:00Z"},
		{"item": "I1", "node": "S2", "day": "2024-02-29", "demand": "1000000000", "quantile": "0.9"},
	}
	b := NewBuilder("forecasts")
	for i, row := range rows {
		if err := b.Append(row); err != nil {
			t.Fatal(err)
		}
		// a refused row between right ones must leave no trace
		err := b.Append(map[string]string{"item": "I9", "node": "S9", "day": "2026-11-21", "from": "2026-11-21", "demand": "1", "daily": "7;8"})
		var f *Fault
		if !errors.As(err, &f) || f.Reason != ColumnsDisagree || f.Position != int64(i+2) {
			t.Fatalf("row with day and from: %v", err)
		}
	}
	batch := b.Batch()
	if batch.Rows != len(rows) || batch.First != 1 {
		t.Fatalf("rows %d first %d", batch.Rows, batch.First)
	}
	for r, want := range rows {
		got := map[string]string{}
		for i := range batch.Contract.Columns {
			if s := batch.Text(r, batch.Contract.Columns[i].Name); s != "" {
				got[batch.Contract.Columns[i].Name] = s
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("row %d: %s", r, d)
		}
	}
	if err := b.Append(map[string]string{"item": "I2", "node": "S3", "day": "2026-11-22", "demand": "4"}); err != nil {
		t.Fatal(err)
	}
	next := b.Batch()
	if next.First != 4 || next.Rows != 1 || next.Text(0, "node") != "S3" || next.Text(0, "item") != "I2" || !next.Col("daily").Absent && !next.Col("daily").IsNull(0) {
		t.Errorf("second batch: %+v", next)
	}
	if c := next.Col("item").Codes[0]; batch.Col("item").Dict[c] != "I2" {
		t.Errorf("code %d of I2 changed between batches", c)
	}
}

func TestBuilderTyped(t *testing.T) {
	t.Parallel()
	b := NewBuilder("inventory")
	item, node, onHand, reserved := b.Col("item"), b.Col("node"), b.Col("on_hand"), b.Col("reserved")
	for i := range 200 {
		b.Row()
		b.SetText(item, "I1")
		b.SetText(node, "S1")
		b.SetInt(onHand, int64(i)-5) // typed calls check nothing
		if i%3 == 1 {
			b.SetInt(reserved, int64(i))
		}
	}
	got := b.Batch()
	for r := range 200 {
		if got.Col("on_hand").Int(r, -99) != int64(r)-5 {
			t.Fatalf("row %d on_hand %d", r, got.Col("on_hand").Int(r, -99))
		}
		want := int64(-1)
		if r%3 == 1 {
			want = int64(r)
		}
		if got.Col("reserved").Int(r, -1) != want {
			t.Fatalf("row %d reserved %d", r, got.Col("reserved").Int(r, -1))
		}
	}
	if !got.Col("unusable").Absent {
		t.Error("a column never set is absent")
	}
}
