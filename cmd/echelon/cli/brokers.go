package cli

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"echelon/cmd/echelon/policy"
	"echelon/publish"
	"echelon/publish/embedded"
	"echelon/publish/kafka"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// brokerFlags say where topics are and who we are there. Secrets come from files alone.
type brokerFlags struct {
	brokers, registry string
	cfg               kafka.Config
	replication       int
	retention         time.Duration
}

// flags declares the settings of a cluster. Their defaults and the reasons for them stand in publish/kafka.
func (b *brokerFlags) flags(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&b.brokers, "brokers", "", "host:port,… of a cluster (default: the embedded broker of the state folder)")
	fs.BoolVar(&b.cfg.TLS.Enabled, "tls", false, "connect with TLS (also set by the other --tls flags)")
	fs.StringVar(&b.cfg.TLS.CAFile, "tls-ca", "", "file of CA certificates, PEM (default: the system's)")
	fs.StringVar(&b.cfg.TLS.CertFile, "tls-cert", "", "file of the client certificate, PEM")
	fs.StringVar(&b.cfg.TLS.KeyFile, "tls-key", "", "file of the client key, PEM")
	fs.StringVar(&b.cfg.TLS.ServerName, "tls-server-name", "", "name in the brokers' certificates, where it is not the host's")
	fs.StringVar(&b.cfg.SASL.Mechanism, "sasl", "", "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
	fs.StringVar(&b.cfg.SASL.User, "sasl-user", "", "user")
	fs.StringVar(&b.cfg.SASL.PasswordFile, "sasl-password-file", "", "file that holds the password")
	fs.StringVar(&b.cfg.SASL.TokenFile, "sasl-token-file", "", "file that holds the token (OAUTHBEARER)")
	fs.StringVar(&b.registry, "registry", "", "URL of a schema registry; with one, lines go out as Avro")
	fs.StringVar(&b.cfg.Registry.CAFile, "registry-ca", "", "file of CA certificates of the registry, PEM")
	fs.StringVar(&b.cfg.Registry.User, "registry-user", "", "user at the registry")
	fs.StringVar(&b.cfg.Registry.PasswordFile, "registry-password-file", "", "file that holds that user's password")
	fs.StringVar(&b.cfg.Environment, "environment", "", "first part of transactional ids (default echelon)")
	fs.StringVar(&b.cfg.Compression, "compression", "", "zstd, lz4, snappy, gzip or none (default zstd)")
	fs.DurationVar(&b.cfg.Linger, "linger", 0, "wait for fuller batches (default 5ms)")
	fs.Int32Var(&b.cfg.BatchBytes, "batch-bytes", 0, "bytes of a batch before compression (default 1000000)")
	fs.IntVar(&b.cfg.Retries, "retries", 0, "tries of one batch (default 20)")
	fs.DurationVar(&b.cfg.RequestTimeout, "request-timeout", 0, "wait for an answer (default 30s)")
	fs.DurationVar(&b.cfg.StartTimeout, "start-timeout", 0, "wait for the first answer (default 10s)")
	fs.Int64Var(&b.cfg.PartLines, "part-lines", 0, "most lines of one transaction (default 5000000)")
	fs.IntVar(&b.replication, "replication", 0, "replicas of the topics that the command topics apply makes (default: the cluster's)")
	fs.DurationVar(&b.retention, "retention", 0, "retention of the topics that the command topics apply makes (default 336h)")
}

// target is an open publisher, with the embedded broker below it when there is one.
type target struct {
	*kafka.Publisher
	broker *embedded.Broker
	cfg    kafka.Config
}

// renew connects anew: a client remembers for seconds which topics there were.
func (t *target) renew() error {
	if err := t.Publisher.Close(); err != nil {
		return err
	}
	p, err := kafka.New(t.cfg)
	if err != nil {
		return err
	}
	t.Publisher = p
	return nil
}

