package state

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"

	"echelon/cdc"
	"echelon/inputs"
)

// retail is a state of a retailer's size: skus, inventory and forecasts of 60 days from one origin each.
type retail struct {
	origins []cdc.Origin
	items   [][]byte
	nodes   [][]byte
	skus    []int // item · nodes + node
	at      uint64
	offset  int64
	list    []int64
}

const (
	fromSKUs = iota
	fromStock
	fromDays
)

func newRetail(skus int) *retail {
	m := &retail{list: make([]int64, 60)}
	for _, table := range []string{"skus", "inventory", "forecasts"} {
		c := inputs.ContractOf(table)
		o := cdc.Origin{Name: table, Source: "s", Topic: table, Contract: c, Rows: true}
		for i := range c.Columns {
			o.Columns = append(o.Columns, i)
		}
		m.origins = append(m.origins, o)
	}
	nodes := max(1, min(400, skus/100))
	for i := range skus / nodes {
		m.items = append(m.items, fmt.Appendf(nil, "item-%07d", i))
	}
	for i := range nodes {
		m.nodes = append(m.nodes, fmt.Appendf(nil, "S%05d", i))
	}
	for i := range len(m.items) * nodes {
		m.skus = append(m.skus, i)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	dice.Shuffle(len(m.skus), func(i, j int) { m.skus[i], m.skus[j] = m.skus[j], m.skus[i] })
	for i := range m.list {
		m.list[i] = dice.Int64N(9000)
	}
	return m
}

// change gives a change of one table of the n-th SKU; the cells are used again by the next one.
func (m *retail) change(ch *cdc.Change, table, n int) {
	c := m.origins[table].Contract
	if len(ch.Cells) < len(c.Columns) {
		ch.Cells = make([]cdc.Cell, 32)
	}
	ch.Cells = ch.Cells[:len(c.Columns)]
	sku := m.skus[n%len(m.skus)]
	m.at++
	ch.Origin, ch.Source, ch.Position, ch.At = table, "s", cdc.Position{Major: m.at}, int64(m.at)
	clear(ch.Cells)
	ch.Cells[0] = cdc.Cell{Kind: cdc.Text, Text: m.items[sku/len(m.nodes)]}
	ch.Cells[1] = cdc.Cell{Kind: cdc.Text, Text: m.nodes[sku%len(m.nodes)]}
	number := func(v int64) cdc.Cell { return cdc.Cell{Kind: cdc.Int, Int: v} }
	switch table {
	case fromSKUs:
		ch.Cells[6], ch.Cells[10] = number(12), number(6)
	case fromStock:
		ch.Cells[2], ch.Cells[3], ch.Cells[4] = number(int64(m.at*7919%500)), number(int64(m.at%9)), number(0)
		ch.Cells[6] = number(1_788_000_000_000_000 + int64(m.at))
	case fromDays:
		ch.Cells[4], ch.Cells[5] = number(20700), cdc.Cell{Kind: cdc.List, List: m.list}
	}
}

func (m *retail) apply(tb testing.TB, s *State, ch *cdc.Change, table, n int) {
	m.change(ch, table, n)
	m.offset++
	if err := s.Apply(cdc.Partition{Topic: "t"}, m.offset, ch); err != nil {
		tb.Fatal(err)
	}
}

// load gives every SKU a row in each table.
func (m *retail) load(tb testing.TB, cfg Config) *State {
	s := open(tb, cfg)
	ch := &cdc.Change{Initial: true}
	for table := range m.origins {
		for n := range m.skus {
			m.apply(tb, s, ch, table, n)
		}
	}
	return s
}

// processor gives the seconds of processor time that the process took so far.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

const benchSKUs = 1_000_000

// BenchmarkApplyStock applies inventory updates of random SKUs of a million, without decoding them.
func BenchmarkApplyStock(b *testing.B) {
	m := newRetail(benchSKUs)
	s := m.load(b, Config{Origins: m.origins})
	ch := &cdc.Change{}
	runtime.GC()
	b.ResetTimer()
	from, n := processor(), 0
	for b.Loop() {
		m.apply(b, s, ch, fromStock, n)
		n++
	}
	b.ReportMetric(float64(n)/(processor()-from), "updates/cpu-s")
}

// BenchmarkApplyForecasts applies lists of 60 days.
func BenchmarkApplyForecasts(b *testing.B) {
	m := newRetail(benchSKUs / 4)
	s := m.load(b, Config{Origins: m.origins})
	ch := &cdc.Change{}
	runtime.GC()
	b.ResetTimer()
	from, n := processor(), 0
	for b.Loop() {
		m.list[n%60]++
		m.apply(b, s, ch, fromDays, n)
		n++
	}
	b.ReportMetric(float64(n)/(processor()-from), "updates/cpu-s")
}

// BenchmarkFirstLoad loads a million SKUs: three rows each, 60 days of forecast.
func BenchmarkFirstLoad(b *testing.B) {
	m := newRetail(benchSKUs)
	from, n := processor(), 0
	for b.Loop() {
		m.load(b, Config{Origins: m.origins})
		n++
	}
	b.ReportMetric(float64(n*3*benchSKUs)/(processor()-from), "rows/cpu-s")
}

// BenchmarkCut takes a cut of a million SKUs after updates of one in a hundred.
func BenchmarkCut(b *testing.B) {
	m := newRetail(benchSKUs)
	s := m.load(b, Config{Origins: m.origins})
	last := s.Cut()
	ch := &cdc.Change{}
	n := 0
	for b.Loop() {
		b.StopTimer()
		for range benchSKUs / 100 {
			m.apply(b, s, ch, fromStock, n)
			n++
		}
		b.StartTimer()
		next := s.Cut()
		if _, err := next.Touched(last); err != nil {
			b.Fatal(err)
		}
		last = next
	}
}

// BenchmarkCheckpoint writes a million SKUs.
func BenchmarkCheckpoint(b *testing.B) {
	m := newRetail(benchSKUs)
	s := m.load(b, Config{Tenant: "t", Origins: m.origins, Dir: b.TempDir(), Keep: 2})
	from, n := processor(), 0
	for b.Loop() {
		if err := s.Checkpoint(context.Background()); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric((processor()-from)/float64(n), "cpu-s/checkpoint")
}

// BenchmarkReopen opens a checkpoint of a million SKUs.
func BenchmarkReopen(b *testing.B) {
	m := newRetail(benchSKUs)
	cfg := Config{Tenant: "t", Origins: m.origins, Dir: b.TempDir(), Keep: 2}
	s := m.load(b, cfg)
	if err := s.Checkpoint(context.Background()); err != nil {
		b.Fatal(err)
	}
	from, n := processor(), 0
	for b.Loop() {
		open(b, cfg)
		n++
	}
	b.ReportMetric((processor()-from)/float64(n), "cpu-s/open")
}
