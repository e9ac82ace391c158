package build

import (
	"cmp"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// sourcingRow is a row of sourcing; -1 in a number: not given.
type sourcingRow struct {
	key                      uint64 // of the SKU: item and the lane's destination
	lane, priority           int32
	pack, moq, prep, transit int32
	from, to                 calendars.Day
}

// sourcingRows is the sourcing of the snapshot, sorted by (SKU, priority, lane).
//
//	sourceAt  per SKU number + 1  first row of the SKU; nil: no SKU has one
//	carries   vendor and item of every row from a vendor, sorted
//	namesSome per node            a vendor that carries only what rows name
type sourcingRows struct {
	sources   []sourcingRow
	sourceAt  []int32
	carries   []uint64
	namesSome []bool
}

func (b *builder) readSourcing() error {
	b.namesSome = make([]bool, len(b.net.Nodes.ID))
	items, lanes := b.itemIDs.refs(), b.laneIDs.refs()
	err := b.each("sourcing", func(t *inputs.Batch, n *inputs.Counts) error {
		item, lane, priority := t.Col("item"), t.Col("lane"), t.Col("priority")
		pack, moq, prep, transit := t.Col("pack"), t.Col("moq"), t.Col("prep_days"), t.Col("transit_days")
		from, to := t.Col("valid_from"), t.Col("valid_to")
		for r := 0; r < t.Rows; r++ {
			if deleted(t, r) {
				n.Filtered++
				continue
			}
			i, l := items.index(item, r), lanes.index(lane, r)
			if i < 0 || l < 0 {
				column := "item"
				if i >= 0 {
					column = "lane"
				}
				b.report.unknown(t, r, column)
				continue
			}
			facts := &b.lanes[l]
			if facts.fromVendor {
				b.namesSome[facts.source] = true
				b.carries = append(b.carries, key(facts.source, i))
			}
			if b.find(i, facts.dest) == inputs.None {
				n.Filtered++
				continue
			}
			b.sources = append(b.sources, sourcingRow{
				key: key(i, facts.dest), lane: l, priority: int32(priority.Int(r, int64(facts.priority))),
				pack: int32(pack.Int(r, -1)), moq: int32(moq.Int(r, -1)),
				prep: int32(prep.Int(r, -1)), transit: int32(transit.Int(r, -1)),
				from: dayOr(from, r, calendars.MinDay), to: dayOr(to, r, calendars.MaxDay),
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(b.carries)
	b.carries = slices.Compact(b.carries)
	if len(b.sources) == 0 {
		return nil
	}
	slices.SortFunc(b.sources, func(x, y sourcingRow) int {
		return cmp.Or(cmp.Compare(x.key, y.key), cmp.Compare(x.priority, y.priority), cmp.Compare(x.lane, y.lane))
	})
	b.sourceAt = make([]int32, b.skus()+1)
	at := 0
	b.eachSKU(func(s, item, node int32) {
		for k := key(item, node); at < len(b.sources) && b.sources[at].key <= k; at++ {
		}
		b.sourceAt[s+1] = int32(at)
	})
	return nil
}

// sourcesOf returns the sourcing rows of a SKU.
func (x *sourcingRows) sourcesOf(s int32) []sourcingRow {
	if x.sourceAt == nil || s < 0 {
		return nil
	}
	return x.sources[x.sourceAt[s]:x.sourceAt[s+1]]
}

// vendorCarries reports whether a vendor supplies an item.
func (x *sourcingRows) vendorCarries(vendor, item int32) bool {
	if !x.namesSome[vendor] {
		return true
	}
	_, found := slices.BinarySearch(x.carries, key(vendor, item))
	return found
}

// laneSources reports whether the source of a lane carries an item.
func (b *builder) laneSources(lane, item int32) bool {
	l := &b.lanes[lane]
	if l.fromVendor {
		return b.vendorCarries(l.source, item)
	}
	return b.dcCarries(l.source, item)
}
