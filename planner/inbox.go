package planner

import (
	"context"
	"fmt"
	"slices"

	"echelon/inputs"
)

// inbox is what one unit sends another within a cycle: a blob per item group, and an index of the groups
// that there are. Names are "requests/<from>/<to>/<group>" going up, "answers/…" coming down, a unit being
// named by its first DC.
type inbox struct {
	kind     string
	from, to int // units
	names    string
	groups   []int32
}

func (r *run) inbox(kind string, from, to int) inbox {
	return inbox{kind: kind, from: from, to: to, names: kind + "/" + r.unitName(from) + "/" + r.unitName(to)}
}

func (r *run) unitName(u int) string {
	dc := r.net.DCs[r.units[u].dcs[0]]
	if dc == inputs.Direct {
		return "_direct"
	}
	return r.net.Nodes.ID[dc]
}

func (in *inbox) has(group int32) bool {
	_, ok := slices.BinarySearch(in.groups, group)
	return ok
}

func (in *inbox) name(group int32) string { return fmt.Sprintf("%s/%d", in.names, group) }

func (in *inbox) get(ctx context.Context, x Exchange, group int32) ([]byte, error) {
	blob, err := x.Get(ctx, in.name(group))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", in.name(group), err)
	}
	return blob, nil
}

// open reads the index.
func (in *inbox) open(ctx context.Context, x Exchange) error {
	blob, err := x.Get(ctx, in.names+"/index")
	if err != nil {
		return fmt.Errorf("read %s/index: %w", in.names, err)
	}
	w := wire{buf: blob}
	in.groups = in.groups[:0]
	for range w.count() {
		in.groups = append(in.groups, int32(w.int()))
	}
	if err := w.err(); err != nil {
		return fmt.Errorf("read %s/index: %w", in.names, err)
	}
	return nil
}

// close writes the index; groups may come in any order.
func (in *inbox) close(ctx context.Context, x Exchange, groups []int32) error {
	slices.Sort(groups)
	blob := appendInt(nil, int64(len(groups)))
	for _, g := range groups {
		blob = appendInt(blob, int64(g))
	}
	if err := x.Put(ctx, in.names+"/index", blob); err != nil {
		return fmt.Errorf("write %s/index: %w", in.names, err)
	}
	return nil
}
