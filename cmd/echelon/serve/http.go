package serve

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"echelon/cdc/ingest"
	"echelon/inputs"
	"echelon/publish/disk"
)

// desk is what the HTTP face asks of one tenant.
type desk interface {
	accept(token string) bool
	limits() ingest.Limits
	// take makes rows durable, or names what is wrong with them.
	take(table, key string, rows [][]byte) (ingest.Receipt, []inputs.Fault, error)
	// ask begins a cycle, or gives the one that has the id.
	ask(order Order) (cycle Cycle, fresh bool, err error)
	cycles(ctx context.Context) ([]Cycle, error)
	cycle(ctx context.Context, id string) (*Cycle, error) // nil: none of that id
	// waits says what is not ready, nothing when all is.
	waits() []string
}

// Cycle is a cycle as the face shows it.
type Cycle struct {
	Cycle    string          `json:"cycle"`
	State    string          `json:"state"` // waiting, running, or the state of the result
	Why      string          `json:"why,omitempty"`
	AsOf     string          `json:"as_of,omitempty"`
	Deadline string          `json:"deadline,omitempty"`
	DCs      []string        `json:"dcs,omitempty"` // empty: all
	PlanHash string          `json:"plan_hash,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
}

// Order asks for a cycle.
type Order struct {
	Cycle    string           `json:"cycle"`    // "": the as-of in UTC
	AsOf     string           `json:"as_of"`    // "": now
	DCs      []string         `json:"dcs"`      // empty: all
	Deadline string           `json:"deadline"` // "": none
	AtLeast  map[string]int64 `json:"at_least"` // "topic/partition" → offset that the cut has to reach
	Wait     string           `json:"wait"`     // how long the cut may take, "": the tenant's
}

// errBusy says that too many cycles wait already, errOrder that an order cannot be followed.
var (
	errBusy  = errors.New("cycles wait already")
	errOrder = errors.New("order")
)

// face answers HTTP.
type face struct {
	desks   map[string]desk
	metrics http.Handler
	readers *tokens // who may read the metrics; nil: everybody
}

func (f *face) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"state": "alive"})
	})
	mux.HandleFunc("GET /readyz", f.ready)
	if f.metrics != nil {
		mux.HandleFunc("GET /metrics", f.measured)
	}
	mux.HandleFunc("POST /v1/{tenant}/inputs/{table}", f.known(f.inputs))
	mux.HandleFunc("POST /v1/{tenant}/cycles", f.known(f.order))
	mux.HandleFunc("GET /v1/{tenant}/cycles", f.known(f.list))
	mux.HandleFunc("GET /v1/{tenant}/cycles/{cycle}", f.known(f.one))
	return mux
}

// answer writes a JSON object.
func answer(w http.ResponseWriter, code int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		code, raw = http.StatusInternalServerError, []byte(`{"error":"encode"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write(append(raw, '\n')) // who has gone does not read it
}

// problem is what a refused request is answered with.
type problem struct {
	Error  string  `json:"error"`          // stable word
	Text   string  `json:"text"`           // what to do
	Faults []fault `json:"faults"`         // of rows
	More   int     `json:"more,omitempty"` // faults that are not listed
}

// fault is what is wrong with one row.
type fault struct {
	Row    int64  `json:"row"` // from 1
	Reason string `json:"reason"`
	Column string `json:"column,omitempty"`
	Value  string `json:"value,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

func refuse(w http.ResponseWriter, code int, word, format string, args ...any) {
	answer(w, code, problem{Error: word, Text: fmt.Sprintf(format, args...), Faults: []fault{}})
}

// known lets a request through whose token is one of the tenant's. A tenant that is not there is answered like
// a wrong token: nobody learns the names of others.
func (f *face) known(next func(desk, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d := f.desks[r.PathValue("tenant")]
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if d == nil || !bearer || !d.accept(token) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "unauthorized", "send a bearer token of the tenant")
			return
		}
		next(d, w, r)
	}
}

// measured answers with the metrics: how much there is of a tenant, and how it fares, may be nobody else's business.
func (f *face) measured(w http.ResponseWriter, r *http.Request) {
	if token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); f.readers != nil && (!bearer || !f.readers.accept(token)) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(w, http.StatusUnauthorized, "unauthorized", "send a bearer token of metrics_tokens")
		return
	}
	f.metrics.ServeHTTP(w, r)
}

// ready answers 200 when every tenant follows its topics.
func (f *face) ready(w http.ResponseWriter, _ *http.Request) {
	waits := map[string][]string{}
	for name, d := range f.desks {
		if reasons := d.waits(); len(reasons) > 0 {
			waits[name] = reasons
		}
	}
	if len(waits) > 0 {
		answer(w, http.StatusServiceUnavailable, map[string]any{"state": "waiting", "tenants": len(waits)})
		return
	}
	answer(w, http.StatusOK, map[string]string{"state": "ready"})
}

const (
	maxKey    = 200 // bytes of an Idempotency-Key
	maxFaults = 20  // of one answer
)

// inputs takes rows of a table.
func (f *face) inputs(d desk, w http.ResponseWriter, r *http.Request) {
	table, key := r.PathValue("table"), r.Header.Get("Idempotency-Key")
	if inputs.ContractOf(table) == nil {
		near, _ := inputs.Nearest(table, inputs.TableNames())
		refuse(w, http.StatusNotFound, "unknown_table", "there is no table of that name; nearest: %s", near)
		return
	}
	if len(key) > maxKey {
		refuse(w, http.StatusBadRequest, "bad_key", "an Idempotency-Key has at most %d bytes", maxKey)
		return
	}
	limits := d.limits().WithDefaults()
	var body io.Reader = http.MaxBytesReader(w, r.Body, limits.Bytes)
	switch r.Header.Get("Content-Encoding") {
	case "", "identity":
	case "gzip": // what it unpacks to is bounded by Split
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			refuse(w, http.StatusBadRequest, "bad_body", "the body is no gzip: %v", err)
			return
		}
		body = unpacked
	default:
		refuse(w, http.StatusUnsupportedMediaType, "bad_encoding", "Content-Encoding: want gzip or none")
		return
	}
	rows, err := ingest.Split(body, limits)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large), errors.Is(err, ingest.ErrTooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, "too_large", "%v", err)
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, "bad_body", "%v", err)
		return
	}
	receipt, faults, err := d.take(table, key, rows)
	switch {
	case len(faults) > 0:
		p := problem{Error: "rows_refused", Text: "none of the rows was taken: correct these and send all of them again", Faults: []fault{}}
		for _, x := range faults[:min(len(faults), maxFaults)] {
			p.Faults = append(p.Faults, fault{Row: x.Position + 1, Reason: string(x.Reason), Column: x.Column, Value: x.Value, Hint: x.Hint})
		}
		p.More = len(faults) - len(p.Faults)
		answer(w, http.StatusUnprocessableEntity, p)
	case errors.Is(err, ingest.ErrOtherRows):
		refuse(w, http.StatusConflict, "key_reused", "this Idempotency-Key was used for other rows: take another one")
	case disk.IsFull(err):
		refuse(w, http.StatusInsufficientStorage, "disk_full", "the rows are not taken; send them again later")
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "log_failed", "the rows may not be durable; send them again, with the same Idempotency-Key")
	default:
		answer(w, http.StatusOK, map[string]any{"table": table, "first": receipt.First, "rows": receipt.Rows, "repeated": receipt.Repeated})
	}
}

const maxOrder = 1 << 20 // bytes of an order

// order begins a cycle.
func (f *face) order(d desk, w http.ResponseWriter, r *http.Request) {
	var o Order
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&o); err != nil && !errors.Is(err, io.EOF) { // an empty body asks for everything, now
		refuse(w, http.StatusBadRequest, "bad_order", "the body is no order: %v", err)
		return
	}
	c, fresh, err := d.ask(o)
	switch {
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "60")
		refuse(w, http.StatusTooManyRequests, "busy", "%v", err)
		return
	case errors.Is(err, errOrder):
		refuse(w, http.StatusBadRequest, "bad_order", "%v", err)
		return
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "stopping", "%v", err)
		return
	}
	w.Header().Set("Location", "/v1/"+r.PathValue("tenant")+"/cycles/"+c.Cycle)
	code := http.StatusOK
	if fresh {
		code = http.StatusAccepted
	}
	answer(w, code, c)
}

func (f *face) list(d desk, w http.ResponseWriter, r *http.Request) {
	all, err := d.cycles(r.Context())
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "state_unreadable", "the state folder could not be read")
		return
	}
	answer(w, http.StatusOK, map[string]any{"cycles": append([]Cycle{}, all...)})
}

func (f *face) one(d desk, w http.ResponseWriter, r *http.Request) {
	c, err := d.cycle(r.Context(), r.PathValue("cycle"))
	switch {
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "state_unreadable", "the state folder could not be read")
	case c == nil:
		refuse(w, http.StatusNotFound, "unknown_cycle", "there is no cycle of that id")
	default:
		answer(w, http.StatusOK, c)
	}
}

// Limits of connections: a slow or silent client holds nothing for long.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 2 * time.Minute
	writeTimeout  = 2 * time.Minute
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// server makes the HTTP server.
func server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
	}
}
