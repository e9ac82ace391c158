package store

import (
	"unsafe"

	"echelon/inputs"
)

// column is one slice of a snapshot, seen as bytes.
type column struct {
	name  string
	width int
	bytes func() []byte     // the slice's memory
	alloc func(n int) space // n elements in its place, and their memory
	empty func()            // no elements, keeping the memory
}

// fixed is the element types whose memory is their value.
type fixed interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~bool
}

func memory[T fixed](s []T) []byte {
	if len(s) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(s[0])))
}

// of describes a slice as a column.
func of[T fixed](name string, s *[]T) column {
	var zero T
	return column{
		name: name, width: int(unsafe.Sizeof(zero)),
		bytes: func() []byte { return memory(*s) },
		alloc: func(n int) space {
			var zero bool
			*s, zero = elements(*s, n)
			return space{memory(*s), zero}
		},
		empty: func() { *s = (*s)[:0] },
	}
}

// space is the memory of a column.
type space struct {
	bytes []byte
	zero  bool // all of it is 0
}

// elements gives n elements, in the memory of a slice where that has room; zero: they are new, and 0.
func elements[T fixed](s []T, n int) (out []T, zero bool) {
	if cap(s) >= n {
		return s[:n], false
	}
	room := n
	if cap(s) > 0 { // its partition is used again and again: DCs differ a little in size
		room += n / 16
	}
	out = make([]T, room)
	return out[:n], true
}

// texts is a list of strings as two columns.
type texts struct {
	list *[]string
	end  []int64
	text []byte
}

// pack fills the two columns from the list.
func (t *texts) pack() {
	size := 0
	for _, s := range *t.list {
		size += len(s)
	}
	t.end, t.text = make([]int64, 0, len(*t.list)), make([]byte, 0, size)
	for _, s := range *t.list {
		t.text = append(t.text, s...)
		t.end = append(t.end, int64(len(t.text)))
	}
}

// unpack fills the list from the two columns; false when they do not fit together.
func (t *texts) unpack() bool {
	if len(t.end) == 0 {
		*t.list = nil
		return len(t.text) == 0
	}
	all := string(t.text)
	list := make([]string, len(t.end))
	from := int64(0)
	for i, to := range t.end {
		if to < from || to > int64(len(all)) {
			return false
		}
		list[i] = all[from:to]
		from = to
	}
	*t.list, t.text, t.end = list, nil, nil
	return from == int64(len(all))
}

// table is the columns of one file. Texts are packed into columns of their own.
type table struct {
	columns []column
	texts   []*texts
}

func (t *table) text(name string, list *[]string) {
	x := &texts{list: list}
	t.texts = append(t.texts, x)
	t.columns = append(t.columns, of(name+".end", &x.end), of(name+".text", &x.text))
}

func (t *table) add(c ...column) { t.columns = append(t.columns, c...) }

func (t *table) pack() {
	for _, x := range t.texts {
		x.pack()
	}
}

// size is the bytes of a table's columns in memory; a text counts with its string.
func (t *table) size() int64 {
	const stringBytes = 16
	var total int64
	for i := range t.columns {
		total += int64(len(t.columns[i].bytes()))
	}
	for _, x := range t.texts {
		total += int64(len(*x.list)) * stringBytes
	}
	return total
}

