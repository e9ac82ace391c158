package decode

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/cdc"
)

func TestCanonicalJSON(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Tenant: "acme", HTTP: []string{"safety_stocks"}, Mapping: mapping(t, `
version: 1
sources: {lake: {format: json}}
tables:
  lots:
    from:
      - {source: lake, topic: lake.lots, columns: {item: sku, node: {from: store, prefix: S}, expires: {from: best, layout: YYYYMMDD}, quantity: {from: cases, factor: 12}, op: {from: what, values: {X: delete}}, position: {from: seq}}}
`)})
	through := []cdc.Header{{Key: HeaderLog, Value: []byte("a")}, {Key: HeaderOffset, Value: []byte("41")}}
	for _, c := range []struct {
		name, topic, key, value string
		headers                 []cdc.Header
		want                    []string
	}{
		{
			name: "a row without a position has its offset", topic: "acme.in.inventory.v1", key: `{"item":"A","node":"S1"}`,
			value: `{"item":"A","node":"S1","on_hand":12,"reserved":null,"counted_at":"2026-11-21T02:00:00-06:00","new":{"a":[1]}}`,
			want:  []string{"in/inventory upsert 42:0 item=A node=S1 on_hand=12 reserved=null unusable=null backorders=null counted_at=2026-11-21T08:00:00Z"},
		},
		{
			name: "position and numbers as texts", topic: "acme.in.inventory.v1", key: "k",
			value: `{"position":"17:3","op":"u","item":"A\u0042","node":"S1","on_hand":"12"}`,
			want:  []string{"in/inventory upsert 17:3 item=AB node=S1 on_hand=12 reserved=null unusable=null backorders=null counted_at=null"},
		},
		{
			name: "a delete looks at the key only", topic: "acme.in.inventory.v1", key: "k", value: `{"op":"delete","position":18,"item":"A","node":"S1"}`,
			want: []string{"in/inventory delete 18:0 item=A node=S1 on_hand=same reserved=same unusable=same backorders=same counted_at=same"},
		},
		{
			name: "a tombstone names its key", topic: "acme.in.inventory.v1", key: `{"node":"S1","item":"A"}`,
			want: []string{"in/inventory delete 18:9223372036854775807 item=A node=S1 on_hand=same reserved=same unusable=same backorders=same counted_at=same"},
		},
		{
			name: "truncate", topic: "acme.in.inventory.v1", key: "k", value: `{"op":"truncate"}`,
			want: []string{"in/inventory truncate 42:0"},
		},
		{
			name: "a tombstone of a table with one key column", topic: "acme.in.items.v1", key: "A",
			want: []string{"in/items delete 42:0 item=A name=same category=same volume=same weight=same cost=same price=same currency=same pack=same layer_packs=same pallet_packs=same shelf_life_days=same sell_from=same sell_to=same successor=same successor_from=same handling=same"},
		},
		{
			name: "lists and thousandths", topic: "acme.in.forecasts.v1", key: "k",
			value: `{"item":"A","node":"S1","from":"2026-11-22","daily":[1, 2.5, "0.125", 1.0E+2]}`,
			want:  []string{"in/forecasts upsert 42:0 item=A node=S1 day=null demand=null from=2026-11-22 daily=[1000 2500 125 100000] issued_at=null quantile=null"},
		},
		{
			name: "weekdays are a list", topic: "acme.in.calendars.v1", key: "k",
			value: `{"calendar":"C","rule":1,"weekdays":[1,3,7],"state":"open"}`,
			want:  []string{"in/calendars upsert 42:0 calendar=C rule=1 weekdays=1;3;7 every=null anchor=null valid_from=null valid_to=null state=open"},
		},
		{
			name: "a mapping renames and converts", topic: "lake.lots", key: "k", value: `{"seq":9,"sku":4711,"store":17,"best":20261231,"cases":3}`,
			want: []string{"lake/lots upsert 9:0 item=4711 node=S17 expires=2026-12-31 quantity=36"},
		},
		{
			name: "a mapping translates operations", topic: "lake.lots", key: "k", value: `{"seq":10,"what":"X","sku":4711,"store":17,"best":20261231}`,
			want: []string{"lake/lots delete 10:0 item=4711 node=S17 expires=2026-12-31 quantity=same"},
		},
		{
			name: "rows by HTTP have the log's offset", topic: cdc.HTTPTopic, headers: []cdc.Header{{Key: HeaderTable, Value: []byte("safety_stocks")}},
			value: `{"item":"A","node":"S1","from":"1900-01-01","units":3}`,
			want:  []string{"http/safety_stocks upsert 42:0 item=A node=S1 from=1900-01-01 units=3"},
		},
		{
			name: "written through they count as the same", topic: "acme.in.safety_stocks.v1", key: "k", headers: through,
			value: `{"item":"A","node":"S1","from":"1900-01-01","units":3}`,
			want:  []string{"http/safety_stocks upsert 42:0 item=A node=S1 from=1900-01-01 units=3"},
		},
		{
			name: "others do not write what comes by HTTP", topic: "acme.in.safety_stocks.v1", key: "k", value: `{"item":"A"}`,
			want: []string{"safety_stocks acme.in.safety_stocks.v1-2 row 41: bad_record: the rows of this table come by HTTP: name this topic under from in the mapping instead"},
		},
		{
			name: "nothing else comes by HTTP", topic: cdc.HTTPTopic, headers: []cdc.Header{{Key: HeaderTable, Value: []byte("lots")}}, value: `{}`,
			want: []string{` _http-2 row 41: column table: "lots": bad_record: no table whose rows come by HTTP: name source http in the mapping`},
		},
		{
			name: "null where a value is needed", topic: "acme.in.inventory.v1", key: "k", value: `{"item":"A","node":"S1"}`,
			want: []string{"inventory acme.in.inventory.v1-2 row 41: column on_hand: missing_value: this column must have a value in every row"},
		},
		{
			name: "the first wrong column of the contract is named", topic: "acme.in.inventory.v1", key: "k", value: `{"reserved":-1,"on_hand":1.5,"item":"A","node":"S1"}`,
			want: []string{`inventory acme.in.inventory.v1-2 row 41: column on_hand: "1.5": wrong_type: must be a whole number`},
		},
		{
			name: "no key", topic: "acme.in.inventory.v1", value: `{"item":"A","node":"S1","on_hand":1}`,
			want: []string{"inventory acme.in.inventory.v1-2 row 41: bad_record: the record has no key: send each row with its key, so that the rows of a key stay in order"},
		},
		{
			name: "an operation that is none", topic: "acme.in.inventory.v1", key: "k", value: `{"op":"merge","item":"A","node":"S1","on_hand":1}`,
			want: []string{`inventory acme.in.inventory.v1-2 row 41: column op: "merge": bad_op: write upsert, delete or truncate`},
		},
		{
			name: "a position that is none", topic: "acme.in.inventory.v1", key: "k", value: `{"position":-3,"item":"A","node":"S1","on_hand":1}`,
			want: []string{`inventory acme.in.inventory.v1-2 row 41: column position: "-3": bad_record: write n or n:m, whole numbers`},
		},
		{
			name: "a column twice", topic: "acme.in.inventory.v1", key: "k", value: `{"item":"A","item":"B","node":"S1","on_hand":1}`,
			want: []string{`inventory acme.in.inventory.v1-2 row 41: "{\"item\":\"A\",\"item\":\"B\",\"node\":\"S1\",\"on_hand\":1}": bad_record: column item is there twice`},
		},
		{
			name: "more than one object", topic: "acme.in.inventory.v1", key: "k", value: `{"item":"A","node":"S1","on_hand":1}{}`,
			want: []string{`inventory acme.in.inventory.v1-2 row 41: "{\"item\":\"A\",\"node\":\"S1\",\"on_hand\":1}{}": bad_record: there is text after the record's JSON`},
		},
	} {
		d := f.Decoder()
		// a record with a position of its own came before
		lines(t, f, d, record("acme.in.inventory.v1", "k", `{"position":18,"item":"Z","node":"S1","on_hand":1}`))
		r := record(c.topic, c.key, c.value)
		r.Headers = c.headers
		if diff := cmp.Diff(c.want, lines(t, f, d, r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
