package schema

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"

	"echelon/inputs"
)

var update = flag.Bool("update", false, "rewrite the goldens and docs/inputs.md")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs (go test ./inputs/schema -update rewrites it): %s", name, d)
	}
}

func TestPageEqualsTheContracts(t *testing.T) {
	t.Parallel()
	golden(t, "../../docs/inputs.md", []byte(Page()))
}

// One table with most types in every format, and every table in the formats that other programs read: a change
// of a contract shows here.
func TestGoldens(t *testing.T) {
	t.Parallel()
	for _, c := range inputs.Contracts() {
		for _, format := range Formats() {
			if (format == "text" || format == "markdown") && c.Table != "forecasts" {
				continue
			}
			got, err := Render(c, format)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", c.Table+"."+format), got)
		}
	}
	if _, err := Render(inputs.ContractOf("nodes"), "xml"); err == nil {
		t.Error("an unknown format is refused")
	}
}

// An Avro library takes every schema.
func TestAvroSchemasParse(t *testing.T) {
	t.Parallel()
	for _, c := range inputs.Contracts() {
		text, err := Avro(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := avro.Parse(string(text)); err != nil {
			t.Fatalf("%s: %v", c.Table, err)
		}
	}
}

func TestJSONSchemasAreJSON(t *testing.T) {
	t.Parallel()
	for _, c := range inputs.Contracts() {
		text, err := JSONSchema(c)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Properties map[string]map[string]any `json:"properties"`
			Required   []string                  `json:"required"`
		}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Properties) != len(c.Columns) {
			t.Errorf("%s: %d properties of %d columns", c.Table, len(got.Properties), len(c.Columns))
		}
		required := 0
		for i := range c.Columns {
			if !c.Columns[i].Nullable {
				required++
			}
		}
		if len(got.Required) != required {
			t.Errorf("%s: required %v", c.Table, got.Required)
		}
	}
}
