package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"

	"echelon/cdc"
	"echelon/inputs"
)

const badMapping = `
version: 1
sources: {wms: {format: debezium-json, transactions: wms.tx}, my: {format: debezium-json}}
tables:
  inventory:
    from:
      - {source: wms, table: public.stock, topic: wms.stock, rows: true, columns: {item: sku, node: store, on_hand: qty, counted_at: at}}
  safety_stocks:
    from:
      - {source: my, table: shop.safety, topic: my.safety, columns: {item: sku, node: store, from: day, units: n}}
  forecasts:
    from:
      - {source: wms, table: public.fc, topic: wms.fc, columns: {item: sku, node: store, from: first, daily: units, issued_at: made}}
`

// event makes an envelope of PostgreSQL's connector.
func pgEvent(op, table, after string) string {
	return fmt.Sprintf(`{"before":null,"after":%s,"source":{"connector":"postgresql","snapshot":"false","db":"w","schema":"public","table":%q,"lsn":100,"ts_us":1795273826710941},"op":%q}`, after, table, op)
}

const stockKey = `{"sku":"A","store":"S1"}`

// TestBadRecords names what is wrong with a record, its column, value, partition and offset.
func TestBadRecords(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Tenant: "acme", Mapping: mapping(t, badMapping), MaxValue: 1 << 20})
	at := "inventory wms.stock-2 row 41: "
	row := func(qty string) string {
		return pgEvent("u", "stock", `{"sku":"A","store":"S1","qty":`+qty+`,"at":1795273826710941}`)
	}
	for _, c := range []struct{ name, topic, key, value, want string }{
		{"no key", "wms.stock", "", row("1"), at + "bad_record: the record has no key: the source's table needs a primary key, or the connector message.key.columns"},
		{"a key without a column of the key", "wms.stock", `{"sku":"A"}`, row("1"), at + "column node: missing_value: the record's key does not have store: let the connector put it there (message.key.columns)"},
		{"a null in the key", "wms.stock", `{"sku":"A","store":null}`, row("1"), at + "column node: missing_value: this column must have a value in every row"},
		{"a key that is no object", "wms.stock", `17`, row("1"), at + `"17": bad_record: the record's key must be an object with the key's columns`},
		{"another table", "wms.stock", stockKey, pgEvent("u", "shelf", `{"qty":1}`), at + `column source.table: "public.shelf": bad_record: another table in this topic: the mapping says public.stock`},
		{"an operation that is none", "wms.stock", stockKey, pgEvent("x", "stock", `{"qty":1}`), at + `column op: "x": bad_op: c, u, r, d, t and m are known`},
		{"no after", "wms.stock", stockKey, pgEvent("c", "stock", "null"), at + `"{\"before\":null,\"after\":null,\"source\":{\"connector\":\"postgresq…": bad_record: op c without after`},
		{"no envelope", "wms.stock", stockKey, `{"sku":"A","qty":1}`, at + `"{\"sku\":\"A\",\"qty\":1}": bad_record: no op: the record is not Debezium's envelope`},
		{"no position", "wms.stock", stockKey, strings.Replace(row("1"), `"lsn":100`, `"lsn":null`, 1), at + "column source: bad_record: no position: PostgreSQL's lsn, MySQL's file and pos, or SQL Server's commit_lsn or Oracle's commit_scn with the record's place in its transaction (provide.transaction.metadata) must be there"},
		{"after twice", "wms.stock", stockKey, strings.Replace(row("1"), `"before":null`, `"after":{}`, 1), at + `"{\"after\":{},\"after\":{\"sku\":\"A\",\"store\":\"S1\",\"qty\":1,\"at\":179…": bad_record: a member of the envelope is there twice`},
		{"not JSON", "wms.stock", stockKey, `{"after":{]}`, at + `"{\"after\":{]}": bad_record: the record is not JSON as it should be`},
		{"cut off", "wms.stock", stockKey, row("1")[:90], at + `"{\"before\":null,\"after\":{\"sku\":\"A\",\"store\":\"S1\",\"qty\":1,\"at\":…": bad_record: the record is not JSON as it should be`},
		{"Avro where JSON should be", "wms.stock", stockKey, "\x00\x00\x00\x00\x01x", at + `"�����x": bad_record: the source's format says JSON, the record is something else`},
		{"not UTF-8", "wms.stock", stockKey, row("\"\xff\""), at + `"{\"before\":null,\"after\":{\"sku\":\"A\",\"store\":\"S1\",\"qty\":\"�\",\"at…": bad_text: the record must be UTF-8`},
		{"a number out of range", "wms.stock", stockKey, row("1000000001"), at + `column on_hand: "1000000001": out_of_range: must be 0 to 1000000000`},
		{"a number beyond every range", "wms.stock", stockKey, row("123456789012345678901234567890"), at + `column on_hand: "123456789012345678901234567890": out_of_range: the number is too large`},
		{"a decimal that loses digits", "wms.stock", stockKey, row(`"12.5000"`), at + `column on_hand: "12.5000": wrong_type: must be a whole number`},
		{"a double that loses digits", "wms.stock", stockKey, row("1.25E1"), at + `column on_hand: "1.25E1": wrong_type: must be a whole number`},
		{"not a number", "wms.stock", stockKey, row(`"NaN"`), at + `column on_hand: "NaN": wrong_type: write a whole number in digits`},
		{"not a number as Debezium's decimals say it", "wms.stock", stockKey, row(`"NAN"`), at + `column on_hand: "NAN": wrong_type: write a whole number in digits`},
		{"an exponent that would fill memory", "wms.stock", stockKey, row("1e999999999"), at + `column on_hand: "1e999999999": wrong_type: it is no number that this column takes`},
		{"an infinite instant", "wms.stock", stockKey, strings.Replace(row("1"), `"at":1795273826710941`, `"at":9223372036854775807`, 1), at + `column counted_at: "9223372036854775807": bad_date: it is finer than a microsecond, or not a time that exists`},
		{"an infinite instant in words", "wms.stock", stockKey, strings.Replace(row("1"), `"at":1795273826710941`, `"at":"infinity"`, 1), at + `column counted_at: "infinity": bad_date: write an instant with its offset, as 2026-11-21T02:00:00-06:00 or …Z`},
		{"an object where a value is needed", "wms.stock", stockKey, row(`{"a":1}`), at + `column on_hand: wrong_type: an object where one value is needed`},
		{"a list where a value is needed", "wms.stock", stockKey, row(`[1]`), at + `column on_hand: wrong_type: a list where one value is needed`},
		{"a null where a value is needed", "wms.stock", stockKey, row(`null`), at + `column on_hand: missing_value: this column must have a value in every row`},
		{"a decimal as bytes without its scale", "wms.stock", stockKey, row(`"D3MU"`), at + `column on_hand: "D3MU": wrong_type: write a whole number in digits`},
		{"a null in a list", "wms.fc", stockKey, pgEvent("u", "fc", `{"first":20778,"units":[1,null]}`), `forecasts wms.fc-2 row 41: column daily: "null": bad_list: element 2 of the list: it must be a number`},
		{"a list in a list", "wms.fc", stockKey, pgEvent("u", "fc", `{"first":20778,"units":[1,[2]]}`), `forecasts wms.fc-2 row 41: column daily: bad_list: element 2 of the list: a list inside the list`},
		{"a list that is too long", "wms.fc", stockKey, pgEvent("u", "fc", `{"first":20778,"units":[`+strings.Repeat("1,", 3660)+`1]}`), `forecasts wms.fc-2 row 41: column daily: bad_list: a list has at most 3660 entries`},
		{"a transaction mark that is none", "wms.tx", stockKey, `{"status":"COMMITTED","id":"1:2"}`, ` wms.tx-2 row 41: column status: "COMMITTED": bad_op: BEGIN and END are known`},
		{"MySQL without a log file", "my.safety", stockKey, `{"op":"c","after":{"day":1,"n":1},"source":{"db":"shop","table":"safety","pos":4}}`, `safety_stocks my.safety-2 row 41: column source: bad_record: no position: PostgreSQL's lsn, MySQL's file and pos, or SQL Server's commit_lsn or Oracle's commit_scn with the record's place in its transaction (provide.transaction.metadata) must be there`},
		{"neither key nor value", "wms.stock", "", "", at + "bad_record: neither key nor value"},
	} {
		got := strings.Join(lines(t, f, f.Decoder(), record(c.topic, c.key, c.value)), "\n")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestDecimalsThatLoseDigits: two's complement bytes as Avro and JSON with its schema have them; what the column cannot
// hold to the last digit is a fault, what it can hold is not, however it is written.
func TestDecimalsThatLoseDigits(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	id, s := r.put("d", `{"type":"record","name":"R","fields":[{"name":"item","type":"string"},{"name":"node","type":"string"},
		{"name":"on_hand","type":{"type":"bytes","logicalType":"decimal","precision":40,"scale":4}}]}`)
	f := with(t, Options{Tenant: "acme", Registry: r.client()})
	d := f.Decoder()
	big10 := func(n int64, zeros int) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Mul(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(zeros)), nil)))
	}
	for _, c := range []struct {
		value *big.Rat
		want  string
	}{
		{big.NewRat(12, 1), "on_hand=12 "},
		{big.NewRat(125, 10), "column on_hand"},
		{big.NewRat(120001, 10000), "column on_hand"},
		{big.NewRat(-3, 1), "column on_hand"},
		{big.NewRat(1_000_000_000, 1), "on_hand=1000000000 "},
		{big.NewRat(1_000_000_001, 1), "column on_hand"},
		{big10(7, 20), "column on_hand"},
		{new(big.Rat).Add(big10(7, 20), big.NewRat(1, 10000)), "column on_hand"},
	} {
		row := wire(t, id, s, map[string]any{"item": "A", "node": "S1", "on_hand": c.value})
		if got := lines(t, f, d, record("acme.in.inventory.v1", "k", string(row))); len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s: %q, want %q", c.value.RatString(), got, c.want)
		}
	}
}

