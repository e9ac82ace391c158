package decode

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"
	"pgregory.net/rapid"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/schema"
)

// rightValue draws a value as JSON and as our Avro schemas carry it.
func rightValue(rt *rapid.T, def *inputs.ColumnDef) (asJSON, asAvro any) {
	n := rapid.IntRange(1, 5).Draw(rt, "n")
	both := func(v any) (any, any) { return v, v }
	milli := func(n int) (any, any) { return fmt.Sprintf("%d.%03d", n/1000, n%1000), big.NewRat(int64(n), 1000) }
	switch def.Type {
	case inputs.TypeZone:
		return both("America/Chicago")
	case inputs.TypeCurrency:
		return both("USD")
	case inputs.TypeEnum:
		return both(def.Enum[n%len(def.Enum)])
	case inputs.TypeBool:
		return both(n%2 == 0)
	case inputs.TypeMilli:
		return milli(n)
	case inputs.TypeDate:
		return fmt.Sprintf("2026-11-%02d", 20+n), int32(20777 + n)
	case inputs.TypeInstant:
		return fmt.Sprintf("2026-11-21T00:00:0%d.000001Z", n), 1795219200000001 + int64(n)*1000000
	case inputs.TypeTimeOfDay:
		return both(fmt.Sprintf("1%d:30", n))
	case inputs.TypeWeekdays:
		return []any{n, 7}, []any{int32(n), int32(7)}
	case inputs.TypeMilliList:
		a, b := milli(n)
		c, d := milli(n * 777)
		return []any{a, c}, []any{b, d}
	case inputs.TypeUnitsList:
		return both([]any{n, 2})
	case inputs.TypeID, inputs.TypeText:
		return both(fmt.Sprintf("I%d", n))
	default:
		return both(n)
	}
}

// TestCanonicalAvroIsCanonicalJSON holds D2 for the schemas that we publish.
func TestCanonicalAvroIsCanonicalJSON(t *testing.T) {
	t.Parallel()
	schemas := map[string]*avro.Schema{}
	decoders := map[string]*Decoder{}
	var f *Feeds
	for _, c := range inputs.Contracts() {
		text, err := schema.Avro(c)
		if err != nil {
			t.Fatal(err)
		}
		s := avro.MustParse(string(text))
		f = with(t, Options{Tenant: "acme", Registry: fixed{s: s}})
		schemas[c.Table], decoders[c.Table] = s, f.Decoder()
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(inputs.Contracts()).Draw(rt, "table")
		asJSON, asAvro := map[string]any{}, map[string]any{}
		for i := range c.Columns {
			def := &c.Columns[i]
			if def.Nullable && rapid.Bool().Draw(rt, "null") {
				asAvro[def.Name] = nil
				continue
			}
			asJSON[def.Name], asAvro[def.Name] = rightValue(rt, def)
		}
		topic := CanonicalTopic("acme", c.Table)
		want := lines(t, f, decoders[c.Table], record(topic, "k", mustJSON(asJSON)))
		rec := record(topic, "k", "")
		rec.Value = wire(rt, 1, schemas[c.Table], asAvro)
		if diff := cmp.Diff(want, lines(t, f, decoders[c.Table], rec)); diff != "" {
			rt.Fatalf("(-json +avro):\n%s", diff)
		}
		if len(want) != 1 || want[0][:3] != "in/" {
			rt.Fatalf("a right row: %q", want)
		}
	})
}

const transactionSchema = `{"type":"record","name":"TransactionMetadataValue","namespace":"io.debezium.connector.common","fields":[
	{"name":"status","type":"string"},{"name":"id","type":"string"},{"name":"event_count","type":["null","long"],"default":null},
	{"name":"data_collections","type":["null",{"type":"array","items":{"type":"record","name":"ConnectDefault","namespace":"event","fields":[
		{"name":"data_collection","type":"string"},{"name":"event_count","type":"long"}]}}],"default":null},
	{"name":"ts_ms","type":"long"}]}`

// TestAvroMarks reads transactions and heartbeats in Avro. Events of tables that are no origins do not count.
func TestAvroMarks(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	w := stockSchemas(r)
	_, f := stockFeeds(t, r)
	id, s := r.put("wms.transaction-value", transactionSchema)
	beat, beatSchema := r.put("hb.wms-value", `{"type":"record","name":"Heartbeat","namespace":"io.debezium.connector.common","fields":[{"name":"ts_ms","type":"long"}]}`)
	table := (&sent{op: "u", lsn: 99, snapshot: "false", row: map[string]any{"id": int64(1), "sku_no": "A", "store_no": int32(1)}}).envelope(nil)
	marks := []*cdc.Record{
		{Partition: cdc.Partition{Topic: "wms.transaction"}, Value: wire(t, id, s, map[string]any{"status": "BEGIN", "id": "761:44628528", "ts_ms": int64(1795273826272)})},
		{Partition: cdc.Partition{Topic: "wms.transaction"}, Value: wire(t, id, s, map[string]any{
			"status": "END", "id": "761:44629152", "event_count": int64(8), "ts_ms": int64(1795273826272),
			"data_collections": []any{map[string]any{"data_collection": "public.stock", "event_count": int64(3)}, map[string]any{"data_collection": "public.other", "event_count": int64(5)}},
		})},
		{Partition: cdc.Partition{Topic: "hb.wms"}, Value: wire(t, beat, beatSchema, map[string]any{"ts_ms": int64(5)})},
		{Partition: cdc.Partition{Topic: "hb.wms"}, Value: wire(t, w.valueID, w.value, table)},
		{Partition: cdc.Partition{Topic: "hb.wms"}},
	}
	want := []string{"wms begin 44628528:0 tx 761", "wms end 44629152:0 tx 761 of 3", "wms heartbeat 0:0", "wms heartbeat 99:0"}
	var got []string
	d := f.Decoder()
	for _, m := range marks {
		got = append(got, lines(t, f, d, m)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
