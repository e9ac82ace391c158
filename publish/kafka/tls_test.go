package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"echelon/publish/outcome"
)

// certificate makes a self-signed one for 127.0.0.1, in files.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "planner"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", raw)
}

// TestMutualTLS connects with a client certificate; without one, or without the CA, nothing answers.
func TestMutualTLS(t *testing.T) {
	cert, key := certificate(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := TLS{Enabled: true, CAFile: cert}.load()
	if err != nil {
		t.Fatal(err)
	}
	on := fake(t, kfake.TLS(&tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.RootCAs,
	}))
	cfg := on.config()
	cfg.StartTimeout = 3 * time.Second
	pl := plan{tenant: tenant(), cycle: "C1", rows: 30}
	cfg.TLS = TLS{Enabled: true, CAFile: cert, CertFile: cert, KeyFile: key}
	p := open(t, cfg)
	if err := p.Check(t.Context(), pl.need()); err != nil {
		t.Fatal(err)
	}
	dc := pl.make(t)
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	wantOnce(t, on, p, dc)
	for name, bad := range map[string]TLS{"no certificate": {Enabled: true, CAFile: cert}, "no CA": {Enabled: true, CertFile: cert, KeyFile: key}} {
		cfg.TLS, cfg.StartTimeout = bad, 500*time.Millisecond
		if err := open(t, cfg).Check(t.Context(), pl.need()); code(err) != outcome.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}
