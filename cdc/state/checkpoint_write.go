package state

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sort"

	"github.com/parquet-go/parquet-go"

	"echelon/cdc"
)

// picture is all that a checkpoint holds beside its manifest:
//
//	texts.parquet            dictionary, text: those that are used, in the order of their numbers
//	keys.<table>.parquet     a keyspace: the key columns, sorted by key; later files name keys by their row here
//	<table>.parquet          key, present, and the columns: rows, and columns that wait for their row; in any order
//	forecasts.parquet        key, first, days, from (lists), issued, values (days × 1, 2, 4 or 8 bytes, little-endian)
//	ranks.parquet            origin, key, rank: the window
//	events.parquet           key, row, days, rank: the forecasts' window
type picture struct {
	cut     *Cut
	origins []cdc.Origin
	ranks   []remembered
	events  []dayEvent

	dir      string
	stop     func() error
	unsynced bool // for tests: nothing is made durable
	files    []fileEntry
	codes    map[string][]uint32 // dictionary → number of each text in the file + 1; 0: not used
	texts    map[string][]string
	place    [][]int32 // per keyspace: row of each slot, -1 none
}

// copied gives what is remembered, and the place of the hand in it.
func (w *window) copied() (out []remembered, hand int) {
	out = make([]remembered, 0, w.live)
	for i := range w.entries {
		if i == w.hand {
			hand = len(out)
		}
		if w.entries[i].live {
			out = append(out, w.entries[i])
		}
	}
	return out, hand
}

// copied gives the events, whose next counts in the copy, and the place of the hand in it.
func (l *dayLog) copied() (out []dayEvent, hand int) {
	at := make([]uint32, len(l.entries)+1)
	out = make([]dayEvent, 0, l.live)
	for i := range l.entries {
		if i == l.hand {
			hand = len(out)
		}
		if l.entries[i].flags&eventLive != 0 {
			out = append(out, l.entries[i])
			at[i+1] = uint32(len(out))
		}
	}
	for i := range out {
		out[i].next = at[out[i].next]
	}
	return out, hand
}

// write makes the folder: everything under another name first, the manifest last.
func (p *picture) write(ctx context.Context, dir string, m *manifest) error {
	p.dir, p.stop = dir+partial, ctx.Err
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	p.number()
	for _, step := range []func() error{p.writeTexts, p.writeKeys, p.writeTables, p.writeDays, p.writeRanks, p.writeEvents} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, e := range p.files {
		if err := p.sync(filepath.Join(p.dir, e.File)); err != nil {
			return err
		}
	}
	m.Files = p.files
	text, err := m.encode()
	if err != nil {
		return err
	}
	name := filepath.Join(p.dir, manifestName)
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return err
	}
	return errors.Join(p.sync(name), p.sync(p.dir), os.Rename(p.dir, dir), p.sync(filepath.Dir(dir)))
}

