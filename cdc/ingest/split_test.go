package ingest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		body  string
		want  []string
		fault string
		large bool
	}{
		"array":           {body: ` [ {"a" : 1}, {"b":[1, 2]} ] `, want: []string{`{"a":1}`, `{"b":[1,2]}`}},
		"lines":           {body: "{\"a\": 1}\n{\"b\":2}\n", want: []string{`{"a":1}`, `{"b":2}`}},
		"one object":      {body: `{"a":1}`, want: []string{`{"a":1}`}},
		"empty":           {body: " ", fault: "no rows"},
		"empty array":     {body: "[]", fault: "no rows"},
		"array cut":       {body: `[{"a":1}`, fault: "no whole JSON array"},
		"after the array": {body: `[{"a":1}] {"b":2}`, fault: "follows"},
		"no object":       {body: `[{"a":1}, 3]`, fault: "row 2 is no JSON object"},
		"null":            {body: `null`, fault: "row 1 is no JSON object"},
		"broken":          {body: "{\"a\":1}\n{\"b\":", fault: "row 2"},
		"deep":            {body: `{"a":` + strings.Repeat("[", 100_000), fault: "row 1"},
		"not UTF-8":       {body: "{\"a\":\"\xff\"}", fault: "UTF-8"},
		"too many rows":   {body: strings.Repeat(`{"a":1}`, 4), fault: "over 3 rows", large: true},
		"row too large":   {body: `{"a":"` + strings.Repeat("x", 60) + `"}`, fault: "row 1 has", large: true},
		"body too large":  {body: strings.Repeat(" ", 300_000), fault: "a body over", large: true},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := Split(strings.NewReader(c.body), Limits{Bytes: 200_000, Rows: 3, RowBytes: 50})
			if c.fault != "" {
				if err == nil || !strings.Contains(err.Error(), c.fault) || errors.Is(err, ErrTooLarge) != c.large {
					t.Fatalf("want %q, got %v", c.fault, err)
				}
				return
			}
			var got []string
			for _, r := range rows {
				got = append(got, string(r))
			}
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Fatalf("%v %s", err, diff)
			}
		})
	}
}

// FuzzSplit: whatever comes, rows are compact objects that split into themselves.
func FuzzSplit(f *testing.F) {
	f.Add(`[{"a":1},{"b":[1,2]}]`)
	f.Add("{\"a\":1}\n{\"b\":{}}")
	f.Add(`{"a":"ሴ"}]`)
	f.Fuzz(func(t *testing.T, body string) {
		rows, err := Split(strings.NewReader(body), Limits{Bytes: 4096})
		if err != nil {
			return
		}
		var lines []string
		for _, r := range rows {
			lines = append(lines, string(r))
		}
		again, err := Split(strings.NewReader(strings.Join(lines, "\n")), Limits{})
		if err != nil || len(again) != len(rows) {
			t.Fatalf("%q: %v", lines, err)
		}
		for i := range rows {
			if string(again[i]) != lines[i] {
				t.Fatalf("%q became %q", lines[i], again[i])
			}
		}
	})
}

// FuzzFrame: no bytes panic, and what parses writes itself back.
func FuzzFrame(f *testing.F) {
	fr := frame{First: 3, Time: 5, Table: "inventory", Key: "k", Rows: [][]byte{[]byte(`{}`)}}
	f.Add(fr.append(nil))
	f.Add(fr.append(nil)[:20])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if fr, n, err := parseFrame(raw); err == nil {
			if diff := cmp.Diff(raw[:n], fr.append(nil)); diff != "" {
				again, _, err := parseFrame(fr.append(nil)) // a longer form of the same numbers
				if err != nil || cmp.Diff(fr, again) != "" {
					t.Fatal(diff)
				}
			}
		}
	})
}
