package feed

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

// badRow is one row of a table and what must be said about it.
type badRow struct {
	table  string
	header string
	row    string // CSV
	reason inputs.Reason
	column string
	value  string
	hint   string // a part of it
}

func badRows() []badRow {
	const stock = "item,node,on_hand"
	return []badRow{
		{"inventory", stock, `I1,S1,"1,5"`, inputs.WrongType, "on_hand", "1,5", "decimal: comma"},
		{"inventory", stock, `I1,S1,1e3`, inputs.WrongType, "on_hand", "1e3", "exponent"},
		{"inventory", stock, `I1,S1,NaN`, inputs.WrongType, "on_hand", "NaN", "digits"},
		{"inventory", stock, `I1,S1,Infinity`, inputs.WrongType, "on_hand", "Infinity", "digits"},
		{"inventory", stock, `I1,S1,7 `, inputs.WrongType, "on_hand", "7 ", "blanks"},
		{"inventory", stock, `I1,S1,+7`, inputs.WrongType, "on_hand", "+7", "plus"},
		{"inventory", stock, `I1,S1,7.5`, inputs.WrongType, "on_hand", "7.5", "whole"},
		{"inventory", stock, `I1,S1,.5`, inputs.WrongType, "on_hand", ".5", "whole"},
		{"inventory", stock, `I1,S1,-3`, inputs.OutOfRange, "on_hand", "-3", "0 to 1000000000"},
		{"inventory", stock, `I1,S1,1000000001`, inputs.OutOfRange, "on_hand", "1000000001", "0 to"},
		{"inventory", stock, `I1,S1,99999999999999999999999`, inputs.OutOfRange, "on_hand", "99999999999999999999999", "large"},
		{"inventory", stock, `I1,S1,`, inputs.MissingValue, "on_hand", "", "value"},
		{"inventory", stock, `,S1,4`, inputs.MissingValue, "item", "", "value"},
		{"inventory", stock, `../etc,S1,4`, inputs.BadID, "item", "../etc", "id"},
		{"inventory", stock, "I1,S\x1b[31m1,4", inputs.BadID, "node", "S\ufffd[31m1", "id"},
		{"inventory", stock, "I1,S1\x00,4", inputs.BadID, "node", "S1\ufffd", "id"},
		{"inventory", stock, "I1," + strings.Repeat("S", 65) + ",4", inputs.BadID, "node", strings.Repeat("S", 60) + "…", "64"},
		{"inventory", stock, `I1,S1`, inputs.BadRecord, "", "I1,S1", "2 fields and the header 3"},
		{"inventory", stock, `I1,S1,4,5`, inputs.BadRecord, "", "I1,S1,4,5", "4 fields"},
		{"inventory", stock, `I1,"S1,4`, inputs.BadRecord, "", `I1,"S1,4`, "quote"},
		{"inventory", stock, `I1,S"1,4`, inputs.BadRecord, "", `I1,S"1,4`, "quote"},
		{"inventory", stock + ",unusable", `I1,S1,4,5`, inputs.ColumnsDisagree, "unusable", "5", "unusable must not be over on_hand"},
		{"inventory", stock + ",counted_at", `I1,S1,4,2026-11-20T22:15:00`, inputs.BadDate, "counted_at", "2026-11-20T22:15:00", "offset"},
		{"inventory", stock + ",counted_at", `I1,S1,4,2026-11-20T22:15:00.1234567Z`, inputs.BadDate, "counted_at", "2026-11-20T22:15:00.1234567Z", "offset"},
		{"skus", "item,node,pack", `I1,S1,0`, inputs.OutOfRange, "pack", "0", "1 to"},
		{"skus", "item,node,min,max", `I1,S1,9,3`, inputs.ColumnsDisagree, "min", "9", "min must not be over max"},
		{"skus", "item,node,safety_days", `I1,S1,1.2345`, inputs.TooManyPlaces, "safety_days", "1.2345", "three"},
		{"skus", "item,node,policy", `I1,S1,minmax`, inputs.UnknownWord, "policy", "minmax", "min-max"},
		{"skus", "item,node,active_from,active_to", `I1,S1,2026-02-02,2026-02-01`, inputs.ColumnsDisagree, "active_from", "2026-02-02", "after active_to"},
		{"nodes", "node,kind,zone", `S1,store,Mars/Olympus`, inputs.UnknownZone, "zone", "Mars/Olympus", "IANA"},
		{"nodes", "node,kind,zone", `S1,store,Local`, inputs.UnknownZone, "zone", "Local", "IANA"},
		{"nodes", "node,kind,zone,name", "S1,store,UTC,\x1b]0;pwn\a", inputs.BadText, "name", "\ufffd]0;pwn\ufffd", "escapes"},
		{"nodes", "node,kind,zone,name", "S1,store,UTC,a\u202eb", inputs.BadText, "name", "a\ufffdb", "invisible"},
		{"nodes", "node,kind,zone,name", "S1,store,UTC,\xff", inputs.BadText, "name", "\ufffd", "UTF-8"},
		{"nodes", "node,kind,zone,reserved_includes_transfers", "S1,store,UTC,yes", inputs.UnknownWord, "reserved_includes_transfers", "yes", "true or false"},
		{"lanes", "lane,source,destination,cutoff", "L1,D1,S1,24:00", inputs.BadDate, "cutoff", "24:00", "HH:MM"},
		{"lanes", "lane,source,destination", "L1,D1,D1", inputs.ColumnsDisagree, "source", "D1", "differ"},
		{"lots", "item,node,expires,quantity", "I1,S1,2026-02-29,4", inputs.BadDate, "expires", "2026-02-29", "exists"},
		{"lots", "item,node,expires,quantity", "I1,S1,21.11.2026,4", inputs.BadDate, "expires", "21.11.2026", "YYYY"},
		{"safety_stocks", "item,node,from,units", "I1,S1,1850-01-01,4", inputs.OutOfRange, "from", "1850-01-01", "1900-01-01 to 9999-12-31"},
		{"sales", "item,node,day,units", "I1,S1,9999-12-31,4", inputs.OutOfRange, "day", "9999-12-31", "2199-12-31"},
		{"calendars", "calendar,rule,weekdays", "C1,1,1;8", inputs.BadList, "weekdays", "1;8", "Monday"},
		{"calendars", "calendar,rule,weekdays", "C1,1,1;1", inputs.BadList, "weekdays", "1;1", "once"},
		{"calendars", "calendar,rule,every", "C1,1,14", inputs.ColumnsDisagree, "every", "14", "anchor"},
		{"forecasts", "item,node,from,daily", "I1,S1,2026-11-21,1;x;3", inputs.BadList, "daily", "x", "digits"},
		{"forecasts", "item,node,from,daily", "I1,S1,2026-11-21,1;-2", inputs.OutOfRange, "daily", "-2", "element 2"},
		{"forecasts", "item,node,day,demand,from,daily", "I1,S1,2026-11-21,3,2026-11-21,3", inputs.ColumnsDisagree, "day", "2026-11-21", "exactly one"},
		{"forecasts", "item,node,day,demand,from,daily", "I1,S1,,,,", inputs.ColumnsDisagree, "day", "", "exactly one"},
		{"forecasts", "item,node,day,demand", "I1,S1,2026-11-21,", inputs.ColumnsDisagree, "day", "2026-11-21", "together"},
		{"open_orders", "order,line,item,destination,ordered,received,due_on,status", "P1,1,I1,S1,4,5,2026-11-21,shipped", inputs.ColumnsDisagree, "received", "5", "ordered"},
		{"parameters", "scope,item,name,value", "tenant,I1,moq,4", inputs.ColumnsDisagree, "scope", "tenant", "no id"},
		{"parameters", "scope,name,value", "tenant,colour,4", inputs.ColumnsDisagree, "name", "colour", "column of skus"},
		{"parameters", "scope,name,value", "tenant,pack,0", inputs.ColumnsDisagree, "value", "0", "value of the column"},
		{"overrides", "id,kind,item", "O1,add,I1", inputs.ColumnsDisagree, "quantity", "", "quantity"},
	}
}

