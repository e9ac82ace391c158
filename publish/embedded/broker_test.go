package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"echelon/publish/outcome"
)

const topic = "t"

func start(t testing.TB, dir string) *Broker {
	t.Helper()
	b, err := Start(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func makeTopic(t testing.TB, b *Broker) {
	t.Helper()
	cl := client(t, b)
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 4, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
}

func client(t testing.TB, b *Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.Addrs()...), kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// transact writes a value to all four partitions in one transaction.
func transact(ctx context.Context, cl *kgo.Client, value string, end kgo.TransactionEndTry) error {
	if err := cl.BeginTransaction(); err != nil {
		return err
	}
	for p := range int32(4) {
		r := &kgo.Record{Topic: topic, Partition: p, Value: []byte(value)}
		if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
			return err
		}
	}
	return cl.EndTransaction(ctx, end)
}

// committed counts the committed records by value.
func committed(t testing.TB, b *Broker) map[string]int {
	t.Helper()
	adm := kadm.NewClient(client(t, b))
	ends, err := adm.ListCommittedOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left++
		}
	})
	cl := client(t, b, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	got := make(map[string]int)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for left > 0 {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("the last stable offset was not reached: %d partitions left, %v", left, got)
		}
		f.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				got[string(r.Value)]++
			}
			if end, _ := ends.Lookup(topic, r.Partition); r.Offset+1 == end.Offset {
				left--
			}
		})
	}
	return got
}

func TestRestartKeepsWhatWasCommitted(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	makeTopic(t, b)
	cl := client(t, b, kgo.TransactionalID("x"))
	for i := range 3 {
		end := kgo.TryCommit
		if i == 1 {
			end = kgo.TryAbort
		}
		if err := transact(t.Context(), cl, fmt.Sprint(i), end); err != nil {
			t.Fatal(err)
		}
	}
	cl.Close()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = start(t, dir)
	if got := committed(t, b); len(got) != 2 || got["0"] != 4 || got["2"] != 4 {
		t.Fatalf("after the restart: %v", got)
	}
	if b.Repaired != (Repair{}) {
		t.Fatalf("repaired without need: %+v", b.Repaired)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	_, err := Start(Options{Dir: dir})
	var e *outcome.Error
	if !errors.As(err, &e) || e.Code != outcome.CodeAgain {
		t.Fatalf("second start: %v", err)
	}
}

// crashImage copies the folder of a running broker: what a process that is killed now leaves behind.
func crashImage(t testing.TB, dir string) string {
	t.Helper()
	image := filepath.Join(t.TempDir(), "broker")
	if err := os.CopyFS(image, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return image
}

// cutLast takes the last batch of a partition away, with or without its index entry.
func cutLast(t testing.TB, dir string, partition int, indexToo bool) {
	t.Helper()
	name := filepath.Join(dir, "log", "partitions", fmt.Sprintf("%s-%d", topic, partition), "0")
	raw, err := os.ReadFile(name + ".dat")
	if err != nil {
		t.Fatal(err)
	}
	at, last := 0, 0
	for at < len(raw) {
		size, ok := batchSize(raw[at:])
		if !ok {
			t.Fatal("test log is not whole")
		}
		last, at = at, at+size
	}
	if err := os.Truncate(name+".dat", int64(last)); err != nil {
		t.Fatal(err)
	}
	if indexToo {
		info, err := os.Stat(name + ".idx")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name+".idx", info.Size()-indexEntry); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDeathBetweenMarkers(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	makeTopic(t, b)
	cl := client(t, b, kgo.TransactionalID("x"))
	if err := transact(t.Context(), cl, "first", kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if err := transact(t.Context(), cl, "second", kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	for markers := range 5 {
		t.Run(fmt.Sprint(markers, " of 4 written"), func(t *testing.T) {
			image := crashImage(t, dir)
			for p := range 4 - markers {
				cutLast(t, image, p, p%2 == 0)
			}
			b := start(t, image)
			want := map[string]int{"first": 4}
			if markers > 0 {
				want["second"] = 4
			}
			if got := committed(t, b); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("committed %v, want %v", got, want)
			}
			if b.Repaired.Committed+b.Repaired.Aborted != 4-markers {
				t.Fatalf("repaired: %+v", b.Repaired)
			}
			// A second death right away, then a new transaction: what was aborted stays aborted.
			image = crashImage(t, image)
			b = start(t, image)
			if err := transact(t.Context(), client(t, b, kgo.TransactionalID("x")), "third", kgo.TryCommit); err != nil {
				t.Fatal(err)
			}
			want["third"] = 4
			b = start(t, crashImage(t, image))
			if got := committed(t, b); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("after the second death: %v, want %v", got, want)
			}
		})
	}
}

func TestClientThatOutlivesTheBrokerAddsNothing(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	makeTopic(t, b)
	cl := client(t, b, kgo.TransactionalID("x"))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("half")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	id, epoch, err := cl.ProducerID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	image := start(t, crashImage(t, dir))
	// A commit of the old session at the new broker, as the surviving client would send it.
	adm := client(t, image)
	req := endTxn("x", id, epoch)
	resp, err := req.RequestWith(t.Context(), adm)
	if err != nil {
		t.Fatal(err)
	}
	if resp.ErrorCode == 0 {
		t.Fatal("the old session could commit")
	}
	if got := committed(t, image); len(got) != 0 {
		t.Fatalf("committed: %v", got)
	}
}

func TestDamageIsRefused(t *testing.T) {
	dir := t.TempDir()
	b := start(t, dir)
	makeTopic(t, b)
	cl := client(t, b, kgo.TransactionalID("x"))
	for i := range 3 {
		if err := transact(t.Context(), cl, fmt.Sprint(i), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	image := crashImage(t, dir)
	name := filepath.Join(image, "log", "partitions", topic+"-2", "0.dat")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[batchHead+2] ^= 1
	if err := os.WriteFile(name, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(Options{Dir: image}); err == nil || !strings.Contains(err.Error(), "damaged at byte 0") {
		t.Fatalf("start on a damaged log: %v", err)
	}
}

const killEnv = "EMBEDDED_KILL_DIR"

// TestKilled kills a process that runs broker and producer at changing moments; every transaction must be
// there whole or not at all, and whole when its commit was answered.
func TestKilled(t *testing.T) {
	if dir := os.Getenv(killEnv); dir != "" {
		victim(t, dir)
		return
	}
	dir := t.TempDir()
	b := start(t, dir)
	makeTopic(t, b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	answered := make(map[string]bool)
	for round := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$", "-test.v")
		cmd.Env = append(os.Environ(), killEnv+"="+dir, fmt.Sprintf("EMBEDDED_ROUND=%d", round))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killAfter(t, cmd, out, 20+17*round, answered)
	}
	b = start(t, dir)
	got := committed(t, b)
	for v, n := range got {
		if n != 4 {
			t.Errorf("%s is in %d of 4 partitions", v, n)
		}
	}
	for v := range answered {
		if got[v] != 4 {
			t.Errorf("%s was answered and is in %d of 4 partitions", v, got[v])
		}
	}
	if len(answered) < 50 {
		t.Fatalf("only %d transactions: nothing was tried", len(answered))
	}
}
