package planner

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"echelon/inputs"
)

// TestKeptPacks: what is kept comes back as it was, and no prefix of it passes for whole.
func TestKeptPacks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := &Kept{}
		for i := range rapid.IntRange(0, 6).Draw(t, "items") {
			item := keptItem{layers: uint16(rapid.IntRange(0, 7).Draw(t, "layers"))}
			for b := item.layers; b != 0; b &= b - 1 {
				item.digests = append(item.digests, bytes.Repeat([]byte{byte(b)}, 32)...)
			}
			for range rapid.IntRange(0, 5).Draw(t, "counts") {
				item.sums[rapid.IntRange(0, numSums-1).Draw(t, "at")] = rapid.Int64().Draw(t, "count")
			}
			cell := keptCell{requests: Print{uint64(i), 7}, released: i%2 == 0}
			cell.facts.rows = uint32(rapid.IntRange(0, 100_000).Draw(t, "rows"))
			cell.facts.add(ofRows, Print{uint64(i), 9})
			k.push(fmt.Sprintf("I%02d", i), cell, item.appendTail(nil))
		}
		packed := k.Append(nil)
		back, err := ReadKept(packed)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Append(nil), packed) {
			t.Fatal("packed again it is not the same")
		}
		if _, err := ReadKept(packed[:rapid.IntRange(0, len(packed)-1).Draw(t, "cut")]); err == nil {
			t.Fatal("what is cut short passes")
		}
	})
}

// TestKeptLiesOver: what a row of net changes kept, packed as what differs, comes back as packed in full.
func TestKeptLiesOver(t *testing.T) {
	over := 0
	rapid.Check(t, func(t *rapid.T) {
		var packed [][]byte // newest first
		was := &Kept{}
		for step := range rapid.IntRange(1, 5).Draw(t, "steps") {
			now := &Kept{over: &keptOver{}}
			if step == 0 {
				now.over = nil
			}
			for i := range 12 {
				id := fmt.Sprintf("I%02d", i)
				had := was.find(id)
				switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
				case what > 2 && had >= 0: // stands
					now.push(id, was.cells[had], was.tailOf(had))
				case what < 2 && had >= 0:
					now.over.gone = append(now.over.gone, id)
				case what < 8:
					cell := keptCell{requests: Print{uint64(step), uint64(i)}}
					if now.over != nil {
						now.over.add(len(now.Items))
					}
					now.push(id, cell, (&keptItem{}).appendTail(nil))
				}
			}
			own, some := now.AppendOver(nil)
			if !some {
				packed = nil
			} else {
				over++
			}
			packed = append([][]byte{own}, packed...)
			back, err := ReadKepts(packed)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(back.Append(nil), now.Append(nil)) {
				t.Fatalf("step %d: another record", step)
			}
			if some {
				if _, err := ReadKepts(packed[:len(packed)-1]); err == nil {
					t.Fatal("what lies over nothing passes")
				}
				cut := append([][]byte{own[:rapid.IntRange(0, len(own)-1).Draw(t, "cut")]}, packed[1:]...)
				if _, err := ReadKepts(cut); err == nil {
					t.Fatal("what is cut short passes")
				}
			}
			was = now
		}
	})
	if over == 0 {
		t.Error("nothing lay over anything")
	}
}

// FuzzReadKept: no bytes make it panic.
func FuzzReadKept(f *testing.F) {
	k := &Kept{}
	k.push("A", keptCell{released: true}, (&keptItem{layers: 1, digests: make([]byte, 32)}).appendTail(nil))
	f.Add(k.Append(nil))
	f.Add([]byte{keptVersion, 5})
	k.over = &keptOver{gone: []string{"B"}}
	over, _ := k.AppendOver(nil)
	f.Add(append([]byte{keptOverVersion, 1, 1, 'B'}, over[1:]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ReadKept(b)
		if err == nil && len(k.Items) > len(b) {
			t.Errorf("%d items of %d bytes", len(k.Items), len(b))
		}
		if k, err := ReadKepts([][]byte{b, (&Kept{}).Append(nil)}); err == nil && len(k.Items) > len(b) {
			t.Errorf("%d items of %d bytes", len(k.Items), len(b))
		}
	})
}

// TestDemandPrintsAlike: a row's demand has one fingerprint whatever the width of the tile it lies in, and another
// when any day changes.
func TestDemandPrintsAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := rapid.IntRange(14, 31).Draw(t, "horizon")
		days := make([]int64, h)
		for i := range days {
			days[i] = int64(rapid.Uint16().Draw(t, "day"))
		}
		print := func(width uint8, days []int64) Print {
			p := &inputs.Partition{Horizon: h, TileWidth: []uint8{width}, TileAt: []int64{0}}
			for _, v := range days {
				for lane := range int64(inputs.TileRows) {
					p.D16 = append(p.D16, uint16(v*lane&0xffff))
					p.D32 = append(p.D32, uint32(v*lane&0xffff))
					p.D64 = append(p.D64, v*lane&0xffff)
				}
			}
			w := rowPrinter{prints: &prints{run: &run{horizon: h}}, part: p}
			w.demand(0)
			return Print{w.a[1], w.b[1]}
		}
		want := print(2, days)
		if print(4, days) != want || print(8, days) != want {
			t.Fatal("the width of the tile shows")
		}
		days[rapid.IntRange(0, h-1).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 15).Draw(t, "bit")
		if print(2, days) == want {
			t.Fatal("a changed day does not show")
		}
	})
	huge := func(day int64) Print {
		p := &inputs.Partition{TileWidth: []uint8{8}, TileAt: []int64{0}, D64: make([]int64, 14*inputs.TileRows)}
		p.D64[0] = day
		w := rowPrinter{prints: &prints{run: &run{horizon: 14}}, part: p}
		w.demand(0)
		return Print{w.a[0], w.b[0]}
	}
	if huge(1) == huge(1<<32+1) || huge(1<<33) == huge(1<<34) {
		t.Error("huge demand prints as small")
	}
}
