package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"echelon/cmd/echelon/feeds"
)

// process runs echelon as a process of its own.
func (f *fed) process(env []string, args ...string) *exec.Cmd {
	f.t.Helper()
	path, err := exec.LookPath("echelon")
	if err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.CommandContext(f.t.Context(), path, args...)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// TestRunFromTopicsKilled kills a cycle from change topics at stage boundaries, lets the topics go on, and runs it
// again: it ends well under its id, with the cut that it had where its snapshot stood, and every line is out once.
func TestRunFromTopicsKilled(t *testing.T) {
	for _, stage := range []string{"after-intent", "after-snapshot", "after-plan-files", "after-publish"} {
		t.Run(stage, func(t *testing.T) {
			f := newFed(t)
			f.must("topics", "apply", "--tenant", "acme", "--replication", "1", "--brokers", strings.Join(f.addrs, ","))
			args := []string{"run", "--tenant", "acme", "--inputs", f.url(), "--state", f.state, "--brokers", strings.Join(f.addrs, ","), "--cycle", "k1", "--as-of", "2026-11-21T08:00:00Z"}
			before := f.run(0, t.TempDir(), f.dir, "--cycle", "k1")
			if out, err := f.process([]string{"ECHELON_TEST_KILL=" + stage}, args...).CombinedOutput(); !killed(err) {
				t.Fatalf("the kill did not happen: %v\n%s", err, out)
			}
			f.change("inventory", func(i int, row map[string]any) bool {
				row["on_hand"] = i % 11
				return i%2 == 0
			})
			after := f.run(0, t.TempDir(), f.dir, "--cycle", "k1")
			file := filepath.Join(t.TempDir(), "result.json")
			f.must(append(args, "--result", file)...)
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := before.PlanHash // the cut that it had
			if stage == "after-intent" {
				want = after.PlanHash // there was no snapshot of it: the cut that is there now
			}
			if before.PlanHash == after.PlanHash || !bytes.Contains(raw, []byte(fmt.Sprintf("%q: %q", "plan_hash", want))) {
				t.Errorf("want plan %s of %s and %s, got %s", want, before.PlanHash, after.PlanHash, raw[:min(len(raw), 4000)])
			}
			f.must("verify", "--tenant", "acme", "--state", f.state, "--cycle", "k1", "--brokers", strings.Join(f.addrs, ","))
		})
	}
}

// buffer is what a process wrote so far.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// daemon starts the service as a process of its own and waits until it listens.
func (f *fed) daemon(file string) (*exec.Cmd, *served) {
	f.t.Helper()
	cmd, out := f.process(nil, "serve", "--file", file), &buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		if f.t.Failed() {
			f.t.Log(out.String())
		}
	})
	s := &served{f: f}
	s.eventually("listening", func() bool {
		_, at, _ := strings.Cut(out.String(), "at http://")
		url, _, there := strings.Cut(at, "\n")
		s.url = "http://" + url
		return there
	})
	return cmd, s
}

// ready waits until the service says that it is.
func (s *served) ready() {
	s.f.t.Helper()
	s.eventually("ready", func() bool { code, _ := s.call("GET", "/readyz", "", ""); return code == 200 })
}

// TestServeStopped: SIGTERM ends the service with a checkpoint; SIGKILL loses nothing that it answered for.
func TestServeStopped(t *testing.T) {
	f := newFed(t)
	file := f.serveFile("    mapping: http.yaml\n    no_publish: true\n", "")
	exit := func(cmd *exec.Cmd) int {
		var e *exec.ExitError
		if err := cmd.Wait(); errors.As(err, &e) {
			return e.ExitCode()
		}
		return cmd.ProcessState.ExitCode()
	}
	row := func(n int) string { return fmt.Sprintf(`{"item":"I0000001","node":"S000001","on_hand":%d}`, n) }

	cmd, s := f.daemon(file)
	s.ready()
	if code, out := s.call("POST", "/v1/acme/inputs/inventory", acmeToken, row(4), "Idempotency-Key", "a"); code != 200 {
		t.Fatalf("%d %v", code, out)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	exit(cmd)

	cmd, s = f.daemon(file)
	s.ready()
	if code, out := s.call("POST", "/v1/acme/inputs/inventory", acmeToken, row(4), "Idempotency-Key", "a"); code != 200 || out["repeated"] != true {
		t.Errorf("what was answered for before the kill: %d %v", code, out)
	}
	s.eventually("read to the ends", func() bool {
		_, m := s.call("GET", "/metrics", "", "")
		text, read := fmt.Sprint(m[""]), false
		for _, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(line, "echelon_feed_lag_offsets{") {
				if read = strings.HasSuffix(line, "} 0"); !read {
					return false
				}
			}
		}
		return read
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() { ended <- exit(cmd) }()
	select {
	case code := <-ended:
		if code != 143 {
			t.Errorf("exit %d", code)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("SIGTERM did not end it")
	}
	checkpoints, err := filepath.Glob(filepath.Join(feeds.Dir(f.state, "acme"), "checkpoints", "*"))
	if err != nil || len(checkpoints) != 1 {
		t.Errorf("checkpoints %v, %v", checkpoints, err)
	}
}
