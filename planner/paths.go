package planner

import (
	"fmt"
	"sync/atomic"

	"echelon/planner/net/tile"
)

// Path is a way of netting a row for the first time. Which one a row took never shows in its plan.
type Path uint8

// Paths of a row.
const (
	PathKernel  Path = iota // its tile, 64 rows together
	PathRow                 // alone, the short way of rows without dates, layers and promises
	PathCareful             // alone, with all rules
	NumPaths
)

var pathNames = [NumPaths]string{"kernel", "row", "careful"}

func (p Path) String() string { return pathNames[p] }

// Paths counts which way rows were netted. A Cycle that has one adds to it; it never changes a byte of the plan.
type Paths struct {
	// first nettings; a row of a DC with parents is netted when it asks, and again when it gives where there was no
	// room to keep what it asked
	Rows   [NumPaths]atomic.Int64
	Left   [tile.NumReasons]atomic.Int64 // rows of tiles with a kernel that it left, by reason
	GoneOn atomic.Int64                  // rows whose give went on from what they had asked
}

// pathCounts are a desk's own counts.
type pathCounts struct {
	rows [NumPaths]int64
	left [tile.NumReasons]int64
	on   int64
}

// addTo moves the counts to the cycle's, nil: nobody asks for them.
func (c *pathCounts) addTo(p *Paths) {
	if p != nil {
		for i, n := range c.rows {
			p.Rows[i].Add(n)
		}
		for i, n := range c.left {
			p.Left[i].Add(n)
		}
		p.GoneOn.Add(c.on)
	}
	*c = pathCounts{}
}

// Kernel says which form of the tile kernel nets.
type Kernel uint8

// Kernels.
const (
	KernelAuto    Kernel = iota // the best that the processor has
	KernelVector                // vector instructions; refused where the processor has none
	KernelScalar                // plain Go
	KernelOff                   // every row alone
	KernelCareful               // every row alone, by the careful path
	numKernels
)

var kernelNames = [numKernels]string{"auto", "vector", "scalar", "off", "careful"}

func (k Kernel) String() string { return kernelNames[k] }

// ParseKernel reads the name of a kernel.
func ParseKernel(name string) (Kernel, error) {
	for k, n := range kernelNames {
		if n == name {
			return Kernel(k), nil
		}
	}
	return 0, fmt.Errorf("no kernel %q; choose auto, vector, scalar, off or careful", name)
}
