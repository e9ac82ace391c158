package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"time"
)

// Config says how to reach a cluster and how to write to it. The zero value of a field is its default,
// named with the reason in the field's comment; only Brokers has none.
type Config struct {
	// Brokers are the bootstrap addresses, host:port.
	Brokers []string
	// Environment is the first part of every transactional id: two environments that share a cluster must
	// not fence each other. Default "echelon".
	Environment string
	// ClientID is what broker logs and quotas see. Default "echelon".
	ClientID string
	TLS      TLS
	SASL     SASL

	// Linger is how long a partition waits for more lines before a batch goes out. Default 5 ms: lines come
	// from a file at full speed, so batches fill anyway; the wait only spares the tails tiny requests.
	Linger time.Duration
	// BatchBytes bounds one batch before compression. Default 1,000,000: just under the broker's own
	// default message.max.bytes (1,048,588); larger batches compress hardly better.
	BatchBytes int32
	// BufferedRecords bounds the lines that wait for their acknowledgement, of one DC. Default 50,000: a few
	// full batches for every partition, about 50 MB with long lines.
	BufferedRecords int
	// Compression is zstd, lz4, snappy, gzip or none. Default zstd at its fastest level: lines share names
	// and ids, so it takes nine tenths of the bytes away for a third of what encoding costs.
	Compression string
	// Retries bounds the tries of one batch. Default 20, about half a minute of a leader moving; after that
	// the whole transaction starts over with a new client, which also heals what retrying cannot.
	Retries int
	// RequestTimeout bounds an answer. Default 30 s, as Kafka's own clients.
	RequestTimeout time.Duration
	// Attempts bounds how often the publishing of a DC starts over. Default 3: what three fresh clients do
	// not get through is not a hiccup, and a later run publishes from the same file.
	Attempts int
	// TransactionTimeout is after how long the broker aborts an open transaction. Default: by the weight
	// of the lines at SlowBytesPerSecond plus a minute, never more than the broker allows: a hung writer
	// hides manifests behind its transaction no longer than needed.
	TransactionTimeout time.Duration
	// SlowBytesPerSecond is the slowest rate at which lines are still expected to go out; it turns a
	// transaction time-out into the largest part. Default 2 MB/s: a tenth of a poor network.
	SlowBytesPerSecond int64
	// PartLines bounds the lines of one transaction beside that. Default 5,000,000: broker and consumers
	// keep track of an open transaction, and an abort throws this much work away.
	PartLines int64
	// StartTimeout bounds the first contact, before planning. Default 10 s.
	StartTimeout time.Duration
	// SettleTimeout bounds the wait for foreign transactions in the manifest topic. Default: the broker's
	// longest transaction time-out, after which it has aborted each of them.
	SettleTimeout time.Duration

	Topics   Topics
	Registry Registry
	// CreateTopics makes missing topics at the start check. Default off: on a shared cluster topics are
	// somebody's decision (`echelon topics apply`); the embedded broker sets it.
	CreateTopics bool
	// OnPart is told of each part of a large DC that is committed, n from 1. It may be called for several DCs
	// at once.
	OnPart func(dc string, n int, lines int64)
	// Durable is called after each commit, before it is reported: the embedded broker syncs its files here.
	Durable func() error
	Log     *slog.Logger
	// At is called at named moments of publishing a DC, for tests that stop a process there: fenced, looked,
	// lines, manifest, committed.
	At func(moment string)
}

// acks=all is not a setting: transactions need it, and a plan that one failed disk loses was not published.

// TLS names the files of a TLS connection. They are read anew for each connection, so rotated ones count.
type TLS struct {
	Enabled    bool
	CAFile     string // PEM; empty: the system's
	CertFile   string // PEM of the client certificate; empty: none
	KeyFile    string
	ServerName string // when the certificate names another host than the address
}

// SASL names how the client says who it is. Secrets come from files, never from flags, and are read anew
// for each connection.
type SASL struct {
	Mechanism    string // "", PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
	User         string
	PasswordFile string // PLAIN, SCRAM
	TokenFile    string // OAUTHBEARER
}