// sync makes a file or a folder durable.
func (p *picture) sync(name string) error {
	if p.unsynced {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (p *picture) sheet(name string, rows int, cols ...sheetColumn) error {
	if rows == 0 {
		return nil // a file that is not there has no rows
	}
	s := &sheet{rows: rows, cols: cols}
	e, err := s.write(filepath.Join(p.dir, name), name, p.stop)
	p.files = append(p.files, e)
	return err
}

// number gives keys their rows and used texts their numbers.
func (p *picture) number() {
	used := map[string][]uint32{}
	p.codes, p.texts = used, map[string][]string{}
	of := func(name string, texts []string) []uint32 {
		if used[name] == nil {
			used[name], p.texts[name] = make([]uint32, len(texts)), texts
		}
		return used[name]
	}
	for _, f := range p.cut.spaces {
		place := make([]int32, f.next)
		for i := range place {
			place[i] = -1
		}
		for row, slot := range f.sorted() {
			place[slot] = int32(row)
		}
		for i := range f.cols {
			if f.cols[i].dict == nil {
				continue
			}
			mark := of(f.dicts[i], f.texts[i])
			for slot := range f.next { // slot by slot: as memory lies
				if w := f.key(slot)[i]; w > 0 && place[slot] >= 0 {
					mark[w-1] = 1
				}
			}
		}
		p.place = append(p.place, place)
	}
	for _, t := range p.cut.tables {
		for i := range t.cols {
			if !t.contract.Columns[i].Type.Texts() {
				continue
			}
			mark := of(dictName(t.contract, i), t.texts[i])
			for slot := range t.space.next {
				if v, ok := t.cols[i].get(slot); ok {
					mark[v] = 1
				}
			}
		}
	}
	for _, codes := range used {
		n := uint32(0)
		for i, u := range codes {
			if u != 0 {
				n++
				codes[i] = n
			}
		}
	}
}

func (p *picture) writeTexts() error {
	type entry struct{ dict, text string }
	var all []entry
	var names []string
	for name := range p.codes {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for i, n := range p.codes[name] {
			if n != 0 {
				all = append(all, entry{name, p.texts[name][i]})
			}
		}
	}
	text := func(name string, of func(*entry) string) sheetColumn {
		return sheetColumn{name: name, node: parquet.String(), cell: func(r int) (int64, []byte, bool) { return 0, []byte(of(&all[r])), true }}
	}
	return p.sheet("texts.parquet", len(all), text("dictionary", func(e *entry) string { return e.dict }), text("text", func(e *entry) string { return e.text }))
}

func (p *picture) writeKeys() error {
	for _, f := range p.cut.spaces {
		order := f.sorted()
		contract := p.cut.table(f.name).contract
		var cols []sheetColumn
		for i := range f.cols {
			codes, low := p.codes[f.dicts[i]], f.cols[i].low
			texts := f.cols[i].dict != nil
			cols = append(cols, sheetColumn{
				name: contract.Columns[f.cols[i].column].Name, node: cellNode(&contract.Columns[f.cols[i].column]), optional: true,
				cell: func(r int) (int64, []byte, bool) {
					w := f.key(order[r])[i]
					switch {
					case w == 0:
						return 0, nil, false
					case texts:
						return int64(codes[w-1] - 1), nil, true
					}
					return int64(w-1) + low, nil, true
				},
			})
		}
		if err := p.sheet("keys."+f.name+".parquet", len(order), cols...); err != nil {
			return err
		}
	}
	return nil
}

// placeOf gives the rows of a table's keys.
func (p *picture) placeOf(t *frozenTable) []int32 {
	for i, f := range p.cut.spaces {
		if f == t.space {
			return p.place[i]
		}
	}
	panic("state: a table without keyspace")
}

func (p *picture) writeTables() error {
	for _, t := range p.cut.tables {
		if t.isDays {
			continue
		}
		var slots []uint32
		for slot := range t.space.next {
			if !t.vacant(slot) {
				slots = append(slots, slot)
			}
		}
		place := p.placeOf(t)
		cols := []sheetColumn{
			int32Column("_key", func(r int) int32 { return place[slots[r]] }),
			boolColumn("_present", func(r int) bool { return t.present.has(slots[r]) }),
		}
		for i := range t.cols {
			def := &t.contract.Columns[i]
			if def.Key {
				continue
			}
			codes := p.codes[dictName(t.contract, i)]
			cols = append(cols, sheetColumn{name: def.Name, node: cellNode(def), optional: true, cell: func(r int) (int64, []byte, bool) {
				v, ok := t.cols[i].get(slots[r])
				if ok && def.Type.Texts() {
					v = int64(codes[v] - 1)
				}
				return v, nil, ok
			}})
		}
		if err := p.sheet(t.contract.Table+".parquet", len(slots), cols...); err != nil {
			return err
		}
	}
	return nil
}

// vacant reports whether a slot holds neither a row nor a waiting column.
func (t *frozenTable) vacant(slot uint32) bool {
	if t.present.has(slot) {
		return false
	}
	for i := range t.cols {
		if t.cols[i].has(slot) {
			return false
		}
	}
	return true
}

func (p *picture) writeDays() error {
	t := p.cut.table("forecasts")
	place := p.placeOf(t)
	type entry struct {
		slot uint32
		at   uint32 // where the run begins among the slot's bytes
	}
	var all []entry
	for slot := range t.space.next {
		data := bytesOf(t.days, slot)
		for rest := data; len(rest) > 0; {
			all = append(all, entry{slot, uint32(len(data) - len(rest))})
			_, rest = nextRun(rest)
		}
	}
	at := func(r int) run {
		x, _ := nextRun(bytesOf(t.days, all[r].slot)[all[r].at:])
		return x
	}
	day := func(name string, of func(*run) (int64, bool)) sheetColumn {
		return sheetColumn{name: name, node: parquet.Date(), optional: true, cell: func(r int) (int64, []byte, bool) {
			x := at(r)
			v, ok := of(&x)
			return v, nil, ok
		}}
	}
	return p.sheet("forecasts.parquet", len(all),
		int32Column("_key", func(r int) int32 { return place[all[r].slot] }),
		day("first", func(x *run) (int64, bool) { return int64(x.first), true }),
		int32Column("days", func(r int) int32 { x := at(r); return int32(x.days) }),
		day("from", func(x *run) (int64, bool) { return int64(x.row.from), x.row.list }),
		sheetColumn{name: "issued_at", node: parquet.Timestamp(parquet.Microsecond), optional: true, cell: func(r int) (int64, []byte, bool) {
			x := at(r)
			return x.row.issued, nil, x.row.given
		}},
		sheetColumn{name: "values", node: parquet.Leaf(parquet.ByteArrayType), cell: func(r int) (int64, []byte, bool) {
			x := at(r)
			return 0, x.values, true
		}},
	)
}

func (p *picture) writeRanks() error {
	placeOf := make([][]int32, len(p.origins))
	for i := range p.origins {
		placeOf[i] = p.placeOf(p.cut.table(p.origins[i].Contract.Table))
	}
	e := p.ranks
	return p.sheet("ranks.parquet", len(e),
		sheetColumn{name: "origin", node: parquet.String(), cell: func(r int) (int64, []byte, bool) { return 0, []byte(p.origins[e[r].origin].Name), true }},
		int32Column("_key", func(r int) int32 { return placeOf[e[r].origin][e[r].slot] }),
		int64Column("major", func(r int) int64 { return int64(e[r].major) }),
		int64Column("minor", func(r int) int64 { return int64(e[r].minor) }),
		boolColumn("touched", func(r int) bool { return e[r].touched }),
	)
}

func (p *picture) writeEvents() error {
	place := p.placeOf(p.cut.table("forecasts"))
	e := p.events
	return p.sheet("events.parquet", len(e),
		int32Column("_key", func(r int) int32 { return place[e[r].slot] }),
		int32Column("from", func(r int) int32 { return e[r].from }),
		int32Column("days", func(r int) int32 { return int32(e[r].days) }),
		boolColumn("list", func(r int) bool { return e[r].list }),
		sheetColumn{name: "issued_at", node: parquet.Timestamp(parquet.Microsecond), optional: true, cell: func(r int) (int64, []byte, bool) {
			return e[r].issued, nil, e[r].flags&eventIssued != 0
		}},
		int32Column("next", func(r int) int32 { return int32(e[r].next) }),
		int64Column("major", func(r int) int64 { return int64(e[r].major) }),
		int64Column("minor", func(r int) int64 { return int64(e[r].minor) }),
		boolColumn("touched", func(r int) bool { return e[r].flags&eventTouched != 0 }),
	)
}
