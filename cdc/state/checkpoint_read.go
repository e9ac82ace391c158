package state

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/parquet-go/parquet-go"
)

var errShape = errors.New("its rows do not fit together")

// decode fills an empty state from a checkpoint whose digests were checked.
func (s *State) decode(dir string, m *manifest) error {
	d := &decoder{s: s, dir: dir, files: map[string]fileEntry{}, slots: map[*keyspace]uint32{}, m: m}
	for _, e := range m.Files {
		d.files[e.File] = e
	}
	s.recall(m)
	for _, step := range []func() error{d.texts, d.keys, d.tables, d.days, d.ranks, d.events} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, k := range s.spaces {
		for slot := range k.next {
			if vacant(k, slot) {
				k.doubt(slot)
			}
		}
	}
	return nil
}

// decoder reads the files of one checkpoint.
type decoder struct {
	s     *State
	dir   string
	files map[string]fileEntry
	slots map[*keyspace]uint32 // keys of each keyspace
	m     *manifest
}

func (d *decoder) read(name string, cols map[string]func(r int, v parquet.Value) error) error {
	e, ok := d.files[name]
	if !ok {
		return nil // no rows
	}
	if err := readSheet(filepath.Join(d.dir, name), e.Rows, cols); err != nil {
		return fmt.Errorf("file %s: %w", name, err)
	}
	return nil
}

func (d *decoder) rows(name string) int { return int(d.files[name].Rows) }

func (d *decoder) texts() error {
	const name = "texts.parquet"
	dicts := make([]*dict, d.rows(name))
	return d.read(name, map[string]func(int, parquet.Value) error{
		"dictionary": func(r int, v parquet.Value) error {
			dicts[r] = d.s.dict(string(v.ByteArray()))
			return nil
		},
		"text": func(r int, v parquet.Value) error {
			if n := uint32(len(dicts[r].texts)); dicts[r].intern(v.ByteArray(), d.s.epoch) != n {
				return errShape
			}
			return nil
		},
	})
}

func (d *decoder) keys() error {
	for _, k := range d.s.spaces {
		contract := k.tables[0].contract
		name := "keys." + contract.Table + ".parquet"
		rows := d.rows(name)
		for size := len(k.index); rows*4 >= size*3; size *= 2 {
			k.index = make([]uint32, 2*size)
		}
		k.order = make([]uint32, rows)
		for r := range rows {
			k.order[r] = uint32(r)
			k.own(uint32(r), d.s.epoch)
		}
		cols := map[string]func(int, parquet.Value) error{}
		for i := range k.cols {
			col := &k.cols[i]
			def := &contract.Columns[col.column]
			cols[def.Name] = func(r int, v parquet.Value) error {
				word := uint32(0)
				switch n := number(v); {
				case v.IsNull():
				case col.dict != nil:
					if n < 0 || n >= int64(len(col.dict.texts)) {
						return errShape
					}
					word = uint32(n) + 1
				case n < def.Min || n > def.Max:
					return errShape
				default:
					word = uint32(n-col.low) + 1
				}
				k.keyOf(uint32(r))[i] = word
				return nil
			}
		}
		if err := d.read(name, cols); err != nil {
			return err
		}
		k.next, k.used = uint32(rows), rows
		d.slots[k] = uint32(rows)
		for r := range rows {
			if _, there := k.find(k.keyOf(uint32(r))); there {
				return fmt.Errorf("file %s: %w", name, errShape)
			}
			k.enter(uint32(r))
		}
	}
	return nil
}

// number reads a value of any numeric column.
func number(v parquet.Value) int64 {
	switch v.Kind() {
	case parquet.Int32:
		return int64(v.Int32())
	case parquet.Int64:
		return v.Int64()
	case parquet.Boolean:
		if v.Boolean() {
			return 1
		}
	default:
	}
	return 0
}

// key reads the column that names keys.
func (d *decoder) key(k *keyspace, to []uint32) func(int, parquet.Value) error {
	return func(r int, v parquet.Value) error {
		n := number(v)
		if n < 0 || n >= int64(d.slots[k]) {
			return errShape
		}
		to[r] = uint32(n)
		return nil
	}
}

func (d *decoder) tables() error {
	for _, t := range d.s.tables {
		if t.days != nil {
			continue
		}
		name := t.contract.Table + ".parquet"
		slots := make([]uint32, d.rows(name))
		if err := d.read(name, map[string]func(int, parquet.Value) error{"_key": d.key(t.keys, slots)}); err != nil {
			return err
		}
		cols := map[string]func(int, parquet.Value) error{
			"_present": func(r int, v parquet.Value) error {
				if v.Boolean() {
					t.present.set(slots[r], 0, d.s.epoch)
					t.rows++
				}
				return nil
			},
		}
		for i := range t.cols {
			def := &t.contract.Columns[i]
			if def.Key {
				continue
			}
			col, texts := &t.cols[i], t.dicts[i]
			cols[def.Name] = func(r int, v parquet.Value) error {
				n := number(v)
				switch {
				case v.IsNull():
					return nil
				case texts != nil && (n < 0 || n >= int64(len(texts.texts))), texts == nil && (n < def.Min || n > def.Max):
					return errShape
				}
				col.set(slots[r], n, d.s.epoch)
				return nil
			}
		}
		if err := d.read(name, cols); err != nil {
			return err
		}
		for _, slot := range slots {
			if t.present.has(slot) {
				t.total(slot, 1)
			}
		}
	}
	return nil
}

