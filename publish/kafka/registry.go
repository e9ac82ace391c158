package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr"

	"echelon/planner"
	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// codecs chooses the encoding of lines: Avro with schemas from the registry when there is one, else JSON.
// The manifest topic is JSON always: it must be readable before anything else is.
type codecs struct {
	registry *sr.Client
	mu       sync.Mutex
	ids      map[string]int // by topic
	parsed   map[int]*avro.Schema
}

func newCodecs(r Registry) (*codecs, error) {
	c := &codecs{ids: make(map[string]int), parsed: make(map[int]*avro.Schema)}
	if r.URL == "" {
		return c, nil
	}
	opts := []sr.ClientOpt{sr.URLs(r.URL)}
	if r.CAFile != "" {
		conf, err := TLS{Enabled: true, CAFile: r.CAFile}.load()
		if err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
		opts = append(opts, sr.HTTPClient(httpClient(conf)))
	} else {
		opts = append(opts, sr.HTTPClient(httpClient(nil)))
	}
	if r.User != "" {
		raw, err := os.ReadFile(r.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("registry password file: %w", err)
		}
		opts = append(opts, sr.BasicAuth(r.User, strings.TrimRight(string(raw), "\r\n")))
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	c.registry = client
	return c, nil
}

func httpClient(conf *tls.Config) *http.Client {
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, MaxIdleConnsPerHost: 2,
	}}
}

// register puts a layer's schema under the subject of its topic and gives its id; without a registry 0.
// The registry refuses a schema that consumers of earlier ones cannot read.
func (c *codecs) register(ctx context.Context, topic, layer string) (int, error) {
	if c.registry == nil {
		return 0, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id, ok := c.ids[topic]; ok {
		return id, nil
	}
	id, ok := layerID(layer)
	if !ok {
		return 0, fmt.Errorf("layer %q is not known", layer)
	}
	text, err := AvroSchema(planner.LayerOf(id))
	if err != nil {
		return 0, err
	}
	made, err := c.registry.CreateSchema(ctx, topic+"-value", sr.Schema{Schema: text, Type: sr.TypeAvro})
	if err != nil {
		code, kind, hint := outcome.CodeAgain, "registry_away", "check the schema registry; the plan files stay"
		var answer *sr.ResponseError
		if errors.As(err, &answer) && answer.StatusCode == http.StatusConflict {
			code, kind, hint = outcome.CodeConfig, "schema_refused", "the subject's compatibility does not allow this engine's schema"
		}
		return 0, outcome.New(code, kind, topic+"-value", hint, "register schema: %w", err)
	}
	c.ids[topic] = made.ID
	return made.ID, nil
}

// encoderOf gives the encoder of a route's lines.
func encoderOf(m *planfile.Manifest, by route) encoder {
	if by.SchemaID != 0 {
		return newAvroEncoder(m, by.SchemaID)
	}
	return newJSONEncoder(m)
}

// schema gives the schema of an id.
func (c *codecs) schema(ctx context.Context, id int) (*avro.Schema, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.parsed[id]; ok {
		return s, nil
	}
	if c.registry == nil {
		return nil, fmt.Errorf("lines are in Avro (schema %d) and no registry is configured", id)
	}
	found, err := c.registry.SchemaByID(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	s, err := avro.Parse(found.Schema)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	c.parsed[id] = s
	return s, nil
}
