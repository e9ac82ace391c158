package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/spf13/cobra"

	"echelon/planner"
	"echelon/publish/planfile"
)

// showFlags are the filters of `show`.
type showFlags struct {
	where
	dc, node, item, lane, kind string
	released                   bool
	top                        int
	by, format                 string
}

func (a *app) showCommand() *cobra.Command {
	var f showFlags
	cmd := &cobra.Command{
		Use: "show LAYER", Short: "A layer of a cycle as a table, filtered", Args: exactly(1),
		Long: "Shows the lines of a layer from the plan files of a cycle (default: the latest).\nLayers: " + strings.Join(shown(), ", ") + ".",
		Example: `  echelon show store-orders --dc D01 --node S001 --top 20 --by urgency
  echelon show exceptions --kind stock_out --format csv > stock-outs.csv
  echelon show vendor-orders --released --format json | jq .quantity`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.show(cmd.Context(), args[0], f) },
	}
	f.flags(cmd)
	fs := cmd.Flags()
	fs.StringVar(&f.dc, "dc", "", "only this DC's part of the plan")
	fs.StringVar(&f.node, "node", "", "only lines from, to or at this node")
	fs.StringVar(&f.item, "item", "", "only this item")
	fs.StringVar(&f.lane, "lane", "", "only this lane")
	fs.StringVar(&f.kind, "kind", "", "only this kind (of exception, of workload)")
	fs.BoolVar(&f.released, "released", false, "only lines to be ordered now")
	fs.IntVar(&f.top, "top", 0, "at most this many lines (default: 50 in a table, else all)")
	fs.StringVar(&f.by, "by", "", "order by this column: urgency and days ascending, quantities descending")
	fs.StringVar(&f.format, "format", "table", "table, csv, json or parquet")
	return cmd
}

// shown names the layers that have lines in plan files.
func shown() []string {
	var names []string
	for id := planner.LayerID(0); id < planner.NumLayers; id++ {
		if l := planner.LayerOf(id); len(l.Columns) > 0 {
			names = append(names, l.Name)
		}
	}
	return names
}

// show writes the lines of a layer that pass the filters.
func (a *app) show(ctx context.Context, layer string, f showFlags) error {
	i := slices.IndexFunc(layersByName(), func(l *planner.Layer) bool { return l.Name == layer && len(l.Columns) > 0 })
	if i < 0 {
		return usagef("no layer %q; layers: %s", layer, strings.Join(shown(), ", "))
	}
	id := planner.LayerID(i)
	if !slices.Contains([]string{"table", "csv", "json", parquetFormat}, f.format) {
		return usagef("--format %q: want table, csv, json or parquet", f.format)
	}
	if f.by != "" && !slices.ContainsFunc(planner.LayerOf(id).Columns, func(c planner.LayerColumn) bool { return c.Name == f.by }) {
		return usagef("--by %q: %s has no such column", f.by, layer)
	}
	dcs, err := f.plans(f.dc)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(a.out)
	s := &showing{flags: f, layer: id, out: out, top: f.top}
	if f.format == parquetFormat {
		s.parquet = newParquetLines(out, id)
	}
	if s.top == 0 && f.format == "table" {
		s.top = 50
	}
	for _, dc := range dcs {
		if err := s.dc(ctx, dc); err != nil {
			return err
		}
		if s.full() {
			break
		}
	}
	return errors.Join(s.end(a.err), out.Flush())
}

func layersByName() []*planner.Layer {
	all := make([]*planner.Layer, planner.NumLayers)
	for id := range all {
		all[id] = planner.LayerOf(planner.LayerID(id))
	}
	return all
}

// showing is one `show` under way. With --by the best lines are kept sorted; without, lines are written as
// they are read.
type showing struct {
	flags   showFlags
	layer   planner.LayerID
	out     io.Writer
	top     int // 0: all
	matched int
	written int
	kept    []keptLine
	head    []string
	parquet *parquetLines // --format parquet
}

const parquetFormat = "parquet"

// keptLine is a rendered line and what it is sorted by.
type keptLine struct {
	key  int64
	text string
	line []string
	json []byte
	row  parquet.Row
}

// full reports whether nothing more can be written.
func (s *showing) full() bool { return s.flags.by == "" && s.top > 0 && s.written >= s.top }

func (s *showing) dc(ctx context.Context, dc *planfile.DC) error {
	for b, err := range dc.Merged(ctx, s.layer) {
		if err != nil {
			return err
		}
		for row := range b.Rows {
			if !s.flags.match(b, row) {
				continue
			}
			s.matched++
			if err := s.take(dc.Manifest.DC, b, row); err != nil {
				return err
			}
			if s.full() {
				return nil
			}
		}
	}
	return nil
}

