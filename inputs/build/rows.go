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
	f := filler{builder: b, values: b.values(), lots: newInterner(), provs: newInterner()}
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
	b.staged, b.stageAt, b.choiceOf, b.order = nil, nil, nil, nil // a quarter of what is held beside the rows
	return nil
}

// filler interns lot sets and provenance while rows are filled.
type filler struct {
	*builder
	values []parameterValue
	lots   interner
	provs  interner

	lotKey  []byte
	provKey [inputs.NumParameters]byte
	item    int32 // item of the SKU numbers around the row filled last
}

// interner numbers texts in the order in which they come. Rows near each other have few different ones: the numbers of
// some are found without the map.
type interner struct {
	texts []string
	at    map[string]int32
	memo  [1 << 10]int32 // by hash: number + 1
}

func newInterner() interner { return interner{at: map[string]int32{}} }

func (x *interner) of(text []byte) int32 {
	h := uint64(len(text))
	for rest := text; len(rest) > 0; rest = rest[min(8, len(rest)):] {
		var word uint64
		if len(rest) >= 8 {
			word = binary.LittleEndian.Uint64(rest)
		} else {
			for i, c := range rest {
				word |= uint64(c) << (8 * i)
			}
		}
		h = (h ^ word) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	m := &x.memo[h&uint64(len(x.memo)-1)]
	if *m > 0 && x.texts[*m-1] == string(text) {
		return *m - 1
	}
	n, ok := x.at[string(text)]
	if !ok {
		n = int32(len(x.texts))
		x.texts = append(x.texts, string(text))
		x.at[x.texts[n]] = n
	}
	*m = n + 1
	return n
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
	for i := range f.values {
		p := &f.values[i]
		if p.own != nil {
			if x := p.own[u.stage]; x != null {
				v[i], f.provKey[i] = x, byte(inputs.FromSKU)
				continue
			}
		}
		v[i], f.provKey[i] = p.value, p.scope
		if p.varies {
			var scope inputs.Scope
			v[i], scope = f.wider(i, &u)
			f.provKey[i] = byte(scope)
		}
	}
	p.Item[row], p.Node[row] = inputs.ItemIdx(item), inputs.NodeIdx(node)
	p.LaneSet[row] = inputs.LaneSetIdx(f.setOf[f.choiceOf[s]])
	p.LotSet[row] = inputs.LotSetIdx(f.lotSet(s, c, &v))
	p.Prov[row] = f.provs.of(f.provKey[:])
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
	return f.lots.of(k)
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

// settle puts lot sets and provenance in the order of their contents and renumbers the rows.
func (f *filler) settle() {
	lotSets := make([][]inputs.Lot, len(f.lots.texts))
	for i, text := range f.lots.texts {
		lotSets[i] = decodeLots([]byte(text))
	}
	provSets := f.provs.texts
	lotRank := ranks(len(lotSets), func(x, y int32) int {
		return slices.CompareFunc(lotSets[x], lotSets[y], func(a, c inputs.Lot) int {
			fa, fc := lotFields(&a), lotFields(&c)
			return slices.Compare(fa[:], fc[:])
		})
	})
	provRank := ranks(len(provSets), func(x, y int32) int { return cmp.Compare(provSets[x], provSets[y]) })
	f.net.LotSets = make([][]inputs.Lot, len(lotSets))
	for i, set := range lotSets {
		f.net.LotSets[lotRank[i]] = set
	}
	f.net.Provenance = make([]string, len(provSets))
	for i, set := range provSets {
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
