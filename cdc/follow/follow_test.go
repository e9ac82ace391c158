package follow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/cdc"
	"echelon/cdc/decode"
	"echelon/cdc/ingest"
	"echelon/inputs"
)

// TestReal runs the tests that need no faults of the in-process broker on a real one.
func TestReal(t *testing.T) {
	if os.Getenv(realEnv) == "" {
		t.Skip(realEnv + " names no broker: go run ./fixtures/real/with kafka -- go test -run Real ./cdc/follow")
	}
	for _, c := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"transactions are whole", TestTransactionsAreWhole},
		{"poison", TestPoison},
		{"marks that were not kept", TestMarksThatWereNotKept},
		{"repeats", TestRepeats},
		{"partitions added", TestPartitionsAdded},
		{"foreign transaction", TestForeignTransaction},
		{"killed while applying", TestKilledWhileApplying},
	} {
		t.Run(c.name, c.run)
	}
}

// TestTransactionsAreWhole sends a transaction over two tables and many partitions piece by piece: cuts have all of
// it or nothing, and what stands behind it in its partitions waits with it (F2).
func TestTransactionsAreWhole(t *testing.T) {
	w := newWorld(t)
	w.cfg.TxGrace = time.Hour
	w.send(w.node("S1"), w.begin("7"), w.stock("7", "i1", 1), w.stock("7", "i2", 1), w.end("7", 2, 0))
	r := w.follow()
	before := r.cut()
	want := "nodes node=S1 kind=store zone=UTC\ninventory item=i1 node=S1 on_hand=1\ninventory item=i2 node=S1 on_hand=1\n"
	if diff := cmp.Diff(want, before); diff != "" {
		t.Fatal(diff)
	}

	w.send(w.begin("8"), w.stock("8", "i1", 20), w.shelf("8", "i2", 5))
	w.send(w.stock("", "i1", 21)) // behind it in the partition of i1
	w.send(w.node("S2"))          // of another source
	_, err := r.cutWithin(300 * time.Millisecond)
	var late *Error
	if !errors.As(err, &late) || late.Kind != Late || !strings.Contains(err.Error(), "transaction 8") || !strings.Contains(late.Where, stockTopic) {
		t.Fatalf("a cut in an open transaction: %v", err)
	}
	r.eventually("the other source goes on", func(s Status) bool {
		return strings.Contains(dump(t, w.state.Cut()), "S2")
	})
	if got := strings.ReplaceAll(dump(t, w.state.Cut()), "nodes node=S2 kind=store zone=UTC\n", ""); got != before {
		t.Fatalf("part of an open transaction is in the state:\n%s", got)
	}

	w.send(w.end("8", 2, 1)) // one record is still to come
	if _, err := r.cutWithin(200 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "2 of 3 records") {
		t.Fatalf("a cut before the last record: %v", err)
	}
	w.send(w.stock("8", "i3", 3))
	want = "nodes node=S1 kind=store zone=UTC\nnodes node=S2 kind=store zone=UTC\n" +
		"skus item=i2 node=S1 safety_units=5\n" +
		"inventory item=i1 node=S1 on_hand=21\ninventory item=i2 node=S1 on_hand=1\ninventory item=i3 node=S1 on_hand=3\n"
	if diff := cmp.Diff(want, r.cut()); diff != "" {
		t.Fatal(diff)
	}
	if sum := w.balanced(nil); sum.Read != 12 || sum.Applied != 8 || sum.Quarantined != 0 {
		t.Errorf("counts %+v", sum)
	}
}

