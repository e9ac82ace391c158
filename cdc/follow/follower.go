package follow

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

	"echelon/cdc"
	"echelon/cdc/ingest"
	"echelon/inputs"
)

// Follower follows the topics of one tenant. Run does the work in one goroutine; CutAt, Do and Status may be called
// by others.
type Follower struct {
	cfg    Config
	client *kgo.Client // nil: the log behind HTTP alone
	// Looking must not wait behind fetching: it has a client of its own.
	watcher *kgo.Client
	admin   *kadm.Client
	topics  map[string]*Topic
	readers []cdc.Decoder // of the topics; the configured one is that of the log behind HTTP

	// What follows is Run's own.
	parts    []*partition // ascending
	byName   map[cdc.Partition]*partition
	log      *partition // the log behind HTTP, nil: none
	open     map[string]*transaction
	txs      []*transaction // those of open, by when their first record was read
	done     remembered
	waiting  int   // entries in all queues
	begins   int64 // BEGINs that were read
	asleep   bool
	high     map[string]cdc.Position // per source, applied
	marks    map[string]cdc.Position // per source, of BEGIN and END that were read
	lookedAt int64
	logged   chunk // of the log behind HTTP
	due      []cdc.Decoded
	cutters  []*cutter

	asks  chan *cutter
	ended chan struct{}
	err   error // why Run ended, once ended is closed

	mu     sync.Mutex
	status Status // Run's own but for the copy in shown
	shown  Status
}

// New checks the topics and makes a follower that goes on at the state's offsets. Topics that are missing or
// forbidden are an *Error, offsets that the brokers do not have an *inputs.Refusal.
func New(ctx context.Context, cfg Config) (*Follower, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	f := &Follower{
		cfg: cfg, readers: decoders(&cfg), topics: map[string]*Topic{}, byName: map[cdc.Partition]*partition{}, open: map[string]*transaction{},
		high: map[string]cdc.Position{}, marks: map[string]cdc.Position{}, asks: make(chan *cutter), ended: make(chan struct{}),
	}
	f.status.Alive = map[string]int64{}
	for _, src := range cfg.State.Cut().Sources() {
		f.high[src.Source], f.status.Alive[src.Source] = src.Position, src.At
	}
	for i := range cfg.Topics {
		f.topics[cfg.Topics[i].Name] = &cfg.Topics[i]
	}
	if cfg.Client != nil {
		if err := f.connect(ctx); err != nil {
			f.Close()
			return nil, err
		}
	}
	if cfg.Log != nil {
		f.log = &partition{Partition: ingest.Partition, read: cfg.State.Offsets()[ingest.Partition]}
		if end := cfg.Log.End(); f.log.read > end {
			f.Close()
			return nil, &inputs.Refusal{
				Kind: "offsets_ahead", Where: fmt.Sprintf("%s offset %d", cdc.HTTPTopic, f.log.read),
				Hint: fmt.Sprintf("the log ends at %d: it is not the one that this state read; restore it, or open it at the state's offset", end),
			}
		}
	}
	f.show()
	return f, nil
}

func (f *Follower) connect(ctx context.Context) error {
	opts := append(slices.Clone(f.cfg.Client), Fetching()...)
	opts = append(opts,
		kgo.MaxDecompressBatchBytes(f.cfg.BatchBytes),
		kgo.KeepControlRecords(), // without them the end of a partition is never seen behind a transaction
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{}),
		kgo.MetadataMinAge(100*time.Millisecond),
	)
	var err error
	if f.client, err = kgo.NewClient(opts...); err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	if f.watcher, err = kgo.NewClient(append(slices.Clone(f.cfg.Client), kgo.MetadataMinAge(100*time.Millisecond))...); err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	f.admin = kadm.NewClient(f.watcher)
	ctx, cancel := context.WithTimeout(ctx, f.cfg.StartTimeout)
	defer cancel()
	seen, err := f.look(ctx)
	var own *Error
	if f.cfg.MayBeAway && errors.As(err, &own) && own.Kind == BrokerAway {
		f.status.Away, f.status.LastError = f.cfg.StallAfter, err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	return f.see(seen)
}

// Fetching is how a follower's client fetches.
func Fetching() []kgo.Opt {
	return []kgo.Opt{
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxWait(500 * time.Millisecond), // what is resumed waits for a request that is under way
	}
}

// fetchBytes is what one broker gives at a time, packed. Of each broker a fetch is being applied, one waits for it and
// one is under way.
const fetchBytes = 4 << 20

// Close lets go of the connections. It is called when Run has ended, or was never called.
func (f *Follower) Close() {
	if f.admin != nil {
		f.admin.Close()
	}
	if f.client != nil {
		f.client.Close()
	}
}

// Run follows until the context ends (nil) or something keeps it from going on (the error). What waits for open
// transactions then is read again by the next follower.
func (f *Follower) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	decoded, looks := &ahead{}, make(chan looked)
	if f.client != nil {
		decoded = f.decodeAhead(ctx, wg.Go)
		wg.Go(func() { f.watch(ctx, looks) })
	}
	err := f.run(ctx, decoded, looks)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	cancel()
	wg.Wait()
	f.err = err
	f.show()
	close(f.ended)
	return err
}

