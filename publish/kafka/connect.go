package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// connection gives the options that every client shares: addresses, identity, limits of waiting.
func (c *Config) connection() ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		// Fresh topics show at once instead of after the default 5 s.
		kgo.MetadataMinAge(100 * time.Millisecond),
		kgo.RetryTimeout(c.RequestTimeout),
		kgo.DialTimeout(c.StartTimeout),
	}
	if c.TLS.Enabled {
		if _, err := c.TLS.load(); err != nil {
			return nil, err
		}
		opts = append(opts, kgo.Dialer(c.TLS.dial(c.StartTimeout)))
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// load reads the certificate files into a client configuration.
func (t TLS) load() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		raw, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls ca file: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("tls ca file %s: no certificate in it", t.CAFile)
		}
	}
	if t.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls client certificate: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

// dial opens connections that read the files anew, so that a rotated certificate counts from the next one.
func (t TLS) dial(limit time.Duration) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, host string) (net.Conn, error) {
		conf, err := t.load()
		if err != nil {
			return nil, err
		}
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: limit}, Config: conf}
		return d.DialContext(ctx, network, host)
	}
}

// codec gives the compression of batches.
func (c *Config) codec() kgo.CompressionCodec {
	switch c.Compression {
	case "lz4":
		return kgo.Lz4Compression()
	case "snappy":
		return kgo.SnappyCompression()
	case "gzip":
		return kgo.GzipCompression()
	case "none":
		return kgo.NoCompression()
	}
	return kgo.ZstdCompression().WithLevel(1)
}

// producer gives the options of a transactional producer.
func (c *Config) producer(txnID string, timeout time.Duration) ([]kgo.Opt, error) {
	opts, err := c.connection()
	if err != nil {
		return nil, err
	}
	if c.Compression == "zstd" {
		opts = append(opts, kgo.WithCompressor(batchCompressor))
	}
	return append(opts,
		kgo.TransactionalID(txnID),
		kgo.TransactionTimeout(timeout),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(c.codec(), kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(c.BatchBytes),
		kgo.ProducerLinger(c.Linger),
		kgo.MaxBufferedRecords(c.BufferedRecords),
		kgo.RecordRetries(c.Retries),
		kgo.ProduceRequestTimeout(c.RequestTimeout),
	), nil
}
