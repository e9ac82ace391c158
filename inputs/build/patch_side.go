package build

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"echelon/calendars"
	"echelon/inputs"
)

// safety replaces the dated safety stocks of the SKUs that moved.
func (p *patcher) safety(skus []SKU, before, after inputs.Source) error {
	places, at, err := p.findAll(skus)
	if err != nil {
		return err
	}
	var rows []sideRow
	err = errors.Join(
		p.rows("safety_stocks", before, places, at, -1, func(*inputs.Batch) func(int, int) bool {
			return func(int, int) bool { return true }
		}),
		p.rows("safety_stocks", after, places, at, 1, func(t *inputs.Batch) func(int, int) bool {
			from, units := t.Col("from"), t.Col("units")
			return func(r, rank int) bool {
				rows = append(rows, sideRow{places[rank].part, places[rank].row, dayOr(from, r, 0), units.Int(r, 0)})
				return true
			}
		}),
	)
	if err != nil {
		return err
	}
	gone := map[int32]map[int32]bool{} // partition → rows whose entries are replaced
	for _, x := range places {
		if x.row >= 0 {
			if gone[x.part] == nil {
				gone[x.part] = map[int32]bool{}
			}
			gone[x.part][x.row] = true
		}
	}
	for i := range p.parts {
		if gone[int32(i)] != nil {
			p.replaceSafety(int32(i), gone[int32(i)], rows)
		}
	}
	return nil
}

func (p *patcher) replaceSafety(i int32, gone map[int32]bool, rows []sideRow) {
	part, own := p.part(i)
	var all []sideRow
	for k, row := range part.Safety.Row {
		if !gone[row] {
			all = append(all, sideRow{i, row, part.Safety.From[k], int64(part.Safety.Units[k])})
		}
	}
	given := map[int32]bool{}
	for _, x := range rows {
		if x.part == i {
			all = append(all, x)
			given[x.row] = true
		}
	}
	slices.SortFunc(all, func(x, y sideRow) int {
		return cmp.Or(cmp.Compare(x.row, y.row), cmp.Compare(x.day, y.day), cmp.Compare(x.value, y.value))
	})
	var out inputs.DatedSafety
	for _, x := range all {
		out.Row, out.From, out.Units = append(out.Row, x.row), append(out.From, x.day), append(out.Units, int32(x.value))
	}
	part.Safety = out
	for row := range gone {
		flags := part.Flags[row] &^ inputs.FlagDatedSafety
		if given[row] {
			flags |= inputs.FlagDatedSafety
		}
		put(&part.Flags, &own.flags, row, flags)
	}
}

// said is one forecast row.
type said struct {
	from   int // from the node's day 0
	list   []int64
	issued int64
}

// forecasts writes the demand of the SKUs that moved anew.
func (p *patcher) forecasts(skus []SKU, before, after inputs.Source) error {
	places, at, err := p.findAll(skus)
	if err != nil {
		return err
	}
	open := func(put func(rank int, x said)) func(t *inputs.Batch) func(int, int) bool {
		return func(t *inputs.Batch) func(int, int) bool {
			day, demand, from, daily := t.Col("day"), t.Col("demand"), t.Col("from"), t.Col("daily")
			issued, quantile := t.Col("issued_at"), t.Col("quantile")
			return func(r, rank int) bool {
				if !quantile.IsNull(r) {
					return false
				}
				place := &places[rank]
				day0 := p.net.Nodes.Day0[p.parts[place.part].Node[place.row]]
				x := said{issued: issued.Int(r, math.MinInt64)}
				if day.IsNull(r) {
					x.from, x.list = int(dayOr(from, r, 0)-day0), daily.Ints64(r)
				} else {
					x.from, x.list = int(calendars.Day(day.Ints[r])-day0), []int64{demand.Int(r, 0)}
				}
				put(rank, x)
				return true
			}
		}
	}
	rows := make([][]said, len(places))
	err = errors.Join(
		p.rows("forecasts", before, places, at, -1, open(func(int, said) {})),
		p.rows("forecasts", after, places, at, 1, open(func(rank int, x said) { rows[rank] = append(rows[rank], x) })),
	)
	if err != nil {
		return err
	}
	perPart := make([][]int, len(p.parts))
	for i := range places {
		if places[i].row >= 0 {
			perPart[places[i].part] = append(perPart[places[i].part], i)
		}
	}
	for i, ranks := range perPart {
		if len(ranks) > 0 {
			p.demand(int32(i), ranks, places, rows)
		}
	}
	return p.ctx.Err()
}

