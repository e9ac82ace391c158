package net

import (
	"testing"

	"pgregory.net/rapid"
)

func drawRow(t *rapid.T) (*Row, *Table) {
	h := rapid.IntRange(14, 40).Draw(t, "horizon")
	num := func(name string, low, high int) int64 { return int64(rapid.IntRange(low, high).Draw(t, name)) }
	r := &Row{Facts: Facts{
		H: h, Lost: rapid.Bool().Draw(t, "lost"), Policy: uint8(num("policy", 0, 2)), Avail: num("avail", -9, 60) * 1000,
		Safety: num("safety", 0, 9), Present: num("presentation", 0, 9), Cap: num("cap", -1, 60), Cover: int32(num("cover", 0, 12)),
		Life: int32(num("life", 0, 20)), From: FarPast, To: FarDay,
	}}
	r.Min = num("min", 0, 20)
	r.Max = r.Min + num("over", 0, 30)
	if r.Policy == PolicyNet {
		r.SafeDays = num("safety_days", 0, 6000)
	}
	if rapid.Bool().Draw(t, "dates") {
		r.From = int32(num("from", -5, h))
		r.To = r.From + int32(num("days", 0, h))
	}
	r.Own = make([]int64, h)
	for d := range r.Own {
		r.Own[d] = num("demand", 0, 4000)
	}
	for d := 0; d < h; d += int(num("gap", 3, 30)) {
		r.Receipts = append(r.Receipts, Receipt{Day: int32(d), Lane: int32(num("lane", -1, 0)), Units: num("units", 1, 20), Today: rapid.Bool().Draw(t, "today")})
	}
	r.LaneLots = []Lot{{
		Pack: num("pack", 1, 7), MOQ: num("moq", 0, 15), LayerPacks: num("layer", 0, 4), PalletPacks: num("pallet", 0, 12),
		Tolerance: num("tolerance", 0, 900), DeadBand: num("dead_band", 0, 1500),
	}}
	tab := &Table{}
	a := int32(0)
	for a < int32(h) {
		a += int32(num("step", 1, 6))
		tab.Opps = append(tab.Opps, Opp{Order: a - 1, Pick: a - 1, Depart: a - 1, Receive: a, Usable: a})
	}
	tab.Planned = len(tab.Opps) - int(num("beyond", 0, 1))
	return r, tab
}

// I1, I2, I3: ledger, tiers, packs and hard caps of random rows.
func TestResultsHoldTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, tab := drawRow(t)
		pack := r.LaneLots[0].Pack
		for k, res := range run(r, tab) {
			var sum int64
			for _, s := range res.Steps {
				sum += s.Change
			}
			if sum != res.Wanted {
				t.Fatalf("opportunity %d: steps add up to %d, quantity %d", k, sum, res.Wanted)
			}
			if res.N1 > res.N2 || res.N2 > res.N3 || res.N3 > res.Need {
				t.Fatalf("opportunity %d: needs %d %d %d of %d", k, res.N1, res.N2, res.N3, res.Need)
			}
			if res.Wanted < 0 || res.Wanted%pack != 0 {
				t.Fatalf("opportunity %d: %d is not in packs of %d", k, res.Wanted, pack)
			}
			if tab.Opps[k].Usable > r.To && res.Wanted > 0 {
				t.Fatalf("opportunity %d: ordered after the dates", k)
			}
			if r.Life > 0 && res.Wanted > 0 && len(r.Lots) == 0 {
				last := int(tab.Opps[k].Receive + r.Life - 1)
				if most := r.Sum(int(tab.Opps[k].Usable), last) - res.Start; res.Wanted*1000 > most {
					t.Fatalf("opportunity %d: %d units, shelf life leaves %d milli-units", k, res.Wanted, most)
				}
			}
		}
	})
}

// Sums over any days, past the columns too, are the sums of the days.
func TestSumIsTheSumOfTheDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, tab := drawRow(t)
		if rapid.Bool().Draw(t, "promises") {
			r.Prom = make([]int64, r.H)
			for d := range r.Prom {
				r.Prom[d] = int64(rapid.IntRange(0, 3).Draw(t, "promise")) * 1000
			}
		}
		r.Prepare(tab, 0)
		a := rapid.IntRange(0, 150).Draw(t, "from")
		b := rapid.IntRange(a-1, 200).Draw(t, "to")
		var want int64
		for d := a; d <= b; d++ {
			want += r.On(d)
		}
		if got := r.Sum(a, b); got != want {
			t.Fatalf("days %d to %d: sum %d, want %d", a, b, got, want)
		}
	})
}

