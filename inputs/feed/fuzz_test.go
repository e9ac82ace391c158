package feed

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"echelon/inputs"
)

// decodeAll reads bytes as one file of a table, batch by batch.
func decodeAll(t *testing.T, table, name string, content []byte) (rows []map[string]string, counts inputs.Counts, err error) {
	t.Helper()
	c := inputs.ContractOf(table)
	s, err := newSink(c, nil, newDictionaries(c), 7)
	if err != nil {
		t.Fatal(err)
	}
	o := fileOpen{file: File{Name: name, Table: table, path: name}, close: func() error { return nil }, unknown: func(string) {}}
	var dec decoder
	if strings.HasSuffix(name, ".csv") {
		dec, err = newCSV(s, bytes.NewReader(content), o)
	} else {
		dec, err = newJSONL(s, bytes.NewReader(content), o)
	}
	if err != nil {
		return nil, counts, err
	}
	sieve := inputs.NewSieve(c)
	for {
		b, faults, err := dec.batch(context.Background())
		if errors.Is(err, io.EOF) {
			return rows, sieve.Counts, nil
		}
		if err != nil {
			return nil, sieve.Counts, err
		}
		b.Ops = nil // as rows of a whole table
		b = sieve.Pass(b, faults, false)
		for r := range b.Rows {
			rows = append(rows, textRow(b, r))
		}
	}
}

// keepsContract reports a row that the builder, which reads cells on its own, would not take.
func keepsContract(t *testing.T, table string, rows []map[string]string) {
	t.Helper()
	b := inputs.NewBuilder(table)
	for _, row := range rows {
		if err := b.Append(row); err != nil {
			t.Fatalf("%v: %v", row, err)
		}
	}
}

// Whatever the bytes, the reader counts every record and lets through only rows that keep the contract; what
// encoding/csv reads without complaint is read the same.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"node,kind,zone,name\nS1,store,UTC,a\n", "node,kind,zone,name\r\nS1,store,UTC,\"a \"\"b\"\"\"\r\n",
		"node,kind,zone,name\nS1,store,UTC,\"a\nb\"\nS2,dc,UTC,\n", "node,kind,zone,name\nS1,store,UTC,\"a\nS2,dc,UTC,x\"y\n",
		"\xef\xbb\xbfnode,kind,zone,op\nS1,store,UTC,delete", "\n\n,,,\n\"\"\n", "node,kind,zone\nS1,store,UTC,\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, counts, err := decodeAll(t, "nodes", "nodes.csv", data)
		if err != nil {
			var refusal *inputs.Refusal
			if !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			return
		}
		if !counts.Balanced() || counts.Applied != int64(len(rows)) {
			t.Fatalf("%+v with %d rows", counts, len(rows))
		}
		keepsContract(t, "nodes", rows)
		r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
		all, err := r.ReadAll()
		// a carriage return inside a line ends it in neither reader; encoding/csv drops it before the newline
		if err == nil && !bytes.Contains(data, []byte("\r")) && counts.Read != int64(len(all)-1) {
			t.Fatalf("%d records, encoding/csv reads %d", counts.Read, len(all)-1)
		}
	})
}

// Whatever the bytes, no crash, and a line that is read is one that encoding/json reads.
func FuzzJSONL(f *testing.F) {
	for _, s := range []string{
		`{"node":"S1","kind":"store","zone":"UTC"}`, `{"node":"S1","kind":"store","zone":"UTC","name":"a\u00e9\ud83d\ude00\n"}`,
		`{"node":"S1","x":[1,[2,{"a":null}]],"kind":"dc","zone":"UTC"}`, `{"node":["a","b;c",1]}`, `{"op":"delete","node":"S1"}`,
		`{"node":"S1","node":"S2"}`, "[[[[", `{"a":"\ud800"}`, `{} x`, `{"rank":1e2,"node":"S1","kind":"dc","zone":"UTC"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, counts, err := decodeAll(t, "nodes", "nodes.jsonl", data)
		if err != nil {
			t.Fatal(err)
		}
		if !counts.Balanced() || counts.Applied != int64(len(rows)) {
			t.Fatalf("%+v with %d rows", counts, len(rows))
		}
		keepsContract(t, "nodes", rows)
		sound := int64(0)
		for _, line := range bytes.Split(data, []byte("\n")) {
			if json.Valid(line) {
				sound++
			}
		}
		if counts.Applied > sound {
			t.Fatalf("%d rows of %d lines of JSON", counts.Applied, sound)
		}
	})
}
