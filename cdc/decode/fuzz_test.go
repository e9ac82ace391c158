package decode

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/schema"
)

// fixed is a registry of one schema, whatever the id.
type fixed struct {
	Registry
	s *avro.Schema
}

func (r fixed) Schema(uint32) (*avro.Schema, error) { return r.s, nil }

// decoded gives the changes of a record as lines; an error that is no fault ends the test. Decoding again gives the same.
func decoded(t *testing.T, f *Feeds, r *cdc.Record) (changes []string, fault *inputs.Fault) {
	t.Helper()
	once := func() ([]string, *inputs.Fault) {
		var out []string
		err := f.Decoder().Decode(r, func(ch *cdc.Change) error {
			if ch.Origin != cdc.None {
				checkCells(t, f, ch)
			}
			out = append(out, line(f, ch))
			return nil
		})
		var fault *inputs.Fault
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("not a fault: %v", err)
		}
		if fault != nil && len(out) > 0 {
			t.Fatalf("a fault after changes %q: %v", out, fault)
		}
		return out, fault
	}
	changes, fault = once()
	again, faultAgain := once()
	if diff := cmp.Diff(changes, again) + cmp.Diff(fault, faultAgain); diff != "" {
		t.Fatalf("decoded again it differs: %s", diff)
	}
	return changes, fault
}

// checkCells holds what the state relies on: values keep the contract.
func checkCells(t *testing.T, f *Feeds, ch *cdc.Change) {
	t.Helper()
	o := &f.Origins[ch.Origin]
	for i := range ch.Cells {
		c, def := &ch.Cells[i], &o.Contract.Columns[o.Columns[i]]
		var fault *inputs.Fault
		switch c.Kind {
		case cdc.Int:
			fault = inputs.CheckInt(def, c.Int)
		case cdc.Text:
			fault = inputs.CheckText(def, string(c.Text))
		case cdc.List:
			for n, v := range c.List {
				if fault == nil {
					fault = inputs.CheckElement(def, v, n)
				}
			}
		case cdc.Null:
			if !def.Nullable && (def.Key || ch.Op == cdc.Upsert) {
				fault = &inputs.Fault{Column: def.Name, Hint: "null"}
			}
		case cdc.Unchanged:
			if def.Key && !def.Nullable {
				fault = &inputs.Fault{Column: def.Name, Hint: "a key unchanged"}
			}
		}
		if fault != nil {
			t.Fatalf("%s: a cell outside its contract: %v", line(f, ch), fault)
		}
	}
}

func FuzzDebeziumJSON(f *testing.F) {
	feeds := with(f, Options{Mapping: mapping(f, badMapping)})
	w := stockSchemas(newRegistry(f))
	schemed := updates(f, w, "json with schema", 1)[0]
	f.Add([]byte(stockKey), []byte(pgEvent("u", "stock", `{"qty":1,"at":1795273826710941}`)), uint8(0))
	f.Add([]byte(stockKey), []byte(pgEvent("d", "stock", `null`)), uint8(0))
	f.Add([]byte(stockKey), []byte(pgEvent("r", "fc", `{"first":20778,"units":[1,"2.5",3e2,{"scale":1,"value":"AQ=="}]}`)), uint8(1))
	f.Add(schemed.Key, schemed.Value, uint8(0))
	f.Add([]byte(stockKey), []byte(`{"status":"END","id":"7:8","data_collections":[{"data_collection":"public.stock","event_count":3}]}`), uint8(2))
	f.Fuzz(func(t *testing.T, key, value []byte, topic uint8) {
		name := []string{"wms.stock", "wms.fc", "wms.tx", "my.safety"}[topic%4]
		changes, _ := decoded(t, feeds, &cdc.Record{Partition: cdc.Partition{Topic: name}, Key: key, Value: value})
		if len(changes) > 0 && len(value) > 0 && !json.Valid(value) {
			t.Fatalf("not JSON, and decoded: %q", changes)
		}
	})
}

func FuzzCanonicalJSON(f *testing.F) {
	feeds := with(f, Options{Tenant: "acme"})
	f.Add([]byte("k"), []byte(`{"item":"A","node":"S1","on_hand":12,"counted_at":"2026-11-21T02:00:00-06:00"}`), uint8(7))
	f.Add([]byte("k"), []byte(`{"op":"delete","position":"7:1","calendar":"C","rule":1}`), uint8(3))
	f.Add([]byte(`{"item":"A","node":"S1"}`), []byte{}, uint8(7))
	tables := inputs.TableNames()
	f.Fuzz(func(t *testing.T, key, value []byte, table uint8) {
		name := CanonicalTopic("acme", tables[int(table)%len(tables)])
		changes, _ := decoded(t, feeds, &cdc.Record{Partition: cdc.Partition{Topic: name}, Key: key, Value: value})
		if len(changes) > 0 && len(value) > 0 && !json.Valid(value) {
			t.Fatalf("not JSON, and decoded: %q", changes)
		}
	})
}

