package kafka

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"echelon/planner"
	"echelon/publish/planfile"
)

// TestJSONIsThePlanFilesLine compares every value with the plan file's own JSON of the line.
func TestJSONIsThePlanFilesLine(t *testing.T) {
	dc := plan{tenant: "acme", cycle: "C1", dc: 1, rows: 500}.make(t)
	enc := newJSONEncoder(dc.Manifest)
	for _, id := range publishedLayers() {
		eachBatch(t, dc, id, func(b *planfile.Batch) {
			enc.bind(b)
			for r := range b.Rows {
				var got, want map[string]any
				value := enc.appendValue(nil, r)
				if err := json.Unmarshal(value, &got); err != nil {
					t.Fatalf("%s: %v", value, err)
				}
				if err := json.Unmarshal(b.AppendJSON(nil, r), &want); err != nil {
					t.Fatal(err)
				}
				want["tenant"], want["cycle"], want["dc"] = "acme", "C1", "D01"
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

func eachBatch(t *testing.T, dc *planfile.DC, id planner.LayerID, f func(*planfile.Batch)) {
	t.Helper()
	rows, err := dc.Rows(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for g := range rows.Groups() {
		b, err := rows.Group(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		f(b)
	}
}

// TestAvroIsTheSameLine decodes with the Avro library what the encoder wrote by hand.
func TestAvroIsTheSameLine(t *testing.T) {
	dc := plan{tenant: "acme", cycle: "C1", dc: 1, rows: 300}.make(t)
	enc := newAvroEncoder(dc.Manifest, 77)
	for _, id := range publishedLayers() {
		text, err := AvroSchema(planner.LayerOf(id))
		if err != nil {
			t.Fatal(err)
		}
		schema := avro.MustParse(text)
		eachBatch(t, dc, id, func(b *planfile.Batch) {
			enc.bind(b)
			for r := range b.Rows {
				value := enc.appendValue(nil, r)
				if string(value[:5]) != "\x00\x00\x00\x00M" {
					t.Fatalf("wire format: %x", value[:5])
				}
				var got, want map[string]any
				rest, err := schema.Decode(value[5:], &got)
				if err != nil || len(rest) != 0 {
					t.Fatalf("%d bytes left, %v", len(rest), err)
				}
				if err := json.Unmarshal(b.AppendJSON(nil, r), &want); err != nil {
					t.Fatal(err)
				}
				want["tenant"], want["cycle"], want["dc"] = "acme", "C1", "D01"
				if diff := cmp.Diff(want, natural(t, got)); diff != "" {
					t.Fatal(diff)
				}
			}
		})
	}
}

// natural gives a decoded Avro record in the types that encoding/json decodes to.
func natural(t *testing.T, fields map[string]any) map[string]any {
	t.Helper()
	var conv func(v any) any
	conv = func(v any) any {
		switch v := v.(type) {
		case time.Time:
			return v.UTC().Format("2006-01-02")
		case json.Number:
			f, err := v.Float64()
			if err != nil {
				t.Fatal(err)
			}
			return f
		case *big.Rat:
			f, _ := v.Float64()
			return f
		case big.Rat:
			f, _ := v.Float64()
			return f
		case int64:
			return float64(v)
		case int32:
			return float64(v)
		case []any:
			out := make([]any, len(v))
			for i := range v {
				out[i] = conv(v[i])
			}
			return out
		case map[string]any:
			return natural(t, v)
		}
		return v
	}
	out := make(map[string]any)
	for k, v := range fields {
		if v != nil {
			out[k] = conv(v)
		}
	}
	return out
}

func TestAvroDecimal(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 127, 128, -128, -129, 32767, 32768, 1 << 40, -1 << 40, math.MaxInt64, math.MinInt64} {
		raw := appendAvroDecimal(nil, v)
		if got := avro.RatFromBytes(raw[1:], 0); !got.IsInt() || got.Num().Int64() != v || int(raw[0]) != 2*(len(raw)-1) {
			t.Errorf("%d is written as %x", v, raw)
		}
	}
}

// TestThroughARegistry publishes Avro, verifies it and reads the releases back.
func TestThroughARegistry(t *testing.T) {
	registry := srfake.New()
	t.Cleanup(registry.Close)
	on := fake(t)
	p, pl, dc := ready(t, on, func(c *Config) { c.Registry.URL = registry.URL() })
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	for _, l := range committed(t, on, p, pl.tenant) {
		if l.value[0] != 0 || strings.HasPrefix(l.value, "{") {
			t.Fatalf("not in the wire format: %q", l.value)
		}
	}
	r, err := p.Verify(t.Context(), pl.tenant, pl.cycle, []*planfile.DC{dc})
	if err != nil || !r.OK() || r.Lines[p.cfg.Topics.Name(pl.tenant, "carry")] != int64(pl.rows) {
		t.Fatalf("verify: %+v, %v", r, err)
	}
	records, err := p.Published(t.Context(), pl.tenant)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Recover(t.Context(), records[0])
	if err != nil {
		t.Fatal(err)
	}
	want, err := dc.Releases(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Releases); diff != "" {
		t.Fatal(diff)
	}
}
