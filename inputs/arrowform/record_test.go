package arrowform_test

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"

	"echelon/calendars"
	"echelon/inputs"
	"echelon/inputs/arrowform"
)

// three is a partition of three live rows in two tiles, one of them of wide demand.
func three() (*inputs.Network, *inputs.Partition) {
	net := &inputs.Network{Horizon: 14}
	net.Items.ID, net.Nodes.ID, net.Lanes.ID = []string{"A", "B"}, []string{"D", "S"}, []string{"L1", "L2"}
	net.Nodes.Day0 = []calendars.Day{20000, 20001}
	net.LaneSets = []inputs.LaneSet{{Lanes: []inputs.LaneIdx{1, 0}}}
	p := &inputs.Partition{Horizon: 14, Live: 3, TileWidth: []uint8{2, 8}, TileAt: []int64{0, 0}}
	p.TileClass = []inputs.ClassIdx{0, inputs.None}
	p.Alloc(128)
	p.D16, p.D64 = make([]uint16, 64*14), make([]int64, 64*14)
	set := func(row int, item inputs.ItemIdx, node inputs.NodeIdx) {
		p.Item[row], p.Node[row] = item, node
		p.Policy[row], p.OnHand[row] = inputs.PolicyCover, int32(10+row)
	}
	set(0, 0, 1)
	set(1, 1, 1)
	set(64, 0, 0)
	p.LaneSet[0], p.ShelfCap[1], p.SaleTo[1] = 0, 33, 20100
	p.Flags[64] = inputs.FlagOwn | inputs.FlagHeld
	p.D16[64*3+1], p.D64[64*13] = 1500, 5_000_000_000_000
	return net, p
}

func TestRecord(t *testing.T) {
	net, p := three()
	r, err := arrowform.Record(net, p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if r.NumRows() != 3 || int(r.NumCols()) != len(arrowform.Schema(14).Fields()) {
		t.Fatalf("%d rows, %d columns", r.NumRows(), r.NumCols())
	}
	for _, c := range []struct {
		column string
		want   []string
	}{
		{"item", []string{"A", "B", "A"}},
		{"node", []string{"S", "S", "D"}},
		{"lanes", []string{"L2;L1", "(null)", "(null)"}},
		{"policy", []string{"cover", "cover", "cover"}},
		{"first_day", []string{"2024-10-05", "2024-10-05", "2024-10-04"}},
		{"on_hand", []string{"10", "11", "74"}},
		{"shelf_capacity", []string{"(null)", "33", "(null)"}},
		{"sale_from", []string{"(null)", "(null)", "(null)"}},
		{"sale_to", []string{"(null)", "2025-01-12", "(null)"}},
		{"held", []string{"false", "false", "true"}},
		{"demand", []string{"[0,0,0,0,0,0,0,0,0,0,0,0,0,0]", "[0,0,0,1500,0,0,0,0,0,0,0,0,0,0]", "[0,0,0,0,0,0,0,0,0,0,0,0,0,5000000000000]"}},
	} {
		column := r.Column(r.Schema().FieldIndices(c.column)[0])
		for row, want := range c.want {
			got := column.ValueStr(row)
			if dict, ok := column.(*array.Dictionary); ok && column.IsValid(row) {
				got = dict.Dictionary().ValueStr(dict.GetValueIndex(row))
			}
			if got != want {
				t.Errorf("%s of row %d: %s, want %s", c.column, row, got, want)
			}
		}
	}
}

func TestSchemaMatchesEveryColumn(t *testing.T) {
	net, p := three()
	r, err := arrowform.Record(net, p)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for i, f := range arrowform.Schema(14).Fields() {
		if r.Column(i).Len() != 3 {
			t.Errorf("column %s has %d rows", f.Name, r.Column(i).Len())
		}
	}
}