// F2, F3: a wrong row is quarantined with column, value and what to do, alone, and counted; the same in CSV
// and, where JSON can say it, in JSON Lines.
func TestBadRows(t *testing.T) {
	t.Parallel()
	for _, bad := range badRows() {
		t.Run(bad.table+" "+bad.column+" "+bad.value, func(t *testing.T) {
			t.Parallel()
			right := rightRow(bad)
			checkBad(t, bad, bad.table+".csv", bad.header+"\n"+bad.row+"\n"+right+"\n")
			if bad.reason != inputs.BadRecord && !strings.Contains(bad.row, "\xff") && !strings.Contains(bad.row, `"`) {
				names := strings.Split(bad.header, ",")
				checkBad(t, bad, bad.table+".jsonl", jsonLine(names, bad.row)+"\n"+jsonLine(names, right)+"\n")
			}
		})
	}
}

// rightRow is a row of the same header that keeps the contract.
func rightRow(bad badRow) string {
	values := map[string]string{
		"item": "I8", "node": "S8", "kind": "store", "zone": "UTC", "lane": "L8", "source": "D8", "destination": "S8",
		"on_hand": "8", "pack": "8", "min": "1", "max": "8", "policy": "net", "calendar": "C8", "rule": "8",
		"weekdays": "1;2", "expires": "2026-12-01", "quantity": "8", "units": "8", "from": "2026-12-01", "daily": "1;2",
		"day": "2026-12-01", "order": "P8", "line": "8", "ordered": "8", "received": "0", "due_on": "2026-12-01",
		"status": "shipped", "scope": "tenant", "name": "moq", "value": "8", "id": "O8", "safety_days": "1.5",
	}
	if bad.table == "forecasts" && strings.Contains(bad.header, "demand") {
		values["demand"], values["from"], values["daily"] = "8", "", ""
	}
	if bad.table == "parameters" && strings.Contains(bad.header, "item") {
		values["scope"] = "item"
	}
	if bad.table == "overrides" {
		values["kind"] = "forbid"
	}
	if strings.Contains(bad.header, "every") {
		values["weekdays"] = ""
	}
	if bad.table == "nodes" {
		values["name"] = "a name"
	}
	var cells []string
	for _, name := range strings.Split(bad.header, ",") {
		cells = append(cells, values[name])
	}
	return strings.Join(cells, ",")
}

