package decode

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
	"pgregory.net/rapid"

	"echelon/cdc"
)

// field is a column of a source as the tests make it: its Connect schema, its Avro type and what Debezium sends.
type field struct {
	name     string
	connect  map[string]any // without field and optional
	avro     any
	optional bool
}

func connectType(t, name string, params map[string]string) map[string]any {
	m := map[string]any{"type": t}
	if name != "" {
		m["name"], m["version"] = name, 1
	}
	if params != nil {
		m["parameters"] = params
	}
	return m
}

func avroConnect(t, name string) map[string]any {
	return map[string]any{"type": t, "connect.version": 1, "connect.name": name}
}

var stockFields = []field{
	{name: "id", connect: connectType("int64", "", nil), avro: "long"},
	{name: "sku_no", connect: connectType("string", "", nil), avro: "string"},
	{name: "store_no", connect: connectType("int32", "", nil), avro: "int"},
	{
		name: "cases", connect: connectType("bytes", "org.apache.kafka.connect.data.Decimal", map[string]string{"scale": "2", "connect.decimal.precision": "12"}),
		avro: map[string]any{
			"type": "bytes", "scale": 2, "precision": 12, "connect.version": 1, "connect.name": "org.apache.kafka.connect.data.Decimal",
			"connect.parameters": map[string]any{"scale": "2"}, "logicalType": "decimal",
		}, optional: true,
	},
	{name: "held", connect: connectType("double", "", nil), avro: "double", optional: true},
	{name: "best", connect: connectType("int32", "io.debezium.time.Date", nil), avro: avroConnect("int", "io.debezium.time.Date"), optional: true},
	{name: "counted", connect: connectType("int64", "io.debezium.time.MicroTimestamp", nil), avro: avroConnect("long", "io.debezium.time.MicroTimestamp"), optional: true},
	{name: "note", connect: connectType("string", "", nil), avro: "string", optional: true},
}

func connectFields(fields []field) []any {
	var out []any
	for _, f := range fields {
		m := map[string]any{"field": f.name, "optional": f.optional}
		for k, v := range f.connect {
			m[k] = v
		}
		out = append(out, m)
	}
	return out
}

func connectEnvelope(fields []field) map[string]any {
	row := func(name string) map[string]any {
		return map[string]any{"type": "struct", "optional": true, "name": "wms.public.stock.Value", "field": name, "fields": connectFields(fields)}
	}
	return map[string]any{"type": "struct", "fields": []any{row("before"), row("after"), map[string]any{"type": "string", "field": "op"}}, "name": "wms.public.stock.Envelope"}
}

func avroFields(fields []field) []any {
	var out []any
	for _, f := range fields {
		m := map[string]any{"name": f.name, "type": f.avro}
		if f.optional {
			m["type"], m["default"] = []any{"null", f.avro}, nil
		}
		out = append(out, m)
	}
	return out
}

func optional(t any) any { return []any{"null", t} }

// avroEnvelope is Debezium's Avro schema of a PostgreSQL table.
func avroEnvelopeSchema(fields []field) string {
	source := []any{}
	for _, f := range []struct {
		name string
		t    any
	}{
		{"version", "string"},
		{"connector", "string"},
		{"name", "string"},
		{"ts_ms", "long"},
		{"snapshot", []any{map[string]any{"type": "string", "connect.version": 1, "connect.name": "io.debezium.data.Enum"}, "null"}},
		{"db", "string"},
		{"sequence", optional("string")},
		{"ts_us", optional("long")},
		{"ts_ns", optional("long")},
		{"schema", "string"},
		{"table", "string"},
		{"txId", optional("long")},
		{"lsn", optional("long")},
		{"xmin", optional("long")},
	} {
		source = append(source, map[string]any{"name": f.name, "type": f.t})
	}
	env := map[string]any{
		"type": "record", "name": "Envelope", "namespace": "wms.public.stock", "fields": []any{
			map[string]any{"name": "before", "type": optional(map[string]any{"type": "record", "name": "Value", "fields": avroFields(fields)}), "default": nil},
			map[string]any{"name": "after", "type": optional("Value"), "default": nil},
			map[string]any{"name": "source", "type": map[string]any{"type": "record", "name": "Source", "namespace": "io.debezium.connector.postgresql", "fields": source}},
			map[string]any{"name": "transaction", "type": optional(map[string]any{"type": "record", "name": "block", "namespace": "event", "fields": []any{
				map[string]any{"name": "id", "type": "string"}, map[string]any{"name": "total_order", "type": "long"}, map[string]any{"name": "data_collection_order", "type": "long"},
			}}), "default": nil},
			map[string]any{"name": "op", "type": "string"},
			map[string]any{"name": "ts_ms", "type": optional("long"), "default": nil},
			map[string]any{"name": "ts_us", "type": optional("long"), "default": nil},
			map[string]any{"name": "ts_ns", "type": optional("long"), "default": nil},
		},
	}
	return mustJSON(env)
}

