package inputs

import (
	"reflect"
	"sort"

	"echelon/calendars"
)

// Alloc gives the row columns of a partition room for n rows, all of them dead: no item, no node, no lane,
// no lot, policy none, no dates.
func (p *Partition) Alloc(n int) {
	p.Item, p.Node = make([]ItemIdx, n), make([]NodeIdx, n)
	p.LaneSet, p.LotSet = make([]LaneSetIdx, n), make([]LotSetIdx, n)
	p.Flags, p.Policy = make([]RowFlags, n), make([]SKUPolicy, n)
	p.OnHand, p.Unusable = make([]int32, n), make([]int32, n)
	p.Reserved, p.Backorders = make([]int32, n), make([]int32, n)
	p.SafetyUnits, p.SafetyDays = make([]int32, n), make([]int32, n)
	p.Presentation, p.ShelfCap = make([]int32, n), make([]int32, n)
	p.Min, p.Max = make([]int32, n), make([]int32, n)
	p.CoverDays, p.ShelfLife, p.Rank = make([]int16, n), make([]int16, n), make([]int16, n)
	p.SaleFrom, p.SaleTo = make([]calendars.Day, n), make([]calendars.Day, n)
	p.Day0Left, p.Day0Of = make([]uint16, n), make([]uint16, n)
	p.ForecastDays, p.Prov = make([]int16, n), make([]int32, n)
	for i := range n {
		p.Item[i], p.Node[i], p.LaneSet[i], p.LotSet[i] = None, None, None, None
		p.Policy[i], p.ShelfCap[i] = PolicyNone, None
		p.SaleFrom[i], p.SaleTo[i] = calendars.MinDay, calendars.MaxDay
	}
}

// Rows returns the number of rows, dead ones included.
func (p *Partition) Rows() int { return len(p.Item) }

// Find returns the row of an item at a node, -1 when the partition has none.
func (p *Partition) Find(item ItemIdx, node NodeIdx) int {
	f := finder{p: p, group: -1}
	return f.find(item, node)
}

// finder looks rows up by (item, node). Within a group, rows of one class are sorted by (node, item); the
// runs of the group looked at last are kept.
type finder struct {
	p     *Partition
	group int32
	runs  []int // tile at which each run of one class begins, and the end
}

func (f *finder) find(item ItemIdx, node NodeIdx) int {
	if item < 0 {
		return -1
	}
	if group := int32(item) / TileRows; group != f.group {
		f.load(group)
	}
	for i := 0; i+1 < len(f.runs); i++ {
		lo, hi := f.runs[i]*TileRows, f.runs[i+1]*TileRows
		row := lo + sort.Search(hi-lo, func(k int) bool {
			at := lo + k
			if f.p.Item[at] == None {
				return true // dead rows end a run
			}
			return f.p.Node[at] > node || (f.p.Node[at] == node && f.p.Item[at] >= item)
		})
		if row < hi && f.p.Item[row] == item && f.p.Node[row] == node {
			return row
		}
	}
	return -1
}

func (f *finder) load(group int32) {
	f.group, f.runs = group, f.runs[:0]
	g := sort.Search(len(f.p.Groups), func(i int) bool { return f.p.Groups[i] >= group })
	if g == len(f.p.Groups) || f.p.Groups[g] != group {
		return
	}
	first, end := int(f.p.GroupTile[g]), int(f.p.GroupTile[g+1])
	for t := first; t < end; t++ {
		if t == first || f.p.TileClass[t] != f.p.TileClass[t-1] || f.p.TileOwn[t] != f.p.TileOwn[t-1] {
			f.runs = append(f.runs, t)
		}
	}
	f.runs = append(f.runs, end)
}

// Bytes is the memory that the partition's columns hold, texts included.
func (p *Partition) Bytes() int64 {
	return columnBytes(reflect.ValueOf(p).Elem())
}

func columnBytes(v reflect.Value) int64 {
	total := int64(0)
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Struct:
			total += columnBytes(f)
		case f.Kind() == reflect.Slice:
			total += int64(f.Cap()) * int64(f.Type().Elem().Size())
			if f.Type().Elem().Kind() != reflect.String {
				continue
			}
			for k := range f.Len() {
				total += int64(f.Index(k).Len())
			}
		}
	}
	return total
}
