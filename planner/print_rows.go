package planner

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"echelon/inputs"
)

// block is the facts of the items of one group.
type block [inputs.TileRows]printCell

// dcPrints is the facts of one DC's partition, parallel to its groups.
type dcPrints struct {
	groups []int32
	blocks []block
	read   int64 // rows that were looked at
	// of a partition compared row by row with the base's: per group, items of which something else than carry moved
	near  bool
	moved []uint64
}

// printPartition reads all facts of a partition once, groups in parallel.
func (x *prints) printPartition(p *inputs.Partition, unit, workers int) *dcPrints {
	out := &dcPrints{groups: slices.Clone(p.Groups), blocks: make([]block, len(p.Groups)), read: int64(p.Live)}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(workers, max(1, len(p.Groups))) {
		wg.Go(func() {
			w := rowPrinter{prints: x, part: p, unit: x.near[unit]}
			for {
				at := int(next.Add(1)) - 1
				if at >= len(p.Groups) {
					return
				}
				for tile := p.GroupTile[at]; tile < p.GroupTile[at+1]; tile++ {
					w.tile(int(tile), &out.blocks[at])
				}
			}
		})
	}
	wg.Wait()
	return out
}

// rowPrinter reads the tiles of a partition.
type rowPrinter struct {
	*prints
	part *inputs.Partition
	unit Print
	a, b [inputs.TileRows]uint64 // demand of the tile's rows
}

func (w *rowPrinter) tile(tile int, out *block) {
	p := w.part
	w.demand(tile)
	for lane := range inputs.TileRows {
		row := tile*inputs.TileRows + lane
		if item := p.Item[row]; item != inputs.None {
			w.row(row, item, Print{w.a[lane], w.b[lane]}, &out[item%inputs.TileRows])
		}
	}
}

// demand mixes the days of the tile's 64 rows, two days a word. A number prints the same whatever the width of
// its tile.
func (w *rowPrinter) demand(tile int) {
	p, h := w.part, w.horizon
	for i := range w.a {
		w.a[i], w.b[i] = 11, 12
	}
	at := int(p.TileAt[tile])
	switch p.TileWidth[tile] {
	case 0:
		for day := 0; day < h; day += 2 {
			for lane := range w.a {
				w.days(lane, 0, 0)
			}
		}
	case 2:
		mixDays(w, p.D16[at:at+h*inputs.TileRows])
	case 4:
		mixDays(w, p.D32[at:at+h*inputs.TileRows])
	default:
		mixDays(w, p.D64[at:at+h*inputs.TileRows])
	}
}

func mixDays[T uint16 | uint32 | int64](w *rowPrinter, days []T) {
	for len(days) >= 2*inputs.TileRows {
		first, second := (*[inputs.TileRows]T)(days), (*[inputs.TileRows]T)(days[inputs.TileRows:])
		for lane := range first {
			w.days(lane, uint64(first[lane]), uint64(second[lane]))
		}
		days = days[2*inputs.TileRows:]
	}
	if len(days) > 0 {
		for lane, v := range (*[inputs.TileRows]T)(days) {
			w.days(lane, uint64(v), 0)
		}
	}
}

// days mixes two days of one row.
func (w *rowPrinter) days(lane int, one, two uint64) {
	word := one | two<<32
	if (one|two)>>32 != 0 { // huge demand: what does not fit goes in as a word of its own
		w.mix(lane, one>>32|two>>32<<32|1<<63)
		word = one&0xffffffff | two<<32
	}
	w.mix(lane, word)
}

func (w *rowPrinter) mix(lane int, word uint64) {
	hi, lo := bits.Mul64(w.a[lane]^word, mixA) // as Print.word
	w.a[lane], w.b[lane] = w.b[lane]^hi, lo
}

// entryFlags say that a row has entries in side columns; the entries themselves are printed.
const entryFlags = inputs.FlagInbound | inputs.FlagOutbound | inputs.FlagLots | inputs.FlagDatedSafety | inputs.FlagCarry

// row adds one row to the facts of its item.
func (w *rowPrinter) row(row int, item inputs.ItemIdx, h Print, out *printCell) {
	w.own(row, item, h, out)
	w.carry(row, out)
}

