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

// feedRow is row n of a table, other values in every round. Thousandths are exact fractions, days count from 1970-01-01.
func feedRow(table string, n, round int64) map[string]any {
	row := map[string]any{}
	c := inputs.ContractOf(table)
	for i := range c.Columns {
		row[c.Columns[i].Name] = nil
	}
	row["item"], row["node"] = fmt.Sprintf("I%07d", n/feedNodes), fmt.Sprintf("S%05d", n%feedNodes)
	switch table {
	case "inventory":
		row["on_hand"], row["reserved"] = (n*7919+round*131)%500, n%9
	case "forecasts":
		daily := make([]*big.Rat, feedDays)
		for i := range daily {
			daily[i] = big.NewRat((n+int64(i)*37+round)%9000, 1000)
		}
		row["from"], row["daily"] = int32(20779), daily
	}
	return row
}

// feedJSON is a row as canonical JSON.
func feedJSON(row map[string]any) ([]byte, error) {
	out := map[string]any{}
	for name, v := range row {
		switch v := v.(type) {
		case []*big.Rat:
			list := make([]json.Number, len(v))
			for i := range v {
				list[i] = json.Number(v[i].FloatString(3))
			}
			out[name] = list
		case int32:
			out[name] = time.Unix(0, 0).UTC().AddDate(0, 0, int(v)).Format(time.DateOnly)
		default:
			out[name] = v
		}
	}
	return json.Marshal(out)
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
	for i := range n {
		row := feedRow(table, i, round)
		key := fmt.Appendf(nil, `{"item":%q,"node":%q}`, row["item"], row["node"])
		var value []byte
		if f.json {
			value, err = feedJSON(row)
		} else {
			value, err = f.reg.byID[id].AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), row)
		}
		if err != nil {
			return fmt.Errorf("encode a row of %s: %w", table, err)
		}
		cl.Produce(ctx, &kgo.Record{Topic: topic, Key: key, Value: value}, promise.Promise())
	}
	if err := cl.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return promise.Err()
}
