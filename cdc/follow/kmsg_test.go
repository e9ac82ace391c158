package follow

import (
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

type (
	kmsgRequest  = kmsg.Request
	kmsgResponse = kmsg.Response
)

const (
	kmsgTopic    = kmsg.ACLResourceTypeTopic
	kmsgPrefixed = kmsg.ACLResourcePatternTypePrefixed
	kmsgRead     = kmsg.ACLOperationRead
)

// plainAuth is a user whose password is "secret".
func plainAuth(user string) sasl.Mechanism {
	return plain.Auth{User: user, Pass: "secret"}.AsMechanism()
}
