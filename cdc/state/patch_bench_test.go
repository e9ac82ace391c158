package state_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"echelon/cdc/state"
	"echelon/inputs"
	"echelon/inputs/build"
)

// chain is a vendor, a DC and 400 stores with 500 items each: 200,500 SKUs with 60 days of forecast.
func chain(tb testing.TB, f *feeder) (skus []build.SKU) {
	const stores, items = 400, 500
	table := func(name string, rows func(add func(cells map[string]string))) {
		b := inputs.NewBuilder(name)
		rows(func(cells map[string]string) {
			if err := b.Append(cells); err != nil {
				tb.Fatal(err)
			}
		})
		f.rows(b.Batch())
	}
	nodes := []string{"D"}
	for i := range stores {
		nodes = append(nodes, fmt.Sprintf("S%03d", i))
	}
	table("nodes", func(add func(map[string]string)) {
		add(map[string]string{"node": "V", "kind": "vendor", "zone": "UTC"})
		add(map[string]string{"node": "D", "kind": "dc", "zone": "UTC"})
		for _, s := range nodes[1:] {
			add(map[string]string{"node": s, "kind": "store", "zone": "UTC"})
		}
	})
	table("lanes", func(add func(map[string]string)) {
		add(map[string]string{"lane": "VD", "source": "V", "destination": "D", "transit_days": "2"})
		for _, s := range nodes[1:] {
			add(map[string]string{"lane": "D" + s, "source": "D", "destination": s, "transit_days": "1"})
		}
	})
	table("items", func(add func(map[string]string)) {
		for i := range items {
			add(map[string]string{"item": fmt.Sprintf("I%04d", i)})
		}
	})
	for i := range items {
		for _, node := range nodes {
			skus = append(skus, build.SKU{Item: fmt.Sprintf("I%04d", i), Node: node})
		}
	}
	dice := rand.New(rand.NewPCG(1, 1))
	list := make([]int64, 60)
	for _, name := range []string{"skus", "inventory", "forecasts"} {
		b := inputs.NewBuilder(name)
		for _, s := range skus {
			b.Row()
			b.SetText(0, s.Item)
			b.SetText(1, s.Node)
			switch name {
			case "inventory":
				b.SetInt(2, dice.Int64N(200))
			case "forecasts":
				for i := range list {
					list[i] = dice.Int64N(9000)
				}
				b.SetInt(b.Col("from"), benchDay)
				b.SetList(b.Col("daily"), list)
			}
		}
		f.rows(b.Batch())
	}
	return skus
}

const benchDay = 20_700

func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

// BenchmarkPatch moves the stock of one SKU in a hundred, takes a cut and makes the next snapshot of it: by patch, and
// by a full build.
func BenchmarkPatch(b *testing.B) {
	ctx := context.Background()
	f := newFeeder(b)
	skus := chain(b, f)
	opt := build.Options{Tenant: "t", AsOf: benchDay * 86400_000_000, Horizon: 60}
	cut := f.s.Cut()
	prev, err := build.Snapshot(ctx, cut, opt)
	if err != nil {
		b.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(2, 2))
	next := func() *state.Cut {
		t := inputs.NewBuilder("inventory")
		for range len(skus) / 100 {
			s := skus[dice.IntN(len(skus))]
			t.Row()
			t.SetText(0, s.Item)
			t.SetText(1, s.Node)
			t.SetInt(2, dice.Int64N(200))
		}
		f.rows(t.Batch())
		return f.s.Cut()
	}
	b.Run("patch", func(b *testing.B) {
		var seconds float64
		n := 0
		for b.Loop() {
			later := next()
			from := processor()
			touched, err := later.Touched(cut)
			if err != nil {
				b.Fatal(err)
			}
			moved, _ := touched.Values()
			if prev, err = build.Patch(ctx, prev, touched.Before(), touched.After(), moved, opt); err != nil {
				b.Fatal(err)
			}
			cut = later
			seconds += processor() - from
			n++
		}
		b.ReportMetric(seconds/float64(n), "cpu-s/snapshot")
	})
	b.Run("full", func(b *testing.B) {
		var seconds float64
		n := 0
		for b.Loop() {
			later := next()
			from := processor()
			if _, err := build.Snapshot(ctx, later, opt); err != nil {
				b.Fatal(err)
			}
			seconds += processor() - from
			n++
		}
		b.ReportMetric(seconds/float64(n), "cpu-s/snapshot")
	})
}
