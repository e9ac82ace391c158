package state

import (
	"context"
	"fmt"
	"sync"

	"echelon/cdc"
	"echelon/inputs"
)

// Cut is the tables as they were at one moment: an inputs.Source whose rows are sorted by key and keep their
// contract. It never changes, and may be read by several goroutines.
type Cut struct {
	number  uint64
	epoch   uint32 // what changed since has this epoch or a later one
	owner   *State
	offsets map[cdc.Partition]int64
	counts  map[cdc.Partition]inputs.Counts
	sources []SourcePosition
	spaces  []*frozenSpace
	tables  []*frozenTable // parallel to inputs.Contracts
	only    map[string]*chosen
}

// frozenSpace is the keys of a keyspace.
type frozenSpace struct {
	name   string // of the first table
	dicts  []string
	reuse  uint64 // sum of the dictionaries' reuses: equal in two cuts, numbers mean the same in both
	cols   []keyColumn
	texts  [][]string // per key column, of texts
	ranked []*ranking // likewise
	words  []wordBlock
	next   uint32
	order  []uint32
	tail   []uint32
	once   sync.Once
	all    []uint32 // order and tail, sorted
}

// frozenTable is the rows of a table.
type frozenTable struct {
	contract *inputs.Contract
	space    *frozenSpace
	cols     []column
	texts    [][]string
	present  column
	days     []*dayBlock
	isDays   bool
	rows     int64
	sums     []Sum
	summed   []bool
	at       int64
	owners   []string // per column the origin that gives it
	rowsOf   string
}

// Cut takes the state as it is. It costs a look at the list of blocks, not at the rows; blocks written afterwards
// are copied first.
func (s *State) Cut() *Cut {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cut()
}

func (s *State) cut() *Cut {
	s.epoch++
	s.cuts++
	c := &Cut{number: s.cuts, epoch: s.epoch, owner: s, offsets: s.offsets(), counts: s.counts(), sources: s.positions()}
	frozen := map[*keyspace]*frozenSpace{}
	for _, k := range s.spaces {
		f := &frozenSpace{name: k.tables[0].contract.Table, cols: k.cols, words: append([]wordBlock(nil), k.words...), next: k.next, order: k.order, tail: k.tail[:len(k.tail):len(k.tail)]}
		for i := range k.cols {
			var ranked *ranking
			var texts []string
			if d := k.cols[i].dict; d != nil {
				ranked = d.ranking()
				texts = ranked.texts
				f.reuse += d.reuses
			}
			f.texts, f.ranked = append(f.texts, texts), append(f.ranked, ranked)
			f.dicts = append(f.dicts, dictName(k.tables[0].contract, k.cols[i].column))
		}
		frozen[k] = f
		c.spaces = append(c.spaces, f)
	}
	for _, t := range s.tables {
		f := &frozenTable{
			contract: t.contract, space: frozen[t.keys], cols: make([]column, len(t.cols)), texts: make([][]string, len(t.cols)),
			present: t.present.frozen(), rows: t.rows, sums: append([]Sum(nil), t.sums...), summed: t.summed, at: t.at,
			owners: make([]string, len(t.cols)),
		}
		for i := range t.cols {
			f.cols[i] = t.cols[i].frozen()
			if d := t.dicts[i]; d != nil {
				f.texts[i] = d.texts[:len(d.texts):len(d.texts)]
			}
		}
		if t.days != nil {
			f.isDays, f.days = true, append([]*dayBlock(nil), t.days.blocks...)
		}
		for _, at := range t.feeds {
			o := &s.origins[at]
			if o.Rows {
				f.rowsOf = o.Name
			}
			for _, i := range o.Columns {
				if !t.contract.Columns[i].Key {
					f.owners[i] = o.Name
				}
			}
		}
		c.tables = append(c.tables, f)
	}
	return c
}

// sorted gives the slots of a keyspace by key.
func (f *frozenSpace) sorted() []uint32 {
	f.once.Do(func() {
		if len(f.tail) == 0 {
			f.all = f.order
			return
		}
		by := keyOrder{words: f.words, ranks: make([][]uint32, len(f.cols))}
		for i, r := range f.ranked {
			if r != nil {
				by.ranks[i] = r.ranks()
			}
		}
		f.all = merged(f.order, f.tail, by.compare)
	})
	return f.all
}

func (f *frozenSpace) key(slot uint32) []uint32 { return wordsOf(f.words, len(f.cols), slot) }

// Offsets returns the offset to read next of every partition: all before it is in the cut.
func (c *Cut) Offsets() map[cdc.Partition]int64 { return c.offsets }

// Counts returns what became of the records of every partition.
func (c *Cut) Counts() map[cdc.Partition]inputs.Counts { return c.counts }

// Sources returns how far every source was read, by name.
func (c *Cut) Sources() []SourcePosition { return c.sources }

// Fresh returns the newest instant at which a source changed a table, microseconds UTC; 0 when none was named.
func (c *Cut) Fresh(table string) int64 { return c.table(table).at }

// Rows returns the rows of a table, those that break their contract included.
func (c *Cut) Rows(table string) int64 { return c.table(table).rows }

// Total returns the sum of a numeric column over the rows of a table.
func (c *Cut) Total(table, column string) Sum {
	t := c.table(table)
	return t.sums[t.contract.Index(column)]
}

func (c *Cut) table(name string) *frozenTable {
	for _, t := range c.tables {
		if t.contract.Table == name {
			return t
		}
	}
	panic("state: no table " + name)
}

// Has implements inputs.Source.
func (c *Cut) Has(table string) bool {
	if inputs.ContractOf(table) == nil {
		return false
	}
	t := c.table(table)
	return t.rows > 0 && (c.only == nil || c.only[table] != nil)
}

// Open implements inputs.Source.
func (c *Cut) Open(_ context.Context, table string) (inputs.Reader, error) {
	if inputs.ContractOf(table) == nil {
		return nil, fmt.Errorf("cut: no table %q", table)
	}
	return c.reader(c.table(table), nil), nil
}

// Check reads every table and hands the rows that break a rule of their contract across columns, which readers of
// the cut do not see, to faults: Source is the origin that gave the column. It returns their number per table.
func (c *Cut) Check(ctx context.Context, faults func(inputs.Fault)) (map[string]int64, error) {
	out := map[string]int64{}
	for _, t := range c.tables {
		if t.rows == 0 || t.isDays {
			continue // forecast rows that break their rules are never taken up
		}
		r := c.reader(t, func(f inputs.Fault) {
			out[t.contract.Table]++
			if faults != nil {
				faults(f)
			}
		})
		if err := drain(ctx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}
