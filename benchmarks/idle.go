package main

import (
	"runtime"
	"runtime/metrics"
)

// busyCores runs f and gives how many of the cores that this program may use were in use on average, as the runtime
// counts: a core that another program took away counts as used. So the figure says on any machine what waiting
// inside the program costs.
func busyCores(f func() error) (float64, error) {
	idle, all := coreSeconds()
	if err := f(); err != nil {
		return 0, err
	}
	idleAfter, allAfter := coreSeconds()
	if allAfter <= all {
		return 0, nil
	}
	return float64(runtime.GOMAXPROCS(0)) * (1 - (idleAfter-idle)/(allAfter-all)), nil
}

// coreSeconds gives the seconds that cores were idle, and all; the runtime counts them when it collects garbage.
func coreSeconds() (idle, all float64) {
	runtime.GC()
	s := []metrics.Sample{{Name: "/cpu/classes/idle:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64(), s[1].Value.Float64()
}
