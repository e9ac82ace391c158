package kafka

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"echelon/planner"
	"echelon/publish/planfile"
)

// TestMurmur2 has the answers of Kafka's own client (UtilsTest.testMurmur2 of the Java client).
func TestMurmur2(t *testing.T) {
	for text, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(text))); got != want {
			t.Errorf("murmur2(%q) = %d, Kafka's client says %d", text, got, want)
		}
	}
}

// TestPartitionOfIsTheClients compares with the client library's own default partitioner.
func TestPartitionOfIsTheClients(t *testing.T) {
	p := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "key")
		n := rapid.IntRange(1, 500).Draw(t, "partitions")
		if got, want := int(partitionOf(key, int32(n))), p.Partition(&kgo.Record{Key: key}, n); got != want {
			t.Fatalf("partition %d, the client chooses %d", got, want)
		}
	})
}

func TestDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(1, 20).Draw(t, "dcs")
		n := rapid.IntRange(1, 64).Draw(t, "partitions")
		var dcs []string
		skus := make(map[string]int64)
		var total int64
		for i := range k {
			dc := fmt.Sprintf("D%02d", i)
			dcs = append(dcs, dc)
			skus[dc] = rapid.Int64Range(0, 1e8).Draw(t, dc)
			total += max(skus[dc], 1)
		}
		ranges := divide(n, dcs, skus)
		if n < k {
			if ranges != nil {
				t.Fatal("divided although there are fewer partitions than DCs")
			}
			return
		}
		var next int32
		for i, r := range ranges {
			if r.DC != dcs[i] || r.First != next || r.Count < 1 {
				t.Fatalf("range %d is %+v after %d", i, r, next)
			}
			next += r.Count
			// At least one, and beyond that within one of the exact share of what is left over.
			share := float64(n-k) * float64(max(skus[r.DC], 1)) / float64(total)
			if d := float64(r.Count-1) - share; d <= -1 || d >= 1 {
				t.Fatalf("%s has %d partitions, its share is %f", r.DC, r.Count, 1+share)
			}
		}
		if int(next) != n {
			t.Fatalf("%d of %d partitions are owned", next, n)
		}
	})
}

// batchOf is a batch of store orders with the columns that keys are made of.
func batchOf(items, destinations []string) *planfile.Batch {
	l := planner.LayerOf(planner.StoreOrders)
	b := &planfile.Batch{Layer: planner.StoreOrders, Rows: len(items), Cols: make([]planfile.Column, len(l.Columns))}
	for i := range l.Columns {
		c := &b.Cols[i]
		c.Def = &l.Columns[i]
		words := map[string][]string{"item": items, "destination": destinations}[c.Def.Name]
		c.Dict = words
		for k := range items {
			switch {
			case words != nil:
				c.Codes = append(c.Codes, int32(k))
			case c.Def.Type == planner.ColInt || c.Def.Type == planner.ColDay:
				c.Ints = append(c.Ints, int64(20000+k))
			default:
				c.Codes = append(c.Codes, -1)
			}
		}
	}
	return b
}

func TestRouters(t *testing.T) {
	b := batchOf([]string{"I1", "I2"}, []string{"S1", "S2"})
	own := &Range{DC: "D1", First: 6, Count: 3}
	for _, c := range []struct {
		by   route
		keys [2]string
		part func(row int) int32
	}{
		{
			route{Partitioner: ByDCRange, Own: own},
			[2]string{"D1/S1", "D1/S2"},
			func(row int) int32 { return 6 + partitionOf([]byte([]string{"S1", "S2"}[row]), 3) },
		},
		{route{Partitioner: ByDCRange}, [2]string{"D1", "D1"}, func(int) int32 { return partitionOf([]byte("D1"), 12) }},
		{route{Partitioner: ByDC}, [2]string{"D1", "D1"}, func(int) int32 { return partitionOf([]byte("D1"), 12) }},
		{
			route{Partitioner: ByDCNode},
			[2]string{"D1/S1", "D1/S2"},
			func(row int) int32 { return partitionOf([]byte([]string{"D1/S1", "D1/S2"}[row]), 12) },
		},
		{
			route{Partitioner: ByItem},
			[2]string{"I1", "I2"},
			func(row int) int32 { return partitionOf([]byte([]string{"I1", "I2"}[row]), 12) },
		},
		{
			route{Partitioner: "columns:item,order_day"},
			[2]string{"I1/2024-10-04", "I2/2024-10-05"},
			func(row int) int32 {
				return partitionOf([]byte([]string{"I1/2024-10-04", "I2/2024-10-05"}[row]), 12)
			},
		},
		{
			route{Partitioner: "columns:dc,item"},
			[2]string{"D1/I1", "D1/I2"},
			func(row int) int32 { return partitionOf([]byte([]string{"D1/I1", "D1/I2"}[row]), 12) },
		},
	} {
		c.by.Partitions = 12
		r, err := newRouter("D1", c.by)
		if err != nil {
			t.Fatal(err)
		}
		r.bind(b)
		for row := range 2 {
			key, p, _ := r.route(row)
			if string(key) != c.keys[row] || p != c.part(row) {
				t.Errorf("%s row %d: key %q partition %d, want %q %d", c.by.Partitioner, row, key, p, c.keys[row], c.part(row))
			}
		}
	}
	if got := ownRange("D9", 12, []Range{*own}); got.Count != 1 || got.First != partitionOf([]byte("D9"), 12) {
		t.Errorf("a DC that came later owns %+v", got)
	}
}

// TestRangesStay divides once; a network that has grown keeps what was written.
func TestRangesStay(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		pl := plan{tenant: tenant(), cycle: "C1", dc: 1, rows: 60}
		p := open(t, on.config())
		if err := p.Check(t.Context(), pl.need()); err != nil {
			t.Fatal(err)
		}
		read := func(p *Publisher) *rangesRecord {
			book := p.book(pl.tenant)
			if err := book.settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			return book.ranges(pl.tenant)
		}
		first := read(p)
		q := open(t, on.config())
		need := pl.need()
		need.AllDCs, need.SKUsOfDC = append([]string{"A00"}, dcNames...), map[string]int64{"A00": 1e6}
		if err := q.Check(t.Context(), need); err != nil {
			t.Fatal(err)
		}
		second := read(q)
		if same, err := equalJSON(first, second); err != nil || !same || first == nil {
			t.Fatalf("divided again: %+v, then %+v", first, second)
		}
		if _, err := q.PublishDC(t.Context(), pl.make(t)); err != nil {
			t.Fatal(err)
		}
		own := ownRange("D01", 4, second.of(4))
		for _, l := range committed(t, on, q, pl.tenant) {
			if l.partition < own.First || l.partition >= own.First+own.Count {
				t.Fatalf("a line of D01 in partition %d, it owns %+v", l.partition, own)
			}
		}
	})
}
