package cycle

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"runtime/debug"
	"slices"

	"echelon/inputs/build"
	"echelon/inputs/feed"
	"echelon/inputs/store"
)

// build makes the snapshot and puts it on disk: at once, or in parts when the inputs are larger than memory.
func (r *run) build(ctx context.Context, id, dir string) error {
	opt := build.Options{
		Tenant: r.cfg.Tenant, AsOf: r.intent.AsOf, Horizon: r.cfg.Policy.HorizonDays, MissingZero: r.cfg.Policy.MissingZero,
		Defaults: r.cfg.Defaults, MaxFaults: 20, Quarantine: r.quarantine.add,
	}
	made := r.buildAtOnce
	if parts := r.buildParts(); parts > 1 {
		text := fmt.Sprintf("the inputs are larger than memory: the snapshot is built in %d parts", parts)
		r.cfg.On(Event{Stage: "snapshot", Text: text})
		made = func(ctx context.Context, dir string, opt build.Options) (report, error) {
			return r.buildInParts(ctx, dir, opt, parts)
		}
	}
	rep, err := made(ctx, dir, opt)
	if err != nil {
		return diskError(dir, err)
	}
	disk := r.written
	if disk == nil {
		if disk, err = store.Open(dir, r.cfg.Tenant); err != nil {
			return err
		}
	}
	r.snap = &snapshot{net: disk.Network, disk: disk, report: rep, own: dir}
	if r.built != nil {
		r.snap.hold(r.built)
	}
	rows := disk.Manifest.Rows
	r.cfg.On(Event{Stage: "snapshot", Done: rows, Total: rows, Unit: "skus", Rate: rate(rows, r.cfg.Now().Sub(r.since))})
	return r.keepSnapshot(ctx, id, dir)
}

func (r *run) buildAtOnce(ctx context.Context, dir string, opt build.Options) (report, error) {
	var built *build.Built
	var checked Checked
	var err error
	if r.src.feed != nil {
		built, checked, err = r.buildFed(ctx, opt)
	} else if built, err = build.Snapshot(ctx, r.src.rows(), opt); err == nil {
		err = r.src.folder.CheckUnused(ctx)
	}
	if err != nil {
		return report{}, err
	}
	rep := r.buildReport(built.Report, checked)
	if r.cfg.Warm != nil {
		r.built = built
	}
	return rep, r.write(dir, built, rep.counts())
}

// write puts a snapshot on disk: what differs from the one that this process wrote in full, or all of it.
func (r *run) write(dir string, built *build.Built, counts []store.TableCounts) error {
	if err := r.cfg.FS.RemoveAll(dir); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	w := r.cfg.Warm
	whole := w.wholeOnDisk()
	if whole != nil {
		if err := r.space(whole.Bytes(), dir); err != nil {
			return err
		}
		m, err := store.WriteOver(dir, whole, built.Network, built.Partitions, r.intent.Inputs, counts)
		if err == nil {
			r.written = store.Held(dir, m, built.Network)
			w.keepWhole(whole.Linked(dir))
			return nil
		}
		if !errors.Is(err, store.ErrWhole) {
			return err
		}
	}
	if err := r.space(store.EstimateBytes(built.Network, built.Partitions), dir); err != nil {
		return err
	}
	m, err := store.Write(dir, built.Network, built.Partitions, r.intent.Inputs, counts)
	if err == nil && r.src.feed != nil {
		w.keepWhole(&store.Whole{Dir: dir, Manifest: m, Network: built.Network, Parts: built.Partitions})
	}
	return err
}

// divisible makes the folder a builder's.
type divisible struct{ *feed.Folder }

func (d divisible) Divide(ctx context.Context, dir string, parts int, of func(string) int) (build.Parts, error) {
	return d.Folder.Divide(ctx, dir, parts, of)
}

// scratchBytes is what a byte of the input files takes on disk while a snapshot is built in parts: its rows, the
// partial snapshots and the whole one.
const scratchBytes = 9

func (r *run) buildInParts(ctx context.Context, dir string, opt build.Options, parts int) (report, error) {
	if err := r.space(scratchBytes*r.src.bytes, dir); err != nil {
		return report{}, err
	}
	if err := r.cfg.FS.RemoveAll(dir); err != nil {
		return report{}, fmt.Errorf("snapshot: %w", err)
	}
	w, err := store.Create(dir)
	if err != nil {
		return report{}, err
	}
	_, counted, err := build.Stream(ctx, divisible{r.src.folder}, opt, parts, dir+".scratch", w)
	if err == nil {
		err = r.src.folder.CheckUnused(ctx)
	}
	if err != nil {
		return report{}, joinAbort(err, w)
	}
	rep := r.buildReport(counted, Checked{})
	_, err = w.Close(r.intent.Inputs, rep.counts())
	return rep, err
}

func joinAbort(err error, w *store.Writer) error {
	if e := w.Abort(); e != nil {
		return fmt.Errorf("%w; and %w", err, e)
	}
	return err
}

// memoryPerByte is what a byte of an input file takes in memory while its snapshot is built at once: measured with
// Parquet files of the default network, the widest form, and rounded up. Other formats are larger files.
const memoryPerByte = 14

// leastParts is raised by tests.
var leastParts int64 = 1

// buildParts is in how many parts the snapshot must be built to stay inside the memory that may be used.
func (r *run) buildParts() int {
	limit := r.memory()
	if limit <= 0 {
		return 1
	}
	const most = 200 // open files
	return int(min(most, max(leastParts, 1+memoryPerByte*r.src.bytes/limit)))
}

// memory is what the process may use in bytes, 0 where nobody tells.
func (r *run) memory() int64 {
	limit := r.cfg.Memory
	if limit == 0 {
		limit = debug.SetMemoryLimit(-1)
	}
	if limit == math.MaxInt64 {
		limit = machineMemory() / 4 * 3
	}
	return limit
}

// machineMemory is the memory of the machine in bytes, 0 where the system does not tell.
func machineMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(s.Text(), "MemTotal: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}

// counts lists the counts of the tables by name.
func (rep *report) counts() []store.TableCounts {
	var out []store.TableCounts
	for _, name := range slices.Sorted(maps.Keys(rep.Tables)) {
		t := rep.Tables[name]
		out = append(out, store.TableCounts{
			Table: name, Read: t.Read, Applied: t.Applied, Superseded: t.Superseded, Quarantined: t.Quarantined, Filtered: t.Filtered,
		})
	}
	return out
}
