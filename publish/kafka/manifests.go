package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// manifests is the manifest topic as far as it was read: the newest committed record of each key. It is
// read on from where it stands, so each record is fetched once per process.
//
// Invariant: after settle returns, every record that was committed before the call is in it.
type manifests struct {
	topic  string
	limit  func() time.Duration // longest wait for foreign transactions
	adm    *kadm.Client
	opts   []kgo.Opt
	mu     sync.Mutex
	reader *kgo.Client
	next   []int64 // by partition: offset to read from
	start  []int64 // by partition: first offset that the topic keeps
	rows   map[string]any
}

// settle notes the high watermark of every partition, waits until the last stable offset reaches it, and
// reads up to there. A foreign transaction that stays open longer than the limit is an error of code 75.
func (m *manifests) settle(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	high, err := m.offsets(ctx, m.adm.ListEndOffsets)
	if err != nil {
		return err
	}
	stable, err := waitStable(ctx, m.adm, m.topic, high, m.limit())
	if err != nil {
		return err
	}
	if m.start, err = m.offsets(ctx, m.adm.ListStartOffsets); err != nil {
		return err
	}
	return m.readTo(ctx, stable)
}

type listOffsets = func(context.Context, ...string) (kadm.ListedOffsets, error)

// offsets lists one kind of offset, by partition.
func (m *manifests) offsets(ctx context.Context, list listOffsets) ([]int64, error) {
	return topicOffsets(ctx, list, m.topic)
}

// offsetTries bounds the tries of listing offsets while leaders move: about eight seconds.
const offsetTries = 12

func topicOffsets(ctx context.Context, list listOffsets, topic string) ([]int64, error) {
	var listed kadm.ListedOffsets
	for try, pause := 1, 20*time.Millisecond; ; try, pause = try+1, min(2*pause, time.Second) {
		var err error
		if listed, err = list(ctx, topic); err == nil {
			err = listed.Error()
		}
		if err == nil {
			break
		}
		if try == offsetTries || !kerr.IsRetriable(err) {
			return nil, fmt.Errorf("offsets of %s: %w", topic, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("offsets of %s: %w", topic, ctx.Err())
		case <-time.After(pause):
		}
	}
	partitions := listed[topic]
	offsets := make([]int64, len(partitions))
	for p := range offsets {
		o, ok := partitions[int32(p)]
		if !ok {
			return nil, fmt.Errorf("offsets of %s: partition %d of %d is missing in the answer", topic, p, len(offsets))
		}
		offsets[p] = o.Offset
	}
	if len(offsets) == 0 {
		return nil, fmt.Errorf("offsets of %s: it has no partitions", topic)
	}
	return offsets, nil
}

// waitStable polls until every last stable offset of a topic is at least high, and gives them. A broker
// writes the end markers of a transaction after it has answered the commit, so even what was just published
// may need a moment. Not within the limit: an error of code 75.
func waitStable(ctx context.Context, adm *kadm.Client, topic string, high []int64, limit time.Duration) ([]int64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errUnsettled)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		stable, err := topicOffsets(ctx, adm.ListCommittedOffsets, topic)
		if err == nil && len(stable) < len(high) {
			err = fmt.Errorf("topic %s lost partitions while it was read", topic)
		}
		if err == nil && !slices.ContainsFunc(indexes(high), func(p int) bool { return stable[p] < high[p] }) {
			return stable, nil
		}
		if err == nil {
			select {
			case <-ctx.Done():
				err = ctx.Err()
			case <-time.After(pause):
				continue
			}
		}
		if errors.Is(context.Cause(ctx), errUnsettled) {
			return nil, outcome.New(outcome.CodeAgain, "records_hidden", topic,
				"another writer's transaction is open there; run again when it has ended",
				"the last stable offset did not reach the high watermark within %s", limit)
		}
		return nil, err
	}
}

func indexes[T any](s []T) []int {
	is := make([]int, len(s))
	for i := range is {
		is[i] = i
	}
	return is
}

var errUnsettled = errors.New("topic did not settle")

// readTo reads records up to, not including, the offsets of target.
func (m *manifests) readTo(ctx context.Context, target []int64) error {
	if m.next == nil {
		m.next = slices.Clone(m.start)
		m.rows = make(map[string]any)
	}
	if len(m.next) != len(target) {
		return outcome.New(outcome.CodeConfig, "topic_changed", m.topic,
			"the manifest topic must keep its partitions", "it had %d partitions and has %d", len(m.next), len(target))
	}
	behind := func() bool {
		return slices.ContainsFunc(indexes(target), func(p int) bool { return m.next[p] < target[p] })
	}
	if !behind() {
		return nil
	}
	if m.reader == nil {
		at := make(map[int32]kgo.Offset, len(m.next))
		for p, next := range m.next {
			at[int32(p)] = kgo.NewOffset().At(next)
		}
		reader, err := newReader(m.opts, map[string]map[int32]kgo.Offset{m.topic: at})
		if err != nil {
			return err
		}
		m.reader = reader
	}
	ctx, cancel := context.WithTimeout(ctx, m.limit())
	defer cancel()
	for behind() {
		fetches := m.reader.PollFetches(ctx)
		err := fetchError(fetches)
		if err == nil {
			err = m.take(fetches)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			m.drop()
			return fmt.Errorf("read %s: %w", m.topic, err)
		}
	}
	return nil
}

