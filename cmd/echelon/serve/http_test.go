package serve

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"echelon/cdc/ingest"
	"echelon/inputs"
)

// counter is a desk over a real log whose rows must have an item.
type counter struct {
	tokens
	log   *ingest.Log
	fail  error
	known map[string]Cycle
	busy  bool
	why   []string
}

func (c *counter) limits() ingest.Limits { return ingest.Limits{Bytes: 4000, Rows: 5} }

func (c *counter) take(table, key string, rows [][]byte) (ingest.Receipt, []inputs.Fault, error) {
	var faults []inputs.Fault
	for i, row := range rows {
		if !bytes.Contains(row, []byte(`"item"`)) {
			faults = append(faults, inputs.Fault{Reason: inputs.MissingValue, Column: "item", Position: int64(i), Hint: "give it"})
		}
	}
	if len(faults) > 0 || c.fail != nil {
		return ingest.Receipt{}, faults, c.fail
	}
	r, err := c.log.Append(ingest.Request{Table: table, Key: key, Rows: rows})
	return r, nil, err
}

func (c *counter) ask(o Order) (Cycle, bool, error) {
	if c.busy {
		return Cycle{}, false, fmt.Errorf("%w: 3", errBusy)
	}
	if o.AsOf == "yesterday" {
		return Cycle{}, false, fmt.Errorf("%w: as_of yesterday", errOrder)
	}
	if have, ok := c.known[o.Cycle]; ok {
		return have, false, nil
	}
	c.known[o.Cycle] = Cycle{Cycle: o.Cycle, State: "waiting"}
	return c.known[o.Cycle], true, nil
}

func (c *counter) cycles(context.Context) ([]Cycle, error) { return nil, nil }

func (c *counter) cycle(_ context.Context, id string) (*Cycle, error) {
	if have, ok := c.known[id]; ok {
		return &have, nil
	}
	return nil, nil
}

func (c *counter) waits() []string { return c.why }

const goodToken = "s3cret-token-of-acme"

