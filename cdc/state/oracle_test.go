package state

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"echelon/cdc"
	"echelon/inputs"
)

// oracle is plain SQL: a table per origin, in which each change is carried out once, in the order of positions.
type oracle struct {
	t       *testing.T
	db      *sql.DB
	origins []cdc.Origin
}

func newOracle(t *testing.T, origins []cdc.Origin) *oracle {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	q := &oracle{t: t, db: db, origins: origins}
	for n := range origins {
		var cols []string
		for _, i := range origins[n].Columns {
			cols = append(cols, `"`+origins[n].Contract.Columns[i].Name+`"`)
		}
		q.run(fmt.Sprintf("CREATE TABLE o%d (%s)", n, strings.Join(cols, ",")))
	}
	q.run("CREATE TABLE days (item, node, day, value, kind, start, issued, PRIMARY KEY (item, node, day))")
	return q
}

func (q *oracle) run(text string, args ...any) {
	q.t.Helper()
	if _, err := q.db.Exec(text, args...); err != nil {
		q.t.Fatalf("%s: %v", text, err)
	}
}

func value(c cdc.Cell) any {
	switch c.Kind {
	case cdc.Int:
		return c.Int
	case cdc.Text:
		return string(c.Text)
	case cdc.List:
		return fmt.Sprint(c.List)
	}
	return nil
}

// apply carries a change out.
func (q *oracle) apply(ch *cdc.Change) {
	o := &q.origins[ch.Origin]
	if o.Contract.Table == "forecasts" {
		q.forecast(o, ch)
		return
	}
	if ch.Op == cdc.Truncate {
		q.run(fmt.Sprintf("DELETE FROM o%d", ch.Origin))
		return
	}
	var where, marks []string
	var key, all []any
	for at, i := range o.Columns {
		def := &o.Contract.Columns[i]
		marks, all = append(marks, "?"), append(all, value(ch.Cells[at]))
		if def.Key {
			where, key = append(where, `"`+def.Name+`" IS ?`), append(key, value(ch.Cells[at]))
		}
	}
	q.run(fmt.Sprintf("DELETE FROM o%d WHERE %s", ch.Origin, strings.Join(where, " AND ")), key...)
	if ch.Op == cdc.Upsert {
		q.run(fmt.Sprintf("INSERT INTO o%d VALUES (%s)", ch.Origin, strings.Join(marks, ",")), all...)
	}
}

func (q *oracle) forecast(o *cdc.Origin, ch *cdc.Change) {
	if ch.Op == cdc.Truncate {
		q.run("DELETE FROM days")
		return
	}
	cell := map[string]cdc.Cell{}
	for at, i := range o.Columns {
		cell[o.Contract.Columns[i].Name] = ch.Cells[at]
	}
	if cell["quantile"].Kind != cdc.Null {
		return
	}
	kind, start := "day", cell["day"]
	days := []int64{cell["demand"].Int}
	if cell["from"].Kind != cdc.Null {
		kind, start, days = "list", cell["from"], cell["daily"].List
	}
	item, node, issued := value(cell["item"]), value(cell["node"]), value(cell["issued_at"])
	q.run("DELETE FROM days WHERE item = ? AND node = ? AND kind = ? AND start = ? AND issued IS ?", item, node, kind, start.Int, issued)
	if ch.Op == cdc.Delete {
		return
	}
	for i, v := range days {
		q.run("INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?)", item, node, start.Int+int64(i), v, kind, start.Int, issued)
	}
}

