package main

import (
	"context"
	"fmt"
	"strings"

	"echelon/inputs"
	"echelon/planner"
	"echelon/planner/net/tile"
)

func kernelBenchmark() benchmark {
	return benchmark{"kernel", "the first netting of all rows alone, by path; share of the speed at which the same memory is read", netKernel}
}

// netKernel times the first netting of all rows alone, by path, and how fast the same memory can be read.
func netKernel(ctx context.Context, s settings, report func(result)) error {
	m, err := inMemory(ctx, s)
	if err != nil {
		return err
	}
	cycle := m.cycle(s)
	n, err := planner.NewFirstNetting(ctx, cycle, m)
	if err != nil {
		return err
	}
	clock := cpuNanos
	var cost planner.FirstNettingCost
	var best planner.FirstNettingCost
	var total int64
	for i := range s.runs + 1 {
		cost = n.Run(clock)
		sum := int64(0)
		for _, ns := range cost.Nanos {
			sum += ns
		}
		if i == 1 || i > 1 && sum < total {
			best, total = cost, sum
		}
	}
	read, bytes := int64(1<<62), int64(0)
	for range s.runs + 1 {
		t := clock()
		bytes = m.readRows()
		read = min(read, clock()-t)
	}
	rows := best.Rows[planner.PathKernel]
	if rows == 0 {
		rows = 1
	}
	perRow := float64(best.Nanos[planner.PathKernel]) / float64(rows)
	reading := float64(read) / float64(m.skus)
	extra := map[string]float64{
		"read_ns_per_sku": reading, "read_GB_per_s": float64(bytes) / float64(read), "orders_per_sku": float64(best.Orders) / float64(m.skus),
		"share_of_read_bandwidth": reading / perRow,
	}
	pathFigures(extra, best.Rows[:], best.Left[:])
	for path := range planner.NumPaths {
		if n := best.Rows[path]; n > 0 {
			extra["ns_per_row_"+path.String()] = float64(best.Nanos[path]) / float64(n)
		}
	}
	seconds := float64(total) / 1e9
	report(result{
		SKUs: m.skus, Seconds: seconds, CPUSeconds: seconds, NsPerSKUCore: float64(total) / float64(m.skus), Extra: extra,
		Text: fmt.Sprintf("best of %d runs, %s kernel", s.runs, kernelInUse(cycle.Kernel)),
	})
	return nil
}

// kernelInUse names the form of the kernel that a setting comes to here.
func kernelInUse(k planner.Kernel) string {
	if k == planner.KernelAuto && tile.Vector() {
		return "vector"
	}
	if k == planner.KernelAuto {
		return "scalar"
	}
	return k.String()
}

// pathFigures adds the shares of rows per path and of those that the kernel left, by reason.
func pathFigures(extra map[string]float64, rows, left []int64) {
	var all int64
	for _, n := range rows {
		all += n
	}
	for i, n := range rows {
		extra["rows_"+planner.Path(i).String()] = float64(n) / float64(max(all, 1))
	}
	for i, n := range left {
		if n > 0 {
			extra["left_"+strings.ReplaceAll(tile.Reason(i).String(), " ", "_")] = float64(n) / float64(max(all, 1))
		}
	}
}

// pathsOf adds the figures of what a cycle counted.
func pathsOf(p *planner.Paths, extra map[string]float64) {
	var rows [planner.NumPaths]int64
	var left [tile.NumReasons]int64
	for i := range rows {
		rows[i] = p.Rows[i].Load()
	}
	for i := range left {
		left[i] = p.Left[i].Load()
	}
	extra["rows_gone_on"] = float64(p.GoneOn.Load())
	pathFigures(extra, rows[:], left[:])
}

// readRows reads every byte that netting reads once and does nothing with it.
func (m *memory) readRows() (bytes int64) {
	for _, dc := range m.net.DCs {
		p := m.parts[dc]
		for _, v := range [...][]int32{p.OnHand, p.Unusable, p.Reserved, p.Backorders, p.SafetyUnits, p.SafetyDays, p.Presentation, p.ShelfCap, p.Min, p.Max} {
			read.Add(sumOf(v))
			bytes += 4 * int64(len(v))
		}
		read.Add(sumOf(p.D16) + sumOf(p.Flags) + sumOf(p.Policy) + sumOf(p.CoverDays) + sumOf(p.ShelfLife) + sumOf(p.Day0Left) + sumOf(p.Day0Of) + sumOf(p.LotSet) + sumOf(p.Item))
		bytes += 2*int64(len(p.D16)) + int64(len(p.Policy)) + 8*int64(len(p.CoverDays)) + 12*int64(len(p.LotSet))
	}
	return bytes
}

// sumOf adds numbers up, in eight chains that do not wait for each other.
func sumOf[T int8 | uint8 | int16 | uint16 | int32 | uint32 | inputs.RowFlags | inputs.SKUPolicy | inputs.LotSetIdx | inputs.ItemIdx](v []T) uint64 {
	var s [8]uint64
	for len(v) >= 8 {
		b := v[:8]
		s[0] += uint64(b[0])
		s[1] += uint64(b[1])
		s[2] += uint64(b[2])
		s[3] += uint64(b[3])
		s[4] += uint64(b[4])
		s[5] += uint64(b[5])
		s[6] += uint64(b[6])
		s[7] += uint64(b[7])
		v = v[8:]
	}
	for _, x := range v {
		s[0] += uint64(x)
	}
	return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7]
}
