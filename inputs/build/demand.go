package build

import (
	"math"

	"echelon/calendars"
	"echelon/inputs"
)

// Forecast rows are written straight into tiles as they are read: two bytes a day, a tile widened when a
// value asks for more. Two kinds of SKUs need a second look, at most manySlow at a time: those whose rows
// were issued at different instants (the latest counts day by day), and those whose forecast ends so early
// that days before day 0 belong to the week that is repeated.

// manySlow bounds the memory of the second look, in SKUs.
const manySlow = 1 << 19

// spot is what is known of the forecast of one row.
type spot struct {
	first, last int16 // forecast days from day 0, cut to the range of int16 and to the horizon
	issue       int32 // 1 + index of the issue instant of all its rows so far; 0: no row
	slow        bool
}

// demand is the forecasts of one partition while they are read.
type demand struct {
	width []uint8
	at    []int64 // first element of the tile in the slice of its width
	d16   []uint16
	d32   []uint32
	d64   []int64
	spots []spot
}

// forecasts reads the table.
type forecasts struct {
	*builder
	parts  []*demand
	issues map[int64]int32
	lastAt int64 // issue instant met last, and its number
	lastNo int32
	list   [1]int64
}

func (b *builder) readForecasts() error {
	f := &forecasts{builder: b, issues: map[int64]int32{}}
	for _, p := range b.parts {
		tiles := p.Tiles()
		d := &demand{width: make([]uint8, tiles), at: make([]int64, tiles), spots: make([]spot, p.Rows())}
		for t := range tiles {
			d.width[t], d.at[t] = 2, int64(t)*inputs.TileRows*int64(b.horizon)
		}
		d.d16 = make([]uint16, tiles*inputs.TileRows*b.horizon)
		f.parts = append(f.parts, d)
	}
	counts := b.report.counts("forecasts")
	err := b.skuRows("forecasts", func(t *inputs.Batch) func(int, int32) {
		c := f.columns(t)
		return func(r int, s int32) {
			if !c.quantile.IsNull(r) {
				counts.Filtered++
				return
			}
			from, list := c.days(f, r, s)
			f.write(s, from, list, f.issue(c.issued.Int(r, math.MinInt64)))
		}
	})
	if err != nil {
		return err
	}
	if err := f.secondLook(); err != nil {
		return err
	}
	for i, p := range b.parts {
		f.parts[i].finish(p)
		f.parts[i] = nil
	}
	return b.ctx.Err()
}

// forecastColumns is the columns of one batch.
type forecastColumns struct{ day, demand, from, daily, issued, quantile *inputs.Vector }

func (f *forecasts) columns(t *inputs.Batch) forecastColumns {
	return forecastColumns{
		day: t.Col("day"), demand: t.Col("demand"), from: t.Col("from"), daily: t.Col("daily"),
		issued: t.Col("issued_at"), quantile: t.Col("quantile"),
	}
}

// days gives the demand of a row from a day, counted from the node's day 0.
func (c *forecastColumns) days(f *forecasts, r int, s int32) (from int, list []int64) {
	day0 := f.net.Nodes.Day0[f.nodeOf[s]]
	if !c.day.IsNull(r) {
		f.list[0] = c.demand.Int(r, 0)
		return int(calendars.Day(c.day.Ints[r]) - day0), f.list[:]
	}
	return int(dayOr(c.from, r, 0) - day0), c.daily.Ints64(r)
}

// issue numbers the instants at which forecasts were made.
func (f *forecasts) issue(at int64) int32 {
	if f.lastNo != 0 && at == f.lastAt {
		return f.lastNo
	}
	n, ok := f.issues[at]
	if !ok {
		n = int32(len(f.issues)) + 1
		f.issues[at] = n
	}
	f.lastAt, f.lastNo = at, n
	return n
}

