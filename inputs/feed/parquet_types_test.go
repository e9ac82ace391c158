package feed

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"echelon/inputs"
)

func parquetOf[T any](t *testing.T, rows []T) string {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[T](&out, parquet.PageBufferSize(64))
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What data frames and query engines write is read exactly, whatever type they chose.
func TestForeignParquetTypes(t *testing.T) {
	t.Parallel()
	type stock struct {
		Item    int64      `parquet:"item"`
		Node    *string    `parquet:"node,optional,dict"`
		OnHand  float64    `parquet:"on_hand"`
		Res     *int32     `parquet:"reserved,optional"`
		Unus    uint16     `parquet:"unusable"`
		Back    string     `parquet:"backorders"`
		Counted *time.Time `parquet:"counted_at,optional,timestamp(nanosecond)"`
	}
	s := func(s string) *string { return &s }
	i := func(i int32) *int32 { return &i }
	at := time.Date(2026, 11, 20, 22, 15, 0, 250_000_000, time.UTC)
	odd := at.Add(1)
	dir := folderOf(t, map[string]string{mark: "", "inventory.parquet": parquetOf(t, []stock{
		{Item: 7, Node: s("S1"), OnHand: 12, Res: i(3), Unus: 2, Back: "4", Counted: &at},
		{Item: 8, Node: s("S1"), OnHand: 12, Back: ""},
		{Item: 9, Node: nil, OnHand: 12},
		{Item: 10, Node: s("S1"), OnHand: 12.5},
		{Item: 11, Node: s("S1"), OnHand: math.NaN()},
		{Item: 12, Node: s("S1"), OnHand: math.Inf(1)},
		{Item: 13, Node: s("S1"), OnHand: -1},
		{Item: 14, Node: s("../S"), OnHand: 1},
		{Item: 15, Node: s("S1"), OnHand: math.Copysign(0, -1), Res: i(-2)},
		{Item: -16, Node: s("S1"), OnHand: 1},
		{Item: 17, Node: s("S1"), OnHand: 1e308},
		{Item: 18, Node: s("S1"), OnHand: 1, Counted: &odd},
		{Item: 19, Node: s("S1"), OnHand: math.Copysign(0, -1)},
	})})
	var faults []string
	f, err := Open(context.Background(), dir, Options{BatchRows: 4, Quarantine: func(fault inputs.Fault) {
		faults = append(faults, itoa(int(fault.Position))+" "+fault.Column+" "+string(fault.Reason)+" "+fault.Value)
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{
		{"item": "7", "node": "S1", "on_hand": "12", "reserved": "3", "unusable": "2", "backorders": "4", "counted_at": "2026-11-20T22:15:00.25Z"},
		{"item": "8", "node": "S1", "on_hand": "12", "unusable": "0"},
		{"item": "19", "node": "S1", "on_hand": "0", "unusable": "0"},
	}
	if d := cmp.Diff(want, rowsOf(t, f, "inventory")); d != "" {
		t.Error(d)
	}
	wantFaults := []string{
		"3 node missing_value ", "4 on_hand wrong_type 12.5", "5 on_hand wrong_type NaN", "6 on_hand wrong_type +Inf",
		"7 on_hand out_of_range -1", "8 node bad_id ../S", "9 reserved out_of_range -2", "10 item bad_id -16",
		"11 on_hand out_of_range 1e+308", "12 counted_at bad_date 1795212900250000001",
	}
	if d := cmp.Diff(wantFaults, faults); d != "" {
		t.Error(d)
	}
}

func TestForeignParquetLists(t *testing.T) {
	t.Parallel()
	type forecast struct {
		Item  string     `parquet:"item,dict"`
		Node  string     `parquet:"node,dict"`
		From  time.Time  `parquet:"from,timestamp(millisecond)"`
		Daily []*float64 `parquet:"daily,list,optional"`
	}
	list := func(v ...float64) []*float64 {
		out := make([]*float64, len(v))
		for i := range v {
			out[i] = &v[i]
		}
		return out
	}
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	long := make([]float64, 50)
	for i := range long {
		long[i] = float64(i) / 4
	}
	rows := []forecast{
		{"I1", "S1", day, list(0.1, 0.03, 2.5)},
		{"I2", "S1", day, list(long...)},
		{"I3", "S1", day, list(0.30000000000000004, 1)},
		{"I4", "S1", day, []*float64{nil}},
		{"I5", "S1", day, nil},
		{"I6", "S1", day.Add(time.Hour), list(1)},
		{"I7", "S1", day, list(-1)},
		{"I8", "S1", day, list(8)},
	}
	var faults []string
	dir := folderOf(t, map[string]string{mark: "", "forecasts.parquet": parquetOf(t, rows)})
	f, err := Open(context.Background(), dir, Options{BatchRows: 3, Quarantine: func(fault inputs.Fault) {
		faults = append(faults, itoa(int(fault.Position))+" "+fault.Column+" "+string(fault.Reason)+" "+fault.Value)
	}})
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for i := range long {
		text = append(text, inputs.FormatMilli(int64(i)*250))
	}
	want := []map[string]string{
		{"item": "I1", "node": "S1", "from": "2026-11-21", "daily": "0.1;0.03;2.5"},
		{"item": "I2", "node": "S1", "from": "2026-11-21", "daily": strings.Join(text, ";")},
		{"item": "I8", "node": "S1", "from": "2026-11-21", "daily": "8"},
	}
	if d := cmp.Diff(want, rowsOf(t, f, "forecasts")); d != "" {
		t.Error(d)
	}
	wantFaults := []string{
		"3 daily too_many_places 0.30000000000000004", "4 daily bad_list ", "5 from columns_disagree 2026-11-21",
		"6 from bad_date 1795222800000", "7 daily out_of_range -1",
	}
	if d := cmp.Diff(wantFaults, faults); d != "" {
		t.Error(d)
	}
}

func TestWrongParquetTypesAreRefused(t *testing.T) {
	t.Parallel()
	type a struct {
		Item string   `parquet:"item"`
		Node []string `parquet:"node,list"`
		OnH  int64    `parquet:"on_hand"`
	}
	type b struct {
		Item string `parquet:"item"`
		Node string `parquet:"node"`
		OnH  bool   `parquet:"on_hand"`
	}
	type c struct {
		Item    string `parquet:"item"`
		Node    string `parquet:"node"`
		OnH     int64  `parquet:"on_hand"`
		Counted int64  `parquet:"counted_at"`
	}
	for name, content := range map[string]string{
		"node":       parquetOf(t, []a{{Item: "I", Node: []string{"S"}}}),
		"on_hand":    parquetOf(t, []b{{Item: "I", Node: "S"}}),
		"counted_at": parquetOf(t, []c{{Item: "I", Node: "S"}}),
	} {
		_, err := Open(context.Background(), folderOf(t, map[string]string{mark: "", "inventory.parquet": content}), Options{})
		if refusalKind(err) != "wrong_column_type" || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "write it as") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Lists that are long, short and cut by pages come back as they were.
func TestListsOverManyPages(t *testing.T) {
	t.Parallel()
	type forecast struct {
		Item  string  `parquet:"item"`
		Node  string  `parquet:"node"`
		From  int32   `parquet:"from,date"`
		Daily []int32 `parquet:"daily"` // a bare repeated column
	}
	var rows []forecast
	var want []map[string]string
	for i := range 500 {
		row := forecast{Item: "I" + itoa(i), Node: "S1", From: 20000}
		var text []string
		for d := range i%40 + 1 {
			row.Daily = append(row.Daily, int32(i*d))
			text = append(text, itoa(i*d))
		}
		rows = append(rows, row)
		want = append(want, map[string]string{"item": row.Item, "node": "S1", "from": "2024-10-04", "daily": strings.Join(text, ";")})
	}
	for _, size := range []int{7, 100, 1000} {
		f, err := Open(context.Background(), folderOf(t, map[string]string{mark: "", "forecasts.parquet": parquetOf(t, rows)}), Options{BatchRows: size})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, rowsOf(t, f, "forecasts")); d != "" {
			t.Errorf("batches of %d: %s", size, d)
		}
	}
}
