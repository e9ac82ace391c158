package cli

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/fixtures/bearer"
	"echelon/fixtures/real"
)

// write writes a file of the world's folder.
func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// ends runs a command that has to end with a code and a message, and that must not give a secret away.
func (w *world) ends(code int, says, secret string, args ...string) {
	w.t.Helper()
	out, err := w.echelon(nil, args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code || !strings.Contains(out, says) {
		w.t.Errorf("echelon %s: %v, want %d and %q\n%s", strings.Join(args, " "), err, code, says, out)
	}
	if secret != "" && strings.Contains(out, secret) {
		w.t.Errorf("the secret is in the output:\n%s", out)
	}
}

// TestBearerTokenRotates logs in by OAUTHBEARER through the command line: the token in the file is replaced while a
// cycle runs, the cycle is out once, and the old one is taken no more. Settings come from flags, environment and file.
func TestBearerTokenRotates(t *testing.T) {
	b, err := bearer.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	w := &world{t: t, dir: t.TempDir(), tenant: "token", brokers: []string{"--brokers", strings.Join(b.ListenAddrs(), ","), "--sasl-token-file", "token"}}
	w.prepare()
	w.write("settings.yaml", "sasl: OAUTHBEARER\n")
	const settings = "--config=settings.yaml"
	w.write("token", "eyJ.first.x\n")
	b.Take("eyJ.first.x", 0)
	w.must("topics", "apply", "--tenant", w.tenant, settings)

	b.Take("eyJ.first.x", time.Second) // a client takes a second off: it logs in again at its next request
	cmd, out, goOn := w.held([]string{"ECHELON_SASL=OAUTHBEARER"},
		"run", "--inputs", "in", "--tenant", w.tenant, "--as-of", "2026-11-21T08:00:00Z", "--result", "r.json")
	before := len(b.Seen())
	b.Take("eyJ.second.x", 0)
	w.write("token", "eyJ.second.x\n")
	goOn()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	seen := b.Seen() // one that had read the file before it changed may come in late
	if before == 0 || slices.Contains(seen[:before], "eyJ.second.x") || seen[len(seen)-1] != "eyJ.second.x" {
		t.Errorf("log-ins before the change %q, after it %q", seen[:before], seen[before:])
	}
	b.Refuse("eyJ.first.x")
	w.must("verify", "--tenant", w.tenant, settings)

	next := []string{"run", "--inputs", "in", "--tenant", w.tenant, "--as-of", "2026-11-21T09:00:00Z", "--sasl", "OAUTHBEARER", "--result", "r.json"}
	w.write("token", "eyJ.guessed.x")
	w.ends(77, "invalid_token", "guessed", next...)
	if raw, err := os.ReadFile(filepath.Join(w.dir, "r.json")); err != nil || !bytes.Contains(raw, []byte(`"exit_code": 77`)) || bytes.Contains(raw, []byte("guessed")) {
		t.Errorf("result: %v\n%s", err, raw)
	}
	w.write("token", "\n")
	w.ends(78, "token is empty", "", next...)
	w.write("token", "eyJ.second.x\n")
	w.must(next...)
}

// unsigned makes a token of the unsecured kind, for a broker that takes them.
func unsigned(user string, from time.Time, lasts time.Duration) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, from.Unix(), from.Add(lasts).Unix())) + "."
}

// TestRealSecuredBroker publishes to a broker that asks who is there, in every way that it may be told: SASL over TLS
// with each mechanism, and a client certificate. Wrong secrets and missing grants end with 77.
func TestRealSecuredBroker(t *testing.T) {
	if os.Getenv("ECHELON_KAFKA") == "" {
		t.Skip("real parts are not wanted: go run ./fixtures/real/with kafka -- go test -run Real ./cmd/...")
	}
	on, err := real.StartSecured(t.Context(), t.TempDir())
	if on != nil && on.Kafka != nil {
		t.Cleanup(func() {
			if err := on.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(on.Addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		made, err := admin.AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{{User: on.User, Mechanism: mechanism, Iterations: 4096, Password: on.Password}})
		if err = errors.Join(err, made.Error()); err != nil {
			t.Fatal(err)
		}
	}
	const tenant = "secured"
	topics := kadm.NewACLs().Allow("User:"+on.User, "User:CN="+on.User).AllowHosts().ResourcePatternType(kadm.ACLPatternPrefixed).
		Topics(tenant+".plan.").Operations(kadm.OpWrite, kadm.OpRead, kadm.OpDescribe)
	ids := kadm.NewACLs().Allow("User:"+on.User, "User:CN="+on.User).AllowHosts().ResourcePatternType(kadm.ACLPatternPrefixed).
		TransactionalIDs("echelon."+tenant+".plan.").Operations(kadm.OpWrite, kadm.OpDescribe)
	grant := func(b *kadm.ACLBuilder) {
		t.Helper()
		made, err := admin.CreateACLs(t.Context(), b)
		for _, r := range made {
			err = errors.Join(err, r.Err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}

	w := &world{t: t, dir: t.TempDir(), tenant: tenant}
	w.prepare()
	w.must("topics", "apply", "--tenant", tenant, "--replication", "1", "--brokers", on.Addr)
	w.write("password", on.Password+"\n")
	w.write("wrong", "guessed\n")
	hour := 0
	run := func(how ...string) []string {
		hour++
		return append([]string{"run", "--inputs", "in", "--tenant", tenant, "--as-of", fmt.Sprintf("2026-11-21T%02d:00:00Z", hour), "--full"}, how...)
	}
	sasl := func(mechanism, file string) []string {
		return []string{"--brokers", on.SASL, "--tls-ca", on.CAFile, "--sasl", mechanism, "--sasl-user", on.User, "--sasl-password-file", file}
	}
	token := []string{"--brokers", on.SASL, "--tls-ca", on.CAFile, "--sasl", "OAUTHBEARER", "--sasl-token-file", "token"}
	w.write("token", unsigned(on.User, time.Now().Add(-time.Minute), time.Hour))

	w.ends(77, "TOPIC_AUTHORIZATION_FAILED", on.Password, run(sasl("SCRAM-SHA-512", "password")...)...)
	grant(topics)
	w.ends(77, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "", run(token...)...)
	grant(ids)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		w.must(run(sasl(mechanism, "password")...)...)
		w.ends(77, "check mechanism, user and secret file", "guessed", run(sasl(mechanism, "wrong")...)...)
	}
	w.must(run(token...)...)
	w.must(append([]string{"verify", "--tenant", tenant}, token...)...)
	certificate := []string{"--brokers", on.MutualTLS, "--tls-ca", on.CAFile, "--tls-cert", on.CertFile, "--tls-key", on.KeyFile}
	w.must(run(certificate...)...)

	for name, c := range map[string]struct {
		token string
		code  int
		says  string
	}{
		"expired":       {unsigned(on.User, time.Now().Add(-2*time.Hour), time.Hour), 77, "invalid_token"},
		"no token":      {"stolen", 77, "invalid_token"},
		"somebody else": {unsigned("stranger", time.Now().Add(-time.Minute), time.Hour), 77, "TOPIC_AUTHORIZATION_FAILED"},
	} {
		w.write("token", c.token)
		t.Log(name)
		w.ends(c.code, c.says, c.token, run(token...)...)
	}
}
