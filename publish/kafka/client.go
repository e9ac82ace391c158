package kafka

import (
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

// ClientOptions gives the options of a client of the cluster that is none of the publisher's: addresses, identity,
// limits of waiting.
func (c Config) ClientOptions() ([]kgo.Opt, error) {
	c = c.withDefaults()
	return c.connection()
}

// Client gives a client of the schema registry, nil where none is named.
func (r Registry) Client() (*sr.Client, error) {
	c, err := newCodecs(r)
	if err != nil {
		return nil, err
	}
	return c.registry, nil
}
