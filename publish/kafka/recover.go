package kafka

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/calendars"
	"echelon/planner"
	"echelon/publish"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// Recover implements publish.Publisher: the released lines and the carry of a published DC, read from where
// its record says that they lie. What is read must have the record's counts and checksums; else, or when
// the topic has let go of it, an error of code 75.
func (p *Publisher) Recover(ctx context.Context, r publish.Record) (*publish.Recovered, error) {
	where := "dc " + r.DC + " of cycle " + r.Cycle
	book := p.book(r.Tenant)
	d := book.dc(r.Tenant, r.Cycle, r.DC)
	if d == nil {
		if err := book.settle(ctx); err != nil {
			return nil, classify(err, outcome.CodeAgain, where)
		}
		d = book.dc(r.Tenant, r.Cycle, r.DC)
	}
	if d == nil || d.Record != kindDC {
		return nil, unrecovered(where, "the manifest topic has no record of it")
	}
	for _, id := range []planner.LayerID{planner.StoreOrders, planner.DCOrders, planner.VendorOrders, planner.Carry} {
		if d.Layer(id) == nil {
			return nil, unrecovered(where, "layer %s was not published", planner.LayerOf(id).Name)
		}
	}
	c := &collector{of: d, p: p}
	if err := c.read(ctx); err != nil {
		return nil, classify(err, outcome.CodeAgain, where)
	}
	return c.recovered(), nil
}

func unrecovered(where, format string, args ...any) error {
	return outcome.New(outcome.CodeAgain, "not_recoverable", where,
		"planning without its releases would order twice: use the state folder that has its plan files, or wait until its grace is over",
		format, args...)
}

// collector gathers lines of one published DC.
type collector struct {
	of       *storedDC
	p        *Publisher
	sums     map[string]*layerSum
	releases []foundRelease
	carry    []planfile.CarryLine
}

type foundRelease struct {
	layer int
	line  int64
	planfile.Release
}

// recoveredLayers are the layers that a later cycle needs, in layer order.
var recoveredLayers = []string{
	planner.LayerOf(planner.StoreOrders).Name, planner.LayerOf(planner.DCOrders).Name,
	planner.LayerOf(planner.VendorOrders).Name, planner.LayerOf(planner.Carry).Name,
}

func (c *collector) read(ctx context.Context) error {
	c.sums = make(map[string]*layerSum)
	byTopic := make(map[string]route)
	whole := make(map[string]bool)
	from := make(map[string]map[int32]*stretch)
	for _, r := range c.of.Routes {
		if slices.Contains(recoveredLayers, r.Layer) {
			byTopic[r.Topic] = r
			c.sums[r.Layer] = &layerSum{Layer: r.Layer}
		}
	}
	for _, s := range c.of.Spans {
		if _, ok := byTopic[s.Topic]; !ok {
			continue
		}
		if s.Last < s.First {
			whole[s.Topic] = true
		}
		if from[s.Topic] == nil {
			from[s.Topic] = make(map[int32]*stretch)
		}
		if t := from[s.Topic][s.Partition]; t != nil {
			t.from, t.to = min(t.from, s.First), max(t.to, s.Last+1)
		} else {
			from[s.Topic][s.Partition] = &stretch{s.Topic, s.Partition, s.First, s.Last + 1}
		}
	}
	var stretches []stretch
	for _, topic := range sortedKeys(byTopic) {
		all, err := c.p.wholeTopics(ctx, []string{topic})
		if err != nil {
			return err
		}
		for _, s := range all {
			if t := from[topic][s.partition]; t != nil && !whole[topic] {
				if t.from < s.from || t.to > s.to {
					return unrecovered("topic "+topic, "partition %d keeps offsets %d to %d, the lines lie from %d to %d",
						s.partition, s.from, s.to-1, t.from, t.to-1)
				}
				stretches = append(stretches, *t)
			} else if whole[topic] {
				stretches = append(stretches, s)
			}
		}
	}
	err := scan(ctx, c.p.conn, stretches, func(r *kgo.Record) error {
		if header(r, headerCycle) != c.of.Cycle || header(r, headerDC) != c.of.DC || header(r, headerTenant) != c.of.Tenant {
			return nil
		}
		return c.take(ctx, byTopic[r.Topic], r)
	})
	if err != nil {
		return err
	}
	for _, want := range c.of.Sums {
		if got := c.sums[want.Layer]; got != nil && *got != want {
			return unrecovered("layer "+want.Layer, "%d lines with checksum %x were read, its record says %d with %x",
				got.Lines, uint64(got.Sum), want.Lines, uint64(want.Sum))
		}
	}
	return nil
}