func tokenFile(t testing.TB, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func newCounter(t testing.TB, token string) *counter {
	t.Helper()
	log, err := ingest.Open(ingest.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	c := &counter{tokens: tokens{file: tokenFile(t, "# of the warehouse", token)}, log: log, known: map[string]Cycle{}}
	if err := c.load(); err != nil {
		t.Fatal(err)
	}
	return c
}

// call sends a request to the face and gives its answer.
func call(t testing.TB, h http.Handler, method, path, token string, body io.Reader, header ...string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, body)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil && w.Header().Get("Content-Type") == "application/json" {
		t.Fatalf("%s %s: %q", method, path, w.Body)
	}
	return w.Code, out
}

func TestInputsFace(t *testing.T) {
	acme, other := newCounter(t, goodToken), newCounter(t, "another-token-of-other")
	h := (&face{desks: map[string]desk{"acme": acme, "other": other}}).handler()
	row := `{"item":"i1","node":"S1","on_hand":3}`
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(row))
	_ = z.Close()
	var bomb bytes.Buffer
	z = gzip.NewWriter(&bomb)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 10_000_000)) // 10 kB on the wire are over the limit; so is what a smaller one unpacks to
	_ = z.Close()
	for _, c := range []struct {
		name, path, token, body string
		header                  []string
		code                    int
		word                    string
	}{
		{name: "no token", path: "/v1/acme/inputs/inventory", body: row, code: 401, word: "unauthorized"},
		{name: "wrong token", path: "/v1/acme/inputs/inventory", token: "nope", body: row, code: 401, word: "unauthorized"},
		{name: "the other tenant's token", path: "/v1/acme/inputs/inventory", token: "another-token-of-other", body: row, code: 401, word: "unauthorized"},
		{name: "unknown tenant", path: "/v1/nobody/inputs/inventory", token: goodToken, body: row, code: 401, word: "unauthorized"},
		{name: "unknown table", path: "/v1/acme/inputs/inventorry", token: goodToken, body: row, code: 404, word: "unknown_table"},
		{name: "one row", path: "/v1/acme/inputs/inventory", token: goodToken, body: row, code: 200},
		{name: "an array", path: "/v1/acme/inputs/inventory", token: goodToken, body: "[" + row + "," + row + "]", code: 200},
		{name: "packed", path: "/v1/acme/inputs/inventory", token: goodToken, body: packed.String(), header: []string{"Content-Encoding", "gzip"}, code: 200},
		{name: "a bomb", path: "/v1/acme/inputs/inventory", token: goodToken, body: bomb.String(), header: []string{"Content-Encoding", "gzip"}, code: 413, word: "too_large"},
		{name: "not packed", path: "/v1/acme/inputs/inventory", token: goodToken, body: row, header: []string{"Content-Encoding", "gzip"}, code: 400, word: "bad_body"},
		{name: "another packing", path: "/v1/acme/inputs/inventory", token: goodToken, body: row, header: []string{"Content-Encoding", "br"}, code: 415, word: "bad_encoding"},
		{name: "too large", path: "/v1/acme/inputs/inventory", token: goodToken, body: strings.Repeat(" ", 5000) + row, code: 413, word: "too_large"},
		{name: "too many", path: "/v1/acme/inputs/inventory", token: goodToken, body: strings.Repeat(row, 6), code: 413, word: "too_large"},
		{name: "broken", path: "/v1/acme/inputs/inventory", token: goodToken, body: `{"item":`, code: 400, word: "bad_body"},
		{name: "key too long", path: "/v1/acme/inputs/inventory", token: goodToken, body: row, header: []string{"Idempotency-Key", strings.Repeat("k", 201)}, code: 400, word: "bad_key"},
		{name: "a wrong row", path: "/v1/acme/inputs/inventory", token: goodToken, body: row + `{"node":"S1"}`, code: 422, word: "rows_refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := acme.log.End()
			code, out := call(t, h, "POST", c.path, c.token, strings.NewReader(c.body), c.header...)
			if word, _ := out["error"].(string); code != c.code || word != c.word {
				t.Fatalf("got %d %v", code, out)
			}
			if c.code != 200 && acme.log.End() != before {
				t.Error("something was taken")
			}
			if c.code == 200 && acme.log.End() != before+int64(out["rows"].(float64)) {
				t.Error("answered for rows that are not in the log")
			}
		})
	}
	if other.log.End() != 0 {
		t.Error("rows of one tenant reached another")
	}
	_, out := call(t, h, "POST", "/v1/acme/inputs/inventory", goodToken, strings.NewReader(row+`{"node":"S1"}`))
	if diff := cmp.Diff([]any{map[string]any{"row": 2.0, "reason": "missing_value", "column": "item", "hint": "give it"}}, out["faults"]); diff != "" {
		t.Error(diff)
	}
	key := []string{"Idempotency-Key", "load-1"}
	first, _ := call(t, h, "POST", "/v1/acme/inputs/inventory", goodToken, strings.NewReader(row), key...)
	end := acme.log.End()
	again, out := call(t, h, "POST", "/v1/acme/inputs/inventory", goodToken, strings.NewReader("[ "+row+" ]"), key...)
	if first != 200 || again != 200 || out["repeated"] != true || acme.log.End() != end {
		t.Errorf("a repeat: %d %v", again, out)
	}
	if code, out := call(t, h, "POST", "/v1/acme/inputs/inventory", goodToken, strings.NewReader(row+row), key...); code != 409 {
		t.Errorf("other rows under the same key: %d %v", code, out)
	}
	acme.fail = fmt.Errorf("log: %w", unix.ENOSPC)
	if code, _ := call(t, h, "POST", "/v1/acme/inputs/inventory", goodToken, strings.NewReader(row)); code != http.StatusInsufficientStorage {
		t.Errorf("a full disk: %d", code)
	}
	acme.fail = errors.New("input/output error")
	if code, out := call(t, h, "POST", "/v1/acme/inputs/inventory", goodToken, strings.NewReader(row)); code != 503 || strings.Contains(fmt.Sprint(out), "input/output") {
		t.Errorf("a broken disk: %d %v", code, out)
	}
}