func (f *Follower) run(ctx context.Context, decoded *ahead, looks <-chan looked) error {
	tick := time.NewTicker(f.cfg.Look)
	defer tick.Stop()
	var more <-chan struct{}
	whole := true // not in the middle of a fetch
	for {
		var err error
		if whole {
			if more, err = f.readLog(); err != nil {
				return err
			}
			f.show()
			f.answer()
		}
		whole = true
		select {
		case <-ctx.Done():
			return ctx.Err()
		case c := <-decoded.out:
			whole, err = c.over, f.took(c)
			decoded.free <- c
		case seen := <-looks:
			err = f.saw(seen)
		case c := <-f.asks:
			f.cutters = append(f.cutters, c)
		case <-more:
		case <-tick.C:
			err = f.round()
		}
		if err != nil {
			return err
		}
	}
}

// took applies a chunk, or lets it wait; with the last one of a fetch, what has waited long enough.
func (f *Follower) took(c *chunk) error {
	if c.fetch != nil {
		if err := f.fetchError(c.part.Topic, c.part.ID, c.fetch); err != nil {
			return err
		}
	}
	if p := f.byName[c.part]; p != nil {
		if err := f.take(p, c); err != nil {
			return err
		}
	}
	if !c.over {
		return nil
	}
	if err := f.round(); err != nil {
		return err
	}
	f.bound()
	f.cfg.OnRound()
	return nil
}

// readLog applies what is new in the log behind HTTP, a bounded part of it, and gives the channel that is closed
// when there is more.
func (f *Follower) readLog() (<-chan struct{}, error) {
	if f.log == nil {
		return nil, nil
	}
	more := f.cfg.Log.More()
	records, err := f.cfg.Log.Read(f.log.read, f.cfg.PollRecords)
	if err != nil {
		return nil, err
	}
	c := &f.logged
	c.Reset()
	for i := range records {
		if c.err = c.Decode(f.cfg.Decoder, &records[i]); c.err != nil {
			break
		}
		c.next = records[i].Offset + 1
	}
	if len(records) > 0 {
		if err := f.take(f.log, c); err != nil {
			return nil, err
		}
	}
	f.log.end = f.cfg.Log.End()
	if len(records) > 0 {
		f.cfg.OnRound()
	}
	if f.log.read < f.log.end {
		now := make(chan struct{})
		close(now)
		return now, nil
	}
	return more, nil
}

var deniedCodes = []*kerr.Error{
	kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.SaslAuthenticationFailed,
	kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState,
}

func denied(err error) bool {
	return slices.ContainsFunc(deniedCodes, func(k *kerr.Error) bool { return errors.Is(err, k) })
}

// fetchError says what an error of a fetch means: nil when the client will try again by itself.
func (f *Follower) fetchError(topic string, id int32, err error) error {
	where := fmt.Sprintf("%s-%d", topic, id)
	var lost *kgo.ErrDataLoss
	var large *kgo.ErrDecompressTooLarge
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, kgo.ErrClientClosed):
		return nil
	case errors.Is(err, kerr.OffsetOutOfRange):
		return f.outOfRange(where, f.byName[cdc.Partition{Topic: topic, ID: id}])
	case errors.As(err, &lost):
		return &inputs.Refusal{
			Kind: "offsets_ahead", Where: where, Err: err,
			Hint: "the brokers lost records that were read already: take a new base of the tables, or restore the topic",
		}
	case denied(err):
		return &Error{Kind: Denied, Where: where, Hint: "grant Read and Describe on the topic, or check the credentials", Err: err}
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID):
		return &Error{Kind: TopicMissing, Where: where, Hint: "the topic was deleted while it was read: make it again and take a new base", Err: err}
	case errors.As(err, &large):
		return &inputs.Refusal{
			Kind: "batch_too_large", Where: where, Err: err,
			Hint: fmt.Sprintf("a batch unpacks to more than %d bytes and is not read: remove it from the topic (kafka-delete-records) and send its rows again", f.cfg.BatchBytes),
		}
	}
	f.status.LastError = strings.TrimSpace(fmt.Sprintf("%s: %v", where, err))
	return nil
}

func (f *Follower) outOfRange(where string, p *partition) error {
	read, start := int64(0), int64(0)
	if p != nil {
		read, start = p.read, p.start
	}
	return gone(where, read, start)
}

// gone refuses offsets that the brokers no longer have.
func gone(where string, read, start int64) error {
	return &inputs.Refusal{
		Kind: "offsets_gone", Where: where,
		Hint: "take a new base: let the source snapshot its tables again, move the tenant's feeds folder away, and start; retention must be longer than the longest stop",
		Err:  fmt.Errorf("the state read up to offset %d, the brokers keep records from %d on", read, start),
	}
}
