package serve

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"echelon/cdc/ingest"
	"echelon/publish/kafka"
)

// Config is the service's file:
//
//	listen: 127.0.0.1:8380
//	state: /var/lib/echelon
//	tenants:
//	  acme:
//	    policy: acme.yaml
//	    mapping: mapping.yaml
//	    tokens: acme.tokens
//	    cluster: {brokers: [kafka1:9092], tls_ca: ca.pem, registry: "http://registry:8081"}
//	    schedule:
//	      - {wave: north, dcs: [D01, D02], zone: America/Chicago, pick: "06:00", before: 2h, deadline: 20m}
//	    trigger: acme.in.trigger.v1
//	    floor: {skus: 500, every: 10m}
//
// Names of files are relative to the file's own folder. A key that is not there is refused.
type Config struct {
	Listen       string             `yaml:"listen"`
	State        string             `yaml:"state"`
	Metrics      string             `yaml:"metrics_tokens"` // file of tokens that /metrics asks for; "": none
	CyclesAtOnce int                `yaml:"cycles_at_once"` // over all tenants; default 1
	Grace        time.Duration      `yaml:"grace"`          // of a cycle that runs at a stop; default 20s
	Tenants      map[string]*Tenant `yaml:"tenants"`
}

// Tenant is one tenant of the service.
type Tenant struct {
	Policy     string        `yaml:"policy"`  // "": the defaults
	Mapping    string        `yaml:"mapping"` // "": canonical topics
	Tokens     string        `yaml:"tokens"`
	Cluster    Cluster       `yaml:"cluster"` // of the change topics; without brokers rows come by HTTP alone
	Publish    *Cluster      `yaml:"publish"` // of the plan; left out: the same cluster
	NoPublish  bool          `yaml:"no_publish"`
	Schedule   []Wave        `yaml:"schedule"`
	Trigger    string        `yaml:"trigger"` // topic, "": none
	Floor      Floor         `yaml:"floor"`
	Checkpoint time.Duration `yaml:"checkpoint"` // between checkpoints; default 5m
	Wait       time.Duration `yaml:"wait"`       // for a cut; default 5m
	Limits     Limits        `yaml:"limits"`
}

// Floor asks for a cycle when more SKUs than so many fell under their floor since the last one.
type Floor struct {
	SKUs  int           `yaml:"skus"` // 0: not looked at
	Every time.Duration `yaml:"every"`
}

// Limits bound what a tenant takes.
type Limits struct {
	Bytes       int64         `yaml:"bytes"`     // of one request, decompressed; default 16 MiB
	Rows        int           `yaml:"rows"`      // of one request; default 100,000
	RowBytes    int           `yaml:"row_bytes"` // default 1 MiB
	Cycles      int           `yaml:"cycles"`    // that wait; default 4
	Workers     int           `yaml:"workers"`   // goroutines that plan; default one per processor
	HeldRecords int           `yaml:"held_records"`
	Warm        int64         `yaml:"warm_bytes"` // of a snapshot that stays in memory; default a third of the memory that may be used
	Keep        time.Duration `yaml:"keep"`       // of plan files and snapshots; default the policy's, else 7 days
}

// Cluster is a Kafka cluster, with its schema registry. Secrets come from files.
type Cluster struct {
	Brokers              []string `yaml:"brokers"`
	TLS                  bool     `yaml:"tls"`
	TLSCA                string   `yaml:"tls_ca"`
	TLSCert              string   `yaml:"tls_cert"`
	TLSKey               string   `yaml:"tls_key"`
	TLSServerName        string   `yaml:"tls_server_name"`
	SASL                 string   `yaml:"sasl"`
	SASLUser             string   `yaml:"sasl_user"`
	SASLPasswordFile     string   `yaml:"sasl_password_file"`
	SASLTokenFile        string   `yaml:"sasl_token_file"`
	Registry             string   `yaml:"registry"`
	RegistryCA           string   `yaml:"registry_ca"`
	RegistryUser         string   `yaml:"registry_user"`
	RegistryPasswordFile string   `yaml:"registry_password_file"`
	Environment          string   `yaml:"environment"`
	CreateTopics         bool     `yaml:"create_topics"` // of the plan; default: `echelon topics apply` makes them
}

var tenantName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)

// Load reads the service's file.
func Load(path string) (*Config, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("service file: %w", err)
	}
	c, err := Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("service file %s: %w", path, err)
	}
	c.within(filepath.Dir(path))
	return c, nil
}

