package decode

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/avro"

	"echelon/cdc"
	"echelon/inputs"
	"echelon/inputs/schema"
)

// told writes what a batch holds of its newest record.
func told(f *Feeds, b *cdc.Batch) string {
	r := &b.Records[len(b.Records)-1]
	out := fmt.Sprintf("%d at %d:", r.Offset, r.Time)
	if r.Fault != nil {
		out += fmt.Sprintf(" %s %s %s %q", r.Fault.Table, r.Fault.Reason, r.Fault.Column, r.Fault.Value)
	}
	for i := range r.Changes {
		out += fmt.Sprintf(" [%d %s]", r.Changes[i].At, line(f, &r.Changes[i]))
	}
	return out
}

// TestFlatIsDecode reads right, wrong and damaged records the short way and by Decode alone: the batches are the same.
func TestFlatIsDecode(t *testing.T) {
	r := newRegistry(t)
	schemas := map[string]int{}
	parsed := map[string]*avro.Schema{}
	for _, table := range []string{"inventory", "skus"} {
		text, err := schema.Avro(inputs.ContractOf(table))
		if err != nil {
			t.Fatal(err)
		}
		schemas[table], parsed[table] = r.put("acme.in."+table+".v1-value", string(text))
	}
	f := with(t, Options{Tenant: "acme", Registry: r.client(), Mapping: mapping(t, `
version: 1
sources:
  wms: {format: avro}
tables:
  inventory:
    from:
      - {source: wms, topic: wms.stock, columns: {item: item, node: node, on_hand: on_hand, reserved: reserved, counted_at: counted_at, unusable: {constant: "3"}}}
`)})
	rng := rand.New(rand.NewPCG(3, 5))
	quick, slow := f.Decoder(), f.Decoder()
	var fast, all cdc.Batch
	flat, other, faults := 0, 0, 0
	for n := range 20_000 {
		topic, table := "wms.stock", "inventory"
		row := map[string]any{
			"item": fmt.Sprintf("I%05d", rng.IntN(999)), "node": fmt.Sprintf("S%d", rng.IntN(99)), "on_hand": int32(rng.IntN(1 << uint(rng.IntN(30)))), "reserved": int32(rng.IntN(9)),
			"unusable": nil, "backorders": nil, "counted_at": nil,
		}
		switch rng.IntN(10) {
		case 0:
			row["counted_at"] = time.UnixMicro(1_790_000_000_000_000 + rng.Int64N(1e12))
		case 1:
			row["on_hand"] = int32(-1)
		case 2:
			row["item"] = "no id: ä"
		}
		if n/50%4 == 3 { // runs of another table, with texts and many nulls
			topic, table = "acme.in.skus.v1", "skus"
			for i := range inputs.ContractOf(table).Columns {
				row[inputs.ContractOf(table).Columns[i].Name] = nil
			}
			row["item"], row["node"], row["safety_units"] = "I1", fmt.Sprintf("S%d", rng.IntN(99)), int64(rng.IntN(3000))
		}
		value, err := parsed[table].AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, uint32(schemas[table])), row)
		if err != nil {
			t.Fatal(err)
		}
		rec := &cdc.Record{
			Partition: cdc.Partition{Topic: topic, ID: int32(rng.IntN(2))}, Offset: int64(n), Time: int64(n) * 1000,
			Key: fmt.Appendf(nil, `{"item":%q,"node":%q}`, row["item"], row["node"]), Value: value,
		}
		switch rng.IntN(20) {
		case 0:
			value[rng.IntN(len(value))] ^= byte(1 << rng.IntN(8))
		case 1:
			rec.Value = value[:rng.IntN(len(value))]
		case 2:
			rec.Value = nil
		case 3:
			rec.Key = [][]byte{nil, {0xff}, []byte("ä"), {0, 1}}[rng.IntN(4)]
		case 4:
			rec.Value = append(value, 0)
		}
		if rng.IntN(40) == 0 {
			fast.Reset()
			all.Reset()
		}
		if quick.DecodeInto(&fast, rec) {
			flat++
		} else {
			other++
			if err := fast.Decode(slowly{quick}, rec); err != nil {
				t.Fatal(err)
			}
		}
		if err := all.Decode(slowly{slow}, rec); err != nil {
			t.Fatal(err)
		}
		if got, want := told(f, &fast), told(f, &all); got != want {
			t.Fatalf("record %d:\n%s\nby Decode\n%s", n, got, want)
		}
		if all.Records[len(all.Records)-1].Fault != nil {
			faults++
		}
	}
	if flat < 5000 || other < 2000 || faults < 2000 {
		t.Errorf("%d the short way, %d by Decode, %d faults", flat, other, faults)
	}
}

// TestIsID holds the short way of ids against the contract's.
func TestIsID(t *testing.T) {
	def := &inputs.ColumnDef{Name: "item", Type: inputs.TypeID}
	for first := range 256 {
		for _, text := range [][]byte{{byte(first)}, {'A', byte(first)}, {byte(first), 'z', '9'}} {
			if want := inputs.CheckText(def, string(text)) == nil; isID(text) != want {
				t.Errorf("%q: %v, want %v", text, !want, want)
			}
		}
	}
}

// slowly is a decoder without its short way.
type slowly struct{ cdc.Decoder }
