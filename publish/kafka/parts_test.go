package kafka

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

func TestCutCoversEveryRowGroupOnce(t *testing.T) {
	m := &planfile.Manifest{}
	for l := range 4 {
		f := planfile.LayerFile{Layer: testLayers[l]}
		for g := range 5 {
			f.Groups = append(f.Groups, planfile.RowGroup{Lines: int64(100 + 50*g), RawBytes: 1000})
		}
		m.Layers = append(m.Layers, f)
	}
	for lines := int64(1); lines < 5000; lines += 97 {
		done := []piece{{Layer: testLayers[1], From: 1, To: 3}}
		count := make(map[string]int)
		for _, tx := range cut(m, done, limits{lines: lines, weight: 1 << 60}) {
			groups := 0
			for _, p := range tx.pieces {
				for g := p.From; g < p.To; g++ {
					count[fmt.Sprint(p.Layer, g)]++
					groups++
				}
			}
			if tx.lines > lines && groups > 1 {
				t.Fatalf("%d lines in %d row groups, the limit is %d", tx.lines, groups, lines)
			}
		}
		for _, f := range m.Layers {
			for g := range f.Groups {
				want := 1
				if covered(done, f.Layer, g) {
					want = 0
				}
				if n := count[fmt.Sprint(f.Layer, g)]; n != want {
					t.Fatalf("limit %d: %s row group %d goes out %d times", lines, f.Layer, g, n)
				}
			}
		}
	}
}

// TestPartsAndRestart publishes in parts, fails for good in the middle, and goes on with other limits.
func TestPartsAndRestart(t *testing.T) {
	on := fake(t)
	p, pl, dc := ready(t, on, func(c *Config) { c.PartLines = 1; c.Attempts = 1; c.Retries = 1 })
	var commits atomic.Int32
	var healed atomic.Bool
	on.fake.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		on.fake.KeepControl()
		if end := req.(*kmsg.EndTxnRequest); !end.Commit || healed.Load() || commits.Add(1) < 4 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.TransactionAbortable.Code
		return resp, nil, true
	})
	if _, err := p.PublishDC(t.Context(), dc); code(err) != outcome.CodeAgain {
		t.Fatalf("a part fails: %v", err)
	}
	if n := commits.Load(); n != 4 {
		t.Fatalf("%d commits tried", n)
	}
	if d := len(committed(t, on, p, pl.tenant)); d != 3*pl.rows {
		t.Fatalf("%d lines after three parts of one layer each", d)
	}
	healed.Store(true)

	// Another plan under the same name is refused, although the DC has no record yet.
	other := pl
	other.seed = 77
	q := open(t, on.config())
	if _, err := q.PublishDC(t.Context(), other.make(t)); code(err) != outcome.CodeUsage {
		t.Fatalf("another plan: %v", err)
	}
	cfg := on.config()
	cfg.PartLines = int64(2 * pl.rows)
	q = open(t, cfg)
	out, err := q.PublishDC(t.Context(), dc)
	if err != nil {
		t.Fatal(err)
	}
	if out.Already || out.Parts != 3+2 {
		t.Fatalf("rest of the parts: %+v", out)
	}
	wantOnce(t, on, q, dc)
	if r, err := q.Verify(t.Context(), pl.tenant, pl.cycle, []*planfile.DC{dc}); err != nil || !r.OK() {
		t.Fatalf("verify: %+v, %v", r, err)
	}
	if out, err = q.PublishDC(t.Context(), dc); err != nil || !out.Already {
		t.Fatalf("again: %+v, %v", out, err)
	}
}

// TestParts publishes in parts and again.
func TestParts(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, pl, dc := ready(t, on, func(c *Config) { c.PartLines = 500 })
		out, err := p.PublishDC(t.Context(), dc)
		if err != nil || out.Parts != len(testLayers) {
			t.Fatalf("%+v, %v", out, err)
		}
		wantOnce(t, on, p, dc)
		if r, err := p.Verify(t.Context(), pl.tenant, pl.cycle, []*planfile.DC{dc}); err != nil || !r.OK() {
			t.Fatalf("verify: %+v, %v", r, err)
		}
		if out, err = open(t, on.config()).PublishDC(t.Context(), dc); err != nil || !out.Already {
			t.Fatalf("again: %+v, %v", out, err)
		}
	})
}
