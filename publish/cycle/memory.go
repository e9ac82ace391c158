package cycle

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"echelon/planner"
	"echelon/publish/outcome"
)

// Bytes that planning takes beside the rows of the DCs in work: a worker's desk and the groups that wait for the
// plan files, measured with groups of 64 items in 200 stores and rounded up; what is published meanwhile.
const (
	workerBytes  = 96 << 20
	publishBytes = 256 << 20
)

// budget is how a process divides what it may use.
type budget struct {
	limit  int64 // bytes that the process may use; 0: no limit
	beside int64 // what it uses before planning, and what planning and publishing take beside the rows of DCs
}

func (r *run) budget() budget {
	limit := r.cfg.Memory
	if limit == 0 {
		limit = debug.SetMemoryLimit(-1)
	}
	if limit == math.MaxInt64 {
		return budget{}
	}
	workers := r.cfg.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return budget{limit: limit, beside: inUse() + int64(workers)*workerBytes + publishBytes}
}

// forRows is how many bytes the rows of DCs may take, 0: no limit. A process at its limit gets a byte, so that the
// refusal says how much is missing.
func (m budget) forRows() int64 {
	if m.limit == 0 {
		return 0
	}
	return max(1, m.limit-m.beside)
}

// inUse is the bytes of live objects and of the runtime itself.
func inUse() int64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/metadata/other:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(live)
	var sum int64
	for _, s := range live {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += int64(s.Value.Uint64())
		}
	}
	return sum
}

// refused classifies a plan that is refused because a DC does not fit into memory.
func (m budget) refused(err error) error {
	var small *planner.MemoryError
	if !errors.As(err, &small) {
		return err
	}
	need := m.beside + small.Needs
	return outcome.New(outcome.CodeConfig, "memory_limit", "dc "+small.Unit,
		fmt.Sprintf("give it --memory %dMiB (or GOMEMLIMIT), or plan on a larger machine; nothing was planned", (need+1<<20-1)>>20),
		"its rows take %d bytes in memory; with what planning and publishing take beside, %d bytes are needed and %d may be used", small.Needs, need, m.limit)
}
