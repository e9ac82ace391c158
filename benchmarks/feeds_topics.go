package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc/decode"
	"echelon/inputs"
	"echelon/inputs/schema"
)

const (
	feedTenant     = "bench"
	feedPartitions = 8
	feedNodes      = 400
	feedDays       = 28
)

// feedTables are the tables that the feed benchmarks send: by them most rows change.
var feedTables = []string{"skus", "inventory", "forecasts"}

// schemas is a registry of one schema per table, its id the table's position from 1.
type schemas struct{ byID []*avro.Schema }

func newSchemas() (*schemas, error) {
	s := &schemas{byID: []*avro.Schema{nil}}
	for _, table := range feedTables {
		text, err := schema.Avro(inputs.ContractOf(table))
		if err != nil {
			return nil, err
		}
		parsed, err := avro.Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("schema of %s: %w", table, err)
		}
		s.byID = append(s.byID, parsed)
		if err := s.check(len(s.byID)-1, table); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Schema implements decode.Registry.
func (s *schemas) Schema(id uint32) (*avro.Schema, error) {
	if id == 0 || int(id) >= len(s.byID) {
		return nil, decode.ErrUnknownSchema
	}
	return s.byID[id], nil
}

// Latest implements decode.Registry.
func (s *schemas) Latest(context.Context, string) (*avro.Schema, error) {
	return nil, decode.ErrUnknownSchema
}

// feedRow is row n of a table by its columns: nil, text, int64, or a list of thousandths. Other values in every round.
// Items and nodes are written in the form of ids, days count from 1970-01-01.
func feedRow(to []any, table string, n, round int64) []any {
	c := inputs.ContractOf(table)
	to = to[:0]
	for i := range c.Columns {
		var v any
		switch c.Columns[i].Name {
		case "item":
			v = fmt.Sprintf("I%07d", n/feedNodes)
		case "node":
			v = fmt.Sprintf("S%05d", n%feedNodes)
		case "on_hand":
			v = (n*7919 + round*131) % 500
		case "reserved":
			v = n % 9
		case "from":
			v = int64(20779)
		case "daily":
			daily := make([]int64, feedDays)
			for i := range daily {
				daily[i] = (n + int64(i)*37 + round) % 9000
			}
			v = daily
		}
		to = append(to, v)
	}
	return to
}

// feedJSON is a row as canonical JSON.
func feedJSON(table string, row []any) ([]byte, error) {
	out := map[string]any{}
	for i, v := range row {
		name := inputs.ContractOf(table).Columns[i].Name
		switch v := v.(type) {
		case []int64:
			list := make([]json.Number, len(v))
			for i := range v {
				list[i] = json.Number(fmt.Sprintf("%d.%03d", v[i]/1000, v[i]%1000))
			}
			out[name] = list
		case int64:
			out[name] = v
			if name == "from" {
				out[name] = time.Unix(0, 0).UTC().AddDate(0, 0, int(v)).Format(time.DateOnly)
			}
		default:
			out[name] = v
		}
	}
	return json.Marshal(out)
}

// feedAvro is a row in Avro behind the registry's header, written here: the library's way over maps is slower than
// all that is measured. newSchemas reads some rows back with the library.
func feedAvro(to []byte, id int, table string, row []any) []byte {
	to = binary.BigEndian.AppendUint32(append(to, 0), uint32(id))
	c := inputs.ContractOf(table)
	for i, v := range row {
		if c.Columns[i].Nullable {
			if v == nil {
				to = append(to, 0)
				continue
			}
			to = append(to, 2)
		}
		switch v := v.(type) {
		case string:
			to = append(binary.AppendVarint(to, int64(len(v))), v...)
		case int64:
			to = binary.AppendVarint(to, v)
		case []int64:
			to = binary.AppendVarint(to, int64(len(v)))
			for _, x := range v { // decimals: the fewest bytes that keep the sign, the highest first
				if x < 1<<7 {
					to = append(to, 2, byte(x))
				} else {
					to = append(to, 4, byte(x>>8), byte(x))
				}
			}
			to = append(to, 0)
		}
	}
	return to
}

// check reads a row back with the library.
func (s *schemas) check(id int, table string) error {
	row := feedRow(nil, table, 123_456, 7)
	var back map[string]any
	rest, err := s.byID[id].Decode(feedAvro(nil, id, table, row)[5:], &back)
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("row of %s: %d bytes behind it: %w", table, len(rest), err)
	}
	for i, want := range row {
		name := inputs.ContractOf(table).Columns[i].Name
		got := back[name]
		switch v := want.(type) {
		case nil:
			if got != nil {
				return fmt.Errorf("row of %s: %s is %v, not null", table, name, got)
			}
		case []int64:
			list, _ := got.([]any)
			if len(list) != len(v) {
				return fmt.Errorf("row of %s: %s is %v", table, name, got)
			}
			for k := range v {
				n, ok := list[k].(*big.Rat)
				if !ok || n.Cmp(big.NewRat(v[k], 1000)) != 0 {
					return fmt.Errorf("row of %s: %s[%d] is %v, want %d thousandths", table, name, k, list[k], v[k])
				}
			}
		case int64:
			if day, ok := got.(time.Time); ok {
				got = day.Unix() / 86400
			}
			if fmt.Sprint(got) != fmt.Sprint(v) {
				return fmt.Errorf("row of %s: %s is %v, want %v", table, name, got, v)
			}
		default:
			if got != want {
				return fmt.Errorf("row of %s: %s is %v, want %v", table, name, got, want)
			}
		}
	}
	return nil
}

