package audit

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/planfile"
)

// Kinds of differences of a line.
const (
	Added   = "added"
	Gone    = "gone"
	Changed = "changed"
)

// Line is one line that two plans do not share.
type Line struct {
	Kind  string            `json:"kind"` // added, gone, changed
	DC    string            `json:"dc"`
	Layer string            `json:"layer"`
	Key   map[string]string `json:"key"`
	Was   map[string]string `json:"was,omitempty"` // columns that differ; of a line that is gone, all
	Now   map[string]string `json:"now,omitempty"`
	Units int64             `json:"units"` // of orders, workload, carry: now less before
	Moved string            `json:"moved,omitempty"`
}

// LayerDiff counts a layer's differences.
type LayerDiff struct {
	Added   int64 `json:"added"`
	Gone    int64 `json:"gone"`
	Changed int64 `json:"changed"`
	Same    int64 `json:"same"`
	Units   int64 `json:"units"` // now less before
}

// Report is what two cycles differ in.
type Report struct {
	From   string                `json:"from"`
	To     string                `json:"to"`
	Inputs []string              `json:"inputs"` // that are not the same, by name
	Layers map[string]*LayerDiff `json:"layers"`
	Moved  map[string]int64      `json:"moved"` // cause → (DC, item) groups whose facts differ by it
}

// Diff compares the plans of two cycles, DCs ascending on both sides; on is called for every line that differs.
func Diff(ctx context.Context, from, to []*planfile.DC, on func(*Line)) (*Report, error) {
	r := &Report{Layers: map[string]*LayerDiff{}, Moved: map[string]int64{}, Inputs: []string{}}
	one, two := byDC(from), byDC(to)
	names := slices.Sorted(maps.Keys(one))
	for name := range two {
		if one[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		moved, err := movedIn(ctx, one[name], two[name])
		if err != nil {
			return nil, err
		}
		for _, cause := range moved {
			r.Moved[cause]++
		}
		for id := range planner.NumLayers {
			if err := r.layer(ctx, name, id, one[name], two[name], moved, on); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

func byDC(list []*planfile.DC) map[string]*planfile.DC {
	m := map[string]*planfile.DC{}
	for _, d := range list {
		m[d.Manifest.DC] = d
	}
	return m
}

// movedIn says per item what of its facts differs between the two plans of a DC.
func movedIn(ctx context.Context, a, b *planfile.DC) (map[string]string, error) {
	if a == nil || b == nil {
		return nil, nil
	}
	was, err := a.Kept(ctx)
	if err != nil || was == nil {
		return nil, err
	}
	now, err := b.Kept(ctx)
	if err != nil || now == nil {
		return nil, err
	}
	out := map[string]string{}
	for item, cause := range planner.Moved(was, now) {
		out[item] = cause.String()
	}
	return out, nil
}

// layer compares one layer of a DC.
func (r *Report) layer(ctx context.Context, dc string, id planner.LayerID, a, b *planfile.DC, moved map[string]string, on func(*Line)) error {
	was, err := rowsOf(ctx, a, id)
	if err != nil {
		return err
	}
	now, err := rowsOf(ctx, b, id)
	if err != nil {
		return err
	}
	if len(was)+len(now) == 0 {
		return nil
	}
	name := planner.LayerOf(id).Name
	sum := r.Layers[name]
	if sum == nil {
		sum = &LayerDiff{}
		r.Layers[name] = sum
	}
	keys := slices.Collect(maps.Keys(was))
	for k := range now {
		if was[k] == nil {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		l := &Line{DC: dc, Layer: name, Key: map[string]string{}, Was: map[string]string{}, Now: map[string]string{}}
		old, cur := was[k], now[k]
		for i, c := range planner.LayerOf(id).Columns {
			if c.Name == "line" {
				continue // numbers follow from the other lines
			}
			var x, y string
			if old != nil {
				x = old[i]
			}
			if cur != nil {
				y = cur[i]
			}
			switch {
			case isKey(id, &c):
				l.Key[c.Name] = x + y
				if x != "" {
					l.Key[c.Name] = x
				}
			case x != y || old == nil || cur == nil:
				if x != "" {
					l.Was[c.Name] = x
				}
				if y != "" {
					l.Now[c.Name] = y
				}
			}
			if c.Name == "quantity" || c.Name == "units" && id != planner.Exceptions {
				l.Units = whole(y) - whole(x)
			}
		}
		switch {
		case old == nil:
			l.Kind = Added
			sum.Added++
		case cur == nil:
			l.Kind = Gone
			sum.Gone++
		case len(l.Was)+len(l.Now) > 0:
			l.Kind = Changed
			sum.Changed++
		default:
			sum.Same++
			continue
		}
		sum.Units += l.Units
		l.Moved = moved[l.Key["item"]]
		on(l)
	}
	return nil
}

func whole(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// isKey reports whether a column says which line is meant: its ids and, of orders, their day.
func isKey(id planner.LayerID, c *planner.LayerColumn) bool {
	switch c.Name {
	case "item", "node", "source", "destination", "lane", "kind", "other", "vendor":
		return true
	case "order_day":
		return planfile.IsOrders(id)
	case "day":
		return id == planner.Workload || id == planner.Exceptions
	case "order":
		return id == planner.Exceptions
	}
	return false
}

// rowsOf gives the lines of a layer as text by key; lines with one key (nothing forbids them) are numbered.
func rowsOf(ctx context.Context, d *planfile.DC, id planner.LayerID) (map[string][]string, error) {
	rows := map[string][]string{}
	if d == nil {
		return rows, nil
	}
	cols := planner.LayerOf(id).Columns
	for b, err := range d.Merged(ctx, id) {
		if err != nil {
			return nil, err
		}
		for r := range b.Rows {
			cells := make([]string, len(cols))
			var key strings.Builder
			for i := range cols {
				cells[i] = cell(&b.Cols[i], r)
				if isKey(id, &cols[i]) {
					key.WriteString(cells[i] + "\x00")
				}
			}
			k := key.String()
			for n := 2; rows[k] != nil; n++ {
				k = key.String() + strconv.Itoa(n)
			}
			rows[k] = cells
		}
	}
	return rows, nil
}

// cell writes a value as text, "" for null.
func cell(c *planfile.Column, r int) string {
	if c.Null(r) {
		return ""
	}
	switch c.Def.Type {
	case planner.ColDay:
		return planner.DayText(int32(c.Ints[r]))
	case planner.ColInt:
		return strconv.FormatInt(c.Ints[r], 10)
	case planner.ColMilli:
		return inputs.FormatMilli(c.Ints[r])
	case planner.ColBool:
		return strconv.FormatBool(c.Ints[r] != 0)
	case planner.ColMilliList:
		var out []string
		for _, v := range c.List[c.Off[r]:c.Off[r+1]] {
			out = append(out, inputs.FormatMilli(v))
		}
		return strings.Join(out, ";")
	case planner.ColLedger:
		var out []string
		for k := c.Off[r]; k < c.Off[r+1]; k++ {
			out = append(out, planner.Reason(c.Reason[k]).String()+strconv.FormatInt(c.List[k], 10))
		}
		return strings.Join(out, " ")
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
	}
	return c.Str(r)
}
