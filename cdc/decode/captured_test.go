package decode

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"echelon/cdc"
)

const capturedMapping = `
version: 1
sources:
  wms: {format: debezium-json, transactions: wms.transaction, heartbeat: __debezium-heartbeat.wms}
  probe: {format: debezium-json, heartbeat: wms.public.heartbeat}
  prec: {format: debezium-json}
  dbl: {format: debezium-json}
tables:
  inventory:
    from:
      - source: wms
        table: public.inventory
        topic: wms.public.inventory
        rows: true
        columns: {item: item_id, node: node_id, on_hand: {from: on_hand, factor: 4}, counted_at: updated_at}
      - source: prec
        table: public.inventory
        topic: prec.public.inventory
        columns: {item: item_id, node: node_id, reserved: {from: on_hand, factor: 4, scale: 4}}
  nodes:
    from:
      - source: wms
        table: public.misc
        topic: wms.public.misc
        rows: true
        columns: {node: {from: id, prefix: N}, name: en, kind: {constant: store}, zone: {constant: UTC}, open_from: d, put_away_days: n_int}
      - source: dbl
        table: public.misc
        topic: dbl.public.misc
        columns: {node: {from: id, prefix: N}, open_to: d, frozen_days: n_int}
`

var update = flag.Bool("update", false, "write the golden files anew")

type capturedRecord struct {
	Case      string
	Topic     string
	Partition int32
	Offset    int64
	Headers   map[string]json.RawMessage
	Key       json.RawMessage
	Value     json.RawMessage
}

func captured(t testing.TB, name string) []capturedRecord {
	t.Helper()
	root := os.Getenv("ECHELON_DATA")
	if root == "" {
		t.Skip("ECHELON_DATA is not set: it names the folder with debezium/captured")
	}
	data, err := os.ReadFile(filepath.Join(root, "debezium", "captured", name))
	if err != nil {
		t.Fatal(err)
	}
	var out []capturedRecord
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var c capturedRecord
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

func (c *capturedRecord) record() *cdc.Record {
	r := &cdc.Record{Partition: cdc.Partition{Topic: c.Topic, ID: c.Partition}, Offset: c.Offset, Time: 7}
	if string(c.Key) != "null" {
		r.Key = c.Key
	}
	if string(c.Value) != "null" {
		r.Value = c.Value
	}
	for name, v := range c.Headers {
		r.Headers = append(r.Headers, cdc.Header{Key: name, Value: v})
	}
	return r
}

// TestCaptured decodes messages of real connectors; the golden file says what they mean.
func TestCaptured(t *testing.T) {
	t.Parallel()
	f := feeds(t, capturedMapping)
	var out []string
	for _, name := range []string{"debezium-3.7.0-decimal-string.jsonl", "debezium-3.7.0-more.jsonl"} {
		d := f.Decoder()
		for _, c := range captured(t, name) {
			if c.Topic == "wms.message" {
				c.Topic = "wms.public.inventory" // a message in the source's log may come to any topic
			}
			out = append(out, c.Case)
			for _, l := range lines(t, f, d, c.record()) {
				out = append(out, "  "+l)
			}
		}
	}
	golden(t, "captured.txt", strings.Join(out, "\n")+"\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (go test ./cdc/decode -update writes it anew, -want +got):\n%s", name, diff)
	}
}
