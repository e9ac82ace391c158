package feed

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A reader that is left in the middle, or whose context ends, stops decoding and closes its file.
func TestReaderLeftInTheMiddle(t *testing.T) {
	t.Parallel()
	var rows strings.Builder
	rows.WriteString("item,name\n")
	for i := range 5000 {
		rows.WriteString("I" + itoa(i) + ",a name\n")
	}
	f, err := Open(context.Background(), folderOf(t, map[string]string{mark: "", "items.csv": rows.String()}), Options{BatchRows: 100})
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Open(context.Background(), "items")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if b, err := r.Next(ctx); err != nil || b.Rows != 100 {
		t.Fatal(err)
	}
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if b, err := r.Next(context.Background()); err != nil || b.Text(0, "item") != "I100" {
		t.Errorf("a context that ended loses no batch: %v", err)
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if f.Report().Tables[0].Complete {
		t.Error("a table that was not read to its end has no counts")
	}
}