// Parse reads the text of the service's file, all faults of it at once.
func Parse(raw []byte) (*Config, error) {
	c := &Config{}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(c); err != nil {
		return nil, err
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.State == "" {
		bad("state: name the state folder")
	}
	if len(c.Tenants) == 0 {
		bad("tenants: none")
	}
	if c.CyclesAtOnce < 0 || c.Grace < 0 {
		bad("cycles_at_once and grace must not be negative")
	}
	c.Listen = orElse(c.Listen, "127.0.0.1:8380")
	c.CyclesAtOnce = orElse(c.CyclesAtOnce, 1)
	c.Grace = orElse(c.Grace, 20*time.Second)
	for _, name := range slices.Sorted(maps.Keys(c.Tenants)) {
		if !tenantName.MatchString(name) {
			bad("tenant %q: want a-z, then 1 to 30 of a-z 0-9 -", name)
		}
		t := c.Tenants[name]
		if t == nil {
			bad("%s: say at least its tokens", name)
			continue
		}
		for _, err := range t.check() {
			bad("%s: %w", name, err)
		}
	}
	return c, errors.Join(errs...)
}

func orElse[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (t *Tenant) check() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if t.Tokens == "" {
		bad("tokens: name the file of bearer tokens")
	}
	if t.Trigger != "" && len(t.Cluster.Brokers) == 0 {
		bad("trigger: a topic needs a cluster")
	}
	if t.Floor.SKUs < 0 || t.Floor.SKUs > 0 && t.Floor.Every < time.Second {
		bad("floor: want skus, and every of at least 1s")
	}
	if t.Checkpoint < 0 || t.Wait < 0 || t.Limits.Bytes < 0 || t.Limits.Rows < 0 || t.Limits.RowBytes < 0 ||
		t.Limits.Cycles < 0 || t.Limits.Workers < 0 || t.Limits.HeldRecords < 0 || t.Limits.Keep < 0 || t.Limits.Warm < 0 {
		bad("limits and times must not be negative")
	}
	if t.NoPublish && t.Publish != nil {
		bad("publish: given, and no_publish")
	}
	t.Checkpoint = orElse(t.Checkpoint, 5*time.Minute)
	t.Wait = orElse(t.Wait, 5*time.Minute)
	t.Limits.Cycles = orElse(t.Limits.Cycles, 4)
	seen := map[string]bool{}
	for i := range t.Schedule {
		if err := t.Schedule[i].check(); err != nil {
			errs = append(errs, err)
		}
		if seen[t.Schedule[i].Name] {
			bad("wave %q is there twice", t.Schedule[i].Name)
		}
		seen[t.Schedule[i].Name] = true
	}
	return errs
}

// within makes names of files absolute from a folder.
func (c *Config) within(dir string) {
	at := func(name *string) {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(dir, *name)
		}
	}
	at(&c.State)
	at(&c.Metrics)
	for _, t := range c.Tenants {
		clusters := []*Cluster{&t.Cluster}
		if t.Publish != nil {
			clusters = append(clusters, t.Publish)
		}
		at(&t.Policy)
		at(&t.Mapping)
		at(&t.Tokens)
		for _, k := range clusters {
			for _, name := range []*string{&k.TLSCA, &k.TLSCert, &k.TLSKey, &k.SASLPasswordFile, &k.SASLTokenFile, &k.RegistryCA, &k.RegistryPasswordFile} {
				at(name)
			}
		}
	}
}

// ingest is the limits of one request.
func (l Limits) ingest() ingest.Limits {
	return ingest.Limits{Bytes: l.Bytes, Rows: l.Rows, RowBytes: l.RowBytes}
}

// kafka gives the cluster in the form that clients are made of.
func (k *Cluster) kafka() kafka.Config {
	cfg := kafka.Config{
		Brokers: k.Brokers, Environment: k.Environment, CreateTopics: k.CreateTopics,
		TLS:      kafka.TLS{Enabled: k.TLS, CAFile: k.TLSCA, CertFile: k.TLSCert, KeyFile: k.TLSKey, ServerName: k.TLSServerName},
		SASL:     kafka.SASL{Mechanism: k.SASL, User: k.SASLUser, PasswordFile: k.SASLPasswordFile, TokenFile: k.SASLTokenFile},
		Registry: kafka.Registry{URL: k.Registry, CAFile: k.RegistryCA, User: k.RegistryUser, PasswordFile: k.RegistryPasswordFile},
	}
	t := &cfg.TLS
	t.Enabled = t.Enabled || t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.ServerName != ""
	return cfg
}