// write notes a row's days and writes those inside the horizon; of equal days the larger value stays.
func (f *forecasts) write(s int32, from int, list []int64, issue int32) {
	if len(list) == 0 {
		return
	}
	d, row := f.parts[f.partition(s)], f.rowOf[s]
	sp := &d.spots[row]
	first, last := clip(min(from, f.horizon-1)), clip(min(from+len(list)-1, f.horizon-1))
	if from >= f.horizon {
		first = last // known, and not looked at: the horizon has a forecast up to its end
	}
	if sp.issue == 0 {
		sp.issue, sp.first, sp.last = issue, first, last
	} else {
		sp.first, sp.last = min(sp.first, first), max(sp.last, last)
		sp.slow = sp.slow || sp.issue != issue
	}
	skip := min(max(0, -from), len(list))
	list, from = list[skip:min(len(list), max(skip, f.horizon-from))], from+skip
	tile, lane := int(row)/inputs.TileRows, int64(row)%inputs.TileRows
	at := d.at[tile] + int64(from)*inputs.TileRows + lane
	for i, v := range list {
		if d.width[tile] == 2 && v <= math.MaxUint16 {
			d.d16[at] = max(d.d16[at], uint16(v))
		} else if v > d.get(tile, at) {
			d.set(tile, at, v, f.horizon)
			at = d.at[tile] + int64(from+i)*inputs.TileRows + lane // the tile may have moved
		}
		at += inputs.TileRows
	}
}

func clip(day int) int16 { return int16(max(day, math.MinInt16)) }

func (d *demand) get(tile int, at int64) int64 {
	switch d.width[tile] {
	case 2:
		return int64(d.d16[at])
	case 4:
		return int64(d.d32[at])
	}
	return d.d64[at]
}

// set writes a value at a place of a tile, widening the tile when the value does not fit.
func (d *demand) set(tile int, at, v int64, horizon int) {
	if w := widthOf(v); w > d.width[tile] {
		at -= d.at[tile]
		d.widen(tile, w, horizon)
		at += d.at[tile]
	}
	switch d.width[tile] {
	case 2:
		d.d16[at] = uint16(v)
	case 4:
		d.d32[at] = uint32(v)
	default:
		d.d64[at] = v
	}
}

func (d *demand) widen(tile int, width uint8, horizon int) {
	n, old := int64(inputs.TileRows*horizon), d.at[tile]
	if width == 4 {
		d.at[tile] = int64(len(d.d32))
		d.d32 = append(d.d32, make([]uint32, n)...)
		for i := range n {
			d.d32[d.at[tile]+i] = uint32(d.d16[old+i])
		}
	} else {
		at := int64(len(d.d64))
		d.d64 = append(d.d64, make([]int64, n)...)
		for i := range n {
			d.d64[at+i] = d.get(tile, old+i)
		}
		d.at[tile] = at
	}
	d.width[tile] = width
}

// widthOf gives the bytes that a value needs.
func widthOf(v int64) uint8 {
	switch {
	case v == 0:
		return 0
	case v <= math.MaxUint16:
		return 2
	case v <= math.MaxUint32:
		return 4
	}
	return 8
}

// slowRow is a SKU on its second look: value and issue instant per day of the horizon, then of the last
// seven forecast days where those begin before day 0.
type slowRow struct {
	value, issued []int64
	seen          []bool
}

// secondLook reads the forecasts again for the SKUs that need it.
func (f *forecasts) secondLook() error {
	var slow []int32
	for s := range f.rowOf {
		sp := &f.parts[f.partition(int32(s))].spots[f.rowOf[s]]
		if sp.issue != 0 && (sp.slow || (sp.last < 6 && sp.first < 0)) {
			sp.slow = true
			slow = append(slow, int32(s))
		}
	}
	for len(slow) > 0 {
		n := min(len(slow), manySlow)
		if err := f.lookAt(slow[:n]); err != nil {
			return err
		}
		slow = slow[n:]
	}
	return nil
}

