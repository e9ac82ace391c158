package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"echelon/calendars"
)

// TestShowParquet: the Parquet form of a layer has the lines of the JSON form.
func TestShowParquet(t *testing.T) {
	dir := t.TempDir()
	in, folder := filepath.Join(dir, "in"), filepath.Join(dir, "state")
	if err := tiny(in); err != nil {
		t.Fatal(err)
	}
	show := func(args ...string) []byte {
		t.Helper()
		var out, notes bytes.Buffer
		if code := (&app{out: &out, err: &notes}).main(t.Context(), append(args, "--state", folder)); code != 0 {
			t.Fatalf("echelon %s: exit code %d\n%s", strings.Join(args, " "), code, notes.String())
		}
		return out.Bytes()
	}
	show("run", "--inputs", in, "--no-publish", "--as-of", "2026-11-21T08:00:00Z", "--policy", "")
	type order struct {
		DC       string  `json:"dc" parquet:"dc"`
		Item     *string `json:"item" parquet:"item,optional"`
		Day      string  `json:"order_day" parquet:"-"`
		Date     *int32  `json:"-" parquet:"order_day,optional,date"`
		Quantity *int64  `json:"quantity" parquet:"quantity,optional"`
		Release  *bool   `json:"release" parquet:"release,optional"`
		ID       *string `json:"release_id" parquet:"release_id,optional"`
	}
	for _, filter := range [][]string{nil, {"--released"}, {"--by", "quantity", "--top", "7"}, {"--top", "5"}} {
		var want []order
		lines := json.NewDecoder(bytes.NewReader(show(append([]string{"show", "store-orders", "--format", "json"}, filter...)...)))
		for lines.More() {
			var o order
			if err := lines.Decode(&o); err != nil {
				t.Fatal(err)
			}
			want = append(want, o)
		}
		raw := show(append([]string{"show", "store-orders", "--format", "parquet"}, filter...)...)
		got, err := parquet.Read[order](bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i].Day, got[i].Date = calendars.Day(*got[i].Date).String(), nil
		}
		if len(want) == 0 {
			t.Fatalf("%v: no lines", filter)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: JSON and Parquet differ (-json +parquet):\n%s", filter, diff)
		}
	}
	raw := show("show", "projections", "--format", "parquet")
	f, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil || f.NumRows() == 0 {
		t.Fatalf("projections: %v", err)
	}
	leaf, ok := f.Schema().Lookup("on_hand")
	if !ok {
		t.Fatal("projections have no on_hand")
	}
	var values int64
	for _, g := range f.RowGroups() {
		values += g.ColumnChunks()[leaf.ColumnIndex].NumValues()
	}
	if values != 28*f.NumRows() {
		t.Errorf("%d projections have %d values of on_hand, want 28 each", f.NumRows(), values)
	}
}