// take lays the records of a poll over what is known. Control records only move the position.
func (m *manifests) take(fetches kgo.Fetches) error {
	var fault error
	fetches.EachRecord(func(r *kgo.Record) {
		if fault != nil || r.Offset < m.next[r.Partition] {
			return
		}
		switch {
		case r.Attrs.IsControl():
		case r.Value == nil:
			delete(m.rows, string(r.Key))
		default:
			row, err := decodeRecord(r.Value, r.Timestamp)
			if err != nil {
				fault = fmt.Errorf("%s at offset %d of partition %d: %w", r.Key, r.Offset, r.Partition, err)
				return
			}
			m.rows[string(r.Key)] = row
		}
		m.next[r.Partition] = r.Offset + 1
	})
	return fault
}

// drop lets go of the reader. What was read stays, for another goroutine may be looking at it: the next
// settle goes on from there.
func (m *manifests) drop() {
	if m.reader != nil {
		m.reader.Close()
	}
	m.reader = nil
}

func (m *manifests) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop()
}

// dc gives the record of a (cycle, DC), nil when there is none.
func (m *manifests) dc(tenant, cycle, dc string) *storedDC {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, _ := m.rows[dcKey(tenant, cycle, dc)].(*storedDC)
	return d
}

// dcs gives the records of a tenant's DCs in order of (as-of, cycle, DC).
func (m *manifests) dcs(tenant string) []*storedDC {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*storedDC
	for _, row := range m.rows {
		if d, ok := row.(*storedDC); ok && d.Tenant == tenant {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b *storedDC) int {
		if c := a.AsOf.Compare(b.AsOf); c != 0 {
			return c
		}
		if c := strings.Compare(a.Cycle, b.Cycle); c != 0 {
			return c
		}
		return strings.Compare(a.DC, b.DC)
	})
	return all
}

// parts gives the part records of a (cycle, DC) that were cut from the same plan files, ascending.
func (m *manifests) parts(of *planfile.Manifest) []*storedPart {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []*storedPart
	for _, row := range m.rows {
		if p, ok := row.(*storedPart); ok && p.of(of) && p.same(of) {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b *storedPart) int { return a.Part - b.Part })
	return all
}

// of reports whether a part is of the (cycle, DC) of a manifest.
func (p *storedPart) of(m *planfile.Manifest) bool {
	return p.Tenant == m.Tenant && p.Cycle == m.Cycle && p.DC == m.DC
}

// same reports whether a part was cut from plan files of the same lines: of one plan, full or over the same base.
func (p *storedPart) same(m *planfile.Manifest) bool {
	return p.PlanHash == m.PlanHash && p.Base == baseOf(m)
}

// foreignPart gives a part of a (cycle, DC) that was cut from other plan files, nil when there is none.
func (m *manifests) foreignPart(of *planfile.Manifest) *storedPart {
	m.mu.Lock()
	defer m.mu.Unlock()
	var first *storedPart
	for _, row := range m.rows {
		p, ok := row.(*storedPart)
		if ok && p.of(of) && !p.same(of) &&
			(first == nil || p.Part < first.Part) {
			first = p
		}
	}
	return first
}

func (m *manifests) closing(tenant, cycle string) *storedClosing {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, _ := m.rows[closingKey(tenant, cycle)].(*storedClosing)
	return c
}

func (m *manifests) ranges(tenant string) *rangesRecord {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, _ := m.rows[rangesKey(tenant)].(*rangesRecord)
	return r
}

// trimmed reports whether the topic has lost its beginning, so that old cycles may be unknown.
func (m *manifests) trimmed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.start, func(o int64) bool { return o > 0 })
}

// newReader makes a client that reads committed records and keeps control records: without them a reader
// that waits for the last stable offset hangs when the last thing in a partition is a marker.
func newReader(opts []kgo.Opt, at map[string]map[int32]kgo.Offset) (*kgo.Client, error) {
	cl, err := kgo.NewClient(append(slices.Clone(opts),
		kgo.ConsumePartitions(at),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxWait(250*time.Millisecond),
		kgo.FetchMaxBytes(16<<20),
	)...)
	if err != nil {
		return nil, fmt.Errorf("reader: %w", err)
	}
	return cl, nil
}
