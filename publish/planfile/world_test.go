package planfile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"echelon/inputs"
	"echelon/planner"
	"echelon/publish/disk"
)

// network has nothing but names.
func network() *inputs.Network {
	n := &inputs.Network{Tenant: "acme", Horizon: 28}
	for i := range 300 {
		n.Items.ID = append(n.Items.ID, fmt.Sprintf("item-%04d", i))
	}
	for i := range 40 {
		n.Nodes.ID = append(n.Nodes.ID, fmt.Sprintf("N%03d", i))
	}
	for i := range 60 {
		n.Lanes.ID = append(n.Lanes.ID, fmt.Sprintf("lane.%d", i))
	}
	n.DCs = []inputs.NodeIdx{0, 1}
	return n
}

// randomTable fills every column of a layer, nulls and extremes among them.
func randomTable(r *rand.Rand, n *inputs.Network, id planner.LayerID, rows int) *planner.Table {
	l := planner.LayerOf(id)
	t := &planner.Table{Layer: id, Rows: rows, Cols: make([]planner.Col, len(l.Columns))}
	for i := range l.Columns {
		c, d := &t.Cols[i], &l.Columns[i]
		for row := range rows {
			switch d.Type {
			case planner.ColItem:
				c.I32 = append(c.I32, int32(row*len(n.Items.ID)/rows))
			case planner.ColNode:
				c.I32 = append(c.I32, r.Int32N(int32(len(n.Nodes.ID)+1))-1)
			case planner.ColLane:
				c.I32 = append(c.I32, r.Int32N(int32(len(n.Lanes.ID)+1))-1)
			case planner.ColDay:
				day := planner.NullDay
				if r.IntN(5) > 0 {
					day = 20000 + r.Int32N(100)
				}
				c.I32 = append(c.I32, day)
			case planner.ColInt, planner.ColMilli:
				c.I64 = append(c.I64, number(r, d.Name == "line"))
			case planner.ColBool:
				c.U8 = append(c.U8, uint8(r.IntN(2)))
			case planner.ColEnum:
				c.U8 = append(c.U8, uint8(r.IntN(len(d.Words))))
			case planner.ColText:
				c.Str = append(c.Str, []string{"", "PO1/2", `we"ird`, "é"}[r.IntN(4)])
			case planner.ColMilliList, planner.ColLedger:
				if row == 0 {
					c.Off = append(c.Off, 0)
				}
				for range r.IntN(4) {
					c.List = append(c.List, r.Int64N(1e6)-5e5)
					c.Reason = append(c.Reason, uint8(r.IntN(int(planner.NumReasons))))
				}
				c.Off = append(c.Off, uint32(len(c.List)))
			}
		}
	}
	return t
}

func number(r *rand.Rand, never bool) int64 {
	switch k := r.IntN(20); {
	case never || k > 3:
		return r.Int64N(1000)
	case k == 0:
		return 1 << 60
	case k == 1:
		return -1 << 60
	}
	return planner.NullInt
}

// batchOf gives a table in the form in which it is read back, by the table's own columns.
func batchOf(n *inputs.Network, t *planner.Table, dc string) *Batch {
	l := planner.LayerOf(t.Layer)
	b := Batch{Layer: t.Layer, Rows: t.Rows, Cols: make([]Column, len(l.Columns))}
	var item []int32
	var line []int64
	var release []uint8
	for i := range l.Columns {
		c := &b.Cols[i]
		src := &t.Cols[i]
		c.Def = &l.Columns[i]
		switch c.Def.Type {
		case planner.ColItem, planner.ColNode, planner.ColLane:
			c.Codes, c.Dict = src.I32, names(n, c.Def)
		case planner.ColEnum:
			c.Dict = c.Def.Words
			for _, v := range src.U8 {
				c.Codes = append(c.Codes, int32(v))
			}
		case planner.ColText:
			for k, s := range src.Str {
				c.Dict = append(c.Dict, s)
				c.Codes = append(c.Codes, int32(k))
				if s == "" {
					c.Codes[k] = -1
				}
			}
		case planner.ColDay:
			for _, v := range src.I32 {
				c.Ints = append(c.Ints, planner.NullInt)
				if v != planner.NullDay {
					c.Ints[len(c.Ints)-1] = int64(v)
				}
			}
		case planner.ColInt, planner.ColMilli:
			c.Ints = src.I64
		case planner.ColBool:
			for _, v := range src.U8 {
				c.Ints = append(c.Ints, int64(v))
			}
		case planner.ColMilliList, planner.ColLedger:
			c.Off, c.List, c.Reason = src.Off, src.List, src.Reason
		}
		switch c.Def.Name {
		case "item":
			item = src.I32
		case "line":
			line = src.I64
		case "release":
			release = src.U8
		}
	}
	if IsOrders(t.Layer) {
		b.Release = make([]string, t.Rows)
		for r := range b.Release {
			if release[r] != 0 {
				b.Release[r] = planner.ReleaseID("C1", dc, t.Layer, n.Items.ID[item[r]], line[r])
			}
		}
	}
	return &b
}

// write writes the tables of a DC, each in several chunks, and returns the folder.
func write(t *testing.T, f disk.FS, state string, n *inputs.Network, dc inputs.NodeIdx, tables []*planner.Table) (string, error) {
	t.Helper()
	dir := ""
	w := NewWriter(Options{
		FS: f, State: state, Network: n, Tenant: "acme", Cycle: "C1", AsOf: 1e15, Engine: "test",
		Facts: func(string) DCFacts { return DCFacts{GraceUntil: 1e15 + 36*3600e6} },
		Done: func(_ context.Context, d string, _ *Manifest, _ *planner.DCResult) error {
			dir = d
			return nil
		},
	})
	ctx := context.Background()
	for _, table := range tables {
		c := &planner.Chunk{DC: dc}
		c.Tables[table.Layer] = table
		if err := w.Chunk(ctx, c); err != nil {
			return "", errOf(err, w.Abandon())
		}
	}
	r := &planner.DCResult{DC: dc, SKUs: 7, Planned: 7, PlanHash: [32]byte{1}}
	if err := w.Done(ctx, r); err != nil {
		return "", errOf(err, w.Abandon())
	}
	return dir, nil
}

func errOf(err, second error) error {
	if err != nil {
		return err
	}
	return second
}