// open makes the publisher: on the cluster named, or on the embedded broker of the state folder.
func (b *brokerFlags) open(state string, pol *policy.File) (*target, error) {
	cfg := b.cfg
	t := &cfg.TLS
	t.Enabled = t.Enabled || t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.ServerName != ""
	cfg.Registry.URL = b.registry
	cfg.Topics = topicsOf(pol)
	cfg.Topics.Replication, cfg.Topics.Retention = int16(b.replication), b.retention
	out := &target{}
	if b.brokers == "" {
		broker, err := embedded.Start(embedded.Options{Dir: filepath.Join(state, "broker")})
		if err != nil {
			return nil, err
		}
		out.broker = broker
		cfg.Brokers, cfg.CreateTopics, cfg.Durable = broker.Addrs(), true, broker.Sync
	} else {
		for _, addr := range strings.Split(b.brokers, ",") {
			cfg.Brokers = append(cfg.Brokers, strings.TrimSpace(addr))
		}
	}
	out.cfg = cfg
	p, err := kafka.New(cfg)
	if err != nil {
		if out.broker != nil {
			err = errors.Join(err, out.broker.Close())
		}
		return nil, err
	}
	out.Publisher = p
	return out, nil
}

// Room is how many bytes the topics of so many bytes of plan files take on our own disk.
func (t *target) Room(planBytes int64) int64 {
	if t.broker == nil {
		return 0
	}
	return embedded.Room(planBytes)
}

// Check says of a commit that the embedded broker refused why it did.
func (t *target) Check(ctx context.Context, need publish.Need) error {
	return t.full(t.Publisher.Check(ctx, need))
}

// PublishDC does so too.
func (t *target) PublishDC(ctx context.Context, dc *planfile.DC) (publish.Outcome, error) {
	out, err := t.Publisher.PublishDC(ctx, dc)
	return out, t.full(err)
}

// CloseCycle does so too.
func (t *target) CloseCycle(ctx context.Context, c publish.Closing) error {
	return t.full(t.Publisher.CloseCycle(ctx, c))
}

func (t *target) full(err error) error {
	if err == nil || t.broker == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if why := t.broker.Full(); why != nil {
		return outcome.New(outcome.CodeAgain, "disk_full", "the embedded broker",
			"make room and run the same cycle again: it publishes the plan files as they are", "%w", why)
	}
	return err
}

// where names the broker for people.
func (t *target) where() string {
	if t.broker != nil {
		return "the embedded broker"
	}
	return strings.Join(t.cfg.Brokers, ",")
}

// Close lets go of the connections and ends the embedded broker.
func (t *target) Close() error {
	err := t.Publisher.Close()
	if t.broker != nil {
		err = errors.Join(err, t.broker.Close())
	}
	return err
}

// topicsOf is the part of the policy that names topics.
func topicsOf(pol *policy.File) kafka.Topics {
	t := kafka.Topics{Partitions: pol.Partitions[""], Partitioner: pol.Partitioner[""], Layers: map[string]kafka.LayerTopic{}}
	var names []string
	for _, m := range []map[string]string{pol.Topics, pol.Partitioner} {
		names = slices.AppendSeq(names, maps.Keys(m))
	}
	names = slices.AppendSeq(names, maps.Keys(pol.Partitions))
	for _, layer := range names {
		if layer != "" {
			t.Layers[layer] = kafka.LayerTopic{Name: pol.Topics[layer], Partitions: pol.Partitions[layer], Partitioner: pol.Partitioner[layer]}
		}
	}
	return t
}

func (a *app) brokerCommand() *cobra.Command {
	var state string
	var port int
	cmd := &cobra.Command{
		Use: "broker", Short: "The embedded broker kept running on a fixed port, for looking at with kcat", Args: exactly(0),
		Long: "Serves the topics of a state folder on 127.0.0.1 until it is stopped. Meanwhile `run` with the same state folder\n" +
			"needs --brokers 127.0.0.1:PORT, for one process at a time has the folder.",
		Example: `  echelon broker --port 9092 &
  kcat -b 127.0.0.1:9092 -t example.plan.store-orders.v1 -C -e | head
  kcat -b 127.0.0.1:9092 -L`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if port < 1 || port > 65535 {
				return usagef("--port %d: want 1 to 65535", port)
			}
			b, err := embedded.Start(embedded.Options{Dir: filepath.Join(state, "broker"), Port: port})
			if err != nil {
				return err
			}
			a.note("broker of %s at %s; stop it with Ctrl-C", state, strings.Join(b.Addrs(), ","))
			<-cmd.Context().Done()
			if err := b.Close(); err != nil {
				return err
			}
			if errors.Is(context.Cause(cmd.Context()), outcome.Terminated) {
				a.code = outcome.CodeTerminated
			} else {
				a.code = outcome.CodeInterrupted
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&state, "state", defaultState, "state folder")
	cmd.Flags().IntVar(&port, "port", 9092, "port on 127.0.0.1")
	return cmd
}
