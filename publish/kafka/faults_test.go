package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"echelon/publish/outcome"
	"echelon/publish/planfile"
)

// ready opens a publisher whose topics are there, and plan files for it.
func ready(t *testing.T, on target, change func(*Config)) (*Publisher, plan, *planfile.DC) {
	t.Helper()
	cfg := on.config()
	if change != nil {
		change(&cfg)
	}
	p := open(t, cfg)
	pl := plan{tenant: tenant(), cycle: "C1", dc: 1, rows: 400}
	if err := p.Check(t.Context(), pl.need()); err != nil {
		t.Fatal(err)
	}
	return p, pl, pl.make(t)
}

func code(err error) int {
	var e *outcome.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// TestOnceUnderErrors fails each request of the protocol in each way that brokers do, once and for good;
// after the fault is gone a second run must leave every line there once.
func TestOnceUnderErrors(t *testing.T) {
	type fault struct {
		key  kmsg.Key
		errs []*kerr.Error
	}
	faults := []fault{
		{kmsg.InitProducerID, []*kerr.Error{kerr.CoordinatorNotAvailable, kerr.ConcurrentTransactions, kerr.NotCoordinator}},
		{kmsg.Produce, []*kerr.Error{
			kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
			kerr.RequestTimedOut, kerr.UnknownServerError, kerr.InvalidTxnState, kerr.OutOfOrderSequenceNumber, kerr.CorruptMessage,
		}},
		{kmsg.EndTxn, []*kerr.Error{
			kerr.CoordinatorNotAvailable, kerr.NotCoordinator, kerr.ConcurrentTransactions,
			kerr.UnknownServerError, kerr.TransactionAbortable, kerr.InvalidTxnState, kerr.RequestTimedOut,
		}},
		{kmsg.ListOffsets, []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownServerError}},
		{kmsg.Fetch, []*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownServerError}},
		{kmsg.FindCoordinator, []*kerr.Error{kerr.CoordinatorNotAvailable}},
	}
	for _, f := range faults {
		for _, e := range f.errs {
			for _, count := range []int{1, 3} {
				t.Run(fmt.Sprintf("%s %s x%d", f.key.Name(), e.Message, count), func(t *testing.T) {
					t.Parallel()
					on := fake(t)
					p, pl, dc := ready(t, on, func(c *Config) { c.Retries = 5; c.RequestTimeout = 5 * time.Second })
					h := on.fake.Fault(kfake.Fault{Keys: []kmsg.Key{f.key}, Err: e, Count: count})
					_, err := p.PublishDC(t.Context(), dc)
					if f.key != kmsg.Fetch && h.Hits() == 0 {
						t.Fatal("the fault did not fire")
					}
					h.Remove()
					if err != nil {
						if c := code(err); c != outcome.CodeAgain {
							t.Fatalf("code %d: %v", c, err)
						}
						p = open(t, on.config())
						if _, err = p.PublishDC(t.Context(), dc); err != nil {
							t.Fatal(err)
						}
					}
					wantOnce(t, on, p, dc)
					_ = pl
				})
			}
		}
	}
}

// TestConnectionCutAtCommit closes the connection instead of answering a commit that the broker has done.
func TestConnectionCutAtCommit(t *testing.T) {
	on := fake(t, kfake.SleepOutOfOrder())
	p, pl, dc := ready(t, on, nil)
	other, err := kgo.NewClient(kgo.SeedBrokers(on.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	var cut atomic.Int32
	on.fake.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) {
		on.fake.KeepControl()
		if end, ok := req.(*kmsg.EndTxnRequest); ok && end.Commit && end.TransactionalID == p.transactionalID(pl.tenant, "D01") && cut.Add(1) == 1 {
			same := *end
			done := make(chan struct{})
			go func() { _, _ = same.RequestWith(context.Background(), other); close(done) }()
			on.fake.SleepControl(func() { <-done })
			return nil, errors.New("connection cut"), true
		}
		return nil, nil, false
	})
	out, err := p.PublishDC(t.Context(), dc)
	if err != nil {
		t.Fatal(err)
	}
	if cut.Load() == 0 || out.Already {
		t.Fatalf("cut %d times, %+v", cut.Load(), out)
	}
	wantOnce(t, on, p, dc)
}