// TestPoison: what cannot be decoded is counted and named, and holds nothing up but for the grace of its
// transaction.
func TestPoison(t *testing.T) {
	w := newWorld(t)
	bad := w.stock("7", "i2", 1)
	bad.Value = []byte(strings.Replace(string(bad.Value), `"qty":1`, `"qty":"many"`, 1))
	broken := w.node("S3")
	broken.Value = []byte(`{"node":`)
	w.send(w.begin("7"), w.stock("7", "i1", 1), bad, w.end("7", 2, 0), broken, w.node("S1"))
	r := w.follow()
	want := "nodes node=S1 kind=store zone=UTC\ninventory item=i1 node=S1 on_hand=1\n"
	if diff := cmp.Diff(want, r.cut()); diff != "" {
		t.Fatal(diff)
	}
	if sum := w.balanced(nil); sum.Read != 6 || sum.Quarantined != 2 {
		t.Errorf("counts %+v", sum)
	}
	if s := r.Status(); s.Short != 1 || s.Quarantined != 2 {
		t.Errorf("status %+v", s)
	}
	var got []string
	for _, f := range w.faults {
		got = append(got, fmt.Sprintf("%s %s %s %q %s %d", f.Table, f.Reason, f.Column, f.Value, f.Source, f.Position))
	}
	if len(got) != 2 || !strings.Contains(strings.Join(got, "\n"), "inventory wrong_type on_hand") || !strings.Contains(strings.Join(got, "\n"), nodesTopic) {
		t.Errorf("quarantine %q", got)
	}
}

// TestMarksThatWereNotKept: rows of a transaction whose BEGIN and END are gone are taken once later marks were read.
func TestMarksThatWereNotKept(t *testing.T) {
	w := newWorld(t)
	w.send(w.stock("5", "i1", 1)) // of it nothing else is kept
	w.send(w.begin("7"), w.stock("7", "i2", 1), w.end("7", 1, 0))
	r := w.follow()
	if diff := cmp.Diff("inventory item=i1 node=S1 on_hand=1\ninventory item=i2 node=S1 on_hand=1\n", r.cut()); diff != "" {
		t.Fatal(diff)
	}
}

// TestRepeats: a connector that died sends a part of a transaction again, its END too.
func TestRepeats(t *testing.T) {
	w := newWorld(t)
	first, second, end := w.stock("7", "i1", 1), w.shelf("7", "i1", 2), w.end("7", 1, 1)
	w.send(w.begin("7"), first, second, end)
	r := w.follow()
	before := r.cut()
	for range 3 {
		again := func(r *kgo.Record) *kgo.Record {
			return &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
		}
		w.send(again(second), again(end), again(first))
		if diff := cmp.Diff(before, r.cut()); diff != "" {
			t.Fatal(diff)
		}
	}
	if sum := w.balanced(nil); sum.Read != 13 || sum.Applied != 2 || sum.Superseded != 6 || sum.Filtered != 5 {
		t.Errorf("counts %+v", sum)
	}
}

// TestHeldRecordsAreBounded keeps a transaction open while more comes than may wait: fetching stops, the stall has
// a name, and the END sets it going again (F5).
func TestHeldRecordsAreBounded(t *testing.T) {
	w := newWorld(t)
	r := w.follow(func(c *Config) { c.HeldRecords, c.PollRecords = 20, 5 })
	w.send(w.begin("7"))
	for i := range 200 {
		w.send(w.stock("7", fmt.Sprintf("i%03d", i), i))
		if i == 60 {
			r.eventually("fetching stops", func(s Status) bool {
				return s.Held >= 20 && strings.Contains(names(s.Stalls), StallHeld)
			})
		}
	}
	held := r.Status().Held
	if held > 100 {
		t.Errorf("%d records wait, the bound is 20", held)
	}
	_, err := r.cutWithin(200 * time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), StallHeld) || !strings.Contains(err.Error(), "transaction 7") {
		t.Fatalf("a cut while fetching is stopped: %v", err)
	}
	// A transaction of more records than may wait is taken by a follower whose bound is higher.
	w.send(w.end("7", 200, 0))
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	r = w.follow()
	if n := strings.Count(r.cut(), "inventory"); n != 200 {
		t.Errorf("%d rows", n)
	}
	if sum := w.balanced(nil); sum.Read != 202 {
		t.Errorf("counts %+v", sum)
	}
}

