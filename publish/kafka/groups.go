package kafka

import (
	"context"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"echelon/publish/planfile"
)

// groupsPerRecord bounds the items of one groups record.
const groupsPerRecord = 5000

// groupsRecord is the value of tenant/cycle/dc/groups-n: the items that a net change planned again. A consumer that
// keeps whole plans drops all lines of the base that have one of Items (of the vendor layer, one of Orders too) before
// it takes this cycle's; an item without lines is one that has none any more. Workload and carry are replaced whole.
// They are written in the transaction of the DC's record, which names the base.
type groupsRecord struct {
	Record   string   `json:"record"`
	Tenant   string   `json:"tenant"`
	Cycle    string   `json:"cycle"`
	DC       string   `json:"dc"`
	PlanHash string   `json:"plan_hash"`
	Base     string   `json:"base"`
	Number   int      `json:"number"` // from 1
	Of       int      `json:"of"`
	Items    []string `json:"items,omitempty"`
	Orders   []string `json:"orders,omitempty"`
}

// storedGroups is what verifying needs of a groups record: how many items, and a sum over them.
type storedGroups struct {
	Tenant, Cycle, DC string
	PlanHash          string
	groupSum
}

type groupSum struct {
	items, orders int
	sum           uint64
}

func (s *groupSum) add(g *planfile.Groups) {
	for _, item := range g.Items {
		s.sum += xxhash.Sum64String("item/" + item)
	}
	for _, item := range g.Orders {
		s.sum += xxhash.Sum64String("order/" + item)
	}
	s.items += len(g.Items)
	s.orders += len(g.Orders)
}

func groupsKey(tenant, cycle, dc string, n int) string {
	return fmt.Sprintf("%s/%s/%s/groups-%06d", tenant, cycle, dc, n)
}

// groupsOf makes the groups records of a net change; none for a full plan.
func groupsOf(ctx context.Context, dc *planfile.DC) ([]keyed, error) {
	g, err := dc.Groups(ctx)
	if err != nil || g == nil {
		return nil, err
	}
	var parts []planfile.Groups
	items, orders := g.Items, g.Orders
	for len(parts) == 0 || len(items)+len(orders) > 0 {
		n := min(len(items), groupsPerRecord)
		k := min(len(orders), groupsPerRecord-n)
		parts = append(parts, planfile.Groups{Items: items[:n], Orders: orders[:k]})
		items, orders = items[n:], orders[k:]
	}
	m := dc.Manifest
	var out []keyed
	for i, p := range parts {
		out = append(out, keyed{groupsKey(m.Tenant, m.Cycle, m.DC, i+1), &groupsRecord{
			Record: kindGroups, Tenant: m.Tenant, Cycle: m.Cycle, DC: m.DC, PlanHash: m.PlanHash, Base: m.Base.Cycle,
			Number: i + 1, Of: len(parts), Items: p.Items, Orders: p.Orders,
		}})
	}
	return out, nil
}

// groups sums up the groups records of a (cycle, DC) and plan.
func (m *manifests) groups(tenant, cycle, dc, hash string) groupSum {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all groupSum
	for _, row := range m.rows {
		if g, ok := row.(*storedGroups); ok && g.Tenant == tenant && g.Cycle == cycle && g.DC == dc && g.PlanHash == hash {
			all.items, all.orders, all.sum = all.items+g.items, all.orders+g.orders, all.sum+g.sum
		}
	}
	return all
}

// checkGroups compares the groups that are out with those of the plan files.
func (v *verifier) checkGroups(ctx context.Context, d *verified) error {
	g, err := d.files.Groups(ctx)
	if err != nil || g == nil {
		return err
	}
	m := d.files.Manifest
	var want groupSum
	want.add(g)
	if v.book.groups(m.Tenant, m.Cycle, m.DC, m.PlanHash) != want {
		v.report.add(Finding{Kind: FindingChecksum, DC: m.DC, Topic: v.book.topic, Offset: -1, Line: "groups"})
	}
	return nil
}
