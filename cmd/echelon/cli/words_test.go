package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"echelon/planner"
)

func TestStepsAddUp(t *testing.T) {
	got := steps([]planner.Step{{Reason: planner.ReasonNeed, Change: 17}, {Reason: planner.ReasonPack, Change: 7}, {Reason: planner.ReasonShare, Change: -12}})
	if want := "17 the need, +7 up to full packs, −12 its source had too little = 12"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for r := range planner.NumReasons {
		if reasonWords[r] == "" {
			t.Errorf("reason %s has no words", r)
		}
	}
}

func TestPacks(t *testing.T) {
	for want, x := range map[string][2]int64{
		"0 units": {0, 12}, "1 unit": {1, 1}, "5 units": {5, 1}, "12 units (1 pack)": {12, 12}, "1,200 units (100 packs of 12)": {1200, 12}, "13 units": {13, 12},
	} {
		if got := packs(x[0], x[1]); got != want {
			t.Errorf("packs(%d, %d) = %q, want %q", x[0], x[1], got, want)
		}
	}
}

func TestThousandths(t *testing.T) {
	for text, want := range map[string]int{"5%": 50, "0.5%": 5, "0": 0, "0.025": 25, "100%": 1000, "1": 1000} {
		if got, err := thousandths("x", text); err != nil || got != want {
			t.Errorf("%s = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1%", "101%", "0.05%", "many", "NaN", "2"} {
		if got, err := thousandths("x", text); err == nil {
			t.Errorf("%q = %d, want an error", text, got)
		}
	}
}

func TestKeepFor(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 7 * 24 * time.Hour, "0d": 0, "0": 0, "36h": 36 * time.Hour} {
		if got, err := keepFor(text); err != nil || got != want {
			t.Errorf("%s = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1d", "d", "week", "-3h"} {
		if got, err := keepFor(text); err == nil {
			t.Errorf("%q = %v, want an error", text, got)
		}
	}
}

// TestProgressLines: without a terminal, a line every few seconds with what is done, the rate and the time left.
func TestProgressLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	now := time.Unix(1000, 0)
	p.now = func() time.Time { return now }
	p.at("plan", "SKUs", 0, 10_000)
	now = now.Add(time.Second)
	p.at("plan", "SKUs", 1_000, 10_000)
	if out.Len() > 0 {
		t.Errorf("a line after one second: %q", out.String())
	}
	now = now.Add(3 * time.Second)
	p.at("plan", "SKUs", 4_000, 10_000)
	if got, want := out.String(), "plan     4,000 of 10,000 SKUs  1,000/s  6s left\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestGenerateStopped: a stopped generation leaves no folder behind.
func TestGenerateStopped(t *testing.T) {
	for _, format := range generateFormats {
		out := filepath.Join(t.TempDir(), "net")
		var stderr bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		a := &app{out: &stderr, err: &stderr}
		if code := a.main(ctx, []string{"generate", "--skus", "500", "--format", format, "--out", out}); code != 130 {
			t.Errorf("%s: exit code %d: %s", format, code, stderr.String())
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", format, left, err)
		}
	}
}

// TestResultOfFaults: the result object is written when nothing could begin.
func TestResultOfFaults(t *testing.T) {
	for name, x := range map[string]struct {
		args []string
		code int
		says string
	}{
		"arguments": {[]string{"run", "--inputs", "kafka://x:1", "--mapping", "nosuch.yaml"}, 65, "nosuch.yaml"},
		"tenant":    {[]string{"run", "--inputs", "x", "--tenant", "A"}, 64, "--tenant"},
		"policy":    {[]string{"run", "--inputs", "x", "--policy", "nosuch.yaml"}, 78, "nosuch.yaml"},
		"later":     {[]string{"run", "--inputs", "x", "--shard", "0/2"}, 64, "--shard"},
		"folder":    {[]string{"run", "--inputs", "nosuch", "--no-publish"}, 65, "nosuch"},
		"sasl":      {[]string{"run", "--inputs", "x", "--brokers", "b:1", "--sasl", "PLAIN", "--sasl-password-file", "nosuch"}, 78, "nosuch"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var out, notes bytes.Buffer
			a := &app{out: &out, err: &notes}
			code := a.main(t.Context(), append(x.args, "--result", "-", "--state", filepath.Join(dir, "state")))
			if code != x.code || !strings.Contains(out.String(), x.says) || !strings.Contains(notes.String(), x.says) {
				t.Errorf("exit code %d, want %d, naming %q\nstdout: %s\nstderr: %s", code, x.code, x.says, out.String(), notes.String())
			}
		})
	}
}

// failing is a stdout that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("stdout is gone") }

func TestOutputLost(t *testing.T) {
	var notes bytes.Buffer
	a := &app{out: failing{}, err: &notes}
	if code := a.main(t.Context(), []string{"contract", "--format", "markdown"}); code != 1 || !strings.Contains(notes.String(), "stdout is gone") {
		t.Errorf("exit code %d: %s", code, notes.String())
	}
}
