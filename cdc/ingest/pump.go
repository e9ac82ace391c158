package ingest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
)

// Headers of a record that was written through: the log's name and the row's offset in it. Who has read the
// log knows the record as a repeat.
const (
	LogHeader    = "echelon-log"
	OffsetHeader = "echelon-offset"
)

// WrittenThrough gives the log and the offset that a record was written through from.
func WrittenThrough(headers []cdc.Header) (log string, offset int64, ok bool) {
	at := int64(-1)
	for _, h := range headers {
		switch h.Key {
		case LogHeader:
			log = string(h.Value)
		case OffsetHeader:
			if n, err := strconv.ParseInt(string(h.Value), 10, 64); err == nil {
				at = n
			}
		}
	}
	return log, at, log != "" && at >= 0
}

// Pump writes rows through to Kafka. Its offset is durable: after a restart at most the rows of one batch go
// out again, and they are repeats to everybody who reads headers.
type Pump struct {
	Log    *Log
	Client *kgo.Client               // waits for all replicas; the partitioner hashes keys
	Topic  func(table string) string // topic of a table's rows
	// Wait is between tries while Kafka is away; 0: 5 s.
	Wait time.Duration
	// On is told of a batch that went out, or why it did not; nil: nobody listens.
	On func(through int64, err error)
}

const pumpRows = 1000

// Run pumps until the context ends. An error is one of the log; Kafka being away is not.
func (p *Pump) Run(ctx context.Context) error {
	wait := p.Wait
	if wait <= 0 {
		wait = 5 * time.Second
	}
	for {
		more := p.Log.More()
		n, err := p.Once(ctx)
		var away *awayError
		if ctx.Err() != nil {
			return nil //nolint:nilerr // whoever ended it knows
		}
		switch {
		case errors.As(err, &away):
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(wait):
			}
		case err != nil:
			return err
		case n == 0:
			select {
			case <-ctx.Done():
				return nil
			case <-more:
			}
		}
	}
}

// awayError is that Kafka did not take a batch.
type awayError struct{ err error }

func (e *awayError) Error() string { return "write through: " + e.err.Error() }
func (e *awayError) Unwrap() error { return e.err }

// Once writes one batch through and says how many rows it had.
func (p *Pump) Once(ctx context.Context) (int, error) {
	rows, err := p.Log.Read(p.Log.Through(), pumpRows)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	records := make([]*kgo.Record, len(rows))
	for i, r := range rows {
		records[i] = &kgo.Record{
			Topic: p.Topic(string(r.Headers[0].Value)), Key: r.Key, Value: r.Value, Timestamp: time.UnixMicro(r.Time),
			Headers: []kgo.RecordHeader{
				{Key: LogHeader, Value: []byte(p.Log.ID())},
				{Key: OffsetHeader, Value: strconv.AppendInt(nil, r.Offset, 10)},
			},
		}
	}
	if err := p.Client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		if p.On != nil {
			p.On(p.Log.Through(), err)
		}
		return 0, &awayError{err}
	}
	through := rows[len(rows)-1].Offset + 1
	if err := p.Log.setThrough(through); err != nil {
		return 0, err
	}
	if p.On != nil {
		p.On(through, nil)
	}
	return len(rows), nil
}

// Through is the offset up to which rows are written through.
func (l *Log) Through() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.through
}

func (l *Log) setThrough(offset int64) error {
	if err := l.replace(filepath.Join(l.o.Dir, "through"), strconv.AppendInt(nil, offset, 10)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.through = offset
	return nil
}

// Rewind lets the pump begin at the first row that is kept: for a cluster that lost what was written through.
func (l *Log) Rewind() error {
	l.mu.Lock()
	first := l.segments[0].first
	l.mu.Unlock()
	return l.setThrough(first)
}

// openThrough reads the pump's offset; a log without one begins at its first row.
func (l *Log) openThrough() error {
	l.through = l.segments[0].first
	raw, err := os.ReadFile(filepath.Join(l.o.Dir, "through"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open input log: %w", err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil || n > l.written {
		return l.damaged(filepath.Join(l.o.Dir, "through"), fmt.Errorf("%q where an offset up to %d is due", raw, l.written))
	}
	l.through = max(l.through, n)
	return nil
}
