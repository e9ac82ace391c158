package kafka

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"echelon/publish"
	"echelon/publish/planfile"
)

func TestPublishTwiceIsOnce(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		pl := plan{tenant: tenant(), cycle: "C1", dc: 1, rows: 700}
		p := open(t, on.config())
		if err := p.Check(t.Context(), pl.need()); err != nil {
			t.Fatal(err)
		}
		dc := pl.make(t)
		out, err := p.PublishDC(t.Context(), dc)
		if err != nil {
			t.Fatal(err)
		}
		if out.Already || out.Parts != 1 || out.Topics[p.cfg.Topics.Name(pl.tenant, "store-orders")] != 700 {
			t.Fatalf("first: %+v", out)
		}
		wantOnce(t, on, p, dc)
		// Another process, later: nothing is in memory.
		q := open(t, on.config())
		out, err = q.PublishDC(t.Context(), dc)
		if err != nil || !out.Already || out.Topics[p.cfg.Topics.Name(pl.tenant, "carry")] != 700 {
			t.Fatalf("second: %+v, %v", out, err)
		}
		wantOnce(t, on, p, dc)
		records, err := q.Published(t.Context(), pl.tenant)
		if err != nil || len(records) != 1 || records[0].PlanHash != dc.Manifest.PlanHash || records[0].PublishedAt.IsZero() {
			t.Fatalf("published: %+v, %v", records, err)
		}
	})
}

func TestManyDCsAtOnceAndClosing(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		pl := plan{tenant: tenant(), cycle: "C1", rows: 500}
		p := open(t, on.config())
		if err := p.Check(t.Context(), pl.need()); err != nil {
			t.Fatal(err)
		}
		c := publish.Closing{Tenant: pl.tenant, Cycle: "C1", State: planfile.StateFull, PlanHash: "00ff"}
		var dcs []*planfile.DC
		var g errgroup.Group
		for i := range dcNames {
			pl.dc, pl.seed = i, uint64(i)
			dc := pl.make(t)
			dcs = append(dcs, dc)
			c.DCs = append(c.DCs, publish.ClosingDC{DC: dcNames[i], State: planfile.StateFull, PlanHash: dc.Manifest.PlanHash, Lines: dc.Manifest.Lines()})
		}
		if err := p.CloseCycle(t.Context(), c); err == nil {
			t.Fatal("closed before its DCs were out")
		}
		for _, dc := range dcs {
			g.Go(func() error { _, err := p.PublishDC(t.Context(), dc); return err })
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for _, dc := range dcs {
			wantOnce(t, on, p, dc)
		}
		for range 2 {
			if err := p.CloseCycle(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		book := p.book(pl.tenant)
		if err := book.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		there := book.closing(pl.tenant, "C1")
		if there == nil || len(there.Layers) != len(testLayers) || there.Layers[0].Lines != 1500 {
			t.Fatalf("closing record: %+v", there)
		}
	})
}

// TestCompactedManifests compacts the manifest topic between cycles: what is out stays known, and reading
// the topic still ends although offsets are missing in it.
func TestCompactedManifests(t *testing.T) {
	on := fake(t)
	pl := plan{tenant: tenant(), cycle: "C1", dc: 1, rows: 60}
	p := open(t, on.config())
	if err := p.Check(t.Context(), pl.need()); err != nil {
		t.Fatal(err)
	}
	dc := pl.make(t)
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	closing := publish.Closing{Tenant: pl.tenant, Cycle: "C1", State: planfile.StateDegraded, PlanHash: "0"}
	for i := range 6 {
		closing.PlanHash += string(rune('0' + i))
		if err := p.CloseCycle(t.Context(), closing); err != nil {
			t.Fatal(err)
		}
	}
	adm := admin(t, on)
	topic := p.cfg.Topics.Name(pl.tenant, cyclesLayer)
	before := offset(t, adm.ListEndOffsets, topic)
	on.fake.Compact()
	q := open(t, on.config())
	out, err := q.PublishDC(t.Context(), dc)
	if err != nil || !out.Already {
		t.Fatalf("after the compaction: %+v, %v", out, err)
	}
	if c := q.book(pl.tenant).closing(pl.tenant, "C1"); c == nil || c.PlanHash != closing.PlanHash {
		t.Fatalf("closing record after the compaction: %+v", c)
	}
	if after := offset(t, adm.ListEndOffsets, topic); after < before {
		t.Fatalf("the end went back from %d to %d", before, after)
	}
}

// TestFailedLookForgetsNothing breaks the reading of the manifest topic for one worker; another one, which
// has looked already, must still see what is out.
func TestFailedLookForgetsNothing(t *testing.T) {
	on := fake(t)
	p, pl, dc := ready(t, on, nil)
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	book := p.book(pl.tenant)
	if err := book.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Somebody writes what no version of ours can read.
	cl, err := kgo.NewClient(kgo.SeedBrokers(on.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: book.topic, Key: []byte("x"), Value: []byte("{")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := book.settle(t.Context()); err == nil {
			t.Fatal("an unreadable record was passed over")
		}
		if book.dc(pl.tenant, pl.cycle, dc.Manifest.DC) == nil {
			t.Fatal("what is out was forgotten")
		}
	}
	if _, err := p.PublishDC(t.Context(), dc); err == nil {
		t.Fatal("published without a look")
	}
	wantOnce(t, on, p, dc)
}
