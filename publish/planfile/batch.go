package planfile

import (
	"echelon/planner"
)

// Batch is the lines of one row group of a layer, in columns, ids as codes into dictionaries of the
// batch. It is valid until the next call of Reader.Next.
type Batch struct {
	Layer planner.LayerID
	Group int   // row group the lines come from, from 0
	First int64 // index in the file of row 0
	Rows  int
	Cols  []Column // parallel to planner.LayerOf(Layer).Columns
	// Release holds the release id of each row of an order layer, nil in other layers. Lines that are not
	// released have "".
	Release []string

	releases []string // room for them
}

// Column is one column of a Batch. Which slices are filled follows from the type:
//
//	ColItem, ColNode, ColLane, ColText, ColEnum   Codes (index into Dict, -1: null), Dict
//	ColInt, ColMilli, ColDay, ColBool             Ints (planner.NullInt: null; days since 1970-01-01)
//	ColMilliList                                  Off (Rows+1), List (thousandths)
//	ColLedger                                     Off (Rows+1), List (changes), Reason (planner.Reason)
type Column struct {
	Def    *planner.LayerColumn
	Codes  []int32
	Dict   []string
	Ints   []int64
	Off    []uint32
	List   []int64
	Reason []uint8

	old struct { // room that a batch read before has left
		codes  []int32
		dict   []string
		ints   []int64
		off    []uint32
		list   []int64
		reason []uint8
	}
}

// Null reports whether row r has no value, or the column was not read. Lists that were read are never null.
func (c *Column) Null(r int) bool { return !c.has(r) }

// Str returns the text of row r, "" when it is null.
func (c *Column) Str(r int) string {
	if code := c.Codes[r]; code >= 0 {
		return c.Dict[code]
	}
	return ""
}

// Col returns the column of that name, nil when the layer has none.
func (b *Batch) Col(name string) *Column {
	for i := range b.Cols {
		if b.Cols[i].Def.Name == name {
			return &b.Cols[i]
		}
	}
	return nil
}
