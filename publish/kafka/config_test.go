package kafka

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/publish"
	"echelon/publish/outcome"
)

func TestValidateReportsEverything(t *testing.T) {
	err := Config{
		Environment: "a b", Compression: "rar", BatchBytes: 5, Linger: -1,
		TLS:      TLS{CAFile: "/no/such/ca.pem", CertFile: "/no/such/cert.pem"},
		SASL:     SASL{Mechanism: "SCRAM-SHA-256", User: "u"},
		Registry: Registry{User: "u"},
		Topics: Topics{
			Partitioner: "hash", Partitions: -1, Retention: time.Second,
			Layers: map[string]LayerTopic{"store_orders": {}, "carry": {Partitioner: "columns:"}, "cycles": {Partitions: 3}},
		},
	}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"brokers: none", `environment "a b"`, `compression "rar"`, "batch bytes 5", "linger", "tls ca file", "tls certificate file",
		"come together", "tls is not enabled", "user and password file", "without its url", `partitioner "hash"`, "partition counts",
		"retention 1s", "topics.store_orders: no such layer", "topics.carry: partitioner", "topics.cycles",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("does not say %q:\n%v", want, err)
		}
	}
	if err := (Config{Brokers: []string{"localhost:9092"}}).Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

func TestTwoLayersInOneTopicAreRefused(t *testing.T) {
	cfg := Config{Brokers: []string{"h:1"}, Topics: Topics{Layers: map[string]LayerTopic{"carry": {Name: "x"}, "workload": {Name: "x"}}}}
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "same topic") {
		t.Fatal(err)
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := open(t, Config{Brokers: []string{addr}, StartTimeout: 300 * time.Millisecond})
	if err := p.Check(t.Context(), publish.Need{Tenant: "acme"}); code(err) != outcome.CodeUnavailable {
		t.Fatalf("nobody there: %v", err)
	}
}

func TestTopicsPlanAndApply(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		cfg := on.config()
		cfg.CreateTopics = false
		cfg.Topics.Layers = map[string]LayerTopic{"workload": {Partitions: 2}}
		p := open(t, cfg)
		pl := plan{tenant: tenant()}
		if err := p.Check(t.Context(), pl.need()); code(err) != outcome.CodeConfig || !strings.Contains(err.Error(), "is missing") {
			t.Fatalf("without topics: %v", err)
		}
		if err := p.TopicsApply(t.Context(), pl.need()); err != nil {
			t.Fatal(err)
		}
		var diffs []TopicDiff
		waitFor(t, func() bool {
			var err error
			if diffs, err = p.TopicsPlan(t.Context(), pl.need()); err != nil {
				t.Fatal(err)
			}
			return len(differing(diffs)) == 0
		})
		if err := p.Check(t.Context(), pl.need()); err != nil {
			t.Fatal(err)
		}
		// The policy grows, somebody deleted the compaction of the manifest topic, and made orders compacted.
		cfg.Topics.Layers = map[string]LayerTopic{"workload": {Partitions: 5}}
		p = open(t, cfg)
		set := func(layer, value string) {
			resp, err := admin(t, on).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{
				{Op: kadm.SetConfig, Name: "cleanup.policy", Value: &value},
			}, cfg.Topics.Name(pl.tenant, layer))
			if err != nil || resp[0].Err != nil {
				t.Fatal(err, resp)
			}
		}
		set(cyclesLayer, "delete")
		set("store-orders", "compact")
		waitFor(t, func() bool {
			err := p.Check(t.Context(), pl.need())
			return code(err) == outcome.CodeConfig && strings.Contains(err.Error(), "must be compacted") &&
				strings.Contains(err.Error(), "must not be compacted")
		})
		if diffs, err := p.TopicsPlan(t.Context(), pl.need()); err != nil || len(differing(diffs)) != 3 {
			t.Fatalf("%+v, %v", differing(diffs), err)
		}
		if err := p.TopicsApply(t.Context(), pl.need()); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool {
			diffs, err := p.TopicsPlan(t.Context(), pl.need())
			return err == nil && len(differing(diffs)) == 0
		})
	})
}

func differing(diffs []TopicDiff) (all []TopicDiff) {
	for _, d := range diffs {
		if d.Missing || len(d.Changes) > 0 || len(d.Faults) > 0 {
			all = append(all, d)
		}
	}
	return all
}

