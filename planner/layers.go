package planner

import (
	"echelon/inputs"
)

// LayerID is one published stream of the plan. The order is the order of the plan hash.
type LayerID uint8

// The layers. Loads and Actions have their place and no rows yet; Cycles is written by publishing.
const (
	StoreOrders LayerID = iota
	DCOrders
	VendorOrders
	Loads
	Projections
	Carry
	Exceptions
	Actions
	Workload
	Cycles
	NumLayers
)

// ColType says how a column of a layer is stored and written.
type ColType uint8

// Column types of layers; the slice of Col that holds the values in brackets.
const (
	ColItem      ColType = iota // item index (I32)
	ColNode                     // node index, None: null (I32)
	ColLane                     // lane index, None: null (I32)
	ColDay                      // calendars.Day, NullDay: null (I32)
	ColInt                      // whole number, NullInt: null (I64)
	ColMilli                    // thousandths, NullInt: null; written as a decimal (I64)
	ColBool                     // 0, 1 (U8)
	ColEnum                     // index into LayerColumn.Words (U8)
	ColText                     // text, "": null (Str)
	ColMilliList                // list of thousandths (Off, List)
	ColLedger                   // list of (reason, change), implied steps left out (Off, Reason, List)
)

// Nulls of layer columns.
const (
	NullInt int64 = -1 << 63
	NullDay int32 = -1 << 31
)

// LayerColumn describes one column of a layer: plan files, topics, show and the plan hash follow it.
type LayerColumn struct {
	Name  string
	Type  ColType
	Words []string // ColEnum
	Doc   string
}

// Layer describes one layer. The columns tenant, cycle and dc stand before those named here and are the
// same for all rows of a DC's table; release_id follows from cycle, dc, layer, item and line (ReleaseID).
// Neither is part of the plan hash.
type Layer struct {
	ID      LayerID
	Name    string
	Columns []LayerColumn
}

// Table is rows of one layer in columns, parallel to Layer.Columns.
type Table struct {
	Layer LayerID
	Rows  int
	Cols  []Col
}

// Col is one column of a Table; see ColType for which slices it uses.
type Col struct {
	I32    []int32
	I64    []int64
	U8     []uint8
	Str    []string
	Off    []uint32 // Rows+1
	List   []int64
	Reason []uint8
}

// Chunk is the lines of one item group of a DC, every layer; Group is -1 for what is known only at the
// DC's end (workload). Chunks of a DC come in ascending group order, the closing one last; within each
// table rows are in canonical order (item, then as the layer says), so tables of successive chunks append.
type Chunk struct {
	DC     inputs.NodeIdx
	Group  int32
	Tables [NumLayers]*Table // nil: no rows
}

const (
	releaseWord     = "release"
	unconfirmedWord = "unconfirmed"
)

// orderColumns are the columns of store, DC and vendor orders.
func orderColumns() []LayerColumn {
	return []LayerColumn{
		{Name: "line", Type: ColInt, Doc: "number within layer, DC and item, from 1"},
		{Name: "item", Type: ColItem},
		{Name: "source", Type: ColNode},
		{Name: "destination", Type: ColNode},
		{Name: "lane", Type: ColLane},
		{Name: "kind", Type: ColEnum, Words: []string{"table", "early", "next"}},
		{Name: "order_day", Type: ColDay, Doc: "civil day of the source"},
		{Name: "pick_day", Type: ColDay, Doc: "civil day of the source"},
		{Name: "depart_day", Type: ColDay, Doc: "civil day of the source"},
		{Name: "receive_day", Type: ColDay, Doc: "civil day of the destination"},
		{Name: "usable_day", Type: ColDay, Doc: "civil day of the destination"},
		{Name: "quantity", Type: ColInt, Doc: "units"},
		{Name: "packs", Type: ColInt, Doc: "quantity ÷ pack of the lane"},
		{Name: "pack", Type: ColInt, Doc: "units per pack on this lane"},
		{Name: "need", Type: ColInt, Doc: "the window's need in units, before policy and lots"},
		{Name: "wanted", Type: ColInt, Doc: "units before sharing"},
		{Name: "tier1", Type: ColInt},
		{Name: "tier2", Type: ColInt},
		{Name: "tier3", Type: ColInt},
		{Name: "tier4", Type: ColInt},
		{Name: releaseWord, Type: ColBool, Doc: "order now"},
		{Name: unconfirmedWord, Type: ColBool, Doc: "a request: its source has not promised it"},
		{Name: "days_of_supply", Type: ColInt},
		{Name: "urgency", Type: ColInt},
		{Name: "volume", Type: ColInt, Doc: "cm³ of the line; null: unknown"},
		{Name: "weight", Type: ColInt, Doc: "g of the line; null: unknown"},
		{Name: "ledger", Type: ColLedger},
	}
}

