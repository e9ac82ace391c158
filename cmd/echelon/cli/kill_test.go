package cli

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stages are the boundaries at which a cycle may die, with the times each is reached before the end of a
// cycle of two DCs.
var stages = []string{
	"after-intent", "after-snapshot", "after-compare", "after-account", "after-plan-files", "after-plan-files:2", "after-planned",
	"after-planned:2", "after-plan", "before-publish", "before-publish:2", "after-publish", "after-publish:2", "after-published",
	"after-published:2", "before-close", "after-closing-record", "after-close",
}

// TestKilledAtEveryStage kills a cycle at each stage boundary, two DCs publishing at once, and runs it again:
// every line is out exactly once.
func TestKilledAtEveryStage(t *testing.T) {
	killEverywhere(t, stages, nil)
}

// TestRealKilledAtEveryStage does the same on a real broker.
func TestRealKilledAtEveryStage(t *testing.T) {
	addr := os.Getenv("ECHELON_KAFKA")
	if addr == "" {
		t.Skip("ECHELON_KAFKA names no broker: go run ./fixtures/real/with kafka -- go test -run Real ./cmd/...")
	}
	killEverywhere(t, stages, []string{"--brokers", addr})
}

func killEverywhere(t *testing.T, stages, brokers []string) {
	t.Helper()
	if testing.Short() {
		stages = []string{"after-plan-files", "after-publish", "after-closing-record"}
	}
	for _, stage := range stages {
		t.Run(strings.ReplaceAll(stage, ":", "-"), func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, dir: t.TempDir(), tenant: "kill-" + strings.ReplaceAll(stage, ":", "-"), brokers: brokers}
			w.prepare()
			if len(brokers) > 0 {
				w.must("topics", "apply", "--tenant", w.tenant, "--replication", "1")
			}
			run := []string{"run", "--inputs", "in", "--tenant", w.tenant, "--as-of", "2026-11-21T08:00:00Z"}
			if out, err := w.echelon([]string{"ECHELON_TEST_KILL=" + stage}, run...); !killed(err) {
				t.Fatalf("the kill at %s did not happen: %v\n%s", stage, err, out)
			}
			w.must(run...)
			w.must("verify", "--tenant", w.tenant)
			if out := w.must(run...); !strings.Contains(out, "nothing was done again") {
				t.Errorf("a third run did something:\n%s", out)
			}
			// the next cycle of the night counts what is out, once: it releases nothing new
			w.must("run", "--inputs", "in", "--tenant", w.tenant, "--as-of", "2026-11-21T09:00:00Z")
			if out := w.must("show", "store-orders", "--tenant", w.tenant, "--released", "--format", "json"); out != "" {
				t.Errorf("the next cycle orders again:\n%s", out)
			}
		})
	}
}

// TestStoppedBySignal interrupts a cycle at a stage boundary: it ends by itself, with the exit code of the
// signal, and the next run finishes the cycle.
func TestStoppedBySignal(t *testing.T) {
	for name, x := range map[string]struct {
		signal syscall.Signal
		code   int
	}{"interrupt": {syscall.SIGINT, 130}, "terminate": {syscall.SIGTERM, 143}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, dir: t.TempDir(), tenant: "stop"}
			w.prepare()
			run := []string{"run", "--inputs", "in", "--tenant", w.tenant, "--as-of", "2026-11-21T08:00:00Z", "--result", "r.json"}
			cmd, out, goOn := w.held(nil, run...)
			if err := cmd.Process.Signal(x.signal); err != nil {
				t.Fatal(err)
			}
			goOn()
			err := cmd.Wait()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != x.code {
				t.Fatalf("ended with %v, want exit code %d\n%s", err, x.code, out.String())
			}
			if raw, err := os.ReadFile(filepath.Join(w.dir, "r.json")); err != nil || !bytes.Contains(raw, []byte(`"state": "failed"`)) {
				t.Errorf("result of a stopped run: %v\n%s", err, raw)
			}
			w.must(run...)
			w.must("verify", "--tenant", w.tenant)
		})
	}
}

// held starts echelon and returns when it has come to the boundary after comparing, where it waits for goOn.
func (w *world) held(env []string, args ...string) (cmd *exec.Cmd, out *bytes.Buffer, goOn func()) {
	w.t.Helper()
	hold := filepath.Join(w.dir, "hold")
	if err := syscall.Mkfifo(hold, 0o600); err != nil {
		w.t.Fatal(err)
	}
	cmd = w.command(append(env, "ECHELON_TEST_HOLD=after-compare="+hold), args...)
	out = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	f, err := os.OpenFile(hold, os.O_WRONLY, 0) // opens when the process has come to the boundary
	if err != nil {
		w.t.Fatal(err)
	}
	return cmd, out, func() {
		if err := f.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// world is a folder in which echelon runs as a process of its own.
type world struct {
	t       *testing.T
	dir     string
	tenant  string
	brokers []string
}

// prepare writes the inputs, and a policy with few partitions: each costs the embedded broker files to sync.
func (w *world) prepare() {
	w.t.Helper()
	if err := tiny(filepath.Join(w.dir, "in")); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "policy.yaml"), []byte("partitions: 2\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) command(env []string, args ...string) *exec.Cmd {
	if args[0] == "run" || args[0] == "verify" || args[0] == "topics" {
		args = append(append(args, "--policy", "policy.yaml"), w.brokers...)
	}
	path, err := exec.LookPath("echelon")
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.t.Context(), path, args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = time.Minute
	return cmd
}

// echelon runs a command and returns all that it wrote.
func (w *world) echelon(env []string, args ...string) (string, error) {
	out, err := w.command(env, args...).CombinedOutput()
	return string(out), err
}

// must runs a command that has to end with exit code 0, and returns what it wrote to stdout and stderr
// (show: to stdout).
func (w *world) must(args ...string) string {
	w.t.Helper()
	cmd := w.command(nil, args...)
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("echelon %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), notes.String())
	}
	if args[0] == "show" {
		return out.String()
	}
	return out.String() + notes.String()
}

func killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}
