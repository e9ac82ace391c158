package decode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/avro"

	"echelon/cdc"
)

const commitMapping = `
version: 1
sources:
  ms: {format: debezium-%s, transactions: ms.transaction}
  ora: {format: debezium-%[1]s}
tables:
  inventory:
    from:
      - {source: ms, table: dbo.stock, topic: ms.shop.dbo.stock, rows: true, columns: {item: sku, node: store, on_hand: qty}}
      - {source: ora, table: WMS.STOCK, topic: ora.WMS.STOCK, columns: {item: sku, node: store, reserved: qty}}
`

// change is one record as the connectors of SQL Server and Oracle send it: the documented shapes.
type change struct {
	op, snapshot string
	commit, at   string // commit_lsn and change_lsn; commit_scn and scn; "" null
	order        int    // 0: without transaction
	qty          int
	keyChanged   bool
	oracle       bool
}

func word(s string) string {
	if s == "" {
		return "null"
	}
	return fmt.Sprintf("%q", s)
}

func (c *change) record() *cdc.Record {
	tx := "null"
	var source string
	if c.order > 0 {
		tx = fmt.Sprintf(`{"id":"%s","total_order":%d,"data_collection_order":%[2]d}`, c.commit, c.order)
	}
	topic := "ms.shop.dbo.stock"
	if c.oracle {
		topic = "ora.WMS.STOCK"
		source = fmt.Sprintf(`"connector":"oracle","name":"ora","ts_ms":1795273826000,"snapshot":%q,"db":"ORCLPDB1","sequence":null,"schema":"WMS","table":"STOCK","txId":"02000a0037030000","scn":%s,"commit_scn":%s,"lcr_position":null,"rs_id":"0x000025.00000d98.00a2","ssn":0,"redo_thread":1,"user_name":"WMS"`, c.snapshot, word(c.at), word(c.commit))
	} else {
		source = fmt.Sprintf(`"connector":"sqlserver","name":"ms","ts_ms":1795273826000,"snapshot":%q,"db":"shop","sequence":null,"schema":"dbo","table":"stock","change_lsn":%s,"commit_lsn":%s,"event_serial_no":1`, c.snapshot, word(c.at), word(c.commit))
	}
	after := fmt.Sprintf(`{"sku":"A","store":"S1","qty":%d}`, c.qty)
	if c.op == "d" {
		after = "null"
	}
	r := record(topic, stockKey, fmt.Sprintf(`{"before":null,"after":%s,"source":{"version":"3.0.0.Final",%s},"transaction":%s,"op":%q,"ts_ms":1795273826001}`, after, source, tx, c.op))
	if c.keyChanged {
		r.Headers = []cdc.Header{{Key: "__debezium.oldkey", Value: []byte("{}")}}
	}
	return r
}