// TestTooLarge bounds size and depth before anything is read.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Mapping: mapping(t, badMapping)})
	at := "inventory wms.stock-2 row 41: "
	deep := strings.Repeat(`{"a":[`, 50_000) + strings.Repeat(`]}`, 50_000)
	for _, c := range []struct{ name, key, value, want string }{
		{"a value of 50 MB", stockKey, strings.Repeat(" ", 50<<20), at + `"52428800 bytes": too_large: a record's value has at most 16777216 bytes`},
		{"a key of 1 MB", strings.Repeat(" ", 1<<20), "{}", at + `"key of 1048576 bytes": too_large: a record's key has at most 65536 bytes`},
		{"100,000 levels", stockKey, deep, at + `"` + strings.Repeat(`{\"a\":[`, 10) + `…": bad_record: the record is nested deeper than 64 levels`},
		{"100,000 levels in a row", stockKey, pgEvent("u", "stock", `{"x":`+deep+`}`), at + `"{\"before\":null,\"after\":{\"x\":{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"…": bad_record: the record is nested deeper than 64 levels`},
		{"100,000 levels in a value", stockKey, pgEvent("u", "stock", `{"qty":`+deep+`}`), at + `"{\"before\":null,\"after\":{\"qty\":{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[…": bad_record: the record is nested deeper than 64 levels`},
		{"100,000 levels in a key", deep[:60_000], pgEvent("u", "stock", `{"qty":1}`), at + `"` + strings.Repeat(`{\"a\":[`, 10) + `…": bad_record: key: the record is nested deeper than 64 levels`},
	} {
		got := strings.Join(lines(t, f, f.Decoder(), record("wms.stock", c.key, c.value)), "\n")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestGoodRecords shows what odd records mean.
func TestGoodRecords(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Mapping: mapping(t, badMapping)})
	placeholder := strings.Trim(strings.Join(strings.Fields(fmt.Sprintf("%d", []byte(unavailable))), ","), "[]")
	for _, c := range []struct{ name, topic, key, value, want string }{
		{
			"MySQL's position is file, place and row", "my.safety", `{"sku":"A","store":"S1","day":20778}`,
			`{"op":"c","after":{"sku":"B","day":0,"n":"3"},"source":{"connector":"mysql","db":"shop","table":"safety","file":"mysql-bin.000003","pos":154,"row":2,"snapshot":"false"}}`,
			"my/shop.safety upsert 3:2583691266 item=A node=S1 from=2026-11-21 units=3",
		},
		{
			"numbers of doubles", "wms.stock", stockKey, pgEvent("u", "stock", `{"qty":1.2345678E7}`),
			"wms/public.stock upsert 100:0 item=A node=S1 on_hand=12345678 counted_at=null",
		},
		{
			"a decimal of many zeros", "wms.stock", stockKey, pgEvent("u", "stock", `{"qty":"12.000000000000000000000000"}`),
			"wms/public.stock upsert 100:0 item=A node=S1 on_hand=12 counted_at=null",
		},
		{
			"zero with an exponent", "wms.stock", stockKey, pgEvent("u", "stock", `{"qty":"0E-10"}`),
			"wms/public.stock upsert 100:0 item=A node=S1 on_hand=0 counted_at=null",
		},
		{
			"a decimal that carries its scale", "wms.stock", stockKey, pgEvent("u", "stock", `{"qty":{"scale":2,"value":"AZA="},"at":"2026-11-21T08:00:00.000001Z"}`),
			"wms/public.stock upsert 100:0 item=A node=S1 on_hand=4 counted_at=2026-11-21T08:00:00.000001Z",
		},
		{
			"a list of decimals as texts", "wms.fc", stockKey, pgEvent("u", "fc", `{"first":20778,"units":["1.50","2",3.125],"made":1795273826710941}`),
			"wms/public.fc upsert 100:0 item=A node=S1 from=2026-11-21 daily=[1500 2000 3125] issued_at=2026-11-21T15:10:26.710941Z",
		},
		{
			"a list that is one text of PostgreSQL", "wms.fc", stockKey, pgEvent("u", "fc", `{"first":20778,"units":"{1,2.5}"}`),
			"wms/public.fc upsert 100:0 item=A node=S1 from=2026-11-21 daily=[1000 2500] issued_at=null",
		},
		{
			"a list that was not touched", "wms.fc", stockKey, pgEvent("u", "fc", `{"first":20778,"units":["__debezium_unavailable_value"]}`),
			"wms/public.fc upsert 100:0 item=A node=S1 from=2026-11-21 daily=same issued_at=null",
		},
		{
			"a list of numbers that was not touched", "wms.fc", stockKey, pgEvent("u", "fc", `{"first":20778,"units":[`+placeholder+`]}`),
			"wms/public.fc upsert 100:0 item=A node=S1 from=2026-11-21 daily=same issued_at=null",
		},
		{
			"the row of a key without the nullable columns of ours", "wms.fc", stockKey, strings.Replace(pgEvent("d", "fc", "null"), `"before":null`, `"before":{"first":0}`, 1),
			"wms/public.fc delete 100:0 item=A node=S1 from=same daily=same issued_at=same",
		},
		{"an empty payload is a tombstone", "wms.stock", stockKey, `{"schema":null,"payload":null}`, ""},
		{"a truncate has no key", "wms.stock", "", pgEvent("t", "stock", "null"), "wms/public.stock truncate 100:0"},
		{"a message", "wms.stock", "", pgEvent("m", "", "null"), ""},
	} {
		got := strings.Join(lines(t, f, f.Decoder(), record(c.topic, c.key, c.value)), "\n")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestTombstones have the position of their delete, or stand behind the record before them.
func TestTombstones(t *testing.T) {
	t.Parallel()
	f := with(t, Options{Mapping: mapping(t, badMapping)})
	d := f.Decoder()
	other := `{"sku":"B","store":"S1"}`
	var got []string
	for _, r := range []*cdc.Record{
		record("wms.stock", stockKey, pgEvent("d", "stock", "null")), record("wms.stock", stockKey, ""),
		record("wms.stock", other, ""), record("wms.stock", stockKey, pgEvent("c", "stock", `{"qty":1}`)), record("wms.stock", stockKey, ""),
	} {
		got = append(got, lines(t, f, d, r)...)
	}
	d = f.Decoder()
	got = append(got, lines(t, f, d, record("wms.stock", stockKey, ""))...) // nothing stands before it
	d.Resume(cdc.Partition{Topic: "wms.stock", ID: 2}, 41, cdc.Position{Major: 90})
	got = append(got, lines(t, f, d, record("wms.stock", stockKey, ""))...) // its delete was read
	d.Resume(cdc.Partition{Topic: "wms.stock", ID: 2}, 40, cdc.Position{Major: 90})
	got = append(got, lines(t, f, d, record("wms.stock", stockKey, ""))...) // its delete was compacted away
	want := []string{
		"wms/public.stock delete 100:0 item=A node=S1 on_hand=same counted_at=same",
		"wms/public.stock delete 100:0 item=A node=S1 on_hand=same counted_at=same",
		"wms/public.stock delete 100:9223372036854775807 item=B node=S1 on_hand=same counted_at=same",
		"wms/public.stock upsert 100:0 item=A node=S1 on_hand=1 counted_at=null",
		"wms/public.stock delete 100:9223372036854775807 item=A node=S1 on_hand=same counted_at=same",
		"wms/public.stock delete 90:9223372036854775807 item=A node=S1 on_hand=same counted_at=same",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRegistry: an unknown id is of the record, a registry that is away of the feed, and schemas that were seen stay.
func TestRegistry(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	text := `{"type":"record","name":"Carry","fields":[{"name":"item","type":"string"},{"name":"node","type":"string"},{"name":"units","type":"long"}]}`
	id, s := r.put("a", text)
	later, _ := r.put("b", strings.Replace(text, "Carry", "Later", 1))
	f := with(t, Options{Tenant: "acme", Registry: r.client()})
	d := f.Decoder()
	row := wire(t, id, s, map[string]any{"item": "A", "node": "S1", "units": 3})
	with := func(id int) *cdc.Record {
		b := bytes.Clone(row)
		binary.BigEndian.PutUint32(b[1:], uint32(id))
		return record("acme.in.carry.v1", "k", string(b))
	}
	good := "in/carry upsert 42:0 item=A node=S1 units=3 cycle=null"
	if got := lines(t, f, d, with(id)); len(got) != 1 || got[0] != good {
		t.Errorf("a known schema: %q", got)
	}
	var fault *inputs.Fault
	if err := d.Decode(with(4711), nil); !errors.As(err, &fault) || fault.Column != "schema" || fault.Value != "4711" || fault.Source != "acme.in.carry.v1-2" {
		t.Errorf("an unknown id: %v", err)
	}
	r.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	if got := lines(t, f, d, with(id)); len(got) != 1 || got[0] != good {
		t.Errorf("the registry is away, the schema is known: %q", got)
	}
	if got := lines(t, f, f.Decoder(), with(id)); len(got) != 1 || got[0] != good {
		t.Errorf("the registry is away, another decoder knew the schema: %q", got)
	}
	var away *RegistryError
	fault = nil
	if err := d.Decode(with(later), nil); !errors.As(err, &away) || errors.As(err, &fault) || away.Schema != uint32(later) {
		t.Errorf("the registry is away, the schema is not known: %v", err)
	}
	r.ClearInterceptors()
	if got := lines(t, f, d, with(later)); len(got) != 1 || got[0] != good {
		t.Errorf("the registry is back: %q", got)
	}
}

// TestAvroBroken cuts and bends a record at every byte: each is a row or a fault, and none a panic.
func TestAvroBroken(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	w := stockSchemas(r)
	_, f := stockFeeds(t, r)
	d := f.Decoder()
	good := updates(t, w, "avro", 1)[0]
	var fault *inputs.Fault
	try := func(rec *cdc.Record) error {
		return d.Decode(rec, func(*cdc.Change) error { return nil })
	}
	for i := range good.Value {
		cut := *good
		cut.Value = good.Value[:i]
		if err := try(&cut); i > 0 && !errors.As(err, &fault) {
			t.Fatalf("cut at %d: %v", i, err)
		}
		for bit := range 8 {
			bent := *good
			bent.Value = bytes.Clone(good.Value)
			bent.Value[i] ^= 1 << bit
			if err := try(&bent); err != nil && !errors.As(err, &fault) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
		}
	}
	long := *good
	long.Value = append(bytes.Clone(good.Value), 0)
	if err := try(&long); !errors.As(err, &fault) {
		t.Errorf("a byte too many: %v", err)
	}
}

// TestAvroBombs: counts that memory could not hold, and schemas that never end.
func TestAvroBombs(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	id, s := r.put("a", `{"type":"record","name":"F","fields":[{"name":"item","type":"string"},{"name":"node","type":"string"},{"name":"from","type":{"type":"int","logicalType":"date"}},
		{"name":"daily","type":{"type":"array","items":"null"}},{"name":"more","type":["null","F"]},{"name":"map","type":{"type":"map","values":"null"}}]}`)
	f := with(t, Options{Tenant: "acme", Registry: r.client()})
	good := wire(t, id, s, map[string]any{"item": "A", "node": "S1", "from": 20778, "daily": []any{}, "more": nil, "map": map[string]any{}})
	head := good[:len(good)-3]
	huge := binary.AppendVarint(nil, 1<<60)
	nested := bytes.Clone(good[:len(good)-2])
	for range 200_000 { // more: F, again and again
		nested = append(nested, 2)
		nested = append(nested, head[5:]...)
		nested = append(nested, 0)
	}
	for name, value := range map[string][]byte{
		"an array of 2^60 nulls":          append(append(bytes.Clone(head), huge...), 0, 0, 0),
		"a map of 2^60 entries":           append(append(bytes.Clone(good[:len(good)-1]), huge...), 0, 0),
		"a block of negative size":        append(bytes.Clone(head), 1, 1),
		"a string longer than the record": append(bytes.Clone(good[:5]), huge...),
		"200,000 levels":                  nested,
		"a branch that is none":           append(bytes.Clone(good[:len(good)-2]), 8, 0),
		"a number without end":            append(bytes.Clone(good[:5]), bytes.Repeat([]byte{0xff}, 20)...),
	} {
		got := lines(t, f, f.Decoder(), &cdc.Record{Partition: cdc.Partition{Topic: "acme.in.forecasts.v1"}, Key: []byte("k"), Value: value})
		if len(got) != 1 || !strings.Contains(got[0], "bad_record: the bytes are not what the schema says") {
			t.Errorf("%s: %q", name, got)
		}
	}
	deep := `"int"`
	for range 100 {
		deep = `{"type":"array","items":` + deep + `}`
	}
	if parsed, err := avro.Parse(deep); err == nil {
		if _, err := compileAvro(parsed); !errors.Is(err, errSchema) {
			t.Errorf("a schema of 100 levels: %v", err)
		}
	}
}