// settle gives the demand of every day of the horizon, and the day after the last forecast day; some is false
// when no row names a day.
func settle(rows []said, horizon int) (value []int64, last int16, some bool) {
	first := int16(0)
	for _, x := range rows {
		if len(x.list) == 0 {
			continue
		}
		lo, hi := clip(min(x.from, horizon-1)), clip(min(x.from+len(x.list)-1, horizon-1))
		if x.from >= horizon {
			lo = hi
		}
		if !some {
			first, last, some = lo, hi, true
		} else {
			first, last = min(first, lo), max(last, hi)
		}
	}
	x := &slowRow{value: make([]int64, horizon+7), issued: make([]int64, horizon+7), seen: make([]bool, horizon+7)}
	if !some {
		return x.value[:horizon], 0, false
	}
	week := int(last) - 6
	for _, row := range rows {
		for k, v := range row.list {
			switch day := row.from + k; {
			case day >= 0 && day < horizon:
				x.put(day, v, row.issued)
			case day < 0 && day >= week && day < week+7:
				x.put(horizon+day-week, v, row.issued)
			}
		}
	}
	if int(last) < horizon-1 {
		period := min(7, int(last)-int(first)+1)
		for day := max(0, int(last)+1); day < horizon; day++ {
			like := int(last) - period + 1 + (day-int(last)-1)%period // the day of the week that it repeats
			if like < 0 {
				like += horizon - week
			}
			x.value[day] = x.value[like]
		}
	}
	return x.value[:horizon], last + 1, true
}

// demand writes the days of some rows of a partition. Where the width of a tile stays, only its values are
// written; else the tiles lie anew.
func (p *patcher) demand(i int32, ranks []int, places []spotted, rows [][]said) {
	part, own := p.part(i)
	horizon := part.Horizon
	tiles := map[int]map[int][]int64{} // tile → lane → days
	for _, rank := range ranks {
		row := places[rank].row
		value, days, some := settle(rows[rank], horizon)
		flags := part.Flags[row] | inputs.FlagNoForecast
		if some {
			flags &^= inputs.FlagNoForecast
		}
		put(&part.Flags, &own.flags, row, flags)
		put(&part.ForecastDays, &own.days, row, days)
		tile, lane := int(row)/inputs.TileRows, int(row)%inputs.TileRows
		if tiles[tile] == nil {
			tiles[tile] = map[int][]int64{}
		}
		tiles[tile][lane] = value
	}
	old := *part
	widths := slices.Clone(part.TileWidth)
	touched := make([]int, 0, len(tiles))
	for t := range tiles {
		touched = append(touched, t)
		var all int64
		for lane := range inputs.TileRows {
			days, moved := tiles[t][lane]
			for day := range horizon {
				if moved {
					all |= days[day]
				} else {
					all |= old.Demand(t*inputs.TileRows+lane, day)
				}
			}
		}
		widths[t] = widthOf(all)
	}
	slices.Sort(touched)
	if slices.Equal(widths, part.TileWidth) {
		p.rewriteTiles(part, touched, tiles)
	} else {
		p.layTiles(part, widths, tiles)
	}
}

// rewriteTiles writes moved rows where their tiles lie.
func (p *patcher) rewriteTiles(part *inputs.Partition, touched []int, tiles map[int]map[int][]int64) {
	var own [9]bool
	for _, t := range touched {
		w := part.TileWidth[t]
		if w > 0 && !own[w] {
			own[w] = true
			switch w {
			case 2:
				part.D16 = slices.Clone(part.D16)
			case 4:
				part.D32 = slices.Clone(part.D32)
			case 8:
				part.D64 = slices.Clone(part.D64)
			}
		}
		for lane, days := range tiles[t] {
			for day, v := range days {
				setDemand(part, t, lane, day, v)
			}
		}
	}
}

func setDemand(part *inputs.Partition, tile, lane, day int, v int64) {
	at := part.TileAt[tile] + int64(day*inputs.TileRows+lane)
	switch part.TileWidth[tile] {
	case 2:
		part.D16[at] = uint16(v)
	case 4:
		part.D32[at] = uint32(v)
	case 8:
		part.D64[at] = v
	}
}

// layTiles lays all tiles of a partition anew, as a full build does.
func (p *patcher) layTiles(part *inputs.Partition, widths []uint8, tiles map[int]map[int][]int64) {
	old := *part
	n := int64(inputs.TileRows * part.Horizon)
	var sizes [9]int64
	part.TileWidth, part.TileAt = widths, make([]int64, len(widths))
	for t, w := range widths {
		if w > 0 {
			part.TileAt[t] = sizes[w]
			sizes[w] += n
		}
	}
	part.D16, part.D32, part.D64 = sized[uint16](sizes[2]), sized[uint32](sizes[4]), sized[int64](sizes[8])
	for t := range widths {
		from, to := old.TileAt[t], part.TileAt[t]
		switch {
		case widths[t] == 0:
		case widths[t] != old.TileWidth[t]:
			for lane := range inputs.TileRows {
				for day := range part.Horizon {
					setDemand(part, t, lane, day, old.Demand(t*inputs.TileRows+lane, day))
				}
			}
		case widths[t] == 2:
			copy(part.D16[to:to+n], old.D16[from:from+n])
		case widths[t] == 4:
			copy(part.D32[to:to+n], old.D32[from:from+n])
		default:
			copy(part.D64[to:to+n], old.D64[from:from+n])
		}
		for lane, days := range tiles[t] {
			for day, v := range days {
				setDemand(part, t, lane, day, v)
			}
		}
	}
}