func TestBrokerLimits(t *testing.T) {
	on := fake(t, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "200000", "transaction.max.timeout.ms": "60000"}))
	cfg := on.config()
	cfg.TransactionTimeout = 2 * time.Minute
	err := open(t, cfg).Check(t.Context(), plan{tenant: tenant()}.need())
	if code(err) != outcome.CodeConfig || !strings.Contains(err.Error(), "message.max.bytes of 200000") ||
		!strings.Contains(err.Error(), "transaction.max.timeout.ms of 1m0s") {
		t.Fatalf("limits: %v", err)
	}
	cfg.TransactionTimeout, cfg.BatchBytes = 0, 100_000
	p := open(t, cfg)
	pl := plan{tenant: tenant(), cycle: "C1", rows: 50}
	// Topics are made with the broker's own limit.
	if err := p.Check(t.Context(), pl.need()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.PublishDC(t.Context(), pl.make(t)); err != nil {
		t.Fatal(err)
	}
}

// TestPlainAndScram logs in by each mechanism with the password from a file, and is denied with a wrong one.
func TestPlainAndScram(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			on := fake(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "planner", "secret"))
			file := filepath.Join(t.TempDir(), "password")
			write := func(s string) {
				if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("secret\n")
			cfg := on.config()
			cfg.SASL = SASL{Mechanism: mechanism, User: "planner", PasswordFile: file}
			pl := plan{tenant: tenant(), cycle: "C1", rows: 30}
			p := open(t, cfg)
			if err := p.Check(t.Context(), pl.need()); err != nil {
				t.Fatal(err)
			}
			if _, err := p.PublishDC(t.Context(), pl.make(t)); err != nil {
				t.Fatal(err)
			}
			write("guessed")
			err := open(t, cfg).Check(t.Context(), pl.need())
			if code(err) != outcome.CodeDenied || strings.Contains(err.Error(), "guessed") {
				t.Fatalf("wrong password: %v", err)
			}
		})
	}
}

// TestGrants gives a user everything but one grant.
func TestGrants(t *testing.T) {
	pl := plan{tenant: "acme"}
	grant := func(kind kmsg.ACLResourceType, name string, op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: kind, Name: name, Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: op, Allow: true}
	}
	topics := []kfake.ACL{
		grant(kmsg.ACLResourceTypeTopic, "acme.plan.", kmsg.ACLOperationWrite),
		grant(kmsg.ACLResourceTypeTopic, "acme.plan.", kmsg.ACLOperationRead),
		grant(kmsg.ACLResourceTypeTopic, "acme.plan.", kmsg.ACLOperationDescribe),
	}
	ids := []kfake.ACL{
		grant(kmsg.ACLResourceTypeTransactionalId, "echelon.acme.plan.", kmsg.ACLOperationWrite),
		grant(kmsg.ACLResourceTypeTransactionalId, "echelon.acme.plan.", kmsg.ACLOperationDescribe),
	}
	for name, c := range map[string]struct {
		acls []kfake.ACL
		want int
	}{
		"everything":       {append(append([]kfake.ACL{}, topics...), ids...), 0},
		"no write":         {append(append([]kfake.ACL{}, topics[1:]...), ids...), outcome.CodeDenied},
		"no transactional": {topics, outcome.CodeDenied},
		"nothing":          {nil, outcome.CodeDenied},
	} {
		t.Run(name, func(t *testing.T) {
			on := fake(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", "root"),
				kfake.User("PLAIN", "planner", "secret", c.acls...))
			cfg := on.config()
			cfg.CreateTopics = false
			as := func(user, pass string) Config {
				file := filepath.Join(t.TempDir(), user)
				if err := os.WriteFile(file, []byte(pass), 0o600); err != nil {
					t.Fatal(err)
				}
				cfg.SASL = SASL{Mechanism: "PLAIN", User: user, PasswordFile: file}
				return cfg
			}
			root := open(t, as("root", "root"))
			if err := root.TopicsApply(t.Context(), pl.need()); err != nil {
				t.Fatal(err)
			}
			waitFor(t, func() bool {
				diffs, err := root.TopicsPlan(t.Context(), pl.need())
				return err == nil && len(differing(diffs)) == 0
			})
			err := open(t, as("planner", "secret")).Check(t.Context(), pl.need())
			if code(err) != c.want || (err == nil) != (c.want == 0) {
				t.Fatalf("code %d: %v", code(err), err)
			}
		})
	}
}

func TestClassifyKeepsCancellation(t *testing.T) {
	if err := classify(context.Canceled, outcome.CodeAgain, "x"); !errors.Is(err, context.Canceled) || code(err) != 0 {
		t.Fatal(err)
	}
}
