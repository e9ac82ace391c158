package kafka

import (
	"errors"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/publish/outcome"
)

// TestBrokerCannotWrite publishes into a broker whose log takes nothing any more: the error says so, nothing is visible,
// and the same plan files go out once it does again.
func TestBrokerCannotWrite(t *testing.T) {
	for _, why := range []*kerr.Error{kerr.KafkaStorageError, kerr.UnknownServerError} {
		t.Run(why.Message, func(t *testing.T) {
			on := fake(t)
			p, pl, dc := ready(t, on, func(c *Config) { c.Retries, c.Attempts = 1, 2 })
			h := on.fake.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: why, Count: -1})
			_, err := p.PublishDC(t.Context(), dc)
			h.Remove()
			var e *outcome.Error
			if !errors.As(err, &e) || e.Code != outcome.CodeAgain || e.Kind != "publish_failed" ||
				!strings.Contains(e.Hint, "could not write its log") || !strings.Contains(err.Error(), why.Message) {
				t.Fatalf("%#v: %v", e, err)
			}
			if n := len(committed(t, on, p, pl.tenant)); n != 0 {
				t.Fatalf("%d lines are visible", n)
			}
			if _, err := open(t, on.config()).PublishDC(t.Context(), dc); err != nil {
				t.Fatal(err)
			}
			wantOnce(t, on, p, dc)
		})
	}
}