func TestCyclesFace(t *testing.T) {
	acme := newCounter(t, goodToken)
	h := (&face{desks: map[string]desk{"acme": acme}}).handler()
	if code, out := call(t, h, "POST", "/v1/acme/cycles", goodToken, strings.NewReader(`{"cycle":"c1"}`)); code != 202 || out["state"] != "waiting" {
		t.Errorf("a new one: %d %v", code, out)
	}
	if code, _ := call(t, h, "POST", "/v1/acme/cycles", goodToken, strings.NewReader(`{"cycle":"c1"}`)); code != 200 {
		t.Errorf("the same again: %d", code)
	}
	if code, _ := call(t, h, "POST", "/v1/acme/cycles", goodToken, nil); code != 202 {
		t.Errorf("an empty order: %d", code)
	}
	for body, want := range map[string]int{`{"as_of":"yesterday"}`: 400, `{"cylce":"c"}`: 400, `[`: 400} {
		if code, out := call(t, h, "POST", "/v1/acme/cycles", goodToken, strings.NewReader(body)); code != want || out["error"] != "bad_order" {
			t.Errorf("%s: %d %v", body, code, out)
		}
	}
	acme.busy = true
	if code, _ := call(t, h, "POST", "/v1/acme/cycles", goodToken, nil); code != 429 {
		t.Errorf("busy: %d", code)
	}
	for path, want := range map[string]int{"/v1/acme/cycles": 200, "/v1/acme/cycles/c1": 200, "/v1/acme/cycles/c9": 404, "/healthz": 200, "/readyz": 200, "/nothing": 404} {
		if code, _ := call(t, h, "GET", path, goodToken, nil); code != want {
			t.Errorf("GET %s: %d", path, code)
		}
	}
	if code, _ := call(t, h, "GET", "/v1/acme/cycles", "", nil); code != 401 {
		t.Errorf("anonymous: %d", code)
	}
	acme.why = []string{"topic acme.in.nodes.v1 is missing"}
	if code, out := call(t, h, "GET", "/readyz", "", nil); code != 503 || strings.Contains(fmt.Sprint(out), "nodes") {
		t.Errorf("not ready, told to everybody: %d %v", code, out)
	}
}

// TestMetricsFace: health and readiness are for everybody; metrics too, unless the file names tokens for them.
func TestMetricsFace(t *testing.T) {
	c := newCounter(t, "token-of-acme-0123456789")
	shown := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "echelon_up 1") })
	readers := &tokens{file: tokenFile(t, "token-of-monitor-0123456789")}
	if err := readers.load(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		readers *tokens
		token   string
		code    int
	}{
		{nil, "", 200},
		{nil, "anything", 200},
		{readers, "", 401},
		{readers, "token-of-acme-0123456789", 401},
		{readers, "token-of-monitor-0123456789", 200},
	} {
		h := (&face{desks: map[string]desk{"acme": c}, metrics: shown, readers: x.readers}).handler()
		if code, out := call(t, h, "GET", "/metrics", x.token, nil); code != x.code {
			t.Errorf("/metrics with %q: %d %v, want %d", x.token, code, out, x.code)
		}
		for _, path := range []string{"/healthz", "/readyz"} {
			if code, out := call(t, h, "GET", path, "", nil); code != 200 {
				t.Errorf("%s: %d %v", path, code, out)
			}
		}
		if code, _ := call(t, h, "GET", "/v1/acme/cycles", "token-of-monitor-0123456789", nil); code != 401 {
			t.Errorf("the monitor's token opens a tenant: %d", code)
		}
	}
}

func TestTokensRotate(t *testing.T) {
	tk := &tokens{file: tokenFile(t, "first-token-0123456789")}
	if err := tk.load(); err != nil || !tk.accept("first-token-0123456789") || tk.accept("") || tk.accept("second-token-0123456789") {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(tk.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Hour) // clocks of files are coarse
		if err := os.Chtimes(tk.file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("second-token-0123456789\n")
	if tk.accept("first-token-0123456789") || !tk.accept("second-token-0123456789") {
		t.Error("the rotated token does not count")
	}
	write("short\n")
	if !tk.accept("second-token-0123456789") || tk.accept("short") {
		t.Error("a wrong file must change nothing")
	}
	for text, mode := range map[string]os.FileMode{"": 0o600, "short": 0o600, "long-enough-0123456789": 0o644} {
		name := tokenFile(t, text)
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		if err := (&tokens{file: name}).load(); err == nil {
			t.Errorf("%q with mode %o was accepted", text, mode)
		}
	}
}
