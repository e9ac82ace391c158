package follow

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
	"echelon/cdc/decode"
	"echelon/cdc/state"
	"echelon/inputs"
	"echelon/inputs/schema"
)

// stockSchema is a registry of the inventory's schema alone, whose id is 1.
type stockSchema struct{ parsed *avro.Schema }

func newStockSchema(t testing.TB) stockSchema {
	text, err := schema.Avro(inputs.ContractOf("inventory"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := avro.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return stockSchema{s}
}

func (s stockSchema) Schema(uint32) (*avro.Schema, error) { return s.parsed, nil }

func (s stockSchema) Latest(context.Context, string) (*avro.Schema, error) { return s.parsed, nil }

// stockRecords are inventory rows of so many SKUs, in random order, in one partition.
func (s stockSchema) stockRecords(t testing.TB, skus int, asJSON bool) []*kgo.Record {
	dice := rand.New(rand.NewPCG(1, 2))
	out := make([]*kgo.Record, skus)
	for at, n := range dice.Perm(skus) {
		row := map[string]any{"item": fmt.Sprintf("I%07d", n/400), "node": fmt.Sprintf("S%05d", n%400), "on_hand": n % 500, "reserved": n % 9}
		for _, c := range inputs.ContractOf("inventory").Columns {
			if _, given := row[c.Name]; !given {
				row[c.Name] = nil
			}
		}
		r := &kgo.Record{
			Topic: decode.CanonicalTopic("depot", "inventory"), Offset: int64(at), Timestamp: time.UnixMilli(int64(at)),
			Key: fmt.Appendf(nil, `{"item":%q,"node":%q}`, row["item"], row["node"]),
		}
		var err error
		if asJSON {
			r.Value, err = json.Marshal(row)
		} else {
			r.Value, err = s.parsed.AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, 1), row)
		}
		if err != nil {
			t.Fatal(err)
		}
		out[at] = r
	}
	return out
}

// BenchmarkDecodeAndApply reports what a record costs from the client's hands into the state: inventory updates of a
// million SKUs in random order, decoded and applied by one goroutine.
func BenchmarkDecodeAndApply(b *testing.B) {
	s := newStockSchema(b)
	for _, form := range []string{"avro", "json"} {
		b.Run(form, func(b *testing.B) {
			records := s.stockRecords(b, 1_000_000, form == "json")
			feeds, err := decode.New(decode.Options{Tenant: "depot", Registry: s})
			if err != nil {
				b.Fatal(err)
			}
			st, err := state.Open(b.Context(), state.Config{Tenant: "depot", Origins: feeds.Origins})
			if err != nil {
				b.Fatal(err)
			}
			f := &Follower{cfg: Config{State: st, Quarantine: func(inputs.Fault) {}}, high: map[string]cdc.Position{}}
			f.status.Alive = map[string]int64{}
			part := cdc.Partition{Topic: records[0].Topic}
			p := &partition{Partition: part, topic: &Topic{Name: part.Topic}}
			r := &reader{decoder: feeds.Decoder(), next: map[cdc.Partition]int64{}}
			c := &chunk{part: part}
			var decoding, applying float64
			pass := func() {
				for from := 0; from < len(records); from += chunkRecords {
					at := processor()
					r.decode(c, records[from:min(from+chunkRecords, len(records))])
					mid := processor()
					if err := f.take(p, c); err != nil {
						b.Fatal(err)
					}
					decoding, applying = decoding+mid-at, applying+processor()-mid
				}
				for _, k := range records {
					k.Offset += int64(len(records))
				}
			}
			pass()
			decoding, applying = 0, 0
			b.ResetTimer()
			for range b.N {
				pass()
			}
			n := float64(b.N * len(records))
			b.ReportMetric(decoding*1e9/n, "decode-ns/record")
			b.ReportMetric(applying*1e9/n, "apply-ns/record")
			if sum := st.Counts()[part]; sum.Applied != int64((b.N+1)*len(records)) {
				b.Fatalf("%+v", sum)
			}
		})
	}
}
