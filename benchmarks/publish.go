package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"echelon/publish"
	"echelon/publish/kafka"
	"echelon/publish/planfile"
)

// publishPartitions is the number of partitions of the layer topics together: as many as 20 topics of 50.
const publishPartitions = 1000

// layerPartitions is how many of them each layer topic has.
func layerPartitions(need publish.Need) int {
	return (publishPartitions + len(need.Layers) - 1) / len(need.Layers)
}

// publishPlan times the way from plan files to topics, two DCs at once, each DC one transaction or more with its
// manifest, and then the client library alone: the same records from memory, to the same partitions of the same
// broker with the same codec, without plan files, encoding, transactions and manifests.
//
// The broker is in this process and keeps nothing on disk: it shares the cores with both. With --brokers it is that one
// (`go run ./fixtures/real/with kafka -- go run ./benchmarks --only publish --skus 6800000`: ten million lines).
func publishPlan(ctx context.Context, s settings, report func(result)) error {
	dcs, err := planFiles(ctx, s, filepath.Join(s.dir, fmt.Sprintf("publish-%d-%d", s.skus, s.seed)))
	if err != nil {
		return err
	}
	need := publish.Need{Tenant: dcs[0].Manifest.Tenant, SKUsOfDC: map[string]int64{}}
	var skus, lines, size int64
	for _, dc := range dcs {
		need.DCs = append(need.DCs, dc.Manifest.DC)
		need.SKUsOfDC[dc.Manifest.DC] = dc.Manifest.SKUs
		skus += dc.Manifest.SKUs
		lines += dc.Manifest.Lines()
		for _, l := range dc.Manifest.Layers {
			size += l.Bytes
			if !slices.Contains(need.Layers, l.Layer) {
				need.Layers = append(need.Layers, l.Layer)
			}
		}
	}
	slices.Sort(need.DCs)
	need.AllDCs = need.DCs
	var ours, peer spent
	var pool []*kgo.Record
	first := 1 // the one before warms up
	if lines >= manyLines {
		first = 0
	}
	published := 0.0 // bytes of a line
	for i := range s.runs + first {
		c, err := cluster(ctx, s, need.Tenant)
		if err != nil {
			return err
		}
		a, err := publishOnce(ctx, c, need, dcs)
		if err == nil && pool == nil {
			pool, published, err = c.records(ctx, need.Tenant, lines)
		}
		err = errors.Join(err, c.close())
		if err != nil {
			return err
		}
		if c, err = cluster(ctx, s, need.Tenant); err != nil {
			return err
		}
		b, err := clientAlone(ctx, c, need, pool, lines)
		if err = errors.Join(err, c.close()); err != nil {
			return err
		}
		if i >= first {
			ours.add(a)
			peer.add(b)
		}
	}
	var bytes int64
	for _, r := range pool {
		bytes += int64(len(r.Key) + len(r.Value))
	}
	a, b := ours.median(), peer.median()
	report(result{
		SKUs: skus, Seconds: a.wall, CPUSeconds: a.cpu, NsPerSKUCore: perSKUCore(a.wall, skus, s), BytesPerSKU: float64(size) / float64(skus),
		Ratio: b.wall / a.wall, RatioTo: "the client alone with the same records",
		Extra: map[string]float64{
			"lines": float64(lines), "lines_per_s": float64(lines) / a.wall, "client_lines_per_s": float64(lines) / b.wall,
			"bytes_per_line": published, "client_bytes_per_line": float64(bytes) / float64(len(pool)), "partitions": float64(layerPartitions(need) * len(need.Layers)),
			"processor_ratio": b.cpu / a.cpu,
		},
		Text: either(s.brokers != "", "real broker", "in-process broker"),
	})
	return nil
}

func either(ok bool, a, b string) string {
	if ok {
		return a
	}
	return b
}

// spent collects what runs took.
type spent struct{ wall, cpu []float64 }

func (s *spent) add(t took) {
	s.wall, s.cpu = append(s.wall, t.wall), append(s.cpu, t.cpu)
}

func (s *spent) median() took { return took{median(s.wall), median(s.cpu)} }

// kafkaAddress names the real broker of fixtures/real.
const kafkaAddress = "ECHELON_KAFKA"

// testCluster is the broker of one measurement.
type testCluster struct {
	addresses []string
	fake      *kfake.Cluster
}

// cluster gives a fresh broker, or the real one without topics of the tenant.
func cluster(ctx context.Context, s settings, tenant string) (*testCluster, error) {
	if s.brokers != "" {
		c := &testCluster{addresses: strings.Split(s.brokers, ",")}
		return c, c.clear(ctx, tenant)
	}
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return nil, fmt.Errorf("in-process broker: %w", err)
	}
	return &testCluster{addresses: fake.ListenAddrs(), fake: fake}, nil
}

func (c *testCluster) close() error {
	if c.fake != nil {
		c.fake.Close()
	}
	return nil
}

// admin calls f with a client of the cluster.
func (c *testCluster) admin(f func(*kadm.Client) error) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addresses...), kgo.MetadataMinAge(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	defer cl.Close()
	return f(kadm.NewClient(cl))
}

