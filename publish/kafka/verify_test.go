package kafka

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/publish"
	"echelon/publish/planfile"
)

// forge publishes a DC's lines as change makes them, under its headers and with its own manifest.
func forge(t *testing.T, on target, p *Publisher, dc *planfile.DC, change func(n int, r *kgo.Record) []*kgo.Record) {
	t.Helper()
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	// The topic of the store orders is made again, with the changed lines.
	topic := p.cfg.Topics.Name(dc.Manifest.Tenant, "store-orders")
	var all []*kgo.Record
	stretches, err := p.wholeTopics(t.Context(), []string{topic})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = scan(t.Context(), p.conn, stretches, func(r *kgo.Record) error {
		c := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}
		all = append(all, change(n, c)...)
		n++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	adm := admin(t, on)
	ends, err := adm.ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if cut, err := adm.DeleteRecords(t.Context(), ends.Offsets()); err != nil || cut.Error() != nil {
		t.Fatal(err, cut.Error())
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(on.brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), all...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	same := func(_ int, r *kgo.Record) []*kgo.Record { return []*kgo.Record{r} }
	var held *kgo.Record
	for name, c := range map[string]struct {
		change func(n int, r *kgo.Record) []*kgo.Record
		want   map[string]int64
	}{
		"unchanged": {same, map[string]int64{}},
		"a double": {func(n int, r *kgo.Record) []*kgo.Record {
			if n == 17 {
				again := *r
				return []*kgo.Record{r, &again}
			}
			return []*kgo.Record{r}
		}, map[string]int64{FindingDoubled: 1}},
		"a loss": {func(n int, r *kgo.Record) []*kgo.Record {
			if n == 17 {
				return nil
			}
			return []*kgo.Record{r}
		}, map[string]int64{FindingLost: 1}},
		"a flipped value": {func(n int, r *kgo.Record) []*kgo.Record {
			if n == 17 {
				r.Value = []byte(replaceFirst(string(r.Value), `"days_of_supply":`, `"days_of_supply":7`))
			}
			return []*kgo.Record{r}
		}, map[string]int64{FindingChanged: 1}},
		"another order": {func(n int, r *kgo.Record) []*kgo.Record {
			switch {
			case n == 0:
				held = r
				return nil
			case held != nil && r.Partition == held.Partition:
				first := held
				held = nil
				return []*kgo.Record{r, first}
			}
			return []*kgo.Record{r}
		}, map[string]int64{FindingMisordered: 1}},
		"a foreign DC": {func(n int, r *kgo.Record) []*kgo.Record {
			if n == 17 {
				other := *r
				other.Headers = append([]kgo.RecordHeader(nil), r.Headers...)
				for i := range other.Headers {
					if other.Headers[i].Key == headerDC {
						other.Headers[i].Value = []byte("D77")
					}
				}
				return []*kgo.Record{r, &other}
			}
			return []*kgo.Record{r}
		}, map[string]int64{FindingForeign: 1}},
		"another cycle's line": {func(n int, r *kgo.Record) []*kgo.Record {
			other := *r
			other.Headers = []kgo.RecordHeader{{Key: headerTenant, Value: r.Headers[0].Value}, {Key: headerCycle, Value: []byte("C0")}}
			return []*kgo.Record{r, &other}
		}, map[string]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			eachTarget(t, func(t *testing.T, on target) {
				p, pl, dc := ready(t, on, nil)
				forge(t, on, p, dc, c.change)
				r, err := p.Verify(t.Context(), pl.tenant, pl.cycle, []*planfile.DC{dc})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, r.Counts); diff != "" {
					t.Fatalf("%s\n%+v", diff, r.Findings)
				}
			})
		})
	}
}

func replaceFirst(s, old, with string) string {
	for i := 0; i+len(old) <= len(s); i++ {
		if s[i:i+len(old)] == old {
			return s[:i] + with + s[i+len(old):]
		}
	}
	return s[:len(s)-1] + `,"added":1}`
}

func TestVerifyNamesWhatIsNotOut(t *testing.T) {
	on := fake(t)
	p, pl, dc := ready(t, on, nil)
	r, err := p.Verify(t.Context(), pl.tenant, pl.cycle, []*planfile.DC{dc})
	if err != nil || r.Counts[FindingUnpublished] != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// TestRecover reads releases and carry back and compares them with the plan files.
func TestRecover(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, pl, dc := ready(t, on, nil)
		if _, err := p.PublishDC(t.Context(), dc); err != nil {
			t.Fatal(err)
		}
		pl.dc, pl.seed = 2, 3
		if _, err := p.PublishDC(t.Context(), pl.make(t)); err != nil {
			t.Fatal(err)
		}
		q := open(t, on.config())
		records, err := q.Published(t.Context(), pl.tenant)
		if err != nil || len(records) != 2 {
			t.Fatal(records, err)
		}
		var mine publish.Record
		for _, r := range records {
			if r.DC == dc.Manifest.DC {
				mine = r
			}
		}
		got, err := q.Recover(t.Context(), mine)
		if err != nil {
			t.Fatal(err)
		}
		releases, err := dc.Releases(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		carry, err := dc.Carry(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(releases) < 100 {
			t.Fatalf("only %d releases to compare", len(releases))
		}
		if diff := cmp.Diff(releases, got.Releases); diff != "" {
			t.Fatal(diff)
		}
		if len(got.Carry) != len(carry) {
			t.Fatalf("carry: %d rows instead of %d", len(got.Carry), len(carry))
		}
	})
}
