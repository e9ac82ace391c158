package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"echelon/publish/cycle"
	"echelon/publish/disk"
)

// TestMain lets the test binary run as echelon: scripts and crash tests start it as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"echelon": func() { os.Exit(echelon()) }})
}

// echelon is the command line with stage boundaries that tests reach into:
//
//	ECHELON_TEST_KILL=after-publish:2      SIGKILL when the stage is reached for the second time
//	ECHELON_TEST_FREE=1000                 so many bytes are free on the disk
//	ECHELON_TEST_FILE=65536                the system lets no file become larger: writes fail in the middle
//	ECHELON_TEST_HOLD=after-compare=FIFO   wait there until the other end of the pipe was opened and closed
func echelon() int {
	a := &app{out: os.Stdout, err: os.Stderr}
	if at := os.Getenv("ECHELON_TEST_KILL"); at != "" {
		a.at = killAt(at)
	}
	if free := os.Getenv("ECHELON_TEST_FREE"); free != "" {
		n, err := strconv.ParseInt(free, 10, 64)
		if err != nil {
			panic(err)
		}
		a.fs = smallDisk{free: n}
	}
	if most := os.Getenv("ECHELON_TEST_FILE"); most != "" {
		limitFiles(most)
	}
	if stage, pipe, ok := strings.Cut(os.Getenv("ECHELON_TEST_HOLD"), "="); ok {
		a.at = func(s string) {
			if s == stage {
				_, _ = os.ReadFile(pipe) // returns when the test closes its end
			}
		}
	}
	return a.main(context.Background(), os.Args[1:])
}

// smallDisk is the machine's disk with little room.
type smallDisk struct {
	disk.OS
	free int64
}

// Free implements disk.FS.
func (d smallDisk) Free(string) (int64, error) { return d.free, nil }

// limitFiles makes the system refuse every write past so many bytes of a file.
func limitFiles(most string) {
	n, err := strconv.ParseUint(most, 10, 64)
	if err != nil {
		panic(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
		panic(err)
	}
}

// killAt ends the process without a word when a stage is reached the n-th time.
func killAt(at string) func(string) {
	stage, count, _ := strings.Cut(at, ":")
	n, err := strconv.Atoi(count)
	if err != nil {
		n = 1
	}
	var mu sync.Mutex
	return func(s string) {
		mu.Lock()
		defer mu.Unlock()
		if s != stage {
			return
		}
		if n--; n == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // the signal comes
		}
	}
}

// TestScripts runs the scripts of testdata/script: every command, every bad input, exit codes and messages.
// Each finds a small network in its folder in/ (tiny).
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("..", "testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("AS_OF", "2026-11-21T08:00:00Z")
			return tiny(filepath.Join(e.WorkDir, "in"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "units": unitsAre, "append": appendTo, "cut": cutFile, "flip": flipBit, "samehash": sameHash, "copydir": copyDir, "scenario": scenarioPlans, "nothalf": notHalf,
		},
		RequireExplicitExec: true,
	})
}

// tiny writes a network of one vendor, two DCs with two stores each, and three items: everyone orders every
// day, goods come the next.
func tiny(dir string) error {
	nodes := []string{"node,kind,zone", "V1,vendor,America/Chicago"}
	lanes := []string{"lane,source,destination,transit_days"}
	items := []string{"item,name,pack,price,currency", "I1,Milk,6,150,USD", "I2,Rice,10,220,USD", "I3,Tea,4,380,USD"}
	skus := []string{"item,node,safety_units"}
	inventory := []string{"item,node,on_hand"}
	forecasts := []string{"item,node,from,daily"}
	sku := func(node, stock string) {
		for _, item := range []string{"I1", "I2", "I3"} {
			skus = append(skus, item+","+node+",4")
			inventory = append(inventory, item+","+node+","+stock)
		}
	}
	daily := strings.TrimSuffix(strings.Repeat("3;", 28), ";")
	for _, dc := range []string{"1", "2"} {
		nodes = append(nodes, "D"+dc+",dc,America/Chicago")
		lanes = append(lanes, "V-D"+dc+",V1,D"+dc+",2")
		sku("D"+dc, "500")
		for _, s := range []string{"1", "2"} {
			store := "S" + dc + s
			nodes = append(nodes, store+",store,America/Chicago")
			lanes = append(lanes, "D"+dc+"-"+store+",D"+dc+","+store+",1")
			sku(store, "5")
			for _, item := range []string{"I1", "I2", "I3"} {
				forecasts = append(forecasts, item+","+store+",2026-11-21,"+daily)
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, lines := range map[string][]string{
		"nodes.csv": nodes, "lanes.csv": lanes, "items.csv": items, "skus.csv": skus, "inventory.csv": inventory, "forecasts.csv": forecasts, "_SUCCESS": nil,
	} {
		text := strings.Join(lines, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// exits runs a program and compares its exit code: exits 64 echelon run …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s\nstdout:\n%s\nstderr:\n%s", got, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// unitsAre compares the units released by a result: units FILE =0, units FILE >0.
func unitsAre(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: units RESULT =N|>N")
	}
	var r cycle.Result
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &r); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	var got int64
	for _, d := range r.DCs {
		got += d.Units
	}
	want, err := strconv.ParseInt(args[1][1:], 10, 64)
	ts.Check(err)
	if ok := args[1][0] == '=' && got == want || args[1][0] == '>' && got > want; !ok {
		ts.Fatalf("%d units released, want %s", got, args[1])
	}
}

// appendTo adds a line to a file: append FILE LINE.
func appendTo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: append FILE LINE")
	}
	name := ts.MkAbs(args[0])
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	ts.Check(err)
	_, err = fmt.Fprintln(f, args[1])
	ts.Check(err)
	ts.Check(f.Close())
}

// cutFile halves a file.
func cutFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cut FILE")
	}
	name := ts.MkAbs(args[0])
	info, err := os.Stat(name)
	ts.Check(err)
	ts.Check(os.Truncate(name, info.Size()/2))
}

// flipBit flips one bit in the middle of a file found by a pattern.
func flipBit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: flip PATTERN")
	}
	found, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(found) == 0 {
		ts.Fatalf("no file %s", args[0])
	}
	raw, err := os.ReadFile(found[0])
	ts.Check(err)
	raw[len(raw)/2] ^= 1
	ts.Check(os.WriteFile(found[0], raw, 0o644))
}

// sameHash demands that results have one plan hash, and that it is one.
func sameHash(ts *testscript.TestScript, neg bool, args []string) {
	hashes := map[string]string{}
	for _, name := range args {
		var r cycle.Result
		if err := json.Unmarshal([]byte(ts.ReadFile(name)), &r); err != nil {
			ts.Fatalf("%s: %v", name, err)
		}
		if len(r.PlanHash) != 64 {
			ts.Fatalf("%s: plan hash %q", name, r.PlanHash)
		}
		hashes[r.PlanHash] = name
	}
	if (len(hashes) == 1) == neg {
		ts.Fatalf("plan hashes: %v", hashes)
	}
}

// notHalf demands that a folder holds nothing half done that anyone would take for whole: nothalf DIR.
func notHalf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: nothalf DIR")
	}
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		if err == nil && (strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, ".partial") || strings.HasSuffix(name, ".scratch")) {
			err = fmt.Errorf("left behind: %s", path)
		}
		return err
	}))
}

// copyDir copies a folder: copydir FROM TO.
func copyDir(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: copydir FROM TO")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}