func (f *forecasts) lookAt(slow []int32) error {
	rows := make(map[int32]*slowRow, len(slow))
	n := f.horizon + 7
	for _, s := range slow {
		rows[s] = &slowRow{value: make([]int64, n), issued: make([]int64, n), seen: make([]bool, n)}
	}
	items, nodes := f.itemIDs.refs(), f.nodeIDs.refs()
	err := f.again("forecasts", func(t *inputs.Batch) error {
		c := f.columns(t)
		itemOf, nodeOf := items.resolve(t.Col("item"), t.Rows), nodes.resolve(t.Col("node"), t.Rows)
		for r := 0; r < t.Rows; r++ {
			i, at := itemOf[r], nodeOf[r]
			if i < 0 || at < 0 || deleted(t, r) || !c.quantile.IsNull(r) {
				continue
			}
			s := f.find(i, at)
			if s == inputs.None {
				continue
			}
			x := rows[s]
			if x == nil {
				continue
			}
			week := int(f.parts[f.partition(s)].spots[f.rowOf[s]].last) - 6
			from, list := c.days(f, r, s)
			issued := c.issued.Int(r, math.MinInt64)
			for k, v := range list {
				switch day := from + k; {
				case day >= 0 && day < f.horizon:
					x.put(day, v, issued)
				case day < 0 && day >= week && day < week+7:
					x.put(f.horizon+day-week, v, issued)
				}
			}
		}
		return f.ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, s := range slow {
		f.rewrite(s, rows[s])
	}
	return nil
}

// put keeps the value issued last, of equal instants the larger one.
func (x *slowRow) put(i int, v, issued int64) {
	if !x.seen[i] || issued > x.issued[i] || (issued == x.issued[i] && v > x.value[i]) {
		x.value[i], x.issued[i], x.seen[i] = v, issued, true
	}
}

// rewrite puts a SKU's settled days into its tile, those repeated from days before day 0 too.
func (f *forecasts) rewrite(s int32, x *slowRow) {
	d, row := f.parts[f.partition(s)], f.rowOf[s]
	sp := &d.spots[row]
	if last := int(sp.last); last < 6 && sp.first < 0 {
		period := min(7, last-int(sp.first)+1)
		for day := max(0, last+1); day < f.horizon; day++ {
			like := last - period + 1 + (day-last-1)%period // the day of the week that it repeats
			if like < 0 {
				like += f.horizon - (last - 6)
			}
			x.value[day] = x.value[like]
		}
	}
	tile, lane := int(row)/inputs.TileRows, int64(row)%inputs.TileRows
	for day := range f.horizon {
		d.set(tile, d.at[tile]+int64(day)*inputs.TileRows+lane, x.value[day], f.horizon)
	}
}

// finish repeats the last week of short forecasts and moves the tiles into the partition, each as narrow as
// its values allow.
func (d *demand) finish(p *inputs.Partition) {
	horizon, tiles := p.Horizon, p.Tiles()
	for row := range d.spots {
		sp := &d.spots[row]
		if sp.issue == 0 {
			continue
		}
		p.Flags[row] &^= inputs.FlagNoForecast
		p.ForecastDays[row] = sp.last + 1
		if int(sp.last) == horizon-1 || (sp.last < 6 && sp.first < 0) {
			continue
		}
		period := min(7, int(sp.last)-int(sp.first)+1)
		tile, lane := row/inputs.TileRows, int64(row%inputs.TileRows)
		for day := int(sp.last) + 1; day < horizon; day++ {
			at := d.at[tile] + int64(day)*inputs.TileRows + lane
			d.set(tile, at, d.get(tile, at-int64(period)*inputs.TileRows), horizon)
		}
	}
	p.TileWidth, p.TileAt = make([]uint8, tiles), make([]int64, tiles)
	n := int64(inputs.TileRows * horizon)
	var sizes [9]int64
	for t := range tiles {
		w := widthOf(d.all(t, n))
		p.TileWidth[t] = w
		if w > 0 {
			p.TileAt[t] = sizes[w]
			sizes[w] += n
		}
	}
	if sizes[2] == int64(len(d.d16)) && len(d.d32) == 0 && len(d.d64) == 0 {
		p.D16 = d.d16 // every tile is two bytes wide and lies where it shall
		return
	}
	p.D16, p.D32, p.D64 = sized[uint16](sizes[2]), sized[uint32](sizes[4]), sized[int64](sizes[8])
	for t := range tiles {
		from, to := d.at[t], p.TileAt[t]
		switch w := p.TileWidth[t]; {
		case w == 2 && d.width[t] == 2:
			copy(p.D16[to:to+n], d.d16[from:])
		case w == 4 && d.width[t] == 4:
			copy(p.D32[to:to+n], d.d32[from:])
		case w == 8:
			copy(p.D64[to:to+n], d.d64[from:])
		case w > 0: // widened for values that did not stay
			for i := range n {
				if w == 2 {
					p.D16[to+i] = uint16(d.get(t, from+i))
				} else {
					p.D32[to+i] = uint32(d.get(t, from+i))
				}
			}
		}
	}
}

// all gives the bits that any of a tile's n values has.
func (d *demand) all(tile int, n int64) int64 {
	at := d.at[tile]
	switch d.width[tile] {
	case 2:
		return int64(bitsOf(d.d16[at : at+n]))
	case 4:
		return int64(bitsOf(d.d32[at : at+n]))
	}
	return bitsOf(d.d64[at : at+n])
}

func bitsOf[T uint16 | uint32 | int64](list []T) (all T) {
	for _, v := range list {
		all |= v
	}
	return all
}

// sized allocates n values, nil for none.
func sized[T any](n int64) []T {
	if n == 0 {
		return nil
	}
	return make([]T, n)
}
