package build_test

import (
	"context"
	"fmt"
	"testing"

	"echelon/inputs"
	"echelon/inputs/build"
)

// bytesPerSKU is the gate of a resident snapshot at 28 days.
const bytesPerSKU = 200

// chain is two DCs with 40 stores each in three calendar patterns, 640 items of which a store carries seven
// eighths, forecasts of a few units a day, a tenth of the SKUs with an open order.
func chain(t testing.TB) inputs.Dataset {
	t.Helper()
	d := inputs.Dataset{}
	add := func(b *inputs.Builder, cells ...string) {
		row := map[string]string{}
		for i := 0; i < len(cells); i += 2 {
			row[cells[i]] = cells[i+1]
		}
		if err := b.Append(row); err != nil {
			t.Fatal(err)
		}
	}
	tables := map[string]*inputs.Builder{}
	table := func(name string) *inputs.Builder {
		if tables[name] == nil {
			tables[name] = inputs.NewBuilder(name)
		}
		return tables[name]
	}
	add(table("nodes"), "node", "V", "kind", "vendor", "zone", "UTC")
	for c, days := range []string{"1;3;5", "2;4;6", "1;2;3;4;5"} {
		add(table("calendars"), "calendar", fmt.Sprint("c", c), "rule", "1", "weekdays", days)
	}
	var nodes []string
	for dc := range 2 {
		name := fmt.Sprint("D", dc)
		add(table("nodes"), "node", name, "kind", "dc", "zone", "UTC")
		add(table("lanes"), "lane", "V"+name, "source", "V", "destination", name, "transit_days", "3")
		nodes = append(nodes, name)
		for s := range 40 {
			store := fmt.Sprintf("%sS%02d", name, s)
			add(table("nodes"), "node", store, "kind", "store", "zone", "UTC")
			add(table("lanes"), "lane", "L"+store, "source", name, "destination", store, "order_calendar", fmt.Sprint("c", s%3), "transit_days", "1")
			nodes = append(nodes, store)
		}
	}
	for i := range 640 {
		item := fmt.Sprintf("I%04d", i)
		add(table("items"), "item", item, "pack", "6")
		for n, node := range nodes {
			if len(node) > 2 && (i+n)%8 == 0 {
				continue
			}
			add(table("skus"), "item", item, "node", node)
			add(table("inventory"), "item", item, "node", node, "on_hand", "12")
			if len(node) > 2 {
				add(table("forecasts"), "item", item, "node", node, "from", "2026-11-24", "daily", "1;2;0.5;3;2;4;1")
			}
			if (i+n)%10 == 0 {
				add(table("open_orders"), "order", fmt.Sprint("P", i), "line", fmt.Sprint(n), "item", item, "destination", node,
					"ordered", "6", "due_on", "2026-11-26", "status", "released")
			}
		}
	}
	for name, b := range tables {
		d[name] = []*inputs.Batch{b.Batch()}
	}
	return d
}

func TestResidentBytesPerSKU(t *testing.T) {
	b, err := build.Snapshot(context.Background(), chain(t), options())
	if err != nil {
		t.Fatal(err)
	}
	var bytes, live, rows int64
	for _, p := range b.Partitions {
		bytes += p.Bytes()
		live += int64(p.Live)
		rows += int64(p.Rows())
	}
	per := float64(bytes) / float64(live)
	t.Logf("%d SKUs in %d rows: %.0f bytes per SKU", live, rows, per)
	if live < 40_000 || per > bytesPerSKU {
		t.Errorf("%d SKUs, %.0f bytes per SKU, want at most %d", live, per, bytesPerSKU)
	}
}