// Registry names a schema registry (Confluent API). With one, lines go out as Avro.
type Registry struct {
	URL          string
	CAFile       string
	User         string
	PasswordFile string
}

var (
	tenantGrammar = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)
	idGrammar     = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	mechanisms    = []string{"", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"}
	compressions  = []string{"zstd", "lz4", "snappy", "gzip", "none"}
)

// withDefaults fills in what was left at zero.
func (c Config) withDefaults() Config {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&c.Environment, "echelon")
	set(&c.ClientID, "echelon")
	set(&c.Compression, "zstd")
	setTo(&c.Linger, 5*time.Millisecond)
	setTo(&c.BatchBytes, 1_000_000)
	setTo(&c.BufferedRecords, 50_000)
	setTo(&c.Retries, 20)
	setTo(&c.RequestTimeout, 30*time.Second)
	setTo(&c.Attempts, 3)
	setTo(&c.SlowBytesPerSecond, 2_000_000)
	setTo(&c.PartLines, 5_000_000)
	setTo(&c.StartTimeout, 10*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.At == nil {
		c.At = func(string) {}
	}
	c.Topics = c.Topics.withDefaults()
	return c
}

func setTo[T int | int32 | int64 | time.Duration](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}

// Validate reports every fault of the configuration at once. It reads no secret; it only looks whether
// the named files are there.
func (c Config) Validate() error {
	c = c.withDefaults()
	var faults []error
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	file := func(what, path string) {
		if path == "" {
			return
		}
		if _, err := os.Stat(path); err != nil {
			bad("%s: %w", what, err)
		}
	}
	if len(c.Brokers) == 0 {
		bad("brokers: none given; name at least one host:port")
	}
	if !idGrammar.MatchString(c.Environment) {
		bad("environment %q: want letters, digits, dot, underscore, dash", c.Environment)
	}
	if !slices.Contains(compressions, c.Compression) {
		bad("compression %q: want one of %v", c.Compression, compressions)
	}
	if c.BatchBytes < 16<<10 || c.BatchBytes > 1<<30 {
		bad("batch bytes %d: want 16 KiB to 1 GiB", c.BatchBytes)
	}
	if c.Linger < 0 || c.Linger > 10*time.Second {
		bad("linger %s: want 0 to 10s", c.Linger)
	}
	if c.Retries < 0 || c.Attempts < 1 || c.BufferedRecords < 1 || c.PartLines < 1 || c.SlowBytesPerSecond < 1 {
		bad("retries, attempts, buffered records, part lines and slow bytes per second must not be negative")
	}
	if c.TransactionTimeout != 0 && c.TransactionTimeout < time.Second {
		bad("transaction time-out %s: want at least 1s", c.TransactionTimeout)
	}
	file("tls ca file", c.TLS.CAFile)
	file("tls certificate file", c.TLS.CertFile)
	file("tls key file", c.TLS.KeyFile)
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		bad("tls: certificate file and key file come together")
	}
	if !c.TLS.Enabled && c.TLS != (TLS{}) {
		bad("tls: files or server name given, but tls is not enabled")
	}
	faults = append(faults, c.SASL.faults(file)...)
	file("registry ca file", c.Registry.CAFile)
	file("registry password file", c.Registry.PasswordFile)
	if c.Registry.URL == "" && c.Registry != (Registry{}) {
		bad("registry: settings given without its url")
	}
	faults = append(faults, c.Topics.faults()...)
	return errors.Join(faults...)
}

func (s SASL) faults(file func(what, path string)) (faults []error) {
	bad := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !slices.Contains(mechanisms, s.Mechanism) {
		bad("sasl mechanism %q: want one of %v", s.Mechanism, mechanisms[1:])
	}
	file("sasl password file", s.PasswordFile)
	file("sasl token file", s.TokenFile)
	switch s.Mechanism {
	case "":
		if s != (SASL{}) {
			bad("sasl: settings given without a mechanism")
		}
	case "OAUTHBEARER":
		if s.TokenFile == "" {
			bad("sasl OAUTHBEARER: token file missing")
		}
	default:
		if s.User == "" || s.PasswordFile == "" {
			bad("sasl %s: user and password file are needed", s.Mechanism)
		}
	}
	return faults
}
