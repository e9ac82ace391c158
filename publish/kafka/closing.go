package kafka

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"echelon/publish"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// CloseCycle implements publish.Publisher. Every DC that the record calls published must be out with the
// same plan hash; lines and checksums by layer are summed over them.
func (p *Publisher) CloseCycle(ctx context.Context, c publish.Closing) error {
	return p.attempts(ctx, "closing of cycle "+c.Cycle, func(int) (*attempt, error) {
		a := p.attemptFor(c.Tenant, c.Cycle, "#closing")
		a.m.PlanHash = c.PlanHash
		return a, a.closing(ctx, c)
	})
}

// attemptFor makes an attempt at records that belong to no DC; who, which is no id of a DC, takes its place.
func (p *Publisher) attemptFor(tenant, cycle, who string) *attempt {
	return &attempt{p: p, m: &planfile.Manifest{Tenant: tenant, Cycle: cycle, DC: who}, book: p.book(tenant)}
}

func (a *attempt) closing(ctx context.Context, c publish.Closing) (err error) {
	longest := a.p.longestTransaction(ctx)
	if err := a.fence(ctx, a.p.cfg.timeoutOf(0, longest)); err != nil {
		return err
	}
	defer a.close(ctx, &err)
	if err := a.book.settle(ctx); err != nil {
		return err
	}
	record := &closingRecord{Record: kindClosing, Closing: c}
	if record.Layers, err = a.sums(c); err != nil {
		return err
	}
	key := closingKey(c.Tenant, c.Cycle)
	if there := a.book.closing(c.Tenant, c.Cycle); there != nil {
		same, err := equalJSON(&there.closingRecord, record)
		if err != nil || same {
			return err
		}
		if there.State == planfile.StateFull && there.PlanHash != c.PlanHash {
			return differs("closing of cycle "+c.Cycle, there.PlanHash, c.PlanHash)
		}
	}
	return a.transact(ctx, nil, func() ([]keyed, error) { return []keyed{{key, record}}, nil })
}

// sums adds up the published DCs of a closing record by layer.
func (a *attempt) sums(c publish.Closing) ([]layerSum, error) {
	var all []layerSum
	for _, dc := range c.DCs {
		if dc.State != planfile.StateFull && dc.State != planfile.StateDegraded {
			continue
		}
		d := a.book.dc(c.Tenant, c.Cycle, dc.DC)
		if d == nil || d.Record != kindDC || d.PlanHash != dc.PlanHash {
			return nil, outcome.New(outcome.CodeAgain, "closing_too_early", "dc "+dc.DC+" of cycle "+c.Cycle,
				"publish the DC first", "the manifest topic has no record of it with plan hash %s", dc.PlanHash)
		}
		for _, s := range d.Sums {
			i := slices.IndexFunc(all, func(l layerSum) bool { return l.Layer == s.Layer })
			if i < 0 {
				i = len(all)
				all = append(all, layerSum{Layer: s.Layer})
			}
			all[i].Lines += s.Lines
			all[i].Sum += s.Sum
		}
	}
	return all, nil
}

func equalJSON(a, b any) (bool, error) {
	x, err := json.Marshal(a)
	if err != nil {
		return false, fmt.Errorf("closing record: %w", err)
	}
	y, err := json.Marshal(b)
	if err != nil {
		return false, fmt.Errorf("closing record: %w", err)
	}
	return bytes.Equal(x, y), nil
}

// keepRanges writes down the division of partitions among the network's DCs where there is none yet. Once
// written it stays; DCs that come later get a partition of their own choosing (see ownRange).
func (p *Publisher) keepRanges(ctx context.Context, need publish.Need) error {
	if len(need.AllDCs) == 0 {
		return nil
	}
	var topics []string
	for _, layer := range need.Layers {
		if p.cfg.Topics.partitionerOf(layer) == ByDCRange {
			topics = append(topics, p.cfg.Topics.Name(need.Tenant, layer))
		}
	}
	if len(topics) == 0 {
		return nil
	}
	counts, err := p.partitions(ctx, topics)
	if err != nil {
		return err
	}
	book := p.book(need.Tenant)
	if err := book.settle(ctx); err != nil {
		return err
	}
	missing := func() *rangesRecord {
		have := book.ranges(need.Tenant)
		record := &rangesRecord{Record: kindRanges, Tenant: need.Tenant}
		if have != nil {
			record.Of = slices.Clone(have.Of)
		}
		was := len(record.Of)
		for _, t := range topics {
			n := int(counts[t])
			if record.of(n) != nil {
				continue
			}
			if ranges := divide(n, need.AllDCs, need.SKUsOfDC); ranges != nil {
				record.Of = append(record.Of, division{Partitions: n, DCs: ranges})
			}
		}
		if len(record.Of) == was {
			return nil
		}
		slices.SortFunc(record.Of, func(a, b division) int { return a.Partitions - b.Partitions })
		return record
	}
	if missing() == nil {
		return nil
	}
	a := p.attemptFor(need.Tenant, "#ranges", "#ranges")
	return a.ranges(ctx, missing)
}

// ranges writes the division, unless another worker was faster: the fence makes one wait for the other.
func (a *attempt) ranges(ctx context.Context, missing func() *rangesRecord) (err error) {
	if err := a.fence(ctx, a.p.cfg.timeoutOf(0, a.p.longestTransaction(ctx))); err != nil {
		return err
	}
	defer a.close(ctx, &err)
	if err := a.book.settle(ctx); err != nil {
		return err
	}
	record := missing()
	if record == nil {
		return nil
	}
	return a.transact(ctx, nil, func() ([]keyed, error) { return []keyed{{rangesKey(a.m.Tenant), record}}, nil })
}
