package planner

import "echelon/inputs"

// tileRows is the demand of one tile turned from days of 64 rows into rows of H days, so that a tile is read once
// and in order. The rows are scratch: who gets one may change it, once.
type tileRows struct {
	part *inputs.Partition
	tile int
	rows []int64
	used uint64 // rows handed out: they may have been changed
}

// row gives the whole days' demand of a row, not cut to what is left of day 0.
func (t *tileRows) row(p *inputs.Partition, row, h int) []int64 {
	lane := row % inputs.TileRows
	if tile := row / inputs.TileRows; t.part != p || t.tile != tile || t.used>>uint(lane)&1 != 0 {
		t.turn(p, tile, h)
	}
	t.used |= 1 << uint(lane)
	return t.rows[lane*h : (lane+1)*h : (lane+1)*h]
}

func (t *tileRows) turn(p *inputs.Partition, tile, h int) {
	t.part, t.tile, t.used = p, tile, 0
	t.rows = sized(&t.rows, inputs.TileRows*h)
	at := int(p.TileAt[tile])
	switch p.TileWidth[tile] {
	case 0:
		clear(t.rows)
	case 2:
		turn(t.rows, p.D16[at:at+h*inputs.TileRows], h)
	case 4:
		turn(t.rows, p.D32[at:at+h*inputs.TileRows], h)
	default:
		turn(t.rows, p.D64[at:at+h*inputs.TileRows], h)
	}
}

func turn[T uint16 | uint32 | int64](rows []int64, days []T, h int) {
	for t := range h {
		day := (*[inputs.TileRows]T)(days[t*inputs.TileRows:])
		out := rows[t:]
		for lane, v := range day {
			out[lane*h] = int64(v)
		}
	}
}