// rows gives a table as lines: the rows of the origin that owns them, with the columns of the others beside them.
func (q *oracle) rows(c *inputs.Contract) []string {
	var text string
	defs := c.Columns
	if c.Table == "forecasts" {
		text = "SELECT item, node, day, value, kind, issued FROM days"
		issued := c.Columns[c.Index("issued_at")]
		day := inputs.ColumnDef{Type: inputs.TypeUnits}
		defs = []inputs.ColumnDef{{Type: inputs.TypeID}, {Type: inputs.TypeID}, day, day, {Type: inputs.TypeID}, issued}
	} else {
		cols, from := make([]string, len(c.Columns)), ""
		for n := range q.origins {
			o := &q.origins[n]
			if o.Contract != c {
				continue
			}
			name := fmt.Sprintf("o%d", n)
			if o.Rows {
				from = name + from
			} else {
				on := ""
				for _, i := range c.Keys() {
					on += fmt.Sprintf(" AND %s.\"%s\" IS @rows.\"%s\"", name, c.Columns[i].Name, c.Columns[i].Name)
				}
				from += " LEFT JOIN " + name + " ON 1" + on
			}
			for _, i := range o.Columns {
				if o.Rows || !c.Columns[i].Key {
					cols[i] = name + `."` + c.Columns[i].Name + `"`
				}
			}
			if o.Rows {
				from = strings.ReplaceAll(from, "@rows", name)
			}
		}
		text = "SELECT " + strings.Join(cols, ",") + " FROM " + from
	}
	found, err := q.db.Query(text)
	if err != nil {
		q.t.Fatalf("%s: %v", text, err)
	}
	defer func() { _ = found.Close() }()
	var out []string
	for found.Next() {
		cells, refs := make([]any, len(defs)), make([]any, len(defs))
		for i := range cells {
			refs[i] = &cells[i]
		}
		if err := found.Scan(refs...); err != nil {
			q.t.Fatal(err)
		}
		line := ""
		for i, v := range cells {
			switch x := v.(type) {
			case int64:
				line += inputs.FormatInt(&defs[i], x)
			case string:
				line += x
			}
			line += "|"
		}
		if c.Table == "forecasts" {
			line = strings.TrimSuffix(line, "|")
		}
		out = append(out, line)
	}
	if err := found.Err(); err != nil {
		q.t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// compare holds every row and every column of a cut against the oracle.
func (q *oracle) compare(c *Cut) {
	q.t.Helper()
	for _, k := range inputs.Contracts() {
		got := whole(c, k.Table)
		if n := int64(len(got)); k.Table != "forecasts" && n != c.Rows(k.Table) {
			q.t.Errorf("table %s: %d rows, counted %d", k.Table, n, c.Rows(k.Table))
		}
		slices.Sort(got)
		if diff := cmp.Diff(q.rows(k), got); diff != "" {
			q.t.Fatalf("table %s: %s", k.Table, diff)
		}
	}
}

// TestStateEqualsSQL delivers generated days with repeats, shuffled over partitions, and compares with SQL that
// carries each change out once and in order (S1, S2).
func TestStateEqualsSQL(t *testing.T) {
	var ops [3]int // changes sent more than 50 times, by operation
	for seed := range uint64(50) {
		origins := testOrigins()
		g := newScript(seed, origins)
		s := open(t, Config{Origins: origins, Window: 1 << 16, Scattered: seed%2 == 0, Quarantine: func(f inputs.Fault) {
			t.Errorf("seed %d: %v", seed, f.Error())
		}})
		q := newOracle(t, origins)
		for range 2 {
			changes := g.day(300)
			list := g.deliver(changes, 1<<20)
			times := map[*cdc.Change]int{}
			for i := range list {
				if times[list[i].ch]++; times[list[i].ch] == 51 {
					ops[list[i].ch.Op]++
				}
			}
			base := s.Offsets()
			for i := range list {
				list[i].offset += base[list[i].part]
			}
			feed(t, s, list)
			for _, ch := range changes {
				q.apply(ch)
			}
			q.compare(s.Cut())
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
		for part, n := range s.Counts() {
			if !n.Balanced() {
				t.Errorf("seed %d: %v: %+v", seed, part, n)
			}
		}
	}
	if t.Logf("sent more than 50 times: %d rows, %d deletes, %d truncates", ops[cdc.Upsert], ops[cdc.Delete], ops[cdc.Truncate]); min(ops[0], ops[1], ops[2]) < 20 {
		t.Errorf("changes sent more than 50 times, by operation: %v", ops)
	}
}

// TestCutIsSortedAndSound holds that readers see the rows that keep the contract, sorted by key, and that Check
// names all the others (S3).
func TestCutIsSortedAndSound(t *testing.T) {
	origins := testOrigins()
	g := newScript(99, origins)
	s := open(t, Config{Origins: origins})
	for _, x := range g.deliver(g.day(4000), 1<<20) {
		if err := s.Apply(x.part, x.offset, x.ch); err != nil {
			t.Fatal(err)
		}
	}
	c := s.Cut()
	broken, err := c.Check(context.Background(), func(f inputs.Fault) {
		if f.Source == "" || f.Reason == "" {
			t.Errorf("fault without origin or reason: %+v", f)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	some := false
	for _, k := range inputs.Contracts() {
		rows, last := int64(0), ""
		for _, b := range read(t, c, k.Table) {
			inputs.CheckRows(b, nil, func(r int, f inputs.Fault) { t.Errorf("row %d: %v", r, f.Error()) })
			for r := range b.Rows {
				key := ""
				for _, i := range k.Keys() {
					if b.Columns[i].IsNull(r) {
						key += "\x00"
					} else if k.Columns[i].Type.Texts() {
						key += "\x01" + b.Columns[i].Str(r) + "\x00"
					} else {
						key += fmt.Sprintf("\x01%020d", b.Columns[i].Ints[r]+1<<40)
					}
				}
				if rows++; key <= last {
					t.Errorf("table %s: %q after %q", k.Table, key, last)
				}
				last = key
			}
		}
		if rows+broken[k.Table] != c.Rows(k.Table) {
			t.Errorf("table %s: %d rows and %d broken of %d", k.Table, rows, broken[k.Table], c.Rows(k.Table))
		}
		some = some || broken[k.Table] > 0
	}
	if !some {
		t.Error("no row broke its contract: the test shows nothing")
	}
}
