package inputs

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawRows makes stock rows with few keys, so that keys repeat.
func drawRows(t *rapid.T) []map[string]string {
	n := rapid.IntRange(0, 60).Draw(t, "rows")
	rows := make([]map[string]string, n)
	for i := range rows {
		rows[i] = map[string]string{
			"item":     fmt.Sprintf("I%d", rapid.IntRange(1, 4).Draw(t, "item")),
			"node":     fmt.Sprintf("S%d", rapid.IntRange(1, 3).Draw(t, "node")),
			"expires":  fmt.Sprintf("2026-12-0%d", rapid.IntRange(1, 2).Draw(t, "day")),
			"quantity": fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "quantity")),
		}
	}
	return rows
}

func keyOf(row map[string]string) string {
	return row["item"] + "/" + row["node"] + "/" + row["expires"]
}

// F2 and the rule of doubled keys, against a plain reading with a map.
func TestSieveAgainstMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		size := rapid.IntRange(1, 20).Draw(t, "batch")
		b, s := NewBuilder("lots"), NewSieve(ContractOf("lots"))
		var want Counts
		first := map[string]string{}
		var kept, got []string
		for i, row := range rows {
			if err := b.Append(row); err != nil {
				t.Fatal(err)
			}
			want.Read++
			q, there := first[keyOf(row)]
			switch {
			case !there:
				first[keyOf(row)] = row["quantity"]
				want.Applied++
				kept = append(kept, fmt.Sprint(i+1, " ", keyOf(row), " ", row["quantity"]))
			case q == row["quantity"]:
				want.Superseded++
			default:
				want.Quarantined++
			}
			if b.Rows() == size || i == len(rows)-1 {
				out := s.Pass(b.Batch(), nil, false)
				for r := range out.Rows {
					got = append(got, fmt.Sprint(out.Position(r), " ", out.Text(r, "item")+"/"+out.Text(r, "node")+"/"+out.Text(r, "expires"), " ", out.Text(r, "quantity")))
				}
			}
		}
		if s.Counts != want || !s.Counts.Balanced() {
			t.Fatalf("%+v, want %+v", s.Counts, want)
		}
		if d := cmp.Diff(kept, got); d != "" {
			t.Fatal(d)
		}
	})
}

// Increments: what is left is what a map holds after all upserts and deletes.
func TestSieveIncrementsAgainstMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, inc := drawRows(t), drawRows(t)
		state := map[string]string{}
		for _, row := range base {
			if _, there := state[keyOf(row)]; !there {
				state[keyOf(row)] = row["quantity"]
			}
		}
		b := NewBuilder("lots")
		for _, row := range base {
			if err := b.Append(row); err != nil {
				t.Fatal(err)
			}
		}
		whole := b.Batch()
		ops := make([]Op, len(inc))
		for i, row := range inc {
			if err := b.Append(row); err != nil {
				t.Fatal(err)
			}
			state[keyOf(row)] = row["quantity"]
			if rapid.Bool().Draw(t, "delete") {
				ops[i] = Delete
				delete(state, keyOf(row))
			}
		}
		change := b.Batch()
		change.Ops = ops
		s := NewSieve(ContractOf("lots"))
		s.Learn(change, nil)
		s.Learnt()
		var got, want []string
		for _, out := range []*Batch{s.Pass(whole, nil, false), s.Pass(change, nil, true)} {
			for r := range out.Rows {
				got = append(got, out.Text(r, "item")+"/"+out.Text(r, "node")+"/"+out.Text(r, "expires")+" "+out.Text(r, "quantity"))
			}
		}
		for k, q := range state {
			want = append(want, k+" "+q)
		}
		sort.Strings(got)
		sort.Strings(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
		if !s.Counts.Balanced() || s.Counts.Read != int64(len(base)+len(inc)) {
			t.Fatalf("%+v", s.Counts)
		}
	})
}

// The contracts themselves: what readers of them rely on.
func TestContractsAreSound(t *testing.T) {
	t.Parallel()
	required := "nodes items lanes skus inventory forecasts"
	var got []string
	for _, c := range Contracts() {
		if ContractOf(c.Table) != c || c.Doc == "" || len(c.Keys()) == 0 {
			t.Errorf("%s", c.Table)
		}
		if c.Required {
			got = append(got, c.Table)
		}
		for i := range c.Columns {
			def := &c.Columns[i]
			if c.Index(def.Name) != i || def.Doc == "" || def.Nullable != (def.Null != "") {
				t.Errorf("%s.%s", c.Table, def.Name)
			}
			if def.Ref != "" && (ContractOf(def.Ref) == nil || def.Type != TypeID) {
				t.Errorf("%s.%s names %s", c.Table, def.Name, def.Ref)
			}
			if !def.Type.Texts() && def.Min > def.Max {
				t.Errorf("%s.%s has no range", c.Table, def.Name)
			}
		}
		for i := range c.Rules {
			for _, name := range c.Rules[i].Columns {
				if c.Index(name) < 0 {
					t.Errorf("%s: rule %q names %s", c.Table, c.Rules[i].Words, name)
				}
			}
		}
	}
	if strings.Join(got, " ") != required {
		t.Errorf("required: %v", got)
	}
	for _, name := range ParameterNames() {
		if ParameterDef(name) == nil {
			t.Errorf("parameter %s is no column of skus", name)
		}
	}
	if n := len(ContractOf("skus").Columns) - 2; len(ParameterNames()) != n {
		t.Errorf("%d parameters of %d columns", len(ParameterNames()), n)
	}
}