// recoveredLine is the columns that are read back.
type recoveredLine struct {
	Line        int64  `json:"line"`
	Item        string `json:"item"`
	Node        string `json:"node"`
	Units       int64  `json:"units"`
	Destination string `json:"destination"`
	Source      string `json:"source"`
	Lane        string `json:"lane"`
	Quantity    int64  `json:"quantity"`
	OrderDay    string `json:"order_day"`
	PickDay     string `json:"pick_day"`
	ReceiveDay  string `json:"receive_day"`
	ReleaseID   string `json:"release_id"`
}

var releaseMark = []byte(`"release_id":"`)

func (c *collector) take(ctx context.Context, by route, r *kgo.Record) error {
	sum := c.sums[by.Layer]
	sum.Lines++
	sum.Sum += hexSum(xxhash.Sum64(r.Value))
	isCarry := by.Layer == planner.LayerOf(planner.Carry).Name
	if by.SchemaID == 0 && !isCarry && !bytes.Contains(r.Value, releaseMark) {
		return nil
	}
	var l recoveredLine
	if err := c.p.decodeLine(ctx, by.SchemaID, r.Value, &l); err != nil {
		return fmt.Errorf("%s partition %d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	if isCarry {
		c.carry = append(c.carry, planfile.CarryLine{Item: l.Item, Node: l.Node, Units: l.Units})
		return nil
	}
	if l.ReleaseID == "" {
		return nil
	}
	found := foundRelease{layer: slices.Index(recoveredLayers, by.Layer), line: l.Line, Release: planfile.Release{
		ID: l.ReleaseID, Item: l.Item, Destination: l.Destination, Source: l.Source, Lane: l.Lane, Quantity: l.Quantity,
		Cycle: c.of.Cycle, AsOf: c.of.AsOf.UnixMicro(), GraceUntil: c.of.GraceUntil.UnixMicro(),
	}}
	for _, d := range []struct {
		to   *calendars.Day
		from string
	}{{&found.OrderDay, l.OrderDay}, {&found.PickDay, l.PickDay}, {&found.ReceiveDay, l.ReceiveDay}} {
		day, err := calendars.ParseDay(d.from)
		if err != nil {
			return fmt.Errorf("line %s: %w", l.ReleaseID, err)
		}
		*d.to = day
	}
	c.releases = append(c.releases, found)
	return nil
}

// recovered puts the lines in the order of the plan files: layer, item, line.
func (c *collector) recovered() *publish.Recovered {
	slices.SortFunc(c.releases, func(a, b foundRelease) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.Item, b.Item), cmp.Compare(a.line, b.line))
	})
	slices.SortFunc(c.carry, func(a, b planfile.CarryLine) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Node, b.Node))
	})
	out := &publish.Recovered{Carry: c.carry}
	for i := range c.releases {
		out.Releases = append(out.Releases, c.releases[i].Release)
	}
	return out
}

// decodeLine reads the columns of a line that a struct names, from JSON or from Avro by its schema id.
func (p *Publisher) decodeLine(ctx context.Context, schemaID int, value []byte, into any) error {
	if schemaID == 0 {
		return json.Unmarshal(value, into)
	}
	if len(value) < 5 || value[0] != 0 {
		return fmt.Errorf("not in the registry's wire format")
	}
	schema, err := p.codecs.schema(ctx, int(binary.BigEndian.Uint32(value[1:5])))
	if err != nil {
		return err
	}
	var fields map[string]any
	if _, err := schema.Decode(value[5:], &fields); err != nil {
		return err
	}
	for k, v := range fields {
		switch t := v.(type) {
		case time.Time:
			fields[k] = t.UTC().Format("2006-01-02")
		case nil:
			delete(fields, k)
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}
