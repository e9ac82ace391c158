package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"echelon/cdc"
)

// TestDueValuesAreSingleChanges: long stretches of new values for rows that are there, in one go and column by column, leave
// what one change after another leaves: with keys twice in a stretch, rows that are new, deleted, and there again, nulls,
// values that were not sent, values out of range, texts, repeats, two origins by turns, and a window that forgets.
func TestDueValuesAreSingleChanges(t *testing.T) {
	quick, all, behind := 0, 0, 0
	for seed := range uint64(10) {
		var origins []cdc.Origin
		for _, o := range testOrigins() {
			if table := o.Contract.Table; table == "inventory" || table == "open_orders" || table == "nodes" {
				o.Clock = seed%2 == 0
				origins = append(origins, o)
			}
		}
		dice := rand.New(rand.NewPCG(seed, 11))
		cfg := Config{Origins: origins, Tenant: "t", Window: 20 + 30*int(seed)}
		a, b := open(t, cfg), open(t, cfg)
		g := newScript(seed, origins)
		offset, at := int64(0), [2]uint64{1 << 20, 100} // the second partition is far behind
		for range 60 {
			n, half := dice.IntN(len(origins)), dice.IntN(2)
			part := cdc.Partition{Topic: "t", ID: int32(half)}
			var records []cdc.Decoded
			for range 1 + dice.IntN(150) {
				if dice.IntN(60) == 0 {
					n = dice.IntN(len(origins))
				}
				o := &origins[n]
				cells := g.row(o)
				for i, c := range o.Columns { // more keys than the script's
					def := &o.Contract.Columns[c]
					switch {
					case def.Key && def.Type.Texts():
						cells[i].Text = fmt.Appendf(nil, "%c%d-%d", 'A'+i, dice.IntN(6), half)
					case !def.Key && dice.IntN(40) == 0:
						cells[i] = cdc.Cell{Kind: cdc.Unchanged}
					case dice.IntN(200) == 0:
						cells[i] = cdc.Cell{Kind: cdc.Int, Int: -1 << 40}
					}
				}
				at[half]++
				ch := cdc.Change{Origin: n, Source: o.Source, Position: cdc.Position{Major: at[half]}, At: int64(at[half]), Cells: cells}
				switch x := dice.IntN(300); {
				case x < 10:
					ch.Op = cdc.Delete
				case x < 20 && half == 0, x < 12: // older, by the time too
					ch.Position.Major -= uint64(dice.IntN(10))
					ch.At = int64(ch.Position.Major)
				}
				offset += int64(1 + dice.IntN(2))
				records = append(records, cdc.Decoded{Offset: offset, Changes: []cdc.Change{ch}})
			}
			for i := range records {
				if err := a.Apply(part, records[i].Offset, &records[i].Changes[0]); err != nil {
					records = records[:i] // a source that seems restored: both stop before it
					break
				}
			}
			before := b.Counts()[part].Applied
			if _, err := b.ApplyAll(part, records); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			all += int(b.Counts()[part].Applied - before)
			for k := range b.origins {
				if half == 1 && b.parts[part] != nil && b.parts[part].high[k].less(b.origins[k].floor) {
					behind++
				}
			}
			for i := range b.ahead.keys[:min(len(records), applyAtOnce)] {
				if f := &b.ahead.keys[i]; f.known && f.there && f.right {
					quick++
				}
			}
			if d := diff(imageOf(a), imageOf(b)); d != "" {
				t.Fatalf("seed %d: one by one (-), together (+):\n%s", seed, d)
			}
		}
	}
	t.Logf("%d applied, of some %d the key was there and every cell right; %d stretches behind the window", all, quick, behind)
	if quick < 5000 || all < 20000 || behind < 100 {
		t.Errorf("%d, %d and %d: the test shows little", all, quick, behind)
	}
}

// TestWindowPlacesAreGivenBack: ranks that come and go leave the index as full as the ranks in it need, and what is found
// in it is what stands in it.
func TestWindowPlacesAreGivenBack(t *testing.T) {
	var w window
	w.begin(func() int { return 1000 }, func(uint16, rank) {})
	dice := rand.New(rand.NewPCG(3, 9))
	for i := range 200_000 {
		slot := uint32(dice.IntN(4000))
		if e := w.find(1, slot); e != nil {
			e.major, e.touched = uint64(i), true
			continue
		}
		w.put(1, slot, rank{uint64(i), 1})
	}
	taken, left := 0, 0
	for _, n := range w.index {
		switch n {
		case 0:
		case gone:
			left++
			taken++
		default:
			taken++
			if e := &w.entries[n&rankMask-1]; !e.live || w.find(e.origin, e.slot) != e {
				t.Fatalf("entry %d is not found", n&rankMask-1)
			}
		}
	}
	if taken != w.places || taken-left != w.live || w.live != 1000 {
		t.Errorf("%d places taken, %d left, %d ranks; counted %d", taken, left, w.live, w.places)
	}
}
