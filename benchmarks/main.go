// Command benchmarks measures what Echelon costs: ratios and per-SKU figures in one run, never a timed test.
//
//	go run ./benchmarks --list
//	go run ./benchmarks --only compile,plan --skus 1000000 --workers 1 --json FILE
//
// The large ones, which want a quiet machine, 24 GiB and an hour (ten million lines are those of 6.8 M SKUs):
//
//	go run ./benchmarks --only compile,build,load,plan,write --sizes 1000000,10000000 --runs 1 --json FILE --dir DIR
//	go run ./benchmarks --only publish --skus 6800000 --runs 1 --workers 2 --json FILE --dir DIR
//	go run ./fixtures/real/with kafka -- go run ./benchmarks --only publish --skus 6800000 --runs 1 --workers 2 --json FILE --dir DIR
//
// Each benchmark prints one line for people and, with --json, appends one object per line to the file.
// Committed results lie in benchmarks/results/ and come from this command.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"echelon/planner"
)

// result is one measurement.
type result struct {
	Name         string             `json:"name"`
	SKUs         int64              `json:"skus,omitempty"`
	Workers      int                `json:"workers"`
	Seconds      float64            `json:"seconds"`
	CPUSeconds   float64            `json:"cpu_seconds"`
	NsPerSKUCore float64            `json:"ns_per_sku_core,omitempty"`
	BytesPerSKU  float64            `json:"bytes_per_sku,omitempty"`
	Ratio        float64            `json:"ratio,omitempty"`
	RatioTo      string             `json:"ratio_to,omitempty"`
	Extra        map[string]float64 `json:"extra,omitempty"`
	Text         string             `json:"text,omitempty"`
	Command      string             `json:"command"`
	Machine      string             `json:"machine"`
	Date         string             `json:"date"`
}

// settings are the flags of a run.
type settings struct {
	skus    int64
	workers int
	runs    int
	dir     string
	seed    uint64
	dcs     int
	sizes   string // SKUs of each network, measured one after another
	largest int64  // of them
	lines   string // plan and write: which of the policy's lines
	brokers string // publish: a cluster
	kernel  planner.Kernel
}

// benchmark is one thing that is measured.
type benchmark struct {
	name string
	does string
	run  func(ctx context.Context, s settings, report func(result)) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("benchmarks", flag.ContinueOnError)
	var s settings
	list := fs.Bool("list", false, "names of the benchmarks")
	only := fs.String("only", "", "comma-separated names (default: all)")
	file := fs.String("json", "", "append one JSON object per measurement to this file")
	fs.Int64Var(&s.skus, "skus", 1_000_000, "size of the default network")
	fs.StringVar(&s.sizes, "sizes", "", "SKUs of each network, with commas between them: every benchmark once for each, with its growth (default: --skus; scale: a hundredth, a tenth and all of it)")
	fs.StringVar(&s.lines, "lines", "both", "plan and write: window (the default policy), all, or both one after another")
	fs.StringVar(&s.brokers, "brokers", os.Getenv(kafkaAddress), "publish: host:port of a cluster (default: that of fixtures/real/with, else one in this process)")
	fs.IntVar(&s.workers, "workers", 1, "goroutines that plan; figures are per core")
	fs.IntVar(&s.runs, "runs", 3, "counted runs after one warm-up; the median is reported")
	fs.IntVar(&s.dcs, "dcs", 0, "DCs of the network (0: the generator's default)")
	fs.Uint64Var(&s.seed, "seed", 1, "seed of the network")
	fs.StringVar(&s.dir, "dir", "", "folder for snapshots and plan files (default: a temporary one)")
	kernel := fs.String("kernel", "auto", "form of the netting kernel: auto, vector, scalar, off, careful")
	profile := fs.String("cpuprofile", "", "write a processor profile of the run to this file")
	if err := fs.Parse(args); err != nil {
		return err
	}
	var err error
	if s.kernel, err = planner.ParseKernel(*kernel); err != nil {
		return err
	}
	if !slices.Contains([]string{"window", "all", "both"}, s.lines) {
		return fmt.Errorf("--lines %s: want window, all or both", s.lines)
	}
	sizes, err := s.networks()
	if err != nil {
		return err
	}
	s.largest = slices.Max(sizes)
	all := append(benchmarks(), kernelBenchmark())
	if *list {
		for _, b := range all {
			fmt.Printf("%-9s %s\n", b.name, b.does)
		}
		return nil
	}
	chosen, err := choose(all, *only)
	if err != nil {
		return err
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "echelon-bench-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	runtime.GOMAXPROCS(max(s.workers, 1))
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return errors.Join(err, f.Close())
		}
		defer pprof.StopCPUProfile()
	}
	command := "go run ./benchmarks " + strings.Join(args, " ")
	for _, b := range chosen {
		report := func(r result) {
			r.Name, r.Workers, r.Command, r.Machine = b.name, s.workers, command, machine()
			r.Date = time.Now().UTC().Format(time.DateOnly)
			fmt.Println(r.line())
			if *file != "" {
				err = errors.Join(err, appendJSON(*file, r))
			}
		}
		if b.name == "scale" { // has its own way with sizes
			sizes = []int64{s.skus}
		}
		growth := growing(report)
		for _, one := range sizes {
			s.skus = one
			if failed := b.run(ctx, s, growth()); failed != nil {
				return fmt.Errorf("%s: %w", b.name, failed)
			}
		}
	}
	return err
}

