package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits of one request.
type Limits struct {
	Bytes    int64 // of the body, decompressed; 0: 16 MiB
	Rows     int   // 0: 100,000
	RowBytes int   // of one row; 0: 1 MiB
}

// WithDefaults fills in what was left at zero.
func (l Limits) WithDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 16 << 20
	}
	if l.Rows == 0 {
		l.Rows = 100_000
	}
	if l.RowBytes == 0 {
		l.RowBytes = 1 << 20
	}
	return l
}

// ErrTooLarge says that a body is over a limit.
var ErrTooLarge = errors.New("too large")

// Split takes the rows out of a body: a JSON array of objects, or objects one after another (JSON lines). Each
// row comes back compact, so that a request is the same however it was laid out.
func Split(body io.Reader, limits Limits) ([][]byte, error) {
	limits = limits.WithDefaults()
	raw, err := io.ReadAll(io.LimitReader(body, limits.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	if int64(len(raw)) > limits.Bytes {
		return nil, fmt.Errorf("a body over %d bytes: %w: send it in parts", limits.Bytes, ErrTooLarge)
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("the body is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	array := len(bytes.TrimLeft(raw, " \t\r\n")) > 0 && bytes.TrimLeft(raw, " \t\r\n")[0] == '['
	if array {
		if _, err := dec.Token(); err != nil {
			return nil, fmt.Errorf("the body is no JSON: %w", err)
		}
	}
	var rows [][]byte
	for !array || dec.More() {
		var row json.RawMessage
		err := dec.Decode(&row)
		if errors.Is(err, io.EOF) && !array {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("row %d is no JSON: %w", len(rows)+1, err)
		}
		switch {
		case row[0] != '{':
			return nil, fmt.Errorf("row %d is no JSON object", len(rows)+1)
		case len(row) > limits.RowBytes:
			return nil, fmt.Errorf("row %d has %d bytes, at most %d: %w", len(rows)+1, len(row), limits.RowBytes, ErrTooLarge)
		case len(rows) == limits.Rows:
			return nil, fmt.Errorf("over %d rows: %w: send them in parts", limits.Rows, ErrTooLarge)
		}
		var tight bytes.Buffer
		if err := json.Compact(&tight, row); err != nil {
			return nil, fmt.Errorf("row %d is no JSON: %w", len(rows)+1, err)
		}
		rows = append(rows, tight.Bytes())
	}
	if array {
		if _, err := dec.Token(); err != nil {
			return nil, fmt.Errorf("the body is no whole JSON array: %w", err)
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("something follows the JSON array")
		}
	}
	if len(rows) == 0 {
		return nil, errors.New("the body has no rows")
	}
	return rows, nil
}