// partitionTable lists the columns of a partition; head is its DC-wide facts: horizon, live rows.
func partitionTable(p *inputs.Partition, head *[]int64) *table {
	t := &table{}
	t.add(
		of("head", head), of("groups", &p.Groups), of("group_tile", &p.GroupTile),
		of("tile_class", &p.TileClass), of("tile_own", &p.TileOwn), of("tile_width", &p.TileWidth), of("tile_at", &p.TileAt),
		of("d16", &p.D16), of("d32", &p.D32), of("d64", &p.D64),
		of("item", &p.Item), of("node", &p.Node), of("lane_set", &p.LaneSet), of("lot_set", &p.LotSet),
		of("flags", &p.Flags), of("policy", &p.Policy), of("on_hand", &p.OnHand), of("unusable", &p.Unusable),
		of("reserved", &p.Reserved), of("backorders", &p.Backorders), of("safety_units", &p.SafetyUnits),
		of("safety_days", &p.SafetyDays), of("presentation", &p.Presentation), of("shelf_cap", &p.ShelfCap),
		of("min", &p.Min), of("max", &p.Max), of("cover_days", &p.CoverDays), of("shelf_life", &p.ShelfLife),
		of("rank", &p.Rank), of("sale_from", &p.SaleFrom), of("sale_to", &p.SaleTo),
		of("day0_left", &p.Day0Left), of("day0_of", &p.Day0Of), of("forecast_days", &p.ForecastDays), of("prov", &p.Prov),
		of("inbound.row", &p.Inbound.Row), of("inbound.day", &p.Inbound.Day), of("inbound.qty", &p.Inbound.Qty),
		of("inbound.lane", &p.Inbound.Lane), of("inbound.flags", &p.Inbound.Flags), of("inbound.due", &p.Inbound.Due),
		of("outbound.row", &p.Outbound.Row), of("outbound.day", &p.Outbound.Day), of("outbound.qty", &p.Outbound.Qty),
		of("outbound.dest", &p.Outbound.Dest), of("outbound.lane", &p.Outbound.Lane),
		of("lots.row", &p.Lots.Row), of("lots.expires", &p.Lots.Expires), of("lots.qty", &p.Lots.Qty),
		of("safety.row", &p.Safety.Row), of("safety.from", &p.Safety.From), of("safety.units", &p.Safety.Units),
		of("carry.row", &p.Carry.Row), of("carry.units", &p.Carry.Units),
	)
	t.text("inbound.ref", &p.Inbound.Ref)
	t.text("outbound.ref", &p.Outbound.Ref)
	t.text("named", &p.Named)
	return t
}

// sound reports what is wrong with the shape of a loaded partition, "" for nothing.
func sound(p *inputs.Partition) string {
	rows, tiles := p.Rows(), p.Tiles()
	if rows != tiles*inputs.TileRows || len(p.GroupTile) != len(p.Groups)+1 || p.Live > rows {
		return "rows, tiles and groups do not fit together"
	}
	for _, n := range []int{
		len(p.Node), len(p.LaneSet), len(p.LotSet), len(p.Flags), len(p.Policy), len(p.OnHand), len(p.Unusable),
		len(p.Reserved), len(p.Backorders), len(p.SafetyUnits), len(p.SafetyDays), len(p.Presentation), len(p.ShelfCap),
		len(p.Min), len(p.Max), len(p.CoverDays), len(p.ShelfLife), len(p.Rank), len(p.SaleFrom), len(p.SaleTo),
		len(p.Day0Left), len(p.Day0Of), len(p.ForecastDays), len(p.Prov),
	} {
		if n != rows {
			return "row columns differ in length"
		}
	}
	if len(p.TileOwn) != tiles || len(p.TileWidth) != tiles || len(p.TileAt) != tiles {
		return "tile columns differ in length"
	}
	for t := range tiles {
		size := map[uint8]int{2: len(p.D16), 4: len(p.D32), 8: len(p.D64)}[p.TileWidth[t]]
		if p.TileWidth[t] != 0 && (p.TileAt[t] < 0 || p.TileAt[t]+int64(inputs.TileRows*p.Horizon) > int64(size)) {
			return "a tile's demand lies outside"
		}
	}
	in, out := len(p.Inbound.Row), len(p.Outbound.Row)
	for _, n := range []int{len(p.Inbound.Day), len(p.Inbound.Qty), len(p.Inbound.Lane), len(p.Inbound.Flags), len(p.Inbound.Due), len(p.Inbound.Ref)} {
		if n != in {
			return "inbound columns differ in length"
		}
	}
	for _, n := range []int{len(p.Outbound.Day), len(p.Outbound.Qty), len(p.Outbound.Dest), len(p.Outbound.Lane), len(p.Outbound.Ref)} {
		if n != out {
			return "outbound columns differ in length"
		}
	}
	if len(p.Lots.Row) != len(p.Lots.Qty) || len(p.Lots.Row) != len(p.Lots.Expires) || len(p.Carry.Row) != len(p.Carry.Units) ||
		len(p.Safety.Row) != len(p.Safety.From) || len(p.Safety.Row) != len(p.Safety.Units) {
		return "side columns differ in length"
	}
	return ""
}
