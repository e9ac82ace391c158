package build

import (
	"slices"

	"echelon/inputs"
)

// appendPartition puts the rows of a partial partition behind those that out has; at is the number of these. Item
// groups of partial partitions follow one another.
func appendPartition(out, from *inputs.Partition, at int) {
	out.Live += from.Live
	tile := int32(at / inputs.TileRows)
	out.Groups = append(out.Groups, from.Groups...)
	if n := len(out.GroupTile); n > 0 {
		out.GroupTile = out.GroupTile[:n-1] // where the next group begins
	}
	for _, t := range from.GroupTile {
		out.GroupTile = append(out.GroupTile, t+tile)
	}
	out.TileClass = append(out.TileClass, from.TileClass...)
	out.TileOwn = append(out.TileOwn, from.TileOwn...)
	base := map[uint8]int64{2: int64(len(out.D16)), 4: int64(len(out.D32)), 8: int64(len(out.D64))}
	for t, w := range from.TileWidth {
		out.TileWidth = append(out.TileWidth, w)
		place := int64(0)
		if w > 0 {
			place = from.TileAt[t] + base[w]
		}
		out.TileAt = append(out.TileAt, place)
	}
	out.D16, out.D32, out.D64 = append(out.D16, from.D16...), append(out.D32, from.D32...), append(out.D64, from.D64...)
	copyRows(out, from, at)
	appendSides(out, from, int32(at))
	out.Named = append(out.Named, from.Named...)
}

func copyRows(out, from *inputs.Partition, at int) {
	copy(out.Item[at:], from.Item)
	copy(out.Node[at:], from.Node)
	copy(out.LaneSet[at:], from.LaneSet)
	copy(out.LotSet[at:], from.LotSet)
	copy(out.Flags[at:], from.Flags)
	copy(out.Policy[at:], from.Policy)
	copy(out.OnHand[at:], from.OnHand)
	copy(out.Unusable[at:], from.Unusable)
	copy(out.Reserved[at:], from.Reserved)
	copy(out.Backorders[at:], from.Backorders)
	copy(out.SafetyUnits[at:], from.SafetyUnits)
	copy(out.SafetyDays[at:], from.SafetyDays)
	copy(out.Presentation[at:], from.Presentation)
	copy(out.ShelfCap[at:], from.ShelfCap)
	copy(out.Min[at:], from.Min)
	copy(out.Max[at:], from.Max)
	copy(out.CoverDays[at:], from.CoverDays)
	copy(out.ShelfLife[at:], from.ShelfLife)
	copy(out.Rank[at:], from.Rank)
	copy(out.SaleFrom[at:], from.SaleFrom)
	copy(out.SaleTo[at:], from.SaleTo)
	copy(out.Day0Left[at:], from.Day0Left)
	copy(out.Day0Of[at:], from.Day0Of)
	copy(out.ForecastDays[at:], from.ForecastDays)
	copy(out.Prov[at:], from.Prov)
}

func appendSides(out, from *inputs.Partition, at int32) {
	in, add := &out.Inbound, &from.Inbound
	in.Row = appendShifted(in.Row, add.Row, at)
	in.Day, in.Qty, in.Lane = append(in.Day, add.Day...), append(in.Qty, add.Qty...), append(in.Lane, add.Lane...)
	in.Flags, in.Due, in.Ref = append(in.Flags, add.Flags...), append(in.Due, add.Due...), append(in.Ref, add.Ref...)
	to, more := &out.Outbound, &from.Outbound
	to.Row = appendShifted(to.Row, more.Row, at)
	to.Day, to.Qty, to.Dest = append(to.Day, more.Day...), append(to.Qty, more.Qty...), append(to.Dest, more.Dest...)
	to.Lane, to.Ref = append(to.Lane, more.Lane...), append(to.Ref, more.Ref...)
	out.Lots.Row = appendShifted(out.Lots.Row, from.Lots.Row, at)
	out.Lots.Expires, out.Lots.Qty = append(out.Lots.Expires, from.Lots.Expires...), append(out.Lots.Qty, from.Lots.Qty...)
	out.Safety.Row = appendShifted(out.Safety.Row, from.Safety.Row, at)
	out.Safety.From, out.Safety.Units = append(out.Safety.From, from.Safety.From...), append(out.Safety.Units, from.Safety.Units...)
	out.Carry.Row = appendShifted(out.Carry.Row, from.Carry.Row, at)
	out.Carry.Units = append(out.Carry.Units, from.Carry.Units...)
}

func appendShifted(rows, more []int32, by int32) []int32 {
	rows = slices.Grow(rows, len(more))
	for _, r := range more {
		rows = append(rows, r+by)
	}
	return rows
}
