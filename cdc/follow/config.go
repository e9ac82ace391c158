package follow

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
	"echelon/cdc/ingest"
	"echelon/cdc/state"
	"echelon/inputs"
)

// Topic is a topic to read.
type Topic struct {
	Name string
	// Optional topics may be missing: they are read once they are there.
	Optional bool
	// Source whose transactions its records belong to, "": they are never held together.
	Source string
	// Transactions marks the topic of BEGIN and END of the source.
	Transactions bool
}

// Config says what is read and where it goes.
type Config struct {
	Client  []kgo.Opt // addresses and identity of the cluster; nil: the log behind HTTP alone
	Topics  []Topic
	Decoder cdc.Decoder
	State   *state.State
	Log     *ingest.Log // nil: none
	// Quarantine is told of every record that cannot be decoded, once it is counted; nil: nobody.
	Quarantine func(inputs.Fault)

	// HeldRecords bounds the records that wait for open transactions. Default 1,000,000: the largest
	// transactions seen are a tenth of that.
	HeldRecords int
	// PollRecords bounds the records of one round. Default 20,000: rounds stay in the milliseconds.
	PollRecords int
	// BatchBytes bounds what one batch of a broker may unpack to. Default 256 MiB: brokers take batches of 1 MiB,
	// packed, by default. A batch beyond it is refused by name.
	BatchBytes int
	// TxGrace is how long the last records of a transaction may come after its END once their partitions were
	// read to the end. Default 10 s: a producer's batches arrive in any order, never this late. Records that
	// are missing then were compacted away.
	TxGrace time.Duration
	// Look is between looks at partitions, ends and foreign transactions. Default 2 s.
	Look time.Duration
	// StallAfter is after how many looks without progress something that holds a feed up is called a stall.
	// Default 2.
	StallAfter int
	// StartTimeout bounds the first contact. Default 10 s.
	StartTimeout time.Duration
	// MayBeAway lets a follower begin while the cluster is away: it reads the log behind HTTP until it is back.
	MayBeAway bool

	Now    func() time.Time
	Events *slog.Logger
	// OnRound is called after every round that applied something, for tests.
	OnRound func()
}

func (c Config) withDefaults() Config {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	span := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.HeldRecords, 1_000_000)
	def(&c.PollRecords, 20_000)
	def(&c.BatchBytes, 256<<20)
	def(&c.StallAfter, 2)
	span(&c.TxGrace, 10*time.Second)
	span(&c.Look, 2*time.Second)
	span(&c.StartTimeout, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Events == nil {
		c.Events = slog.New(slog.DiscardHandler)
	}
	if c.Quarantine == nil {
		c.Quarantine = func(inputs.Fault) {}
	}
	if c.OnRound == nil {
		c.OnRound = func() {}
	}
	return c
}

// Validate reports all faults of the configuration at once.
func (c *Config) Validate() error {
	var errs []error
	if c.Decoder == nil || c.State == nil {
		errs = append(errs, errors.New("follow: decoder and state are needed"))
	}
	if c.Client == nil && len(c.Topics) > 0 {
		errs = append(errs, errors.New("follow: topics without a cluster"))
	}
	if c.Client == nil && c.Log == nil {
		errs = append(errs, errors.New("follow: neither topics nor a log behind HTTP"))
	}
	if c.HeldRecords < 0 || c.PollRecords < 0 || c.BatchBytes < 0 || c.TxGrace < 0 || c.Look < 0 {
		errs = append(errs, errors.New("follow: limits and times must not be negative"))
	}
	seen := map[string]bool{}
	for _, t := range c.Topics {
		if seen[t.Name] {
			errs = append(errs, fmt.Errorf("follow: topic %s is there twice", t.Name))
		}
		seen[t.Name] = true
	}
	return errors.Join(errs...)
}

// Error is what keeps a feed from being followed and is no fault of its data. Kinds are stable.
type Error struct {
	Kind  string // topic_missing, denied, broker_away, late
	Where string
	Hint  string
	Err   error
}

// Kinds of Error.
const (
	TopicMissing = "topic_missing"
	Denied       = "denied"
	BrokerAway   = "broker_away"
	Late         = "cut_late"
)

// Error gives kind, place, cause and hint in one line.
func (e *Error) Error() string {
	s := e.Kind
	if e.Where != "" {
		s += " at " + e.Where
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
