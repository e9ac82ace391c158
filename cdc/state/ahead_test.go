package state

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"echelon/cdc"
	"echelon/inputs"
)

// TestBatchesAreSingleChanges: records taken up by the batch, their keys looked for together, leave rows, totals,
// counts, ranks and floors as one change after another does; with keys that come and go inside a batch, truncates,
// repeats, records of several changes, of none, and such that could not be decoded, with checkpoints in between,
// after which slots and numbers of texts are given to others.
func TestBatchesAreSingleChanges(t *testing.T) {
	for seed := range uint64(12) {
		origins := testOrigins()
		g := newScript(seed, origins)
		dice := rand.New(rand.NewPCG(seed, 7))
		cfg := Config{Origins: origins, Tenant: "t", Window: 1 << 10, Scattered: seed%2 == 0}
		one, all := cfg, cfg
		one.Dir, all.Dir = t.TempDir(), t.TempDir()
		a, b := open(t, one), open(t, all)
		a.spilled.unsynced, b.spilled.unsynced = true, true
		for round := range 3 {
			list := g.deliver(g.day(400), 60)
			base := a.Offsets()
			for lo := 0; lo < len(list); lo += 200 { // stretches of one partition
				slices.SortStableFunc(list[lo:min(lo+200, len(list))], func(x, y sent) int { return int(x.part.ID) - int(y.part.ID) })
			}
			for lo := 0; lo < len(list); {
				part := list[lo].part
				var records []cdc.Decoded
				for ; lo < len(list) && list[lo].part == part && len(records) < 150; lo++ {
					r := cdc.Decoded{Offset: base[part] + list[lo].offset, Changes: []cdc.Change{*list[lo].ch}}
					switch dice.IntN(12) {
					case 0:
						r.Changes = nil
					case 1:
						r.Changes, r.Fault = nil, &inputs.Fault{Reason: inputs.BadRecord}
					case 2:
						r.Changes = append(r.Changes, *g.next()[0])
					case 3:
						if len(records) > 0 {
							records = append(records, records[dice.IntN(len(records))]) // read again
						}
					}
					records = append(records, r)
				}
				for i := range records {
					r := &records[i]
					err := error(nil)
					switch {
					case r.Fault != nil:
						err = a.Done(part, r.Offset, Quarantined)
					case len(r.Changes) == 0:
						err = a.Done(part, r.Offset, Filtered)
					}
					for k := range r.Changes {
						err = errors.Join(err, a.Apply(part, r.Offset, &r.Changes[k]))
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				if done, err := b.ApplyAll(part, records); err != nil || done != len(records) {
					t.Fatalf("%d of %d: %v", done, len(records), err)
				}
			}
			if d := diff(imageOf(a), imageOf(b)); d != "" {
				t.Fatalf("seed %d, round %d: one by one (-), by the batch (+):\n%s", seed, round, d)
			}
			checkpoint(t, a)
			checkpoint(t, b)
		}
	}
}

// TestBatchEndsAtTheFirstError: what stands before it is applied, what stands behind is not.
func TestBatchEndsAtTheFirstError(t *testing.T) {
	f := newStock(t, Config{})
	part := cdc.Partition{Topic: "stock"}
	var records []cdc.Decoded
	for i := range 100 {
		ch := *f.change(step{major: uint64(i + 1), item: "a"})
		if i == 70 {
			ch.Source = "another"
		}
		records = append(records, cdc.Decoded{Offset: int64(i), Changes: []cdc.Change{ch}})
	}
	done, err := f.s.ApplyAll(part, records)
	var restored *RestoredError
	if !errors.As(err, &restored) || restored.Offset != 70 || done != 70 {
		t.Fatalf("%d applied, %v", done, err)
	}
	if got := f.s.Offsets()[part]; got != 70 {
		t.Errorf("offset to read next is %d, want 70", got)
	}
}
