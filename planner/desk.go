package planner

import (
	"echelon/inputs"
	"echelon/planner/net"
	"echelon/planner/net/tile"
	"echelon/planner/share"
)

// desk is a worker's place: everything one item group of a unit needs, reused from group to group.
//
//	skus     one per live row of the group and per request of a child unit
//	orders   per SKU a run [first, first + count): opportunities that want or need something, ascending
//	dep      per site and item: the children's orders in units per tier and pick day inside the horizon
//	now      per site and item: units of the orders as they stand, per pick day inside the horizon
type desk struct {
	*shop
	work  groupWork
	asked uint64 // items of the group that this visit nets, a bit each

	skus []sku
	book
	requests []request
	own      []int32 // site × item → sku of the DC's own row, -1 none
	dep      []depCell
	// the kernel's orders of the first netting, on their way to dep: per site, tier, day of the horizon and item, so
	// that what a tile adds on a day lies together
	first  []int64
	now    []int64
	reach  []int32 // site × item → last pick day the deployment window must reach, -1 none
	window []int32 // site × item → last day of the deployment window
	done   []bool  // site × item → has shared
	dueTo  []bool  // site × item → some row has an opportunity of this DC
	byItem []int32 // skus by (item, node)
	itemAt [inputs.TileRows + 1]int32

	row     net.Row
	pass    net.Pass
	swift   net.Swift
	tile    tile.Tile
	facts64 tile.Facts // of the tile in work
	paths   pathCounts
	left    []int32   // rows of a tile that no short way netted
	facts0  net.Facts // of the plain row in work
	stock   []int64
	modes   []net.Mode
	held    []int64
	cut     net.Table // the first opportunities of one
	own64   []int64   // H days of scratch
	turned  tileRows
	prom64  []int64
	sort    []int32
	places  []int32 // per SKU its node's number × 64 + its item
	counts  []int32

	pool    share.Pool
	claims  []share.Claim
	claimOf []claimRef
	kids    []int32 // skus in the sharing
	// indexes into kids: those with a claim
	claimants []int32
	calm      []bool // per kid: netted again since it last claimed something
	saved     []savedRun
	trials    []keptRun  // of the group's items, item by item
	trialOf   [][2]int32 // site × item → its runs in trials
	problem   error
	projDays  projection
	out       []siteOut // per site
	lines     []line    // published orders, SKU by SKU
	lineAt    []int32   // per SKU the first of its lines; one more at the end
	hashBuf   []byte
}

// sku is one row in work.
type sku struct {
	site  int16 // whose partition holds the row; -1: a request
	item  int8  // within the group
	flags skuFlags
	row   int32 // of the partition, or index into requests
	node  inputs.NodeIdx
	set   inputs.LaneSetIdx
	class inputs.ClassIdx
	first int32
	count int32
}

type skuFlags uint16

const (
	skuOrders   skuFlags = 1 << iota // not held, not none, has an opportunity (reading 24)
	skuHeld                          // no inventory row
	skuOwn                           // the DC's own row
	skuShort                         // may be short inside the horizon: the projection decides
	skuIgnored                       // own demand outside the dates
	skuDense                         // one order per planned opportunity, also those that want nothing
	skuShorted                       // some order was given less than it wanted
	skuReleased                      // a released line
	skuNoted                         // has an exception
	skuAnswered                      // orders came from a parent unit
	skuNetted                        // for the first time, by the kernel
	skuData                          // its inputs may be worth an exception
	skuCarry                         // has carry, or an order that was given less than it wanted
)

// depCell is the dependent demand of one DC and item in units.
type depCell struct {
	any  bool
	days [4][]int64 // per tier, H days: as corrected by the trial
	end  [4][]int64 // last fourteen days of the first netting
}

func newDesk(s *shop) *desk {
	d := &desk{shop: s}
	cells := len(s.sites) * inputs.TileRows
	h := s.horizon
	d.own = make([]int32, cells)
	d.reach = make([]int32, cells)
	d.window = make([]int32, cells)
	d.dueTo = make([]bool, cells)
	d.done = make([]bool, cells)
	d.dep = make([]depCell, cells)
	d.now = make([]int64, cells*h)
	d.trialOf = make([][2]int32, cells)
	block := make([]int64, cells*4*(h+14))
	d.first = make([]int64, cells*4*h)
	for i := range d.dep {
		for t := range 4 {
			d.dep[i].days[t], block = block[:h:h], block[h:]
			d.dep[i].end[t], block = block[:14:14], block[14:]
		}
	}
	d.own64, d.prom64 = make([]int64, h), make([]int64, h)
	d.out = make([]siteOut, len(s.sites))
	d.pool.Rule, d.pool.RanksFirst = share.Rule(s.policy.ShareRule), s.policy.RanksBeforeTiers
	return d
}

// begin clears the desk for a group.
func (d *desk) begin(w groupWork) {
	d.work, d.asked = w, 0
	d.skus = d.skus[:0]
	d.empty()
	d.requests = d.requests[:0]
	clear(d.now)
	clear(d.first)
	clear(d.dueTo)
	clear(d.done)
	clear(d.trialOf)
	d.trials = d.trials[:0]
	for i := range d.dep {
		d.own[i], d.reach[i], d.window[i] = -1, -1, -1
		c := &d.dep[i]
		if !c.any {
			continue
		}
		c.any = false
		for t := range c.days {
			clear(c.days[t])
			clear(c.end[t])
		}
	}
}

// cell is the index of a site and item.
func (d *desk) cell(site int16, item int8) int { return int(site)*inputs.TileRows + int(item) }

// table gives the opportunities of a SKU, nil without a lane.
func (d *desk) table(s *sku) *net.Table {
	if s.class == inputs.None {
		return nil
	}
	return &d.classes[s.class].Table
}

// lane gives the lane of a SKU's opportunity.
func (d *desk) lane(s *sku, opp *net.Opp) inputs.LaneIdx {
	return d.net.LaneSets[s.set].Lanes[opp.Lane]
}

// source gives the source of an opportunity and its site, -1 when it is no DC of the unit.
func (d *desk) source(s *sku, opp *net.Opp) (inputs.NodeIdx, int16) {
	node := d.net.Lanes.Source[d.lane(s, opp)]
	return node, d.siteOf[node]
}

// itemOf gives the item of a SKU.
func (d *desk) itemOf(item int8) inputs.ItemIdx {
	return inputs.ItemIdx(int(d.work.group)*inputs.TileRows + int(item))
}
