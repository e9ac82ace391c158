package planner

// end leaves the written tables with the rows they have.
func (o *siteOut) end() {
	for _, id := range written {
		o.tables[id].cut(o.tables[id].Rows)
	}
}

// written are the layers whose rows are written into columns that have room: their columns but the lists are
// longer than the table while a group is in work.
var written = [...]LayerID{StoreOrders, DCOrders, VendorOrders, Exceptions}

// cut sets the length of a table's columns but its lists to n, which they have room for.
func (t *Table) cut(n int) {
	for i := range t.Cols {
		c := &t.Cols[i]
		switch layers[t.Layer].Columns[i].Type {
		case ColItem, ColNode, ColLane, ColDay:
			c.I32 = c.I32[:n]
		case ColInt, ColMilli:
			c.I64 = c.I64[:n]
		case ColBool, ColEnum:
			c.U8 = c.U8[:n]
		case ColText:
			c.Str = c.Str[:n]
		case ColMilliList, ColLedger:
		}
	}
}

// room is how many rows the columns of a written table have room for.
func (t *Table) room() int { return max(cap(t.Cols[0].I32), cap(t.Cols[0].I64)) }

// grow gives the columns of a written table room for so many more rows, each the same.
func (t *Table) grow(more int) {
	n := max(64, 2*t.Rows, t.Rows+more)
	for i := range t.Cols {
		c := &t.Cols[i]
		switch layers[t.Layer].Columns[i].Type {
		case ColItem, ColNode, ColLane, ColDay:
			c.I32 = longer(c.I32, n)
		case ColInt, ColMilli:
			c.I64 = longer(c.I64, n)
		case ColBool, ColEnum:
			c.U8 = longer(c.U8, n)
		case ColText:
			c.Str = longer(c.Str, n)
		case ColMilliList, ColLedger:
		}
	}
}

func longer[T any](list []T, n int) []T {
	out := make([]T, n)
	copy(out, list)
	return out
}

// reset empties a table, keeping its buffers.
func (t *Table) reset(layer LayerID) {
	if t.Cols == nil {
		t.Layer = layer
		t.Cols = make([]Col, len(layers[layer].Columns))
	}
	t.Rows = 0
	for i := range t.Cols {
		c := &t.Cols[i]
		c.I32, c.I64, c.U8, c.Str = c.I32[:0], c.I64[:0], c.U8[:0], c.Str[:0]
		c.List, c.Reason = c.List[:0], c.Reason[:0]
		c.Off = c.Off[:0]
		if ct := layers[layer].Columns[i].Type; ct == ColLedger || ct == ColMilliList {
			c.Off = append(c.Off, 0)
		}
	}
}
