package kafka

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/planner"
	"echelon/publish/planfile"
)

// chunkRows is the number of lines that are encoded, sorted by partition and handed over at a time: enough
// to fill a batch of every partition, few enough to be reused soon.
const chunkRows = 4096

// arenaBytes is what an arena has room for from the start: more than the lines of most chunks take.
const arenaBytes = chunkRows * 640

// arenas are those that no writer uses: a publisher makes as many as wait for answers at once, whatever the number
// of DCs and transactions.
var arenas = sync.Pool{New: func() any {
	return &arena{records: make([]kgo.Record, chunkRows), buf: make([]byte, 0, arenaBytes)}
}}

// writer produces lines of one DC within an open transaction.
//
//	row group ──chunk──▶ partition of each row, counting sort ──▶ encode into an arena ──▶ Produce by partition
//
// Arenas come back when every promise of theirs is answered. Promises run one after another on the
// client's goroutine; the writer reads what they note only after all of them (wait).
type writer struct {
	cl      *kgo.Client
	promise *kgo.FirstErrPromise
	failed  atomic.Bool
	room    chan struct{} // an element for each arena under way: as many as the client may hold lines of
}

// newWriter makes a writer with at most so many lines under way. It waits for room itself, an arena at a time: the
// client, when it is full, would wait for each line apart.
func newWriter(cl *kgo.Client, lines int) *writer {
	return &writer{cl: cl, promise: kgo.AbortingFirstErrPromise(cl), room: make(chan struct{}, max(1, lines/chunkRows))}
}

// arena is the records of one chunk and the bytes they point into.
type arena struct {
	w       *writer
	layer   *layerWriter
	done    func(*kgo.Record, error)
	buf     []byte
	records []kgo.Record
	open    atomic.Int32
}

// answered is the promise of each record of the arena.
func (a *arena) answered(r *kgo.Record, err error) {
	if err != nil {
		a.w.failed.Store(true)
	} else {
		a.layer.note(r.Partition, r.Offset)
	}
	a.done(r, err)
	if a.open.Add(-1) == 0 {
		room := a.w.room
		a.w, a.layer, a.done = nil, nil, nil
		arenas.Put(a)
		<-room
	}
}

// arena gives one with room for n lines of the length of the layer's last ones. Growing it while lines are written would
// copy them, and keep both copies while their promises are open; projections are longer than what fits from the start.
func (w *writer) arena(l *layerWriter, n int) *arena {
	a := arenas.Get().(*arena)
	if room := n * l.bytes * 9 / 8; cap(a.buf) < room {
		a.buf = make([]byte, 0, room)
	}
	a.w, a.layer, a.buf = w, l, a.buf[:0]
	return a
}

// wait blocks until every line is answered and gives the first error.
func (w *writer) wait(ctx context.Context) error {
	if err := w.cl.Flush(ctx); err != nil {
		// The buffered lines will not go out any more; their promises must still be answered.
		_ = w.cl.AbortBufferedRecords(context.WithoutCancel(ctx))
		_ = w.promise.Err()
		return fmt.Errorf("flush: %w", err)
	}
	return w.promise.Err()
}

// layerWriter turns lines of one (layer, DC) into records and counts them by partition.
type layerWriter struct {
	route   route
	router  *router
	enc     encoder
	headers []kgo.RecordHeader
	spans   []span // by partition

	bytes int     // of a line of the last chunk, with its key
	part  []int32 // by row of the chunk
	order []int32 // rows of the chunk by partition, then row
	count []int32
}

func newLayerWriter(m *planfile.Manifest, by route, enc encoder) (*layerWriter, error) {
	r, err := newRouter(m.DC, by)
	if err != nil {
		return nil, err
	}
	l := &layerWriter{
		route: by, router: r, enc: enc, headers: headersOf(m),
		spans: make([]span, by.Partitions), count: make([]int32, by.Partitions+1),
		part: make([]int32, chunkRows), order: make([]int32, chunkRows),
	}
	for p := range l.spans {
		l.spans[p] = span{Layer: by.Layer, Topic: by.Topic, Partition: int32(p), First: -1, Last: -1}
	}
	return l, nil
}

// Names of record headers.
const (
	headerTenant = "tenant"
	headerCycle  = "cycle"
	headerDC     = "dc"
	headerHash   = "plan_hash"
	headerBase   = "base"
	headerSchema = "schema_version"
)

