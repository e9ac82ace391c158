package kafka

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"echelon/publish/outcome"
)

// mechanism gives the SASL mechanism, nil for none. Secrets are read when a connection needs them, and again
// when the broker ends a session (OAUTHBEARER: when its token expires), so that rotated ones count.
func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			pass, err := secret("sasl password file", s.PasswordFile)
			return plain.Auth{User: s.User, Pass: pass}, err
		}), nil
	case "SCRAM-SHA-256", "SCRAM-SHA-512":
		auth := func(context.Context) (scram.Auth, error) {
			pass, err := secret("sasl password file", s.PasswordFile)
			return scram.Auth{User: s.User, Pass: pass}, err
		}
		if s.Mechanism == "SCRAM-SHA-256" {
			return scram.Sha256(auth), nil
		}
		return scram.Sha512(auth), nil
	case "OAUTHBEARER":
		return tokens{oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := secret("sasl token file", s.TokenFile)
			return oauth.Auth{Token: token}, err
		})}, nil
	}
	return nil, fmt.Errorf("sasl mechanism %q is not known", s.Mechanism)
}

// secret reads a file that holds one; a file that is gone or empty is a fault of the configuration.
func secret(what, path string) (string, error) {
	raw, err := os.ReadFile(path)
	text := strings.TrimSpace(string(raw))
	if err == nil && text == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	if err != nil {
		return "", &outcome.Error{
			Code: outcome.CodeConfig, Kind: "secret_missing", Where: what, Hint: "write the secret into the file; it is read for each connection", Err: err,
		}
	}
	return text, nil
}

// tokens is OAUTHBEARER that understands a refusal: a broker answers a token that it does not take not with an
// error but with a JSON object (RFC 7628, 3.2.2), which the client library reports as unexpected data.
type tokens struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (b tokens) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := b.Mechanism.Authenticate(ctx, host)
	return tokenSession{session}, first, err
}

type tokenSession struct{ sasl.Session }

// Challenge implements sasl.Session. What the broker says is quoted and cut: it may be anything.
func (s tokenSession) Challenge(resp []byte) (bool, []byte, error) {
	if len(resp) > 0 {
		const most = 200
		return false, nil, fmt.Errorf("%w the token: %q", kerr.SaslAuthenticationFailed, resp[:min(len(resp), most)])
	}
	return s.Session.Challenge(resp)
}