func jsonLine(names []string, row string) string {
	line := []byte{'{'}
	for i, cell := range strings.Split(row, ",") {
		if cell == "" {
			continue
		}
		if len(line) > 1 {
			line = append(line, ',')
		}
		line = append(inputs.AppendJSONString(line, names[i]), ':')
		line = inputs.AppendJSONString(line, cell)
	}
	return string(append(line, '}'))
}

func checkBad(t *testing.T, bad badRow, name, content string) {
	t.Helper()
	var got []inputs.Fault
	f, err := Open(context.Background(), folderOf(t, map[string]string{mark: "", name: content}),
		Options{Quarantine: func(fault inputs.Fault) { got = append(got, fault) }})
	if err != nil {
		t.Fatal(err)
	}
	rows := rowsOf(t, f, bad.table)
	if len(rows) != 1 {
		t.Errorf("%s: %d rows are left, want the right one: %v, faults %v", name, len(rows), rows, got)
	}
	if len(got) != 1 {
		t.Fatalf("%s: %d faults: %v", name, len(got), got)
	}
	if !strings.Contains(got[0].Hint, bad.hint) {
		t.Errorf("%s: hint %q says nothing of %q", name, got[0].Hint, bad.hint)
	}
	want := inputs.Fault{
		Table: bad.table, Reason: bad.reason, Column: bad.column, Value: bad.value, Hint: got[0].Hint, Source: name, Position: 1,
	}
	if d := cmp.Diff(want, got[0]); d != "" {
		t.Errorf("%s: %s", name, d)
	}
	counts := f.Report().Tables[0].Counts
	if counts != (inputs.Counts{Read: 2, Applied: 1, Quarantined: 1}) {
		t.Errorf("%s: %+v", name, counts)
	}
}

