package ingest

import (
	"encoding/json"
	"fmt"
	"sort"

	"echelon/cdc"
	"echelon/inputs"
)

// TableHeader is the header that names the table of a row.
const TableHeader = "table"

// Partition is the log as a partition.
var Partition = cdc.Partition{Topic: cdc.HTTPTopic}

// Read gives durable rows from an offset on as records, at least one where there is one, until max rows or
// the end of a frame beyond that. Rows that were trimmed are an *inputs.Refusal.
func (l *Log) Read(from int64, max int) ([]cdc.Record, error) {
	var out []cdc.Record
	for len(out) < max {
		f, there, err := l.frame(from)
		if err != nil || !there {
			return out, err
		}
		table := []cdc.Header{{Key: TableHeader, Value: []byte(f.Table)}}
		for i, row := range f.Rows {
			if offset := f.First + int64(i); offset >= from {
				out = append(out, cdc.Record{
					Partition: Partition, Offset: offset, Time: f.Time, Key: rowKey(f.Table, row), Value: row, Headers: table,
				})
			}
		}
		from = f.First + int64(len(f.Rows))
	}
	return out, nil
}

// frame reads the frame that holds an offset; not there: the log ends before it.
func (l *Log) frame(offset int64) (frame, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset >= l.synced || len(l.segments) == 0 {
		return frame{}, false, nil
	}
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].first > offset }) - 1
	if i < 0 || offset >= l.segments[i].end { // an offset that a log begun anew never gave
		return frame{}, false, &inputs.Refusal{
			Kind: "offsets_gone", Where: fmt.Sprintf("%s offset %d", l.o.Dir, offset),
			Hint: "rows between the checkpoint and the log are gone: take a new base of the tables that came by HTTP",
		}
	}
	f, err := l.segments[i].read(offset)
	return f, err == nil, err
}

// rowKey writes the key columns of a row as a canonical JSON object, in the order of the contract: the key of
// the record. Columns that the row does not have are left out; decoding says what is wrong with it.
func rowKey(table string, row []byte) []byte {
	contract := inputs.ContractOf(table)
	var cells map[string]json.RawMessage
	if contract == nil || json.Unmarshal(row, &cells) != nil {
		return nil
	}
	out := []byte{'{'}
	for _, i := range contract.Keys() {
		name := contract.Columns[i].Name
		cell, there := cells[name]
		if !there {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(inputs.AppendJSONString(out, name), ':')
		out = append(out, cell...)
	}
	return append(out, '}')
}
