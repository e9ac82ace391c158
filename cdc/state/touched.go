package state

import (
	"bytes"
	"cmp"
	"errors"
	"sort"
	"strconv"
	"unsafe"

	"echelon/inputs"
	"echelon/inputs/build"
)

// Move says what became of a row between two cuts.
type Move uint8

// Moves.
const (
	Changed Move = iota
	Inserted
	Deleted
)

// Touched is what differs between two cuts: tables in the order of the contracts, only those that differ.
type Touched struct {
	Tables []TouchedTable
	before *Cut
	after  *Cut
}

// TouchedTable is the rows of one table that differ, sorted by key; of forecasts one row per (item, node).
type TouchedTable struct {
	Contract *inputs.Contract
	Rows     []TouchedRow
	Columns  []TouchedColumn // parallel to the contract's columns
	Old, New int64           // rows of the table
}

// TouchedRow is one row that differs.
type TouchedRow struct {
	Move    Move
	Columns uint64       // bit i: column i differs; of inserted and deleted rows the columns that have a value
	space   *frozenSpace // whose texts the words name
	words   []uint32
	old     uint32 // slot
	new     uint32
}

// TouchedColumn is what became of a column: rows in which it differs, and the totals over the table where the
// column is a quantity.
type TouchedColumn struct {
	Rows     int64
	Summed   bool
	Old, New Sum
}

// errOtherState says that cuts cannot be compared.
var errOtherState = errors.New("the cuts are of different states, or of one state before and after it was opened again: compare what they hold instead")

// Touched compares with an earlier cut of the same state. Blocks that both hold are not looked at.
func (c *Cut) Touched(since *Cut) (*Touched, error) {
	if since == nil || since.owner != c.owner || since.number > c.number {
		return nil, errOtherState
	}
	out := &Touched{before: since, after: c}
	for i, t := range c.tables {
		d := differ{old: since.tables[i], new: t}
		d.compare()
		if len(d.rows) == 0 {
			continue
		}
		out.Tables = append(out.Tables, d.table())
	}
	return out, nil
}

// Key gives the key of a row as text, in the order of the contract's key columns; of forecasts item and node.
func (t *TouchedTable) Key(row int) []string {
	r := &t.Rows[row]
	out := make([]string, len(r.words))
	for i, w := range r.words {
		col := &r.space.cols[i]
		switch {
		case w == 0:
		case col.dict != nil:
			out[i] = r.space.texts[i][w-1]
		default:
			out[i] = inputs.FormatInt(&t.Contract.Columns[col.column], int64(w-1)+col.low)
		}
	}
	return out
}

// differ compares one table.
type differ struct {
	old, new *frozenTable
	rows     []TouchedRow
}

func (d *differ) compare() {
	step := blockRows
	if d.new.isDays {
		step = dayBlockRows
	}
	next := max(d.old.space.next, d.new.space.next)
	for lo := 0; lo < int(next); lo += step {
		if d.same(lo / step) {
			continue
		}
		for slot := uint32(lo); slot < min(uint32(lo+step), next); slot++ {
			d.slot(slot)
		}
	}
	d.settle()
}

// at gives an element, the zero value behind the end.
func at[T any](list []T, i int) (x T) {
	if i < len(list) {
		x = list[i]
	}
	return x
}

// sameKeys reports whether both cuts share a block of keys.
func (d *differ) sameKeys(i int) bool {
	return unsafe.SliceData(at(d.old.space.words, i).words) == unsafe.SliceData(at(d.new.space.words, i).words)
}

// same reports whether both cuts hold one block of rows.
func (d *differ) same(i int) bool {
	if d.new.isDays {
		words := i * dayBlockRows / blockRows
		return at(d.old.days, i) == at(d.new.days, i) && (at(d.new.days, i) == nil || d.sameKeys(words))
	}
	if !sameBlock(&d.old.present, &d.new.present, i) || !d.sameKeys(i) {
		return false
	}
	for c := range d.new.cols {
		if !sameBlock(&d.old.cols[c], &d.new.cols[c], i) {
			return false
		}
	}
	return true
}

// compareAcross compares keys of two cuts of one keyspace, or as many of their first words as both have.
func compareAcross(a *frozenSpace, x []uint32, b *frozenSpace, y []uint32) int {
	for i, p := range x {
		q := y[i]
		switch {
		case a.reuse == b.reuse && p == q:
		case a.cols[i].dict == nil || p == 0 || q == 0:
			if p != q {
				return cmp.Compare(p, q)
			}
		default:
			if order := cmp.Compare(a.texts[i][p-1], b.texts[i][q-1]); order != 0 {
				return order
			}
		}
	}
	return 0
}

// has reports whether a slot has a row.
func (t *frozenTable) has(slot uint32) bool {
	if slot >= t.space.next {
		return false
	}
	if t.isDays {
		return len(bytesOf(t.days, slot)) > 0
	}
	return t.present.has(slot)
}

func (d *differ) slot(slot uint32) {
	was, is := d.old.has(slot), d.new.has(slot)
	if was && is && compareAcross(d.old.space, d.old.space.key(slot), d.new.space, d.new.space.key(slot)) == 0 {
		if columns := d.columns(slot, slot); columns != 0 {
			d.rows = append(d.rows, TouchedRow{Columns: columns, space: d.new.space, words: d.new.space.key(slot), old: slot, new: slot})
		}
		return
	}
	if was {
		d.rows = append(d.rows, TouchedRow{Move: Deleted, Columns: d.old.given(slot), space: d.old.space, words: d.old.space.key(slot), old: slot})
	}
	if is {
		d.rows = append(d.rows, TouchedRow{Move: Inserted, Columns: d.new.given(slot), space: d.new.space, words: d.new.space.key(slot), new: slot})
	}
}

