package kafka

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"echelon/publish/embedded"
	"echelon/publish/planfile"
)

// Environment of a process that is to die.
const (
	crashAt   = "CRASH_AT"   // moment, and how often it passes before: "lines:1"
	crashDirs = "CRASH_DIRS" // folders of plan files
	crashOn   = "CRASH_ON"   // addresses, or a folder of the embedded broker
)

// TestCrash kills a process that publishes two DCs at once at each moment of the protocol, once on the first
// DC that comes by and once on the second; another process then publishes what is missing. It runs on the
// embedded broker, which dies with the process, or on the real one.
func TestCrash(t *testing.T) {
	if os.Getenv(crashAt) != "" {
		die(t)
		return
	}
	for _, parts := range []int64{0, 1} {
		for _, moment := range []string{"fenced", "looked", "lines", "manifest", "committed"} {
			for pass := range 2 {
				if parts > 0 && pass == 0 {
					continue // with parts the moments come by many times anyway
				}
				t.Run(fmt.Sprintf("%s %d parts of %d", moment, pass, parts), func(t *testing.T) {
					crash(t, fmt.Sprintf("%s:%d:%d", moment, pass, parts))
				})
			}
		}
	}
}

func crash(t *testing.T, at string) {
	name := tenant()
	pl := plan{tenant: name, cycle: "C1", rows: 300}
	var dirs []string
	var dcs []*planfile.DC
	for pl.dc = range 2 {
		pl.seed = uint64(pl.dc)
		dcs = append(dcs, pl.make(t))
		dirs = append(dirs, dcs[pl.dc].Dir)
	}
	addrs := filepath.Join(t.TempDir(), "broker")
	if strings.HasPrefix(t.Name(), "TestReal/") {
		addrs = os.Getenv(realEnv)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrash$")
	cmd.Env = append(os.Environ(), crashAt+"="+at, crashDirs+"="+strings.Join(dirs, ":"), crashOn+"="+addrs)
	out, err := cmd.CombinedOutput()
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err == nil || !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process should have been killed: %v\n%s", err, out)
	}
	p, on, end := onBroker(t, addrs, Config{})
	defer end()
	if err := p.Check(t.Context(), pl.need()); err != nil {
		t.Fatal(err)
	}
	for _, dc := range dcs {
		if _, err := p.PublishDC(t.Context(), dc); err != nil {
			t.Fatal(err)
		}
	}
	for _, dc := range dcs {
		wantOnce(t, on, p, dc)
	}
}

// onBroker opens a publisher on addresses, or on the embedded broker of a folder.
func onBroker(t *testing.T, addrs string, cfg Config) (*Publisher, target, func()) {
	t.Helper()
	on := target{brokers: strings.Split(addrs, ",")}
	end := func() {}
	if strings.HasPrefix(addrs, "/") {
		b, err := embedded.Start(embedded.Options{Dir: addrs})
		if err != nil {
			t.Fatal(err)
		}
		end = func() { _ = b.Close() }
		on.brokers = b.Addrs()
		cfg.Durable = b.Sync
	}
	base := on.config()
	base.Durable, base.At, base.PartLines = cfg.Durable, cfg.At, cfg.PartLines
	// What a killed process leaves open on a broker that lives on hides manifests until the broker ends it.
	base.TransactionTimeout = 4 * time.Second
	return open(t, base), on, end
}

// die publishes the DCs until the moment comes.
func die(t *testing.T) {
	at := strings.Split(os.Getenv(crashAt), ":")
	var pass, parts int64
	if _, err := fmt.Sscan(at[1]+" "+at[2], &pass, &parts); err != nil {
		t.Fatal(err)
	}
	var seen atomic.Int64
	p, _, _ := onBroker(t, os.Getenv(crashOn), Config{PartLines: parts, At: func(moment string) {
		if moment == at[0] && seen.Add(1) > pass {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	var dcs []*planfile.DC
	for _, dir := range strings.Split(os.Getenv(crashDirs), ":") {
		dc, err := planfile.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		dcs = append(dcs, dc)
	}
	need := plan{tenant: dcs[0].Manifest.Tenant}.need()
	// The start check writes the division of partitions, with moments of its own.
	before := p.cfg.At
	p.cfg.At = func(string) {}
	if err := p.Check(context.Background(), need); err != nil {
		t.Fatal(err)
	}
	p.cfg.At = before
	var g errgroup.Group
	for _, dc := range dcs {
		g.Go(func() error { _, err := p.PublishDC(context.Background(), dc); return err })
	}
	t.Fatalf("still alive: %v", g.Wait())
}
