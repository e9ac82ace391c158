package feed

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

func TestMapping(t *testing.T) {
	t.Parallel()
	dir := folderOf(t, map[string]string{
		mark: "", "mapping.yaml": `
version: 1
tables:
  forecasts:
    files: ["fc_*.csv", late.jsonl]
    delimiter: ";"
    ignore: [comment]
    columns:
      item: SKU_NO
      node: {from: STORE, prefix: S}
      day: {from: DATE, layout: DD.MM.YYYY}
      demand: {from: OUNCES, factor: 1/64, decimal: comma}
  nodes:
    columns:
      kind: {from: type, values: {W: dc, F: store}, trim: true}
      zone: {constant: America/Chicago}
      rank: {values: {"-": ""}}
  inventory:
    columns:
      on_hand: {from: cases, factor: 12}
      counted_at: {from: at, layout: "YYYY-MM-DD hh:mm:ss", zone: America/Chicago}
  safety_stocks:
    columns:
      units: {factor: 1/64, round: up}
`,
		"fc_1.csv":          "SKU_NO;STORE;DATE;OUNCES;comment\nA;1;21.11.2026;160;x\nA;2;31.11.2026;64;\nA;3;21.11.2026;1,5;\nA;4;21.11.2026;1.5;\n",
		"late.jsonl":        `{"SKU_NO":"A","STORE":5,"DATE":"22.11.2026","OUNCES":"0,64"}`,
		"nodes.csv":         "node,type,rank\nD1, W ,-\nS1,F,2\n",
		"inventory.csv":     "item,node,cases,at\nA,S1,3,2026-11-20 22:15:00\n",
		"safety_stocks.csv": "item,node,from,units\nA,S1,2026-11-21,65\n",
	})
	var faults []string
	f, err := Open(context.Background(), dir, Options{Quarantine: func(fault inputs.Fault) { faults = append(faults, fault.Error()) }})
	if err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string][]map[string]string{
		"forecasts": {
			{"item": "A", "node": "S1", "day": "2026-11-21", "demand": "2.5"},
			{"item": "A", "node": "S5", "day": "2026-11-22", "demand": "0.01"},
		},
		"nodes": {
			{"node": "D1", "kind": "dc", "zone": "America/Chicago"},
			{"node": "S1", "kind": "store", "zone": "America/Chicago", "rank": "2"},
		},
		"inventory":     {{"item": "A", "node": "S1", "on_hand": "36", "counted_at": "2026-11-21T04:15:00Z"}},
		"safety_stocks": {{"item": "A", "node": "S1", "from": "2026-11-21", "units": "2"}},
	} {
		if d := cmp.Diff(want, rowsOf(t, f, table)); d != "" {
			t.Errorf("%s: %s", table, d)
		}
	}
	want := []string{
		`fc_1.csv row 2: column day: "31.11.2026": bad_date: the mapping says layout DD.MM.YYYY`,
		`fc_1.csv row 3: column demand: "1,5": too_many_places: must have at most three decimal places in this unit; a mapping file can round it`,
		`fc_1.csv row 4: column demand: "1.5": wrong_type: the mapping says decimal: comma: no points, one comma`,
	}
	if d := cmp.Diff(want, faults); d != "" {
		t.Error(d)
	}
	if n := f.Report().Notices; len(n) != 0 {
		t.Errorf("%+v", n)
	}
}

func TestMappingsThatAreRefused(t *testing.T) {
	t.Parallel()
	for text, hint := range map[string]string{
		"version: 2":                    "version must be 1",
		"version: 1\ntables: {sku: {}}": "no table sku",
		"version: 1\ntables: {skus: {columns: {colour: x}}}":                                "no column colour",
		"version: 1\ntables: {skus: {columns: {pack: {from: x, factor: 0.5}}}}":             "factor",
		"version: 1\ntables: {skus: {columns: {policy: {from: x, factor: 2}}}}":             "factor is for numbers",
		"version: 1\ntables: {skus: {columns: {pack: {from: x, scales: 2}}}}":               "unknown key",
		"version: 1\ntables: {skus: {columns: {pack: {constant: \"0\"}}}}":                  "out_of_range",
		"version: 1\ntables: {skus: {columns: {pack: {from: x, constant: \"1\"}}}}":         "exclude each other",
		"version: 1\ntables: {skus: {columns: {active_from: {layout: DD, zone: Nowhere}}}}": "zone",
		"version: 1\nmore: 2": "more",
	} {
		name := filepath.Join(t.TempDir(), "m.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadMapping(name)
		if refusalKind(err) != "bad_mapping" || !strings.Contains(err.Error(), hint) {
			t.Errorf("%s: %v, want %s", text, err, hint)
		}
	}
}
