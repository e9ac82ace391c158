package state

import (
	"slices"

	"echelon/cdc"
	"echelon/inputs"
)

// newState lays the tables out.
func newState(cfg Config) *State {
	s := &State{
		cfg: cfg, parts: map[cdc.Partition]*partition{}, sources: map[string]*source{}, dicts: map[string]*dict{}, epoch: 1,
	}
	pair := inputs.ContractOf("skus")
	s.skus = newKeyspace(pair, s.dict)
	s.spaces = append(s.spaces, s.skus)
	for _, c := range inputs.Contracts() {
		k := s.skus
		if c.Table != "forecasts" && !keyedLike(c, pair) {
			k = newKeyspace(c, s.dict)
			s.spaces = append(s.spaces, k)
		}
		t := newTable(c, k, s.dict)
		if c.Table == "forecasts" {
			t.days = newDayTable(t)
			s.days = t.days
		}
		s.tables = append(s.tables, t)
	}
	for i := range cfg.Origins {
		o := origin{Origin: &cfg.Origins[i], at: make([]int, len(cfg.Origins[i].Contract.Columns))}
		for n := range o.at {
			o.at[n] = slices.Index(o.Columns, n)
		}
		o.table = s.table(o.Contract.Table)
		o.table.feeds = append(o.table.feeds, i)
		o.layout()
		s.origins = append(s.origins, o)
	}
	s.window.begin(func() int { return s.ranksKept(s.window.bytesEach()) },
		func(at uint16, r rank) { s.origins[at].floor = later(s.origins[at].floor, r) })
	s.days.log.begin(func() int { return s.ranksKept(dayEventBytes) }, func(r rank) {
		for _, at := range s.days.t.feeds {
			s.origins[at].floor = later(s.origins[at].floor, r)
		}
	})
	return s
}

// keyedLike reports whether two tables have the same key at the same columns.
func keyedLike(c, other *inputs.Contract) bool {
	keys, others := c.Keys(), other.Keys()
	if !slices.Equal(keys, others) {
		return false
	}
	for _, i := range keys {
		if dictName(c, i) != dictName(other, i) || c.Columns[i].Nullable {
			return false
		}
	}
	return true
}

// Bytes a SKU that remembered ranks may take, and those of them that the heads of the forecasts' chains take; half
// of the rest goes to the rows and half to the forecasts' events.
const (
	windowBytesPerSKU = 16
	headBytesPerSKU   = 5
)

// leastWindow is how many ranks and events are kept at least. From 100,000 SKUs on it is less than the bytes a SKU allow.
const leastWindow = 12 << 10

// ranksKept is how many ranks of some bytes each may be remembered.
func (s *State) ranksKept(each int) int {
	if s.cfg.Window > 0 {
		return min(s.cfg.Window, rankMask-1)
	}
	return min(rankMask-1, max(leastWindow, s.skus.used*(windowBytesPerSKU-headBytesPerSKU)/2/each))
}

func (s *State) dict(name string) *dict {
	d := s.dicts[name]
	if d == nil {
		d = newDict()
		s.dicts[name] = d
	}
	return d
}

func (s *State) table(name string) *table {
	for _, t := range s.tables {
		if t.contract.Table == name {
			return t
		}
	}
	panic("state: no table " + name)
}

// Memory is what the state holds, in bytes.
type Memory struct {
	SKUs    int64 // keys of (item, node)
	Index   int64 // their index, key words and order
	Window  int64 // remembered ranks and forecast events
	Columns int64 // values of all tables
	Days    int64 // forecasts
	Keys    int64 // keys of all other tables
	Texts   int64 // dictionaries
}

// Memory reports what the state holds.
func (s *State) Memory() Memory {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := Memory{SKUs: int64(s.skus.used), Index: s.skus.bytes(), Window: s.window.bytes() + s.days.log.bytes(), Days: s.days.bytes()}
	for _, k := range s.spaces[1:] {
		m.Keys += k.bytes()
	}
	for _, t := range s.tables {
		m.Columns += t.present.bytes()
		for i := range t.cols {
			m.Columns += t.cols[i].bytes()
		}
	}
	for _, d := range s.dicts {
		m.Texts += d.bytes()
	}
	return m
}
