package cycle

import (
	"errors"
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

// memoryForRows is how many bytes the rows of DCs may take: what the process may use less what it uses and what
// planning and publishing need beside; 0: no limit. A process at its limit gets a byte, so that the refusal says how
// much is missing.
func (r *run) memoryForRows() int64 {
	limit := r.cfg.Memory
	if limit == 0 {
		limit = debug.SetMemoryLimit(-1)
	}
	if limit == math.MaxInt64 {
		return 0
	}
	workers := r.cfg.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return max(1, limit-inUse()-int64(workers)*workerBytes-publishBytes)
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

// memoryError classifies a plan that is refused because a DC does not fit into memory.
func memoryError(err error) error {
	var small *planner.MemoryError
	if !errors.As(err, &small) {
		return err
	}
	return outcome.New(outcome.CodeConfig, "memory_limit", "dc "+small.Unit,
		"raise the limit (GOMEMLIMIT) by what is missing, or plan on a larger machine; nothing was planned", "%w", err)
}
