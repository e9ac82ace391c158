package state

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/cdc"
	"echelon/inputs"
)

// keyed gives the rows of a table by key; of forecasts the days by item and node.
func keyed(c *Cut, table string) map[string]string {
	out := map[string]string{}
	for _, line := range whole(c, table) {
		cells := strings.SplitAfter(line, "|")
		key := ""
		k := inputs.ContractOf(table)
		if table == "forecasts" {
			key = cells[0] + cells[1]
		} else {
			for _, i := range k.Keys() {
				key += cells[i]
			}
		}
		out[key] += line + "\n"
	}
	return out
}

func (s Sum) big() *big.Int {
	x := new(big.Int).Lsh(big.NewInt(s.Hi), 64)
	return x.Add(x, new(big.Int).SetUint64(s.Lo))
}

// TestTouchedIsTheDifference compares cuts of generated days row by row: what Touched names is what differs, no
// more, and its totals are the sums of the columns.
func TestTouchedIsTheDifference(t *testing.T) {
	moves := map[Move]int{}
	for seed := range uint64(8) {
		origins := testOrigins()
		g := newScript(seed, origins)
		cfg := Config{Tenant: "t", Origins: origins, Dir: t.TempDir(), Window: 100}
		s := open(t, cfg)
		s.spilled.unsynced = true
		offset := int64(0)
		last := s.Cut()
		for round := range 12 {
			for _, ch := range g.day(40) {
				offset++
				if err := s.Apply(cdc.Partition{Topic: "t"}, offset, ch); err != nil {
					t.Fatal(err)
				}
			}
			if round%3 == 1 { // slots and texts are given back and taken again
				checkpoint(t, s)
			}
			next := s.Cut()
			touched, err := next.Touched(last)
			if err != nil {
				t.Fatal(err)
			}
			compareTouched(t, touched, last, next, moves)
			last = next
		}
		if _, err := open(t, cfg).Cut().Touched(last); err == nil {
			t.Error("cuts of two states were compared")
		}
		if _, err := last.Touched(nil); err == nil {
			t.Error("a cut was compared with none")
		}
	}
	if moves[Changed] == 0 || moves[Inserted] == 0 || moves[Deleted] == 0 {
		t.Errorf("moves %v: the test shows less than it says", moves)
	}
}

func compareTouched(t *testing.T, touched *Touched, last, next *Cut, moves map[Move]int) {
	t.Helper()
	named := map[string]*TouchedTable{}
	for i := range touched.Tables {
		named[touched.Tables[i].Contract.Table] = &touched.Tables[i]
	}
	for _, k := range inputs.Contracts() {
		before, after := keyed(last, k.Table), keyed(next, k.Table)
		want := map[string]Move{}
		for key, row := range before {
			if now, there := after[key]; !there {
				want[key] = Deleted
			} else if now != row {
				want[key] = Changed
			}
		}
		for key := range after {
			if _, there := before[key]; !there {
				want[key] = Inserted
			}
		}
		got := map[string]Move{}
		table := named[k.Table]
		if table == nil {
			table = &TouchedTable{}
		}
		var keys [][]string
		for i := range table.Rows {
			key := table.Key(i)
			keys = append(keys, key)
			got[strings.Join(key, "|")+"|"] = table.Rows[i].Move
			moves[table.Rows[i].Move]++
			if table.Rows[i].Columns == 0 && len(k.Columns) > len(k.Keys()) && table.Rows[i].Move == Changed {
				t.Errorf("table %s: %v changed in no column", k.Table, key)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("table %s: %s", k.Table, d)
		}
		if k.Columns[0].Type.Texts() && !slices.IsSortedFunc(keys, func(x, y []string) int { return strings.Compare(x[0], y[0]) }) {
			t.Errorf("table %s: keys are not sorted: %v", k.Table, keys)
		}
		for i := range table.Columns {
			if c := &table.Columns[i]; c.Summed {
				checkTotal(t, last, k, i, c.Old)
				checkTotal(t, next, k, i, c.New)
			}
		}
	}
}

// checkTotal holds a total against the sum of the cells.
func checkTotal(t *testing.T, c *Cut, k *inputs.Contract, i int, got Sum) {
	t.Helper()
	want := new(big.Int)
	table := c.table(k.Table)
	for _, slot := range table.space.sorted() {
		if v, ok := table.cols[i].get(slot); ok && table.present.has(slot) {
			want.Add(want, big.NewInt(v))
		}
		if table.isDays && k.Columns[i].Name == "daily" {
			_, demand := measure(bytesOf(table.days, slot))
			want.Add(want, big.NewInt(demand))
		}
	}
	if table.isDays && k.Columns[i].Name == "demand" {
		return // all demand is counted under daily
	}
	if want.Cmp(got.big()) != 0 {
		t.Fatalf("table %s column %s: total %v, want %v", k.Table, k.Columns[i].Name, got.big(), want)
	}
}

// TestCutStays holds that a cut does not change while the state goes on, also while it is being read.
func TestCutStays(t *testing.T) {
	origins := testOrigins()
	g := newScript(3, origins)
	s := open(t, Config{Tenant: "t", Origins: origins, Dir: t.TempDir(), Window: 200})
	s.spilled.unsynced = true
	offset := int64(0)
	more := func(n int) {
		for _, ch := range g.day(n) {
			offset++
			if err := s.Apply(cdc.Partition{Topic: "t"}, offset, ch); err != nil {
				t.Error(err)
			}
		}
	}
	more(500)
	c := s.Cut()
	want := fmt.Sprint(all(c))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 5 {
			more(200)
			if err := s.Checkpoint(context.Background()); err != nil {
				t.Error(err)
			}
			s.Cut()
		}
	}()
	for {
		if got := fmt.Sprint(all(c)); got != want {
			t.Fatal("the cut changed")
		}
		select {
		case <-done:
			if got := fmt.Sprint(all(s.Cut())); got == want {
				t.Error("nothing was applied: the test shows nothing")
			}
			return
		default:
		}
	}
}

func all(c *Cut) (out [][]string) {
	for _, k := range inputs.Contracts() {
		out = append(out, whole(c, k.Table))
	}
	return out
}
