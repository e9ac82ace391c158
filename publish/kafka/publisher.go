package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/publish"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// Publisher writes plan files to a cluster and reads them back. It implements publish.Publisher.
type Publisher struct {
	cfg    Config
	conn   []kgo.Opt
	client *kgo.Client
	adm    *kadm.Client
	codecs *codecs

	mu       sync.Mutex
	books    map[string]*manifests // by manifest topic
	longest  time.Duration         // the broker's longest transaction time-out, 0: not asked yet
	counts   map[string]int32      // topic → partitions
	batchMax int64                 // the broker's message.max.bytes, 0: unknown
}

var _ publish.Publisher = (*Publisher)(nil)

// New makes a publisher. Nothing is sent yet; faults of the configuration are errors of code 78.
func New(cfg Config) (*Publisher, error) {
	cfg = cfg.withDefaults()
	bad := func(err error) error {
		return &outcome.Error{
			Code: outcome.CodeConfig, Kind: "kafka_config", Where: "brokers and topics",
			Hint: "correct the named settings", Err: err,
		}
	}
	if err := cfg.Validate(); err != nil {
		return nil, bad(err)
	}
	conn, err := cfg.connection()
	if err != nil {
		return nil, bad(err)
	}
	codecs, err := newCodecs(cfg.Registry)
	if err != nil {
		return nil, bad(err)
	}
	client, err := kgo.NewClient(conn...)
	if err != nil {
		return nil, bad(err)
	}
	return &Publisher{
		cfg: cfg, conn: conn, client: client, adm: kadm.NewClient(client), codecs: codecs,
		books: make(map[string]*manifests), counts: make(map[string]int32),
	}, nil
}

// Close implements publish.Publisher.
func (p *Publisher) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, topic := range sortedKeys(p.books) {
		p.books[topic].close()
	}
	p.client.Close()
	return nil
}

// book gives the manifests of a tenant.
func (p *Publisher) book(tenant string) *manifests {
	topic := p.cfg.Topics.Name(tenant, cyclesLayer)
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.books[topic]
	if b == nil {
		b = &manifests{topic: topic, adm: p.adm, opts: p.conn, limit: p.settleLimit}
		p.books[topic] = b
	}
	return b
}

func (p *Publisher) settleLimit() time.Duration {
	if p.cfg.SettleTimeout != 0 {
		return p.cfg.SettleTimeout
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.longest != 0 {
		return p.longest
	}
	return defaultLongest
}

// defaultLongest is Kafka's own default of transaction.max.timeout.ms.
const defaultLongest = 15 * time.Minute

// longestTransaction asks the broker once for its longest transaction time-out. A cluster that does not
// let us see its settings counts as one with Kafka's defaults.
func (p *Publisher) longestTransaction(ctx context.Context) time.Duration {
	p.mu.Lock()
	known := p.longest
	p.mu.Unlock()
	if known != 0 {
		return known
	}
	longest, batchMax := defaultLongest, int64(0)
	if conf, err := p.brokerConfig(ctx); err == nil {
		if ms, err := strconv.ParseInt(conf["transaction.max.timeout.ms"], 10, 64); err == nil && ms > 0 {
			longest = time.Duration(ms) * time.Millisecond
		}
		batchMax, _ = strconv.ParseInt(conf["message.max.bytes"], 10, 64)
	} else {
		p.cfg.Log.Warn("broker settings not visible", "error", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.longest, p.batchMax = longest, batchMax
	return longest
}

// brokerConfig gives the settings of the first broker.
func (p *Publisher) brokerConfig(ctx context.Context) (map[string]string, error) {
	meta, err := p.adm.BrokerMetadata(ctx)
	if err != nil {
		return nil, err
	}
	if len(meta.Brokers) == 0 {
		return nil, errors.New("the cluster names no broker")
	}
	described, err := p.adm.DescribeBrokerConfigs(ctx, meta.Brokers[0].NodeID)
	if err != nil {
		return nil, err
	}
	conf := make(map[string]string)
	for _, r := range described {
		if r.Err != nil {
			return nil, r.Err
		}
		for _, c := range r.Configs {
			if c.Value != nil {
				conf[c.Key] = *c.Value
			}
		}
	}
	return conf, nil
}

// partitions gives the number of partitions that topics really have; a missing topic is an error.
func (p *Publisher) partitions(ctx context.Context, topics []string) (map[string]int32, error) {
	p.mu.Lock()
	known := make(map[string]int32, len(topics))
	var ask []string
	for _, t := range topics {
		if n, ok := p.counts[t]; ok {
			known[t] = n
		} else {
			ask = append(ask, t)
		}
	}
	p.mu.Unlock()
	if len(ask) == 0 {
		return known, nil
	}
	details, err := p.adm.ListTopics(ctx, ask...)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range ask {
		d := details[t]
		if d.Err != nil {
			return nil, fmt.Errorf("topic %s: %w", t, d.Err)
		}
		n := int32(len(d.Partitions))
		p.counts[t], known[t] = n, n
	}
	return known, nil
}

// transactionalID is the name under which one DC's writers exclude each other.
func (p *Publisher) transactionalID(tenant, who string) string {
	return p.cfg.Environment + "." + tenant + ".plan." + who
}

// Published implements publish.Publisher.
func (p *Publisher) Published(ctx context.Context, tenant string) ([]publish.Record, error) {
	book := p.book(tenant)
	if err := book.settle(ctx); err != nil {
		return nil, classify(err, outcome.CodeAgain, book.topic)
	}
	var records []publish.Record
	for _, d := range book.dcs(tenant) {
		if d.Record == kindDC {
			records = append(records, publish.Record{Manifest: d.Manifest, PublishedAt: d.at, Topics: topicsOf(d.Spans)})
		}
	}
	return records, nil
}

// routes gives how the lines of each layer of a manifest become records.
func (p *Publisher) routes(ctx context.Context, m *planfile.Manifest, ranges *rangesRecord) ([]route, error) {
	topics := make([]string, len(m.Layers))
	for i := range m.Layers {
		topics[i] = p.cfg.Topics.Name(m.Tenant, m.Layers[i].Layer)
	}
	counts, err := p.partitions(ctx, topics)
	if err != nil {
		return nil, err
	}
	routes := make([]route, len(m.Layers))
	for i := range m.Layers {
		layer := m.Layers[i].Layer
		r := route{Layer: layer, Topic: topics[i], Partitions: counts[topics[i]], Partitioner: p.cfg.Topics.partitionerOf(layer)}
		if r.Partitioner == ByDCRange {
			r.Own = ownRange(m.DC, r.Partitions, ranges.of(int(r.Partitions)))
		}
		if r.SchemaID, err = p.codecs.register(ctx, r.Topic, layer); err != nil {
			return nil, err
		}
		routes[i] = r
	}
	return routes, nil
}

// of gives the division of n partitions, nil when there is none.
func (r *rangesRecord) of(n int) []Range {
	if r == nil {
		return nil
	}
	for i := range r.Of {
		if r.Of[i].Partitions == n {
			return r.Of[i].DCs
		}
	}
	return nil
}
