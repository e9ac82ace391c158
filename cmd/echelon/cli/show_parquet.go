package cli

import (
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"

	"echelon/planner"
	"echelon/publish/planfile"
)

// parquetLines writes lines of a layer as one Parquet file (zstd): dc and the layer's columns, days as dates,
// thousandths as decimals, the ledger as text.
type parquetLines struct {
	w       *parquet.GenericWriter[any]
	columns []planner.LayerColumn
	at      []int // place of each column among the file's, which are in the order of their names
	dc      int
	release int // place of release_id, -1: the layer has none
}

const (
	dcColumn      = "dc"
	releaseColumn = "release_id"
)

func newParquetLines(w io.Writer, layer planner.LayerID) *parquetLines {
	p := &parquetLines{columns: planner.LayerOf(layer).Columns}
	group := parquet.Group{dcColumn: parquet.String()}
	names := []string{dcColumn}
	for _, c := range p.columns {
		group[c.Name] = parquetNode(c.Type)
		names = append(names, c.Name)
	}
	if planfile.IsOrders(layer) {
		group[releaseColumn] = parquet.Optional(parquet.String())
		names = append(names, releaseColumn)
	}
	slices.Sort(names)
	p.release = slices.Index(names, releaseColumn)
	for _, c := range p.columns {
		p.at = append(p.at, slices.Index(names, c.Name))
	}
	p.dc = slices.Index(names, dcColumn)
	p.w = parquet.NewGenericWriter[any](w, parquet.NewSchema(planner.LayerOf(layer).Name, group), parquet.Compression(&parquet.Zstd))
	return p
}

func parquetNode(t planner.ColType) parquet.Node {
	const places, digits = 3, 18
	switch t {
	case planner.ColDay:
		return parquet.Optional(parquet.Date())
	case planner.ColInt:
		return parquet.Optional(parquet.Int(64))
	case planner.ColMilli:
		return parquet.Optional(parquet.Decimal(places, digits, parquet.Int64Type))
	case planner.ColBool:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case planner.ColMilliList:
		return parquet.Repeated(parquet.Decimal(places, digits, parquet.Int64Type))
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText, planner.ColLedger:
	}
	return parquet.Optional(parquet.String())
}

// row copies one line.
func (p *parquetLines) row(dc string, b *planfile.Batch, r int) parquet.Row {
	byColumn := make([][]parquet.Value, len(p.columns)+2)
	byColumn[p.dc] = []parquet.Value{parquet.ValueOf(dc).Level(0, 0, p.dc)}
	if p.release >= 0 {
		v := parquet.Value{}.Level(0, 0, p.release)
		if b.Release != nil && b.Release[r] != "" {
			v = parquet.ValueOf(b.Release[r]).Level(0, 1, p.release)
		}
		byColumn[p.release] = []parquet.Value{v}
	}
	for i := range b.Cols {
		byColumn[p.at[i]] = parquetValues(b, &b.Cols[i], r, p.at[i])
	}
	return slices.Concat(byColumn...)
}

// parquetValues gives the values of a cell: one, or those of its list.
func parquetValues(b *planfile.Batch, c *planfile.Column, r, at int) []parquet.Value {
	null := []parquet.Value{parquet.Value{}.Level(0, 0, at)}
	if c.Def.Type == planner.ColMilliList {
		list := c.List[c.Off[r]:c.Off[r+1]]
		if len(list) == 0 {
			return null
		}
		out := make([]parquet.Value, len(list))
		for i, v := range list {
			out[i] = parquet.Int64Value(v).Level(min(i, 1), 1, at)
		}
		return out
	}
	if c.Null(r) {
		return null
	}
	var v parquet.Value
	switch c.Def.Type {
	case planner.ColDay:
		v = parquet.Int32Value(int32(c.Ints[r]))
	case planner.ColInt, planner.ColMilli:
		v = parquet.Int64Value(c.Ints[r])
	case planner.ColBool:
		v = parquet.BooleanValue(c.Ints[r] != 0)
	case planner.ColLedger:
		v = parquet.ValueOf(planner.LedgerText(b.Ledger(c, r)))
	case planner.ColMilliList: // above
	case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColEnum, planner.ColText:
		v = parquet.ValueOf(c.Str(r))
	}
	return []parquet.Value{v.Level(0, 1, at)}
}

func (p *parquetLines) write(rows ...parquet.Row) error {
	_, err := p.w.WriteRows(rows)
	return err
}
