package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"echelon/inputs"
)

func open(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func stock(item string, n int) []byte {
	return fmt.Appendf(nil, `{"item":%q,"node":"S1","on_hand":%d}`, item, n)
}

func put(t testing.TB, l *Log, key string, rows ...[]byte) Receipt {
	t.Helper()
	r, err := l.Append(Request{Table: "inventory", Key: key, Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// values reads the whole log from an offset.
func values(t testing.TB, l *Log, from int64) []string {
	t.Helper()
	records, err := l.Read(from, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range records {
		out = append(out, fmt.Sprintf("%d %s", r.Offset, r.Value))
	}
	return out
}

func TestAppendReadReopen(t *testing.T) {
	o := Options{Dir: t.TempDir(), SegmentBytes: 300}
	l := open(t, o)
	for i := range 9 {
		put(t, l, "", stock("i1", i), stock("i2", i))
	}
	if len(l.segments) < 3 {
		t.Fatalf("%d segments: the test wants several", len(l.segments))
	}
	want, id := values(t, l, 0), l.ID()
	if len(want) != 18 || want[17] != `17 {"item":"i2","node":"S1","on_hand":8}` {
		t.Fatalf("read %q", want)
	}
	r, _ := l.Read(5, 1)
	if r[0].Offset != 5 || string(r[0].Key) != `{"item":"i2","node":"S1"}` || string(r[0].Headers[0].Value) != "inventory" {
		t.Errorf("record %+v", r[0])
	}
	if _, err := Open(o); !refusal(err, "log_in_use") {
		t.Errorf("a second process: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, o)
	if diff := cmp.Diff(want, values(t, l, 0)); diff != "" || l.ID() != id {
		t.Errorf("after reopening (id %s, %s): %s", id, l.ID(), diff)
	}
	if r := put(t, l, "", stock("i3", 1)); r.First != 18 {
		t.Errorf("the next offset is %d", r.First)
	}
}

func refusal(err error, kind string) bool {
	var r *inputs.Refusal
	return errors.As(err, &r) && r.Kind == kind
}

// TestTornTail cuts the last frame at every byte, and blanks the end of it: what was answered for before stays
// (I2).
func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	put(t, l, "a", stock("i1", 1))
	whole := l.segments[0].bytes
	put(t, l, "b", stock("i2", 2), stock(strings.Repeat("i", 200), 2))
	want := values(t, l, 0)[:1]
	_ = l.Close()
	file := filepath.Join(dir, fmt.Sprintf("%020d.log", 0))
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		defer l.Close()
		if diff := cmp.Diff(want, values(t, l, 0)); diff != "" {
			t.Fatalf("%s: %s", what, diff)
		}
		if r := put(t, l, "b", stock("i9", 9)); r.First != 1 || r.Repeated {
			t.Fatalf("%s: the next one got %+v", what, r)
		}
	}
	for at := whole; at < int64(len(raw)); at++ {
		try(fmt.Sprintf("cut at %d", at), raw[:at])
	}
	for _, blank := range []int{zeroRun, 150, len(raw) - int(whole)} {
		zeros := append([]byte{}, raw...)
		clear(zeros[len(zeros)-blank:])
		try(fmt.Sprintf("%d zeros", blank), zeros)
	}
}

// TestDamage flips each bit of two frames that were answered for: refused by name, nothing is cut (I2).
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	put(t, l, "a", stock("i1", 1))
	put(t, l, "b", stock("i2", 2))
	_ = l.Close()
	file := filepath.Join(dir, fmt.Sprintf("%020d.log", 0))
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		bad := append([]byte{}, raw...)
		bad[i] ^= 1 << (i % 8)
		if err := os.WriteFile(file, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		l, err := Open(Options{Dir: dir})
		if !refusal(err, "log_damaged") {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		if l != nil {
			t.Fatalf("byte %d flipped: a log came back", i)
		}
		if now, _ := os.ReadFile(file); len(now) != len(raw) {
			t.Fatalf("byte %d flipped: %d of %d bytes left", i, len(now), len(raw))
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	o := Options{Dir: t.TempDir()}
	l := open(t, o)
	first := put(t, l, "k1", stock("i1", 1), stock("i2", 1))
	for range 2 {
		again := put(t, l, "k1", stock("i1", 1), stock("i2", 1))
		if !again.Repeated || again.First != first.First || again.Rows != 2 {
			t.Errorf("repeat: %+v after %+v", again, first)
		}
		if _, err := l.Append(Request{Table: "inventory", Key: "k1", Rows: [][]byte{stock("i1", 2)}}); !errors.Is(err, ErrOtherRows) {
			t.Errorf("other rows: %v", err)
		}
		_ = l.Close()
		l = open(t, o) // keys outlive the process
	}
	if r, err := l.Append(Request{Table: "skus", Key: "k1", Rows: [][]byte{stock("i1", 1)}}); err != nil || r.Repeated {
		t.Errorf("the same key for another table: %+v, %v", r, err)
	}
	if n := len(values(t, l, 0)); n != 3 {
		t.Errorf("%d rows in the log, want 3", n)
	}
}

// TestManyAtOnce appends from many goroutines: every receipt names its own rows, all are there, and a reader
// never sees one that is not synced.
func TestManyAtOnce(t *testing.T) {
	var mu sync.Mutex
	sizes := map[string]int64{} // file → bytes that are synced
	o := Options{Dir: t.TempDir(), SegmentBytes: 4000, Sync: func(f *os.File) error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		mu.Lock()
		sizes[f.Name()] = max(sizes[f.Name()], info.Size())
		mu.Unlock()
		return nil
	}}
	l := open(t, o)
	var wg sync.WaitGroup
	seen := make([]int32, 400)
	for g := range 8 {
		wg.Go(func() {
			for i := range 25 {
				r, err := l.Append(Request{Table: "inventory", Rows: [][]byte{stock(fmt.Sprintf("g%d", g), i), stock("x", i)}})
				if err != nil {
					t.Error(err)
					return
				}
				if end := l.End(); end < r.First+2 {
					t.Errorf("answered for %+v, durable up to %d", r, end)
				}
				seen[r.First]++
				seen[r.First+1]++
			}
		})
	}
	wg.Wait()
	for offset, n := range seen {
		if n != 1 {
			t.Errorf("offset %d was given %d times", offset, n)
		}
	}
	for _, s := range l.segments {
		if sizes[s.name] != s.bytes {
			t.Errorf("%s: %d of %d bytes synced", s.name, sizes[s.name], s.bytes)
		}
	}
	if got := values(t, l, 0); len(got) != 400 {
		t.Errorf("%d rows", len(got))
	}
}

// TestDiskFails: what could not be made durable is not answered for and nobody reads it; after opening anew the
// log goes on.
func TestDiskFails(t *testing.T) {
	broken := false
	o := Options{Dir: t.TempDir(), Sync: func(f *os.File) error {
		if broken {
			return errors.New("no space left on device")
		}
		return f.Sync()
	}}
	l := open(t, o)
	put(t, l, "", stock("i1", 1))
	broken = true
	if _, err := l.Append(Request{Table: "inventory", Key: "k", Rows: [][]byte{stock("i2", 1)}}); err == nil {
		t.Fatal("answered although the sync failed")
	}
	broken = false
	if _, err := l.Append(Request{Table: "inventory", Key: "k", Rows: [][]byte{stock("i2", 1)}}); err == nil {
		t.Error("a repeat was answered although its rows may not be durable")
	}
	if _, err := l.Append(Request{Table: "inventory", Rows: [][]byte{stock("i2", 1)}}); err == nil {
		t.Error("the log went on after its disk failed")
	}
	if got := values(t, l, 0); len(got) != 1 || l.End() != 1 {
		t.Errorf("readers see %q", got)
	}
	_ = l.Close()
	l = open(t, o)
	put(t, l, "k2", stock("i3", 1))
}

func TestTrimAndLostFolder(t *testing.T) {
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	o := Options{Dir: t.TempDir(), SegmentBytes: 200, KeepFor: time.Hour, Now: func() time.Time { return now }}
	l := open(t, o)
	for i := range 6 {
		put(t, l, fmt.Sprintf("k%d", i), stock("i1", i))
	}
	if err := l.Trim(4); err != nil || len(values(t, l, 0)) != 6 {
		t.Fatalf("young segments must stay: %v", err)
	}
	now = now.Add(2 * time.Hour)
	if err := l.Trim(4); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(0, 1); !refusal(err, "offsets_gone") {
		t.Errorf("trimmed rows: %v", err)
	}
	if got := values(t, l, 4); len(got) != 2 {
		t.Errorf("left: %q", got)
	}
	if r := put(t, l, "k5", stock("i1", 5)); !r.Repeated {
		t.Error("a key of a segment that stayed was forgotten")
	}
	// the folder is lost, the state's checkpoint is not
	o.Dir, o.First = t.TempDir(), 6
	l = open(t, o)
	if r := put(t, l, "", stock("i1", 9)); r.First != 6 {
		t.Errorf("a new log began at %d (I4)", r.First)
	}
	// lost in part: the state had read further than what is left
	o.First = 20
	_ = l.Close()
	l = open(t, o)
	put(t, l, "", stock("i1", 10))
	_ = l.Close()
	l = open(t, o)
	if got := values(t, l, 20); len(got) != 1 || got[0][:3] != "20 " {
		t.Errorf("after a gap: %q", got)
	}
}

func TestMoreTellsReaders(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir()})
	more := l.More()
	select {
	case <-more:
		t.Fatal("told of rows that are not there")
	default:
	}
	put(t, l, "", stock("i1", 1))
	<-more
}