// columns gives the columns that differ between a row of the old and one of the new cut.
func (d *differ) columns(old, now uint32) uint64 {
	if d.new.isDays {
		if bytes.Equal(bytesOf(d.old.days, old), bytesOf(d.new.days, now)) {
			return 0
		}
		return d.old.given(old) | d.new.given(now)
	}
	var out uint64
	for i := range d.new.cols {
		x, was := d.old.cols[i].get(old)
		y, is := d.new.cols[i].get(now)
		differs := was != is || x != y
		if was && is && d.new.contract.Columns[i].Type.Texts() {
			differs = d.old.texts[i][x] != d.new.texts[i][y]
		}
		if differs {
			out |= 1 << i
		}
	}
	return out
}

// given gives the columns that have a value.
func (t *frozenTable) given(slot uint32) (out uint64) {
	if !t.isDays {
		for i := range t.cols {
			if t.cols[i].has(slot) {
				out |= 1 << i
			}
		}
		return out
	}
	for data := bytesOf(t.days, slot); len(data) > 0; {
		var r run
		r, data = nextRun(data)
		name := "demand"
		if r.row.list {
			name = "daily"
		}
		out |= 1 << t.contract.Index(name)
	}
	return out
}

// settle sorts the rows by key; a key that left one slot and came back at another is one row.
func (d *differ) settle() {
	compare := func(x, y *TouchedRow) int { return compareAcross(x.space, x.words, y.space, y.words) }
	sort.SliceStable(d.rows, func(i, j int) bool { return compare(&d.rows[i], &d.rows[j]) < 0 })
	out := d.rows[:0]
	for _, r := range d.rows {
		n := len(out)
		if n == 0 || compare(&out[n-1], &r) != 0 {
			out = append(out, r)
			continue
		}
		gone, come := out[n-1], r
		if gone.Move != Deleted {
			gone, come = come, gone
		}
		out = out[:n-1]
		if columns := d.columns(gone.old, come.new); columns != 0 {
			out = append(out, TouchedRow{Columns: columns, space: come.space, words: come.words, old: gone.old, new: come.new})
		}
	}
	d.rows = out
}

func (d *differ) table() TouchedTable {
	t := TouchedTable{Contract: d.new.contract, Rows: d.rows, Columns: make([]TouchedColumn, len(d.new.cols)), Old: d.old.rows, New: d.new.rows}
	for i := range t.Columns {
		t.Columns[i] = TouchedColumn{Summed: d.new.summed[i], Old: d.old.sums[i], New: d.new.sums[i]}
		for k := range t.Rows {
			t.Columns[i].Rows += int64(t.Rows[k].Columns >> i & 1)
		}
	}
	return t
}

// Values gives the SKUs whose values moved, when nothing else did: build.Patch can follow then. ok is false when
// rows of another table were touched.
func (t *Touched) Values() (moved build.Moved, ok bool) {
	for i := range t.Tables {
		table := &t.Tables[i]
		var to *[]build.SKU
		switch table.Contract.Table {
		case "open_orders":
			for k := range table.Rows {
				key := table.Key(k)
				line, err := strconv.ParseInt(key[1], 10, 64)
				if err != nil {
					return build.Moved{}, false
				}
				moved.Orders = append(moved.Orders, build.OrderLine{Order: key[0], Line: line})
			}
			continue
		case "inventory":
			to = &moved.Inventory
		case "forecasts":
			to = &moved.Forecasts
		case "safety_stocks":
			to = &moved.Safety
		default:
			return build.Moved{}, false
		}
		for k := range table.Rows {
			r := &table.Rows[k]
			sku := build.SKU{Item: r.space.texts[0][r.words[0]-1], Node: r.space.texts[1][r.words[1]-1]}
			if n := len(*to); n == 0 || (*to)[n-1] != sku {
				*to = append(*to, sku)
			}
		}
	}
	return moved, true
}

// Before gives, of the earlier cut, the rows of the SKUs touched in the tables that Values names.
func (t *Touched) Before() inputs.Source { return t.only(t.before) }

// After gives the same of the later cut.
func (t *Touched) After() inputs.Source { return t.only(t.after) }

func (t *Touched) only(c *Cut) *Cut {
	out := *c
	out.only = map[string]*chosen{}
	for i := range t.Tables {
		table := &t.Tables[i]
		switch table.Contract.Table {
		case "inventory", "forecasts", "safety_stocks", "open_orders":
			out.only[table.Contract.Table] = &chosen{rows: table.Rows}
		}
	}
	return &out
}

// chosen is the rows of some SKUs, by item and node in the order of keys.
type chosen struct{ rows []TouchedRow }

// slots gives the slots of the rows, in the order of keys.
func (c *chosen) slots(t *frozenTable) (out []uint32) {
	if c == nil {
		return nil
	}
	all := t.space.sorted()
	for i := range c.rows {
		r := &c.rows[i]
		if i > 0 && compareAcross(r.space, r.words[:2], c.rows[i-1].space, c.rows[i-1].words[:2]) == 0 {
			continue
		}
		compare := func(k int) int { return compareAcross(t.space, t.space.key(all[k])[:2], r.space, r.words[:2]) }
		from := sort.Search(len(all), func(k int) bool { return compare(k) >= 0 })
		for ; from < len(all) && compare(from) == 0; from++ {
			out = append(out, all[from])
		}
	}
	return out
}
