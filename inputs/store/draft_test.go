package store

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

// Partitions come back from a draft as they were, in any order: equal elements, none, texts, columns longer than a chunk.
func TestDraft(t *testing.T) {
	t.Parallel()
	d, err := NewDraft(filepath.Join(t.TempDir(), "draft"))
	if err != nil {
		t.Fatal(err)
	}
	var want []*inputs.Partition
	for n := range int32(3) {
		p := &inputs.Partition{DC: inputs.NodeIdx(n), Horizon: 28, Live: int(n)}
		p.Alloc(int(n) * 3 * chunkBytes / 8)
		for r := range p.OnHand {
			p.OnHand[r], p.Flags[r] = int32(r)*7-n, inputs.FlagHeld
		}
		for r := range n {
			p.Inbound.Row, p.Inbound.Ref = append(p.Inbound.Row, r), append(p.Inbound.Ref, "order/"+string('A'+r))
			p.D64 = append(p.D64, 1<<40)
		}
		want = append(want, p)
		if err := d.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{2, 0, 1, 2} {
		got, err := d.Partition(i)
		if err != nil {
			t.Fatal(err)
		}
		if got.DC != want[i].DC || got.Horizon != 28 || got.Live != want[i].Live {
			t.Errorf("partition %d: %+v", i, got)
		}
		a, b := headOf(want[i]), headOf(got)
		was, now := partitionTable(want[i], &a), partitionTable(got, &b)
		was.pack()
		now.pack()
		for k := range was.columns {
			if diff := cmp.Diff(string(was.columns[k].bytes()), string(now.columns[k].bytes())); diff != "" {
				t.Errorf("partition %d, column %s differs", i, was.columns[k].name)
			}
		}
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
