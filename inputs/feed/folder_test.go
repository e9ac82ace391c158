package feed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

const items = "item\nI1\nI2\n"

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// F1: what is not a whole folder is refused by name, with the file and what to do.
func TestRefusedFolders(t *testing.T) {
	t.Parallel()
	listed := `{"files":[{"name":"items.csv","bytes":` + itoa(len(items)) + `,"sha256":"` + sum(items) + `"}]}`
	for _, tc := range []struct {
		name  string
		files map[string]string
		kind  string
		where string
	}{
		{"empty", nil, "empty_folder", ""},
		{"only a mark", map[string]string{mark: ""}, "empty_folder", ""},
		{"no mark", map[string]string{"items.csv": items}, "half_written", ""},
		{"temporary file", map[string]string{mark: "", "items.csv": items, "skus.csv.tmp": "x"}, "half_written", "skus.csv.tmp"},
		{"listed and missing", map[string]string{"manifest.json": `{"files":[{"name":"items.csv"},{"name":"skus.csv"}]}`, "items.csv": items}, "half_written", "skus.csv"},
		{"shorter than listed", map[string]string{"manifest.json": listed, "items.csv": items[:6]}, "half_written", "items.csv"},
		{"other bytes", map[string]string{"manifest.json": listed, "items.csv": "item\nI1\nI3\n"}, "digest_mismatch", "items.csv"},
		{"not listed", map[string]string{"manifest.json": listed, "items.csv": items, "skus.csv": "item,node\n"}, "not_listed", "skus.csv"},
		{"outside the folder", map[string]string{"manifest.json": `{"files":[{"name":"../items.csv"}]}`, "items.csv": items}, "bad_manifest", "manifest.json"},
		{"broken manifest", map[string]string{"manifest.json": `{"files":`, "items.csv": items}, "bad_manifest", "manifest.json"},
		{"unknown table", map[string]string{mark: "", "item.csv": items}, "unknown_table", "item.csv"},
		{"missing column", map[string]string{mark: "", "nodes.csv": "node,kind\nS1,store\n"}, "missing_column", "nodes.csv"},
		{"double column", map[string]string{mark: "", "items.csv": "item,item\nI1,I1\n"}, "double_column", "items.csv"},
		{"no header", map[string]string{mark: "", "items.csv": ""}, "truncated", "items.csv"},
		{"no Parquet", map[string]string{mark: "", "items.parquet": "PAR1 not really PAR1"}, "truncated", "items.parquet"},
		{"cut gzip", map[string]string{mark: "", "items.csv.gz": "\x1f\x8b\x08"}, "truncated", "items.csv.gz"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Open(context.Background(), folderOf(t, tc.files), Options{})
			var r *inputs.Refusal
			if !errors.As(err, &r) || r.Kind != tc.kind || !strings.Contains(r.Where, tc.where) || r.Hint == "" {
				t.Errorf("got %v, want %s at %s", err, tc.kind, tc.where)
			}
		})
	}
	if _, err := Open(context.Background(), filepath.Join(t.TempDir(), "away"), Options{}); refusalKind(err) != "no_folder" {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestUnknownTableNamesTheNearest(t *testing.T) {
	t.Parallel()
	_, err := Open(context.Background(), folderOf(t, map[string]string{mark: "", "forecast.csv": "x"}), Options{})
	if err == nil || !strings.Contains(err.Error(), "did you mean forecasts?") {
		t.Error(err)
	}
}

func TestManifestIsTheCut(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{"items.csv": items})
	if err := WriteManifest(context.Background(), dir, "2026-11-21T02:00:00-06:00"); err != nil {
		t.Fatal(err)
	}
	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := f.AsOf(); !ok || inputs.FormatInt(&inputs.ColumnDef{Type: inputs.TypeInstant}, at) != "2026-11-21T08:00:00Z" {
		t.Errorf("as-of %d %v", at, ok)
	}
	files := f.Files()
	if len(files) != 1 || files[0].SHA256 != sum(items) || files[0].Bytes != int64(len(items)) || files[0].Table != "items" {
		t.Errorf("%+v", files)
	}
}

