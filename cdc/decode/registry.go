package decode

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"
)

// Registry gives Avro schemas. It is used by many goroutines.
type Registry interface {
	// Schema gives the schema of an id. ErrUnknownSchema: the registry does not know the id, or what it has is not
	// Avro. Any other error: the registry is away.
	Schema(id uint32) (*avro.Schema, error)
	// Latest gives the newest schema of a subject; ErrUnknownSchema when there is none.
	Latest(ctx context.Context, subject string) (*avro.Schema, error)
}

// ErrUnknownSchema is of a schema that the registry does not have, or that is not Avro.
var ErrUnknownSchema = errors.New("the registry has no such Avro schema")

// RegistryError stops a feed: a record's schema is not known here and the registry could not be asked. Records of
// schemas that were seen before go on.
type RegistryError struct {
	Schema uint32 // 0: a subject was asked for
	Err    error
}

// Error says what to do.
func (e *RegistryError) Error() string {
	if e.Schema == 0 {
		return "the schema registry cannot be asked: " + e.Err.Error()
	}
	return fmt.Sprintf("schema %d is needed and the schema registry cannot be asked: %v (the feed goes on when it is back)", e.Schema, e.Err)
}

// Unwrap gives what went wrong.
func (e *RegistryError) Unwrap() error { return e.Err }

// SchemaRegistry is a Registry behind the Confluent API. Schemas that were fetched stay.
type SchemaRegistry struct {
	client *sr.Client
	wait   time.Duration

	mu      sync.Mutex
	byID    map[uint32]*avro.Schema
	unknown map[uint32]int // how often an unknown id was asked for
}

// NewRegistry makes a registry of a client; a question waits no longer than wait (0: 10 s).
func NewRegistry(client *sr.Client, wait time.Duration) *SchemaRegistry {
	if wait <= 0 {
		wait = 10 * time.Second
	}
	return &SchemaRegistry{client: client, wait: wait, byID: map[uint32]*avro.Schema{}, unknown: map[uint32]int{}}
}

// An unknown id is asked for again after so many records: a registry that lags behind may know it then.
const unknownAgain = 100

// Schema implements Registry.
func (r *SchemaRegistry) Schema(id uint32) (*avro.Schema, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.byID[id]; s != nil {
		return s, nil
	}
	if n := r.unknown[id]; n > 0 && n < unknownAgain {
		r.unknown[id]++
		return nil, ErrUnknownSchema
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.wait)
	defer cancel()
	found, err := r.client.SchemaByID(ctx, int(id))
	if err == nil {
		var s *avro.Schema
		if s, err = r.parse(ctx, &avro.SchemaCache{}, found, 0); err == nil {
			r.byID[id] = s
			delete(r.unknown, id)
			return s, nil
		}
	}
	if err = classed(err); errors.Is(err, ErrUnknownSchema) {
		if len(r.unknown) > 10_000 { // a flood of bad ids must not fill memory
			clear(r.unknown)
		}
		r.unknown[id] = 1
	}
	return nil, err
}

// Latest implements Registry.
func (r *SchemaRegistry) Latest(ctx context.Context, subject string) (*avro.Schema, error) {
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	found, err := r.client.SchemaByVersion(ctx, subject, -1)
	if err != nil {
		return nil, classed(err)
	}
	s, err := r.parse(ctx, &avro.SchemaCache{}, found.Schema, 0)
	if err != nil {
		return nil, classed(err)
	}
	return s, nil
}

const maxReferences = 32

// parse reads a schema and those that it refers to.
func (r *SchemaRegistry) parse(ctx context.Context, cache *avro.SchemaCache, s sr.Schema, depth int) (*avro.Schema, error) {
	if s.Type != sr.TypeAvro {
		return nil, fmt.Errorf("%w: it is %s", ErrUnknownSchema, s.Type)
	}
	if depth > maxReferences {
		return nil, fmt.Errorf("%w: references are nested too deep", ErrUnknownSchema)
	}
	for _, ref := range s.References {
		found, err := r.client.SchemaByVersion(ctx, ref.Subject, ref.Version)
		if err != nil {
			return nil, err
		}
		if _, err := r.parse(ctx, cache, found.Schema, depth+1); err != nil {
			return nil, err
		}
	}
	parsed, err := cache.Parse(s.Schema, avro.WithLaxNames(nil))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknownSchema, err)
	}
	return parsed, nil
}

// classed tells an answer that says no from a registry that is away.
func classed(err error) error {
	var answer *sr.ResponseError
	if errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%w: %w", ErrUnknownSchema, err)
	}
	return err
}