// FuzzDebeziumAvro holds our walk against the library: what it reads we read, and what it refuses we refuse.
func FuzzDebeziumAvro(f *testing.F) {
	r := newRegistry(f)
	w := stockSchemas(r)
	feeds := with(f, Options{Mapping: mapping(f, fmt.Sprintf(stockMapping, "avro")), Registry: r.client()})
	for _, rec := range updates(f, w, "avro", 3) {
		f.Add(rec.Key[5:], rec.Value[5:])
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		rec := &cdc.Record{Partition: cdc.Partition{Topic: "wms.public.stock"}}
		rec.Key = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(w.keyID)), key...)
		rec.Value = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(w.valueID)), value...)
		changes, fault := decoded(t, feeds, rec)
		var into any
		rest, err := w.value.Decode(value, &into)
		ours := fault != nil && strings.Contains(fault.Hint, "not what the schema says")
		if whole := err == nil && len(rest) == 0; !whole && len(changes) > 0 {
			t.Fatalf("the library refuses it (%v, %d bytes left): %q", err, len(rest), changes)
		} else if whole && ours && fault.Value == fmt.Sprintf("%d bytes", len(rec.Value)) && len(key) != len(value) {
			t.Fatalf("the library reads %v, we do not: %v", into, fault)
		}
	})
}

// FuzzCanonicalAvro does so for our own schemas.
func FuzzCanonicalAvro(f *testing.F) {
	var all []*Feeds
	var schemas []*avro.Schema
	for _, c := range inputs.Contracts() {
		text, err := schema.Avro(c)
		if err != nil {
			f.Fatal(err)
		}
		s, err := avro.Parse(string(text))
		if err != nil {
			f.Fatal(err)
		}
		all, schemas = append(all, with(f, Options{Tenant: "acme", Registry: fixed{s: s}})), append(schemas, s)
	}
	f.Add([]byte("\x02A\x04S1\x18\x00\x00\x00\x00"), uint8(7))
	f.Add([]byte("\x02A\x04S1\x00\x00\x02\xd4\xc4\x02\x02\x04\x02\x01\x04\x01\x02\x00\x00\x00"), uint8(9))
	tables := inputs.TableNames()
	f.Fuzz(func(t *testing.T, value []byte, table uint8) {
		i := int(table) % len(all)
		rec := &cdc.Record{Partition: cdc.Partition{Topic: CanonicalTopic("acme", tables[i])}, Key: []byte("k")}
		rec.Value = append([]byte{0, 0, 0, 0, 1}, value...)
		changes, fault := decoded(t, all[i], rec)
		var into any
		rest, err := schemas[i].Decode(value, &into)
		if whole := err == nil && len(rest) == 0; !whole && len(changes) > 0 {
			t.Fatalf("the library refuses it (%v, %d bytes left): %q", err, len(rest), changes)
		} else if whole && fault != nil && strings.Contains(fault.Hint, "not what the schema says") {
			t.Fatalf("the library reads %v, we do not: %v", into, fault)
		}
	})
}

// FuzzAvroSchema reads records of any schema.
func FuzzAvroSchema(f *testing.F) {
	f.Add(`{"type":"record","name":"F","fields":[{"name":"item","type":"string"},{"name":"more","type":["null","F"]},{"name":"daily","type":{"type":"array","items":["int","double"]}}]}`, []byte("\x02A\x00\x00"))
	f.Add(avroEnvelopeSchema(stockFields), []byte("\x00\x00"))
	m := mapping(f, fmt.Sprintf(stockMapping, "avro"))
	f.Fuzz(func(t *testing.T, text string, value []byte) {
		s, err := avro.Parse(text, avro.WithLaxNames(nil))
		if err != nil {
			return // no schema: nothing to read
		}
		header := append([]byte{0, 0, 0, 0, 1}, value...)
		decoded(t, with(t, Options{Tenant: "acme", Registry: fixed{s: s}}), &cdc.Record{Partition: cdc.Partition{Topic: "acme.in.forecasts.v1"}, Key: []byte("k"), Value: header})
		decoded(t, with(t, Options{Mapping: m, Registry: fixed{s: s}}), &cdc.Record{Partition: cdc.Partition{Topic: "wms.public.stock"}, Key: header, Value: header})
	})
}