func TestDuplicateKeys(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{mark: "", "inventory.1.csv": `item,node,on_hand,reserved
I1,S1,5,
I1,S2,6,1
I1,S1,5,
`, "inventory.2.jsonl": `{"node":"S1","item":"I1","on_hand":5}
{"node":"S1","item":"I1","on_hand":7}
{"node":"S2","item":"I1","on_hand":6}
{"node":"S3","item":"I1","on_hand":6}
`})
	var got []string
	f, err := Open(context.Background(), dir, Options{BatchRows: 2, Quarantine: func(fault inputs.Fault) { got = append(got, fault.Error()) }})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{
		{"item": "I1", "node": "S1", "on_hand": "5"},
		{"item": "I1", "node": "S2", "on_hand": "6", "reserved": "1"},
		{"item": "I1", "node": "S3", "on_hand": "6"},
	}
	for range 2 { // a second reader gives the same rows, and tells no fault twice
		if d := cmp.Diff(want, rowsOf(t, f, "inventory")); d != "" {
			t.Error(d)
		}
	}
	hint := "duplicate_key: the same key was there before with other values; the first row is kept: send each key once"
	wantFaults := []string{
		`inventory.2.jsonl row 2: column item: "I1 / S1": ` + hint,
		`inventory.2.jsonl row 3: column item: "I1 / S2": ` + hint,
	}
	if d := cmp.Diff(wantFaults, got); d != "" {
		t.Error(d)
	}
	counts := f.Report().Tables[0].Counts
	if counts != (inputs.Counts{Read: 7, Applied: 3, Superseded: 2, Quarantined: 2}) {
		t.Errorf("%+v", counts)
	}
}

func TestForecastIssuesAreNoDuplicates(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{mark: "", "forecasts.csv": `item,node,day,demand,issued_at,quantile
I1,S1,2026-11-21,5,2026-11-20T00:00:00Z,
I1,S1,2026-11-21,6,2026-11-20T01:00:00Z,
I1,S1,2026-11-21,9,2026-11-20T01:00:00Z,0.9
I1,S1,2026-11-21,7,2026-11-20T01:00:00Z,
I1,S1,2026-11-22,6,2026-11-20T01:00:00Z,
`})
	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(rowsOf(t, f, "forecasts")); n != 3 {
		t.Errorf("%d rows", n)
	}
	if c := f.Report().Tables[0].Counts; c != (inputs.Counts{Read: 5, Applied: 3, Quarantined: 1, Filtered: 1}) {
		t.Errorf("%+v", c)
	}
}

func TestIncrementOverBase(t *testing.T) {
	t.Parallel()
	base := folderOf(t, map[string]string{mark: "", "inventory.csv": `item,node,on_hand
I1,S1,1
I1,S2,2
I1,S3,3
I1,S4,4
`, "items.csv": "item\nI1\n"})
	inc := folderOf(t, map[string]string{mark: "", "inventory.csv": `op,item,node,on_hand
upsert,I1,S1,11
delete,I1,S2,
delete,I1,S3,
upsert,I1,S3,33
upsert,I1,S5,55
upsert,I1,S1,12
upsert,I1,S4,-4
remove,I1,S4,
`, "items.csv": "item\nI2\n"})
	f, err := Open(context.Background(), inc, Options{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{
		{"item": "I1", "node": "S4", "on_hand": "4"},
		{"item": "I1", "node": "S3", "on_hand": "33"},
		{"item": "I1", "node": "S5", "on_hand": "55"},
		{"item": "I1", "node": "S1", "on_hand": "12"},
	}
	if d := cmp.Diff(want, rowsOf(t, f, "inventory")); d != "" {
		t.Error(d)
	}
	for _, tr := range f.Report().Tables {
		if tr.Table == "inventory" && tr.Counts != (inputs.Counts{Read: 12, Applied: 4, Superseded: 5, Quarantined: 2, Filtered: 1}) {
			t.Errorf("%+v", tr.Counts)
		}
	}
	// a whole table replaces the base's
	if d := cmp.Diff([]map[string]string{{"item": "I2"}}, rowsOf(t, f, "items")); d != "" {
		t.Error(d)
	}
}