func avroKeySchema(fields []field) string {
	return mustJSON(map[string]any{"type": "record", "name": "Key", "namespace": "wms.public.stock", "fields": avroFields(fields)})
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

const stockMapping = `
version: 1
sources:
  wms: {format: debezium-%s, transactions: wms.transaction, heartbeat: hb.wms}
tables:
  inventory:
    from:
      - source: wms
        table: public.stock
        topic: wms.public.stock
        rows: true
        columns:
          item: sku_no
          node: {from: store_no, prefix: S}
          on_hand: {from: cases, factor: 12}
          reserved: {from: held, round: down}
          unusable: {constant: "0"}
          counted_at: {from: counted, zone: America/Chicago}
  lots:
    from:
      - {source: wms, table: public.stock, topic: wms.public.stock, columns: {item: sku_no, node: {from: store_no, prefix: S}, expires: {from: best}, quantity: {from: id}}}
`

// registry is a registry in memory and what was put there.
type registry struct {
	*srfake.Registry
	t testing.TB
}

func newRegistry(t testing.TB) *registry {
	r := &registry{srfake.New(), t}
	t.Cleanup(r.Close)
	return r
}

func (r *registry) put(subject, schema string) (id int, s *avro.Schema) {
	r.t.Helper()
	id, _, err := r.RegisterSchema(subject, sr.Schema{Schema: schema, Type: sr.TypeAvro})
	if err != nil {
		r.t.Fatal(err)
	}
	if s, err = avro.Parse(schema); err != nil {
		r.t.Fatal(err)
	}
	return id, s
}

func (r *registry) client() Registry {
	r.t.Helper()
	cl, err := sr.NewClient(sr.URLs(r.URL()))
	if err != nil {
		r.t.Fatal(err)
	}
	return NewRegistry(cl, 0)
}

// wire puts the registry's header before a value.
func wire(t interface{ Fatal(...any) }, id int, s *avro.Schema, v any) []byte {
	b, err := s.AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sent is one event in the forms that connectors send.
type sent struct {
	op       string
	row      map[string]any // as Debezium's values: decimals *big.Rat with two places
	lsn      int64
	tx       string
	snapshot string
}

func (s *sent) keyRow() map[string]any {
	return map[string]any{"sku_no": s.row["sku_no"], "store_no": s.row["store_no"], "best": s.row["best"]}
}

var keyFields = []field{stockFields[1], stockFields[2], stockFields[5]}

// jsonValues writes decimals as base64, as the JSON converter does.
func jsonValues(row map[string]any, text bool) map[string]any {
	out := map[string]any{}
	for k, v := range row {
		if d, ok := v.(*big.Rat); ok {
			if v = any(d.FloatString(2)); !text {
				v = base64.StdEncoding.EncodeToString(twos(d))
			}
		}
		out[k] = v
	}
	return out
}

// twos gives the two's complement bytes of a number with two places.
func twos(d *big.Rat) []byte {
	n := new(big.Int).Mul(d.Num(), new(big.Int).Div(big.NewInt(100), d.Denom()))
	for size := 1; ; size++ {
		limit := new(big.Int).Lsh(big.NewInt(1), uint(size*8-1))
		if n.Cmp(limit) < 0 && n.Cmp(new(big.Int).Neg(limit)) >= 0 {
			if n.Sign() < 0 {
				n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(size*8)))
			}
			b := n.Bytes()
			return append(make([]byte, size-len(b)), b...)
		}
	}
}

func (s *sent) envelope(row any) map[string]any {
	env := map[string]any{
		"before": nil, "after": row, "op": s.op, "ts_ms": 5, "ts_us": 5000, "ts_ns": 5000000, "transaction": nil,
		"source": map[string]any{
			"version": "3.7.0.Final", "connector": "postgresql", "name": "wms", "ts_ms": 1795273826710, "snapshot": s.snapshot, "db": "wms",
			"sequence": `["44628528","44628688"]`, "ts_us": 1795273826710941, "ts_ns": 1795273826710941997, "schema": "public", "table": "stock",
			"txId": 761, "lsn": s.lsn, "xmin": nil,
		},
	}
	if s.snapshot == "incremental" {
		env["source"].(map[string]any)["lsn"] = nil
	}
	if s.op == "d" {
		env["before"], env["after"] = row, nil
	}
	if s.tx != "" {
		env["transaction"] = map[string]any{"id": fmt.Sprintf("%s:%d", s.tx, s.lsn), "total_order": 1, "data_collection_order": 1}
	}
	return env
}

// forms are an event in every encoding, by name.
func (s *sent) forms(t interface{ Fatal(...any) }, w *wireSchemas) map[string]*cdc.Record {
	bare := record("wms.public.stock", mustJSON(s.keyRow()), mustJSON(s.envelope(jsonValues(s.row, true))))
	key, value := s.keyRow(), s.envelope(jsonValues(s.row, false))
	keySchema := map[string]any{"type": "struct", "fields": connectFields(keyFields)}
	schemed := record("wms.public.stock", inSchema(keySchema, key), inSchema(connectEnvelope(stockFields), value))
	late := record("wms.public.stock", mustJSON(map[string]any{"schema": keySchema, "payload": key}),
		mustJSON(map[string]any{"schema": connectEnvelope(stockFields), "payload": value})) // members in the order of their names
	return map[string]*cdc.Record{"json": bare, "json with schema": schemed, "json with a late schema": late, "avro": {
		Partition: bare.Partition, Offset: bare.Offset, Time: bare.Time,
		Key: wire(t, w.keyID, w.key, s.keyRow()), Value: wire(t, w.valueID, w.value, s.envelope(s.row)),
	}}
}