// match applies the filters to a row; a filter on a column that the layer lacks matches nothing.
func (f *showFlags) match(b *planfile.Batch, row int) bool {
	is := func(want string, columns ...string) bool {
		if want == "" {
			return true
		}
		for _, name := range columns {
			if c := b.Col(name); c != nil && !c.Null(row) && c.Str(row) == want {
				return true
			}
		}
		return false
	}
	if f.released {
		c := b.Col("release")
		if c == nil || c.Null(row) || c.Ints[row] == 0 {
			return false
		}
	}
	return is(f.item, "item") && is(f.lane, "lane") && is(f.kind, "kind") &&
		is(f.node, "node", "source", "destination", "other", "vendor")
}

// take writes a row, or keeps it when lines are sorted.
func (s *showing) take(dc string, b *planfile.Batch, row int) error {
	k := keptLine{}
	if s.parquet != nil {
		k.row = s.parquet.row(dc, b, row)
	} else if s.flags.format == "json" {
		k.json = append(append([]byte(`{"dc":"`+dc+`",`), b.AppendWhole(nil, row)[1:]...), '\n')
	} else {
		head, line := cells(dc, b, row, s.flags.format == "csv")
		s.head, k.line = head, line
	}
	if s.flags.by == "" {
		s.kept = append(s.kept, k)
		s.written++
		if s.flags.format == "json" {
			_, _ = s.out.Write(k.json) // a failed write shows at the flush
			s.kept = s.kept[:0]
		}
		if s.parquet != nil {
			s.kept = s.kept[:0]
			return s.parquet.write(k.row)
		}
		return nil
	}
	c := b.Col(s.flags.by)
	switch {
	case c.Null(row):
		k.key = 1<<63 - 1
	case len(c.Ints) > row && c.Def.Type == planner.ColInt && s.flags.by != "urgency" && s.flags.by != "days_of_supply" && s.flags.by != "line":
		k.key = -c.Ints[row]
	case len(c.Ints) > row:
		k.key = c.Ints[row]
	case len(c.Codes) > row:
		k.text = c.Str(row)
	}
	s.kept = append(s.kept, k)
	if s.top > 0 && len(s.kept) >= 2*s.top+1024 {
		s.sort()
	}
	return nil
}

func (s *showing) sort() {
	slices.SortStableFunc(s.kept, func(x, y keptLine) int {
		if x.key != y.key {
			if x.key < y.key {
				return -1
			}
			return 1
		}
		return strings.Compare(x.text, y.text)
	})
	if s.top > 0 && len(s.kept) > s.top {
		s.kept = s.kept[:s.top]
	}
}

// end writes what was kept, and says on stderr when lines were left out.
func (s *showing) end(notes io.Writer) error {
	if s.flags.by != "" {
		s.sort()
	}
	if s.parquet != nil {
		for _, k := range s.kept {
			if err := s.parquet.write(k.row); err != nil {
				return err
			}
		}
		return s.parquet.w.Close()
	}
	if s.flags.format == "json" {
		for _, k := range s.kept {
			if _, err := s.out.Write(k.json); err != nil {
				return err
			}
		}
		return nil
	}
	g := grid{head: s.head}
	for _, k := range s.kept {
		g.rows = append(g.rows, k.line)
	}
	if len(g.rows) == 0 {
		fmt.Fprintln(notes, "no line matches")
		return nil
	}
	if s.flags.format == "csv" {
		return g.csv(s.out)
	}
	for i := range g.head {
		g.right = append(g.right, number(g.rows, i))
	}
	if err := g.text(s.out); err != nil {
		return err
	}
	if s.full() || s.matched > len(g.rows) {
		fmt.Fprintf(notes, "the first %d lines; --top N shows more, --format csv all\n", len(g.rows))
	}
	return nil
}

// number reports whether a column holds only numbers and blanks.
func number(rows [][]string, i int) bool {
	for _, r := range rows {
		if strings.Trim(r[i], "-0123456789.") != "" || strings.Count(r[i], "-") > 1 {
			return false
		}
	}
	return true
}

// cells renders a row. A table leaves out columns that say little to people; CSV has them all.
func cells(dc string, b *planfile.Batch, row int, all bool) (head, line []string) {
	head, line = []string{"dc"}, []string{dc}
	for i := range b.Cols {
		c := &b.Cols[i]
		if !all && slices.Contains([]string{"line", "depart_day", "kind", "volume", "weight", "pack"}, c.Def.Name) && planfile.IsOrders(b.Layer) {
			continue
		}
		head = append(head, c.Def.Name)
		if c.Def.Type == planner.ColLedger {
			line = append(line, planner.LedgerText(b.Ledger(c, row)))
			continue
		}
		line = append(line, strings.Trim(string(c.AppendText(nil, row)), `"`))
	}
	if b.Release != nil && all {
		head, line = append(head, "release_id"), append(line, b.Release[row])
	}
	return head, line
}
