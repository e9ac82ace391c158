package planner

import (
	"context"

	"echelon/inputs"
)

// GroupAgain plans the item groups of a network without parents and children between DCs again and again on one
// desk: for the allocation budget. It returns a function that plans all groups of all units once.
func GroupAgain(ctx context.Context, c Cycle, l Loader) (func(), int, error) {
	r, err := newRun(&c)
	if err != nil {
		return nil, 0, err
	}
	rows := 0
	var desks []*desk
	for u := range r.units {
		var parts []*inputs.Partition
		for _, at := range r.units[u].dcs {
			p, err := l.Partition(ctx, r.net.DCs[at])
			if err != nil {
				return nil, 0, err
			}
			parts = append(parts, p)
			rows += p.Live
		}
		s := newShop(r, u, parts)
		s.collectGroups()
		s.give = true
		desks = append(desks, newDesk(s))
	}
	return func() {
		for _, d := range desks {
			for _, w := range d.groups {
				d.begin(w)
				d.ask()
				d.settleGroup()
				d.emitGroup()
			}
		}
	}, rows, nil
}