// feed is the topics of one benchmark on an in-process broker.
type feed struct {
	broker *kfake.Cluster
	reg    *schemas
	json   bool
}

func newFeed(asJSON bool) (*feed, error) {
	reg, err := newSchemas()
	if err != nil {
		return nil, err
	}
	f := &feed{reg: reg, json: asJSON}
	opts := []kfake.Opt{kfake.NumBrokers(1)}
	for _, table := range feedTables {
		opts = append(opts, kfake.SeedTopics(feedPartitions, decode.CanonicalTopic(feedTenant, table)))
	}
	f.broker, err = kfake.NewCluster(opts...)
	return f, err
}

// send produces rows [0, n) of a table, keyed by SKU.
func (f *feed) send(ctx context.Context, table string, n, round int64) error {
	return f.sendRows(ctx, table, n, func(i int64) (int64, int64) { return i, round })
}

// sendRows produces n rows of a table: which ones, and of which round, at tells.
func (f *feed) sendRows(ctx context.Context, table string, n int64, at func(i int64) (row, round int64)) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(f.broker.ListenAddrs()...), kgo.MaxBufferedRecords(20_000),
		kgo.ProducerBatchCompression(kgo.ZstdCompression().WithLevel(1), kgo.NoCompression()))
	if err != nil {
		return fmt.Errorf("producer: %w", err)
	}
	defer cl.Close()
	promise := kgo.AbortingFirstErrPromise(cl)
	id := 0
	for i := range feedTables {
		if feedTables[i] == table {
			id = i + 1
		}
	}
	topic := decode.CanonicalTopic(feedTenant, table)
	var row []any
	for i := range n {
		number, round := at(i)
		row = feedRow(row, table, number, round)
		key := fmt.Appendf(nil, `{"item":%q,"node":%q}`, row[0], row[1])
		value := feedAvro(nil, id, table, row)
		if f.json {
			if value, err = feedJSON(table, row); err != nil {
				return fmt.Errorf("encode a row of %s: %w", table, err)
			}
		}
		cl.Produce(ctx, &kgo.Record{Topic: topic, Key: key, Value: value}, promise.Promise())
	}
	if err := cl.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return promise.Err()
}
