package state

import (
	"context"
	"fmt"
	"testing"

	"echelon/cdc"
)

// TestBytesPerSKU loads 200,000 SKUs with stock, parameters and 60 days of forecast, changes them all once more and
// holds the limits: 24 bytes of index, keys and order, 16 bytes of remembered ranks.
func TestBytesPerSKU(t *testing.T) {
	const skus = 200_000
	m := newRetail(skus)
	cfg := Config{Tenant: "t", Origins: m.origins, Dir: t.TempDir()}
	s := m.load(t, cfg)
	ch := &cdc.Change{}
	check := func(when string, s *State) {
		t.Helper()
		x := s.Memory()
		per := func(n int64) float64 { return float64(n) / float64(x.SKUs) }
		t.Logf("%s: %d SKUs, bytes a SKU: index %.1f, window %.1f, columns %.1f, days %.1f, texts %.1f",
			when, x.SKUs, per(x.Index), per(x.Window), per(x.Columns), per(x.Days), per(x.Texts))
		if x.SKUs != skus || per(x.Index) > 24 || per(x.Window) > 16 {
			t.Errorf("%s: %d SKUs, index %.1f of 24, window %.1f of 16 bytes a SKU", when, x.SKUs, per(x.Index), per(x.Window))
		}
		if per(x.Days) > 170 || per(x.Columns) > 130 {
			t.Errorf("%s: days %.1f, columns %.1f bytes a SKU", when, per(x.Days), per(x.Columns))
		}
	}
	check("loaded", s)
	for n := range skus {
		m.apply(t, s, ch, fromStock, n)
		m.apply(t, s, ch, fromDays, n)
	}
	check("changed", s)
	if err := s.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	check("checkpoint", s)
	check("opened", open(t, cfg))
}

// TestBytesPerSKUAtEverySize lets a state grow SKU by SKU from 100,000 on, past the sizes at which the indexes double,
// with cuts in between and with all rows changed once more: the limits hold at each of them.
func TestBytesPerSKUAtEverySize(t *testing.T) {
	skus, step, least := 270_000, 3001, 60
	if testing.Short() { // one doubling of the index less
		skus, least = 140_000, 20
	}
	m := newRetail(skus)
	m.list = m.list[:1]
	s := open(t, Config{Tenant: "t", Origins: m.origins})
	ch := &cdc.Change{}
	seen := 0
	check := func() {
		x := s.Memory()
		index, window := float64(x.Index)/float64(x.SKUs), float64(x.Window)/float64(x.SKUs)
		if index > 24 || window > 16 {
			t.Fatalf("%d SKUs: index %.2f of 24, window %.2f of 16 bytes a SKU", x.SKUs, index, window)
		}
		seen++
	}
	for n := range skus {
		for table := range m.origins {
			m.apply(t, s, ch, table, n)
		}
		if n+1 < 100_000 || (n+1-100_000)%step != 0 {
			continue
		}
		check()
		if n/step%8 == 0 {
			s.Cut()
			check()
		}
	}
	for n := range skus {
		m.apply(t, s, ch, fromStock, n)
		m.apply(t, s, ch, fromDays, n)
		if n%(10*step) == 0 {
			check()
		}
	}
	if err := s.AcceptRestore("s"); err != nil {
		t.Fatal(err)
	}
	check()
	if seen < least {
		t.Errorf("looked %d times", seen)
	}
}

// TestHotKeyGrowsNothing updates, deletes and inserts few keys often, with cuts and checkpoints in between.
func TestHotKeyGrowsNothing(t *testing.T) {
	m := newRetail(2000)
	s := m.load(t, Config{Tenant: "t", Origins: m.origins, Dir: t.TempDir(), Window: 64})
	s.spilled.unsynced = true
	ch := &cdc.Change{}
	round := func() Memory {
		for n := range 20_000 {
			m.list[n%60] = int64(n * 7919 % 9000)
			m.apply(t, s, ch, n%3, n%2)
			if n%7 == 0 {
				m.change(ch, fromStock, n%2)
				ch.Op = cdc.Delete
				m.offset++
				if err := s.Apply(cdc.Partition{Topic: "t"}, m.offset, ch); err != nil {
					t.Fatal(err)
				}
				ch.Op = cdc.Upsert
			}
			if n%5000 == 0 {
				s.Cut()
			}
		}
		if err := s.Checkpoint(context.Background()); err != nil {
			t.Fatal(err)
		}
		return s.Memory()
	}
	first := round()
	for range 5 {
		if next := round(); next != first {
			t.Fatalf("memory went from %+v to %+v", first, next)
		}
	}
}

// TestComingAndGoingKeysGrowNothing lets orders come and go, each under a new number: slots and texts are given
// back at checkpoints.
func TestComingAndGoingKeysGrowNothing(t *testing.T) {
	origins := testOrigins()
	cfg := Config{Tenant: "t", Origins: origins, Dir: t.TempDir(), Window: 64}
	s := open(t, cfg)
	s.spilled.unsynced = true
	g := newScript(1, origins)
	at := 0
	for i := range origins {
		if origins[i].Contract.Table == "open_orders" && origins[i].Rows {
			at = i
		}
	}
	o := &origins[at]
	order := 0
	var last *Cut
	var kept []string
	round := func() Memory {
		for range 3000 {
			order++
			ch := &cdc.Change{Origin: at, Source: o.Source, Cells: g.row(o)}
			ch.Cells[0].Text = fmt.Appendf(nil, "PO-%09d", order)
			ch.Cells[0].Kind = cdc.Text
			for _, op := range []cdc.Op{cdc.Upsert, cdc.Delete} {
				if op == cdc.Delete && order%3000 < 20 {
					continue // some stay until the next round
				}
				g.at++
				ch.Op, ch.Position.Major = op, g.at
				if err := s.Apply(cdc.Partition{Topic: "t"}, int64(g.at), ch); err != nil {
					t.Fatal(err)
				}
			}
			if order%3000 == 30 {
				g.at++
				if err := s.Apply(cdc.Partition{Topic: "t"}, int64(g.at), &cdc.Change{Origin: at, Source: o.Source, Op: cdc.Truncate, Position: cdc.Position{Major: g.at - 1}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Checkpoint(context.Background()); err != nil {
			t.Fatal(err)
		}
		if last != nil { // what an earlier cut holds stays although its texts' numbers went to others
			if now := whole(last, "open_orders"); fmt.Sprint(now) != fmt.Sprint(kept) {
				t.Fatalf("a cut changed from %v to %v", kept, now)
			}
		}
		last = s.Cut()
		kept = whole(last, "open_orders")
		return s.Memory()
	}
	round()
	round()
	first := round()
	for range 4 {
		next := round()
		if next.Keys > first.Keys*11/10 || next.Columns > first.Columns*11/10 || next.Texts > first.Texts*11/10 {
			t.Fatalf("memory went from %+v to %+v", first, next)
		}
	}
	if got := whole(open(t, cfg).Cut(), "open_orders"); fmt.Sprint(got) != fmt.Sprint(kept) {
		t.Errorf("opened: %v, want %v", got, kept)
	}
}
