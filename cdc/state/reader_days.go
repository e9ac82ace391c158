package state

import "echelon/inputs"

// dayWriter makes a batch of forecast rows.
type dayWriter struct {
	item, node                      int
	day, demand, from, daily, issue *inputs.Vector
	space                           *frozenSpace
	b                               inputs.Batch
	days, lists, issued             int // rows that have one
}

func (w *dayWriter) begin(c *inputs.Contract) {
	at := func(name string) *inputs.Vector { return &w.b.Columns[c.Index(name)] }
	w.day, w.demand, w.from, w.daily, w.issue = at("day"), at("demand"), at("from"), at("daily"), at("issued_at")
	w.daily.Offsets = append(make([]uint32, 0, batchRows+1), 0)
	at("quantile").Absent = true
}

// row writes what rows of both kinds have.
func (w *dayWriter) row(slot uint32, r *run) {
	key := w.space.key(slot)
	item, node := &w.b.Columns[w.item], &w.b.Columns[w.node]
	item.Codes, node.Codes = append(item.Codes, key[0]-1), append(node.Codes, key[1]-1)
	n := w.b.Rows
	if r.row.given {
		w.issued++
	} else {
		w.issue.SetNull(n, batchRows)
	}
	w.issue.Ints = append(w.issue.Ints, r.row.issued)
	w.b.Rows++
}

func (w *dayWriter) list(slot uint32, r *run) {
	n := w.b.Rows
	w.row(slot, r)
	w.lists++
	w.day.SetNull(n, batchRows)
	w.demand.SetNull(n, batchRows)
	w.day.Ints, w.demand.Ints = append(w.day.Ints, 0), append(w.demand.Ints, 0)
	w.from.Ints = append(w.from.Ints, int64(r.first))
	for i := range r.days {
		w.daily.List = append(w.daily.List, r.value(i))
	}
	w.daily.Offsets = append(w.daily.Offsets, uint32(len(w.daily.List)))
}

func (w *dayWriter) single(slot uint32, r *run, i int) {
	n := w.b.Rows
	w.row(slot, r)
	w.days++
	w.from.SetNull(n, batchRows)
	w.daily.SetNull(n, batchRows)
	w.from.Ints = append(w.from.Ints, 0)
	w.daily.Offsets = append(w.daily.Offsets, uint32(len(w.daily.List)))
	w.day.Ints, w.demand.Ints = append(w.day.Ints, int64(r.first)+int64(i)), append(w.demand.Ints, r.value(i))
}

// finish makes columns without values absent and cuts the null bits to the rows.
func (w *dayWriter) finish() *inputs.Batch {
	if w.days == 0 {
		*w.day, *w.demand = inputs.Vector{Absent: true}, inputs.Vector{Absent: true}
	}
	if w.lists == 0 {
		*w.from, *w.daily = inputs.Vector{Absent: true}, inputs.Vector{Absent: true}
	}
	if w.issued == 0 {
		*w.issue = inputs.Vector{Absent: true}
	}
	for _, v := range []*inputs.Vector{w.day, w.demand, w.from, w.daily, w.issue} {
		if v.Null != nil {
			v.Null = v.Null[:(w.b.Rows+63)/64]
		}
	}
	w.b.Columns[w.item].Dict, w.b.Columns[w.node].Dict = w.space.texts[0], w.space.texts[1]
	return &w.b
}