// TestFencedByASecondWorker starts a second worker's producer while the first one's lines are on the way.
func TestFencedByASecondWorker(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, pl, dc := ready(t, on, nil)
		a := &attempt{p: p, dc: dc, m: dc.Manifest, book: p.book(pl.tenant)}
		if err := a.fence(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := a.book.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The first worker's transaction is open, with lines in it.
		if err := a.cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		a.begun = time.Now()
		routes, err := p.routes(t.Context(), dc.Manifest, nil)
		if err != nil {
			t.Fatal(err)
		}
		first := &kgo.Record{Topic: routes[0].Topic, Value: []byte("a line of the first worker")}
		if err := a.cl.ProduceSync(t.Context(), first).FirstErr(); err != nil {
			t.Fatal(err)
		}
		// The second worker publishes the DC.
		q := open(t, on.config())
		if out, err := q.PublishDC(t.Context(), dc); err != nil || out.Already {
			t.Fatalf("second worker: %+v, %v", out, err)
		}
		// The first one goes on as if nothing had happened, and must not get anywhere, nor disturb.
		second := &kgo.Record{Topic: routes[0].Topic, Value: []byte("another line of the first worker")}
		err = a.cl.ProduceSync(t.Context(), second).FirstErr()
		if err == nil {
			err = a.cl.EndTransaction(t.Context(), kgo.TryCommit)
		}
		if err == nil || a.judge(err) != fenced || code(classify(err, outcome.CodeAgain, "")) != outcome.CodeFenced {
			t.Fatalf("the first worker got through: %v", err)
		}
		a.close(t.Context(), &err)
		wantOnce(t, on, p, dc)
		for _, l := range committed(t, on, p, pl.tenant) {
			if l.value == string(first.Value) || l.value == string(second.Value) {
				t.Fatalf("visible: %s", l.value)
			}
		}
	})
}

// TestForeignTransactionInTheManifestPartition leaves another DC's transaction open there: the look must
// wait for it, and give up with 75 when it does not end in time.
func TestForeignTransactionInTheManifestPartition(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, pl, dc := ready(t, on, nil)
		if _, err := p.PublishDC(t.Context(), dc); err != nil {
			t.Fatal(err)
		}
		hang := func(timeout time.Duration) *kgo.Client {
			opts, err := p.cfg.producer(p.transactionalID(pl.tenant, "D99"), timeout)
			if err != nil {
				t.Fatal(err)
			}
			cl, err := kgo.NewClient(opts...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cl.Close)
			if err := cl.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			r := &kgo.Record{Topic: p.cfg.Topics.Name(pl.tenant, cyclesLayer), Key: []byte("x"), Value: []byte(`{"record":"later"}`)}
			if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
				t.Fatal(err)
			}
			return cl
		}
		cl := hang(40 * time.Second)
		// Too long: 75, and nothing is written blindly.
		cfg := on.config()
		cfg.SettleTimeout, cfg.Attempts = time.Second, 1
		if _, err := open(t, cfg).PublishDC(t.Context(), dc); code(err) != outcome.CodeAgain {
			t.Fatalf("behind a hanging transaction: %v", err)
		}
		// It ends while the look waits: found as published.
		result := make(chan error, 1)
		q := open(t, on.config())
		waits := q.book(pl.tenant)
		go func() {
			out, err := q.PublishDC(context.WithoutCancel(t.Context()), dc)
			if err == nil && !out.Already {
				err = errors.New("published a second time")
			}
			result <- err
		}()
		adm := admin(t, on)
		waitFor(t, func() bool { return openProducers(t, adm, waits.topic) == 1 })
		if err := cl.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		if err := <-result; err != nil {
			t.Fatal(err)
		}
		wantOnce(t, on, p, dc)
	})
}

// openProducers counts the open transactions in a topic.
func openProducers(t *testing.T, adm *kadm.Client, topic string) int {
	t.Helper()
	var s kadm.TopicsSet
	s.Add(topic, 0)
	described, err := adm.DescribeProducers(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	described.EachProducer(func(p kadm.DescribedProducer) {
		if p.CurrentTxnStartOffset >= 0 {
			n++
		}
	})
	return n
}

func waitFor(t *testing.T, ready func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !ready() {
		if ctx.Err() != nil {
			t.Fatal("did not happen")
		}
	}
}

// TestLineTooLarge must publish nothing of the DC and say what to change, although the client's flush and
// commit alone would not complain.
func TestLineTooLarge(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, _, dc := ready(t, on, nil)
		p.cfg.BatchBytes = 600 // lines with long ledgers do not fit
		_, err := p.PublishDC(t.Context(), dc)
		if code(err) != outcome.CodeConfig {
			t.Fatalf("too large: %v", err)
		}
		wantNone(t, on, p, dc)
		p.cfg.BatchBytes = 1_000_000
		if _, err := p.PublishDC(t.Context(), dc); err != nil {
			t.Fatal(err)
		}
		wantOnce(t, on, p, dc)
	})
}

