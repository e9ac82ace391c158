package planner

import "echelon/inputs"

// Columns of the order layers, in the order of Layer.Columns.
const (
	colLine = iota
	colItem
	colSource
	colDestination
	colLane
	colKind
	colOrderDay
	colPickDay
	colDepartDay
	colReceiveDay
	colUsableDay
	colQuantity
	colPacks
	colPack
	colNeed
	colWanted
	colTier1
	colTier2
	colTier3
	colTier4
	colRelease
	colUnconfirmed
	colSupply
	colUrgency
	colVolume
	colWeight
	colLedger
	colCurrency
	colOrder
	colCost
	colOrderValue
	colOrderUnits
	colOrderWeight
)

// siteOut is what one group adds to one DC's plan. It is reused from group to group.
type siteOut struct {
	tables  [NumLayers]Table
	result  DCResult // counts of the group only
	blocks  [VendorOrders + 1]lineBlock
	lineNo  [VendorOrders + 1]int32 // of the item's last line
	faults  []exception             // of the SKU in work
	work    workload
	digests [NumLayers][]byte // of the group's items
	hashed  [NumLayers]int    // rows that are in them
	before  sums              // counts of the items before the one in work
	kept    []keptItem        // of the group's items
	loads   groupLoads        // with Cycle.Warm
}

func (o *siteOut) begin() {
	for i := range o.tables {
		o.tables[i].reset(LayerID(i))
	}
	for _, id := range written {
		o.tables[id].cut(o.tables[id].room())
	}
	for i := range o.digests {
		o.digests[i], o.hashed[i] = o.digests[i][:0], 0
	}
	o.result = DCResult{}
	o.before, o.kept = sums{}, o.kept[:0]
	o.loads.begin()
}

// emitGroup writes the group's part of the plan of every site that gives.
func (d *desk) emitGroup() {
	for i := range d.out {
		d.out[i].begin()
	}
	d.takeLines()
	if d.loads {
		for i := range d.out {
			d.out[i].loads.sort()
		}
	}
	for item := range int8(inputs.TileRows) {
		if rows := d.ofItem(item); len(rows) > 0 {
			d.emitItem(item, rows)
		}
	}
	for i := range d.out {
		d.out[i].end()
	}
}

// emitItem writes an item's part: lines, then what its rows have beside them, and hashes it while it is near.
func (d *desk) emitItem(item int8, rows []int32) {
	for i := range d.out {
		d.out[i].lineNo = [VendorOrders + 1]int32{}
	}
	for _, i := range rows {
		d.gather(i)
	}
	for i := range d.out {
		out := &d.out[i]
		for layer := range out.blocks {
			d.writeLines(out, LayerID(layer))
		}
	}
	for _, i := range rows {
		s := &d.skus[i]
		if s.site < 0 || !d.sites[s.site].gives {
			continue
		}
		d.emitSKU(i, s)
		if d.tracer != nil {
			d.tracer.final(d, i)
		}
	}
	if d.keeps {
		d.keepItem(item)
	}
	if !d.cycle.Unhashed {
		d.digest()
	}
}