// networks are the sizes that are measured.
func (s *settings) networks() ([]int64, error) {
	if s.sizes == "" {
		return []int64{s.skus}, nil
	}
	var out []int64
	for _, text := range strings.Split(s.sizes, ",") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("--sizes %s: want numbers of SKUs with commas between them", s.sizes)
		}
		out = append(out, n)
	}
	return out, nil
}

// growing adds to the figures of a larger network how the processor time per SKU grew from the first one.
func growing(report func(result)) func() func(result) {
	var first []float64
	return func() func(result) {
		n := 0
		return func(r result) {
			if r.SKUs > 0 {
				each := r.CPUSeconds / float64(r.SKUs)
				if n == len(first) {
					first = append(first, each)
				} else if r.Extra == nil {
					r.Extra = map[string]float64{"growth": each / first[n]}
				} else {
					r.Extra["growth"] = each / first[n]
				}
				n++
			}
			report(r)
		}
	}
}

// readShare adds how fast bytes were read, as a share of the speed at which this machine reads memory.
func readShare(extra map[string]float64, bytes int64, seconds, bandwidth float64) {
	extra["read_gb_s"], extra["share_of_read_bandwidth"] = bandwidth/1e9, float64(bytes)/seconds/bandwidth
}

// choose picks the named benchmarks, all when none is named.
func choose(all []benchmark, only string) ([]benchmark, error) {
	if only == "" {
		return all, nil
	}
	var chosen []benchmark
	for _, name := range strings.Split(only, ",") {
		i := slices.IndexFunc(all, func(b benchmark) bool { return b.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no benchmark %q; --list names them", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// line is the form for people.
func (r result) line() string {
	text := fmt.Sprintf("%-8s", r.Name)
	if r.SKUs > 0 {
		text += fmt.Sprintf(" %d SKUs", r.SKUs)
	}
	text += fmt.Sprintf("  %d workers  %.3f s (processor %.3f s)", r.Workers, r.Seconds, r.CPUSeconds)
	if r.NsPerSKUCore > 0 {
		text += fmt.Sprintf("  %.0f ns/SKU·core (%.2f M SKU/s·core)", r.NsPerSKUCore, 1000/r.NsPerSKUCore)
	}
	if r.BytesPerSKU > 0 {
		text += fmt.Sprintf("  %.0f B/SKU", r.BytesPerSKU)
	}
	if r.Ratio > 0 {
		text += fmt.Sprintf("  %.2f × %s", r.Ratio, r.RatioTo)
	}
	names := make([]string, 0, len(r.Extra))
	for n := range r.Extra {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		text += fmt.Sprintf("  %s %.4g", n, r.Extra[n])
	}
	if r.Text != "" {
		text += "  " + r.Text
	}
	return text
}

func appendJSON(name string, r result) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	return errors.Join(err, f.Close())
}

// machine describes the processor and its cores, as the system tells.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for _, line := range strings.Split(string(b), "\n") {
			if name, ok := strings.CutPrefix(line, "model name"); ok {
				model = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s", model, runtime.NumCPU(), runtime.Version())
}

// took is what the runs of a benchmark took: medians of the seconds by the clock and of all cores together.
// On a busy machine the second one is the more honest.
type took struct{ wall, cpu float64 }

// timed runs f once to warm up and then as often as asked.
func timed(ctx context.Context, s settings, f func() error) (took, error) {
	var wall, cpu []float64
	for i := range s.runs + 1 {
		if err := ctx.Err(); err != nil {
			return took{}, err
		}
		runtime.GC()
		began, used := time.Now(), cpuSeconds()
		if err := f(); err != nil {
			return took{}, err
		}
		if i > 0 {
			wall = append(wall, time.Since(began).Seconds())
			cpu = append(cpu, cpuSeconds()-used)
		}
	}
	return took{median(wall), median(cpu)}, nil
}

// once runs f a single time: what takes minutes and is no warmer the second time.
func once(f func() error) (took, error) {
	runtime.GC()
	began, used := time.Now(), cpuSeconds()
	err := f()
	return took{time.Since(began).Seconds(), cpuSeconds() - used}, err
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// cpuSeconds is the processor time of this process so far.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
