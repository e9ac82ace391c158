package kafka

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"echelon/fixtures/bearer"
	"echelon/publish/outcome"
)

// TestBearerToken publishes with a token from a file, which is read again when the session of the first one ends,
// and is denied with one that the broker does not take.
func TestBearerToken(t *testing.T) {
	b, err := bearer.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	on := target{name: "in-process", brokers: b.ListenAddrs(), fake: b.Cluster}
	file := filepath.Join(t.TempDir(), "token")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := on.config()
	cfg.SASL = SASL{Mechanism: "OAUTHBEARER", TokenFile: file}
	pl := plan{tenant: tenant(), cycle: "C1", rows: 30}

	write("eyJ.first.x\n")
	b.Take("eyJ.first.x", time.Second) // a client takes a second off: it logs in again at its next request
	p := open(t, cfg)
	if err := p.Check(t.Context(), pl.need()); err != nil {
		t.Fatal(err)
	}
	if seen := b.Seen(); slices.ContainsFunc(seen, func(s string) bool { return s != "eyJ.first.x" }) || len(seen) == 0 {
		t.Fatalf("logged in with %q", seen)
	}
	write("eyJ.second.x")
	b.Take("eyJ.second.x", 0)
	dc := pl.make(t)
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	if seen := b.Seen(); seen[len(seen)-1] != "eyJ.second.x" {
		t.Fatalf("logged in with %q", seen)
	}
	b.Refuse("eyJ.first.x")
	wantOnce(t, on, p, dc)

	for name, c := range map[string]struct {
		token string
		code  int
		says  string
	}{
		"wrong token": {"eyJ.stolen.x", outcome.CodeDenied, "invalid_token"},
		"old token":   {"eyJ.first.x", outcome.CodeDenied, "invalid_token"},
		"empty file":  {" \n", outcome.CodeConfig, "is empty"},
	} {
		write(c.token)
		err := open(t, cfg).Check(t.Context(), pl.need())
		if code(err) != c.code || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "eyJ.") {
			t.Errorf("%s: code %d: %v", name, code(err), err)
		}
	}
}

// TestMechanismThatTheBrokerDoesNotOffer is an error that names it, not a broker that is away.
func TestMechanismThatTheBrokerDoesNotOffer(t *testing.T) {
	b, err := bearer.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := target{brokers: b.ListenAddrs(), fake: b.Cluster}.config()
	cfg.SASL = SASL{Mechanism: "SCRAM-SHA-512", User: "planner", PasswordFile: file}
	err = open(t, cfg).Check(t.Context(), plan{tenant: tenant()}.need())
	if code(err) != outcome.CodeDenied || !strings.Contains(err.Error(), "UNSUPPORTED_SASL_MECHANISM") {
		t.Fatalf("code %d: %v", code(err), err)
	}
}