// More stock never raises the first order, more demand never lowers the first need.
func TestFirstOrderIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, tab := drawRow(t)
		first := run(r, tab)[:min(1, tab.Planned)]
		if len(first) == 0 {
			return
		}
		before := first[0]
		more := int64(rapid.IntRange(1, 9000).Draw(t, "more"))
		r.Avail += more
		if after := run(r, tab)[0]; after.Wanted > before.Wanted {
			t.Fatalf("%d milli-units more: first order %d, before %d", more, after.Wanted, before.Wanted)
		}
		r.Avail -= more
		if r.SafeDays > 0 {
			return
		}
		r.Own[rapid.IntRange(0, r.H-1).Draw(t, "day")] += more
		if after := run(r, tab)[0]; after.Need < before.Need {
			t.Fatalf("more demand: first need %d, before %d", after.Need, before.Need)
		}
	})
}

func TestPassAllocatesNothing(t *testing.T) {
	row, tab := plainRow(28), everyOther(28)
	var p Pass
	row.Prepare(tab, 0)
	p.Run(row, tab, nil, nil)
	if n := testing.AllocsPerRun(100, func() {
		row.Prepare(tab, 0)
		p.Run(row, tab, nil, nil)
	}); n != 0 {
		t.Errorf("%v allocations per row", n)
	}
}

// The short way gives what the long one gives, or leaves the row to it.
func TestSwiftEqualsPass(t *testing.T) {
	swift := 0
	var s Swift
	equal := func(t *rapid.T) {
		r, tab := drawRow(t)
		r.From, r.To = FarPast, FarDay
		if rapid.Bool().Draw(t, "closed") {
			r.Receipts = nil
		}
		for i := range r.Receipts {
			r.Receipts[i].Today = false
		}
		r.Expedited = rapid.Bool().Draw(t, "expedited")
		if rapid.Bool().Draw(t, "lots") {
			r.Lots = []LotStock{{Expires: int32(rapid.IntRange(0, r.H).Draw(t, "expires")), Units: r.Avail / 1500}}
		}
		r.Avail = max(r.Avail, 0)
		if rapid.Bool().Draw(t, "roomy") {
			r.Cap, r.Life = -1, 0
		}
		r.LaneLots = []Lot{{Pack: r.LaneLots[0].Pack, MOQ: r.LaneLots[0].MOQ, DeadBand: r.LaneLots[0].DeadBand}}
		if tab.Planned == 0 || !Plain(r.LaneLots) || !s.Run(&r.Facts, r.Own, r.Receipts, r.Lots, r.LaneLots, tab) {
			return
		}
		swift++
		var p Pass
		r.Prepare(tab, 0)
		p.Run(r, tab, nil, nil)
		stock := make([]int64, tab.Planned)
		Projected(r, tab, stock)
		next := 0
		for k := range p.Results {
			res := &p.Results[k]
			if res.Need == 0 && res.Asked == 0 {
				continue
			}
			if next == len(s.Orders) {
				t.Fatalf("opportunity %d is missing: %+v", k, res)
			}
			a, end := tab.Opps[k].Usable, tab.End(k, r.Cover)
			want := Quick{
				Opp: int32(k), Terms: s.Orders[next].Terms, Marks: res.Marks, Wanted: res.Wanted, N1: res.N1, N2: res.N2, N3: res.N3,
				Supply: SupplyDays(stock[k], r.Sum(int(a), int(end)), end-a+1),
			}
			var terms Terms
			for _, st := range res.Steps {
				switch st.Reason {
				case reasonOrderUpTo, reasonCoverDays:
					terms.Policy = st.Change
				case reasonMinOrder:
					terms.Minimum = st.Change
				case reasonDeadBand:
					terms.Dead = st.Change
				case reasonShelfCap:
					terms.Shelf = st.Change
				case reasonShelfLife:
					terms.Life = st.Change
				case reasonConflict:
					terms.Conflict = st.Change
				}
			}
			if res.Marks != 0 {
				terms.Least, terms.Room = res.Minimum, res.Cap
			}
			var got Terms
			if x := s.Orders[next].Terms; x >= 0 {
				got = s.Terms[x]
			}
			if s.Orders[next].Marks == 0 {
				got.Least, got.Room = 0, 0
			}
			if s.Orders[next] != want || got != terms || res.Need != want.N3 {
				t.Fatalf("opportunity %d: %+v %+v, want %+v %+v", k, s.Orders[next], got, want, terms)
			}
			next++
		}
		if next != len(s.Orders) || s.Short != p.Short {
			t.Fatalf("%d orders of %d, short %v, want %v", len(s.Orders), next, s.Short, p.Short)
		}
	}
	for round := 0; round == 0 || round < 20 && swift < 30; round++ { // many drawn rows go the long way
		rapid.Check(t, equal)
	}
	if swift < 30 {
		t.Errorf("only %d rows went the short way", swift)
	}
}

func BenchmarkSwiftRow(b *testing.B) {
	tab, row := everyOther(28), plainRow(28)
	var s Swift
	b.ReportAllocs()
	for b.Loop() {
		s.Run(&row.Facts, row.Own, nil, nil, row.LaneLots, tab)
	}
}
