package inputs

import (
	"sort"

	"echelon/calendars"
)

// TileRows is the number of rows of a tile, and the number of items of an item group.
const TileRows = 64

// Dense indexes into the dictionaries of a Network. Dictionaries are sorted by the bytes of the id, so
// index order is id order. None (-1) means "no such thing".
type (
	// ItemIdx is an item.
	ItemIdx int32
	// NodeIdx is a node.
	NodeIdx int32
	// LaneIdx is a lane.
	LaneIdx int32
	// CalIdx is a calendar; None: always open.
	CalIdx int32
	// ZoneIdx is a time zone.
	ZoneIdx int32
	// LaneSetIdx is a lane set.
	LaneSetIdx int32
	// ClassIdx is a lane class.
	ClassIdx int32
	// LotSetIdx is a list of lot sizes.
	LotSetIdx int32
)

// None is the index that names nothing.
const None = -1

// Direct is the partition of rows that no DC serves ("_direct").
const Direct NodeIdx = None

// NodeKind is the kind of a node.
type NodeKind uint8

// Node kinds, in the order of the contract's enum.
const (
	Vendor NodeKind = iota
	DC
	Store
)

// SKUPolicy is how a SKU turns a need into an order (planning: "Net requirement").
type SKUPolicy uint8

// Policies, in the order of the contract's enum.
const (
	PolicyNet SKUPolicy = iota
	PolicyMinMax
	PolicyCover
	PolicyNone
)

// RowFlags are facts of one row.
type RowFlags uint16

// Row flags.
const (
	FlagLost        RowFlags = 1 << iota // unmet demand is lost; else backordered
	FlagHeld                             // no inventory row: exception no_position, not planned
	FlagLaneCycle                        // primary lanes of the item form a cycle through this row: planned as none
	FlagNoForecast                       // no forecast row at all
	FlagDates                            // SaleFrom or SaleTo bounds the row
	FlagInbound                          // has entries in Inbound
	FlagOutbound                         // has entries in Outbound
	FlagLots                             // has entries in Lots
	FlagDatedSafety                      // has entries in Safety
	FlagCarry                            // has an entry in Carry
	FlagOwn                              // row of the partition's DC itself
	FlagNoLane                           // no usable lane (LaneSet is None)
	FlagLaneDropped                      // a later lane would have closed a cycle and is left out: exception lane_cycle
)

// Network is what all partitions of a snapshot share: dictionaries, lanes, calendars, lane classes and lot sets.
// It is immutable once built.
type Network struct {
	Tenant  string
	AsOf    int64 // microseconds UTC: the instant the snapshot was cut for; only its civil days matter
	Horizon int   // daily buckets H, 14 to 91

	Items     ItemTable
	Nodes     NodeTable
	Lanes     LaneTable
	Zones     []string
	Calendars []calendars.Calendar
	LaneSets  []LaneSet
	Classes   []Class
	LotSets   [][]Lot // parallel to the lanes of the row's lane set (one entry for a row without lane)
	// Provenance: for each distinct combination, one byte per ParameterNames entry: the Scope it came from.
	Provenance []string

	DCs   []NodeIdx   // every partition, ascending by id; Direct last when there is one
	Units [][]NodeIdx // linked DCs (usually one each), children before parents: an order in which asks can run
	// Parents[i] lists the DCs that DCs[i] has primary or later lanes from; ascending.
	Parents [][]NodeIdx

	Releases []Release // the table of that name, ascending by id: Overlay lays them over each partition
	Named    []string  // release ids named by open orders that touch no row; ascending
}

// ItemTable is the item dictionary in columns. Volume, weight, cost and price are -1 when unknown.
type ItemTable struct {
	ID       []string
	Name     []string
	Category []string
	Volume   []int64 // cm³ per unit
	Weight   []int64 // g per unit
	Cost     []int64 // minor units
	Price    []int64 // minor units
	Currency []string
	Handling []uint8
}

// NodeTable is the node dictionary in columns.
type NodeTable struct {
	ID                        []string
	Name                      []string
	Kind                      []NodeKind
	Zone                      []ZoneIdx
	Group                     []string
	Lost                      []bool // unmet demand is lost
	Rank                      []int32
	HomeDC                    []NodeIdx
	PutAwayDays               []int32
	ReservedIncludesTransfers []bool
	ReceiveCal                []CalIdx
	PickCal                   []CalIdx
	OrderCal                  []CalIdx
	Day0                      []calendars.Day // the as-of day in the node's zone
}

// LaneTable is the lane dictionary in columns.
type LaneTable struct {
	ID          []string
	Source      []NodeIdx
	Destination []NodeIdx
	Method      []string
	Priority    []int32
	ReceiveCal  []CalIdx // its own, else the destination's
}

// ClassLane is all that compiling the opportunities of one lane needs: two lanes whose entries are equal
// have equal opportunities, whatever they are called and whomever they serve.
type ClassLane struct {
	SourceZone, DestZone                       ZoneIdx
	SourceDay0, DestDay0                       calendars.Day
	SourceIsVendor                             bool
	SourceOrderCal, LaneOrderCal, DestOrderCal CalIdx // SourceOrderCal counts only for vendors
	Cutoff                                     int32  // minutes after midnight in the source's zone; None: end of the day
	PrepDays                                   int32
	PickCal, DepartCal, TransitCal, ReceiveCal CalIdx
	TransitDays, PutAwayDays                   int32
	TransitElapsed                             bool // no carrier calendar: elapsed days
	ValidFrom, ValidTo                         calendars.Day
}

// Class is a lane signature: rows of one class share one table of opportunities. Lanes are in the order
// in which they are tried (priority, then lane id).
type Class struct{ Lanes []ClassLane }