// TestCommitOrder reads changes of SQL Server and Oracle in the order of their commits and holds that positions
// ascend by it: commits in another order than changes, several changes of a row in one transaction, a key change
// whose next change comes at once, a snapshot before what is streamed.
func TestCommitOrder(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Mapping: mapping(t, fmt.Sprintf(commitMapping, "json"))})
	for name, list := range map[string][]change{
		"SQL Server": {
			{op: "r", snapshot: "true", commit: "00000027:00000758:0005", qty: 1},
			{op: "c", snapshot: "false", commit: "00000027:00000758:0006", at: "00000027:00000758:0002", order: 1, qty: 2},
			{op: "u", snapshot: "false", commit: "00000027:00000758:0006", at: "00000027:00000758:0004", order: 2, qty: 3},
			{op: "c", snapshot: "false", commit: "00000027:00000758:0006", at: "00000027:00000758:0004", order: 3, qty: 4, keyChanged: true},
			{op: "u", snapshot: "false", commit: "00000027:00000758:0006", at: "00000027:00000758:0005", order: 4, qty: 5},
			{op: "u", snapshot: "false", commit: "00000027:00000760:0001", at: "00000026:00000001:0001", order: 1, qty: 6},
			{op: "d", snapshot: "false", commit: "00000028:00000010:ffff", at: "00000028:00000010:0001", order: 70_368_744_177_663},
			{op: "c", snapshot: "false", commit: "ffffffff:ffffffff:ffff", at: "ffffffff:ffffffff:0001", order: 1, qty: 8},
		},
		"Oracle": {
			{oracle: true, op: "r", snapshot: "true", at: "2122190", qty: 1},
			{oracle: true, op: "c", snapshot: "false", commit: "2122196", at: "2122180", order: 1, qty: 2},
			{oracle: true, op: "u", snapshot: "false", commit: "2122196", at: "2122180", order: 2, qty: 3},
			{oracle: true, op: "c", snapshot: "false", commit: "2122196", at: "2122181", order: 3, qty: 4, keyChanged: true},
			{oracle: true, op: "u", snapshot: "false", commit: "2122196", at: "2122181", order: 4, qty: 5},
			{oracle: true, op: "u", snapshot: "false", commit: "2122197", at: "2122170", order: 1, qty: 6},
			{oracle: true, op: "d", snapshot: "false", commit: "18446744073709551615", at: "18446744073709551610", order: 1},
		},
	} {
		d := f.Decoder()
		var last cdc.Position
		for i := range list {
			n := 0
			err := d.Decode(list[i].record(), func(ch *cdc.Change) error {
				n++
				if n == 1 && ch.Position.Compare(last) <= 0 {
					t.Errorf("%s, change %d: position %v is not behind %v", name, i, ch.Position, last)
				}
				if ch.Position.Minor >= 1<<63 {
					t.Errorf("%s, change %d: minor position %d does not fit", name, i, ch.Position.Minor)
				}
				if ch.Initial != (list[i].op == "r") {
					t.Errorf("%s, change %d: initial is %v", name, i, ch.Initial)
				}
				last = ch.Position
				return nil
			})
			if err != nil || n != 1 {
				t.Errorf("%s, change %d: %d changes, %v", name, i, n, err)
			}
		}
	}
	want := "ms/dbo.stock upsert 167503724544:" + fmt.Sprint(6<<47|2<<1) + " tx 00000027:00000000:0006 item=A node=S1 on_hand=3"
	c := change{op: "u", snapshot: "false", commit: "00000027:00000000:0006", at: "00000027:00000000:0004", order: 2, qty: 3}
	if got := strings.Join(lines(t, f, f.Decoder(), c.record()), "\n"); !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestNoCommitOrder: without the place in a transaction, or with positions that are none, a record is refused.
