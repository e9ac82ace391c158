package planner_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/fixtures/worlds"
	"echelon/inputs"
	"echelon/planner"
)

// lending is a loader that lends partitions, spoils what it gets back, and counts.
type lending struct {
	from loader
	size int64 // of each partition; 0: not told

	mu   sync.Mutex
	lent map[*inputs.Partition]bool
	most int
	all  int
}

func newLending(l loader) *lending {
	return &lending{from: l, lent: map[*inputs.Partition]bool{}}
}

func (l *lending) Partition(ctx context.Context, dc inputs.NodeIdx) (*inputs.Partition, error) {
	p, err := l.from.Partition(ctx, dc)
	if err != nil {
		return nil, err
	}
	out := *p
	out.Item, out.Node, out.Flags = slices.Clone(p.Item), slices.Clone(p.Node), slices.Clone(p.Flags)
	out.OnHand, out.D16, out.LotSet = slices.Clone(p.OnHand), slices.Clone(p.D16), slices.Clone(p.LotSet)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lent[&out] = true
	l.most, l.all = max(l.most, len(l.lent)), l.all+1
	return &out, nil
}

func (l *lending) PartitionBytes(inputs.NodeIdx) int64 { return l.size }

func (l *lending) Release(p *inputs.Partition) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.lent[p] {
		panic(fmt.Sprintf("DC %d given back twice", p.DC))
	}
	delete(l.lent, p)
	for i := range p.Item {
		p.Item[i], p.Node[i], p.Flags[i], p.OnHand[i], p.LotSet[i] = 1<<20, 1<<20, 0xffff, 1<<30, 1<<20
	}
	for i := range p.D16 {
		p.D16[i] = 0xffff
	}
}

// However many DCs are in memory and whoever plans them, the plan is the same; all memory is given back, and no more
// is held than allowed.
func TestDCsInMemoryDecideNothing(t *testing.T) {
	beside, goneOn := 0, int64(0)
	for _, shape := range []worlds.Shape{worlds.Mixed, worlds.Scarce, worlds.Levels, worlds.Linked} {
		for seed := range uint64(3) {
			c, l := world(t, seed, shape)
			c.Workers, c.InMemory = 1, 1
			want, wantResult := plan(t, c, l)
			for _, try := range []struct{ workers, inMemory, bytes int }{{1, 100, 0}, {2, 1, 0}, {2, 2, 0}, {7, 100, 0}, {7, 100, 250}} {
				c.Workers, c.InMemory, c.MemoryBytes, c.Paths = try.workers, try.inMemory, int64(try.bytes), &planner.Paths{}
				lend := newLending(l)
				lend.size = 100
				units := len(c.Network.DCs)
				for _, u := range c.Network.Units {
					units = min(units, units-len(u)+1)
				}
				if try.bytes > 0 && units < len(c.Network.DCs) {
					c.MemoryBytes = 100 * int64(len(c.Network.DCs)) // linked DCs are in memory together
				}
				got, gotResult := plan(t, c, lend)
				if diff := cmp.Diff(want.rows, got.rows); diff != "" {
					t.Fatalf("%s %d, %+v: %s", shape, seed, try, diff)
				}
				if diff := cmp.Diff(wantResult, gotResult); diff != "" {
					t.Fatalf("%s %d, %+v: %s", shape, seed, try, diff)
				}
				if len(lend.lent) > 0 {
					t.Fatalf("%s %d, %+v: %d of %d not given back", shape, seed, try, len(lend.lent), lend.all)
				}
				if c.MemoryBytes > 0 && int64(lend.most)*lend.size > c.MemoryBytes {
					t.Fatalf("%s %d, %+v: %d in memory at once", shape, seed, try, lend.most)
				}
				if try.inMemory == 1 && units == len(c.Network.DCs) && lend.most > 1 {
					t.Fatalf("%s %d, %+v: %d in memory at once", shape, seed, try, lend.most)
				}
				beside = max(beside, lend.most)
				if c.MemoryBytes == 0 {
					goneOn += c.Paths.GoneOn.Load()
				} else if c.MemoryBytes < 1000 && c.Paths.GoneOn.Load() > 0 {
					t.Fatalf("%s %d, %+v: %d rows went on from what was asked, and there was no room for it", shape, seed, try, c.Paths.GoneOn.Load())
				}
			}
		}
	}
	if goneOn < 300 {
		t.Errorf("only %d rows went on from what they had asked", goneOn)
	}
	if beside < 3 {
		t.Errorf("at most %d DCs were in memory together: nothing was tried", beside)
	}
}

// A DC that alone does not fit is refused before anything is loaded, and the error says how much it takes.
func TestMemoryLimitIsARefusal(t *testing.T) {
	c, l := world(t, 1, worlds.Levels)
	lend := newLending(l)
	lend.size, c.MemoryBytes = 5<<30, 3<<30
	_, err := planner.Plan(t.Context(), c, lend, planner.NewMemExchange(), newNotes(c.Network), nil)
	var tooLittle *planner.MemoryError
	if !errors.As(err, &tooLittle) || tooLittle.Needs != lend.size || tooLittle.Limit != c.MemoryBytes ||
		!strings.Contains(err.Error(), "take 5120 MiB") || !strings.Contains(err.Error(), "by 2048 MiB") {
		t.Errorf("refused with %v", err)
	}
	if lend.all > 0 {
		t.Errorf("%d partitions were loaded", lend.all)
	}
	c.InMemory = -1
	if _, err := planner.Plan(t.Context(), c, lend, planner.NewMemExchange(), newNotes(c.Network), nil); err == nil ||
		!strings.Contains(err.Error(), "must not be negative") {
		t.Errorf("a negative number in memory: %v", err)
	}
}
