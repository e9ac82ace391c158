package kafka

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/planner"
)

// perPass is the number of lines whose identities are held at a time while a difference is explained.
const perPass = 1_000_000

// explain finds the lines behind every tally that differs.
func (v *verifier) explain(ctx context.Context) error {
	var lanes []laneOf
	for l, want := range v.want {
		if got := v.got[l]; got == nil || *got != *want {
			lanes = append(lanes, l)
		}
	}
	for l := range v.got {
		if v.want[l] == nil {
			lanes = append(lanes, l)
		}
	}
	slices.SortFunc(lanes, func(a, b laneOf) int {
		return cmp.Or(cmp.Compare(a.dc, b.dc), cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
	})
	for _, l := range lanes {
		if err := v.explainLane(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// sides is one line's values, by hash, in the plan file and in the topic.
type sides struct {
	name string
	want []uint64
	got  []seen
}

type seen struct {
	value  uint64
	offset int64
}

func (v *verifier) explainLane(ctx context.Context, l laneOf) error {
	d := v.of[l.dc]
	i := slices.IndexFunc(d.record.Routes, func(by route) bool { return by.Topic == l.topic })
	by := d.record.Routes[i]
	var lines int64
	for _, t := range []*tally{v.want[l], v.got[l]} {
		if t != nil {
			lines = max(lines, t.lines)
		}
	}
	passes := uint64(lines/perPass + 1)
	found := false
	for pass := range passes {
		all := make(map[string]*sides)
		take := func(value []byte) (*sides, error) {
			name, err := v.p.identity(ctx, by, value)
			if err != nil {
				name = fmt.Sprintf("not readable: %.200q", value)
			}
			if xxhash.Sum64String(name)%passes != pass {
				return nil, nil
			}
			s := all[name]
			if s == nil {
				s = &sides{name: name}
				all[name] = s
			}
			return s, nil
		}
		err := replay(ctx, d.files, d.record.Routes, func(r route) bool { return r.Topic == l.topic },
			func(_ route, partition int32, _, value []byte) error {
				if partition != l.partition {
					return nil
				}
				s, err := take(value)
				if s != nil {
					s.want = append(s.want, xxhash.Sum64(value))
				}
				return err
			})
		if err != nil {
			return err
		}
		var where []stretch
		for _, s := range v.stretches {
			if s.topic == l.topic && s.partition == l.partition {
				where = append(where, s)
			}
		}
		err = scan(ctx, v.p.conn, where, func(r *kgo.Record) error {
			if !v.ours(r) || header(r, headerDC) != l.dc || header(r, headerHash) != d.record.PlanHash {
				return nil
			}
			s, err := take(r.Value)
			if s != nil {
				s.got = append(s.got, seen{xxhash.Sum64(r.Value), r.Offset})
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, name := range sortedKeys(all) {
			for _, f := range all[name].compare() {
				f.DC, f.Topic, f.Partition, f.Line = l.dc, l.topic, l.partition, name
				v.report.add(f)
				found = true
			}
		}
	}
	if !found {
		v.report.add(Finding{Kind: FindingMisordered, DC: l.dc, Topic: l.topic, Partition: l.partition, Offset: -1})
	}
	return nil
}

// compare matches equal values one to one; what is left over is changed, lost, doubled or foreign.
func (s *sides) compare() []Finding {
	want := slices.Clone(s.want)
	var over []seen
	for _, g := range s.got {
		if i := slices.Index(want, g.value); i >= 0 {
			want = slices.Delete(want, i, i+1)
		} else {
			over = append(over, g)
		}
	}
	var all []Finding
	for _, g := range over {
		f := Finding{Kind: FindingForeign, Offset: g.offset}
		switch {
		case slices.Contains(s.want, g.value):
			f.Kind = FindingDoubled
		case len(want) > 0:
			f.Kind = FindingChanged
			want = want[1:]
		}
		all = append(all, f)
	}
	for range want {
		all = append(all, Finding{Kind: FindingLost, Offset: -1})
	}
	return all
}

// identity names a line by what makes it itself: item and number of an order line, elsewhere everything
// but its numbers.
func (p *Publisher) identity(ctx context.Context, by route, value []byte) (string, error) {
	var fields map[string]json.RawMessage
	if err := p.decodeLine(ctx, by.SchemaID, value, &fields); err != nil {
		return "", err
	}
	id, ok := layerID(by.Layer)
	if !ok {
		return "", fmt.Errorf("layer %q is not known", by.Layer)
	}
	var parts []string
	for _, name := range identityColumns(planner.LayerOf(id)) {
		text := strings.Trim(string(fields[name]), `"`)
		if text == "" {
			text = "-"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " "), nil
}

func identityColumns(l *planner.Layer) []string {
	var names []string
	for i := range l.Columns {
		switch l.Columns[i].Type {
		case planner.ColItem, planner.ColNode, planner.ColLane, planner.ColDay, planner.ColEnum, planner.ColText:
			names = append(names, l.Columns[i].Name)
		case planner.ColInt:
			if l.Columns[i].Name == "line" {
				return []string{"item", "line"}
			}
		case planner.ColMilli, planner.ColBool, planner.ColMilliList, planner.ColLedger:
		}
	}
	return names
}