func TestUnknownColumnsAndUnusedTablesAreNamed(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		mark: "", "items.csv": "item,colour,successor,successor_from\nI1,red,I2,2026-12-01\n",
		"sales.jsonl": `{"item":"I1","node":"S1","day":"2026-11-20","units":4,"promo":{"a":[1,{"b":null}]}}`, "notes.txt": "hello",
	})
	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rep, err := f.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range rep.Notices {
		got = append(got, n.Kind+" "+filepath.Base(n.Where))
	}
	want := []string{
		"not_used_yet items.successor", "not_used_yet items.successor_from", "not_used_yet sales",
		"unknown_column items.csv: colour", "unknown_column sales.jsonl: promo", "unknown_file notes.txt",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Every prefix of a Parquet file and of a compressed CSV is refused or, where the rows are whole, the same.
func TestTruncatedFiles(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	b := inputs.NewBuilder("inventory")
	for i := range 300 {
		if err := b.Append(map[string]string{"item": "I" + itoa(i), "node": "S1", "on_hand": itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteParquet(&whole, b.Batch()); err != nil {
		t.Fatal(err)
	}
	dir := folderOf(t, map[string]string{mark: ""})
	name := filepath.Join(dir, "inventory.parquet")
	for n := 0; n < whole.Len(); n += 31 {
		if err := os.WriteFile(name, whole.Bytes()[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(context.Background(), dir, Options{}); refusalKind(err) != "truncated" {
			t.Fatalf("%d of %d bytes: %v", n, whole.Len(), err)
		}
	}
}

// A damaged Parquet file without a digest never crashes: it is refused, or its rows keep their contract.
func TestDamagedParquetNeverCrashes(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	b := inputs.NewBuilder("forecasts")
	for i := range 40 {
		row := map[string]string{"item": "I" + itoa(i), "node": "S1", "from": "2026-11-21", "daily": "1;2;3.5"}
		if err := b.Append(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteParquet(&whole, b.Batch()); err != nil {
		t.Fatal(err)
	}
	dir := folderOf(t, map[string]string{mark: ""})
	name := filepath.Join(dir, "forecasts.parquet")
	refused, tried := 0, 0
	for i := 0; i < whole.Len(); i += 13 {
		tried++
		data := bytes.Clone(whole.Bytes())
		data[i] ^= 1 << (i % 8)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(context.Background(), dir, Options{})
		if err == nil {
			_, err = readRows(f, "forecasts")
		}
		if err == nil {
			continue
		}
		if kind := refusalKind(err); strings.HasPrefix(kind, "not a refusal") {
			t.Fatalf("byte %d: %s", i, kind)
		}
		refused++
	}
	if refused < tried/2 {
		t.Errorf("%d of %d damaged files were refused", refused, tried)
	}
}

func TestCSVDialect(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		mark: "",
		"nodes.csv": "\xef\xbb\xbfnode,kind,zone,name,comment\r\nS1,store,UTC,\"a \"\"b\"\", c\",\"two\nlines, and \"\"more\"\"\"\r\n\r\n" +
			"S2,store,UTC,\"open,x\nS3,store,UTC,\"c\",\nS4,store,UTC,d,",
	})
	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{
		{"node": "S1", "kind": "store", "zone": "UTC", "name": `a "b", c`},
		{"node": "S3", "kind": "store", "zone": "UTC", "name": "c"},
		{"node": "S4", "kind": "store", "zone": "UTC", "name": "d"},
	}
	if d := cmp.Diff(want, rowsOf(t, f, "nodes")); d != "" {
		t.Error(d)
	}
	rep := f.Report().Tables[0]
	if rep.Counts.Quarantined != 1 || rep.Faults[0].Position != 2 || rep.Faults[0].Reason != inputs.BadRecord {
		t.Errorf("%+v", rep)
	}
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3<<20)
	deep := strings.Repeat("[", 100_000)
	dir := folderOf(t, map[string]string{
		mark: "", "items.csv": "item,name\nI1," + long + "\nI2,b\n",
		"skus.jsonl": `{"item":"I1","node":"S1","x":` + deep + "}\n{\"item\":\"" + long + "\"}\n" +
			`{"item":"I1","node":"S1","item":"I2"}` + "\n[1]\nnull\n" + `{"item":"I1","node":"S1","policy":{"a":1}}` + "\n" +
			`{"item":"I1","node":"S1","op":"delete"}` + "\n" + `{"item":"I1","node":"\u0053\u0031"}`,
	})
	f, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]map[string]string{{"item": "I2", "name": "b"}}, rowsOf(t, f, "items")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]map[string]string{{"item": "I1", "node": "S1"}}, rowsOf(t, f, "skus")); d != "" {
		t.Error(d)
	}
	var reasons []inputs.Reason
	for _, tr := range f.Report().Tables {
		for _, fault := range tr.Faults {
			reasons = append(reasons, fault.Reason)
		}
	}
	want := []inputs.Reason{
		inputs.TooLarge, // items
		inputs.BadRecord, inputs.TooLarge, inputs.BadRecord, inputs.BadRecord, inputs.BadRecord, inputs.BadRecord, inputs.BadOp,
	}
	if d := cmp.Diff(want, reasons); d != "" {
		t.Error(d)
	}
}
