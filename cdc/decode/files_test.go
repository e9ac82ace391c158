package decode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/feed"
)

// anyValue draws what a source may write in a column, right or wrong.
func anyValue(rt *rapid.T, def *inputs.ColumnDef, row int) any {
	odd := rapid.IntRange(0, 12).Draw(rt, "odd")
	switch {
	case odd == 0 && def.Nullable:
		return nil
	case odd == 1:
		return rapid.SampledFrom([]any{"", " x", "-1", 1.5, 0.0001, true, "2026-02-30", 1e12, "é", "a\u202eb", 7}).Draw(rt, "wrong")
	}
	n := rapid.IntRange(0, 5).Draw(rt, "n")
	switch def.Type {
	case inputs.TypeID:
		return fmt.Sprintf("I%d-%d", row, n)
	case inputs.TypeText:
		return rapid.SampledFrom([]string{"Ä b", "\"quoted\"", "x", "\U0001F600"}).Draw(rt, "text")
	case inputs.TypeZone:
		return rapid.SampledFrom([]string{"UTC", "America/Chicago", "Mars/Base"}).Draw(rt, "zone")
	case inputs.TypeCurrency:
		return "USD"
	case inputs.TypeEnum:
		return def.Enum[n%len(def.Enum)]
	case inputs.TypeBool:
		return n%2 == 0
	case inputs.TypeMilli:
		return float64(n) / 8
	case inputs.TypeDate:
		return fmt.Sprintf("2026-11-%02d", 10+n)
	case inputs.TypeInstant:
		return fmt.Sprintf("2026-11-21T0%d:00:00.5-06:00", n)
	case inputs.TypeTimeOfDay:
		return fmt.Sprintf("1%d:30", n)
	case inputs.TypeWeekdays:
		return []any{1, n + 2}
	case inputs.TypeMilliList, inputs.TypeUnitsList:
		return []any{n, "2", 0.5}
	default:
		return rapid.SampledFrom([]any{n, fmt.Sprint(n), float64(n)}).Draw(rt, "number")
	}
}

// TestLikeFiles: the same rows by a change topic and by a file have the same values and the same faults.
func TestLikeFiles(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Tenant: "acme"})
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(inputs.Contracts()).Draw(rt, "table")
		var rows []string
		for r := range rapid.IntRange(1, 8).Draw(rt, "rows") {
			row := map[string]any{}
			for i := range c.Columns {
				if rapid.IntRange(0, 9).Draw(rt, "absent") > 0 {
					row[c.Columns[i].Name] = anyValue(rt, &c.Columns[i], r)
				}
			}
			rows = append(rows, mustJSON(row))
		}
		byFile := fromFile(rt, c, rows)
		d := f.Decoder()
		for r, text := range rows {
			rec := record(CanonicalTopic("acme", c.Table), "k", text)
			var got string
			err := d.Decode(rec, func(ch *cdc.Change) error {
				got = strings.SplitN(line(f, ch), " ", 4)[3]
				return nil
			})
			var fault *inputs.Fault
			if errors.As(err, &fault) {
				got = faultWords(fault)
			} else if err != nil {
				rt.Fatal(err)
			}
			if want := byFile[r]; want != "" && want != got {
				rt.Fatalf("%s %s (-file +topic):\n%s", c.Table, text, cmp.Diff(want, got))
			}
		}
	})
}

// faultWords is what of a fault must be the same.
func faultWords(f *inputs.Fault) string {
	if f.Reason == inputs.BadRecord || strings.Contains(f.Hint, "list") || f.Reason == inputs.WrongType && f.Value == "" {
		return "fault " + f.Column // where JSON itself is odd, the words differ
	}
	return fmt.Sprintf("fault %s %s %s", f.Column, f.Reason, f.Value)
}

// fromFile gives each row of a file as its cells or its fault; "" where a rule across rows or columns spoke.
func fromFile(rt *rapid.T, c *inputs.Contract, rows []string) []string {
	dir, err := os.MkdirTemp("", "likefiles")
	if err != nil {
		rt.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{c.Table + ".jsonl": strings.Join(rows, "\n") + "\n", "_SUCCESS": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			rt.Fatal(err)
		}
	}
	out := make([]string, len(rows))
	folder, err := feed.Open(context.Background(), dir, feed.Options{Quarantine: func(f inputs.Fault) {
		if f.Reason != inputs.ColumnsDisagree && f.Reason != inputs.DuplicateKey {
			out[f.Position-1] = faultWords(&f)
		}
	}})
	if err != nil {
		rt.Fatal(err)
	}
	reader, err := folder.Open(context.Background(), c.Table)
	if err != nil {
		rt.Fatal(err)
	}
	for {
		b, err := reader.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			rt.Fatal(err)
		}
		for r := range b.Rows {
			var cells []string
			for i := range c.Columns {
				text := "null"
				switch v := &b.Columns[i]; {
				case v.IsNull(r):
				case c.Columns[i].Type.Lists():
					text = fmt.Sprint(v.Ints64(r))
				default:
					text = inputs.FormatCell(&c.Columns[i], v, r)
				}
				cells = append(cells, c.Columns[i].Name+"="+text)
			}
			out[b.Position(r)-1] = strings.Join(cells, " ")
		}
	}
}