func TestPartitionsAdded(t *testing.T) {
	w := newWorld(t)
	w.send(w.node("S1"))
	r := w.follow()
	r.cut()
	admin := kadm.NewClient(w.client())
	topics, err := admin.ListTopics(t.Context(), nodesTopic)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreatePartitions(t.Context(), 2, nodesTopic); err != nil {
		t.Fatal(err)
	}
	late := w.node("S9")
	late.Partition = w.parts + 1
	w.there(admin, nodesTopic, int(late.Partition)+1, topics[nodesTopic].ID)
	p := w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := p.ProduceSync(t.Context(), late).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if got := r.cut(); !strings.Contains(got, "S9") || !strings.Contains(got, "S1") {
		t.Errorf("after partitions were added:\n%s", got)
	}
}

func TestTopicMissing(t *testing.T) {
	w := newWorld(t)
	optional := w.cfg.Topics[4].Name
	_, err := w.start(func(c *Config) { c.Topics = append(c.Topics, Topic{Name: "depot.public.gone"}) })
	var e *Error
	if !errors.As(err, &e) || e.Kind != TopicMissing || e.Where != "depot.public.gone" {
		t.Fatalf("a missing topic: %v", err)
	}
	r := w.follow()
	r.cut()
	if got := r.Status().Missing; len(got) != 1 || got[0] != optional {
		t.Fatalf("missing: %v", got)
	}
	if err := w.cluster.CreateTopic(optional, 1, nil); err != nil {
		t.Fatal(err)
	}
	row := &kgo.Record{
		Topic: optional, Key: []byte(`{"item":"i1"}`), Value: []byte(`{"item":"i1","pack":6}`),
		Headers: []kgo.RecordHeader{{Key: "echelon-log", Value: []byte("x")}, {Key: "echelon-offset", Value: []byte("3")}},
	}
	w.send(row)
	if got := r.cut(); !strings.Contains(got, "items item=i1 pack=6") {
		t.Errorf("an optional topic that came later:\n%s", got)
	}
	if err := w.cluster.DeleteTopic(nodesTopic); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("a topic was deleted and the follower goes on")
	}
	if !errors.As(r.err, &e) || e.Kind != TopicMissing {
		t.Errorf("a deleted topic: %v", r.err)
	}
	if err := r.stop(); !errors.As(err, &e) {
		t.Errorf("ended with %v", err)
	}
	if _, err := r.Ends(t.Context()); !errors.As(err, &e) || e.Kind != TopicMissing {
		t.Errorf("asked for the ends when it had ended: %v", err)
	}
}

// refusal reports whether an error is a refusal of a kind.
func refusal(err error, kind string) bool {
	var r *inputs.Refusal
	return errors.As(err, &r) && r.Kind == kind
}

// TestRetention: offsets that are gone are refused, at the start and while following, and never jumped (F3).
func TestRetention(t *testing.T) {
	w := newWorld(t)
	var last int32
	for i := range 10 {
		rec := w.node(fmt.Sprintf("S%d", i))
		rec.Partition = last
		w.send(rec)
	}
	r := w.follow()
	before := r.cut()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		rec := w.node(fmt.Sprintf("T%d", i))
		rec.Partition = last
		w.send(rec)
	}
	if err := w.cluster.DeleteRecords(nodesTopic, last, 10); err != nil {
		t.Fatal(err)
	}
	f, err := w.start()
	if err != nil {
		t.Fatalf("all that was not read is still there: %v", err)
	}
	f.Close()
	if err := w.cluster.DeleteRecords(nodesTopic, last, 15); err != nil {
		t.Fatal(err)
	}
	if _, err := w.start(); !refusal(err, "offsets_gone") || !strings.Contains(err.Error(), "take a new base") {
		t.Fatalf("offsets past retention: %v", err)
	}
	if got := dump(t, w.state.Cut()); got != before {
		t.Errorf("the state changed:\n%s", got)
	}
	// while following: the look at the start was in time, the fetch is not
	if err := w.cluster.DeleteTopic(nodesTopic); err != nil {
		t.Fatal(err)
	}
	if err := w.cluster.CreateTopic(nodesTopic, w.parts, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.start(); !refusal(err, "offsets_ahead") {
		t.Errorf("a topic that was made anew: %v", err)
	}
}