func TestNoCommitOrder(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Mapping: mapping(t, fmt.Sprintf(commitMapping, "json"))})
	for name, c := range map[string]change{
		"SQL Server without a transaction": {op: "u", snapshot: "false", commit: "00000027:00000758:0006", at: "00000027:00000758:0002"},
		"two numbers":                      {op: "u", snapshot: "false", commit: "00000027:00000758", order: 1},
		"a file of 33 bits":                {op: "u", snapshot: "false", commit: "100000027:00000758:0001", order: 1},
		"a slot of 17 bits":                {op: "u", snapshot: "false", commit: "00000027:00000758:10001", order: 1},
		"a place of 47 bits":               {op: "u", snapshot: "false", commit: "00000027:00000758:0001", order: 1 << 46},
		"Oracle without a transaction":     {oracle: true, op: "u", snapshot: "false", commit: "2122196", at: "2122180"},
		"Oracle without its commit":        {oracle: true, op: "u", snapshot: "false", at: "2122180", order: 1},
		"no number":                        {oracle: true, op: "u", snapshot: "false", commit: "-7", at: "2122180", order: 1},
	} {
		got := strings.Join(lines(t, f, f.Decoder(), c.record()), "\n")
		if !strings.Contains(got, "column source: bad_record: no position") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestCommitOrderInAvro: the same positions from Avro (D2).
func TestCommitOrderInAvro(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	null := func(of any) []any { return []any{"null", of} }
	row := map[string]any{"type": "record", "name": "Value", "fields": []any{
		map[string]any{"name": "sku", "type": "string"}, map[string]any{"name": "store", "type": "string"}, map[string]any{"name": "qty", "type": null("int")},
	}}
	var source []any
	for _, name := range []string{"snapshot", "db", "schema", "table", "change_lsn", "scn", "commit_lsn", "commit_scn"} {
		source = append(source, map[string]any{"name": name, "type": null("string")})
	}
	id, s := r.put("ms.shop.dbo.stock-value", mustJSON(map[string]any{"type": "record", "name": "Envelope", "fields": []any{
		map[string]any{"name": "after", "type": null(row)},
		map[string]any{"name": "source", "type": map[string]any{"type": "record", "name": "Source", "fields": source}},
		map[string]any{"name": "transaction", "type": null(map[string]any{"type": "record", "name": "block", "fields": []any{
			map[string]any{"name": "id", "type": "string"}, map[string]any{"name": "total_order", "type": "long"},
		}})},
		map[string]any{"name": "op", "type": "string"},
	}}))
	keyID, key := r.put("ms.shop.dbo.stock-key", mustJSON(map[string]any{"type": "record", "name": "Key", "fields": []any{
		map[string]any{"name": "sku", "type": "string"}, map[string]any{"name": "store", "type": "string"},
	}}))
	inAvro := with(t, Options{Mapping: mapping(t, fmt.Sprintf(commitMapping, "avro")), Registry: r.client()})
	inJSON := with(t, Options{Mapping: mapping(t, fmt.Sprintf(commitMapping, "json"))})
	send := func(c *change, s *avro.Schema) *cdc.Record {
		out := c.record()
		given := func(text string) any {
			if text == "" {
				return nil
			}
			return text
		}
		from := map[string]any{
			"snapshot": c.snapshot, "db": "shop", "schema": "dbo", "table": "stock", "change_lsn": nil, "scn": nil, "commit_lsn": nil, "commit_scn": nil,
		}
		if c.oracle {
			from["schema"], from["table"], from["scn"], from["commit_scn"] = "WMS", "STOCK", given(c.at), given(c.commit)
		} else {
			from["change_lsn"], from["commit_lsn"] = given(c.at), given(c.commit)
		}
		env := map[string]any{
			"op": c.op, "after": map[string]any{"sku": "A", "store": "S1", "qty": c.qty}, "source": from, "transaction": nil,
		}
		if c.order > 0 {
			env["transaction"] = map[string]any{"id": c.commit, "total_order": int64(c.order)}
		}
		out.Value = wire(t, id, s, env)
		out.Key = wire(t, keyID, key, map[string]any{"sku": "A", "store": "S1"})
		return out
	}
	for _, c := range []change{
		{op: "r", snapshot: "true", commit: "00000027:00000758:0005", qty: 1},
		{op: "u", snapshot: "false", commit: "00000027:00000758:0006", at: "00000027:00000758:0004", order: 2, qty: 3},
		{op: "u", snapshot: "false", commit: "00000027:00000758:0006", at: "00000027:00000758:0004", qty: 3},
		{oracle: true, op: "r", snapshot: "true", at: "2122190", qty: 1},
		{oracle: true, op: "u", snapshot: "false", commit: "2122196", at: "2122181", order: 4, qty: 5},
	} {
		a, b := lines(t, inAvro, inAvro.Decoder(), send(&c, s)), lines(t, inJSON, inJSON.Decoder(), c.record())
		got, want := strings.Join(a, "\n"), strings.Join(b, "\n")
		if got != want || got == "" {
			t.Errorf("%+v:\nAvro %s\nJSON %s", c, got, want)
		}
	}
}
