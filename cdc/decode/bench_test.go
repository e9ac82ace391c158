//go:build unix

package decode

import (
	"fmt"
	"math/big"
	"syscall"
	"testing"

	"github.com/twmb/avro"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/schema"
)

// updates are successive inventory updates of many keys, each in a transaction of its own.
func updates(b testing.TB, w *wireSchemas, form string, n int) []*cdc.Record {
	out := make([]*cdc.Record, n)
	for i := range out {
		s := &sent{op: "u", lsn: int64(44628688 + 100*i), tx: fmt.Sprint(761 + i), snapshot: "false", row: map[string]any{
			"id": int64(i), "sku_no": fmt.Sprintf("SKU-%06d", i*7%1000), "store_no": int32(i % 97), "cases": big.NewRat(int64(i%500)*100, 100),
			"held": float64(i % 9), "best": int32(20778), "counted": int64(1795305599999999 + i), "note": nil,
		}}
		out[i] = s.forms(b, w)[form]
		out[i].Offset = int64(i)
	}
	return out
}

const benchMapping = `
version: 1
sources:
  wms: {format: debezium-%s, transactions: wms.transaction}
tables:
  inventory:
    from:
      - source: wms
        table: public.stock
        topic: wms.public.stock
        columns: {item: sku_no, node: {from: store_no, prefix: S}, on_hand: {from: cases, factor: 12}, reserved: held, counted_at: counted}
`

func benchDecode(b *testing.B, f *Feeds, records []*cdc.Record) {
	d := f.Decoder()
	n := 0
	emit := func(ch *cdc.Change) error {
		if ch.Op == cdc.Upsert && len(ch.Cells) > 0 {
			n++
		}
		return nil
	}
	bytes := 0
	for _, r := range records {
		bytes += len(r.Key) + len(r.Value)
		if err := d.Decode(r, emit); err != nil {
			b.Fatal(err)
		}
	}
	n = 0
	b.SetBytes(int64(bytes / len(records)))
	b.ReportAllocs()
	b.ResetTimer()
	before := processorSeconds(b)
	for i := range b.N {
		if err := d.Decode(records[i%len(records)], emit); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/(processorSeconds(b)-before), "changes/cpu-s")
}

// processorSeconds is what the process has used: other work on the machine does not count.
func processorSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func BenchmarkDebeziumAvro(b *testing.B) {
	r := newRegistry(b)
	w := stockSchemas(r)
	f := with(b, Options{Mapping: mapping(b, fmt.Sprintf(benchMapping, "avro")), Registry: r.client()})
	benchDecode(b, f, updates(b, w, "avro", 1000))
}

func BenchmarkDebeziumJSON(b *testing.B) {
	w := stockSchemas(newRegistry(b))
	benchDecode(b, with(b, Options{Mapping: mapping(b, fmt.Sprintf(benchMapping, "json"))}), updates(b, w, "json", 1000))
}

func BenchmarkDebeziumJSONWithSchema(b *testing.B) {
	w := stockSchemas(newRegistry(b))
	benchDecode(b, with(b, Options{Mapping: mapping(b, fmt.Sprintf(benchMapping, "json"))}), updates(b, w, "json with schema", 1000))
}

// canonicalUpdates are inventory rows of our contract.
func canonicalUpdates(b testing.TB, r *registry, n int, encode func(id int, s *avro.Schema, row map[string]any) []byte) []*cdc.Record {
	text, err := schema.Avro(inputs.ContractOf("inventory"))
	if err != nil {
		b.Fatal(err)
	}
	id, s := r.put("acme.in.inventory.v1-value", string(text))
	out := make([]*cdc.Record, n)
	for i := range out {
		row := map[string]any{
			"item": fmt.Sprintf("SKU-%06d", i*7%1000), "node": fmt.Sprintf("S%d", i%97), "on_hand": i % 500, "reserved": i % 9,
			"unusable": nil, "backorders": nil, "counted_at": nil,
		}
		out[i] = record("acme.in.inventory.v1", "k", "")
		out[i].Value, out[i].Offset = encode(id, s, row), int64(i)
	}
	return out
}

func BenchmarkCanonicalAvro(b *testing.B) {
	r := newRegistry(b)
	records := canonicalUpdates(b, r, 1000, func(id int, s *avro.Schema, row map[string]any) []byte { return wire(b, id, s, row) })
	benchDecode(b, with(b, Options{Tenant: "acme", Registry: r.client()}), records)
}

func BenchmarkCanonicalJSON(b *testing.B) {
	records := canonicalUpdates(b, newRegistry(b), 1000, func(_ int, _ *avro.Schema, row map[string]any) []byte { return []byte(mustJSON(row)) })
	benchDecode(b, with(b, Options{Tenant: "acme"}), records)
}

// TestAvroAllocatesNothing holds D5.
func TestAvroAllocatesNothing(t *testing.T) {
	r := newRegistry(t)
	w := stockSchemas(r)
	f := with(t, Options{Mapping: mapping(t, fmt.Sprintf(benchMapping, "avro")), Registry: r.client()})
	records := updates(t, w, "avro", 200)
	d := f.Decoder()
	emit := func(*cdc.Change) error { return nil }
	i := 0
	next := func() {
		if err := d.Decode(records[i%len(records)], emit); err != nil {
			t.Fatal(err)
		}
		i++
	}
	for range records {
		next()
	}
	// the texts of transactions are kept in blocks of 8 KiB
	if got := testing.AllocsPerRun(5000, next); got > 0 {
		t.Errorf("%v allocations per update, want 0", got)
	}
}