func (d *decoder) days() error {
	const name = "forecasts.parquet"
	t := d.s.days
	n := d.rows(name)
	slots, runs := make([]uint32, n), make([]run, n)
	err := d.read(name, map[string]func(int, parquet.Value) error{
		"_key":  d.key(t.t.keys, slots),
		"first": func(r int, v parquet.Value) error { runs[r].first = v.Int32(); return nil },
		"days":  func(r int, v parquet.Value) error { runs[r].days = int(v.Int32()); return nil },
		"from": func(r int, v parquet.Value) error {
			if runs[r].row.list = !v.IsNull(); runs[r].row.list {
				runs[r].row.from = v.Int32()
			}
			return nil
		},
		"issued_at": func(r int, v parquet.Value) error {
			if runs[r].row.given = !v.IsNull(); runs[r].row.given {
				runs[r].row.issued = v.Int64()
			}
			return nil
		},
		"values": func(r int, v parquet.Value) error { runs[r].values = append([]byte(nil), v.ByteArray()...); return nil },
	})
	if err != nil {
		return err
	}
	for lo := 0; lo < n; {
		t.runs = t.runs[:0]
		hi := lo
		for ; hi < n && slots[hi] == slots[lo]; hi++ {
			if t.runs, err = appendRun(t.runs, &runs[hi]); err != nil {
				return fmt.Errorf("file %s: %w", name, err)
			}
			runs[hi].values = nil
		}
		t.store(slots[lo], t.runs, d.s.epoch)
		rows, demand := measure(t.runs)
		t.t.rows += rows
		t.t.sums[t.daily].Add(demand)
		lo = hi
	}
	return nil
}

func (d *decoder) ranks() error {
	const name = "ranks.parquet"
	w := &d.s.window
	e := make([]remembered, d.rows(name))
	w.entries = make([]remembered, 0, d.m.Ranks.room(len(e)))
	at := map[string]uint16{}
	for i := range d.s.origins {
		at[d.s.origins[i].Name] = uint16(i)
	}
	err := d.read(name, map[string]func(int, parquet.Value) error{
		"origin": func(r int, v parquet.Value) error { // ranks of an origin that the mapping has no more are not needed
			e[r].origin, e[r].live = 0, false
			if i, ok := at[string(v.ByteArray())]; ok {
				e[r].origin, e[r].live = i, true
			}
			return nil
		},
		"_key":    func(r int, v parquet.Value) error { e[r].slot = uint32(v.Int32()); return nil },
		"major":   func(r int, v parquet.Value) error { e[r].major = uint64(v.Int64()); return nil },
		"minor":   func(r int, v parquet.Value) error { e[r].minor = uint64(v.Int64()); return nil },
		"touched": func(r int, v parquet.Value) error { e[r].touched = v.Boolean(); return nil },
	})
	if err != nil {
		return err
	}
	for i := range e {
		if !e[i].live {
			continue
		}
		if e[i].slot >= d.slots[d.s.origins[e[i].origin].table.keys] {
			return fmt.Errorf("file %s: %w", name, errShape)
		}
		w.entries = append(w.entries, e[i])
		w.live++
	}
	w.hand = d.m.Ranks.hand(len(w.entries))
	size := 64
	for size < 2*(w.live+1) {
		size *= 2
	}
	w.rehash(size)
	return nil
}

func (d *decoder) events() error {
	const name = "events.parquet"
	l := &d.s.days.log
	slots := make([]uint32, d.rows(name))
	e := make([]dayEvent, len(slots), d.m.Events.room(len(slots)))
	flag := func(r int, is bool, f uint8) {
		if is {
			e[r].flags |= f
		}
	}
	err := d.read(name, map[string]func(int, parquet.Value) error{
		"_key": d.key(d.s.skus, slots),
		"from": func(r int, v parquet.Value) error { e[r].from = v.Int32(); return nil },
		"days": func(r int, v parquet.Value) error { e[r].days = uint16(v.Int32()); return nil },
		"list": func(r int, v parquet.Value) error { e[r].list = v.Boolean(); return nil },
		"issued_at": func(r int, v parquet.Value) error {
			flag(r, !v.IsNull(), eventIssued)
			e[r].issued = number(v)
			return nil
		},
		"next":    func(r int, v parquet.Value) error { e[r].next = uint32(v.Int32()); return nil },
		"major":   func(r int, v parquet.Value) error { e[r].major = uint64(v.Int64()); return nil },
		"minor":   func(r int, v parquet.Value) error { e[r].minor = uint64(v.Int64()); return nil },
		"touched": func(r int, v parquet.Value) error { flag(r, v.Boolean(), eventTouched); return nil },
	})
	l.entries = e
	if err != nil || len(e) == 0 {
		return err
	}
	headed := make([]bool, len(e))
	for i := range e {
		e[i].slot = slots[i]
		e[i].flags |= eventLive
		if n := e[i].next; int(n) > len(e) {
			return fmt.Errorf("file %s: %w", name, errShape)
		} else if n != 0 {
			headed[n-1] = true
		}
	}
	l.entries, l.live, l.hand = e, len(e), d.m.Events.hand(len(e))
	l.heads = make([]uint32, d.slots[d.s.skus])
	for i := range e {
		if !headed[i] {
			l.heads[e[i].slot] = uint32(i) + 1
		}
	}
	return nil
}

// room is the room of a window of n entries.
func (w *windowNote) room(n int) int { return max(n, min(w.Room, 1<<28)) }

// hand is the place of the hand among n entries.
func (w *windowNote) hand(n int) int { return max(0, min(w.Hand, n-1)) }
