package build

import (
	"cmp"
	"encoding/binary"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// fillRows allocates the row columns of every partition and fills what follows from the SKU itself: lanes,
// parameters, lots, dates. Positions and demand come later; until then a row is held.
func (b *builder) fillRows() error {
	f := filler{builder: b, lots: map[string]int32{}, provs: map[string]int32{}}
	for i, p := range b.parts {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		p.Alloc(len(b.order[i]))
		for row, s := range b.order[i] {
			if s != inputs.None {
				f.row(p, row, s)
			}
		}
	}
	f.settle()
	return nil
}

// filler interns lot sets and provenance while rows are filled.
type filler struct {
	*builder
	lots  map[string]int32
	provs map[string]int32

	lotSets  [][]inputs.Lot
	provSets []string
	lotKey   []byte
	provKey  [inputs.NumParameters]byte
	lastLot  int32 // memo: the set found last and its key
	lastKey  []byte
	lastProv int32
	item     int32 // item of the SKU numbers around the row filled last
}

func (f *filler) row(p *inputs.Partition, row int, s int32) {
	item, node := f.itemOf(s), f.nodeOf[s]
	c := &f.choices[f.choiceOf[s]]
	u := subject{
		item: item, node: node, category: f.category[item], group: f.group[node], vendor: inputs.None, stage: f.stageAt[s],
	}
	if len(c.uses) > 0 {
		if l := &f.lanes[c.uses[0].lane]; l.fromVendor {
			u.vendor = l.source
		}
	}
	var v [inputs.NumParameters]int32
	for i := range v {
		var scope inputs.Scope
		v[i], scope = f.value(i, &u)
		f.provKey[i] = byte(scope)
	}
	p.Item[row], p.Node[row] = inputs.ItemIdx(item), inputs.NodeIdx(node)
	p.LaneSet[row] = inputs.LaneSetIdx(f.setOf[f.choiceOf[s]])
	p.LotSet[row] = inputs.LotSetIdx(f.lotSet(s, c, &v))
	p.Prov[row] = f.prov()
	flags := inputs.FlagHeld | inputs.FlagNoForecast | f.cycleRow[s]
	if f.opt.MissingZero {
		flags &^= inputs.FlagHeld
	}
	if f.net.Nodes.Lost[node] {
		flags |= inputs.FlagLost
	}
	if f.partOf[s] == node {
		flags |= inputs.FlagOwn
	}
	if len(c.uses) == 0 {
		flags |= inputs.FlagNoLane
	}
	p.Policy[row] = inputs.SKUPolicy(v[inputs.ParamPolicy])
	if flags&inputs.FlagLaneCycle != 0 {
		p.Policy[row] = inputs.PolicyNone
	}
	p.Min[row], p.Max[row], p.CoverDays[row] = v[inputs.ParamMin], v[inputs.ParamMax], int16(v[inputs.ParamCoverDays])
	p.SafetyUnits[row], p.SafetyDays[row] = v[inputs.ParamSafetyUnits], v[inputs.ParamSafetyDays]
	p.Presentation[row], p.ShelfCap[row] = v[inputs.ParamPresentation], v[inputs.ParamShelfCap]
	p.ShelfLife[row], p.Rank[row] = f.itemLife[item], int16(v[inputs.ParamRank])
	p.SaleFrom[row] = max(calendars.Day(v[inputs.ParamActiveFrom]), f.sellFrom[item], f.nodeFrom[node])
	p.SaleTo[row] = min(calendars.Day(v[inputs.ParamActiveTo]), f.sellTo[item], f.nodeTo[node])
	if p.SaleFrom[row] != calendars.MinDay || p.SaleTo[row] != calendars.MaxDay {
		flags |= inputs.FlagDates
	}
	minutes := f.day0Minutes(node)
	p.Day0Left[row], p.Day0Of[row] = minutes, minutes
	p.Flags[row] = flags
}

// itemOf gives the item of a SKU number. Rows of a tile are near each other: the search starts at the last.
func (f *filler) itemOf(s int32) int32 {
	if f.itemAt[f.item] <= s && s < f.itemAt[f.item+1] {
		return f.item
	}
	if n := f.item + 1; int(n)+1 < len(f.itemAt) && f.itemAt[n] <= s && s < f.itemAt[n+1] {
		f.item = n
		return n
	}
	i, _ := slices.BinarySearch(f.itemAt, s+1) // the first item that begins after s
	f.item = int32(i) - 1
	return f.item
}

// lotSet returns the number of the lot sizes of a SKU, one per lane, or one when it has no lane. A sourcing
// row's pack and minimum beat the cascade.
func (f *filler) lotSet(s int32, c *choice, v *[inputs.NumParameters]int32) int32 {
	lot := inputs.Lot{
		Pack: v[inputs.ParamPack], MOQ: v[inputs.ParamMOQ], LayerPacks: v[inputs.ParamLayer], PalletPacks: v[inputs.ParamPallet],
		Tolerance: v[inputs.ParamTolerance], DeadBand: v[inputs.ParamDeadBand],
	}
	rows := f.sourcesOf(s)
	k := f.lotKey[:0]
	lots := max(1, len(c.uses))
	for i := range lots {
		one := lot
		if i < len(c.uses) {
			for _, r := range rows {
				if r.lane != c.uses[i].lane {
					continue
				}
				if r.pack >= 0 {
					one.Pack = r.pack
				}
				if r.moq >= 0 {
					one.MOQ = r.moq
				}
				if i == 0 {
					f.sourcedScope(r)
				}
			}
		}
		for _, x := range lotFields(&one) {
			k = binary.LittleEndian.AppendUint32(k, uint32(x))
		}
	}
	f.lotKey = k
	if string(k) == string(f.lastKey) && f.lotSets != nil {
		return f.lastLot
	}
	n, ok := f.lots[string(k)]
	if !ok {
		n = int32(len(f.lotSets))
		f.lots[string(k)] = n
		f.lotSets = append(f.lotSets, decodeLots(k))
	}
	f.lastLot, f.lastKey = n, append(f.lastKey[:0], k...)
	return n
}

func (f *filler) sourcedScope(r sourcingRow) {
	if r.pack >= 0 {
		f.provKey[inputs.ParamPack] = byte(inputs.FromSourcing)
	}
	if r.moq >= 0 {
		f.provKey[inputs.ParamMOQ] = byte(inputs.FromSourcing)
	}
}

func lotFields(l *inputs.Lot) [6]int32 {
	return [6]int32{l.Pack, l.MOQ, l.LayerPacks, l.PalletPacks, l.Tolerance, l.DeadBand}
}

func decodeLots(k []byte) []inputs.Lot {
	lots := make([]inputs.Lot, len(k)/24)
	for i := range lots {
		var x [6]int32
		for j := range x {
			x[j] = int32(binary.LittleEndian.Uint32(k[24*i+4*j:]))
		}
		lots[i] = inputs.Lot{Pack: x[0], MOQ: x[1], LayerPacks: x[2], PalletPacks: x[3], Tolerance: x[4], DeadBand: x[5]}
	}
	return lots
}

// prov returns the number of the row's provenance.
func (f *filler) prov() int32 {
	if n := f.lastProv; int(n) < len(f.provSets) && f.provSets[n] == string(f.provKey[:]) {
		return n
	}
	n, ok := f.provs[string(f.provKey[:])]
	if !ok {
		n = int32(len(f.provSets))
		text := string(f.provKey[:])
		f.provs[text] = n
		f.provSets = append(f.provSets, text)
	}
	f.lastProv = n
	return n
}

// settle puts lot sets and provenance in the order of their contents and renumbers the rows.
func (f *filler) settle() {
	lotRank := ranks(len(f.lotSets), func(x, y int32) int {
		return slices.CompareFunc(f.lotSets[x], f.lotSets[y], func(a, c inputs.Lot) int {
			fa, fc := lotFields(&a), lotFields(&c)
			return slices.Compare(fa[:], fc[:])
		})
	})
	provRank := ranks(len(f.provSets), func(x, y int32) int { return cmp.Compare(f.provSets[x], f.provSets[y]) })
	f.net.LotSets = make([][]inputs.Lot, len(f.lotSets))
	for i, set := range f.lotSets {
		f.net.LotSets[lotRank[i]] = set
	}
	f.net.Provenance = make([]string, len(f.provSets))
	for i, set := range f.provSets {
		f.net.Provenance[provRank[i]] = set
	}
	for _, p := range f.parts {
		for row := range p.LotSet {
			if p.Item[row] != inputs.None {
				p.LotSet[row] = inputs.LotSetIdx(lotRank[p.LotSet[row]])
				p.Prov[row] = provRank[p.Prov[row]]
			}
		}
	}
}

// ranks returns the rank of each of n things in sorted order.
func ranks(n int, compare func(x, y int32) int) []int32 {
	order, rank := make([]int32, n), make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, compare)
	for i, x := range order {
		rank[x] = int32(i)
	}
	return rank
}

// day0Minutes gives the length of a node's day 0.
func (b *builder) day0Minutes(node int32) uint16 {
	zone := b.net.Nodes.Zone[node]
	if b.zoneDay == nil {
		b.zoneDay = make([]zoneDay, len(b.zones))
		for i, z := range b.zones {
			day := z.DayOf(b.opt.AsOf)
			b.zoneDay[i] = zoneDay{start: z.Start(day), end: z.Start(day + 1), minutes: uint16(z.MinutesOfDay(day))}
		}
	}
	return b.zoneDay[zone].minutes
}

// zoneDay is day 0 in one zone: instants of its start and end, and its length.
type zoneDay struct {
	start, end int64
	minutes    uint16
}