// TestRetentionOvertakes deletes records between the look at the start and the first fetch.
func TestRetentionOvertakes(t *testing.T) {
	w := newWorld(t)
	for i := range 10 {
		rec := w.node(fmt.Sprintf("S%d", i))
		rec.Partition = 0
		w.send(rec)
	}
	gate := make(chan struct{})
	w.cluster.ControlKey(1, func(kmsgRequest) (kmsgResponse, error, bool) {
		w.cluster.KeepControl()
		select {
		case <-gate:
			return nil, nil, false
		default:
			return nil, errors.New("not yet"), true
		}
	})
	r := w.follow()
	if err := w.cluster.DeleteRecords(nodesTopic, 0, 5); err != nil {
		t.Fatal(err)
	}
	close(gate)
	select {
	case <-r.ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("records were deleted before they were read and the follower goes on: %+v", r.Status())
	}
	if !refusal(r.err, "offsets_gone") {
		t.Errorf("ended with %v", r.err)
	}
	if got := dump(t, w.state.Cut()); strings.Contains(got, "nodes") {
		t.Errorf("it jumped:\n%s", got)
	}
}

// TestForeignTransaction: a Kafka transaction that hangs hides what is behind it; the stall names its producer, and
// reading goes on when it has ended.
func TestForeignTransaction(t *testing.T) {
	w := newWorld(t)
	w.send(w.node("S1"))
	hang := w.client(kgo.TransactionalID("loader-7"), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionTimeout(time.Minute))
	if err := hang.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	aborted := w.node("S2")
	aborted.Partition = w.part("S1")
	if err := hang.ProduceSync(t.Context(), aborted).FirstErr(); err != nil {
		t.Fatal(err)
	}
	behind := w.node("S3")
	behind.Partition = w.part("S1")
	w.send(behind)
	r := w.follow()
	r.eventually("the stall has a name", func(s Status) bool {
		return strings.Contains(names(s.Stalls), StallForeign) && strings.Contains(names(s.Stalls), "loader-7")
	})
	_, err := r.cutWithin(200 * time.Millisecond)
	var late *Error
	if !errors.As(err, &late) || late.Kind != Late || !strings.Contains(late.Hint, "loader-7") {
		t.Fatalf("a cut behind it: %v", err)
	}
	if err := hang.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	if got := r.cut(); !strings.Contains(got, "S3") || strings.Contains(got, "S2") {
		t.Errorf("after the transaction was aborted:\n%s", got)
	}
	r.eventually("the stall ends", func(s Status) bool { return len(s.Stalls) == 0 })
}

// TestBrokerKilled: while the broker is away nothing is lost or counted twice, the stall says so, and reading goes
// on when it is back.
func TestBrokerKilled(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, kfake.DataDir(dir), kfake.SyncWrites())
	for i := range 50 {
		w.send(w.node(fmt.Sprintf("S%02d", i)))
	}
	r := w.follow()
	r.cut()
	var port int
	if _, err := fmt.Sscanf(w.addrs[0][strings.LastIndexByte(w.addrs[0], ':')+1:], "%d", &port); err != nil {
		t.Fatal(err)
	}
	w.cluster.Close()
	r.eventually("the stall says so", func(s Status) bool { return strings.Contains(names(s.Stalls), StallAway) })
	again, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	w.produce = w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range 50 {
		w.send(w.node(fmt.Sprintf("T%02d", i)))
	}
	if n := strings.Count(r.cut(), "nodes"); n != 100 {
		t.Errorf("%d rows", n)
	}
	if sum := w.balanced(nil); sum.Read != 100 || sum.Applied != 100 {
		t.Errorf("counts %+v", sum)
	}
}

