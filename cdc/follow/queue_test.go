package follow

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"echelon/cdc"
)

// TestSettle compares the limits with the longest heads found by trying all of them: every transaction whole or
// not at all (F2), and nothing waits that could go.
func TestSettle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var parts []*partition
		for i := range rapid.IntRange(1, 3).Draw(rt, "partitions") {
			parts = append(parts, &partition{Partition: cdc.Partition{Topic: "t", ID: int32(i)}, taken: int64(rapid.IntRange(0, 3).Draw(rt, "taken"))})
		}
		var txs []*transaction
		for i := range rapid.IntRange(0, 4).Draw(rt, "transactions") {
			txs = append(txs, &transaction{id: fmt.Sprint(i), ended: rapid.IntRange(0, 3).Draw(rt, "ended") > 0})
		}
		for i := range rapid.IntRange(0, 9).Draw(rt, "entries") {
			e := entry{Decoded: cdc.Decoded{Offset: int64(i)}}
			if n := rapid.IntRange(-1, len(txs)-1).Draw(rt, "tx"); n >= 0 {
				e.tx = txs[n]
				e.tx.seen++
			}
			rapid.SampledFrom(parts).Draw(rt, "partition").wait(e)
		}
		var waiting []*transaction
		for _, tx := range txs {
			if len(tx.at) > 0 {
				tx.want = tx.seen - int64(rapid.IntRange(0, 1).Draw(rt, "extra")) + int64(rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(rt, "missing"))
				waiting = append(waiting, tx)
			}
		}
		settle(parts, waiting)

		// the best of all combinations of heads that keep transactions whole
		best := -1
		var heads func(i int, take []int)
		heads = func(i int, take []int) {
			if i < len(parts) {
				for n := 0; n <= len(parts[i].queue); n++ {
					heads(i+1, append(take[:i:i], n))
				}
				return
			}
			in, out, sum := map[*transaction]bool{}, map[*transaction]bool{}, 0
			for i, p := range parts {
				sum += take[i]
				for n, e := range p.queue {
					if e.tx != nil && n < take[i] {
						in[e.tx] = true
					} else if e.tx != nil {
						out[e.tx] = true
					}
				}
			}
			for tx := range in {
				if out[tx] || !tx.whole() {
					return
				}
			}
			best = max(best, sum)
		}
		heads(0, make([]int, len(parts)))
		got := 0
		for _, p := range parts {
			got += int(p.limit - p.taken)
			for _, tx := range waiting {
				for _, s := range tx.at {
					if s.p != p {
						continue
					}
					taken := s.last < p.limit
					if whole := tx.at[0].last < tx.at[0].p.limit; taken != whole || taken && !tx.whole() || !taken && s.first < p.limit {
						rt.Fatalf("transaction %s is torn", tx.id)
					}
				}
			}
		}
		if got != best {
			rt.Fatalf("%d entries may go, %d could", got, best)
		}
	})
}

// TestCopies: what was copied stays as it was when the lender writes over it.
func TestCopies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var c copies
		var want []string
		var runs [][]cdc.Change
		for i := range rapid.IntRange(1, 600).Draw(rt, "records") {
			text := fmt.Appendf(nil, "text %d", i)
			list := []int64{int64(i), 2}
			n := 1 + i%3
			var r cdc.Decoded
			for k := range n {
				r.Changes = append(r.Changes, cdc.Change{Origin: k, Cells: []cdc.Cell{{Kind: cdc.Text, Text: text}, {Kind: cdc.List, List: list}, {Kind: cdc.Int, Int: int64(i)}}})
			}
			runs = append(runs, c.entry(&r, nil).Changes)
			want = append(want, fmt.Sprintf("%d of text %d [%d 2] %d", n, i, i, i))
			clear(text)
			clear(list)
		}
		for i, run := range runs {
			for k := range run {
				ch := &run[k]
				got := fmt.Sprintf("%d of %s %v %d", len(run), ch.Cells[0].Text, ch.Cells[1].List, ch.Cells[2].Int)
				if got != want[i] || ch.Origin != k {
					rt.Fatalf("record %d: %s, want %s", i, got, want[i])
				}
			}
		}
	})
}

func TestRemembered(t *testing.T) {
	var r remembered
	for i := range rememberedKeys + 10 {
		r.add(fmt.Sprint(i))
		r.add(fmt.Sprint(i))
	}
	for i, want := range map[int]bool{0: false, 9: false, 10: true, rememberedKeys + 9: true} {
		if r.has(fmt.Sprint(i)) != want {
			t.Errorf("%d remembered: %v", i, !want)
		}
	}
	if len(r.keys) != rememberedKeys {
		t.Errorf("%d keys", len(r.keys))
	}
}

func TestWants(t *testing.T) {
	got, err := Wants("wms.stock/0=15, wms/stock/11=7")
	if err != nil || len(got) != 2 || got[cdc.Partition{Topic: "wms.stock"}] != 15 || got[cdc.Partition{Topic: "wms/stock", ID: 11}] != 7 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "a=1", "a/0", "a/x=1", "a/0=-1", "/0=1", "a/-1=1"} {
		if got, err := Wants(bad); err == nil {
			t.Errorf("%q gave %v", bad, got)
		}
	}
}