// inSchema writes a value behind its schema, as the JSON converter does.
func inSchema(schema, payload any) string {
	return `{"schema":` + mustJSON(schema) + `,"payload":` + mustJSON(payload) + `}`
}

type wireSchemas struct {
	keyID, valueID int
	key, value     *avro.Schema
}

func stockSchemas(r *registry) *wireSchemas {
	w := &wireSchemas{}
	w.keyID, w.key = r.put("wms.public.stock-key", avroKeySchema(keyFields))
	w.valueID, w.value = r.put("wms.public.stock-value", avroEnvelopeSchema(stockFields))
	return w
}

func stockFeeds(t testing.TB, r *registry) (jsonFeeds, avroFeeds *Feeds) {
	jsonFeeds = feeds(t, fmt.Sprintf(stockMapping, "json"))
	avroFeeds = with(t, Options{Mapping: mapping(t, fmt.Sprintf(stockMapping, "avro")), Registry: r.client()})
	return jsonFeeds, avroFeeds
}

// TestEncodingsAgree holds D2.
func TestEncodingsAgree(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	w := stockSchemas(r)
	jsonFeeds, avroFeeds := stockFeeds(t, r)
	jd, ad := jsonFeeds.Decoder(), avroFeeds.Decoder()
	rapid.Check(t, func(rt *rapid.T) {
		maybe := func(name string, v any) any {
			if rapid.IntRange(0, 4).Draw(rt, name+" null") == 0 {
				return nil
			}
			return v
		}
		s := &sent{
			op:       rapid.SampledFrom([]string{"c", "u", "r", "d"}).Draw(rt, "op"),
			lsn:      rapid.Int64Range(1, 1<<40).Draw(rt, "lsn"),
			tx:       rapid.SampledFrom([]string{"", "761", "99"}).Draw(rt, "tx"),
			snapshot: rapid.SampledFrom([]string{"false", "true", "last", "incremental", "first"}).Draw(rt, "snapshot"),
			row: map[string]any{
				"id":       rapid.Int64Range(0, 2_000_000_000).Draw(rt, "id"),
				"sku_no":   rapid.SampledFrom([]string{"A", "A-1", "Ä", "", "x y", "0"}).Draw(rt, "sku"),
				"store_no": rapid.Int32Range(0, 99).Draw(rt, "store"),
				"cases":    maybe("cases", big.NewRat(rapid.Int64Range(-100, 100_000).Draw(rt, "cases"), 100)),
				"held":     maybe("held", rapid.SampledFrom([]float64{0, 1, 2.5, 1e9, 1e10, -1, 0.1, 1e-9, 12345678}).Draw(rt, "held")),
				"best":     maybe("best", rapid.Int32Range(-30000, 90000).Draw(rt, "best")),
				"counted":  maybe("counted", rapid.Int64Range(0, 1_900_000_000_000_000).Draw(rt, "counted")),
				"note":     maybe("note", rapid.String().Draw(rt, "note")),
			},
		}
		var want []string
		forms := s.forms(rt, w)
		for i, name := range []string{"json", "json with schema", "json with a late schema", "avro"} {
			f, d := jsonFeeds, jd
			if name == "avro" {
				f, d = avroFeeds, ad
			}
			got := lines(t, f, d, forms[name])
			if i == 0 {
				want = got
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("%s differs from plain JSON (-want +got):\n%s\n%s", name, diff, forms["json"].Value)
			}
		}
	})
}

// TestEncodingsByHand shows what one event means.
func TestEncodingsByHand(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	w := stockSchemas(r)
	jsonFeeds, avroFeeds := stockFeeds(t, r)
	s := &sent{op: "u", lsn: 44628688, tx: "761", snapshot: "false", row: map[string]any{
		"id": int64(7), "sku_no": "A-1", "store_no": int32(17), "cases": big.NewRat(250, 100), "held": 2.5, "best": int32(20778),
		"counted": int64(1795305599999999), "note": "x",
	}}
	want := []string{
		"wms/public.stock upsert 44628688:0 tx 761 item=A-1 node=S17 on_hand=30 reserved=2 unusable=0 counted_at=2026-11-22T05:59:59.999999Z",
		"wms/public.stock+lots upsert 44628688:0 tx 761 item=A-1 node=S17 expires=2026-11-21 quantity=7",
	}
	for name, rec := range s.forms(t, w) {
		f := jsonFeeds
		if name == "avro" {
			f = avroFeeds
		}
		if diff := cmp.Diff(want, lines(t, f, f.Decoder(), rec)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := strings.Join(jsonFeeds.Topics(), " "); !strings.Contains(got, "hb.wms wms.public.stock wms.transaction") {
		t.Errorf("topics %s", got)
	}
}