func headersOf(m *planfile.Manifest) []kgo.RecordHeader {
	h := []kgo.RecordHeader{
		{Key: headerTenant, Value: []byte(m.Tenant)},
		{Key: headerCycle, Value: []byte(m.Cycle)},
		{Key: headerDC, Value: []byte(m.DC)},
		{Key: headerHash, Value: []byte(m.PlanHash)},
		{Key: headerSchema, Value: fmt.Append(nil, SchemaVersion)},
	}
	if m.Base != nil { // what this cycle left alone stands in that one
		h = append(h, kgo.RecordHeader{Key: headerBase, Value: []byte(m.Base.Cycle)})
	}
	return h
}

// note takes an acknowledged offset into the span of its partition. A negative one (an acknowledgement
// that was lost and found again) leaves the span unknown.
func (l *layerWriter) note(partition int32, offset int64) {
	s := &l.spans[partition]
	switch {
	case offset < 0:
		s.First, s.Last = unknownOffset, unknownOffset
	case s.First == unknownOffset:
	case s.First < 0:
		s.First, s.Last = offset, offset
	default:
		s.First, s.Last = min(s.First, offset), max(s.Last, offset)
	}
}

const unknownOffset = -2

// filled gives the spans that hold lines.
func (l *layerWriter) filled() []span {
	var spans []span
	for _, s := range l.spans {
		if s.Lines == 0 {
			continue
		}
		if s.First < 0 {
			s.First, s.Last = 0, -1
		}
		spans = append(spans, s)
	}
	return spans
}

// arrange finds the partition of rows [from, from+n) of the bound batch and orders them by it.
func (l *layerWriter) arrange(from, n int) {
	clear(l.count)
	for i := range n {
		_, p, _ := l.router.route(from + i)
		l.part[i] = p
		l.count[p+1]++
	}
	for p := 1; p < len(l.count); p++ {
		l.count[p] += l.count[p-1]
	}
	for i := range n {
		p := l.part[i]
		l.order[l.count[p]] = int32(i)
		l.count[p]++
	}
}

// batch produces every line of a batch. It stops early when a line has failed; wait tells why.
func (w *writer) batch(ctx context.Context, l *layerWriter, b *planfile.Batch) error {
	l.router.bind(b)
	l.enc.bind(b)
	for from := 0; from < b.Rows; from += chunkRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if w.failed.Load() {
			return nil
		}
		n := min(chunkRows, b.Rows-from)
		l.arrange(from, n)
		select {
		case w.room <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		w.chunk(ctx, l, from, n)
	}
	return nil
}

// chunk encodes rows in their order, which is how columns lie in memory, and produces them partition by partition.
func (w *writer) chunk(ctx context.Context, l *layerWriter, from, n int) {
	a := w.arena(l, n)
	a.open.Store(int32(n))
	now := time.Now() // one for all: the client would look at the clock for each
	for i := range n {
		key, _, stable := l.router.route(from + i)
		if !stable {
			at := len(a.buf)
			a.buf = append(a.buf, key...)
			key = a.buf[at:len(a.buf):len(a.buf)]
		}
		at := len(a.buf)
		a.buf = l.enc.appendValue(a.buf, from+i)
		value := a.buf[at:len(a.buf):len(a.buf)]
		s := &l.spans[l.part[i]]
		s.Lines++
		s.Sum += hexSum(xxhash.Sum64(value))
		a.records[i] = kgo.Record{Topic: l.route.Topic, Partition: l.part[i], Key: key, Value: value, Headers: l.headers, Timestamp: now}
	}
	l.bytes = (len(a.buf) + n - 1) / n
	a.done = w.promise.Promise()
	for k, i := range l.order[:n] {
		if k > 0 {
			w.promise.Promise() // counts the record; the function is the same for all
		}
		w.cl.Produce(ctx, &a.records[i], a.answered)
	}
}

func layerID(name string) (planner.LayerID, bool) {
	for id := planner.LayerID(0); id < planner.NumLayers; id++ {
		if planner.LayerOf(id).Name == name {
			return id, true
		}
	}
	return 0, false
}

func layerName(id planner.LayerID) string { return planner.LayerOf(id).Name }
