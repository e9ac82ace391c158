package feed

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

func TestMappingOfSources(t *testing.T) {
	t.Parallel()
	_, err := ParseMapping("ok.yaml", []byte(`
version: 1
sources:
  wms: {format: debezium-avro, transactions: wms.transaction, heartbeat: hb.wms}
  oms: {format: debezium-json}
  lake: {format: json}
tables:
  inventory:
    from:
      - {source: wms, table: public.stock, topic: wms.public.stock, rows: true, columns: {item: sku_no, node: {from: store_no, prefix: S}, on_hand: {from: cases, factor: 12}}}
      - {source: oms, table: public.reservations, topic: oms.public.reservations, columns: {item: sku, node: store, reserved: qty}}
  lots: {from: [{source: lake, topic: lake.lots}]}
  safety_stocks: {from: [{source: http}]}
  nodes: {files: [stores.csv], columns: {kind: {from: type, values: {W: dc}}}}
`))
	if err != nil {
		t.Error(err)
	}
}

// TestMappingOfSourcesRefused names every fault at once.
func TestMappingOfSourcesRefused(t *testing.T) {
	t.Parallel()
	_, err := ParseMapping("bad.yaml", []byte(`
version: 1
sources:
  http: {format: json}
  wms: {format: debezium, transactions: t1}
  oms: {format: debezium-json, heartbeat: t1}
tables:
  inventory:
    columns: {counted_at: {unit: micros}}
    from:
      - {source: oms, topic: a, columns: {item: i, node: n, on_hand: q, position: p}}
      - {source: oms, table: r, topic: t1, columns: {item: i, node: n, on_hand: q, reserved: {from: r, factor: x}}}
      - {source: nobody, table: r, topic: b, columns: {item: i, reserved: r}}
      - {source: oms, table: s, columns: {item: i, node: n}}
  lots:
    from:
      - {source: http, topic: c, columns: {item: i, node: n, expires: {from: e, unit: fortnights}}}
  carry:
    from:
      - {source: oms, table: carry, topic: d}
      - {source: oms, table: carry, topic: d}
`))
	var refusal *inputs.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a refusal", err)
	}
	want := []string{
		"carry.from[0]: columns are missing: name what each of ours comes from",
		"carry.from[1].cycle: carry.from[0] gives it already: each column belongs to one origin",
		"carry.from[1].units: carry.from[0] gives it already: each column belongs to one origin",
		"carry.from[1]: columns are missing: name what each of ours comes from",
		"carry.from[1]: the same table of the same source feeds this table twice",
		"carry: exactly one entry of from has rows: true: the one that says which rows there are",
		"inventory.counted_at: unit and scale are for columns under from",
		"inventory.from[0]: no column position",
		"inventory.from[0]: table is missing: the source's table as schema.table",
		"inventory.from[1].on_hand: inventory.from[0] gives it already: each column belongs to one origin",
		`inventory.from[1].reserved: factor "x": write a whole number or a fraction such as 1/64`,
		"inventory.from[2].reserved: inventory.from[1] gives it already: each column belongs to one origin",
		"inventory.from[2]: column node is missing: it is part of the key",
		"inventory.from[2]: no source nobody: declare it under sources",
		"inventory.from[3]: it gives nothing but the key",
		"inventory.from[3]: topic is missing",
		"inventory: exactly one entry of from has rows: true: the one that says which rows there are",
		"lots.from[0].expires: unit must be days, seconds, millis, micros or nanos",
		"lots.from[0]: rows that come by HTTP have no topic",
		"lots.quantity: no entry of from gives it, and it must have a value",
		"sources.http: a source's name is a word without / and is not http",
		"sources.wms: format must be debezium-json, debezium-avro, json or avro",
		"topic t1 is named by sources.oms.heartbeat and by sources.wms.transactions",
		"topic t1 is named by sources.wms.transactions and by inventory",
	}
	if diff := cmp.Diff(want, strings.Split(refusal.Hint, "; ")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