// TestAnotherHashIsRefused publishes other lines under the same cycle and DC.
func TestAnotherHashIsRefused(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, pl, dc := ready(t, on, nil)
		if _, err := p.PublishDC(t.Context(), dc); err != nil {
			t.Fatal(err)
		}
		pl.seed = 99
		if _, err := p.PublishDC(t.Context(), pl.make(t)); code(err) != outcome.CodeUsage {
			t.Fatalf("another hash: %v", err)
		}
		wantOnce(t, on, p, dc)
	})
}

func TestSupersededIsClosed(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, pl, late := ready(t, on, nil)
		next := pl
		next.cycle, next.asOf, next.seed = "C2", epoch+86400e6, 2
		if _, err := p.PublishDC(t.Context(), next.make(t)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, err := p.PublishDC(t.Context(), late)
			if !errors.Is(err, ErrSuperseded) || code(err) != outcome.CodeCarried {
				t.Fatalf("published late: %v", err)
			}
		}
		wantNone(t, on, p, late)
		records, err := p.Published(t.Context(), pl.tenant)
		if err != nil || len(records) != 1 || records[0].Cycle != "C2" {
			t.Fatalf("published: %+v %v", records, err)
		}
		// A later cycle that did count it does not stand in the way.
		early := pl
		early.dc, early.seed = 2, 5
		next.dc, next.counted = 2, []string{"C1"}
		if _, err := p.PublishDC(t.Context(), next.make(t)); err != nil {
			t.Fatal(err)
		}
		dc := early.make(t)
		if _, err := p.PublishDC(t.Context(), dc); err != nil {
			t.Fatal(err)
		}
		wantOnce(t, on, p, dc)
	})
}

func TestTooOldForTheTopic(t *testing.T) {
	eachTarget(t, func(t *testing.T, on target) {
		p, pl, first := ready(t, on, nil)
		if _, err := p.PublishDC(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		next := pl
		next.cycle, next.asOf, next.counted = "C2", epoch+86400e6, []string{"C1"}
		adm := admin(t, on)
		topic := p.cfg.Topics.Name(pl.tenant, cyclesLayer)
		ends, err := adm.ListEndOffsets(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.PublishDC(t.Context(), next.make(t)); err != nil {
			t.Fatal(err)
		}
		// Somebody else's retention: the beginning is gone. Kafka lets only topics with the policy delete
		// be cut this way.
		del := "compact,delete"
		if _, err := adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "cleanup.policy", Value: &del}}, topic); err != nil {
			t.Fatal(err)
		}
		cut, err := adm.DeleteRecords(t.Context(), ends.Offsets())
		if err != nil || cut.Error() != nil {
			t.Fatal(err, cut.Error())
		}
		_, err = open(t, on.config()).PublishDC(t.Context(), first)
		if code(err) != outcome.CodeUsage && code(err) != outcome.CodeCarried {
			t.Fatalf("older than the topic: %v", err)
		}
		var e *outcome.Error
		if !errors.As(err, &e) || e.Kind != "cycle_too_old" {
			t.Fatalf("older than the topic: %v", err)
		}
	})
}

// TestCancelledLeavesNothing cancels while lines are on the way.
func TestCancelledLeavesNothing(t *testing.T) {
	on := fake(t)
	p, _, dc := ready(t, on, nil)
	ctx, cancel := context.WithCancel(t.Context())
	on.fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cancel()
		return nil, nil, false
	})
	if _, err := p.PublishDC(ctx, dc); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	wantNone(t, on, p, dc)
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	wantOnce(t, on, p, dc)
}

// TestCoordinatorMoves moves coordinators and leaders while lines are on the way.
func TestCoordinatorMoves(t *testing.T) {
	on := fake(t)
	p, _, dc := ready(t, on, nil)
	var n atomic.Int32
	on.fake.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		on.fake.KeepControl()
		if n.Add(1) == 2 {
			go func() { on.fake.RehashCoordinators(); on.fake.ShufflePartitionLeaders() }()
		}
		return nil, nil, false
	})
	if _, err := p.PublishDC(t.Context(), dc); err != nil {
		t.Fatal(err)
	}
	if n.Load() < 2 {
		t.Fatal("nothing moved")
	}
	wantOnce(t, on, p, dc)
}