func topicPrefix(tenant string) string { return tenant + ".plan." }

// clear deletes the tenant's topics and waits until they are gone.
func (c *testCluster) clear(ctx context.Context, tenant string) error {
	return c.admin(func(adm *kadm.Client) error {
		for {
			topics, err := adm.ListTopics(ctx)
			if err != nil {
				return fmt.Errorf("list topics: %w", err)
			}
			var names []string
			for _, name := range topics.Names() {
				if strings.HasPrefix(name, topicPrefix(tenant)) {
					names = append(names, name)
				}
			}
			if len(names) == 0 {
				return nil
			}
			if _, err := adm.DeleteTopics(ctx, names...); err != nil {
				return fmt.Errorf("delete topics: %w", err)
			}
		}
	})
}

// publishOnce publishes the plan files; making topics is not counted.
func publishOnce(ctx context.Context, c *testCluster, need publish.Need, dcs []*planfile.DC) (t took, err error) {
	p, err := kafka.New(kafka.Config{
		Brokers: c.addresses, CreateTopics: true, Topics: kafka.Topics{Partitions: layerPartitions(need)},
		StartTimeout: 2 * time.Minute, // a thousand partitions are made first
	})
	if err != nil {
		return took{}, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.Check(ctx, need); err != nil {
		return took{}, err
	}
	began, used := time.Now(), cpuSeconds()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for _, dc := range dcs {
		g.Go(func() error {
			_, err := p.PublishDC(ctx, dc)
			return err
		})
	}
	err = g.Wait()
	return took{time.Since(began).Seconds(), cpuSeconds() - used}, err
}

const (
	poolRecords = 1_000_000 // about so many records are kept in memory and produced again and again
	poolStretch = 1000      // lines that follow each other in a partition and are kept or left out together
	manyLines   = 5_000_000 // a run of so many needs none before it to warm up
)

// records reads all n lines back and keeps about poolRecords of them: of each partition stretches in equal distances, in
// the order in which they were produced, so that they are as long as the others and as like their neighbours. It gives
// the mean bytes of a line too, of all of them.
func (c *testCluster) records(ctx context.Context, tenant string, n int64) (pool []*kgo.Record, mean float64, err error) {
	var names []string
	err = c.admin(func(adm *kadm.Client) error {
		topics, err := adm.ListTopics(ctx)
		for _, name := range topics.Names() {
			if strings.HasPrefix(name, topicPrefix(tenant)) && !strings.Contains(name, ".cycles.") {
				names = append(names, name)
			}
		}
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list topics: %w", err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.addresses...), kgo.ConsumeTopics(names...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return nil, 0, fmt.Errorf("consumer: %w", err)
	}
	defer cl.Close()
	type partition struct {
		topic string
		n     int32
	}
	seen, bytes := map[partition]int64{}, 0.0
	every := (n + poolRecords - 1) / poolRecords
	for left := n; left > 0; {
		fetched := cl.PollFetches(ctx)
		if err := fetched.Err(); err != nil {
			return nil, 0, fmt.Errorf("read back: %w", err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			at := partition{r.Topic, r.Partition}
			if seen[at]/poolStretch%every == 0 {
				pool = append(pool, &kgo.Record{
					Topic: r.Topic, Partition: r.Partition, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value), Headers: r.Headers,
				})
			}
			seen[at]++
			bytes += float64(len(r.Key) + len(r.Value))
			left--
		})
	}
	return pool, bytes / float64(n), nil
}

// clientAlone produces records from memory until n are out, as the client library's own bench program does:
// idempotent, acks of all, one callback each, no transaction.
func clientAlone(ctx context.Context, c *testCluster, need publish.Need, pool []*kgo.Record, n int64) (t took, err error) {
	p, err := kafka.New(kafka.Config{
		Brokers: c.addresses, CreateTopics: true, Topics: kafka.Topics{Partitions: layerPartitions(need)},
		StartTimeout: 2 * time.Minute, // a thousand partitions are made first
	})
	if err != nil {
		return took{}, err
	}
	if err := errors.Join(p.Check(ctx, need), p.Close()); err != nil {
		return took{}, err
	}
	cl, err := kgo.NewClient(
		kgo.SeedBrokers(c.addresses...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchCompression(kgo.ZstdCompression().WithLevel(1), kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(1_000_000), kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(50_000),
	)
	if err != nil {
		return took{}, fmt.Errorf("producer: %w", err)
	}
	defer cl.Close()
	promise := kgo.AbortingFirstErrPromise(cl)
	began, used := time.Now(), cpuSeconds()
	for sent := int64(0); sent < n; {
		for _, r := range pool {
			if sent++; sent > n {
				break
			}
			again := *r
			cl.Produce(ctx, &again, promise.Promise())
		}
	}
	if err := cl.Flush(ctx); err != nil {
		return took{}, fmt.Errorf("flush: %w", err)
	}
	return took{time.Since(began).Seconds(), cpuSeconds() - used}, promise.Err()
}