// numbers is a list of nullable whole-number columns.
func numbers(names ...string) []LayerColumn {
	cols := make([]LayerColumn, len(names))
	for i, n := range names {
		cols[i] = LayerColumn{Name: n, Type: ColInt}
	}
	return cols
}

var layers = [NumLayers]Layer{
	StoreOrders:  {ID: StoreOrders, Name: "store-orders", Columns: orderColumns()},
	DCOrders:     {ID: DCOrders, Name: "dc-orders", Columns: orderColumns()},
	VendorOrders: {ID: VendorOrders, Name: "vendor-orders", Columns: append(orderColumns(), vendorColumns()...)},
	Loads:        {ID: Loads, Name: "loads"},
	Projections: {ID: Projections, Name: "projections", Columns: []LayerColumn{
		{Name: "item", Type: ColItem},
		{Name: "node", Type: ColNode},
		{Name: "first_day", Type: ColDay, Doc: "day 0 of the node"},
		{Name: "demand", Type: ColMilliList},
		{Name: "receipts", Type: ColMilliList},
		{Name: "planned", Type: ColMilliList},
		{Name: "on_hand", Type: ColMilliList},
		{Name: "short", Type: ColMilliList},
		{Name: "floor", Type: ColMilliList},
	}},
	Carry: {ID: Carry, Name: "carry", Columns: []LayerColumn{
		{Name: "item", Type: ColItem},
		{Name: "node", Type: ColNode},
		{Name: "units", Type: ColInt},
	}},
	Exceptions: {ID: Exceptions, Name: "exceptions", Columns: append([]LayerColumn{
		{Name: "item", Type: ColItem},
		{Name: "node", Type: ColNode, Doc: "the destination"},
		{Name: "kind", Type: ColEnum, Words: exceptionWords[:]},
		{Name: "severity", Type: ColEnum, Words: []string{"high", "medium", "low"}},
		{Name: "lane", Type: ColLane},
		{Name: "vendor", Type: ColNode},
		{Name: "day", Type: ColDay, Doc: "of the line's usability; null: of the whole SKU"},
		{Name: "source", Type: ColNode},
		{Name: "order", Type: ColText},
		{Name: "first_day", Type: ColDay},
		{Name: "due_day", Type: ColDay},
		{Name: "needed_day", Type: ColDay},
		{Name: "last_day", Type: ColDay},
	}, numbers("days", "units", "wanted", "given", "tier1", "tier2", "tier3", "tier4", "minimum", "cap", "available")...)},
	Actions: {ID: Actions, Name: "actions"},
	Workload: {ID: Workload, Name: "workload", Columns: []LayerColumn{
		{Name: "node", Type: ColNode},
		{Name: "day", Type: ColDay, Doc: "civil day of the node"},
		{Name: "kind", Type: ColEnum, Words: []string{"pick", "receive"}},
		{Name: "other", Type: ColNode, Doc: "to (pick) or from (receive)"},
		{Name: "units", Type: ColInt},
		{Name: "packs", Type: ColInt},
		{Name: "lines", Type: ColInt},
		{Name: "volume", Type: ColInt, Doc: "cm³ of the lines whose volume is known"},
		{Name: "weight", Type: ColInt, Doc: "g of the lines whose weight is known"},
		{Name: "unmeasured", Type: ColInt, Doc: "lines left out of volume or weight"},
	}},
	Cycles: {ID: Cycles, Name: "cycles"},
}

// vendorColumns are what a vendor order line has beside an order line: the cost of the line and the sums of
// the whole order (vendor, destination, order day), repeated on each of its lines.
func vendorColumns() []LayerColumn {
	return append([]LayerColumn{
		{Name: "currency", Type: ColText},
		{Name: "order", Type: ColText, Doc: "vendor/destination/order day"},
	}, numbers("cost", "order_value", "order_units", "order_weight")...)
}

// LayerOf returns the description of a layer.
func LayerOf(id LayerID) *Layer { return &layers[id] }