func TestDenied(t *testing.T) {
	w := newWorld(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", "secret"),
		kfake.User("PLAIN", "echelon", "secret", kfake.ACL{
			Resource: kmsgTopic, Pattern: kmsgPrefixed, Operation: kmsgRead, Name: "depot.public.", Allow: true,
		}))
	as := func(user string) func(*Config) {
		return func(c *Config) { c.Client = append(c.Client, kgo.SASL(plainAuth(user))) }
	}
	_, err := w.start(as("echelon"))
	var e *Error
	if !errors.As(err, &e) || e.Kind != Denied || !strings.Contains(e.Where, nodesTopic) || strings.Contains(e.Where, stockTopic) {
		t.Fatalf("a topic that may not be read: %v", err)
	}
	f, err := w.start(as("root"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestBrokerAwayAtTheStart(t *testing.T) {
	w := newWorld(t)
	_, err := w.start(func(c *Config) {
		c.Client, c.StartTimeout = []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1")}, 300*time.Millisecond
	})
	var e *Error
	if !errors.As(err, &e) || e.Kind != BrokerAway {
		t.Fatalf("%v", err)
	}
}

// TestCutAtAPosition waits for a position of a source.
func TestCutAtAPosition(t *testing.T) {
	w := newWorld(t)
	r := w.follow()
	want := Want{Positions: map[string]cdc.Position{"wms": {Major: w.lsn + 10}}}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := r.CutAt(ctx, want, nil); err == nil {
		t.Fatal("a position that was not reached")
	}
	w.send(w.stock("", "i1", 1))
	progress := false
	want.Progress = func(int64) { progress = true }
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := r.CutAt(ctx, want, func() error {
		if !strings.Contains(dump(t, w.state.Cut()), "i1") {
			t.Error("the cut is before its position")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_ = progress // the record may have been there before the first look
}

// TestLogBehindHTTP: rows that came by HTTP are applied once, also when they come back from the topic that they were
// written through to.
func TestLogBehindHTTP(t *testing.T) {
	w := newWorld(t)
	log, err := ingest.Open(ingest.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	put := func(pack int) {
		if _, err := log.Append(ingest.Request{Table: "items", Rows: [][]byte{
			fmt.Appendf(nil, `{"item":"i1","pack":%d}`, pack), fmt.Appendf(nil, `{"item":"i2","pack":%d}`, pack), []byte(`{"item":"i3","pack":"?"}`),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	put(1)
	r := w.follow(func(c *Config) { c.Log = log })
	if diff := cmp.Diff("items item=i1 pack=1\nitems item=i2 pack=1\n", r.cut()); diff != "" {
		t.Fatal(diff)
	}
	put(2)
	put(3)
	want := "items item=i1 pack=3\nitems item=i2 pack=3\n"
	if diff := cmp.Diff(want, r.cut()); diff != "" {
		t.Fatal(diff)
	}
	topic := decode.CanonicalTopic("depot", "items")
	if err := w.cluster.CreateTopic(topic, 2, nil); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the pump's offset is lost once: all goes out twice
		p := &ingest.Pump{Log: log, Client: w.client(), Topic: func(table string) string { return decode.CanonicalTopic("depot", table) }}
		for n := 1; n > 0; {
			if n, err = p.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := log.Rewind(); err != nil {
			t.Fatal(err)
		}
	}
	r.eventually("the topic is followed", func(s Status) bool { return len(s.Missing) == 0 })
	if diff := cmp.Diff(want, r.cut()); diff != "" {
		t.Fatal(diff)
	}
	counts := w.state.Counts()
	if c := counts[ingest.Partition]; c.Read != 9 || c.Applied != 6 || c.Quarantined != 3 {
		t.Errorf("the log: %+v", c)
	}
	var through inputs.Counts
	for _, p := range []int32{0, 1} {
		through.Add(counts[cdc.Partition{Topic: topic, ID: p}])
	}
	if through.Read != 18 || through.Superseded != 12 || through.Quarantined != 6 {
		t.Errorf("the topic: %+v", through)
	}
	w.balanced(nil)
	// a machine that never had the log gets the rows from the topic
	w.state = w.open("")
	r2 := w.follow()
	if diff := cmp.Diff(want, r2.cut()); diff != "" {
		t.Fatal(diff)
	}
}