// carry adds a row's carry.
func (w *rowPrinter) carry(row int, out *printCell) {
	p := w.part
	if p.Flags[row]&inputs.FlagCarry == 0 {
		return
	}
	name := w.nodes[p.Node[row]]
	lo, hi := inputs.Range(p.Carry.Row, int32(row))
	for i := lo; i < hi; i++ {
		out.add(ofCarry, name.num(p.Carry.Units[i]))
	}
}

// own adds all of a row but its carry.
func (w *rowPrinter) own(row int, item inputs.ItemIdx, h Print, out *printCell) {
	p := w.part
	f := p.Flags[row]
	node := p.Node[row]
	name := w.nodes[node]
	h = h.with(w.items[item], 7).with(name, 29)
	h = h.word(uint64(f&^entryFlags) | uint64(p.Policy[row])<<16 | uint64(p.Day0Left[row])<<24 | uint64(p.Day0Of[row])<<40)
	h = h.word(uint64(uint16(p.CoverDays[row])) | uint64(uint16(p.ShelfLife[row]))<<16 | uint64(uint16(p.Rank[row]))<<32 | uint64(uint16(p.ForecastDays[row]))<<48)
	h = h.two(p.OnHand[row], p.Unusable[row]).two(p.Reserved[row], p.Backorders[row])
	h = h.two(p.SafetyUnits[row], p.SafetyDays[row]).two(p.Presentation[row], p.ShelfCap[row]).two(p.Min[row], p.Max[row])
	if f&inputs.FlagDates != 0 {
		h = h.two(int32(p.SaleFrom[row]), int32(p.SaleTo[row]))
	}
	if f&(entryFlags&^inputs.FlagCarry) != 0 {
		h = w.entries(int32(row), f, h, name, out)
	}
	out.rows++
	out.add(ofRows, h)
	lanes := name.with(w.unit, 11)
	if set := p.LaneSet[row]; set != inputs.None {
		lanes = lanes.with(w.sets[set], 23)
	}
	if lots := p.LotSet[row]; lots != inputs.None {
		lanes = lanes.with(w.lots[lots], 41)
	}
	out.add(ofLanes, lanes)
	out.closed(ofDate, w.prints.days[node])
}

// entries adds what stands in the side columns: remembered releases apart, the rest to the row.
func (w *rowPrinter) entries(row int32, f inputs.RowFlags, h, name Print, out *printCell) Print {
	p := w.part
	if f&inputs.FlagInbound != 0 {
		lo, hi := inputs.Range(p.Inbound.Row, row)
		for i := lo; i < hi; i++ {
			e := name.two(p.Inbound.Day[i], int32(p.Inbound.Due[i])).num(p.Inbound.Qty[i]).text(p.Inbound.Ref[i])
			e = e.num(int64(p.Inbound.Flags[i]))
			if lane := p.Inbound.Lane[i]; lane != inputs.None {
				e = e.text(w.net.Lanes.ID[lane]).print(w.nodes[w.net.Lanes.Source[lane]])
			}
			if p.Inbound.Flags[i]&inputs.OrderRelease != 0 {
				out.add(ofReleases, e)
			} else {
				h = h.print(e)
			}
		}
	}
	if f&inputs.FlagOutbound != 0 { // what is picked counts, not who picks it: the entries of a day add up
		var sum Print
		lo, hi := inputs.Range(p.Outbound.Row, row)
		for i := lo; i < hi; i++ {
			sum = sum.Add(Print{13, 14}.two(p.Outbound.Day[i], 0).num(p.Outbound.Qty[i]).end(13))
		}
		h = h.print(sum)
	}
	if f&inputs.FlagLots != 0 {
		lo, hi := inputs.Range(p.Lots.Row, row)
		for i := lo; i < hi; i++ {
			h = h.num(int64(p.Lots.Expires[i])).num(p.Lots.Qty[i])
		}
		h = h.num(int64(hi - lo))
	}
	if f&inputs.FlagDatedSafety != 0 {
		lo, hi := inputs.Range(p.Safety.Row, row)
		for i := lo; i < hi; i++ {
			h = h.two(int32(p.Safety.From[i]), p.Safety.Units[i])
		}
		h = h.num(int64(hi - lo))
	}
	return h
}