// LaneSet names the lanes of a row, in the order in which they are tried, parallel to its class.
type LaneSet struct {
	Class ClassIdx
	Lanes []LaneIdx
}

// Lot is the lot size on one lane. Zero layer, pallet and minimum mean "none".
type Lot struct {
	Pack        int32 // units, at least 1
	MOQ         int32 // units
	LayerPacks  int32 // packs per layer
	PalletPacks int32 // packs per pallet
	Tolerance   int32 // thousandths of the quantity before the steps
	DeadBand    int32 // thousandths of a pack
}

// Partition is the rows of one DC and of the nodes it serves, in columns. Rows are sorted by (item group,
// own rows last, lane class, node, item) and padded with dead rows (Item None) so that tile t is rows
// [64 t, 64 t + 64) and holds rows of one group and one class. Days are relative to the day 0 of the row's
// node unless typed calendars.Day. Immutable once built.
type Partition struct {
	DC      NodeIdx
	Horizon int
	Live    int // rows that are not dead

	// per item group, ascending: the group's number (ItemIdx / 64) and its tiles [GroupTile[g], GroupTile[g+1])
	Groups    []int32
	GroupTile []int32

	// per tile
	TileClass []ClassIdx // None: no lane
	TileOwn   []bool     // rows of the DC itself
	TileWidth []uint8    // bytes per demand value: 0 (all zero), 2, 4, 8
	TileAt    []int64    // first element in D16, D32 or D64; day d, lane l of the tile is at TileAt + 64 d + l

	// demand in thousandths, one row of 64 per day: own forecast, whole days, the last seven days repeated
	// after the last forecast day; not yet cut to dates or to the rest of day 0
	D16 []uint16
	D32 []uint32
	D64 []int64

	// per row
	Item         []ItemIdx
	Node         []NodeIdx
	LaneSet      []LaneSetIdx
	LotSet       []LotSetIdx
	Flags        []RowFlags
	Policy       []SKUPolicy
	OnHand       []int32
	Unusable     []int32
	Reserved     []int32
	Backorders   []int32
	SafetyUnits  []int32
	SafetyDays   []int32 // thousandths of a day of forward demand
	Presentation []int32
	ShelfCap     []int32         // None: no cap
	Min, Max     []int32         // policy min-max
	CoverDays    []int16         // policy cover
	ShelfLife    []int16         // days; 0: none
	Rank         []int16         // the SKU's rank, else its node's
	SaleFrom     []calendars.Day // narrower of active dates, the item's sell dates and the node's open dates
	SaleTo       []calendars.Day
	Day0Left     []uint16 // own demand of day 0 counts × Day0Left ÷ Day0Of, rounded up
	Day0Of       []uint16
	ForecastDays []int16 // days from day 0 up to the last forecast day, at most H (H: nothing was repeated); 0 and less: it ended before day 0
	Prov         []int32 // index into Network.Provenance

	// side columns, sorted by row (then as said); rows without entries have no flag
	Inbound  Inbound
	Outbound Outbound
	Lots     Lots
	Safety   DatedSafety
	Carry    CarryRows
	Named    []string // release ids that open orders of these rows name, whatever their status; ascending
}

// OrderFlags are facts of one open order or remembered release.
type OrderFlags uint8

// Order flags.
const (
	OrderOverdue OrderFlags = 1 << iota // due before day 0: counts as if due today; exception overdue_order
	OrderToday                          // ordered (released) on the source's day 0
	OrderRelease                        // a remembered release that no open order names yet
	OrderLapsed                         // a release whose grace is over: does not count; exception release_unconfirmed
)

// Inbound is open orders and remembered releases that count at a row, sorted by (row, day, ref).
type Inbound struct {
	Row   []int32
	Day   []int32 // day it becomes usable, ≥ 0
	Qty   []int64 // units still to come
	Lane  []LaneIdx
	Flags []OrderFlags
	Due   []calendars.Day // day at the dock
	Ref   []string        // order and line ("PO1/2"), or release id
}

// Outbound is what of open orders and releases is still to be picked at a row that is their source, sorted
// by (row, day, destination, ref). These are promises: demand of the source on the pick day.
type Outbound struct {
	Row  []int32
	Day  []int32 // pick day, ≥ 0
	Qty  []int64
	Dest []NodeIdx
	Lane []LaneIdx
	Ref  []string
}

// Lots is stock with a last usable day, sorted by (row, expires).
type Lots struct {
	Row     []int32
	Expires []calendars.Day
	Qty     []int64
}

// DatedSafety is safety stock by date, sorted by (row, from): units from that day until the next row.
type DatedSafety struct {
	Row   []int32
	From  []calendars.Day
	Units []int32
}

// CarryRows is the carry of earlier published cycles, sorted by row; rows without an entry have 0.
type CarryRows struct {
	Row   []int32
	Units []int64
}

// Range returns the entries [lo, hi) of a sorted row column that belong to row.
func Range(rows []int32, row int32) (lo, hi int) {
	lo = sort.Search(len(rows), func(i int) bool { return rows[i] >= row })
	hi = lo
	for hi < len(rows) && rows[hi] == row {
		hi++
	}
	return lo, hi
}

// Tiles returns the number of tiles.
func (p *Partition) Tiles() int { return len(p.TileClass) }

// Demand returns the demand of a row on a day in [0, Horizon), in thousandths of a unit.
func (p *Partition) Demand(row, day int) int64 {
	t := row / TileRows
	i := p.TileAt[t] + int64(day*TileRows+row%TileRows)
	switch p.TileWidth[t] {
	case 2:
		return int64(p.D16[i])
	case 4:
		return int64(p.D32[i])
	case 8:
		return p.D64[i]
	}
	return 0
}
